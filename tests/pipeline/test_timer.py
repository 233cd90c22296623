from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from bot.app.timer import on_schedule
from bot.clock import machine_time
from bot.errors import Away
from bot.pipeline.raising import Fenced
from bot.store import lease
from bot.store.link import Link

HOUR_S = 3600


@dataclass(slots=True)
class Worker:
    """As much of an active worker as its timer asks for: it counts its looks, some of which are lost."""

    link: Link
    epoch: int
    quotes: float = HOUR_S
    lost: int = 0
    slow: float = 0
    looks: int = 0
    reads: int = 0
    said: list[str] = field(default_factory=list)

    async def look(self) -> None:
        await asyncio.sleep(self.slow)
        if self.lost:
            self.lost -= 1
            raise Away("Redis does not answer.")
        self.looks += 1

    async def read_feeds(self) -> None:
        self.reads += 1

    async def run(self, seconds: float) -> None:
        """Work for so long; raises what ends it before."""
        schedule = SimpleNamespace(quotes=self.quotes, feeds=HOUR_S)
        parts = SimpleNamespace(
            settings=SimpleNamespace(schedule=schedule),
            link=self.link,
            clock=machine_time,
            report=lambda event, **_facts: self.said.append(event),
        )
        active: Any = SimpleNamespace(
            worker=SimpleNamespace(parts=parts),
            raiser=SimpleNamespace(epoch=self.epoch),
            look=self.look,
            read_feeds=self.read_feeds,
        )
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds):
                await on_schedule(active)


async def elected(link: Link, name: str) -> int:
    """Let a worker take the lease over from whoever has it."""
    await link.client.delete(link.keys.lease())
    return await lease.hold(link, name, machine_time(), machine_time() + 60_000)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what was lost be tried again at once."""
    monkeypatch.setattr("bot.app.timer._AGAIN_S", 0.02)
    monkeypatch.setattr("bot.app.timer._WAKE_S", 0.02)


async def test_it_looks_once_a_slot_and_reads_at_its_own_pace(link: Link) -> None:
    worker = Worker(link, await elected(link, "one"), quotes=0.1)
    await worker.run(0.55)
    assert 2 <= worker.looks <= 6
    assert worker.reads == 1


async def test_a_worker_behind_another_does_nothing_more(link: Link) -> None:
    worker = Worker(link, await elected(link, "one"), quotes=0.05)
    running = asyncio.create_task(worker.run(5))
    await asyncio.sleep(0.12)
    await elected(link, "other")
    looks = worker.looks
    assert looks >= 1
    with pytest.raises(Fenced):
        await running
    assert worker.looks == looks


async def test_a_look_that_was_lost_is_tried_again_within_its_slot(link: Link) -> None:
    worker = Worker(link, await elected(link, "one"), lost=2)
    await worker.run(0.3)
    assert worker.looks == 1
    assert worker.said == ["a look was lost"] * 2


async def test_the_next_worker_looks_at_once_whatever_the_one_before_left(link: Link) -> None:
    busy = Worker(link, await elected(link, "one"), slow=60)
    await busy.run(0.1)
    other = Worker(link, await elected(link, "other"))
    await other.run(0.2)
    assert (busy.looks, other.looks) == (0, 1)
    third = Worker(link, await elected(link, "third"))
    await third.run(0.2)
    assert third.looks == 1
