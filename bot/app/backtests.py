"""A line tested on history: on a folder of recorded bars, or on what a running Marketbell keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial

from bot.app.parts import Parts
from bot.app.recorded import RecordedMarket
from bot.errors import NotKnown, UsageError
from bot.market.bars import Calendar, Series, calendar_of
from bot.market.catalogue import Catalogue
from bot.market.instrument import Instrument, Market, bare_instrument, watched_members_on
from bot.rules.backtest import Past, report
from bot.rules.conditions import Rule
from bot.rules.report import Report
from bot.rules.scope import read, rules_of
from bot.sources.catalogue import load_catalogue, load_members, load_twins
from bot.store import market as published

_NAME = "back-test"


@dataclass(frozen=True, slots=True)
class Tested:
    """What is tested on: the past that is held, everything that can be named, and what is watched."""

    past: Past
    named: Catalogue
    watched: frozenset[str]

    @classmethod
    def of(
        cls, watched: Iterable[Instrument], series: Mapping[str, Series], calendar: Calendar | None = None
    ) -> Tested:
        """Put what is held together; what nobody describes is known by its symbol's suffix."""
        watched = tuple(watched)
        described = Catalogue.of((*watched, *load_catalogue()))
        others = [bare_instrument(each) for each in sorted(series) if each not in described]
        named = Catalogue.of((*described, *others))
        held = Catalogue.of(each for each in named if each.symbol in series)

        def market_of(symbol: str) -> Market:
            return held[symbol].market

        known = calendar or calendar_of(series.values(), market_of)
        members = partial(watched_members_on, load_members(), series)
        past = Past(held, series, known, members, load_twins())
        return cls(past, named, frozenset(each.symbol for each in watched))

    @classmethod
    def recorded(cls, market: RecordedMarket) -> Tested:
        """Return the whole of a folder of recorded bars."""
        return cls.of(market.settings.catalogue(), market.series, market.calendar)

    @classmethod
    async def kept(cls, parts: Parts) -> Tested:
        """Return the history that a running Marketbell keeps."""
        series = {
            symbol: each for symbol, each in (await published.histories(parts.link)).items() if each.bars
        }
        if not series:
            raise NotKnown("No history is kept yet: it comes with the first look at the market.")
        return cls.of(parts.catalogue, series, await published.calendar(parts.link))

    def rules(self, text: str, last: date) -> tuple[Rule, ...]:
        """Return the rules that a line is; an index's constituents are those of the session of `last`.

        Raises `GrammarError` for a line that does not read, or names what nothing is called.
        """
        held = [each.bars[-1].session for each in self.past.series.values() if each.bars]
        day = min(last, max(held, default=last))
        return rules_of(
            _NAME,
            read(text, lambda name: self.named.resolve(name).symbol),
            self.past.catalogue,
            lambda index: self.past.members(index, day),
            lambda: self.watched,
        )

    def report(self, text: str, span: tuple[date, date]) -> Report:
        """Return what a line would have told from one session to another.

        Raises `GrammarError` for its mistakes, `UsageError` for a span that ends before it begins, and
        `NotKnown` where no bars of it are held.
        """
        first, last = span
        if first > last:
            raise UsageError(
                f"The back-test would end before it begins: --from {first} is after --to {last}."
            )
        return report(self.rules(text, last), self.past, span)

    def called(self, symbol: str) -> str:
        """Return what messages call an instrument."""
        return self.named[symbol].short
