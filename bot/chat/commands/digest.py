"""`/digest`: be told of everything together, at times of the day."""

from __future__ import annotations

from dataclasses import replace

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.chats.silence_words import MOST_TIMES, OFF, times_meant
from bot.messages.blocks import Message
from bot.messages.silence import digest_set


async def _answer(asked: Asked) -> Message:
    was = await asked.book.silence(asked.chat)
    now = was
    if asked.arguments:
        off = asked.words.casefold() in OFF
        now = replace(was, digest=() if off else times_meant(asked.arguments))
        await asked.book.change_silence(asked.chat, was, now)
    return digest_set(now)


COMMAND = Command(
    name="digest",
    arguments="[TIMES|off]",
    fewest=0,
    most=MOST_TIMES,
    role=Role.MEMBER,
    usage="collect what is not urgent and tell it together, at these times of the day",
    examples=("/digest 09:00 16:30", "/digest off"),
    answer=_answer,
)
