"""Pictures for chats: one child draws, what was drawn is kept for a while, and no answer waits for long."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bot.charts.wire import COMMAND, HEAD, PLACE, NotDrawn, framed, length_of, png_of, surroundings
from bot.messages.blocks import Picture
from bot.messages.pictures import BacktestPicture, alt_of, written

_MOST_KEPT = 8 * 1024 * 1024


@dataclass(slots=True)
class Pictures:
    """Draws for one process. Close it at the end.

    The first who asks has the child started, and it ends when nobody asked for `idle` seconds. A picture that
    is not there `within` seconds, the wait for others included, is given up, and a child that was at it is
    killed. `most` bytes of pictures are kept, by what they show.
    """

    report: Callable[..., None]
    within: float = 10.0
    idle: float = 180.0
    most: int = _MOST_KEPT
    command: Sequence[str] = COMMAND
    _kept: OrderedDict[bytes, bytes] = field(default_factory=OrderedDict, init=False)
    _one: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _child: Process | None = field(default=None, init=False)
    _ended: list[Process] = field(default_factory=list, init=False)
    _rest: asyncio.TimerHandle | None = field(default=None, init=False)

    async def backtest(self, facts: BacktestPicture) -> Picture | None:
        """Return the picture of a back-test, or None, with the reason in the log, where there is none."""
        try:
            asked = written(facts)
            png = self._drawn(asked) or await self._draw(asked)
        except TimeoutError:
            why = f"it took longer than {self.within:g} s"
        except NotDrawn as refusal:
            why = str(refusal)
        except (OSError, ValueError, asyncio.IncompleteReadError) as failure:
            why = f"{type(failure).__name__}: {failure}"
        else:
            return Picture(png, alt_of(facts))
        self.report("a picture was not drawn", symbol=facts.symbol, why=why)
        return None

    async def close(self) -> None:
        """End the child."""
        self._end()
        for child in self._ended:
            await child.wait()

    async def _draw(self, asked: bytes) -> bytes:
        async with asyncio.timeout(self.within), self._one:
            # Whoever waited may find that it was drawn for somebody else meanwhile.
            png = self._drawn(asked)
            if png is None:
                png = png_of(await self._answer(framed(asked)))
                self._keep(asked, png)
            return png

    async def _answer(self, asked: bytes) -> bytes:
        """Let the child answer, or another where the one that slept has died in its sleep."""
        slept = self._child is not None
        try:
            return await self._exchange(asked)
        except (ConnectionError, asyncio.IncompleteReadError):
            if not slept:
                raise
        return await self._exchange(asked)

    async def _exchange(self, asked: bytes) -> bytes:
        """Ask the child; one that is interrupted, whatever by, is ended: its answer would come late."""
        self._stay_awake()
        try:
            to, back = await self._pipes()
            to.write(asked)
            await to.drain()
            answer = await back.readexactly(length_of(await back.readexactly(HEAD.size)))
        except BaseException:
            self._end()
            raise
        self._rest = asyncio.get_running_loop().call_later(self.idle, self._end)
        return answer

    async def _pipes(self) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
        if self._child is None:
            self._ended = [each for each in self._ended if each.returncode is None]
            self._child = await asyncio.create_subprocess_exec(
                *self.command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd=PLACE, env=surroundings()
            )
        if self._child.stdin is None or self._child.stdout is None:
            raise NotDrawn("the process that draws has no pipes")
        return self._child.stdin, self._child.stdout

    def _stay_awake(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def _end(self) -> None:
        """Kill the child, which holds nothing that could be lost."""
        self._stay_awake()
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                self._child.kill()
            self._ended.append(self._child)
            self._child = None

    def _drawn(self, asked: bytes) -> bytes | None:
        name = _name(asked)
        if name in self._kept:
            self._kept.move_to_end(name)
        return self._kept.get(name)

    def _keep(self, asked: bytes, png: bytes) -> None:
        self._kept[_name(asked)] = png
        while self._kept and sum(map(len, self._kept.values())) > self.most:
            self._kept.popitem(last=False)


def _name(asked: bytes) -> bytes:
    return hashlib.sha256(asked).digest()
