"""What stands around a crossing or a gate: what a reader asks for next, as known when it was seen."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta

from bot.alerts.alert import Condition, Move, Seen
from bot.errors import NotKnown
from bot.market.bars import Calendar, Series, a_year_before
from bot.market.beside import stand_in_of
from bot.market.extremes import extreme_since
from bot.market.instrument import Instrument
from bot.market.measures import (
    Distance,
    change_pct,
    distance,
    knows_a_year,
    sessions_after,
    streak,
)
from bot.market.reference import Restated, day_reference
from bot.rules.crossing import Crossing
from bot.rules.footing import episode_of
from bot.rules.met import Met


def move_of(
    crossing: Crossing, instrument: Instrument, series: Series, calendar: Calendar, seen: Seen
) -> Move:
    """Put a crossing among its surroundings.

    `series` is the history with the present session's bar so far as its last.
    """
    held = series.until(crossing.session)
    before = held.until(crossing.session - timedelta(days=1))
    a_year = a_year_before(crossing.session)
    today = len(held.bars) - 1
    against = _against(held, instrument, calendar)
    reference = distance(held, crossing.last, crossing.reference)
    from_peak = distance(before, crossing.last, extreme_since(before, date.min, "close", "peak"))
    off_low = _off_low(before, crossing, a_year)
    measured = (each for each in (reference, from_peak, off_low) if each is not None)
    return Move(
        crossing=crossing,
        short=instrument.short,
        names=dict(instrument.names),
        market=instrument.market,
        currency=instrument.currency,
        seen=seen,
        day_change=None if against is None else change_pct(crossing.last, against.value),
        previous_close=None if against is None else against.close,
        streak=streak(held, today if crossing.final else today - 1, instrument.market, calendar),
        from_peak=from_peak,
        off_low=off_low,
        off_intraday_low=distance(before, crossing.last, extreme_since(before, a_year, "intraday", "low")),
        is_index=instrument.kind == "index",
        reference_age=sessions_after(held, crossing.reference.session),
        reference_adjusted=reference is not None and reference.adjusted,
        moved_from=_moved_from(crossing),
        as_traded=None if against is None else against.as_traded_pct(crossing.last),
        given=() if against is None else against.given,
        since=against.session if against is not None and against.suspended else None,
        stand_in=stand_in_of(held) if any(each.adjusted for each in measured) else None,
    )


def condition_of(
    met: Met, instrument: Instrument, series: Series, calendar: Calendar, seen: Seen
) -> Condition:
    """Put a gate that came to hold among its surroundings.

    `series` is the history with the present session's bar so far as its last.
    """
    against = _against(series.until(met.session), instrument, calendar)
    return Condition(
        met=met,
        short=instrument.short,
        names=dict(instrument.names),
        market=instrument.market,
        currency=instrument.currency,
        seen=seen,
        is_index=instrument.kind == "index",
        day_change=None if against is None else change_pct(met.last, against.value),
        previous_close=None if against is None else against.close,
    )


def _against(held: Series, instrument: Instrument, calendar: Calendar) -> Restated | None:
    """Return what the last bar's session is compared with, None where that is not known."""
    with suppress(NotKnown):
        return day_reference(held, len(held.bars) - 1, instrument.market, calendar)
    return None


def _off_low(before: Series, crossing: Crossing, a_year: date) -> Distance | None:
    """Measure from the lowest close of the past year, where all of that year is known."""
    lowest = extreme_since(before, a_year, "close", "low")
    if lowest is None or not knows_a_year(before, crossing.session):
        return None
    return distance(before, crossing.last, lowest)


def _moved_from(crossing: Crossing) -> date | None:
    if crossing.measure not in {"off low", "drawdown"}:
        return None
    if crossing.episode == episode_of(crossing.compared_with, crossing.reference):
        return None
    # An episode that is as long as the rule says is named by no extreme.
    _, *named = crossing.episode.split()
    return date.fromisoformat(named[0]) if named else None
