"""What became of one attempt to send a message: the one type that every platform answers with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from bot.chats.chat_id import ChatId

LONGEST_WAIT: Final = 3_600_000
"""Milliseconds that a platform is left alone at the most, whatever it asks for; then it is asked again."""

_DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Sent:
    """The platform has it, under `message_id`, as so many `posts` of its own: a long message is several."""

    message_id: str
    posts: int = 1


@dataclass(frozen=True, slots=True)
class Again:
    """Not taken, and surely not shown: try again after `wait` milliseconds, or when the sender thinks fit.

    `scope` is what is held meanwhile: this chat, or everything on its route.
    """

    why: str
    wait: int | None = None
    scope: Literal["chat", "route"] = "chat"


@dataclass(frozen=True, slots=True)
class Slow:
    """The platform asks to slow down: after `wait` milliseconds, or in words that hold no time.

    It does not say what for. The core decides whether the chat or the whole route is held, and for how long
    where `wait` is None.
    """

    why: str
    wait: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Refused in words that nobody knows: they may be new, so neither the chat nor the message is given up.

    It is tried again a few times, and then ends dead; the chat is never switched off for it.
    """

    why: str


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


Outcome = Sent | Again | Slow | Refused | Unknown | Moved | Gone | Broken


def asked_wait(seconds: float) -> int | None:
    """Return the milliseconds to wait for a platform that asks for so many seconds.

    An hour is the longest. What no platform can mean is None: nothing, less, more than a day, no number.
    """
    if not 0 < seconds <= _DAY:
        return None
    return min(LONGEST_WAIT, math.ceil(seconds * 1000))
