"""`/drawdown`: how far an instrument is below its peak and above the low since."""

from __future__ import annotations

import re

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.messages.answers import also, drawdown_message
from bot.messages.blocks import Message

_LIKE_A_WINDOW = re.compile(r"all|ytd|mtd|\d+[a-z]+")


async def _answer(asked: Asked) -> Message:
    *name, last = asked.arguments
    symbol, window = asked.words, "all"
    if len(name) > 1 and name[-1] == "since":
        symbol, window = " ".join(name[:-1]), f"since {last}"
    elif name and _LIKE_A_WINDOW.fullmatch(last):
        symbol, window = " ".join(name), last
    priced = await asked.market.drawdown(symbol, window)
    return also(priced.taken, drawdown_message(priced.card, priced.quote, priced.state, priced.beside))


COMMAND = Command(
    name="drawdown",
    arguments="SYMBOL [WINDOW]",
    fewest=1,
    most=7,
    role=Role.READER,
    usage="how far an instrument is below its peak and above the low since, by close and intraday",
    examples=("/drawdown HSTECH", "/drawdown HSTECH 52w", "/drawdown HSTECH since 2022-03-15"),
    answer=_answer,
)
