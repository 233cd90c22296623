"""The timer: it wakes the active worker at the minutes of the schedule."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.errors import Away

if TYPE_CHECKING:
    # It loads what only the worker needs.
    from bot.app.worker import Active


async def on_schedule(active: Active) -> None:
    """Look and read at the minutes of the schedule until cancelled, or until another worker takes over.

    The timer only wakes us, and lives in memory: what is due is read from Redis then, so a wake that was
    missed costs nothing.
    """
    settings, report = active.worker.parts.settings.schedule, active.worker.parts.report
    lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def guarded(job: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            try:
                await job()
            except Away as error:
                report("a look was lost", why=str(error))
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not die unseen in the timer
                with suppress(asyncio.InvalidStateError):
                    lost.set_exception(error)

        return run

    timer = AsyncIOScheduler(
        timezone="UTC", job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
    )
    for job, seconds in ((active.look, settings.quotes), (active.read_feeds, settings.feeds)):
        timer.add_job(guarded(job), "interval", seconds=seconds)
        await guarded(job)()
    timer.start()
    try:
        await lost
    finally:
        timer.shutdown(wait=False)
