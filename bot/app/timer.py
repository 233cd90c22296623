"""The timer: it wakes the active worker, which asks Redis what there is to do in the present slot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.errors import Away
from bot.pipeline.raising import Fenced
from bot.pipeline.together import together
from bot.store import slots

if TYPE_CHECKING:
    # It loads what only the worker needs.
    from bot.app.active import Active

_AGAIN_S = 2.0
_WAKE_S = 1.0
_HEED_S = 5.0


async def on_schedule(active: Active) -> None:
    """Look and read when it is time until cancelled; raises `Fenced` where another worker takes over.

    The timer only wakes us, and lives in memory: what is due is asked of Redis. A slot that the worker before
    us claimed and did not finish is done at once. What was missed meanwhile, by whomever, is one slot and not
    many: a look covers all since the last one, and a feed is read whole.
    """
    schedule = active.worker.parts.settings.schedule
    jobs = (
        _Job(active, "look", schedule.quotes * 1000, active.look),
        _Job(active, "feeds", schedule.feeds * 1000, active.read_feeds),
    )
    for job in jobs:
        await job.turn()
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    timer = AsyncIOScheduler(
        timezone="UTC", job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
    )
    for job in jobs:
        wake = min(_WAKE_S, job.period / 2000)
        timer.add_job(_telling(over, job.wake), "interval", seconds=wake)
    timer.start()
    try:
        await together(over, _heed_the_clock(timer))
    finally:
        timer.shutdown(wait=False)


def _telling(
    over: asyncio.Future[None], wake: Callable[[], Awaitable[None]]
) -> Callable[[], Awaitable[None]]:
    """Let what ends a job end the schedule: in the timer it would die unseen."""

    async def run() -> None:
        try:
            await wake()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where somebody waits for it
            with suppress(asyncio.InvalidStateError):
                over.set_exception(error)

    return run


async def _heed_the_clock(timer: AsyncIOScheduler) -> None:
    """Wake again where the machine's clock was set back: the timer waits by it, and would wait as long."""
    while True:
        await asyncio.sleep(_HEED_S)
        now = datetime.now(UTC)
        for job in timer.get_jobs():
            if job.next_run_time > now + timedelta(seconds=_HEED_S):
                job.modify(next_run_time=now)


@dataclass(slots=True)
class _Job:
    """What is done once in each slot of so many milliseconds."""

    active: Active
    name: str
    period: int
    do: Callable[[], Awaitable[None]]
    _due: int = 0
    _begun: bool = False

    async def wake(self) -> None:
        """Have a turn where it is time for one."""
        if self.active.worker.parts.clock() >= self._due:
            await self.turn()

    async def turn(self) -> None:
        """Do the present slot, unless that is done."""
        parts, epoch = self.active.worker.parts, self.active.raiser.epoch
        try:
            slot = await slots.claim(
                parts.link, epoch, self.name, parts.clock(), self.period, anew=not self._begun
            )
            if slot is None:
                raise Fenced("Another worker holds the lease now.")
            if slot.claimed:
                await self.do()
                self._begun = True
                await slots.done(parts.link, epoch, self.name, slot)
            self._due = slot.end
        except Away as error:
            parts.report("a look was lost", why=str(error))
            self._due = parts.clock() + round(_AGAIN_S * 1000)
