"""Every command, one a file."""

from __future__ import annotations

from bot.chat.commands import (
    alert,
    alerts,
    backtest,
    digest,
    drawdown,
    forget,
    mute,
    premium,
    quiet,
    quote,
    start,
    status,
    subscribe,
    subscriptions,
    unmute,
    unsubscribe,
    why,
    zone,
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
    quiet.COMMAND,
    digest.COMMAND,
    mute.COMMAND,
    unmute.COMMAND,
    zone.COMMAND,
    status.COMMAND,
)
