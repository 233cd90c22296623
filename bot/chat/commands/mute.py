"""`/mute`: hear nothing of something, for a while or until told."""

from __future__ import annotations

from dataclasses import replace

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.chats.silence import Mute
from bot.chats.silence_words import mute_meant
from bot.messages.blocks import Message
from bot.messages.silence import muted


async def _answer(asked: Asked) -> Message:
    was, present = await asked.book.silence(asked.chat), asked.book.now()
    meant = mute_meant(asked.arguments, present, was.zone)
    mute = Mute(asked.topics.resolve(meant.name), meant.until)
    # Mutes that are over are forgotten on this occasion.
    others = tuple(each for each in was.muted(present) if each.topic != mute.topic)
    now = replace(was, mutes=(*others, mute))
    await asked.book.change_silence(asked.chat, was, now)
    return muted(mute, asked.topics.title(mute.topic), now.zone, present)


COMMAND = Command(
    name="mute",
    arguments="WHAT [HOW LONG]",
    fewest=1,
    most=8,
    role=Role.MEMBER,
    usage="tell this chat nothing of something: for 30m, 2h or 3d, until a day, or until /unmute",
    examples=("/mute HSTECH 2h", "/mute buyback until 2026-12-01", "/mute 0700.HK"),
    answer=_answer,
)
