"""A series as columns of numbers: made once, and worked on whole.

Row i of every column is bar i. Days are proleptic ordinals, as `date.toordinal` counts them; a number that is
not known is NaN.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from bot.errors import NotKnown
from bot.market.actions import Action
from bot.market.bars import Bar, Calendar, Reference, Series, Side
from bot.market.extremes import Extreme, Standing, Window, standings
from bot.market.reference import day_reference

Floats = NDArray[np.float64]
Days = NDArray[np.int64]

_EPOCH = date(1970, 1, 1).toordinal()
_FEBRUARY = 1
_29TH = 28


@dataclass(frozen=True, slots=True)
class Arrays:
    """The bars of a series: `top` and `bottom` are the close where a bar knows nothing but that.

    `open` and `volume` are NaN where they are not known.
    """

    days: Days
    open: Floats
    top: Floats
    bottom: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.days)


@dataclass(frozen=True, slots=True)
class ExtremeColumns:
    """What each bar is compared with: the extreme before it, and the one that began the episode.

    Each is a price and the day that first had it. Where a window holds no session the values are NaN and the
    days 0.
    """

    value: Floats
    day: Days
    episode_value: Floats
    episode_day: Days

    def standing(self, row: int) -> Standing:
        """Return what bar `row` is compared with, where its window holds a session."""
        return Standing(
            Extreme(float(self.value[row]), date.fromordinal(int(self.day[row]))),
            Extreme(float(self.episode_value[row]), date.fromordinal(int(self.episode_day[row]))),
        )


def arrays_of(series: Series) -> Arrays:
    """Return the columns of a series, made once; a bar put on a settled series is one more row."""
    return series.once("arrays", _arrays)


def _arrays(series: Series) -> Arrays:
    settled = series.settled
    if settled is None:
        return _columns(series.bars)
    held, last = arrays_of(settled), _columns(series.bars[-1:])
    return Arrays(
        *(
            np.concatenate((getattr(held, name), getattr(last, name)))
            for name in ("days", "open", "top", "bottom", "close", "volume")
        )
    )


def _columns(bars: Iterable[Bar]) -> Arrays:
    rows = list(bars)
    return Arrays(
        np.array([bar.session.toordinal() for bar in rows], np.int64),
        np.array([bar.open for bar in rows], np.float64),
        np.array([bar.close if bar.high is None else bar.high for bar in rows], np.float64),
        np.array([bar.close if bar.low is None else bar.low for bar in rows], np.float64),
        np.array([bar.close for bar in rows], np.float64),
        np.array([bar.volume for bar in rows], np.float64),
    )


def day_references(series: Series, market: str, calendar: Calendar) -> Floats:
    """Return the close that each bar's day move is counted from, exactly as `day_reference` has it.

    NaN where it is not known: for the first bar, and after a session whose bar is missing.
    """
    arrays = arrays_of(series)
    found = np.empty(len(arrays))
    found[:1] = np.nan
    found[1:] = arrays.close[:-1]
    for index in _odd(series, arrays.days, calendar.sessions.get(market, ())):
        try:
            found[index] = day_reference(series, index, market, calendar).value
        except NotKnown:
            found[index] = np.nan
    return found


def _odd(series: Series, days: Days, sessions: tuple[date, ...]) -> list[int]:
    """Return the bars before which something was given, or a session of the market passed without one."""
    before, now = days[:-1], days[1:]
    odd = np.zeros(len(now), np.bool_)
    if len(given := _ordinals(series.actions)):
        odd |= np.searchsorted(given, now, "right") > np.searchsorted(given, before, "right")
    if len(known := _traded(sessions, series)):
        odd |= np.searchsorted(known, now, "left") > np.searchsorted(known, before, "right")
    return (np.flatnonzero(odd) + 1).tolist()


def _ordinals(actions: Iterable[Action]) -> Days:
    return np.array([each.session.toordinal() for each in actions], np.int64)


def _traded(sessions: tuple[date, ...], series: Series) -> Days:
    """Return a market's sessions as days; none where they are the very ones of the bars, as is usual."""
    if series.bars:
        first, last = series.bars[0].session, series.bars[-1].session
        sessions = sessions[bisect_left(sessions, first) : bisect_right(sessions, last)]
    if sessions == series.sessions:
        return np.empty(0, np.int64)
    return np.array([each.toordinal() for each in sessions], np.int64)


