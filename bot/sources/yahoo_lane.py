"""One thread that waits for Yahoo, and what becomes of it when Yahoo never answers.

Python cannot end a thread. One that is past its deadline is left behind with whatever it holds, and another
takes its place. Two may hang at a time, then nobody waits any more until one of them is through.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, Protocol

from bot.sources.yahoo_failure import Silent

_MOST_ABANDONED = 2
# Loading yfinance is not Yahoo's slowness.
_OPENING = 60.0
_CLOSING = 2.0

Work = Callable[[Any], Any]


class Client(Protocol):
    """A connection to a source, used by one thread only; what it can be asked is between it and the work."""

    def give_up(self) -> None:
        """Send nothing more; this may be called from another thread."""
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...


class Lane:
    """Runs one piece of work at a time in a thread of its own; the caller sees to it that it is one."""

    def __init__(self, connect: Callable[[], Client], deadline: float, name: str = "yahoo") -> None:
        self._connect = connect
        self._deadline = deadline
        self._name = name
        self._waiter: _Waiter | None = None
        self._connected = False
        self._abandoned: list[_Waiter] = []

    @property
    def abandoned(self) -> int:
        """How many threads that were left behind still wait."""
        self._abandoned = [each for each in self._abandoned if each.is_alive()]
        return len(self._abandoned)

    async def run(self, work: Work) -> Any:
        """Return what `work` makes of the client; raises `Silent` when that takes too long."""
        waiter = self._waiter
        if waiter is None:
            if self.abandoned >= _MOST_ABANDONED:
                raise Silent(f"left {_MOST_ABANDONED} requests hanging, so it is not asked until one ends")
            waiter = self._waiter = _Waiter(self._connect, self._name)
            self._connected = False
            waiter.start()
        if not self._connected:
            await self._within(waiter, None, _OPENING)
            self._connected = True
        return await self._within(waiter, work, self._deadline)

    def renew(self) -> None:
        """Start the next piece of work with a new client."""
        self._connected = False

    async def close(self) -> None:
        """End the thread; one that hangs is not waited for."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.end()
            await asyncio.wait((waiter.ended,), timeout=_CLOSING)

    async def _within(self, waiter: _Waiter, work: Work | None, deadline: float) -> Any:
        future = waiter.do(work)
        try:
            done, _ = await asyncio.wait((future,), timeout=deadline)
        except asyncio.CancelledError:
            self._abandon(waiter, future)
            raise
        if not done:
            self._abandon(waiter, future)
            raise Silent("did not answer in time")
        return future.result()

    def _abandon(self, waiter: _Waiter, future: asyncio.Future[Any]) -> None:
        future.cancel()
        self._waiter = None
        self._abandoned.append(waiter)
        waiter.give_up()


class _Waiter(Thread):
    """The thread: it opens its client, anew whenever the work is None, and closes it at its end."""

    def __init__(self, connect: Callable[[], Client], name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._connect = connect
        self._client: Client | None = None
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[tuple[Work | None, asyncio.Future[Any]] | None] = SimpleQueue()
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def do(self, work: Work | None) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        self._jobs.put((work, future))
        return future

    def end(self) -> None:
        self._jobs.put(None)

    def give_up(self) -> None:
        if (client := self._client) is not None:
            client.give_up()
        self.end()

    def run(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, future = job
            outcome, error = None, None
            try:
                if work is None:
                    self._open()
                else:
                    outcome = work(self._client)
            except Exception as raised:  # noqa: BLE001 - it is the caller's, in the other thread
                error = raised
            self._tell(future, outcome, error)
        self._close()
        self._tell(self.ended, None, None)

    def _open(self) -> None:
        self._close()
        self._client = self._connect()

    def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _tell(self, future: asyncio.Future[Any], outcome: Any, error: Exception | None) -> None:
        # The loop may be gone when a thread that was left behind comes back.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_settle, future, outcome, error)


def _settle(future: asyncio.Future[Any], outcome: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(outcome)
    else:
        future.set_exception(error)
