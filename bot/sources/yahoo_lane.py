"""One thread that waits for Yahoo, and what becomes of it when Yahoo never answers.

Python cannot end a thread. One that is past its deadline is left behind with whatever it holds, and another
takes its place; a few may be left behind at a time, then nobody waits any more until one of them is through.
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

Work = Callable[["Client"], Any]


class Client(Protocol):
    """A connection to Yahoo, used by one thread only."""

    def get(self, url: str, params: dict[str, str]) -> Any:
        """Return a JSON answer."""
        ...

    def give_up(self) -> None:
        """Send nothing more; this may be called from another thread."""
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...


class Lane:
    """Runs one piece of work at a time in a thread of its own; the caller sees to it that it is one."""

    def __init__(self, connect: Callable[[], Client], deadline: float) -> None:
        self._connect = connect
        self._deadline = deadline
        self._waiter: _Waiter | None = None
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
            waiter = self._waiter = _Waiter(self._connect)
            waiter.start()
            await self._within(waiter, lambda _: None, _OPENING)
        return await self._within(waiter, work, self._deadline)

    def renew(self) -> None:
        """Start the next piece of work with a new thread and a new client."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.end()

    async def close(self) -> None:
        """End the thread; one that hangs is not waited for."""
        waiter = self._waiter
        self.renew()
        if waiter is not None:
            await asyncio.to_thread(waiter.join, _CLOSING)

    async def _within(self, waiter: _Waiter, work: Work, deadline: float) -> Any:
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
    """The thread: it opens its client with its first work and closes it at its end."""

    def __init__(self, connect: Callable[[], Client]) -> None:
        super().__init__(name="yahoo", daemon=True)
        self._connect = connect
        self._client: Client | None = None
        self._jobs: SimpleQueue[tuple[Work, asyncio.Future[Any]] | None] = SimpleQueue()

    def do(self, work: Work) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._jobs.put((work, future))
        return future

    def end(self) -> None:
        self._jobs.put(None)

    def give_up(self) -> None:
        if self._client is not None:
            self._client.give_up()
        self.end()

    def run(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, future = job
            try:
                if self._client is None:
                    self._client = self._connect()
                outcome, error = work(self._client), None
            except Exception as raised:  # noqa: BLE001 - it is the caller's, in the other thread
                outcome, error = None, raised
            # The loop may be gone when a thread that was left behind comes back.
            with suppress(RuntimeError):
                future.get_loop().call_soon_threadsafe(_settle, future, outcome, error)
        if self._client is not None:
            self._client.close()


def _settle(future: asyncio.Future[Any], outcome: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(outcome)
    else:
        future.set_exception(error)
