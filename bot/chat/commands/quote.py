"""`/quote`: the price and the day change of an instrument."""

from __future__ import annotations

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.messages.answers import also, quote_message
from bot.messages.blocks import Message


async def _answer(asked: Asked) -> Message:
    priced = await asked.market.quote(asked.words)
    return also(priced.taken, quote_message(priced.card, priced.quote, priced.state, priced.beside))


COMMAND = Command(
    name="quote",
    arguments="SYMBOL",
    fewest=1,
    most=6,
    role=Role.READER,
    usage="the price and the day change of an instrument, by symbol or name",
    examples=("/quote 1810.HK", "/quote 小米"),
    answer=_answer,
)
