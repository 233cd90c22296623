"""Every command, one a file."""

from __future__ import annotations

from bot.chat.commands import drawdown, premium, quote, start, status, subscribe, subscriptions, unsubscribe
from bot.chat.commands import help as helping

COMMANDS = (
    start.COMMAND,
    helping.COMMAND,
    quote.COMMAND,
    drawdown.COMMAND,
    premium.COMMAND,
    subscribe.COMMAND,
    unsubscribe.COMMAND,
    subscriptions.COMMAND,
    status.COMMAND,
)
