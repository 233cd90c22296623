"""`/subscribe`: be told of an instrument, a rule, a topic of news, or everything."""

from __future__ import annotations

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.messages.blocks import Message
from bot.messages.subscribing import subscribed


async def _answer(asked: Asked) -> Message:
    topic = asked.topics.resolve(asked.words)
    anew = await asked.book.add(asked.chat, topic)
    return subscribed(asked.topics.title(topic), await asked.book.rate(topic), anew=anew)


COMMAND = Command(
    name="subscribe",
    arguments="WHAT",
    fewest=1,
    most=6,
    role=Role.MEMBER,
    usage="tell this chat of an instrument, a rule, a topic of news, or all; says what that will cost",
    examples=("/subscribe HSTECH", "/subscribe buyback", "/subscribe all"),
    answer=_answer,
)
