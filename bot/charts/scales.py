"""Where ticks stand and what they say: round numbers and dates, few enough for a telephone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

# From this ratio of the highest to the lowest price on, equal falls are drawn equally long.
_WIDE = 4.0
_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
_FEWEST_ON_LOG = 3
# From the finest to the coarsest: the digits that are written, in every power of ten or in some.
_ON_LOG = (
    ((1.0, 1.5, 2.0, 3.0, 5.0, 7.0), 1),
    ((1.0, 2.0, 5.0), 1),
    ((1.0, 3.0), 1),
    *(((1.0,), every) for every in range(1, 10)),
)
_DAYS_A_MONTH = 365.25 / 12
_DAY_STEPS = (1, 2, 7, 14)
_MONTH_STEPS = (1, 2, 3, 4, 6, 12, 24, 60, 120, 240, 600, 1200, 2400)


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on a scale, a date being its ordinal, and what is written there."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale of prices from `low` to `high`."""

    low: float
    high: float
    is_log: bool
    ticks: tuple[Tick, ...]


def price_scale(prices: Sequence[float], most: int) -> Scale:
    """Return a scale that holds `prices`, all above zero, with some air above and below."""
    low, high = min(prices), max(prices)
    if high / low >= _WIDE:
        air = (high / low) ** 0.06
        low, high = low / air, high * air
        return Scale(low, high, is_log=True, ticks=_labelled(_on_log(low, high, most)))
    air = (high - low) * 0.08 or high * 0.05
    low, high = low - air, high + air
    return Scale(low, high, is_log=False, ticks=_labelled(_evenly(low, high, most)))


def percent_ticks(low: float, high: float, most: int) -> tuple[Tick, ...]:
    """Return ticks of changes in per cent, each with its sign."""
    return tuple(Tick(at, f"{at:+g}%".replace("-", "−") if at else "0%") for at in _evenly(low, high, most))


def date_ticks(first: date, last: date, most: int) -> tuple[Tick, ...]:
    """Return ticks at round dates between two: days, months or years."""
    days = (last - first).days
    for step in _DAY_STEPS:
        if days / step <= most - 1:
            whole = (first + timedelta(days=at) for at in range(0, days + 1, step))
            return tuple(Tick(each.toordinal(), f"{each.day} {each:%b}") for each in whole)
    step = next(
        (each for each in _MONTH_STEPS if days / (each * _DAYS_A_MONTH) <= most - 1), _MONTH_STEPS[-1]
    )
    begin, end = (12 * each.year + each.month - 1 for each in (first, last))
    months = (at for at in range(-(-begin // step) * step, end + 1, step))
    dates = (date(at // 12, at % 12 + 1, 1) for at in months)
    written = "%Y" if step % 12 == 0 else "%b %Y"
    return tuple(Tick(each.toordinal(), f"{each:{written}}") for each in dates if first <= each)


def _labelled(prices: Sequence[float]) -> tuple[Tick, ...]:
    return tuple(Tick(at, f"{at:,.6g}" if at < 1000 else f"{at:,.0f}") for at in prices)  # noqa: PLR2004


def _evenly(low: float, high: float, most: int) -> list[float]:
    rough = (high - low) / most
    whole = 10.0 ** math.floor(math.log10(rough))
    step = next((each * whole for each in _ROUND if each * whole >= rough), 10 * whole)
    first, last = math.ceil(low / step), math.floor(high / step)
    # Multiplied, not added up: 0.1 + 0.2 is no round number.
    return [round(at * step, 10) for at in range(first, last + 1)]


def _on_log(low: float, high: float, most: int) -> list[float]:
    """Return round prices in each power of ten, or powers of ten alone, some left out if there are many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits, every in _ON_LOG:
        found = [digit * 10.0**power for power in powers if power % every == 0 for digit in digits]
        within = [each for each in found if low <= each <= high]
        if len(within) <= most:
            break
    return within if len(within) >= _FEWEST_ON_LOG else _evenly(low, high, most)
