"""`/drawdown`: how far an instrument is below its peak and above the low since."""

from __future__ import annotations

import re
from typing import get_args

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.market.extremes import Window
from bot.messages.answers import also, drawdown_message
from bot.messages.blocks import Message

_LIKE_A_WINDOW = re.compile(r"\d+[a-z]+")


async def _answer(asked: Asked) -> Message:
    *name, last = asked.arguments
    has_window = bool(name) and (last in get_args(Window) or _LIKE_A_WINDOW.fullmatch(last) is not None)
    symbol, window = (" ".join(name), last) if has_window else (asked.words, "all")
    priced = await asked.market.drawdown(symbol, window)
    return also(priced.taken, drawdown_message(priced.card, priced.quote, priced.state, priced.beside))


COMMAND = Command(
    name="drawdown",
    arguments="SYMBOL [all|52w]",
    fewest=1,
    most=7,
    role=Role.READER,
    usage="how far an instrument is below its peak and above the low since, by close and intraday",
    examples=("/drawdown HSTECH", "/drawdown HSTECH 52w"),
    answer=_answer,
)
