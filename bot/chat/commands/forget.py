"""`/forget`: take an alert of the chat's own away."""

from __future__ import annotations

from bot.chat import own
from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.messages.blocks import Message


async def _answer(asked: Asked) -> Message:
    return await own.removed(asked, asked.text)


COMMAND = Command(
    name="forget",
    arguments="N",
    fewest=1,
    most=1,
    role=Role.MEMBER,
    usage="remove one of this chat's own alerts, by its number or name in /alerts",
    examples=("/forget 1",),
    answer=_answer,
)
