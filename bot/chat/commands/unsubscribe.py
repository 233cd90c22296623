"""`/unsubscribe`: be told of something no more."""

from __future__ import annotations

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.messages.blocks import Message
from bot.messages.subscribing import unsubscribed


async def _answer(asked: Asked) -> Message:
    topic = asked.topics.resolve(asked.words)
    was = await asked.book.remove(asked.chat, topic)
    return unsubscribed(asked.topics.title(topic), was=was)


COMMAND = Command(
    name="unsubscribe",
    arguments="WHAT",
    fewest=1,
    most=6,
    role=Role.MEMBER,
    usage="tell this chat of something no more",
    examples=("/unsubscribe HSTECH",),
    answer=_answer,
)
