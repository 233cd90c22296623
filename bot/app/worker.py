"""The worker: under the lease, it looks at quotes and feeds on the schedule, raises, and fans out."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from bot.app.beside import Beside
from bot.app.parts import Parts
from bot.app.trying import backtesting, last_of
from bot.chats.subscription import EVERYTHING, Rate, instrument_topic, rule_topic
from bot.clock import MarketTime
from bot.config import Settings
from bot.errors import Away
from bot.market.catalogue import Catalogue
from bot.market.instrument import Instrument, bare_instrument
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from bot.news.topics import Matcher
from bot.pipeline.blindness import Blindness
from bot.pipeline.ending import end_over
from bot.pipeline.fan_out import FanOut
from bot.pipeline.look_up import LookUp
from bot.pipeline.raising import Fenced, Raiser
from bot.pipeline.read import Read
from bot.pipeline.stream import Stream
from bot.pipeline.together import together
from bot.pipeline.watch import Watch
from bot.ports import FeedSource, QuoteSource, TickSource
from bot.rules.backtest import backtest
from bot.store import backtests, lease
from bot.store import market as published
from bot.store.market import Worker as Published

_AGAIN_S = 1.0
_RENEWALS = 3
_PUBLISHED_DAYS = 14
_SYMBOLS_A_REQUEST = 100
_MOST_CHARTS = 40


@dataclass(slots=True)
class Worker:
    """One worker: active while it holds the lease, a standby while another does."""

    parts: Parts
    present: MarketTime
    quotes: QuoteSource
    feeds: FeedSource
    addresses: tuple[str, ...]
    schedule: Schedule | None = None
    ticks: TickSource | None = None
    replay_of: str | None = None
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    _started: int = 0
    _trouble: str = ""
    _named: Catalogue = field(init=False)

    def __post_init__(self) -> None:
        """Know everything that has a name."""
        self._named = self.parts.named()

    async def run(self, drive: Callable[[Active], Awaitable[None]]) -> None:
        """Wait for the lease and let `drive` run while it is held; return when `drive` does.

        A worker that is fenced, or that loses sight of Redis, stands by and takes up what was known.
        """
        while True:
            try:
                epoch = await self._hold()
                if epoch and await self._serve(epoch, drive):
                    return
            except Away as error:
                self.parts.report("the worker waits", why=str(error))
            await asyncio.sleep(_AGAIN_S)

    async def _serve(self, epoch: int, drive: Callable[[Active], Awaitable[None]]) -> bool:
        # The lease is renewed from the first moment on: taking up what is known may take a while.
        keeping = asyncio.create_task(self._keep(epoch))
        answering = asyncio.create_task(self._look_up().serve())
        driving = asyncio.create_task(self._lead(epoch, drive))
        tasks = {keeping, answering, driving}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if driving.done():
                driving.result()
                return True
            for task in (keeping, answering):
                if task.done():
                    task.result()
        except Fenced:
            self.parts.report("the worker stands by", why="another one holds the lease")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return False

    async def _lead(self, epoch: int, drive: Callable[[Active], Awaitable[None]]) -> None:
        active = await self._wake(epoch)
        self.parts.report("the worker is active", epoch=epoch)
        work = [drive(active), backtesting(self.parts, self.present, active.watch, active.beside).serve()]
        if active.stream is not None:
            work.append(active.stream.serve(active.look_between))
        await together(*work)

    def _look_up(self) -> LookUp:
        parts = self.parts
        by_symbol = self._named.by_symbol

        def instrument_of(symbol: str) -> Instrument:
            return by_symbol.get(symbol) or bare_instrument(symbol)

        return LookUp(parts.link, self.quotes, instrument_of, parts.clock, parts.report)

    async def _hold(self) -> int:
        now = self.parts.clock()
        deadline = now + round(self.parts.settings.worker.lease * 1000)
        return await lease.hold(self.parts.link, self.token, now, deadline)

    async def _keep(self, epoch: int) -> None:
        """Renew the lease until it is lost."""
        while True:
            await asyncio.sleep(self.parts.settings.worker.lease / _RENEWALS)
            if await self._hold() != epoch:
                raise Fenced("The lease was lost.")

    async def _wake(self, epoch: int) -> Active:
        parts = self.parts
        beside = Beside(parts.catalogue, self._named, self.schedule or Schedule({}))
        watch = Watch(
            parts.link,
            self.quotes,
            parts.rules(),
            parts.catalogue,
            parts.clock,
            parts.report,
            self.schedule,
            self.replay_of,
            given=parts.settings.known_actions(),
            charts=_charts(parts.settings),
            members=beside.members,
            premiums=beside.premiums,
            twins=beside.twins,
        )
        beside.seen = lambda: watch.quotes
        await watch.load()
        if watch.schedule is not None:
            await published.publish_calendar(parts.link, watch.calendar())
            around = watch.schedule.around(self.present.now().date(), _PUBLISHED_DAYS)
            await published.publish_schedule(parts.link, around)
        matcher = Matcher(parts.settings.news_topics())
        read = Read(
            parts.link, self.feeds, matcher, self.addresses, parts.clock, parts.report, self.replay_of
        )
        raiser = Raiser(parts.link, epoch, parts.clock)
        fan_out, blindness = FanOut(parts.link, parts.clock), await self._blindness()
        active = Active(self, watch, beside, read, raiser, fan_out, blindness, self._stream())
        self._started = parts.clock()
        # What a worker raised before it stopped may still be on its way.
        await active.fan_out.work_off()
        return active

    def _stream(self) -> Stream | None:
        if self.ticks is None:
            return None
        parts = self.parts
        return Stream(self.ticks, parts.catalogue, self.schedule, parts.report, name=self.quotes.name)

    async def _blindness(self) -> Blindness | None:
        """Return what notices that we see nothing; without a calendar nobody can tell."""
        if self.schedule is None:
            return None
        parts = self.parts
        blindness = Blindness(
            parts.link,
            parts.catalogue,
            parts.rules(),
            self.schedule,
            parts.settings.schedule.patience,
            parts.clock,
            parts.report,
        )
        await blindness.load()
        return blindness

    async def publish(self, watch: Watch, *, trouble: str = "") -> None:
        """Say that the worker is there, what troubles it, and what it held back."""
        parts = self.parts
        said = Published(
            started=self._started,
            ticked=parts.clock(),
            watched=len(parts.settings.instruments),
            source=self.quotes.name,
            trouble=trouble,
            replay_of=self.replay_of or "",
            held=dict(watch.held),
            waiting=watch.waiting,
        )
        await published.publish_worker(parts.link, said)


@dataclass(slots=True)
class Active:
    """A worker that holds the lease: what it does when its time comes."""

    worker: Worker
    watch: Watch
    beside: Beside
    read: Read
    raiser: Raiser
    fan_out: FanOut
    blindness: Blindness | None = None
    stream: Stream | None = None
    _rated: date | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look(self) -> None:
        """Look at every quote once; a source that does not answer is said, and asked again next time."""
        worker, trouble = self.worker, ""
        await self._heed_chats()
        try:
            quotes = await self._quotes()
        except Away as error:
            trouble = str(error)
            worker.parts.report("no quotes", why=trouble)
        else:
            await self._look_at(quotes)
        if self.blindness is not None:
            now, source = worker.present.now(), worker.quotes.name
            seen = self.watch.quotes
            if self.stream is not None:
                seen = self.stream.with_delays_of_looks(seen)
            await self.blindness.look(seen, now, source, trouble, self.raiser, self.watch.waiting)
        await self.fan_out.work_off()
        await worker.publish(self.watch, trouble=trouble)
        if not trouble:
            await self._rate()

    async def _heed_chats(self) -> None:
        """Take up what chats have changed of their own rules, and take away what is over."""
        parts = self.worker.parts
        today = self.worker.present.now().astimezone(ZoneInfo(parts.settings.zone)).date()
        await end_over(parts.link, today)
        async with self._turn:
            await self.watch.refresh()

    async def _quotes(self) -> tuple[Quote, ...]:
        """Return the quotes of what is watched; those that rules need besides are put aside."""
        watched = self.worker.parts.catalogue
        beside: tuple[Instrument, ...] = ()
        if self.watch.asks_for_premiums:
            beside = self.beside.wanted(self.worker.present.now())
        quotes = await self.worker.quotes.quotes((*watched, *beside))
        self.beside.quotes |= {each.symbol: each for each in quotes if each.symbol not in watched}
        return tuple(each for each in quotes if each.symbol in watched)

    async def look_between(self, quotes: Sequence[Quote]) -> None:
        """Look at what a stream says between two looks."""
        try:
            async with self._turn:
                await self.watch.tick(quotes, self.raiser)
            await self.fan_out.work_off()
        except Away as error:
            self.worker.parts.report("ticks were lost", why=str(error))

    async def _look_at(self, quotes: Sequence[Quote]) -> None:
        """Look at what was asked for, where the stream has not told later prices already."""
        async with self._turn:
            if self.stream is None:
                await self.watch.tick(quotes, self.raiser)
                return
            behind = {each.symbol for each in quotes if self._is_behind(each)}
            await self.watch.tick([each for each in quotes if each.symbol not in behind], self.raiser)
            self.stream.polled(each for each in quotes if each.symbol in behind or self._is_believed(each))

    def _is_behind(self, quote: Quote) -> bool:
        known = self.watch.quotes.get(quote.symbol)
        return known is not None and known.session == quote.session and quote.time < known.time

    def _is_believed(self, quote: Quote) -> bool:
        known = self.watch.quotes.get(quote.symbol)
        return known is not None and (known.time, known.price) == (quote.time, quote.price)

    async def read_feeds(self) -> None:
        """Read every feed once."""
        await self.read.tick(self.worker.present.now(), self.raiser)
        await self.fan_out.work_off()

    async def _rate(self) -> None:
        """Measure once a day what each topic would have cost a chat."""
        today = self.worker.present.now().date()
        if self._rated == today or not self.watch.histories:
            return
        self._rated = today
        parts, series, calendar = self.worker.parts, self.watch.histories, self.watch.held_calendar()
        rules = parts.rules()
        days = [day for sessions in calendar.sessions.values() for day in sessions]
        if not days:
            return
        told = await asyncio.to_thread(
            backtest,
            rules,
            parts.catalogue,
            series,
            calendar,
            (min(days), max(days)),
            self.beside.members,
        )
        costs = {EVERYTHING: told.cost()}
        costs |= {instrument_topic(symbol): told.cost(symbol=symbol) for symbol in series}
        costs |= {rule_topic(rule.name): told.cost(rule=rule.name) for rule in rules}
        rates = {topic: Rate(cost.a_month, cost.busiest, len(told.days)) for topic, cost in costs.items()}
        await published.publish_rates(parts.link, rates)
        await backtests.publish_last(parts.link, last_of(told))


def _charts(settings: Settings) -> int:
    """Return how many charts a minute are left where looks come first; the source keeps a third for them."""
    schedule = settings.schedule
    looks = math.ceil(len(settings.instruments) / _SYMBOLS_A_REQUEST) * 60 / schedule.quotes
    return max(min(_MOST_CHARTS, math.floor(schedule.requests * 2 / 3 - looks)), 1)
