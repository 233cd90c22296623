"""`/alert`: an alert of the chat's own, said in a line."""

from __future__ import annotations

from bot.chat import own
from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.errors import UsageError
from bot.messages.blocks import Message
from bot.messages.own import EXAMPLES, usage

_CHANGE = "change"
_MOST_WORDS = 500


async def _answer(asked: Asked) -> Message:
    if not asked.arguments:
        return usage()
    if asked.arguments[0].casefold() != _CHANGE:
        return await own.made(asked, asked.text)
    words = asked.text.split(None, 2)
    if len(words) <= 2:  # noqa: PLR2004 - the word itself, which one, and what it is to be
        raise UsageError("Write /alert change N LINE, as in /alert change 1 小米 跌破 11.")
    return await own.changed(asked, words[1], words[2])


COMMAND = Command(
    name="alert",
    arguments="[change N] LINE",
    fewest=0,
    most=_MOST_WORDS,
    role=Role.MEMBER,
    usage="an alert of this chat's own, said in a line; says what it means and how often it would have rung",
    examples=EXAMPLES,
    answer=_answer,
)
