"""The worker: under the lease, it looks at quotes and feeds on the schedule, raises, and fans out."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from bot.alerts.alert import Upkeep, upkeep_alert
from bot.app.active import Active
from bot.app.beside import Beside
from bot.app.parts import Parts
from bot.app.trying import backtesting
from bot.chats.chat_id import ChatId
from bot.clock import MarketTime
from bot.config import Settings
from bot.errors import Away
from bot.market.catalogue import Catalogue
from bot.market.instrument import Instrument, bare_instrument
from bot.market.schedule import Schedule
from bot.news.topics import Matcher
from bot.pipeline.blindness import Blindness
from bot.pipeline.fan_out import FanOut
from bot.pipeline.following import Following
from bot.pipeline.look_up import LookUp
from bot.pipeline.raising import Fenced, Raiser
from bot.pipeline.read import Read
from bot.pipeline.stream import Stream
from bot.pipeline.together import together
from bot.pipeline.watch import Watch
from bot.ports import FeedSource, QuoteSource, TickSource
from bot.store import lease
from bot.store import market as published
from bot.store.born import born
from bot.store.market import Worker as Published

_AGAIN_S = 1.0
_RENEWALS = 3
_LEAVING_S = 1.0
_PUBLISHED_DAYS = 14
_SYMBOLS_A_REQUEST = 100
_MOST_CHARTS = 40


@dataclass(slots=True)
class Worker:
    """One worker: active while it holds the lease, a standby while another does.

    `listeners` are the chats that the settings name: where Redis has lost everything, they are told so.
    """

    parts: Parts
    present: MarketTime
    quotes: QuoteSource
    feeds: FeedSource
    addresses: tuple[str, ...]
    schedule: Schedule | None = None
    ticks: TickSource | None = None
    replay_of: str | None = None
    listeners: Mapping[ChatId, tuple[str, ...]] = field(default_factory=dict)
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    _started: int = 0
    _born: str = ""
    _lost: bool = False
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
                await self._look_for_loss()
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
        except Fenced as fenced:
            self.parts.report("the worker stands by", why=str(fenced))
        except asyncio.CancelledError:
            await _ended(tasks)
            await self._leave()
            raise
        finally:
            await _ended(tasks)
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
            if await self._look_for_loss():
                raise Fenced("Everything was lost.")

    async def _leave(self) -> None:
        """Let go of the lease, so that whoever comes next need not wait for its end."""
        now = self.parts.clock()
        with suppress(Away, TimeoutError):
            async with asyncio.timeout(_LEAVING_S):
                await lease.hold(self.parts.link, self.token, now, now)

    async def _look_for_loss(self) -> bool:
        """Tell whether Redis has lost everything since it was looked at last."""
        before, self._born = self._born, await born(self.parts.link)
        is_lost = before not in {"", self._born}
        if is_lost:
            self.parts.report("Redis has lost everything")
            self._lost = True
        return is_lost

    async def _say_what_was_lost(self, raiser: Raiser) -> None:
        """Let the chats that the settings name hear again, and tell them why others do not."""
        await self.parts.tell(self.listeners)
        lost = Upkeep("state lost", "Redis", self._born)
        await raiser.raise_all([upkeep_alert(lost, self.present.now(), self.parts.clock(), self.replay_of)])
        self._lost = False

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
        fan_out, following = FanOut(parts.link, parts.clock), Following(parts.link, parts.clock)
        blindness, stream = await self._blindness(), self._stream()
        active = Active(self, watch, beside, read, raiser, fan_out, following, blindness, stream)
        self._started = parts.clock()
        if self._lost:
            await self._say_what_was_lost(raiser)
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


async def _ended(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _charts(settings: Settings) -> int:
    """Return how many charts a minute are left where looks come first; the source keeps a third for them."""
    schedule = settings.schedule
    looks = math.ceil(len(settings.instruments) / _SYMBOLS_A_REQUEST) * 60 / schedule.quotes
    return max(min(_MOST_CHARTS, math.floor(schedule.requests * 2 / 3 - looks)), 1)
