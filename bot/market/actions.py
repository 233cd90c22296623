"""What a holder was given: splits and distributions, and what they do to the prices before them."""

from __future__ import annotations

import math
import operator
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Kind = Literal["split", "distribution"]

# A distribution of less than this part of the close before it is an ordinary dividend, and not told.
_LARGE = Decimal("0.005")

_session_of = operator.attrgetter("session")


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


def between(actions: Sequence[Action], after: date, until: date) -> tuple[Action, ...]:
    """Return the actions, oldest first, of the sessions after one and up to another."""
    if not actions or actions[-1].session <= after:
        return ()
    first = bisect_right(actions, after, key=_session_of)
    return tuple(actions[first : bisect_right(actions, until, key=_session_of)])


def splits(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Return the splits among `actions`."""
    return tuple(each for each in actions if each.kind == "split")


def rescaled(price: float, factor: float) -> float:
    """Return a price of before a split of `factor` in shares of after it, as the decimal that prices are."""
    return float(Decimal(repr(price)) * Decimal(repr(factor)))


def is_large(action: Action, close: float) -> bool:
    """Tell whether an action is a distribution that a close of before it is restated for.

    That is half a per cent of the close or more, unrounded. What would leave nothing of it is no
    distribution but a mistake.
    """
    if action.kind != "distribution" or not math.isfinite(action.amount):
        return False
    amount, whole = Decimal(repr(action.amount)), Decimal(repr(close))
    return whole * _LARGE <= amount < whole


def without(close: float, actions: Iterable[Action]) -> float:
    """Return a close less the large distributions among `actions`, all of them later."""
    left = Decimal(repr(close))
    for each in actions:
        if is_large(each, close) and Decimal(repr(each.amount)) < left:
            left -= Decimal(repr(each.amount))
    return float(left)
