"""Volumes: how each session's volume came, noted at looks and kept for later ones to be compared with."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from bot.market.catalogue import Catalogue
from bot.market.quote import Quote
from bot.market.schedule import Schedule, SessionHours
from bot.market.sessions import regular_hours
from bot.market.volumes import MOST_SESSIONS, PARTS, Point, elapsed, row_of, usual_share
from bot.store import market as published
from bot.store.link import Link

# Points closer together tell nothing that the parts of a profile would show.
_APART = 1 / PARTS / 4


@dataclass(slots=True)
class _Day:
    session: date
    points: list[Point] = field(default_factory=list)


@dataclass(slots=True)
class Volumes:
    """Knows what share of a day's volume each instrument has usually traded by a time of day."""

    link: Link
    catalogue: Catalogue
    schedule: Schedule | None
    _profiles: dict[str, dict[date, array[float]]] = field(default_factory=dict)
    _days: dict[str, _Day] = field(default_factory=dict)
    _known: dict[str, tuple[datetime, float | None]] = field(default_factory=dict)

    async def load(self) -> None:
        """Take up the profiles that are kept."""
        self._profiles = await published.volumes(self.link)

    def share(self, quote: Quote) -> float | None:
        """Return what share of its day's volume the instrument has usually traded by a quote's time."""
        known = self._known.get(quote.symbol)
        # Every rule that looks at a quote asks for the same.
        if known is None or known[0] != quote.time:
            held = self._profiles.get(quote.symbol, {})
            rows = [row for session, row in held.items() if session < quote.session]
            at = elapsed(self._hours(quote), quote.time)
            known = self._known[quote.symbol] = (quote.time, usual_share(rows, at))
        return known[1]

    async def note(self, quotes: Iterable[Quote]) -> None:
        """Note the volume so far; a session that has closed is kept with those before it."""
        closed: dict[str, dict[date, array[float]]] = {}
        for quote in quotes:
            # A range that is made up has no volume of its time of day.
            if quote.volume is None or quote.reconstructed:
                continue
            day = self._days.get(quote.symbol)
            if day is None or day.session != quote.session:
                day = self._days[quote.symbol] = _Day(quote.session)
            if quote.final:
                row = row_of(day.points, quote.volume)
                if row is not None:
                    closed[quote.symbol] = self._with(quote, row)
                continue
            at = elapsed(self._hours(quote), quote.time)
            last, traded = day.points[-1] if day.points else (0.0, 0.0)
            if at >= last + _APART and quote.volume >= traded:
                day.points.append((at, quote.volume))
        if closed:
            await published.publish_volumes(self.link, closed)

    def _with(self, quote: Quote, row: array[float]) -> dict[date, array[float]]:
        held = {**self._profiles.get(quote.symbol, {}), quote.session: row}
        newest = sorted(held)[-MOST_SESSIONS:]
        self._profiles[quote.symbol] = {session: held[session] for session in newest}
        return self._profiles[quote.symbol]

    def _hours(self, quote: Quote) -> SessionHours:
        instrument = self.catalogue[quote.symbol]
        known = self.schedule and self.schedule.session_on(instrument.exchange, quote.session)
        return known or regular_hours(instrument.market, quote.session)
