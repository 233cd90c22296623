"""What a holder was given: splits and distributions, and what they do to the prices before them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Kind = Literal["split", "distribution"]


@dataclass(frozen=True, slots=True)
class Action:
    """A corporate action, by the first session that traded without it.

    `factor` is what a split multiplies earlier prices by: 0.1 for ten new shares of each, 10 for a
    consolidation of ten into one; bonus and rights issues are splits of this kind. `amount` is what a
    distribution gave for each share, in the instrument's currency. `note` says it in words where the
    source did.
    """

    session: date
    kind: Kind
    factor: float = 1.0
    amount: float = 0.0
    note: str = ""
