"""Which bars can move a ladder on: worked out over whole columns, before any bar is looked at.

What is proposed is a superset: it is decided by `crossing.climbed`, the one step of every ladder, on the bars
proposed alone. That no other bar would change the result is a property that tests prove.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import repeat
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from bot.market.bars import Calendar, Series
from bot.rules.arrays import Arrays, Days, Floats, arrays_of, day_references, extremes
from bot.rules.conditions import AutoSteps, DayMove, FixedSteps, FromBase, FromExtreme, Ladder, Rule
from bot.rules.measures import Direction, FromCost

# Some thousand times the error of three operations on binary fractions, and a thousandth of what is told.
_DOUBTFUL = 1e-9
# What two ways of computing a volatility may differ by is far less than the half per cent it is rounded to.
_NOTCH = 0.5


@dataclass(frozen=True, slots=True)
class Ground:
    """What each bar of a series is compared with under a ladder, in one of its directions.

    `base` is the price compared with, NaN where it is not known, and `furthest` the price that is: the bar's
    high or low, or its close where that alone counts. `episode` numbers the episodes in their order. `steps`
    are the ladder's; where they follow the volatility they are the lowest that a bar's can be, a row a bar.
    """

    direction: Direction
    base: Floats
    furthest: Floats
    episode: Days
    steps: tuple[float, ...]
    least: Floats | None = None

    @property
    def sign(self) -> int:
        """1 upwards, -1 downwards."""
        return 1 if self.direction == "up" else -1

    def since(self, start: int) -> Ground:
        """Return the ground of a rule that was made before bar `start`: what came before is not compared."""
        base = self.base.copy()
        base[:start] = np.nan
        return replace(self, base=base)


def grounds(
    rule: Rule, ladder: Ladder, series: Series, calendar: Calendar, market: str
) -> tuple[Ground, ...]:
    """Return what the bars are compared with under a ladder, a ground for each of its directions."""
    arrays = arrays_of(series)
    match ladder:
        case DayMove():
            found = _day_moves(ladder, series, day_references(series, market, calendar))
        case FromBase():
            found = _from_base(ladder, series)
        case FromExtreme():
            found = (_from_extreme(ladder, series),)
        case _:
            assert_never(ladder)
    match rule.telling.often:
        case "each episode":
            return found
        case "once":
            episode = np.zeros(len(arrays), np.int64)
        case "once a session":
            episode = np.arange(len(arrays))
        case _:
            assert_never(rule.telling.often)
    return tuple(replace(each, episode=episode) for each in found)


def _day_moves(ladder: DayMove, series: Series, base: Floats) -> tuple[Ground, ...]:
    arrays = arrays_of(series)
    episode = np.arange(len(arrays))
    least = None
    if isinstance(ladder.ladder, AutoSteps):
        least = _least(ladder.ladder, arrays.close)
    steps = ladder.ladder.on(None)
    return tuple(
        Ground(each, base, _furthest(arrays, each, ladder.trigger), episode, steps, least)
        for each in ladder.directions
    )


def _from_base(ladder: FromBase, series: Series) -> tuple[Ground, ...]:
    arrays = arrays_of(series)
    base = np.full(len(arrays), np.nan)
    match ladder.base:
        case FromCost(cost):
            base[:] = cost
        case since:
            held = int(np.searchsorted(arrays.days, since.start.toordinal(), "right"))
            if held:
                base[held:] = arrays.close[held - 1]
    episode = np.zeros(len(arrays), np.int64)
    steps = ladder.ladder.on(None)
    return tuple(
        Ground(each, base, _furthest(arrays, each, ladder.trigger), episode, steps)
        for each in ladder.directions
    )


def _from_extreme(ladder: FromExtreme, series: Series) -> Ground:
    """Return the ground of a distance from an extreme.

    A bar that itself makes a new intraday extreme is compared with that one, and only by its close.
    """
    arrays = arrays_of(series)
    direction: Direction = "up" if ladder.side == "low" else "down"
    column = extremes(series, ladder.reference, ladder.window, ladder.side)
    base, value, day = column.value, column.episode_value, column.episode_day
    furthest = _furthest(arrays, direction, ladder.trigger)
    if ladder.reference == "intraday":
        price = arrays.bottom if ladder.side == "low" else arrays.top
        beyond = price < base if ladder.side == "low" else price > base
        base, value, day = (
            np.where(beyond, new, held) for new, held in ((price, base), (price, value), (arrays.days, day))
        )
        furthest = np.where(beyond, arrays.close, furthest)
    begins = np.zeros(len(arrays), np.int64)
    begins[1:] = (value[1:] != value[:-1]) | (day[1:] != day[:-1])
    return Ground(direction, base, furthest, np.cumsum(begins), ladder.steps)


def _furthest(arrays: Arrays, direction: Direction, trigger: str) -> Floats:
    if trigger == "close":
        return arrays.close
    return arrays.top if direction == "up" else arrays.bottom


def _least(ladder: AutoSteps, close: Floats) -> Floats:
    """Return the lowest that each bar's first step can be, as what is told by volatility is worked out."""
    lookback, rows = ladder.lookback, np.full(len(close), ladder.cap)
    if len(close) > lookback + 1:
        returns = np.log(close[1:-1] / close[:-2])
        windows = np.lib.stride_tricks.sliding_window_view(returns, lookback)
        first = np.round(windows.std(axis=1, ddof=1) * 100 * ladder.times * 2) / 2
        rows[lookback + 1 :] = np.minimum(np.maximum(first - _NOTCH, ladder.floor), ladder.cap)
    return rows * ladder.multiples[0]


def proposed(ground: Ground) -> Days:
    """Return the bars, in order, that can reach a step beyond all that the bars before it surely reached.

    A bar within the error of a step may have reached it, and has not surely.
    """
    first = ground.steps[0] if ground.least is None else ground.least
    if ground.least is not None or _is_a_row_each(ground.episode):
        return np.flatnonzero(_reached(ground, first, _DOUBTFUL))
    surely, maybe = (np.zeros(len(ground.base), np.int64) for _ in range(2))
    for step in ground.steps:
        reached = _reached(ground, step, _DOUBTFUL)
        if not reached.any():
            break
        maybe += reached
        surely += _reached(ground, step, -_DOUBTFUL)
    width = len(ground.steps) + 1
    known = np.maximum.accumulate(ground.episode * width + surely)
    before = np.concatenate(([-1], known[:-1]))
    return np.flatnonzero((maybe > 0) & (ground.episode * width + maybe > before))


def _is_a_row_each(episode: Days) -> bool:
    return len(episode) > 1 and int(episode[-1]) == len(episode) - 1


def _reached(ground: Ground, step: float | Floats, error: float) -> NDArray[np.bool_]:
    """Tell which bars have reached a step, or are nearer to it than binary fractions err."""
    level = ground.base * (100 + ground.sign * step)
    with np.errstate(invalid="ignore"):
        reached: NDArray[np.bool_] = (ground.furthest * 100 - level) * ground.sign >= -error * np.abs(level)
    return reached


def steps_of(ladder: Ladder, series: Series, rows: Iterable[int]) -> Iterator[tuple[float, ...]]:
    """Give the steps that each of some bars is compared by."""
    if isinstance(ladder, FromExtreme):
        return repeat(ladder.steps)
    if isinstance(ladder.ladder, FixedSteps):
        return repeat(ladder.ladder.on(None))
    auto = ladder.ladder
    return (auto.on(series.sigma(row, auto.lookback)) for row in rows)
