"""Two days of a market whose source does everything wrong that Yahoo has been seen to do.

Everything is real but time, the prices and the servers on the other side: the worker with its lease and its
looks, the client of Yahoo, Redis, delivery and the client of Telegram. Each minute of the market is one look.
The prices go nowhere all day, but for two true moves; whatever else is told is false.
"""

from __future__ import annotations

import asyncio
import math
import random
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.app.active import Active
from bot.app.parts import Parts
from bot.app.worker import Worker
from bot.chats.chat_id import ChatId
from bot.chats.subscription import EVERYTHING
from bot.clock import MarketTime
from bot.config import Secrets, Settings, read_settings
from bot.config.settings import InstrumentSetting, WorkerSetting
from bot.market.actions import Action
from bot.market.bars import Bar
from bot.market.schedule import Schedule, SessionHours
from bot.pipeline.deliver import Deliver
from bot.platforms.telegram.client import connect
from bot.platforms.telegram.send import TelegramSender
from bot.sources.calendars import load_schedule
from bot.sources.feeds import Feeds
from bot.sources.yahoo import Access, YahooSource
from bot.sources.yahoo_breaker import Pace
from bot.sources.yahoo_stream import YahooStream
from bot.store import chats, outbox
from bot.store.link import Link
from tests.acceptance.processes import until
from tests.conftest import ROOT
from tests.fakes.telegram import FakeTelegram
from tests.fakes.yahoo import FakeYahoo, quote
from tests.fakes.yahoo_stream import FakeYahooStream, pricing

HK = ZoneInfo("Asia/Hong_Kong")
ALICE = ChatId("telegram", "123456789", "11")
FIRST, SECOND = date(2022, 3, 23), date(2022, 3, 24)
DELAY = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
DEADLINE_S = 0.3
SILENCE_S = 0.5
SOON = Pace(timedelta(0), timedelta(seconds=0.1), timedelta(seconds=0.2))
SPLIT = 5
PRICES = {
    "HSTECH": 4700.0,
    "^HSI": 22000.0,
    "^HSCE": 7600.0,
    "1810.HK": 14.5,
    "0700.HK": 388.0,
    "9988.HK": 117.0,
    "000300.SS": 4270.0,
    "SAP.DE": 103.0,
}
SAP = InstrumentSetting(
    symbol="SAP.DE", kind="stock", exchange="XETR", currency="EUR", short="SAP", names={"en": "SAP"}
)


def at(day: date, clock: str) -> datetime:
    hour, minute = map(int, clock.split(":"))
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=HK)


def watched() -> Settings:
    """Return the settings that come along, with a few of their instruments and one in euros."""
    settings = read_settings(ROOT / "config.yaml")
    held = tuple(each for each in settings.instruments if each.symbol in PRICES)
    return settings.model_copy(
        update={"instruments": (*held, SAP), "worker": WorkerSetting(lease=86_400), "tell": {}}
    )


