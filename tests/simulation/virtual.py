"""A loop whose time passes only while nobody works: hours of waiting take no time at all."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

_REAL_S = 20.0


class NothingLeft(Exception):
    """Everybody waits, and nothing is ever going to happen."""


class _Waiting(selectors.DefaultSelector):
    """A selector that lets time jump to the next timer where no answer is on its way."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_700_000_000.0
        self.under_way = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what has come in, or none where it is time for the next timer."""
        if timeout == 0:
            # Answers are looked at when nothing else is left to do: else their speed would change the order.
            return []
        if self.under_way:
            return super().select(_REAL_S)
        found = super().select(0)
        if found:
            return found
        if timeout is None:
            raise NothingLeft
        self.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs coroutines in virtual time; what really takes time has to say that it is under way."""

    def __init__(self) -> None:
        self._waiting = _Waiting()
        super().__init__(self._waiting)
        # A timer that is due within this much is due: a jump to it may be short by what fractions lose.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Return the virtual time in seconds since 1970."""
        return self._waiting.now

    def begin(self) -> None:
        """Say that an answer is on its way, for which time stands still."""
        self._waiting.under_way += 1

    def end(self) -> None:
        """Say that it has come."""
        self._waiting.under_way -= 1


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run `work` in virtual time, and end whatever it has left behind."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        # What is told to end may begin something else first.
        while left := asyncio.all_tasks(loop):
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.wait(left))
        loop.close()
