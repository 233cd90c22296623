"""The numbers that commands answer with: day change, drawdown and distance off the low.

Percentages are plain ratios times 100, never rounded here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bot.errors import NotKnown
from bot.market.bars import Bar, Calendar, Series
from bot.market.extremes import Extreme, Reference, Window, extreme_of, window_start
from bot.market.instrument import Instrument


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a price stands from an extreme, in per cent of the extreme."""

    value: float
    session: date
    change_pct: float


@dataclass(frozen=True, slots=True)
class QuoteCard:
    """What `/quote` says of one session."""

    instrument: Instrument
    bar: Bar
    previous: Bar | None
    day_change_pct: float | None
    not_known: str | None


@dataclass(frozen=True, slots=True)
class DrawdownCard:
    """What `/drawdown` says: the peaks of a window and the lowest since each, by close and intraday.

    A low is None when no session has followed its peak; an intraday extreme is None where no bar has one.
    """

    instrument: Instrument
    bar: Bar
    window: Window
    since: date
    peak: dict[Reference, Distance | None]
    low: dict[Reference, Distance | None]


def change_pct(price: float, base: float) -> float:
    """Return `price` against `base` in per cent."""
    return (price / base - 1) * 100


def day_change_pct(series: Series, index: int, market: str, calendar: Calendar) -> float:
    """Return the close of bar `index` against the previous session's close, in per cent.

    Raises `NotKnown` when there is no previous bar, or when the market traded in between and the
    instrument's bar of that session is missing.
    """
    bar = series.bars[index]
    if index == 0:
        raise NotKnown(f"{series.symbol} has no session before {bar.session}.")
    previous = series.bars[index - 1]
    gap = calendar.missing(market, previous.session, bar.session)
    if gap:
        raise NotKnown(f"the bar of the previous session, {gap[-1]}, is missing for {series.symbol}")
    return change_pct(bar.close, previous.close)


def last_bar(series: Series, session: date) -> int:
    """Return the index of the last bar on or before `session`.

    Raises `NotKnown` when the series begins later.
    """
    known = len(series.until(session).bars)
    if known == 0:
        first = f"its bars begin on {series.sessions[0]}" if series.bars else "no bars are held"
        raise NotKnown(f"Nothing is known of {series.symbol} on {session}: {first}.")
    return known - 1


def quote_card(instrument: Instrument, series: Series, session: date, calendar: Calendar) -> QuoteCard:
    """Return the quote of the last session up to `session`."""
    index = last_bar(series, session)
    previous = series.bars[index - 1] if index else None
    try:
        change = day_change_pct(series, index, instrument.market, calendar)
    except NotKnown as reason:
        return QuoteCard(instrument, series.bars[index], previous, None, str(reason))
    return QuoteCard(instrument, series.bars[index], previous, change, None)


def drawdown_card(instrument: Instrument, series: Series, session: date, window: Window) -> DrawdownCard:
    """Return the drawdown of the last session up to `session` from the peak of `window`."""
    index = last_bar(series, session)
    held = Series(series.symbol, series.bars[: index + 1])
    bar = held.bars[-1]
    bars = held.since(window_start(window, bar.session))
    peaks: dict[Reference, Distance | None] = {}
    lows: dict[Reference, Distance | None] = {}
    references: tuple[Reference, ...] = ("close", "intraday")
    for reference in references:
        within = [each for each in bars if reference == "close" or each.high is not None]
        peak = extreme_of(within, reference, "peak")
        after = [each for each in within if peak and each.session > peak.session]
        peaks[reference] = _distance(bar, peak)
        lows[reference] = _distance(bar, extreme_of(after, reference, "low"))
    return DrawdownCard(instrument, bar, window, bars[0].session, peaks, lows)


def _distance(bar: Bar, extreme: Extreme | None) -> Distance | None:
    if extreme is None:
        return None
    return Distance(extreme.value, extreme.session, change_pct(bar.close, extreme.value))