def extremes(series: Series, reference: Reference, window: Window, side: Side) -> ExtremeColumns:
    """Return what each bar is compared with, exactly as `standings` has it.

    A price that is a new extreme of the window before it begins an episode.
    """
    days, prices = _candidates(series, reference, side)
    if np.any(days[1:] <= days[:-1]):
        return _one_by_one(series, reference, window, side)
    rows = np.arange(len(days))
    first = np.searchsorted(days, _starts(window, days))
    signed = prices if side == "peak" else -prices
    at = _furthest_before(signed, first)
    held = first < rows
    began = ~held | (signed > signed[at])
    last_began = np.maximum.accumulate(np.where(began, rows, 0))
    episode = np.concatenate((last_began[:1], last_began[:-1]))
    shown = slice(len(days) - len(series.bars), None)
    at, episode, held = at[shown], episode[shown], held[shown]
    return ExtremeColumns(
        np.where(held, prices[at], np.nan),
        np.where(held, days[at], 0),
        np.where(held, prices[episode], np.nan),
        np.where(held, days[episode], 0),
    )


def _candidates(series: Series, reference: Reference, side: Side) -> tuple[Days, Floats]:
    arrays = arrays_of(series)
    prices = arrays.close if reference == "close" else arrays.bottom if side == "low" else arrays.top
    before = [each for each in series.before if (each.reference, each.side) == (reference, side)]
    if not before:
        return arrays.days, prices
    days = np.array([each.session.toordinal() for each in before], np.int64)
    known = np.array([each.value for each in before], np.float64)
    return np.concatenate((days, arrays.days)), np.concatenate((known, prices))


def _furthest_before(prices: Floats, first: Days) -> Days:
    """Return for each row the earliest of the highest prices from row `first` up to the row before it.

    From the first row on a running maximum is enough. Else each span is covered by two of a length that is a
    power of two, whose highest are worked out by doubling. A row whose span is empty is given the first.
    """
    rows = np.arange(len(prices))
    if not first.any():
        higher = np.ones(len(prices), np.bool_)
        higher[1:] = prices[1:] > np.maximum.accumulate(prices)[:-1]
        best = np.maximum.accumulate(np.where(higher, rows, 0))
        return np.concatenate((best[:1], best[:-1]))
    lengths = np.maximum(rows - first, 1)
    powers = np.frexp(lengths)[1] - 1
    found = np.zeros(len(prices), np.int64)
    best = rows
    for power in range(int(powers.max()) + 1):
        if power:
            half = 1 << (power - 1)
            best = _earlier_if_as_high(prices, best[:-half], best[half:])
        asked = np.flatnonzero((powers == power) & (first < rows))
        found[asked] = _earlier_if_as_high(prices, best[first[asked]], best[asked - (1 << power)])
    return found


def _earlier_if_as_high(prices: Floats, earlier: Days, later: Days) -> Days:
    return np.where(prices[earlier] >= prices[later], earlier, later)


def _starts(window: Window, days: Days) -> Days:
    """Return the first day of the window of each day, as `window_start` has it."""
    if window == "all":
        return np.zeros(len(days), np.int64)
    if window.startswith("since "):
        return np.full(len(days), date.fromisoformat(window.removeprefix("since ")).toordinal())
    match window:
        case "52w":
            return _a_year_before(days)
        case "ytd":
            return _days(_dates(days).astype("M8[Y]"))
        case "mtd":
            return _days(_dates(days).astype("M8[M]"))
    return days - int(window[:-1]) * (7 if window[-1] == "w" else 1)


def _a_year_before(days: Days) -> Days:
    months = _dates(days).astype("M8[M]")
    of_month = days - _days(months)
    leap = (months.astype(np.int64) % 12 == _FEBRUARY) & (of_month == _29TH)
    before: Days = _days(months - 12) + of_month - leap
    return before


def _dates(days: Days) -> NDArray[np.datetime64]:
    return (days - _EPOCH).astype("M8[D]")


def _days(dates: NDArray[np.datetime64]) -> Days:
    since: Days = dates.astype("M8[D]").astype(np.int64)
    return since + _EPOCH


def _one_by_one(series: Series, reference: Reference, window: Window, side: Side) -> ExtremeColumns:
    """Go through `standings`: for what is known of a time before the bars that they reach into."""
    column = standings(series, reference, window, side)
    rows = [
        (np.nan, 0, np.nan, 0)
        if each is None
        else (
            each.extreme.value,
            each.extreme.session.toordinal(),
            each.episode.value,
            each.episode.session.toordinal(),
        )
        for each in column
    ]
    value, day, episode_value, episode_day = zip(*rows, strict=True) if rows else ((), (), (), ())
    return ExtremeColumns(
        np.array(value, np.float64),
        np.array(day, np.int64),
        np.array(episode_value, np.float64),
        np.array(episode_day, np.int64),
    )
