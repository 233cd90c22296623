"""`/premium`: what a depositary share costs above or below its Hong Kong shares."""

from __future__ import annotations

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.messages.answers import also, premium_message
from bot.messages.blocks import Message


async def _answer(asked: Asked) -> Message:
    compared = await asked.market.premium(asked.words)
    return also(compared.taken, premium_message(compared.premium))


COMMAND = Command(
    name="premium",
    arguments="SYMBOL",
    fewest=1,
    most=6,
    role=Role.READER,
    usage="what a company's New York line costs over its Hong Kong line, by ratio and rate",
    examples=("/premium BABA", "/premium 9988.HK"),
    answer=_answer,
)
