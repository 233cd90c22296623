"""Every command, one a file."""

from __future__ import annotations

from bot.chat.commands import (
    alert,
    alerts,
    backtest,
    drawdown,
    forget,
    premium,
    quote,
    start,
    status,
    subscribe,
    subscriptions,
    unsubscribe,
    why,
)
from bot.chat.commands import help as helping

COMMANDS = (
    start.COMMAND,
    helping.COMMAND,
    quote.COMMAND,
    drawdown.COMMAND,
    premium.COMMAND,
    alert.COMMAND,
    alerts.COMMAND,
    forget.COMMAND,
    backtest.COMMAND,
    why.COMMAND,
    subscribe.COMMAND,
    unsubscribe.COMMAND,
    subscriptions.COMMAND,
    status.COMMAND,
)
