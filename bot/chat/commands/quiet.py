"""`/quiet`: the hours in which this chat is told nothing that can wait."""

from __future__ import annotations

from dataclasses import replace

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.chats.silence_words import OFF, hours_meant
from bot.messages.blocks import Message
from bot.messages.silence import quiet_set, silence_shown


async def _answer(asked: Asked) -> Message:
    was = await asked.book.silence(asked.chat)
    if not asked.arguments:
        return silence_shown(was, asked.topics.title, asked.book.now())
    quiet = None if asked.words.casefold() in OFF else hours_meant(asked.words)
    now = replace(was, quiet=quiet)
    await asked.book.change_silence(asked.chat, was, now)
    return quiet_set(now)


COMMAND = Command(
    name="quiet",
    arguments="[FROM-TO|off]",
    fewest=0,
    most=3,
    role=Role.MEMBER,
    usage="quiet hours, in which only what is urgent is told and all else waits; alone, all that silences",
    examples=("/quiet 23:00-07:00", "/quiet off", "/quiet"),
    answer=_answer,
)
