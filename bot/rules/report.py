"""What a back-test found, as plain values: for whoever computes it, keeps it or writes it down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from bot.rules.measures import Direction, Unit

DAYS_A_YEAR = 365.25
HORIZONS = (1, 5, 20)
"""After how many sessions a back-test looks again."""


@dataclass(frozen=True, slots=True)
class Fire:
    """One time that a rule would have told.

    Of a ladder `step` is the furthest step that was reached, positive in both directions, and `value` the
    change in per cent; of a gate the threshold of its first comparison and what was measured, both in `unit`.
    Each is None where there is no such number.
    """

    session: date
    value: float | None
    step: float | None
    symbol: str
    direction: Direction = "up"
    unit: Unit = "%"


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes from close to close, in per cent: the median and the quartiles, interpolated linearly.

    `share_up` of the `n` changes were rises, a ratio.
    """

    median: float
    q1: float
    q3: float
    share_up: float
    n: int


@dataclass(frozen=True, slots=True)
class Silence:
    """The longest time in which nothing was told, and the sessions that it lies between."""

    days: int
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Unjudged:
    """In how many sessions nobody knew a part of a condition, and why, as the end of a sentence."""

    part: str
    symbol: str
    sessions: int
    why: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What a chat would have received: messages in all and a month, and the most on one day."""

    messages: int
    a_month: float
    busiest: int


@dataclass(frozen=True, slots=True)
class Report:
    """What rules would have told of some instruments from the session of `first` to that of `last`.

    `lines` are the rules' canonical texts. `sessions` counts those of any of the instruments. `after` holds,
    by a number of sessions, what an instrument did from the close of a session in which it was told of, which
    counts once however much was told, and `all_days` the same from every close: by prices as traded, in
    present shares. `per_year` is None where the time is too short to say.
    """

    lines: tuple[str, ...]
    symbols: tuple[str, ...]
    first: date
    last: date
    sessions: int
    fires: tuple[Fire, ...]
    per_year: float | None
    longest_silence: Silence
    cost: Cost
    after: Mapping[str, Changes]
    all_days: Mapping[str, Changes]
    not_known: tuple[Unjudged, ...] = ()

    @property
    def last_fired(self) -> date | None:
        """The session of the last time, None where there was none."""
        return self.fires[-1].session if self.fires else None


def per_year(count: int, first: date, last: date) -> float | None:
    """Return how often a year something happened; None within one session."""
    days = (last - first).days
    return count * DAYS_A_YEAR / days if days else None


def longest_silence(fired: Iterable[date], first: date, last: date) -> Silence:
    """Return the longest time between two sessions that told, or to either end; of equal ones the first."""
    ends = [first, *fired, last]
    since, until = max(pairwise(ends), key=lambda each: each[1] - each[0])
    return Silence((until - since).days, since, until)


def cost_of(messages: Iterable[tuple[date, str]], first: date, last: date) -> Cost:
    """Return what messages cost, each by its session and what it is folded with."""
    folds = set(messages)
    a_day = Counter(session for session, _ in folds)
    months = (last - first).days / (DAYS_A_YEAR / 12) or 1.0
    return Cost(len(folds), len(folds) / months, max(a_day.values(), default=0))
