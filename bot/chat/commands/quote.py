"""`/quote`: the price and the day change of an instrument."""

from __future__ import annotations

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.messages.answers import quote_text


def _answer(asked: Asked) -> str:
    return quote_text(asked.market.quote(" ".join(asked.arguments)), asked.market.source)


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
