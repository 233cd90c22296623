"""A fund that tracks an index, rescaled to stand in for the index where it has no bars of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby, pairwise
from statistics import median

from bot.market.bars import Bar, Series, a_year_before

# The fund pays fees and sometimes a dividend, so only the days next to a hole say what it is worth there.
_COMPARED = 20
_DISAGREE = 0.01
# A session or two that the index lacks are not stood in for: a day's change would rest on another's close.
_SHORTEST_HOLE = 6


def lacks_a_year(series: Series, session: date) -> bool:
    """Tell whether a series has no bars of its own from a year before `session`."""
    real = own(series)
    begins = a_year_before(session)
    return not real.bars or real.bars[0].session > begins or any(_holes(real, begins, session))


def own(series: Series) -> Series:
    """Return a series without the bars that stand in for its own."""
    if not series.stand_in:
        return series
    return replace(series, bars=tuple(each for each in series.bars if not each.adjusted), stand_in="")


def stood_in(series: Series, fund: Series) -> Series:
    """Return a series with the rescaled bars of `fund` wherever it has none of its own for long.

    The fund's bars before its first, and those of six sessions or more that it lacks in a row, are multiplied
    by the median of what it was worth against the fund in the sessions that follow. Where those disagree by
    more than a hundredth, or there is none, the fund does not track it there, and nothing stands in.
    """
    real = own(series)
    if not real.bars:
        return real
    held = {each.session: each for each in real.bars}
    standing: list[Bar] = []
    for lacking, run in groupby(fund.bars, key=lambda each: each.session not in held):
        bars = tuple(run)
        if not lacking or not (bars[0].session < real.bars[0].session or len(bars) >= _SHORTEST_HOLE):
            continue
        ratio = _ratio(fund.since(bars[-1].session)[1:], held)
        if ratio is not None:
            standing += [_rescaled(each, ratio) for each in bars]
    if not standing:
        return real
    merged = sorted((*real.bars, *standing), key=lambda each: each.session)
    return replace(real, bars=tuple(merged), stand_in=fund.symbol)


def _holes(series: Series, first: date, last: date) -> Iterator[date]:
    """Give the sessions after which a series lacks so many days that it lacks sessions in a row."""
    days = [*(each.session for each in series.since(first)), last]
    yield from (before for before, after in pairwise(days) if (after - before).days > 2 * _SHORTEST_HOLE)


def _ratio(following: Sequence[Bar], held: dict[date, Bar]) -> float | None:
    """Return what the index is worth against the fund where both first trade again."""
    shared = [each for each in following if each.session in held and not held[each.session].adjusted]
    ratios = [held[each.session].close / each.close for each in shared[:_COMPARED]]
    if not ratios:
        return None
    middle = median(ratios)
    return middle if all(abs(each / middle - 1) <= _DISAGREE for each in ratios) else None


def _rescaled(bar: Bar, ratio: float) -> Bar:
    opened, high, low = (None if each is None else each * ratio for each in (bar.open, bar.high, bar.low))
    return Bar(bar.session, bar.close * ratio, opened, high, low, None, adjusted=True)
