"""A lossy proxy: it stands before Redis or a platform, and does to what passes what networks do.

What is asked at one time and its answer are one exchange: commands to Redis, which leave together, or a
request to a platform. Whoever judges an exchange learns what is asked, and says what becomes of it.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Self

_CHUNK = 1 << 20
_COMMAND = re.compile(rb"\*\d+\r\n\$\d+\r\n([A-Za-z]+)\r\n(?:(?<=EVALSHA\r\n)\$40\r\n([0-9a-f]{40})\r\n)?")
_WORD = re.compile(rb"\$\d+\r\n([^\r]*)\r\n")
_CHAT = re.compile(r"(?:telegram|slack):[\w-]+:[\w-]+")
_REQUEST = re.compile(rb"(?:GET|POST) /(?:[^ ?]*/)?([^ ?/]+)(?:\?[^ ]*)? HTTP/1\.1\r\n")


class Fate(Enum):
    """What becomes of an exchange."""

    PASS = auto()
    UNHEARD = auto()
    """It never arrives, and the connection is cut."""
    UNANSWERED = auto()
    """It arrives and is done; the answer is lost with the connection."""
    HANGS = auto()
    """It never arrives, and the connection stays open: half of it is gone."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A command, one of our scripts or a platform's method; a command with its words."""

    name: str
    words: tuple[str, ...] = ()

    @property
    def chat(self) -> str:
        """The chat that it is about, where it names one."""
        return next((each for each in self.words if _CHAT.fullmatch(each)), "")


Exchange = Sequence[Asked]
Judge = Callable[[Exchange], Fate]
Address = Path | tuple[str, int]


def passing(_exchange: Exchange) -> Fate:
    """Let everything pass."""
    return Fate.PASS


def untold(_exchange: Exchange) -> None:
    """Take no notice."""


@dataclass(eq=False, slots=True)
class _Pair:
    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    exchange: list[Asked] = field(default_factory=list)
    fate: Fate = Fate.PASS
    waits: bool = False
    is_mute: bool = False

    def cut(self) -> None:
        for writer in (self.near, self.far):
            writer.transport.abort()


@dataclass(slots=True)
class Proxy:
    """One listener on loopback, before one server.

    `judge` is asked of each exchange before anything of it is passed on, `answered` is told of each once its
    answer has come and before that is passed back, `given_up` of each that broke off without one. `delay` is
    added to each exchange, in seconds; so many bytes pass `a_second`, in each direction, 0 for any.
    """

    server: Address
    read: Callable[[bytes], list[Asked]]
    judge: Judge = passing
    answered: Callable[[Exchange], None] = untold
    given_up: Callable[[Exchange], None] = untold
    delay: float = 0.0
    a_second: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    port: int = 0
    _listener: asyncio.Server | None = None
    _pairs: set[_Pair] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Listen, after `close` on the same port again."""
        self._listener = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, reuse_address=True, limit=_CHUNK
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse connections, and cut those there are."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self.cut()

    def cut(self) -> None:
        """Cut every connection; new ones are taken."""
        for pair in tuple(self._pairs):
            pair.cut()

    def mute(self) -> None:
        """Keep the connections there are open and pass nothing on over them; new ones work."""
        for pair in self._pairs:
            pair.is_mute = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if isinstance(self.server, Path):
                far_reader, far = await asyncio.open_unix_connection(str(self.server))
            else:
                far_reader, far = await asyncio.open_connection(*self.server)
        except OSError:
            writer.transport.abort()
            return
        pair = _Pair(writer, far)
        self._pairs.add(pair)
        try:
            await asyncio.gather(self._ask(reader, pair), self._answer(far_reader, pair))
        finally:
            self._pairs.discard(pair)
            pair.cut()
            if pair.waits:
                self.given_up(pair.exchange)

    async def _ask(self, reader: asyncio.StreamReader, pair: _Pair) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(_CHUNK):
                asked = self.read(data)
                self.seen.update(each.name for each in asked)
                if pair.waits:
                    pair.exchange += asked
                else:
                    pair.waits, pair.exchange = True, asked
                    pair.fate = self.judge(asked)
                    await asyncio.sleep(self.delay)
                if pair.fate is Fate.UNHEARD:
                    break
                if pair.fate is not Fate.HANGS and not pair.is_mute:
                    await self._pass(data, pair.far)
        pair.cut()

    async def _answer(self, reader: asyncio.StreamReader, pair: _Pair) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(_CHUNK):
                if pair.waits:
                    pair.waits = False
                    self.answered(pair.exchange)
                    if pair.fate is Fate.UNANSWERED:
                        break
                if not pair.is_mute:
                    await self._pass(data, pair.near)
        pair.cut()

    async def _pass(self, data: bytes, to: asyncio.StreamWriter) -> None:
        if self.a_second:
            await asyncio.sleep(len(data) / self.a_second)
        to.write(data)
        await to.drain()


def _scripts() -> dict[bytes, str]:
    folder = files("bot.store").joinpath("scripts")
    texts = {each.name: each.read_bytes() for each in folder.iterdir() if each.name.endswith(".lua")}
    return {
        hashlib.sha1(text, usedforsecurity=False).hexdigest().encode(): name.removesuffix(".lua")
        for name, text in texts.items()
    }


@dataclass(frozen=True, slots=True)
class Commands:
    """Reads what is asked of Redis: a script by its own name, anything else by the command's."""

    scripts: dict[bytes, str] = field(default_factory=_scripts)

    def __call__(self, data: bytes) -> list[Asked]:
        """Return the commands that begin in `data`."""
        found = list(_COMMAND.finditer(data))
        ends = [*(each.start() for each in found[1:]), len(data)]
        return [
            Asked(self._name(each), tuple(word.decode() for word in _WORD.findall(data, each.end(), end)))
            for each, end in zip(found, ends, strict=True)
        ]

    def _name(self, found: re.Match[bytes]) -> str:
        command, script = found.groups()
        return self.scripts.get(script, "a script") if script else command.lower().decode()


def requests(data: bytes) -> list[Asked]:
    """Read what is asked of a platform: the last part of each path."""
    return [Asked(each[1].decode()) for each in _REQUEST.finditer(data)]
