"""A gate that came to hold at a look, with what each of its parts was worth then."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

from bot.rules.crossing import Rung, SeenBy

_FINGERPRINT_LENGTH = 20


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a condition at one look: its canonical text, the value measured, and whether it held.

    `value` is in the measure's unit, None where it was not known or the part has none; `against` is what it
    was compared with, where that is measured too. `holds` is None where nobody knew, and `unknown` then says
    why.
    """

    text: str
    value: float | None
    holds: bool | None
    unknown: str = ""
    against: float | None = None


@dataclass(frozen=True, slots=True)
class Met:
    """A condition that came to hold for the first time in its episode.

    `before` and `step` are the ladder's record before and after: for an episode that is a session 0 and 1,
    else a counter that is even while the gate may tell and odd once it has. `price` is what was judged, seen
    by a print or by a range; `last` is the last price, the official close if `final`.
    """

    rule: str
    revision: str
    symbol: str
    session: date
    time: datetime
    condition: str
    parts: tuple[Part, ...]
    episode: str
    before: float
    step: float
    price: float
    last: float
    final: bool
    seen_by: SeenBy
    adjusted: bool

    @property
    def rung(self) -> Rung:
        """The record that this moves on."""
        return Rung(self.revision, self.symbol, self.episode, "up")

    @property
    def fingerprint(self) -> str:
        """The identity: no price, time or text is in it."""
        parts = (self.revision, self.symbol, self.episode, "up", f"{self.step:g}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_FINGERPRINT_LENGTH]
