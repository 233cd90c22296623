"""Machine time as the Redis server has it, so that every process on every machine agrees on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.clock import MachineTime, steady_time
from bot.errors import Away
from bot.store.cluster import Cluster
from bot.store.link import Link, reached

_SAMPLES = 5
_EVERY_S = 60.0
_STEP_MS = 1_000


@dataclass(slots=True)
class ServerClock:
    """A clock of ours that follows the server's: `local` milliseconds, and how far those are behind it.

    It is set once, and from then on never goes back: where it is found ahead it runs at half its speed until
    it is right again, and where it is behind by less than a second, half as fast again. What is more it makes
    up at once. Between two corrections it goes by a clock that nobody sets, so that no change of the
    machine's own time moves it.
    """

    local: MachineTime = steady_time
    _offset: float = field(default=0.0, init=False)
    _target: float | None = field(default=None, init=False)
    _before: int = field(default=0, init=False)
    _told: int = field(default=0, init=False)

    def __call__(self) -> int:
        """Return milliseconds since 1970, UTC; `correct` must have been asked for once."""
        if self._target is None:
            raise RuntimeError("The clock was not set yet.")
        local = self.local()
        most = max(local - self._before, 0) / 2
        behind = self._target - self._offset
        self._offset += behind if behind > _STEP_MS else max(-most, min(most, behind))
        self._before = local
        self._told = max(self._told, round(local + self._offset))
        return self._told

    async def correct(self, link: Link) -> None:
        """Ask the server for the time, a few times, and believe the answer that was the quickest.

        What it said is taken as of the middle between the question and the answer. Raises `Away` when it
        does not answer.
        """
        found: list[tuple[int, float]] = []
        for _ in range(_SAMPLES):
            asked = self.local()
            server = await _time_of(link)
            answered = self.local()
            found.append((answered - asked, server - (asked + answered) / 2))
        _, offset = min(found)
        if self._target is None:
            self._offset, self._before = offset, self.local()
            self._told = round(self._before + offset)
        self._target = offset

    async def keep(self, link: Link, report: Callable[..., None], every: float = _EVERY_S) -> None:
        """Correct it every minute until cancelled; while the server does not answer it goes on by itself."""
        while True:
            await asyncio.sleep(every)
            try:
                await self.correct(link)
            except Away as error:
                report("the clock was not corrected", why=str(error))


async def _time_of(link: Link) -> float:
    """Return the server's milliseconds since 1970; a cluster's are those of the node with the chats' slot."""
    client = link.client
    async with reached():
        options = {}
        if isinstance(client, Cluster):
            await client.initialize()
            options = {"target_nodes": client.get_node_from_key(link.keys.chats)}
        seconds, microseconds = await client.time(**options)
    return float(seconds * 1000 + microseconds / 1000)
