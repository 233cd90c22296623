"""The answers that commands give about an instrument."""

from __future__ import annotations

from bot.messages.drawdowns import drawdown_message
from bot.messages.quotes import quote_message

__all__ = ["drawdown_message", "quote_message"]
