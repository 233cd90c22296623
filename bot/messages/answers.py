"""The answers that commands give about an instrument."""

from __future__ import annotations

from dataclasses import replace

from bot.messages.blocks import Message, line
from bot.messages.drawdowns import drawdown_message
from bot.messages.premiums import premium_message
from bot.messages.quotes import quote_message

__all__ = ["also", "drawdown_message", "premium_message", "quote_message"]


def also(said: str, message: Message) -> Message:
    """Say something before everything else in a message; nothing where `said` is empty."""
    return replace(message, blocks=(line(said), *message.blocks)) if said else message
