"""`/subscribe`: be told of an instrument, a rule, a topic of news, or everything."""

from __future__ import annotations

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.chats.subscription import NOTICES
from bot.messages.blocks import Message
from bot.messages.subscribing import calmer_line, rate_line, subscribed


async def _answer(asked: Asked) -> Message:
    topic = asked.topics.resolve(asked.words)
    anew = await asked.book.add(asked.chat, topic)
    title = asked.topics.title(topic)
    # Bars can tell what all but these would have cost: they ring when the source fails.
    if topic == NOTICES:
        return subscribed(title, (), anew=anew)
    cost = [rate_line(await asked.book.rate(topic))]
    cost += (calmer_line(each.written, each.rate) for each in await asked.book.calmer(topic))
    return subscribed(title, cost, anew=anew)


COMMAND = Command(
    name="subscribe",
    arguments="WHAT",
    fewest=1,
    most=6,
    role=Role.MEMBER,
    usage="tell this chat of an instrument, a rule, a topic of news, notices, or all; says what it costs",
    examples=("/subscribe HSTECH", "/subscribe buyback", "/subscribe all"),
    answer=_answer,
)
