"""The numbers that commands answer with: day change, drawdown and distance off the low.

Percentages are plain ratios times 100, never rounded here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from bot.errors import NotKnown
from bot.market.actions import Action
from bot.market.bars import Bar, Calendar, Reference, Series, a_year_before
from bot.market.extremes import Extreme, Window, extreme_since, window_start
from bot.market.falls import Fall, worst_falls
from bot.market.instrument import Instrument
from bot.market.reference import Restated, day_reference
from bot.market.sessions import first_weekday

DRAWDOWN_STEPS = (10, 20, 30, 40, 50, 60, 70, 80, 90)
OFF_LOW_STEPS = (10, 20, 30, 40, 50)

_NORMAL_DAYS = 60
_VOLUME_DAYS = 20
_WORST = 5
_TOO_NEAR = 1e-9
# A window that begins on a holiday begins with the first session after it.
_LONGEST_CLOSURE = timedelta(days=10)


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a price stands from an extreme, in per cent of the extreme.

    An `adjusted` extreme has a level that was not traded.
    """

    value: float
    session: date
    change_pct: float
    adjusted: bool = False


@dataclass(frozen=True, slots=True)
class Range:
    """The lowest and the highest price of a year, by `reference`, and where the last price stands in between.

    `position_pct` is 0 at the low and 100 at the high. `since` is None where the whole year is known.
    """

    low: Distance
    high: Distance
    reference: Reference
    position_pct: float
    since: date | None


@dataclass(frozen=True, slots=True)
class Step:
    """The next step of a ladder, in per cent and positive, and the price that stands there."""

    pct: float
    level: float


@dataclass(frozen=True, slots=True)
class QuoteCard:
    """What `/quote` says of one session.

    `day_change_pct` and `gap_pct`, the open's, are against `reference`, the previous close restated;
    `normal_day_pct` is the deviation of the sessions before, `volume_ratio` the volume against the average of
    the sessions before; each None where it is not known. `from_peak` is by the highest close of all history,
    which is held `since`; `off_low` by the lowest close of a year, as far as `knows_a_year`.
    """

    instrument: Instrument
    bar: Bar
    previous: Bar | None
    day_change_pct: float | None
    not_known: str | None
    gap_pct: float | None = None
    year: Range | None = None
    from_peak: Distance | None = None
    off_low: Distance | None = None
    since: date | None = None
    normal_day_pct: float | None = None
    volume_ratio: float | None = None
    knows_a_year: bool = True
    reference: Restated | None = None

    @property
    def given(self) -> tuple[Action, ...]:
        """The large distributions and the splits since the previous close."""
        return () if self.reference is None else self.reference.given

    @property
    def as_traded_pct(self) -> float | None:
        """The day change against the close as traded, where a distribution makes it another."""
        return None if self.reference is None else self.reference.as_traded_pct(self.bar.close)


@dataclass(frozen=True, slots=True)
class DrawdownCard:
    """What `/drawdown` says: the peaks of a window and the lowest since each, by close and intraday.

    A low is None when no session has followed its peak; an intraday extreme is None where no bar has one.
    `sessions` is how many have followed the closing peak, `year_peak` the closing peak of a year, `worst` the
    lowest close since the peak against that peak, `falls` the deepest of the window, deepest first. Those
    that were over before `falls_since` are not known; None where all are.
    """

    instrument: Instrument
    bar: Bar
    window: Window
    since: date
    peak: dict[Reference, Distance | None]
    low: dict[Reference, Distance | None]
    sessions: int | None = None
    year_peak: Distance | None = None
    worst: Distance | None = None
    next_drawdown: Step | None = None
    next_off_low: Step | None = None
    falls: tuple[Fall, ...] = ()
    falls_since: date | None = None


def change_pct(price: float, base: float) -> float:
    """Return `price` against `base` in per cent."""
    return (price / base - 1) * 100


def day_change_pct(series: Series, index: int, market: str, calendar: Calendar) -> float:
    """Return the close of bar `index` against what it is compared with, in per cent.

    Raises `NotKnown` where that is not known.
    """
    return change_pct(series.bars[index].close, day_reference(series, index, market, calendar).value)


def streak(series: Series, index: int, market: str, calendar: Calendar) -> int:
    """Return how many closes in a row, up to bar `index`, rose; how many fell as a negative number.

    An unchanged close ends it, and so does a session whose bar is missing. It is 0 where it may have begun
    before the first bar, at a time of which only extremes are known.
    """
    count = 0
    for at in range(index, 0, -1):
        try:
            change = day_change_pct(series, at, market, calendar)
        except NotKnown:
            break
        if change == 0 or change * count < 0:
            break
        count += 1 if change > 0 else -1
    else:
        return 0 if series.before else count
    return count


def distance(series: Series, price: float, extreme: Extreme | None) -> Distance | None:
    """Return how far `price` stands from an extreme of `series`."""
    if extreme is None:
        return None
    adjusted = extreme.session in series.adjusted
    return Distance(extreme.value, extreme.session, change_pct(price, extreme.value), adjusted)


