"""`/subscriptions`: what this chat is told of, and what of it is held back."""

from __future__ import annotations

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.messages.blocks import Message
from bot.messages.silence import silence_lines
from bot.messages.subscribing import subscriptions


async def _answer(asked: Asked) -> Message:
    held = await asked.book.of(asked.chat)
    silence = await asked.book.silence(asked.chat)
    return subscriptions(
        (asked.topics.title(each.topic) for each in held),
        silence_lines(silence, asked.topics.title, asked.book.now()),
    )


COMMAND = Command(
    name="subscriptions",
    arguments="",
    fewest=0,
    most=0,
    role=Role.READER,
    usage="what this chat is told of, and what of it is held back",
    examples=("/subscriptions",),
    answer=_answer,
)
