"""Every measure of a bar in plain Python, a row at a time, out of the definitions in `bot/market` alone.

What is not known is None.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from datetime import date
from itertools import pairwise

from bot.errors import NotKnown
from bot.market.bars import Reference, Side
from bot.market.extremes import Window, price_of, window_start
from bot.market.measures import change_pct, day_change_pct, streak
from bot.market.reference import day_reference
from bot.market.sessions import settlement
from bot.rules.columns import Scene
from bot.rules.crossing import reaches
from bot.rules.measures import (
    Against,
    Average,
    Breadth,
    Change,
    ChangeSince,
    Day,
    Drawdown,
    FromCost,
    Gap,
    Measure,
    OffLow,
    Position,
    Price,
    Ratio,
    Rsi,
    Sigmas,
    SinceTold,
    Spread,
    Streak,
    Volume,
)
from tests.rules.recorded_scene import anything, members

MEASURES: tuple[Measure, ...] = (
    Price(),
    Day(),
    Change(1, "sessions"),
    Change(20, "sessions"),
    Change(30, "m"),
    ChangeSince(date(2021, 2, 17)),
    ChangeSince(date(2021, 2, 14)),
    ChangeSince(date(2019, 2, 14)),
    SinceTold(),
    FromCost(16.2),
    OffLow("52w"),
    OffLow("90d", "intraday"),
    OffLow("mtd"),
    Drawdown("all"),
    Drawdown("ytd", "intraday"),
    Drawdown("since 2021-02-17"),
    Gap(),
    Streak(),
    Volume(),
    Volume(5),
    Position("52w"),
    Position("10d"),
    Sigmas(),
    Sigmas(20),
    Against("^HSI"),
    Against("^GSPC"),
    Against("000300.SS"),
    Breadth("HSTECH", "up", 3.0),
    Breadth("HSTECH", "down", 1.0),
    Ratio("^HSI"),
    Spread("000300.SS"),
    Ratio("9618.HK"),
    Rsi(),
    Rsi(2),
    Average("sma", 1),
    Average("sma", 50),
    Average("ema", 20),
)
# Of these nothing is known in the recorded bars: they tell no minutes, begin later, or are adjusted.
NEVER_KNOWN: frozenset[Measure] = frozenset(
    {Change(30, "m"), ChangeSince(date(2019, 2, 14)), Ratio("9618.HK")}
)


def by_hand(measure: Measure, scene: Scene, index: int) -> float | None:
    """Return the value of a measure at bar `index`, None where it is not known."""
    try:
        found = _WORK[type(measure)](measure, scene, index)
    except NotKnown:
        return None
    return None if found is None or math.isnan(found) else found


def _reference(scene: Scene, index: int) -> float:
    return day_reference(scene.series, index, scene.market, scene.calendar).value


def _price(measure: Price, scene: Scene, index: int) -> float | None:
    bar = scene.series.bars[index]
    return None if bar.adjusted else bar.close


def _cost(measure: FromCost, scene: Scene, index: int) -> float | None:
    price = _price(Price(), scene, index)
    return None if price is None else change_pct(price, measure.cost)


def _day(measure: Day | SinceTold, scene: Scene, index: int) -> float:
    return day_change_pct(scene.series, index, scene.market, scene.calendar)


def _gap(measure: Gap, scene: Scene, index: int) -> float | None:
    opened = scene.series.bars[index].open
    return None if opened is None else change_pct(opened, _reference(scene, index))


def _change(measure: Change, scene: Scene, index: int) -> float | None:
    first = index - measure.count
    if measure.span != "sessions" or first < 0:
        return None
    bars = scene.series.bars[first : index + 1]
    passed = scene.calendar.missing(scene.market, bars[0].session, bars[-1].session)
    if set(passed) - {each.session for each in bars} - set(scene.series.untraded):
        return None
    return change_pct(bars[-1].close, bars[0].close)


def _change_since(measure: ChangeSince, scene: Scene, index: int) -> float | None:
    bars = scene.series.bars
    before = [each for each in bars if each.session <= measure.start]
    if not before or bars[index].session <= measure.start:
        return None
    sessions = scene.calendar.sessions[scene.market]
    if any(before[-1].session < each <= measure.start for each in sessions):
        return None
    return change_pct(bars[index].close, before[-1].close)


def extreme_before(
    scene: Scene, index: int, window: Window, reference: Reference, side: Side
) -> float | None:
    """Return the extreme of the sessions in the window before bar `index`."""
    bars = scene.series.bars
    start = window_start(window, bars[index].session)
    held = [price_of(each, reference, side) for each in bars[:index] if each.session >= start]
    return (min if side == "low" else max)(held) if held else None


def _extreme(scene: Scene, index: int, window: Window, reference: Reference, side: Side) -> float | None:
    before = extreme_before(scene, index, window, reference, side)
    own = price_of(scene.series.bars[index], reference, side)
    return None if before is None else (min if side == "low" else max)(before, own)


def _off_low(measure: OffLow, scene: Scene, index: int) -> float | None:
    low = _extreme(scene, index, measure.window, measure.reference, "low")
    return None if low is None else change_pct(scene.series.bars[index].close, low)


def _drawdown(measure: Drawdown, scene: Scene, index: int) -> float | None:
    peak = _extreme(scene, index, measure.window, measure.reference, "peak")
    return None if peak is None else -change_pct(scene.series.bars[index].close, peak)


def _position(measure: Position, scene: Scene, index: int) -> float | None:
    low = _extreme(scene, index, measure.window, "intraday", "low")
    high = _extreme(scene, index, measure.window, "intraday", "peak")
    if low is None or high is None or low == high:
        return None
    return (scene.series.bars[index].close - low) / (high - low) * 100


def _streak(measure: Streak, scene: Scene, index: int) -> float:
    return streak(scene.series, index, scene.market, scene.calendar)


def _volume(measure: Volume, scene: Scene, index: int) -> float | None:
    *before, now = [each.volume for each in scene.series.bars[max(index - measure.sessions, 0) : index + 1]]
    if now is None or len(before) < measure.sessions:
        return None
    known = [each for each in before if each]
    return now / statistics.fmean(known) if len(known) == len(before) else None


def _sigmas(measure: Sigmas, scene: Scene, index: int) -> float | None:
    bars = scene.series.bars[max(index - measure.sessions - 1, 0) : index]
    returns = [math.log(now.close / before.close) for before, now in pairwise(bars)]
    if len(returns) < measure.sessions:
        return None
    return math.log(scene.series.bars[index].close / _reference(scene, index)) / statistics.stdev(returns)


def _on(symbol: str, scene: Scene, index: int) -> tuple[Scene, int] | None:
    """Return another instrument and its bar of the same date, where that had settled."""
    found, session = anything(symbol), scene.series.bars[index].session
    if found is None:
        return None
    other, series = found
    at = series.index_of(session)
    if at is None or settlement(other.market, session) > settlement(scene.market, session):
        return None
    return Scene(other, series, scene.calendar, anything, members), at


def _against(measure: Against, scene: Scene, index: int) -> float | None:
    other = _on(measure.symbol, scene, index)
    return None if other is None else _day(Day(), scene, index) - _day(Day(), *other)


def _beside(measure: Ratio | Spread, scene: Scene, index: int) -> float | None:
    other = _on(measure.symbol, scene, index)
    own, theirs = _price(Price(), scene, index), None if other is None else _price(Price(), *other)
    if own is None or theirs is None:
        return None
    return own / theirs if isinstance(measure, Ratio) else own - theirs


def _breadth(measure: Breadth, scene: Scene, index: int) -> float | None:
    pct = measure.pct if measure.direction == "up" else -measure.pct
    counted = []
    for symbol in members(measure.index, scene.series.bars[index].session):
        other = _on(symbol, scene, index)
        if other is None:
            continue
        try:
            reference = _reference(*other)
        except NotKnown:
            continue
        counted.append(reaches(other[0].series.bars[other[1]].close, reference, pct))
    return float(sum(counted)) if counted else None


def _rsi(measure: Rsi, scene: Scene, index: int) -> float | None:
    return wilder([each.close for each in scene.series.bars[: index + 1]], measure.sessions)


def wilder(closes: list[float], sessions: int) -> float | None:
    """Return Wilder's index of closes: averages of the first moves, then each with its weight."""
    moves = [now - before for before, now in pairwise(closes)]
    if len(moves) < sessions or not any(moves):
        return None
    rises, falls = [max(each, 0) for each in moves], [max(-each, 0) for each in moves]
    up, down = sum(rises[:sessions]) / sessions, sum(falls[:sessions]) / sessions
    for rise, fall in zip(rises[sessions:], falls[sessions:], strict=True):
        up, down = (up * (sessions - 1) + rise) / sessions, (down * (sessions - 1) + fall) / sessions
    return 100 * up / (up + down)


def _average(measure: Average, scene: Scene, index: int) -> float | None:
    bars, count = scene.series.bars[: index + 1], measure.sessions
    if len(bars) < count or any(each.adjusted for each in bars[-count:]):
        return None
    if measure.kind == "sma":
        return statistics.fmean(each.close for each in bars[-count:])
    found = statistics.fmean(each.close for each in bars[:count])
    for each in bars[count:]:
        found += (each.close - found) * 2 / (count + 1)
    return found


_WORK: dict[type, Callable[..., float | None]] = {
    Price: _price,
    FromCost: _cost,
    Day: _day,
    SinceTold: _day,
    Gap: _gap,
    Change: _change,
    ChangeSince: _change_since,
    OffLow: _off_low,
    Drawdown: _drawdown,
    Position: _position,
    Streak: _streak,
    Volume: _volume,
    Sigmas: _sigmas,
    Against: _against,
    Ratio: _beside,
    Spread: _beside,
    Breadth: _breadth,
    Rsi: _rsi,
    Average: _average,
}