@dataclass(slots=True)
class Clock:
    """The only clock there is, for the market and the machine alike."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment.astimezone(UTC)

    def machine(self) -> int:
        return round(self.moment.timestamp() * 1000)


@dataclass(slots=True)
class Truth:
    """What prices really do, and what a healthy Yahoo makes of it: rows that are a quarter of an hour old."""

    schedule: Schedule
    settings: Settings
    _known: dict[tuple[str, datetime], float] = field(default_factory=dict)

    def price(self, symbol: str, moment: datetime) -> float:
        """Return the price at a moment: a quiet walk, and what truly happens to two of them."""
        key = (symbol, moment)
        if key not in self._known:
            self._known[key] = self._made(symbol, moment)
        return self._known[key]

    def _made(self, symbol: str, moment: datetime) -> float:
        level = PRICES[symbol] * (1 + 0.003 * math.sin(moment.timestamp() / 1800))
        if symbol == "^HSI" and moment >= at(FIRST, "14:00"):
            level *= 1.04
        if symbol == "1810.HK":
            level *= 1.09 if moment >= at(SECOND, "11:00") else 1
            level /= SPLIT if moment >= at(SECOND, "09:00") else 1
        return round(level, 2)

    def row(self, symbol: str, now: datetime) -> dict[str, object]:
        """Return what a healthy Yahoo says at `now`."""
        setting = next(each for each in self.settings.instruments if each.symbol == symbol)
        session = self._begun(setting.exchange, now - DELAY)
        made = min(now - DELAY, session.closes)
        for start, end in session.breaks:
            made = start if start <= made < end else made
        before = self._begun(setting.exchange, session.begins - MINUTE)
        seen = [self.price(symbol, each) for each in (*_minutes(session, made), made)]
        shares = SPLIT if symbol == "1810.HK" and session.session == SECOND else 1
        over = now - DELAY >= session.settled
        return quote(
            setting.sources.get("yahoo", symbol),
            seen[-1],
            min(session.settled, now - DELAY) if over else made,
            previous=self.price(symbol, before.closes) / shares,
            high=max(seen),
            low=min(seen),
            opened=seen[0],
            state="CLOSED" if over else "REGULAR",
            delay=15,
            currency=setting.currency,
        )

    def bars(self, symbol: str, until: date, split: int = 1) -> list[Bar]:
        """Return the settled bars before `until`, in shares of after a split by `split`."""
        exchange = next(each.exchange for each in self.settings.instruments if each.symbol == symbol)
        first = until - timedelta(days=600)
        held = self.schedule.sessions_between(exchange, first, until - timedelta(days=1))
        closes = [(each.session, self.price(symbol, each.closes) / split) for each in held]
        return [Bar(day, close, close, close, close, 1e6) for day, close in closes]

    def _begun(self, exchange: str, moment: datetime) -> SessionHours:
        found = self.schedule.session_begun(exchange, moment)
        assert found is not None
        return found


def _minutes(session: SessionHours, until: datetime) -> Iterator[datetime]:
    yield from (each for each in session.trading_moments(MINUTE) if each <= until)


@dataclass(slots=True)
class Seen:
    """What the two days came to: `threads` is how many waited for Yahoo at most."""

    told: list[str] = field(default_factory=list)
    looks: int = 0
    threads: int = 0
    longest_hold: float = 0.0
    requests: int = 0
    reconnected: bool = False


Fault = Callable[["Stage"], None]


@dataclass(slots=True)
class Stage:
    """The market, the servers and what goes wrong."""

    clock: Clock
    truth: Truth
    yahoo: FakeYahoo
    streamed: FakeYahooStream
    seen: Seen = field(default_factory=Seen)

    def rows(self) -> None:
        """Let Yahoo say the truth of this minute."""
        for symbol in PRICES:
            self.yahoo.put(self.truth.row(symbol, self.clock.moment))

    def alter(self, symbol: str, **said: object) -> None:
        """Let Yahoo say something else of one symbol, for this minute."""
        self.yahoo.quotes[symbol] = self.yahoo.quotes[symbol] | said


def rate_limited(stage: Stage) -> None:
    stage.yahoo.trouble("quote", "429", 50)


def unauthorised(stage: Stage) -> None:
    stage.yahoo.void_crumb()


def empty(stage: Stage) -> None:
    stage.yahoo.trouble("quote", "empty", 1)


def changed(stage: Stage) -> None:
    stage.yahoo.trouble("quote", "changed", 1)


def hanging(stage: Stage) -> None:
    stage.yahoo.trouble("quote", "hang", 1)


def no_number(stage: Stage) -> None:
    for symbol in ("^HSI", "1810.HK"):
        stage.alter(symbol, regularMarketPrice=math.nan)


def nothing_before(stage: Stage) -> None:
    stage.alter("0700.HK", regularMarketPreviousClose=0.0001)
    stage.alter("9988.HK", regularMarketPreviousClose=1.17)


def in_yen(stage: Stage) -> None:
    _scale(stage, "SAP.DE", 130)
    stage.alter("SAP.DE", currency="JPY")


def in_dollars(stage: Stage) -> None:
    """Say another listing's figures, and name no other currency."""
    _scale(stage, "9988.HK", 1 / 7.8)


