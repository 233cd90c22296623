"""A session of a market: what is raised, who asked for it, who works on it, and what goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from bot.alerts.alert import Alert
from bot.chats.chat_id import ChatId
from bot.chats.subscription import EVERYTHING, instrument_topic
from bot.errors import Away
from bot.pipeline.deliver import Deliver
from bot.pipeline.dispatch import Dispatch, Patience, Words
from bot.pipeline.fan_out import FanOut
from bot.pipeline.raising import Fenced, Raiser
from bot.pipeline.silence import Silences
from bot.store import chats, lease
from bot.store.outbox import Pace
from bot.store.pace import Budget
from tests.cast import alert
from tests.dispatching import held, missed, named
from tests.simulation.platform import Sending, Service
from tests.simulation.world import ROUTES, Process, World

SESSION_S = 6.5 * 3600
LEASE_S = 300.0
PATIENCE = Patience()
_SYMBOLS = ("HSTECH", "^HSI", "1810.HK", "0700.HK", "BABA")
_BUDGET = Budget(interval=1000 / 30, burst=5, reserved=2)
_TELEGRAM, _SLACK = ROUTES


@dataclass(slots=True)
class Session:
    """One session: its chats, its alerts by the second at which they happen, and the two platforms."""

    world: World
    chats: tuple[ChatId, ...]
    events: list[tuple[float, tuple[Alert, ...]]]
    services: tuple[Service, Service]
    processes: list[Process] = field(default_factory=list)
    _done: int = 0

    async def run(self) -> None:
        """Let everything happen, and then come to rest."""
        world, start = self.world, self.world.loop.time()
        for chat in self.chats:
            await self._subscribe(chat, EVERYTHING)
        for number in range(2):
            self._start(f"worker {number}", self._work)
        for number in range(3):
            self._start(f"sender {number}", self._send)
        wishing = asyncio.create_task(self._come_and_go())
        while (left := start + SESSION_S - world.loop.time()) > 0:
            await asyncio.sleep(min(left, world.chance.uniform(30, 900)))
            self._trouble()
        wishing.cancel()
        world.over = True
        world.trouble = replace(world.trouble, command_lost=0, reply_lost=0, message=0)
        self._trouble()
        for process in self.processes:
            process.frozen_until = 0.0
        await self.rest()

    async def rest(self) -> None:
        """Wait until everything has happened and nothing is due any more, for a day at the most."""
        world = self.world
        for _ in range(24 * 60):
            await asyncio.sleep(60)
            pipe = world.real.pipeline(transaction=False)
            pipe.zcard(world.keys.due(_TELEGRAM))
            pipe.zcard(world.keys.due(_SLACK))
            pipe.llen(world.keys.jobs())
            if self._done == len(self.events) and not any(await world.done(pipe.execute)):
                return
        world.note("it never came to rest")

    def start_sender(self, number: int) -> None:
        """Start a sender alone, as where nothing is raised."""
        self._start(f"sender {number}", self._send)

    def _start(self, name: str, work: Callable[[Process], Coroutine[Any, Any, None]]) -> None:
        process = Process(self.world, name, self.world.chance.randint(-100, 100))
        self.processes.append(process)
        process.tasks.append(asyncio.create_task(work(process)))

    def _trouble(self) -> None:
        """Let something happen to processes and to the server, as often as it does."""
        world, chance = self.world, self.world.chance
        for process in [each for each in self.processes if not each.dead]:
            if chance.random() < world.trouble.killed * 0.13:
                process.die()
            elif chance.random() < world.trouble.frozen * 0.13:
                wait = chance.choice((5, 50, 400))
                world.note(f"{process.name} is frozen for {wait} s")
                process.freeze(wait)
        alive = {each.name for each in self.processes if not each.dead}
        for name in dict.fromkeys(each.name for each in self.processes):
            if name not in alive:
                self._start(name, self._work if name.startswith("worker") else self._send)
        if chance.random() < world.trouble.redis_away * 0.13:
            world.away_until = world.loop.time() + chance.uniform(1, 45)
            world.note("the server is away")

    async def _send(self, process: Process) -> None:
        link = process.link()
        senders = [Sending(each, process) for each in self.services]
        dispatch = Dispatch(
            link,
            Words(named, held, missed),
            lambda _route: _BUDGET,
            lambda chat: Pace(3000, 1) if chat.is_group else Pace(1000, 2),
            PATIENCE,
            process.clock,
            lambda _event, **_facts: None,
            Silences(link, "Asia/Hong_Kong"),
            self.world.chance,
        )
        await Deliver(dispatch, {each.route: each for each in senders}).run()

    async def _work(self, process: Process) -> None:
        """Lead where the lease is free; raise what has happened, as any worker sees it, and fan it out."""
        link, epoch = process.link(), 0
        raiser: Raiser | None = None
        while True:
            try:
                now = process.clock()
                held_epoch = await lease.hold(link, process.name, now, now + round(LEASE_S * 1000))
                if held_epoch and (raiser is None or held_epoch != epoch):
                    raiser, epoch = Raiser(link, held_epoch, process.clock), held_epoch
                if held_epoch and raiser is not None:
                    await self._raise(raiser)
                    await FanOut(link, process.clock).work_off()
            except (Away, Fenced):
                await asyncio.sleep(1)
                continue
            await asyncio.sleep(self._until_next())

    def _until_next(self) -> float:
        if self._done == len(self.events):
            return LEASE_S / 3
        return min(max(self.events[self._done][0] - self.world.loop.time(), 1.0), LEASE_S / 3)

    async def _raise(self, raiser: Raiser) -> None:
        while self._done < len(self.events) and self.events[self._done][0] <= self.world.loop.time():
            number = self._done
            now = raiser.clock()
            at = datetime.fromtimestamp(now / 1000, UTC)
            happened = [replace(each, raised=now, at=at) for each in self.events[number][1]]
            await raiser.raise_all(happened)
            # What another worker saw at the same time it raised again, and was told so.
            self._done = max(self._done, number + 1)

    async def _come_and_go(self) -> None:
        """Let chats ask for more, and give it back, now and then."""
        chance = self.world.chance
        while True:
            await asyncio.sleep(chance.uniform(600, 7200))
            chat = chance.choice(self.chats)
            topic = instrument_topic(chance.choice(_SYMBOLS))
            keys = self.world.keys
            asked = await self.world.done(
                lambda: self.world.real.hexists(keys.subscriptions(str(chat)), topic)  # noqa: B023 - it is awaited
            )
            if asked:
                await chats.unsubscribe(self.world.observer().link(), chat, topic)
            else:
                await self._subscribe(chat, topic)

    async def _subscribe(self, chat: ChatId, topic: str) -> None:
        await chats.subscribe(self.world.observer().link(), chat, topic, self.world.now)


def session(world: World) -> Session:
    """Make a session of what the world's chance has in store."""
    chance, start = world.chance, world.loop.time()
    people = [ChatId("telegram", "77", str(1000 + number)) for number in range(chance.randint(2, 5))]
    groups = [ChatId("telegram", "77", f"-5{number}") for number in range(chance.randint(1, 2))]
    channels = [ChatId("slack", "T1", f"C{number}") for number in range(chance.randint(1, 3))]
    events: list[tuple[float, tuple[Alert, ...]]] = []
    steps = dict.fromkeys(_SYMBOLS, 0)
    at = start + 1
    while at < start + SESSION_S and len(events) < chance.randint(12, 30):
        moved = chance.sample(_SYMBOLS, chance.choice((1, 1, 1, 2, 4)))
        alerts: list[Alert] = []
        for symbol in moved:
            steps[symbol] += 1
            fold = f"HK {start:.0f} up" if chance.random() < 0.4 else ""
            made = alert(steps[symbol], before=steps[symbol] - 1, symbol=symbol, fold=fold)
            if not fold and chance.random() < 0.3:
                made = replace(made, urgency="urgent")
            alerts.append(made)
        events.append((at, tuple(alerts)))
        at += chance.choice((0.5, 20, 90, 900, 2400))
    services = (Service(world, _TELEGRAM, tells=False), Service(world, _SLACK, tells=True))
    return Session(world, (*people, *groups, *channels), events, services)
