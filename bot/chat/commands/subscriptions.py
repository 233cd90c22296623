"""`/subscriptions`: what this chat is told of."""

from __future__ import annotations

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.messages.blocks import Message
from bot.messages.subscribing import subscriptions


async def _answer(asked: Asked) -> Message:
    held = await asked.book.of(asked.chat)
    return subscriptions(asked.topics.title(each.topic) for each in held)


COMMAND = Command(
    name="subscriptions",
    arguments="",
    fewest=0,
    most=0,
    role=Role.READER,
    usage="what this chat is told of",
    examples=("/subscriptions",),
    answer=_answer,
)
