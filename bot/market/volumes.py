"""How much of a session's volume is usually traded by a time of day.

Volume is no steady stream: most of it comes at the open and at the close. What is traded by noon is compared
with what was usually traded by noon, measured in shares of trading time so that a half day has its own noon.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from bot.market.schedule import SessionHours

PARTS = 24
"""Into how many parts of equal trading time a session is cut."""

MOST_SESSIONS = 20
LEAST_SESSIONS = 5

# Of a session that was seen with a longer hole than this nobody knows how its volume came.
_LONGEST_HOLE = 3 / PARTS

Point = tuple[float, float]
"""A share of the trading time, from 0 to 1, and what was traded up to it, in shares or contracts."""

Profile: TypeAlias = "Sequence[array[float]]"
"""For each session the share of its volume that was traded after each part; every row has `PARTS` shares."""


def elapsed(hours: SessionHours, moment: datetime) -> float:
    """Return the share of a session's trading time that is over at a moment, breaks left out."""
    spans = [(start, end, end - start) for start, end in hours.stretches]
    whole = sum((length for _, _, length in spans), timedelta())
    over = (min(max(moment - start, timedelta()), length) for start, _, length in spans)
    return sum(over, timedelta()) / whole


def row_of(points: Sequence[Point], total: float) -> array[float] | None:
    """Return a session's row, from what was seen of it and its whole volume; None where too little was.

    Between two points volume is taken to come evenly. What the closing auction adds belongs to no part.
    """
    if total <= 0 or not points:
        return None
    seen = [(0.0, 0.0), *points]
    ends = [at for at, _ in seen[1:]] + [1.0]
    if any(end - start > _LONGEST_HOLE for (start, _), end in zip(seen, ends, strict=True)):
        return None
    if seen[-1][0] < 1:
        seen.append((1.0, total))
    return array("f", (_at(seen, part / PARTS) / total for part in range(1, PARTS + 1)))


def usual_share(profile: Profile, at: float) -> float | None:
    """Return the share of a day's volume that is usually traded by a share of the trading time.

    The mean over the sessions known; None where they are fewer than five, or nothing is traded by then.
    """
    if len(profile) < LEAST_SESSIONS:
        return None
    marks = [part / PARTS for part in range(PARTS + 1)]
    rows = ([*zip(marks, (0.0, *row), strict=True)] for row in profile)
    share = sum(_at(row, at) for row in rows) / len(profile)
    return share if share > 0 else None


def _at(points: Sequence[Point], at: float) -> float:
    """Return what was traded by a share of the trading time, evenly between two points."""
    after = bisect_left(points, at, key=lambda each: each[0])
    if after == 0:
        return points[0][1]
    if after == len(points):
        return points[-1][1]
    (start, low), (end, high) = points[after - 1], points[after]
    return low + (high - low) * (at - start) / (end - start)
