"""What Yahoo says of the present: prices, whether they are a session's last, and when results are due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.market.instrument import Instrument
from bot.market.quote import Due, PartOfDay, Quote
from bot.market.schedule import Schedule
from bot.sources.yahoo_belief import (
    Unbelievable,
    a_price,
    believable,
    minutes_late,
    moment,
    near,
    number,
    same_currency,
)
from bot.sources.yahoo_failure import Changed
from bot.sources.yahoo_hours import Floor, floor_of
from bot.sources.yahoo_parse import SOURCE, LeftOut, part_of, rows_of

_OVER = frozenset({"POST", "POSTPOST", "CLOSED", "PREPRE"})
# The last prints of the auction trickle in after it.
_LAST_PRINTS = timedelta(minutes=1)
# An auction ends at random within its last two minutes, and no price of its earlier ones is its own.
_RANDOM_END = timedelta(minutes=2)
_LATE_PRINTS = timedelta(minutes=30)


def read_quotes(
    answer: Any, asked: Sequence[Instrument], received: datetime, schedule: Schedule
) -> tuple[tuple[Quote, ...], tuple[LeftOut, ...]]:
    """Read the answer to a batch, whatever the order of its rows; of two rows of a symbol the first counts.

    Raises `Changed` for an answer of another form, and for one that says nothing of any of several symbols.
    """
    rows = rows_of(part_of(answer, "quoteResponse", "result"), "quotes")
    by_symbol = {str(row.get("symbol", "")).upper(): row for row in reversed(rows)}
    told = [(each, by_symbol.get(each.symbol_at("yahoo").upper())) for each in asked]
    # One unknown symbol gets an empty answer too; several at once do not vanish.
    if len(asked) > 1 and all(row is None for _, row in told):
        raise Changed(f"answered with none of the {len(asked)} instruments asked for")
    quotes: list[Quote] = []
    left_out = [LeftOut(each.symbol, "quote", "not in the answer") for each, row in told if row is None]
    for instrument, row in told:
        if row is None:
            continue
        try:
            quotes.append(_quote(row, instrument, received, schedule, left_out))
        except Unbelievable as reason:
            left_out.append(LeftOut(instrument.symbol, "quote", reason.why, reason.said))
    return tuple(quotes), tuple(left_out)


def _quote(
    row: dict[str, Any],
    instrument: Instrument,
    received: datetime,
    schedule: Schedule,
    left_out: list[LeftOut],
) -> Quote:
    same_currency(row.get("currency"), instrument)
    previous = a_price(row.get("regularMarketPreviousClose"))
    sides = [row.get(f"regularMarket{side}") for side in ("Open", "DayHigh", "DayLow")]
    price = believable(row.get("regularMarketPrice"), previous, sides)
    made = moment(row.get("regularMarketTime"), received)
    delay = minutes_late(row.get("exchangeDataDelayedBy", 0))
    floor = floor_of(instrument, schedule, row.get("exchangeTimezoneName"))
    opened, high, low = (
        _side(row, side, price, instrument, left_out) for side in ("Open", "DayHigh", "DayLow")
    )
    return Quote(
        instrument.symbol,
        price,
        floor.session_of(made),
        made,
        received,
        SOURCE,
        delay,
        final=_is_final(floor, row.get("marketState"), made, received, timedelta(minutes=delay)),
        open=opened,
        high=high,
        low=low,
        previous_close=previous,
        volume=number(row.get("regularMarketVolume")),
        results=_results(row, floor, received),
    )


def _side(
    row: dict[str, Any], side: str, price: float, instrument: Instrument, left_out: list[LeftOut]
) -> float | None:
    said = row.get(f"regularMarket{side}")
    # A range is worth less than a price: doubting a true one silences a touch, believing a spike rings.
    found = near(said, price, times=4)
    if found is None and said not in (None, 0):
        left_out.append(LeftOut(instrument.symbol, side, "not near the price", said))
    return found


def _is_final(floor: Floor, state: object, made: datetime, received: datetime, delay: timedelta) -> bool:
    """Tell whether a price is its session's official close; where the hours are not known it never surely is.

    1. It was made on the session's own day, at or after the end of continuous trading; the auction's print
       bears 16:08 to 16:10 in Hong Kong, so waiting for a market time of 16:10 would wait for ever.
    2. It came when the auction was over and the delay had passed: at 16:16 a quote delayed by 15 minutes may
       still be a print of 16:00 sharp, before the auction.
    3. A print that bears a time of the auction's, before it can have ended, is of continuous trading and was
       told late: half an hour is left for the auction's own, then it is the last price there is.
    4. Yahoo says that the session is over, or another day has begun: the state is today's, so in the next
       day's trading it no longer speaks of the session that this price closed.
    """
    session = floor.session_of(made)
    hours = floor.hours(session)
    if hours is None or made < hours.closes or floor.day_of(made) != session:
        return False
    if received < hours.settled + delay + _LAST_PRINTS:
        return False
    told_late = hours.closes < made < hours.settled - _RANDOM_END
    if told_late and received < hours.settled + delay + _LATE_PRINTS:
        return False
    return str(state) in _OVER or session < floor.day_of(received)


def _results(row: dict[str, Any], floor: Floor, received: datetime) -> Due | None:
    """Return when results are due next, from what a quote says anyway; None for those of days gone by."""
    today = floor.day_of(received)
    for first, last in (("Start", "End"), ("", "")):
        starts, ends = (_stamp(row.get(f"earningsTimestamp{each}")) for each in (first, last))
        if starts is None:
            continue
        begins, until = floor.day_of(starts), floor.day_of(ends or starts)
        if max(begins, until) < today:
            continue
        if begins < until:
            return Due(max(begins, today))
        return Due(begins, _part_of_day(starts, floor), row.get("isEarningsDateEstimate") is not False)
    return None


def _part_of_day(moment: datetime, floor: Floor) -> PartOfDay:
    """Say in which part of a session's day `moment` lies; midnight stands for a time that is not known."""
    local = moment.astimezone(floor.zone)
    hours = floor.hours(local.date())
    if hours is None or not (local.hour or local.minute):
        return ""
    if moment < hours.opens:
        return "before the open"
    return "in the session" if moment < hours.closes else "after the close"


def _stamp(said: object) -> datetime | None:
    seconds = number(said)
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (OverflowError, OSError, ValueError):
        return None
