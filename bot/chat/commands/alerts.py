"""`/alerts`: the alerts of the chat's own."""

from __future__ import annotations

from bot.chat import own
from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.messages.blocks import Message


async def _answer(asked: Asked) -> Message:
    return await own.listing(asked)


COMMAND = Command(
    name="alerts",
    arguments="",
    fewest=0,
    most=0,
    role=Role.READER,
    usage="this chat's own alerts, and when each last told",
    examples=("/alerts",),
    answer=_answer,
)
