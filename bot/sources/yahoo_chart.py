"""What Yahoo's charts say: the bars of sessions that are over, and what a holder was given.

Prices, volumes and amounts are all in shares of after the last split.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any

from bot.market.actions import Action, Kind
from bot.market.bars import Bar, Series
from bot.market.instrument import Instrument
from bot.market.schedule import Schedule
from bot.sources.yahoo_belief import Unbelievable, a_price, moment, near, number, same_currency
from bot.sources.yahoo_failure import Changed
from bot.sources.yahoo_hours import Floor, floor_of
from bot.sources.yahoo_parse import LeftOut, part_of

_COLUMNS = ("close", "open", "high", "low", "volume")
_SHARES = ("numerator", "denominator")
_MOST_SHARES = 10_000


def read_chart(
    answer: Any, instrument: Instrument, until: date, received: datetime, schedule: Schedule
) -> tuple[Series, tuple[LeftOut, ...]]:
    """Read a chart of daily bars: those before `until` that had settled when it came, and the actions known.

    A session without a close is a gap. Raises `Changed` for an answer of another form, and `Missing` for an
    instrument that Yahoo does not have.
    """
    charts = part_of(answer, "chart", "result")
    try:
        (chart,) = charts
        # A listing without a single session has no stamps and empty columns.
        stamps = chart.get("timestamp", [])
        columns = chart["indicators"]["quote"][0]
        sides = [columns[name] for name in _COLUMNS] if stamps else []
        cells = list(zip(stamps, *sides, strict=True))
        currency, zone = chart["meta"].get("currency"), chart["meta"].get("exchangeTimezoneName")
        events = chart.get("events")
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise Changed("answered with bars in a form that we do not know") from error
    try:
        same_currency(currency, instrument)
    except Unbelievable as reason:
        refused = LeftOut(instrument.symbol, "history", reason.why, reason.said)
        return Series(instrument.symbol, ()), (refused,)
    left_out: list[LeftOut] = []
    floor = floor_of(instrument, schedule, zone)
    bars = _bars(cells, instrument, floor, received, left_out)
    reader = _Actions(instrument.symbol, floor, floor.day_of(received), bars, left_out)
    actions = _together([*reader.splits(events), *reader.distributions(events)])
    held = tuple(each for each in bars if each.session < until)
    return Series(instrument.symbol, held, actions=actions), tuple(left_out)


def _bars(
    cells: Iterable[tuple[Any, ...]],
    instrument: Instrument,
    floor: Floor,
    received: datetime,
    left_out: list[LeftOut],
) -> tuple[Bar, ...]:
    bars: dict[date, Bar] = {}
    unheld: set[date] = set()
    for stamp, close, opened, high, low, volume in cells:
        price = a_price(close)
        if price is None:
            continue
        try:
            session = floor.day_of(moment(stamp, received))
        except Unbelievable:
            continue
        if not floor.holds(session):
            unheld.add(session)
            continue
        if floor.bar_settles(session) > received:
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
    if unheld:
        # Yahoo repeats the last close on some holidays.
        said = ", ".join(map(str, sorted(unheld)))
        left_out.append(LeftOut(instrument.symbol, "bar", "of a day without a session", said))
    return tuple(bars[each] for each in sorted(bars))


class _Actions:
    """Reads what a holder was given; what cannot be true of it is left out with its reason."""

    def __init__(
        self, symbol: str, floor: Floor, today: date, bars: tuple[Bar, ...], left_out: list[LeftOut]
    ) -> None:
        self._symbol = symbol
        self._floor = floor
        self._today = today
        self._bars = bars
        self._left_out = left_out

    def splits(self, events: Any) -> Iterator[Action]:
        for event in self._of_kind(events, "splits"):
            session = self._session(event)
            new, old = (a_price(event.get(each)) for each in _SHARES) if session else (None, None)
            if session is None or new is None or old is None or not _shares(new, old):
                self._leave_out("split", event)
            else:
                yield Action(session, "split", factor=old / new)

    def distributions(self, events: Any) -> Iterator[Action]:
        for event in self._of_kind(events, "dividends"):
            session = self._session(event)
            amount = a_price(event.get("amount")) if session else None
            before = self._close_before(session)
            if session is None or amount is None or (before is not None and amount >= before):
                self._leave_out("distribution", event)
            else:
                yield Action(session, "distribution", amount=amount)

    def _of_kind(self, events: Any, kind: str) -> Iterable[Any]:
        held = events.get(kind) if isinstance(events, dict) else events
        if held and not isinstance(held, dict):
            self._leave_out(kind, held)
            return ()
        return held.values() if held else ()

    def _session(self, event: Any) -> date | None:
        """Return the day of an event: today's bears the opening, which may be yet to come."""
        seconds = number(event.get("date")) if isinstance(event, dict) else None
        try:
            day = self._floor.day_of(datetime.fromtimestamp(seconds, UTC)) if seconds else None
        except (OverflowError, OSError, ValueError):
            return None
        return day if day is not None and day <= self._today else None

    def _close_before(self, session: date | None) -> float | None:
        before = [each.close for each in self._bars if session is not None and each.session < session]
        return before[-1] if before else None

    def _leave_out(self, what: str, event: object) -> None:
        self._left_out.append(LeftOut(self._symbol, what, "cannot be true", str(event)[:100]))


def _shares(new: float, old: float) -> bool:
    """Tell whether so many new shares may have been given for so many old ones."""
    return new != old and 1 / _MOST_SHARES <= old / new <= _MOST_SHARES


def _together(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Bring those of a kind and day together, oldest first."""
    found: dict[tuple[date, Kind], list[Action]] = {}
    for each in actions:
        found.setdefault((each.session, each.kind), []).append(each)
    return tuple(
        Action(
            session,
            kind,
            math.prod(each.factor for each in found[session, kind]),
            math.fsum(each.amount for each in found[session, kind]),
        )
        for session, kind in sorted(found)
    )
