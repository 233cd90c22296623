"""Whether two sources say the same: their prices differ no more than the time between them explains."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Literal

from bot.market.instrument import Kind
from bot.market.quote import Quote

Verdict = Literal["agree", "contradict", "cannot be compared"]

# Beyond this, prices of one session need not be near each other.
COMPARABLE = timedelta(minutes=20)
BIG_MOVE = 0.05

# A day's range is about as wide as a price goes in its five and a half hours, in the square root of minutes.
_ROOT_OF_A_DAY = math.sqrt(330)
_RANGES = 3


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far apart two prices may be, as parts of the price: at one time, and by the root of each minute."""

    at_once: float
    by_root_minute: float


_OF_INDICES = Tolerance(0.003, 0.004)
_OF_SHARES = Tolerance(0.006, 0.008)
_TOLERANCES: Mapping[Kind, Tolerance] = MappingProxyType(
    {"index": _OF_INDICES, "fund": _OF_SHARES, "stock": _OF_SHARES, "other": _OF_SHARES}
)


def agreement(one: Quote, other: Quote, kind: Kind) -> Verdict:
    """Tell whether two quotes of one instrument can both be true.

    They are compared only within a session and within `COMPARABLE` of each other. On a wild day a price goes
    further in a minute, so the room between them grows with the day's range: with the narrower of the two,
    for the wider may be a spike's.
    """
    apart = abs(one.time - other.time)
    if one.session != other.session or apart > COMPARABLE:
        return "cannot be compared"
    tolerance = _TOLERANCES[kind]
    usual = max(tolerance.by_root_minute, _RANGES * min(_range(one), _range(other)) / _ROOT_OF_A_DAY)
    allowed = tolerance.at_once + usual * math.sqrt(apart.total_seconds() / 60)
    lower, higher = sorted((one.price, other.price))
    return "agree" if higher / lower - 1 <= allowed else "contradict"


def moved_far(quote: Quote) -> bool:
    """Tell whether a quote says so much that another source should be heard before it is told."""
    before = quote.previous_close
    return before is not None and before > 0 and abs(quote.price / before - 1) > BIG_MOVE


def _range(quote: Quote) -> float:
    """Return the session's range so far as a part of the price; nothing where it is not known."""
    if quote.high is None or quote.low is None:
        return 0.0
    return max(quote.high - quote.low, 0.0) / quote.price