def _scale(stage: Stage, symbol: str, factor: float) -> None:
    row = stage.yahoo.quotes[symbol]
    for side in ("Price", "PreviousClose", "DayHigh", "DayLow", "Open"):
        name = f"regularMarket{side}"
        stage.alter(symbol, **{name: round(float(str(row[name])) * factor, 2)})


def swapped(stage: Stage) -> None:
    one, other = stage.yahoo.quotes["0700.HK"], stage.yahoo.quotes["9988.HK"]
    stage.yahoo.put(one | {"symbol": "9988.HK"}, other | {"symbol": "0700.HK"})


def day_before(stage: Stage) -> None:
    """Say all of the day before once more, as Yahoo does around the open."""
    earlier = stage.truth.row("^HSI", stage.clock.moment - timedelta(days=1))
    stage.yahoo.put(earlier, stage.yahoo.quotes["^HSCE"] | {"regularMarketTime": None})


def spike(stage: Stage) -> None:
    stage.alter("1810.HK", regularMarketPrice=145.0, regularMarketDayHigh=145.0)


SCRIPT: tuple[tuple[str, int, Fault], ...] = (
    ("10:00", 60, rate_limited),
    ("13:05", 1, unauthorised),
    ("13:10", 1, empty),
    ("13:25", 2, no_number),
    ("13:30", 3, nothing_before),
    ("13:40", 20, swapped),
    ("14:30", 2, day_before),
    ("14:35", 1, spike),
    ("14:40", 1, hanging),
    ("15:00", 2, changed),
    ("15:30", 20, in_dollars),
    ("16:40", 3, in_yen),
)


async def ticks(stage: Stage, active: Active) -> None:
    """Tell a tick that the looks bear out, and some that nobody can believe."""
    now = stage.clock.now()
    frames = (
        pricing("0700.HK", 3880.0, now),
        pricing("9988.HK", 388.0, now),
        pricing("SAP.DE", 13_000.0, now, currency="JPY"),
        pricing("^HSI", 30_000.0, now),
        pricing("^HSCE", stage.truth.price("^HSCE", stage.clock.moment), now),
    )
    async with asyncio.timeout(10):
        while active.watch.quotes["^HSCE"].time != now:
            await stage.streamed.tell(*frames)
            await asyncio.sleep(0.05)


async def dead_socket(stage: Stage, active: Active) -> None:
    """Leave the stream open and dead; somebody must notice, and connect anew."""
    del active
    before = len(stage.streamed.journal)
    stage.streamed.fall_silent()
    async with asyncio.timeout(10):
        await stage.streamed.subscribed(before + 1)
    stage.seen.reconnected = True


TICKS: Mapping[datetime, Callable[[Stage, Active], Awaitable[None]]] = {
    at(FIRST, "11:45"): ticks,
    at(FIRST, "13:45"): dead_socket,
    at(FIRST, "13:50"): ticks,
}


def faults_at(moment: datetime) -> Iterator[Fault]:
    for clock, minutes, fault in SCRIPT:
        begins = at(FIRST, clock)
        if begins <= moment < begins + minutes * MINUTE:
            yield fault


@asynccontextmanager
async def _delivering(parts: Parts, telegram: FakeTelegram) -> AsyncIterator[str]:
    bot = await connect(telegram.token, telegram.url)
    sender = TelegramSender(bot, parts.report)
    made = Deliver(parts.dispatch(), {sender.route: sender})
    task = asyncio.create_task(made.run())
    try:
        yield sender.route
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await bot.shutdown()


async def _watch_the_loop(seen: Seen) -> None:
    """Measure for how long the loop was held, by a wake that comes late, and count who waits for Yahoo."""
    while True:
        due = time.perf_counter() + 0.005
        await asyncio.sleep(0.005)
        seen.longest_hold = max(seen.longest_hold, time.perf_counter() - due)
        waiting = sum(each.name.startswith("yahoo") for each in threading.enumerate())
        seen.threads = max(seen.threads, waiting)


