"""Scrutiny: what cannot be believed is held back, counted and reported once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.market.bars import Series
from bot.market.catalogue import Catalogue
from bot.market.doubt import Doubt, HeldBack, Holding, Why, doubt
from bot.market.quote import Quote, look_between
from bot.market.schedule import Schedule


@dataclass(slots=True)
class Scrutiny:
    """Judges quotes by the bars, by the schedule, and by the last quote that was believed."""

    catalogue: Catalogue
    schedule: Schedule | None
    report: Callable[..., None]
    _holding: Holding = field(default_factory=Holding)

    @property
    def counts(self) -> Mapping[str, int]:
        """How often what was held back or dropped, by reason; each instrument counts once a session."""
        return self._holding.counts

    @property
    def waiting(self) -> dict[str, HeldBack]:
        """What is held back at present, by symbol."""
        return self._holding.waiting

    def is_new(self, quote: Quote, before: Quote | None) -> bool:
        """Tell whether a quote is of a watched instrument, of a session, and newer than the one before."""
        if quote.symbol not in self.catalogue:
            return False
        if look_between(before, quote) is None:
            if before is not None and (quote.session, quote.time) < (before.session, before.time):
                self._count(quote, "older than one seen", f"{quote.time}, after one of {before.time}")
            return False
        if not self._is_of_a_session(quote):
            self._count(quote, "not of a session", f"made at {quote.time}")
            return False
        return True

    def doubt(self, quote: Quote, history: Series, before: Quote | None) -> Doubt | None:
        """Say why a quote must be held back; `history` has the bars before its session."""
        return doubt(quote, self.catalogue[quote.symbol], history, before, self.schedule)

    def hold(self, quote: Quote, found: Doubt, asked: datetime | None) -> Quote | None:
        """Hold a quote back, or return it where it is believed after all; the bars were `asked` for then."""
        believed = self._holding.seen_again(quote, found, asked)
        if believed is None:
            self._count(quote, found.why, found.said)
        return believed

    def believe(self, quote: Quote) -> None:
        """Take note that a quote is looked at; what it disproves was dropped."""
        dropped = self._holding.believed(quote)
        if dropped is not None:
            self._count(quote, "not seen again", dropped.said)

    def _is_of_a_session(self, quote: Quote) -> bool:
        """Tell whether the quote was made while its exchange traded.

        The official close counts whenever it is printed; where the calendar ends, every day counts.
        """
        exchange = self.catalogue[quote.symbol].exchange
        if quote.final or self.schedule is None or not self.schedule.knows(exchange, quote.session):
            return True
        return self.schedule.session_at(exchange, quote.time) is not None

    def _count(self, quote: Quote, why: Why, said: str) -> None:
        if self._holding.count(quote.symbol, why, quote.session):
            self.report("held back", symbol=quote.symbol, session=str(quote.session), why=why, said=said)
