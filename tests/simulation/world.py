"""The world of a simulation: its time, its chance, and its processes, which are killed and frozen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from random import Random
from types import TracebackType
from typing import Any, Self, cast

from redis.exceptions import ConnectionError as RedisConnectionError

from bot.store.batches import digest
from bot.store.keys import Keys
from bot.store.link import Link
from tests.simulation.virtual import VirtualLoop

ROUTES = ("telegram:77", "slack:T1")


@dataclass(frozen=True, slots=True)
class Trouble:
    """How likely each trouble is: in a thousand commands, in a thousand messages, and in an hour.

    `dies` is how often in a thousand messages a process is killed while one is on its way.
    """

    command_lost: float = 3
    reply_lost: float = 3
    message: float = 60
    dies: float = 4
    killed: float = 0.2
    frozen: float = 0.15
    redis_away: float = 0.5


CALM = Trouble(0, 0, 0, 0, 0, 0, 0)


@dataclass(slots=True)
class World:
    """One seed's world. `real` is a client of the real server, which one command at a time is sent to."""

    real: Any
    keys: Keys
    chance: Random
    trouble: Trouble
    away_until: float = 0.0
    over: bool = False
    happened: list[str] = field(default_factory=list)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _idle: list[tuple[str, Process, asyncio.Event]] = field(default_factory=list)

    @property
    def loop(self) -> VirtualLoop:
        """The loop whose time is the world's."""
        return cast("VirtualLoop", asyncio.get_running_loop())

    @property
    def now(self) -> int:
        """The world's time in milliseconds."""
        return round(self.loop.time() * 1000)

    def observer(self) -> Process:
        """Return somebody whom nothing happens to, and who changes nothing by chance."""
        return Process(replace(self, over=True, away_until=0.0), "observer", 0)

    def note(self, what: str) -> None:
        """Remember something that happened, for who looks into a seed that failed."""
        self.happened.append(f"{self.now} {what}")

    def strikes(self, in_a_thousand: float) -> bool:
        """Tell whether something happens that does so as often as this."""
        return not self.over and self.chance.random() * 1000 < in_a_thousand

    async def ask(
        self, process: Process, command: Callable[[], Awaitable[Any]], wakes: Iterable[str] = ()
    ) -> Any:
        """Have a command done for a process, as the network and the process's own fate have it."""
        await process.lives()
        if self.loop.time() < self.away_until:
            await asyncio.sleep(0.2)
            raise RedisConnectionError("away")
        if self.strikes(self.trouble.command_lost):
            raise RedisConnectionError("the command was lost")
        answer = await self.done(command)
        for route in wakes:
            self._wake(route)
        await process.lives()
        if self.strikes(self.trouble.reply_lost):
            raise RedisConnectionError("the reply was lost")
        return answer

    async def done(self, command: Callable[[], Awaitable[Any]]) -> Any:
        """Have a command done by the real server, while time stands still."""
        async with self._turn:
            self.loop.begin()
            try:
                return await command()
            finally:
                self.loop.end()

    async def mail(self, process: Process, route: str) -> None:
        """Wait until something is due on a route, or something has changed at the server."""
        await process.lives()
        first = await self.done(lambda: self.real.zrange(self.keys.due(route), 0, 0, withscores=True))
        wait = max(float(first[0][1]) - process.clock(), 1.0) / 1000 if first else None
        idle = (route, process, asyncio.Event())
        self._idle.append(idle)
        try:
            async with asyncio.timeout(wait):
                await idle[2].wait()
        except TimeoutError:
            return
        finally:
            self._idle.remove(idle)

    def wake_all(self) -> None:
        """Wake whoever is idle: something has changed that nobody here did."""
        for route in ROUTES:
            self._wake(route)

    def _wake(self, route: str) -> None:
        """Wake one that is idle, as a push does; one that is out would not come to its senses by it."""
        for idle, process, news in self._idle:
            is_out = process.dead or process.frozen_until > self.loop.time()
            if idle == route and not is_out and not news.is_set():
                news.set()
                return


@dataclass(slots=True)
class Process:
    """One process: its clock is `skew` milliseconds off, and it may be frozen or dead."""

    world: World
    name: str
    skew: int
    dead: bool = False
    frozen_until: float = 0.0
    frozen: list[tuple[int, int]] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def freeze(self, seconds: float) -> None:
        """Let nothing of it go on for a while, as a stopped machine does."""
        self.frozen_until = self.world.loop.time() + seconds
        self.frozen.append((self.world.now, self.world.now + round(seconds * 1000)))

    def die(self) -> None:
        """Let nothing of it go on, ever."""
        self.world.note(f"{self.name} is killed")
        self.dead = True

    def was_frozen(self, since: int, until: int) -> bool:
        """Tell whether it was frozen at some time between two."""
        return any(begin < until and end > since for begin, end in self.frozen)

    def clock(self) -> int:
        """Return the machine time as this process has it."""
        return self.world.now + self.skew

    async def lives(self) -> None:
        """Go on when the process is not frozen any more; never where it is dead."""
        if not self.dead and (wait := self.frozen_until - self.world.loop.time()) > 0:
            await asyncio.sleep(wait)
            await self.lives()
        while self.dead:
            # Whoever gives it up for lost by a time limit gets no answer either: nothing of it goes on.
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                if self.world.over:
                    raise

    def link(self) -> Link:
        """Return a way to the server that goes through the world."""
        return Link(_Client(self), Mail(self), self.world.keys)


class _Client:
    """A client of the server, as one process has it."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        world = self._process.world
        method = getattr(world.real, name)

        async def call(*words: Any, **named: Any) -> Any:
            return await world.ask(self._process, lambda: method(*words, **named))

        return call

    def pipeline(self, *, transaction: bool) -> _Pipe:
        return _Pipe(self._process, self._process.world.real.pipeline(transaction=transaction))


class _Pipe:
    def __init__(self, process: Process, real: Any) -> None:
        self._process = process
        self._real = real
        self._wakes: list[str] = []

    async def __aenter__(self) -> Self:
        await self._real.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._real.__aexit__(kind, error, trace)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def execute_command(self, *words: Any) -> None:
        """Take a command up, and whom it wakes."""
        keys = self._process.world.keys
        fans_out = digest("fan_out") in words
        self._wakes += [each for each in ROUTES if fans_out or keys.wake(each) in words]
        self._real.execute_command(*words)

    async def execute(self, **named: Any) -> Any:
        return await self._process.world.ask(self._process, lambda: self._real.execute(**named), self._wakes)


@dataclass(frozen=True, slots=True)
class Mail:
    """What an idle process waits on; the server itself would block in real time."""

    process: Process


async def wait_for_mail(link: Link, route: str, seconds: float) -> None:
    """Wait as `outbox.wait_for_mail` does, in virtual time and without waking up for nothing."""
    del seconds
    await link.waiting.process.world.mail(link.waiting.process, route)
