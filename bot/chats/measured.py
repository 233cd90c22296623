"""What a rule costs a chat, known before it counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bot.chats.subscription import Rate


@dataclass(frozen=True, slots=True)
class Measured:
    """How often something would have told a chat over the history held, and the session of the last time.

    Without a `rate` it is not known, and `why` ends the sentence that says so.
    """

    rate: Rate | None
    last: date | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Calmer:
    """A rule's line that tells of the same thing less often, and how often that would have been."""

    line: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class Judged:
    """What is known of a rule before it counts: what it costs, and what would cost less where it floods.

    `already` are sentences of what holds at present, so that it is not told: until when, or from where on.
    """

    measured: Measured
    calmer: Calmer | None = None
    already: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something else to write, and what it would have cost where that is known."""

    written: str
    rate: Rate | None = None
