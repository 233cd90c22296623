"""The answers that commands give, also as bare text for terminals."""

from __future__ import annotations

from bot.market.measures import DrawdownCard, QuoteCard
from bot.messages.blocks import plain
from bot.messages.drawdowns import drawdown_message
from bot.messages.quotes import quote_message

__all__ = ["drawdown_message", "drawdown_text", "quote_message", "quote_text"]


def quote_text(card: QuoteCard, source: str) -> str:
    """Return the answer to `/quote` for a session that has settled, without markup."""
    return plain(quote_message(card, source))


def drawdown_text(card: DrawdownCard, source: str) -> str:
    """Return the answer to `/drawdown` for a session that has settled, without markup."""
    return plain(drawdown_message(card, source))
