"""Watch: quotes become looks, looks meet the rules, and what they cross is raised."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from bot.alerts.alert import Alert, Reason, Seen, move_topics
from bot.alerts.surroundings import move_of
from bot.clock import MachineTime
from bot.errors import Away
from bot.market.bars import Bar, Calendar, Series, calendar_of
from bot.market.catalogue import Catalogue
from bot.market.instrument import Instrument
from bot.market.quote import Look, Quote, look_between
from bot.market.schedule import Schedule
from bot.market.sessions import session_of
from bot.pipeline.raising import Raiser
from bot.ports import QuoteSource
from bot.rules.conditions import Rule
from bot.rules.crossing import Crossing, Rung, fold_of
from bot.rules.evaluate import Ladders, looked
from bot.rules.footing import Footing, footings
from bot.rules.past import passed_in_history
from bot.store import alerts as stored
from bot.store import market as published
from bot.store.link import Link

_LATE = timedelta(minutes=10)
_KEPT = timedelta(days=30)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOST_TRIES = 3

Report = Callable[..., None]


@dataclass(slots=True)
class _Session:
    """One instrument's present session: its history, and each rule's footing there."""

    day: date
    history: Series
    footings: dict[str, Footing]


@dataclass(slots=True)
class Watch:
    """Looks at quotes under every rule; what it remembers can be rebuilt from Redis and the source."""

    link: Link
    source: QuoteSource
    rules: Sequence[Rule]
    catalogue: Catalogue
    clock: MachineTime
    report: Report
    schedule: Schedule | None = None
    replay_of: str | None = None
    _ladders: Ladders = field(default_factory=Ladders)
    _histories: dict[str, Series] = field(default_factory=dict)
    _sessions: dict[str, _Session] = field(default_factory=dict)
    _quotes: dict[str, Quote] = field(default_factory=dict)
    _first: bool = True
    _silent: bool = False

    async def load(self) -> None:
        """Take up what was known when the last worker stopped."""
        self._quotes = await published.quotes(self.link)
        self._histories = await published.histories(self.link)

    def calendar(self) -> Calendar:
        """Return the sessions of each market: as its calendar has them, or as the bars held know of them."""
        return self.held_calendar() if self.schedule is None else self.schedule.calendar()

    def held_calendar(self) -> Calendar:
        """Return the sessions of each market on which any instrument held traded."""
        watched = (each for symbol, each in self._histories.items() if symbol in self.catalogue)
        return calendar_of(watched, lambda symbol: self.catalogue[symbol].market)

    @property
    def quotes(self) -> Mapping[str, Quote]:
        """The last quote of each instrument that was believed."""
        return self._quotes

    @property
    def histories(self) -> Mapping[str, Series]:
        """The settled bars that are held."""
        return self._histories

    async def tick(self, quotes: Iterable[Quote], raiser: Raiser) -> tuple[Alert, ...]:
        """Look at `quotes` together and raise what they crossed; return what was raised.

        A quote counts as looked at only when everything that it crossed is raised: a worker that is killed
        in between looks again, and raises nothing twice. What a session crossed that was over before anybody
        looked is recorded, and told to nobody.
        """
        looks: list[tuple[Quote, Look]] = []
        self._silent = False
        for quote in quotes:
            look = look_between(self._quotes.get(quote.symbol), quote)
            if look is not None and self._is_of_a_session(quote) and await self._enter(quote):
                looks.append((quote, look))
        for quote, look in looks:
            if self._is_over(quote):
                await self._record(quote, look)
        raised: list[Alert] = []
        for _ in range(_MOST_TRIES):
            found = [alert for quote, look in looks for alert in self._crossed(quote, look)]
            answers = await raiser.raise_all(found)
            for answer in answers:
                self._climb(answer)
            raised += [answer.alert for answer in answers if answer.verdict == "raised"]
            if all(answer.verdict != "told" for answer in answers):
                break
        for quote, look in looks:
            session = self._sessions[quote.symbol]
            session.footings = {name: each.after(look) for name, each in session.footings.items()}
            self._quotes[quote.symbol] = quote
        await published.publish_quotes(self.link, [quote for quote, _ in looks])
        self._first = False
        return tuple(raised)

    def _is_of_a_session(self, quote: Quote) -> bool:
        """Tell whether the quote is of a watched instrument and was made while its exchange traded.

        The official close counts whenever it is printed; where the calendar ends, every day counts.
        """
        if quote.symbol not in self.catalogue:
            return False
        exchange = self.catalogue[quote.symbol].exchange
        if quote.final or self.schedule is None or not self.schedule.knows(exchange, quote.session):
            return True
        return self.schedule.session_at(exchange, quote.time) is not None

    def _is_over(self, quote: Quote) -> bool:
        """Tell whether the quote's session had passed when it reached us."""
        return session_of(self.catalogue[quote.symbol].market, quote.received) > quote.session

    async def _record(self, quote: Quote, look: Look) -> None:
        crossed = [each for _, each in self._crossings(quote, look)]
        await stored.record(self.link, [(each.rung, each.step) for each in crossed])
        for each in crossed:
            self._ladders.climb(each)
            self.report("crossed unseen", symbol=each.symbol, rule=each.rule, session=str(each.session))

    def _climb(self, answer: stored.Raised) -> None:
        match answer:
            case stored.Raised(alert=Alert(facts=facts), verdict="told", told=step) if facts.kind == "move":
                self._ladders.told[facts.crossing.rung] = step
            case stored.Raised(alert=Alert(facts=facts)) if facts.kind == "move":
                self._ladders.climb(facts.crossing)

    async def _enter(self, quote: Quote) -> bool:
        """Make ready for the quote's session, where it is a new one; tell whether it can be looked at.

        A quote that cannot be compared yet is left for the next tick, whose look then covers it.
        """
        session = self._sessions.get(quote.symbol)
        if session is not None and session.day == quote.session:
            return True
        instrument = self.catalogue[quote.symbol]
        history = await self._history_before(instrument, quote.session)
        if history is None:
            return False
        self._histories[quote.symbol] = history
        await published.publish_history(self.link, history)
        calendar = self.calendar()
        today = history.with_bar(Bar(quote.session, quote.price))
        found: dict[str, Footing] = {}
        for rule in self.rules:
            if quote.symbol not in rule.symbols:
                continue
            footing = footings(rule, today, calendar, instrument.market)[-1]
            if footing is None:
                self.report("not compared", rule=rule.name, symbol=quote.symbol, session=str(quote.session))
                continue
            found[rule.name] = await self._step_in(rule, footing, history, calendar, quote)
        self._sessions[quote.symbol] = _Session(quote.session, history, found)
        return True

    async def _step_in(
        self, rule: Rule, footing: Footing, history: Series, calendar: Calendar, quote: Quote
    ) -> Footing:
        """Take up a footing's ladders, as told and as history passed them, and today's extremes so far."""
        market = self.catalogue[quote.symbol].market
        told = await stored.ladders(self.link, rule.revision, quote.symbol)
        passed = passed_in_history(rule, footing, history, calendar, market)
        behind = {rung: step for rung, step in passed.items() if step > told.get(rung, 0.0)}
        await stored.record(self.link, behind.items())
        over = [rung for rung in told if _is_over(rung, quote.session)]
        await stored.forget(self.link, over)
        self._ladders.told.update(told | behind)
        for rung in over:
            self._ladders.told.pop(rung)
        before = self._quotes.get(quote.symbol)
        if before is None or before.session != quote.session:
            return footing
        look = look_between(None, before)
        return footing if look is None else footing.after(look)

    async def _history_before(self, instrument: Instrument, session: date) -> Series | None:
        """Return the settled bars before a session, or None where they cannot be had now.

        What is kept goes back further than some sources do, and may have been imported meanwhile; where both
        have a session, the source is believed. One that was silent once is not asked again in the same tick:
        then the close that we saw ourselves stands in for its bar.
        """
        kept = (await published.history(self.link, instrument.symbol)).until(session - timedelta(days=1))
        if not self._silent:
            try:
                return kept.joined(await self.source.history(instrument, session))
            except Away as error:
                self._silent = True
                self.report("history not refreshed", symbol=instrument.symbol, why=str(error))
        last = self._quotes.get(instrument.symbol)
        if last is None or not last.final or last.session >= session:
            return None
        return kept.with_bar(last.bar)

    def _crossed(self, quote: Quote, look: Look) -> Iterable[Alert]:
        for rule, crossing in self._crossings(quote, look):
            yield self._alert(rule, crossing, self.catalogue[quote.symbol], quote)

    def _crossings(self, quote: Quote, look: Look) -> Iterable[tuple[Rule, Crossing]]:
        footings = self._sessions[quote.symbol].footings
        for rule in self.rules:
            footing = footings.get(rule.name)
            if footing is not None:
                yield from ((rule, each) for each in looked(rule, footing, look, self._ladders.furthest))

    def _alert(self, rule: Rule, crossing: Crossing, instrument: Instrument, quote: Quote) -> Alert:
        series = self._sessions[quote.symbol].history.with_bar(quote.bar)
        seen = Seen(quote.source, quote.received, quote.delay, quote.reconstructed, quote.note)
        return Alert(
            fingerprint=crossing.fingerprint,
            facts=move_of(crossing, instrument, series, self.calendar(), seen),
            topics=move_topics(crossing),
            reason=self._reason(crossing, quote),
            at=quote.time,
            raised=self.clock(),
            fold=fold_of(crossing, instrument.market, together=rule.together),
            replay_of=self.replay_of,
        )

    def _reason(self, crossing: Crossing, quote: Quote) -> Reason:
        before = self._quotes.get(quote.symbol)
        gap = before is not None and before.session == quote.session and quote.received - before.received
        if self._first and gap and gap > _LATE:
            return "seen late"
        return "new step" if crossing.before else "first"


def _is_over(rung: Rung, session: date) -> bool:
    """Tell whether a day move's record has outlived its session by the time that records are kept."""
    return _DAY.fullmatch(rung.episode) is not None and date.fromisoformat(rung.episode) < session - _KEPT
