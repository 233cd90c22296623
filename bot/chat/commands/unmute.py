"""`/unmute`: hear again what was muted."""

from __future__ import annotations

from dataclasses import replace

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.chats.subscription import EVERYTHING
from bot.messages.blocks import Message
from bot.messages.silence import unmuted


async def _answer(asked: Asked) -> Message:
    was, present = await asked.book.silence(asked.chat), asked.book.now()
    topic = asked.topics.resolve(asked.words)
    lasting = was.muted(present)
    ended = tuple(each for each in lasting if topic in {EVERYTHING, each.topic})
    now = replace(was, mutes=tuple(each for each in lasting if each not in ended))
    await asked.book.change_silence(asked.chat, was, now)
    return unmuted(tuple(asked.topics.title(each.topic) for each in ended), asked.topics.title(topic))


COMMAND = Command(
    name="unmute",
    arguments="WHAT",
    fewest=1,
    most=6,
    role=Role.MEMBER,
    usage="tell this chat again of something that it muted; all ends every mute",
    examples=("/unmute HSTECH", "/unmute all"),
    answer=_answer,
)