def sessions_after(series: Series, session: date) -> int | None:
    """Return how many bars follow that of `session`; None where there is no bar of it."""
    at = series.index_of(session)
    return None if at is None else len(series.bars) - 1 - at


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
    held = series.until(session)
    bar, previous = held.bars[index], held.bars[index - 1] if index else None
    reference, reason = None, None
    try:
        reference = day_reference(held, index, instrument.market, calendar)
    except NotKnown as error:
        reason = str(error)
    a_year = window_start("52w", bar.session)
    sigma = held.sigma(index, _NORMAL_DAYS)
    return QuoteCard(
        instrument=instrument,
        bar=bar,
        previous=previous,
        day_change_pct=None if reference is None else change_pct(bar.close, reference.value),
        not_known=reason,
        gap_pct=None if reference is None or bar.open is None else change_pct(bar.open, reference.value),
        year=_range(held, a_year),
        from_peak=distance(held, bar.close, extreme_since(held, date.min, "close", "peak")),
        off_low=distance(held, bar.close, extreme_since(held, a_year, "close", "low")),
        since=first_known(held, date.min),
        knows_a_year=knows_a_year(held, bar.session),
        normal_day_pct=None if sigma is None else sigma * 100,
        volume_ratio=_volume_ratio(held),
        reference=reference,
    )


def drawdown_card(instrument: Instrument, series: Series, session: date, window: Window) -> DrawdownCard:
    """Return the drawdown of the last session up to `session` from the peak of `window`."""
    held = series.until(session)
    bar = held.bars[last_bar(series, session)]
    start = window_start(window, bar.session)
    peaks: dict[Reference, Distance | None] = {}
    lows: dict[Reference, Distance | None] = {}
    references: tuple[Reference, ...] = ("close", "intraday")
    for reference in references:
        peak = extreme_since(held, start, reference, "peak")
        low = peak and extreme_since(held, peak.session + timedelta(days=1), reference, "low")
        peaks[reference] = distance(held, bar.close, peak)
        lows[reference] = distance(held, bar.close, low)
    top, bottom = peaks["close"], lows["close"]
    year_peak = extreme_since(held, window_start("52w", bar.session), "close", "peak")
    return DrawdownCard(
        instrument=instrument,
        bar=bar,
        window=window,
        since=first_known(held, start),
        peak=peaks,
        low=lows,
        sessions=None if top is None else sessions_after(held, top.session),
        year_peak=distance(held, bar.close, year_peak),
        worst=_worst(top, bottom),
        next_drawdown=_next_step(DRAWDOWN_STEPS, top, bar.close, -1),
        next_off_low=_next_step(OFF_LOW_STEPS, bottom, bar.close, 1),
        falls=worst_falls(held, start)[:_WORST],
        falls_since=held.sessions[0] if held.before and start < held.sessions[0] else None,
    )


def first_known(series: Series, start: date) -> date:
    """Return the first weekday from `start` on whose price, or whose time's extremes, are known."""
    if series.before and (not series.bars or start < series.sessions[0]):
        return first_weekday(max(start, series.before[0].session))
    return series.since(start)[0].session


def knows_a_year(series: Series, session: date) -> bool:
    """Tell whether the year before `session` is known from its first session on."""
    return first_known(series, date.min) <= a_year_before(session) + _LONGEST_CLOSURE


def _range(series: Series, start: date) -> Range | None:
    bar = series.bars[-1]
    reference: Reference = "close" if bar.high is None or bar.low is None else "intraday"
    low = distance(series, bar.close, extreme_since(series, start, reference, "low"))
    high = distance(series, bar.close, extreme_since(series, start, reference, "peak"))
    if low is None or high is None or low.value == high.value:
        return None
    position = (bar.close - low.value) / (high.value - low.value) * 100
    since = None if knows_a_year(series, bar.session) else first_known(series, date.min)
    return Range(low, high, reference, position, since)


def _volume_ratio(series: Series) -> float | None:
    *before, now = [each.volume for each in series.bars[-_VOLUME_DAYS - 1 :]]
    known = [each for each in before if each]
    if now is None or len(known) < _VOLUME_DAYS:
        return None
    return now * len(known) / math.fsum(known)


def _worst(peak: Distance | None, low: Distance | None) -> Distance | None:
    if peak is None or low is None:
        return None
    return Distance(low.value, low.session, change_pct(low.value, peak.value), low.adjusted)


def _next_step(steps: tuple[int, ...], at: Distance | None, price: float, sign: int) -> Step | None:
    """Return the first step that `price` has not reached, compared as the decimals that prices are."""
    if at is None:
        return None
    ahead = next((each for each in steps if not _stands(price, at.value, sign * each, sign)), None)
    return None if ahead is None else Step(ahead, at.value * (1 + sign * ahead / 100))


def _stands(price: float, base: float, pct: int, sign: int) -> bool:
    """Tell whether a price has reached a level; floats decide unless they are too near to it."""
    beyond = (price - base * (1 + pct / 100)) * sign
    if abs(beyond) > base * _TOO_NEAR:
        return beyond > 0
    return (Decimal(repr(price)) * 100 - Decimal(repr(base)) * (100 + pct)) * sign >= 0
