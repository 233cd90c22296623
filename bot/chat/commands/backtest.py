"""`/backtest`: what a line would have done on the history held."""

from __future__ import annotations

from bot.chat import own
from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.messages.blocks import Message

_MOST_WORDS = 500


async def _answer(asked: Asked) -> Message:
    return await own.tried(asked, asked.text)


COMMAND = Command(
    name="backtest",
    arguments="LINE",
    fewest=1,
    most=_MOST_WORDS,
    role=Role.READER,
    usage="when a line of /alert would have rung on the history held, and what came after",
    examples=("/backtest HSTECH drawdown 20/30/40%", "/backtest 小米 ±5%"),
    answer=_answer,
)
