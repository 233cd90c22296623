"""What Yahoo's answers say: quotes and bars, and whether a price is a session's last word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from bot.market.bars import Bar, Series
from bot.market.instrument import Instrument, Market
from bot.market.quote import Quote
from bot.market.sessions import HOURS, session_of, settlement
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

SOURCE = "Yahoo"

_COLUMNS = ("close", "open", "high", "low", "volume")
_OVER = frozenset({"POST", "POSTPOST", "CLOSED", "PREPRE"})
# The last prints of the auction trickle in after it.
_LAST_PRINTS = timedelta(minutes=1)
# Nobody says of a bar how late it is; the latest that an exchange's data are is half an hour.
_BAR_SETTLES = timedelta(hours=1)
# On the eves of holidays Hong Kong's morning ends with an auction, and that with the first print from 12:08.
# On other days nothing trades in the lunch break.
_HALF_DAY_AUCTION = time(12, 8)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that Yahoo said and that we do not pass on."""

    symbol: str
    what: str
    why: str
    said: object = None


def read_quotes(
    answer: Any, asked: Mapping[str, Instrument], received: datetime
) -> tuple[tuple[Quote, ...], tuple[LeftOut, ...]]:
    """Read the answer to a batch; `asked` holds the instruments by Yahoo's symbols.

    Raises `Changed` for an answer of another form, and for one that says nothing of any of several symbols.
    """
    rows = _part(answer, "quoteResponse", "result")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Changed("answered with quotes in a form that we do not know")
    by_symbol = {str(row.get("symbol", "")).upper(): row for row in reversed(rows)}
    wanted = {symbol: instrument for symbol, instrument in asked.items() if symbol.upper() in by_symbol}
    # One unknown symbol gets an empty answer too; several at once do not vanish.
    if not wanted and len(asked) > 1:
        raise Changed(f"answered with none of the {len(asked)} instruments asked for")
    quotes: list[Quote] = []
    left_out = [
        LeftOut(each.symbol, "quote", "not in the answer")
        for symbol, each in asked.items()
        if symbol not in wanted
    ]
    for symbol, instrument in wanted.items():
        try:
            quotes.append(_quote(by_symbol[symbol.upper()], instrument, received, left_out))
        except Unbelievable as reason:
            left_out.append(LeftOut(instrument.symbol, "quote", reason.why, reason.said))
    return tuple(quotes), tuple(left_out)


def _quote(row: dict[str, Any], instrument: Instrument, received: datetime, left_out: list[LeftOut]) -> Quote:
    same_currency(row.get("currency"), instrument)
    previous = a_price(row.get("regularMarketPreviousClose"))
    price = believable(row.get("regularMarketPrice"), previous)
    made = moment(row.get("regularMarketTime"), received)
    delay = minutes_late(row.get("exchangeDataDelayedBy", 0))
    session = session_of(instrument.market, made)
    opened, high, low = (
        _side(row, side, price, instrument, left_out) for side in ("Open", "DayHigh", "DayLow")
    )
    return Quote(
        instrument.symbol,
        price,
        session,
        made,
        received,
        SOURCE,
        delay,
        final=_is_final(instrument.market, row.get("marketState"), made, received, timedelta(minutes=delay)),
        open=opened,
        high=high,
        low=low,
        previous_close=previous,
        volume=number(row.get("regularMarketVolume")),
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


def read_bars(
    answer: Any, instrument: Instrument, until: date, received: datetime
) -> tuple[Series, tuple[LeftOut, ...]]:
    """Read a chart of daily bars: those before `until` that had settled when it came.

    A session without a close is a gap. Raises `Changed` for an answer of another form.
    """
    charts = _part(answer, "chart", "result")
    try:
        (chart,) = charts
        # A listing without a single session has no stamps and empty columns.
        stamps = chart.get("timestamp", [])
        columns = chart["indicators"]["quote"][0]
        sides = [columns[name] for name in _COLUMNS] if stamps else []
        cells = list(zip(stamps, *sides, strict=True))
        currency = chart["meta"]["currency"]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise Changed("answered with bars in a form that we do not know") from error
    try:
        same_currency(currency, instrument)
    except Unbelievable as reason:
        refused = LeftOut(instrument.symbol, "history", reason.why, reason.said)
        return Series(instrument.symbol, ()), (refused,)
    return Series(instrument.symbol, _bars(cells, instrument.market, until, received)), ()


def _bars(
    cells: Iterable[tuple[Any, ...]], market: Market, until: date, received: datetime
) -> tuple[Bar, ...]:
    bars: dict[date, Bar] = {}
    for stamp, close, opened, high, low, volume in cells:
        price = a_price(close)
        if price is None:
            continue
        try:
            session = session_of(market, moment(stamp, received))
        except Unbelievable:
            continue
        if session >= until or settlement(market, session) + _BAR_SETTLES > received:
            continue
        start = near(opened, price)
        known = (price, start or price)
        top, bottom = near(high, price), near(low, price)
        bars[session] = Bar(
            session,
            price,
            start,
            top if top is not None and top >= max(known) else None,
            bottom if bottom is not None and bottom <= min(known) else None,
            number(volume),
        )
    return tuple(bars[each] for each in sorted(bars))


def _part(answer: Any, outer: str, inner: str) -> Any:
    try:
        part, error = answer[outer][inner], answer[outer].get("error")
    except (AttributeError, KeyError, TypeError) as raised:
        raise Changed(f"answered without the {outer} that we know") from raised
    if error:
        said = error.get("description") if isinstance(error, dict) else error
        raise Changed(f"answered with an error: {str(said)[:100]}")
    return part


def _is_final(market: Market, state: object, made: datetime, received: datetime, delay: timedelta) -> bool:
    """Tell whether a price is its session's official close.

    1. It was made at or after the end of continuous trading; the auction's print bears 16:08 to 16:10 in Hong
       Kong, so waiting for a market time of 16:10 would wait for ever.
    2. It came when the auction was over and the delay had passed: at 16:16 a quote delayed by 15 minutes may
       still be a print of 16:00 sharp, before the auction.
    3. Yahoo says that the session is over, or another day has begun: the state is today's, so in the next
       day's trading it no longer speaks of the session that this price closed.
    """
    hours = HOURS[market]
    clock = made.astimezone(hours.zone).time()
    half_day = market == "HK" and _HALF_DAY_AUCTION <= clock < hours.stretches[-1][0]
    if clock < hours.closes and not half_day:
        return False
    session = session_of(market, made)
    if received < settlement(market, session) + delay + _LAST_PRINTS:
        return False
    return str(state) in _OVER or session < session_of(market, received)
