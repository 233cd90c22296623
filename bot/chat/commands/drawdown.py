"""`/drawdown`: how far an instrument is below its peak and above the low since."""

from __future__ import annotations

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.messages.answers import drawdown_text


def _answer(asked: Asked) -> str:
    symbol, *window = asked.arguments
    return drawdown_text(asked.market.drawdown(symbol, window[0] if window else "all"), asked.market.source)


COMMAND = Command(
    name="drawdown",
    arguments="SYMBOL [all|52w]",
    fewest=1,
    most=2,
    role=Role.READER,
    usage="how far an instrument is below its peak and above the low since, by close and intraday",
    examples=("/drawdown HSTECH", "/drawdown HSTECH 52w"),
    answer=_answer,
)
