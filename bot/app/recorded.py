"""A folder of recorded bars, asked in place of a running worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from bot.alerts.alert import Alert
from bot.app.parts import rules_of, topics_of
from bot.chat.answer import Answers
from bot.chat.commands import COMMANDS
from bot.config import Settings, read_settings
from bot.errors import NotKnown, UsageError
from bot.market.bars import Calendar, Series, with_actions
from bot.market.catalogue import Catalogue
from bot.market.extremes import window_named
from bot.market.freshness import Freshness
from bot.market.instrument import Instrument, bare_instrument
from bot.market.measures import DrawdownCard, QuoteCard, drawdown_card, quote_card
from bot.market.premium import Prices, has_no_twin, pair_of, premium
from bot.market.quote import Quote, settled_quote
from bot.market.schedule import Schedule
from bot.market.sessions import settlement
from bot.messages.own import Backtested
from bot.messages.pictures import pictured
from bot.messages.provenance import RECORDED
from bot.pipeline.making import Sight, alert_of
from bot.ports import Compared, Priced
from bot.rules.conditions import Rule
from bot.rules.crossing import Crossing
from bot.rules.met import Met
from bot.sources.catalogue import load_catalogue, load_twins
from bot.sources.folder import read_folder

if TYPE_CHECKING:
    # It loads what computes over columns, which a quote has no use for.
    from bot.rules.backtest import Told

CLOSED = Freshness("official close", 0, 0.0)


@dataclass(frozen=True, slots=True)
class RecordedMarket:
    """A data folder seen through the settings: instruments by name, their bars, the sessions."""

    settings: Settings
    catalogue: Catalogue
    series: dict[str, Series]
    calendar: Calendar

    @classmethod
    def of(cls, config: Path, data: Path) -> RecordedMarket:
        """Read both; a symbol that the settings do not describe is known by its suffix."""
        settings = read_settings(config)
        described = settings.catalogue()
        recorded = read_folder(data)
        others = [bare_instrument(symbol) for symbol in sorted(recorded.series) if symbol not in described]
        catalogue = Catalogue.of((*described, *others))
        calendar = recorded.calendar(lambda symbol: catalogue[symbol].market)
        given = settings.known_actions()
        series = {
            symbol: with_actions(each, given.get(symbol, ()), each.sessions[-1]) if each.bars else each
            for symbol, each in recorded.series.items()
        }
        return cls(settings, catalogue, series, calendar)

    def on(self, session: date | None) -> RecordedSession:
        """Return the market as it was when `session` had settled, or as the last bars have it."""
        return RecordedSession(self, session)

    def answers(self, session: date | None) -> Answers:
        """Return what commands turn to when only bars are asked."""
        return Answers(self.on(session), None, topics_of(self.settings), COMMANDS)

    def quote(self, asked: str, session: date | None) -> QuoteCard:
        """Return the quote of what a person `asked` for."""
        instrument, series = self._held(asked)
        return quote_card(instrument, series, session or series.sessions[-1], self.calendar)

    def drawdown(self, asked: str, window: str, session: date | None) -> DrawdownCard:
        """Return the drawdown of what a person `asked` for."""
        chosen = window_named(window)
        instrument, series = self._held(asked)
        return drawdown_card(instrument, series, session or series.sessions[-1], chosen)

    def replay(self, span: tuple[date, date], preset: str | None) -> Told:
        """Return what the rules would have told in `span`; an index has the constituents of each session."""
        from bot.app.beside import Beside
        from bot.rules.backtest import backtest

        first, last = span
        if first > last:
            raise UsageError(f"The replay would end before it begins: --from {first} is after --to {last}.")
        rules = rules_of(self.settings, self._last(last), preset)
        members = Beside(self.catalogue, self.catalogue).members
        return backtest(rules, self.catalogue, self.series, self.calendar, span, members)

    def alerts(self, told: Told, preset: str | None) -> Iterator[Alert]:
        """Give what was replayed as the alerts that it would have been, in the order of their times."""
        last = self._last(told.days[-1]) if told.days else date.max
        rules = {each.revision: each for each in rules_of(self.settings, last, preset)}
        raised: list[Crossing | Met] = [*(each.crossing for each in told.told), *told.met]
        for each in sorted(raised, key=lambda each: each.time):
            yield self.alert(each, rules[each.revision])

    def alert(self, raised: Crossing | Met, rule: Rule) -> Alert:
        """Return what a rule raised over recorded bars as the alert that it would have been."""
        instrument = self.catalogue[raised.symbol]
        series = self.series[raised.symbol].until(raised.session)
        quote = settled_quote(raised.symbol, series.bars[-1], raised.time, RECORDED)
        sight = Sight(instrument, quote, None, series, self.calendar, first=False)
        return alert_of(rule, raised, sight, lambda: 0, None)

    def _last(self, day: date) -> date:
        """Return the last session that is recorded up to a day."""
        return min(day, max((each.sessions[-1] for each in self.series.values() if each.bars), default=day))

    def _held(self, asked: str) -> tuple[Instrument, Series]:
        instrument = self.catalogue.resolve(asked)
        series = self.series.get(instrument.symbol)
        if series is None or not series.bars:
            raise NotKnown(f"The data folder holds no bars of {instrument.symbol} ({instrument.short}).")
        return instrument, series


@dataclass(frozen=True, slots=True)
class RecordedSession:
    """A recorded market at the end of one session, for commands to ask."""

    market: RecordedMarket
    session: date | None

    async def quote(self, asked: str) -> Priced[QuoteCard]:
        """Return the quote of an instrument."""
        card = self.market.quote(asked, self.session)
        return Priced(card, _settled_quote(card), CLOSED)

    async def drawdown(self, asked: str, window: str) -> Priced[DrawdownCard]:
        """Return an instrument's drawdown from the peak of `window`."""
        card = self.market.drawdown(asked, window, self.session)
        return Priced(card, _settled_quote(card), CLOSED)

    async def premium(self, asked: str) -> Compared:
        """Return the premium between the two lines of which an instrument is one, by their closes."""
        card = self.market.quote(asked, self.session)
        known = Catalogue.of((*self.market.catalogue, *load_catalogue()))
        pair = pair_of(load_twins(), known, card.instrument, settlement("US", card.bar.session))
        if pair is None:
            raise has_no_twin(card.instrument, known=True)
        lines = (pair.hong_kong.symbol, pair.new_york.symbol)
        here, there = (_settled_quote(self.market.quote(each, self.session)) for each in lines)
        prices = Prices(here, there)
        return Compared(premium(pair, prices, Schedule({}), max(here.time, there.time)))

    async def backtest(self, line: str, following: frozenset[str]) -> Backtested:
        """Return what a rule's line would have done on the bars that are recorded, up to the session."""
        from bot.app.backtests import Tested

        del following
        tested = Tested.recorded(self.market)
        report = tested.report(line, (date.min, self.session or date.max))
        shorts = {each: tested.called(each) for each in report.symbols}
        if len(report.symbols) != 1:
            return Backtested(report, shorts)
        (symbol,) = report.symbols
        held = self.market.series[symbol]
        closes = (each.close for each in held.bars)
        return Backtested(report, shorts, (), pictured(report, symbol, shorts[symbol], held.sessions, closes))


def _settled_quote(card: QuoteCard | DrawdownCard) -> Quote:
    settled = settlement(card.instrument.market, card.bar.session)
    return settled_quote(card.instrument.symbol, card.bar, settled, RECORDED)
