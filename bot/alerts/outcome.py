"""What became of one attempt to send a message: the one type that every platform answers with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.chats.chat_id import ChatId


@dataclass(frozen=True, slots=True)
class Sent:
    """The platform has it, under `message_id`."""

    message_id: str


@dataclass(frozen=True, slots=True)
class Again:
    """Not taken, and surely not shown: try again after `wait` milliseconds, or when the sender thinks fit.

    `scope` is what is held meanwhile: this chat, or everything on its route.
    """

    why: str
    wait: int | None = None
    scope: Literal["chat", "route"] = "chat"


@dataclass(frozen=True, slots=True)
class Unknown:
    """The connection broke after the message left: nobody can tell whether it is shown."""

    why: str


@dataclass(frozen=True, slots=True)
class Moved:
    """The chat lives elsewhere now."""

    chat: ChatId


@dataclass(frozen=True, slots=True)
class Gone:
    """The chat cannot be reached until somebody there starts the bot again."""

    why: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The platform will never take this message, not even as plain text."""

    why: str


Outcome = Sent | Again | Unknown | Moved | Gone | Broken
