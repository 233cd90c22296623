"""The worker: under the lease, it looks at quotes and feeds on the schedule, raises, and fans out."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.app.parts import Parts
from bot.chats.subscription import EVERYTHING, Rate, instrument_topic, rule_topic
from bot.clock import MarketTime
from bot.errors import Away
from bot.market.instrument import Instrument, bare_instrument
from bot.market.schedule import Schedule
from bot.news.topics import Matcher
from bot.pipeline.blindness import Blindness
from bot.pipeline.fan_out import FanOut
from bot.pipeline.look_up import LookUp
from bot.pipeline.raising import Fenced, Raiser
from bot.pipeline.read import Read
from bot.pipeline.watch import Watch
from bot.ports import FeedSource, QuoteSource
from bot.rules.backtest import backtest
from bot.store import lease
from bot.store import market as published
from bot.store.market import Worker as Published

_AGAIN_S = 1.0
_RENEWALS = 3
_PUBLISHED_DAYS = 14


@dataclass(slots=True)
class Worker:
    """One worker: active while it holds the lease, a standby while another does."""

    parts: Parts
    present: MarketTime
    quotes: QuoteSource
    feeds: FeedSource
    addresses: tuple[str, ...]
    schedule: Schedule | None = None
    replay_of: str | None = None
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    _started: int = 0
    _trouble: str = ""

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
        await drive(active)

    def _look_up(self) -> LookUp:
        parts = self.parts
        by_symbol = parts.named().by_symbol

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
        watch = Watch(
            parts.link,
            self.quotes,
            parts.settings.rules_of(),
            parts.catalogue,
            parts.clock,
            parts.report,
            self.schedule,
            self.replay_of,
        )
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
        active = Active(self, watch, read, raiser, FanOut(parts.link, parts.clock), await self._blindness())
        self._started = parts.clock()
        # What a worker raised before it stopped may still be on its way.
        await active.fan_out.work_off()
        return active

    async def _blindness(self) -> Blindness | None:
        """Return what notices that we see nothing; without a calendar nobody can tell."""
        if self.schedule is None:
            return None
        parts = self.parts
        blindness = Blindness(
            parts.link,
            parts.catalogue,
            parts.settings.rules_of(),
            self.schedule,
            parts.settings.schedule.patience,
            parts.clock,
            parts.report,
        )
        await blindness.load()
        return blindness

    async def publish(self, held: Mapping[str, int], *, trouble: str = "") -> None:
        """Say that the worker is there, what troubles it, and what it held back."""
        parts = self.parts
        said = Published(
            started=self._started,
            ticked=parts.clock(),
            watched=len(parts.settings.instruments),
            source=self.quotes.name,
            trouble=trouble,
            replay_of=self.replay_of or "",
            held=dict(held),
        )
        await published.publish_worker(parts.link, said)


@dataclass(slots=True)
class Active:
    """A worker that holds the lease: what it does when its time comes."""

    worker: Worker
    watch: Watch
    read: Read
    raiser: Raiser
    fan_out: FanOut
    blindness: Blindness | None = None
    _rated: date | None = None

    async def look(self) -> None:
        """Look at every quote once; a source that does not answer is said, and asked again next time."""
        worker, trouble = self.worker, ""
        try:
            quotes = await worker.quotes.quotes(tuple(worker.parts.catalogue))
        except Away as error:
            trouble = str(error)
            worker.parts.report("no quotes", why=trouble)
        else:
            await self.watch.tick(quotes, self.raiser)
        if self.blindness is not None:
            now, source = worker.present.now(), worker.quotes.name
            await self.blindness.look(self.watch.quotes, now, source, trouble, self.raiser)
        await self.fan_out.work_off()
        await worker.publish(self.watch.held, trouble=trouble)
        if not trouble:
            await self._rate()

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
        rules = parts.settings.rules_of()
        days = [day for sessions in calendar.sessions.values() for day in sessions]
        if not days:
            return
        told = await asyncio.to_thread(
            backtest, rules, parts.catalogue, series, calendar, (min(days), max(days))
        )
        costs = {EVERYTHING: told.cost()}
        costs |= {instrument_topic(symbol): told.cost(symbol=symbol) for symbol in series}
        costs |= {rule_topic(rule.name): told.cost(rule=rule.name) for rule in rules}
        rates = {topic: Rate(cost.a_month, cost.busiest, len(told.days)) for topic, cost in costs.items()}
        await published.publish_rates(parts.link, rates)


async def on_schedule(active: Active) -> None:
    """Look and read at the minutes of the schedule until cancelled, or until another worker takes over.

    The timer only wakes us, and lives in memory: what is due is read from Redis then, so a wake that was
    missed costs nothing.
    """
    settings, report = active.worker.parts.settings.schedule, active.worker.parts.report
    lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def guarded(job: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            try:
                await job()
            except Away as error:
                report("a look was lost", why=str(error))
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not die unseen in the timer
                with suppress(asyncio.InvalidStateError):
                    lost.set_exception(error)

        return run

    timer = AsyncIOScheduler(
        timezone="UTC", job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
    )
    for job, seconds in ((active.look, settings.quotes), (active.read_feeds, settings.feeds)):
        timer.add_job(guarded(job), "interval", seconds=seconds)
        await guarded(job)()
    timer.start()
    try:
        await lost
    finally:
        timer.shutdown(wait=False)