async def two_days(link: Link, folder: Path) -> Seen:
    """Live through the two days and return what Alice was told, and at what cost."""
    settings = watched()
    exchanges = {each.exchange for each in settings.instruments}
    schedule = load_schedule(exchanges, date(2020, 6, 1), date(2022, 12, 31))
    clock = Clock(at(FIRST, "08:30"))
    async with FakeYahoo() as yahoo, FakeYahooStream() as streamed, FakeTelegram() as telegram:
        stage = Stage(clock, Truth(schedule, settings), yahoo, streamed)
        secrets = Secrets(telegram.token, None, None, None)
        parts = Parts(settings, secrets, link, folder, _ignored, clock.machine)
        await chats.subscribe(link, ALICE, EVERYTHING, clock.machine())
        source = YahooSource(
            Access(yahoo.url, 60, folder / "yahoo", DEADLINE_S),
            schedule,
            clock.now,
            parts.report,
            random.Random(23),
        )
        feeds = Feeds(clock.now)
        ticks = YahooStream(streamed.url, clock.now, parts.report, silence=SILENCE_S, again=SOON)
        worker = Worker(parts, MarketTime(clock.machine), source, feeds, (), schedule, ticks)
        watching = asyncio.create_task(_watch_the_loop(stage.seen))
        async with _delivering(parts, telegram) as route:

            async def drive(active: Active) -> None:
                for day in (FIRST, SECOND):
                    await _live(stage, active, day, partial(_sent, link, route, clock))
                await _delivered(link, route)

            try:
                await worker.run(drive)
            finally:
                watching.cancel()
                await source.close()
                await feeds.close()
        stage.seen.told = telegram.texts(int(ALICE.chat))
        stage.seen.requests = len(yahoo.journal)
        return stage.seen


async def _live(stage: Stage, active: Active, day: date, sent: Callable[[], Awaitable[None]]) -> None:
    clock, truth, yahoo = stage.clock, stage.truth, stage.yahoo
    for symbol in PRICES:
        _chart(stage, symbol, day)
    end = at(day, "17:30")
    clock.moment = at(day, "09:00")
    while clock.moment <= end:
        stage.rows()
        for fault in faults_at(clock.moment):
            fault(stage)
        if day == SECOND and clock.moment < at(SECOND, "10:00"):
            # The price is of the new shares; the close before, like the bars, still of the old.
            stage.alter("1810.HK", regularMarketPreviousClose=truth.price("1810.HK", at(FIRST, "16:00")))
        if clock.moment == at(SECOND, "10:00"):
            _chart(stage, "1810.HK", day, SPLIT)
        await active.look()
        if clock.moment in TICKS:
            await TICKS[clock.moment](stage, active)
        # A minute that passes in the midst of a send would end the sender's claim.
        await sent()
        yahoo.calm()
        stage.seen.looks += 1
        clock.moment += MINUTE


def _chart(stage: Stage, symbol: str, day: date, split: int = 1) -> None:
    setting = next(each for each in stage.truth.settings.instruments if each.symbol == symbol)
    bars = stage.truth.bars(symbol, day, split)
    name = setting.sources.get("yahoo", symbol)
    actions = [Action(day, "split", 1 / split)] if split > 1 else []
    stage.yahoo.put_history(name, bars, currency=setting.currency, actions=actions)


async def _sent(link: Link, route: str, clock: Clock) -> None:
    async def nothing_is_on_its_way() -> bool:
        held = await link.client.hlen(link.keys.claims())
        due, _ = await outbox.waiting(link, route, clock.machine(), 1)
        return not held and not due

    await until(nothing_is_on_its_way)


async def _delivered(link: Link, route: str) -> None:
    async with asyncio.timeout(20):
        while (await outbox.backlog(link, (route,)))[route]:  # noqa: ASYNC110 - what is awaited happens in Redis
            await asyncio.sleep(0.05)


def _ignored(event: str, **facts: object) -> None:
    del event, facts
