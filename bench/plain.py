"""The measures worked out bar by bar, as they are defined: slow, and what the fast ones must equal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from bot.market.bars import Bar, Series
from bot.market.falls import Fall
from bot.market.measures import Distance, DrawdownCard, QuoteCard

_NORMAL_DAYS = 60
_WORST = 5

Seen = tuple[float, date] | None


@dataclass(frozen=True, slots=True)
class Measures:
    """What is known of an instrument in its last session; an extreme is a price and its first session."""

    day_change_pct: float | None
    streak: int
    normal_day_pct: float | None
    year: tuple[Seen, Seen]
    off_low: Seen
    from_peak: Seen
    year_peak: Seen
    peak: tuple[Seen, Seen]
    low_since: tuple[Seen, Seen]
    falls: tuple[Fall, ...]


def worked_out(series: Series) -> Measures:
    """Go through every bar of a series of more than a year."""
    bars = series.bars
    today = bars[-1].session
    year = [bar for bar in bars if bar.session >= today.replace(year=today.year - 1)]
    peak, top = _first(bars, max, _close), _first(bars, max, _high)
    return Measures(
        day_change_pct=(bars[-1].close / bars[-2].close - 1) * 100,
        streak=_streak(bars),
        normal_day_pct=_normal_day_pct(bars[:-1]),
        year=(_first(year, min, _low), _first(year, max, _high)),
        off_low=_first(year, min, _close),
        from_peak=peak,
        year_peak=_first(year, max, _close),
        peak=(peak, top),
        low_since=(_low_since(bars, peak, _close), _low_since(bars, top, _low)),
        falls=tuple(sorted(_falls(bars), key=lambda each: each.depth_pct)[:_WORST]),
    )


def answered(quote: QuoteCard, drawdown: DrawdownCard, streak: int) -> Measures:
    """Take the same from what the product answers."""
    year = (None, None) if quote.year is None else (_seen(quote.year.low), _seen(quote.year.high))
    return Measures(
        day_change_pct=quote.day_change_pct,
        streak=streak,
        normal_day_pct=quote.normal_day_pct,
        year=year,
        off_low=_seen(quote.off_low),
        from_peak=_seen(quote.from_peak),
        year_peak=_seen(drawdown.year_peak),
        peak=(_seen(drawdown.peak["close"]), _seen(drawdown.peak["intraday"])),
        low_since=(_seen(drawdown.low["close"]), _seen(drawdown.low["intraday"])),
        falls=drawdown.falls,
    )


def _seen(found: Distance | None) -> Seen:
    return None if found is None else (found.value, found.session)


def _close(bar: Bar) -> float:
    return bar.close


def _high(bar: Bar) -> float:
    return bar.top


def _low(bar: Bar) -> float:
    return bar.bottom


def _first(
    bars: Sequence[Bar], furthest: Callable[[Iterator[float]], float], price: Callable[[Bar], float]
) -> Seen:
    value = furthest(price(bar) for bar in bars)
    return value, next(bar.session for bar in bars if price(bar) == value)


def _low_since(bars: Sequence[Bar], peak: Seen, price: Callable[[Bar], float]) -> Seen:
    after = [] if peak is None else [bar for bar in bars if bar.session >= peak[1] + timedelta(days=1)]
    return _first(after, min, price) if after else None


def _streak(bars: Sequence[Bar]) -> int:
    count = 0
    for before, after in pairwise(reversed(bars)):
        change = before.close - after.close
        if change == 0 or change * count < 0:
            break
        count += 1 if change > 0 else -1
    return count


def _normal_day_pct(bars: Sequence[Bar]) -> float:
    returns = [math.log(after.close / before.close) for before, after in pairwise(bars)][-_NORMAL_DAYS:]
    mean = math.fsum(returns) / _NORMAL_DAYS
    return math.sqrt(math.fsum((each - mean) ** 2 for each in returns) / (_NORMAL_DAYS - 1)) * 100


def _falls(bars: Sequence[Bar]) -> Iterator[Fall]:
    top = trough = bars[0]
    for bar in bars[1:]:
        if bar.close < top.close:
            trough = bar if bar.close < trough.close else trough
            continue
        if trough.close < top.close:
            yield Fall((trough.close / top.close - 1) * 100, top.session, trough.session, bar.session)
        top = trough = bar
    if trough.close < top.close:
        yield Fall((trough.close / top.close - 1) * 100, top.session, trough.session, None)
