"""Made-up instruments with made-up prices: the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from bot.market.bars import Bar, Series
from bot.market.instrument import Instrument, Kind

TODAY = date(2026, 3, 18)
"""The session that is under way: a Wednesday on which Hong Kong trades."""
_SATURDAY = 5
_DEVIATION = 0.02


def weekdays_before(day: date, count: int) -> tuple[date, ...]:
    """Return the last `count` weekdays before `day`, oldest first."""
    found: list[date] = []
    while len(found) < count:
        day -= timedelta(days=1)
        if day.weekday() < _SATURDAY:
            found.append(day)
    return tuple(reversed(found))


def instruments(count: int, kind: Kind = "index") -> tuple[Instrument, ...]:
    """Return so many instruments of Hong Kong."""
    return tuple(
        Instrument(f"{number:04}.HK", kind, "XHKG", "HKD", short=f"No. {number}")
        for number in range(1, count + 1)
    )


def histories(of: Iterable[Instrument], sessions: Iterable[date], chance: random.Random) -> dict[str, Series]:
    """Return a walk for each instrument, two per cent a session; no two bars share an object."""
    days = [each.toordinal() for each in sessions]
    return {each.symbol: Series(each.symbol, tuple(_walk(days, chance))) for each in of}


def _walk(days: Iterable[int], chance: random.Random) -> Iterator[Bar]:
    close = chance.uniform(20, 400)
    for day in days:
        start = close * (1 + chance.gauss(0, _DEVIATION / 3))
        close = round(start * (1 + chance.gauss(0.0002, _DEVIATION)), 2)
        high = max(start, close) * (1 + abs(chance.gauss(0, _DEVIATION / 3)))
        low = min(start, close) * (1 - abs(chance.gauss(0, _DEVIATION / 3)))
        volume = float(chance.randrange(10**6, 10**8))
        yield Bar(date.fromordinal(day), close, round(start, 2), round(high, 2), round(low, 2), volume)
