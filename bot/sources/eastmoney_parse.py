"""What Eastmoney's answers say, as efinance hands them over: quotes, and bars of indices.

Columns bear the names that efinance gives them. Eastmoney says neither a price's currency nor its own delay,
so the one follows from what is asked for, and the other is taken for the longest that is known of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from bot.market.bars import Bar, Series
from bot.market.instrument import Instrument
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from bot.market.sessions import HOURS, settlement
from bot.sources.yahoo_belief import Unbelievable, a_price, believable, moment, near
from bot.sources.yahoo_failure import Changed
from bot.sources.yahoo_parse import LeftOut

SOURCE = "Eastmoney"

# AKShare's pages put its Hong Kong quotes a quarter of an hour late. The mainland's may be sooner, but as it
# does not say so, they are not taken to be.
DELAY = 15
_LAST_PRINTS = timedelta(minutes=1)
_BAR_SETTLES = timedelta(hours=1)

# Hong Kong's indices, and where Eastmoney keeps them: 100 holds the world's best known, 124 Hong Kong's own.
_INDICES: Mapping[str, str] = MappingProxyType(
    {"^HSI": "100.HSI", "^HSCE": "100.HSCEI", "HSTECH": "124.HSTECH", "HSTECH.HK": "124.HSTECH"}
)
_MAINLAND: Mapping[str, str] = MappingProxyType({"SS": "1", "SZ": "0"})
_SHARES_IN_DOLLARS: Mapping[str, str] = MappingProxyType({"SS": "900", "SZ": "200"})
_MAINLAND_DIGITS = 6
_HONG_KONG_DIGITS = 5
_COUNTERS_IN_YUAN = "8"


def quote_id(instrument: Instrument) -> str | None:
    """Return what Eastmoney calls an instrument, or None where it is beyond its reach."""
    if instrument.symbol in _INDICES:
        return _INDICES[instrument.symbol]
    code, _, suffix = instrument.symbol.partition(".")
    if not (code.isascii() and code.isdigit()):
        return None
    if suffix == "HK" and instrument.currency == "HKD" and len(code) <= _HONG_KONG_DIGITS:
        padded = code.zfill(_HONG_KONG_DIGITS)
        return None if padded.startswith(_COUNTERS_IN_YUAN) else f"116.{padded}"
    if suffix in _MAINLAND and instrument.currency == "CNY" and len(code) == _MAINLAND_DIGITS:
        return None if code.startswith(_SHARES_IN_DOLLARS[suffix]) else f"{_MAINLAND[suffix]}.{code}"
    return None


def read_quotes(
    rows: Iterable[Mapping[str, Any]], asked: Mapping[str, Instrument], schedule: Schedule, received: datetime
) -> tuple[tuple[Quote, ...], tuple[LeftOut, ...]]:
    """Read the answer to a batch; `asked` holds the instruments by Eastmoney's ids.

    Raises `Changed` for an answer that says nothing of any of several instruments.
    """
    by_id = {str(row.get("行情ID")): row for row in rows}
    wanted = {each: instrument for each, instrument in asked.items() if each in by_id}
    if not wanted and len(asked) > 1:
        raise Changed(f"answered with none of the {len(asked)} instruments asked for")
    quotes: list[Quote] = []
    left_out = [
        LeftOut(instrument.symbol, "quote", "not in the answer")
        for each, instrument in asked.items()
        if each not in wanted
    ]
    for each, instrument in wanted.items():
        try:
            quotes.append(_quote(by_id[each], instrument, schedule, received))
        except Unbelievable as reason:
            left_out.append(LeftOut(instrument.symbol, "quote", reason.why, reason.said))
    return tuple(quotes), tuple(left_out)


def _quote(row: Mapping[str, Any], instrument: Instrument, schedule: Schedule, received: datetime) -> Quote:
    previous = a_price(row.get("昨日收盘"))
    price = believable(row.get("最新价"), previous)
    opened = a_price(row.get("今开"))
    if opened is None:
        # Before a session's first trade its time is today's already, and its price still yesterday's.
        raise Unbelievable("not traded yet", row.get("今开"))
    made = moment(_seconds(row.get("更新时间")), received)
    session = _day(row.get("最新交易日"))
    zone = ZoneInfo(_zone_of(instrument, schedule))
    if made.astimezone(zone).date() != session:
        raise Unbelievable("its time is not of its trading day", row.get("最新交易日"))
    return Quote(
        instrument.symbol,
        price,
        session,
        made,
        received,
        SOURCE,
        DELAY,
        final=_is_final(instrument, schedule, session, made, received),
        open=near(opened, price, times=4),
        high=_at_least(near(row.get("最高"), price, times=4), price),
        low=_at_most(near(row.get("最低"), price, times=4), price),
        previous_close=previous,
    )


def _at_least(high: float | None, price: float) -> float | None:
    return high if high is not None and high >= price else None


def _at_most(low: float | None, price: float) -> float | None:
    return low if low is not None and low <= price else None


def _seconds(said: object) -> float | None:
    """Return when a price was made: efinance writes it on this machine's own clock, without its zone."""
    try:
        return datetime.fromisoformat(str(said)).astimezone().timestamp()
    except (OSError, OverflowError, ValueError):
        return None


def _day(said: object) -> date:
    try:
        return date.fromisoformat(str(said)[:10])
    except ValueError as error:
        raise Unbelievable("no trading day", said) from error


def _zone_of(instrument: Instrument, schedule: Schedule) -> str:
    exchange = schedule.exchanges.get(instrument.exchange)
    return exchange.zone if exchange is not None else HOURS[instrument.market].zone.key


def _is_final(
    instrument: Instrument, schedule: Schedule, session: date, made: datetime, received: datetime
) -> bool:
    """Tell whether a price is its session's official close; without a calendar it never surely is.

    It was made when continuous trading was over, and came when the auction's last prints had had their time.
    """
    hours = schedule.session_on(instrument.exchange, session)
    if hours is None:
        return False
    known = hours.settled + timedelta(minutes=DELAY) + _LAST_PRINTS
    return made >= hours.closes and received >= known


def read_bars(
    rows: Iterable[Mapping[str, Any]], instrument: Instrument, until: date, received: datetime
) -> Series:
    """Read an index's daily bars: those before `until` that had settled when they came.

    A session without a close is a gap. Raises `Changed` for bars of another form.
    """
    bars: dict[date, Bar] = {}
    for row in rows:
        try:
            session = date.fromisoformat(str(row["日期"])[:10])
            close, opened, high, low = (row[side] for side in ("收盘", "开盘", "最高", "最低"))
        except (KeyError, ValueError) as error:
            raise Changed("answered with bars in a form that we do not know") from error
        price = a_price(close)
        settled = settlement(instrument.market, session) + _BAR_SETTLES <= received
        if price is None or session >= until or not settled:
            continue
        start = near(opened, price)
        edges = (price, start or price)
        bars[session] = Bar(
            session,
            price,
            start,
            _at_least(near(high, price), max(edges)),
            _at_most(near(low, price), min(edges)),
        )
    return Series(instrument.symbol, tuple(bars[each] for each in sorted(bars)))
