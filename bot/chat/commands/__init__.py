"""Every command, one a file."""

from __future__ import annotations

from bot.chat.commands import drawdown, quote
from bot.chat.commands import help as helping

COMMANDS = (quote.COMMAND, drawdown.COMMAND, helping.COMMAND)
