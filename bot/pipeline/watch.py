"""Watch: quotes become looks, looks meet the rules, and what they cross is raised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from bot.alerts.alert import Alert
from bot.clock import MachineTime
from bot.market.actions import Action
from bot.market.bars import Calendar, Series, calendar_of
from bot.market.catalogue import Catalogue
from bot.market.doubt import Doubt, HeldBack
from bot.market.instrument import Instrument
from bot.market.quote import Look, Quote, look_between
from bot.market.schedule import Schedule
from bot.market.sessions import session_of
from bot.market.twins import Twin
from bot.pipeline.climbing import Climbing
from bot.pipeline.entering import Entered, Entering, Session
from bot.pipeline.gates import Gates, Premiums, nothing
from bot.pipeline.histories import Histories
from bot.pipeline.making import Sight, alert_of
from bot.pipeline.memory import Memory
from bot.pipeline.own import Own
from bot.pipeline.proposing import Proposals, Proposing
from bot.pipeline.raising import Raiser
from bot.pipeline.scrutiny import Scrutiny
from bot.pipeline.volumes import Volumes
from bot.ports import QuoteSource
from bot.rules.conditions import Rule
from bot.rules.crossing import Crossing
from bot.rules.evaluate import Ladders, looked
from bot.rules.met import Met
from bot.rules.scene import Members, no_members
from bot.store import market as published
from bot.store.link import Link

Report = Callable[..., None]


@dataclass(slots=True)
class Watch:
    """Looks at quotes under every rule; what it remembers can be rebuilt from Redis and the source.

    `charts` is how many charts the source may be asked for in a minute. A replay may ask for as many as it
    likes: recorded bars cost nothing, and it must find the same whatever it is asked at once. `given` are
    actions that the source does not know of. `members` are an index's watched constituents, `premiums` and
    `twins` what is known of companies with two lines.
    """

    link: Link
    source: QuoteSource
    rules: Sequence[Rule]
    catalogue: Catalogue
    clock: MachineTime
    report: Report
    schedule: Schedule | None = None
    replay_of: str | None = None
    charts: int = 40
    given: Mapping[str, tuple[Action, ...]] = field(default_factory=dict)
    members: Members = no_members
    premiums: Premiums = nothing
    twins: tuple[Twin, ...] = ()
    _ladders: Ladders = field(default_factory=Ladders)
    _climbing: Climbing = field(init=False)
    _sessions: dict[str, Session] = field(default_factory=dict)
    _quotes: dict[str, Quote] = field(default_factory=dict)
    _past: Histories = field(init=False)
    _scrutiny: Scrutiny = field(init=False)
    _volumes: Volumes = field(init=False)
    _memory: Memory = field(init=False)
    _gates: Gates = field(init=False)
    _entering: Entering = field(init=False)
    _own: Own = field(init=False)
    _proposing: Proposing = field(init=False)
    _proposals: dict[str, Proposals] = field(default_factory=dict)
    _to_enter: set[str] = field(default_factory=set)
    _arriving: dict[str, Quote] = field(default_factory=dict)
    _now: datetime | None = None
    _first: bool = True

    def __post_init__(self) -> None:
        """Make what it looks at quotes with."""
        self._climbing = Climbing(self.link, self._ladders, self.report)
        self._scrutiny = Scrutiny(self.catalogue, self.schedule, self.report)
        most = self.charts if self.replay_of is None else None
        self._past = Histories(
            self.link, self.source, self.catalogue, self.report, self.schedule, most, self.given
        )
        self._volumes = Volumes(self.link, self.catalogue, self.schedule)
        self._memory = Memory(self.link)
        self._gates = Gates(
            self.link,
            self.calendar,
            self._known,
            self.members,
            self.premiums,
            self._ladders,
            self._volumes.share,
            self._memory,
            self.twins,
        )
        self._entering = Entering(
            self.link, self.catalogue, self.report, self.calendar, self._ladders, self._gates
        )
        self._own = Own(self.link, self.catalogue, self.members, self._today, self.report)
        self._proposing = Proposing(
            self.link, self._own, self.catalogue, self.calendar, self._ladders, self._gates, self._entering
        )
        self._listen()

    async def load(self) -> None:
        """Take up what was known when the last worker stopped, and what chats have set for themselves."""
        self._quotes = await published.quotes(self.link)
        await self._past.load()
        await self._volumes.load()
        await self._own.load()
        self._listen()

    async def refresh(self) -> None:
        """Take up what chats have changed of their own rules."""
        changed = await self._own.refresh()
        # Entered again, a session has the rules that there are now, with what was told of each.
        if changed is None:
            self._to_enter |= self._sessions.keys()
        elif changed.names:
            for proposals in self._proposals.values():
                proposals.forget(changed.names)
            self._to_enter |= changed.symbols
        if changed is None or changed.names:
            self._listen()

    def calendar(self) -> Calendar:
        """Return the sessions of each market: as its calendar has them, or as the bars held know of them."""
        return self.held_calendar() if self.schedule is None else self.schedule.calendar()

    def held_calendar(self) -> Calendar:
        """Return the sessions of each market on which any instrument held traded."""
        watched = (each for symbol, each in self.histories.items() if symbol in self.catalogue)
        return calendar_of(watched, lambda symbol: self.catalogue[symbol].market)

    @property
    def quotes(self) -> Mapping[str, Quote]:
        """The last quote of each instrument that was believed."""
        return self._quotes

    @property
    def histories(self) -> Mapping[str, Series]:
        """The settled bars that are held."""
        return self._past.held

    def _known(self, symbol: str) -> tuple[Instrument, Series] | None:
        """Return an instrument and its bars, the last quote's among them, where any are held."""
        session = self._sessions.get(symbol)
        history = self.histories.get(symbol) if session is None else session.history
        if history is None or symbol not in self.catalogue:
            return None
        quote = self._arriving.get(symbol) or self._quotes.get(symbol)
        return self.catalogue[symbol], history if quote is None else history.with_bar(quote.bar)

    @property
    def held(self) -> Mapping[str, int]:
        """How often what was held back or dropped, by reason."""
        return self._scrutiny.counts

    @property
    def asks_for_premiums(self) -> bool:
        """Tell whether any rule looks at a company's other line."""
        return self._memory.asks_for_premiums

    @property
    def waiting(self) -> dict[str, HeldBack]:
        """What is held back at present, by symbol."""
        return self._scrutiny.waiting

    async def tick(self, quotes: Iterable[Quote], raiser: Raiser) -> tuple[Alert, ...]:
        """Look at `quotes` and raise what they crossed; return what was raised.

        A quote counts as looked at only when everything that it crossed is raised: a worker that is killed
        in between looks again, and raises nothing twice. What a session crossed that was over before anybody
        looked is recorded, and told to nobody. What cannot be believed is held back, and what has to wait for
        its bars keeps nothing else waiting.
        """
        looked_at = tuple(quotes)
        if not looked_at:
            return ()
        now = max(each.received for each in looked_at)
        self._now = now
        self._past.begin(now)
        await self._memory.remember(looked_at)
        ready: list[Quote] = []
        others: list[Quote] = []
        for quote in looked_at:
            if self._scrutiny.is_new(quote, self._quotes.get(quote.symbol)):
                at_hand = await self._enter(quote, asking=False) and self._doubt(quote) is None
                (ready if at_hand else others).append(quote)
        raised = await self._look(ready, raiser)
        believed = [each for quote in others if (each := await self._believed(quote)) is not None]
        raised += await self._look(believed, raiser)
        for symbol in await self._past.refill(now):
            self._sessions.pop(symbol, None)
        self._first = False
        return tuple(raised)

    async def _look(self, quotes: Iterable[Quote], raiser: Raiser) -> list[Alert]:
        looks: list[tuple[Quote, Look]] = []
        for quote in quotes:
            yesterday = next(iter(self._sessions[quote.symbol].history.bars[-1:]), None)
            look = look_between(self._quotes.get(quote.symbol), quote, yesterday)
            if look is not None:
                self._scrutiny.believe(quote)
                looks.append((quote, look))
        # What is judged beside others is judged by what came in with it.
        self._arriving = {quote.symbol: quote for quote, _ in looks}
        for quote, look in looks:
            if quote.symbol in self._own.thresholds:
                await self._proposing.propose(self._proposals[quote.symbol], quote, look)
            if self._is_over(quote):
                await self._climbing.record(each for _, each in self._crossings(quote, look))
        raised = await self._climbing.climb(looks, self._crossed, raiser)
        for quote, look in looks:
            proposals = self._proposals[quote.symbol]
            gates = (*self._sessions[quote.symbol].gates, *proposals.gates())
            await self._gates.settle(gates, quote, look)
            self._proposing.settle(proposals, quote, look)
        await self._past.settle(quote for quote, _ in looks)
        await self._volumes.note(quote for quote, _ in looks)
        for quote, look in looks:
            session = self._sessions[quote.symbol]
            session.footings = [(rule, each.after(look)) for rule, each in session.footings]
            self._quotes[quote.symbol] = quote
        self._arriving = {}
        await published.publish_quotes(self.link, [quote for quote, _ in looks])
        return raised

    async def _enter(self, quote: Quote, *, asking: bool = True) -> bool:
        """Make ready for the quote's session, where it is a new one; tell whether it can be looked at.

        A quote that cannot be compared yet, or not without `asking` the source, is left for later: to the
        next tick, whose look then covers it.
        """
        session, before = self._sessions.get(quote.symbol), self._quotes.get(quote.symbol)
        if session is not None and session.day == quote.session:
            if quote.symbol not in self._to_enter:
                return True
            history: Series | None = session.history
        else:
            history = await self._past.before(self.catalogue[quote.symbol], quote, before, asking=asking)
        if history is None:
            return False
        self._to_enter.discard(quote.symbol)
        entered = Entered(quote, history, before)
        rules = (each for each in self.rules if quote.symbol in each.symbols)
        self._sessions[quote.symbol] = await self._entering.session(
            entered, (*rules, *self._own.general(quote.symbol))
        )
        self._proposals[quote.symbol] = await self._proposing.enter(entered)
        return True

    async def _believed(self, quote: Quote) -> Quote | None:
        """Return the quote as it may be looked at, or None where it has to wait or is held back.

        Where it contradicts our bars, or a split could explain it, they are asked for again.
        """
        instrument = self.catalogue[quote.symbol]
        if not await self._enter(quote):
            return None
        found = self._doubt(quote)
        if found is not None and found.of_the_bars and await self._past.again(instrument, quote):
            del self._sessions[quote.symbol]
            if not await self._enter(quote):
                return None
            found = self._doubt(quote)
        if found is None:
            return quote
        return self._scrutiny.hold(quote, found, self._past.asked(quote.symbol))

    def _doubt(self, quote: Quote) -> Doubt | None:
        history = self._sessions[quote.symbol].history
        return self._scrutiny.doubt(quote, history, self._quotes.get(quote.symbol))

    def _is_over(self, quote: Quote) -> bool:
        """Tell whether the quote's session had passed when it reached us."""
        return session_of(self.catalogue[quote.symbol].market, quote.received) > quote.session

    def _crossed(self, quote: Quote, look: Look) -> Iterable[tuple[Rule, Alert]]:
        sight: Sight | None = None
        for rule, raised in self._crossings(quote, look):
            # Most looks cross nothing, and what stands around a crossing takes longer than to find none.
            sight = sight or self._sight(quote)
            yield rule, alert_of(rule, raised, sight, self.clock, self.replay_of)

    def _sight(self, quote: Quote) -> Sight:
        series = self._sessions[quote.symbol].history.with_bar(quote.bar)
        before = self._quotes.get(quote.symbol)
        return Sight(self.catalogue[quote.symbol], quote, before, series, self.calendar(), first=self._first)

    def _crossings(self, quote: Quote, look: Look) -> Iterable[tuple[Rule, Crossing | Met]]:
        session, proposals = self._sessions[quote.symbol], self._proposals[quote.symbol]
        for rule, footing in (*session.footings, *proposals.footings()):
            yield from ((rule, each) for each in looked(rule, footing, look, self._ladders.furthest))
        yield from self._gates.met((*session.gates, *proposals.gates()), quote, look)

    def _listen(self) -> None:
        self._memory.listen((*self.rules, *self._own.all_general()), self._own.thresholds.keys())

    def _today(self) -> date:
        """Return the day of the last quotes, or else of the machine."""
        return (self._now or datetime.fromtimestamp(self.clock() / 1000, UTC)).date()
