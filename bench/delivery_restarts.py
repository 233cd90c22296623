"""How soon all goes on after the worker was killed, and after Redis was and came back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.delivery_stage import (
    Stage,
    alert_of,
    each_once,
    environment,
    fake_api,
    private_chats,
    until,
    written,
)
from bench.figures import Figure
from bot.clock import machine_time
from bot.errors import Away
from bot.store import market as published
from bot.store.keys import LIVE
from bot.store.link import Link, Place, connect
from bot.store.server import socket_of
from tests.acceptance.processes import Process, running, start_valkey
from tests.fakes.yahoo import FakeYahoo

_WORKER_S, _REDIS_S = 15, 3
_AWAY_S = 3.0
_PATIENCE_S = 90
_STEP_S = 0.02
_LOADED_S = 12
"""Long enough for a worker to have loaded what it needs, and to stand by."""


@dataclass(slots=True)
class _Redis:
    """A server that can be killed and started again on the same data."""

    folder: Path
    process: asyncio.subprocess.Process

    async def kill(self) -> None:
        """End it as nothing can prevent."""
        self.process.kill()
        await self.process.wait()

    async def come_back(self) -> float:
        """Start it again; return when it answered."""
        self.process = await start_valkey(self.folder)
        link = await self.reached()
        back = time.monotonic()
        await link.close()
        return back

    async def reached(self) -> Link:
        """Connect as soon as it answers."""
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                with suppress(Away):
                    return await connect(Place(socket=socket_of(self.folder)), LIVE)
                await asyncio.sleep(_STEP_S)


async def restarted(*, quick: bool = False) -> list[Figure]:
    """Kill the active one of two workers, then Redis while a sender has work."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        async with _redis(folder / "redis") as redis, fake_api() as api, FakeYahoo() as yahoo:
            stage = Stage(folder, Place(socket=socket_of(redis.folder)), await redis.reached(), api)
            config = written(folder, {"yahoo": yahoo.url}, schedule="{quotes: 1, feeds: 60, requests: 600}")
            start = partial(running, "worker", "--config", config, environ=environment(folder))
            try:
                async with start() as first:
                    await until(partial(_looked, stage, 0), _PATIENCE_S)
                    if quick:
                        return await _redis_killed(stage, redis, 30)
                    async with start() as second:
                        await asyncio.sleep(_LOADED_S)
                        if not second.alive:
                            raise RuntimeError(second.said)
                        found = await _worker_killed(stage, first)
                        return [*found, *await _redis_killed(stage, redis, 150)]
            finally:
                await stage.stop_senders()
                await stage.link.close()


@asynccontextmanager
async def _redis(folder: Path) -> AsyncIterator[_Redis]:
    await asyncio.to_thread(folder.mkdir)
    redis = _Redis(folder, await start_valkey(folder))
    try:
        yield redis
    finally:
        await redis.kill()


async def _worker_killed(stage: Stage, worker: Process) -> list[Figure]:
    """Kill the active worker at the worst moment, just after it has renewed its lease."""
    before, lease = await _worker(stage), await _deadline(stage)
    while await _deadline(stage) == lease:  # noqa: ASYNC110 - Redis is asked
        await asyncio.sleep(_STEP_S)
    worker.kill()
    killed = time.monotonic()

    async def taken_over() -> bool:
        now = await _worker(stage)
        return now is not None and before is not None and now.started > before.started

    await until(taken_over, _PATIENCE_S)
    name = "the worker killed just after it had renewed its lease, until another one has looked"
    return [Figure(name, time.monotonic() - killed, "s", _WORKER_S)]


async def _redis_killed(stage: Stage, redis: _Redis, count: int) -> list[Figure]:
    """Kill Redis in the midst of deliveries at the permitted pace, and have it back after some seconds."""
    chats, alert = private_chats(count), alert_of("HSTECH")
    await stage.subscribe(chats, alert.topics[0])
    await stage.start_senders([0])
    await stage.tell([alert])
    await asyncio.sleep(count / 100)
    await redis.kill()
    await asyncio.sleep(_AWAY_S)
    looked = machine_time()
    back = await redis.come_back()
    await until(partial(_looked, stage, looked), _PATIENCE_S)
    looks = time.monotonic() - back
    await stage.settled(count, _PATIENCE_S)
    journal = await stage.api.journal(stage.folder)
    each_once(journal, chats)
    delivers = min(at for at, _ in journal.accepted if at > back) - back
    return [
        Figure(
            "Redis killed for some seconds, from its return to the next delivery", delivers, "s", _REDIS_S
        ),
        Figure(".. to the worker's next look", looks, "s", _REDIS_S),
    ]


async def _looked(stage: Stage, after: int) -> bool:
    """Tell whether a worker has looked after a moment of machine time."""
    now = await _worker(stage)
    return now is not None and now.ticked > after


async def _worker(stage: Stage) -> published.Worker | None:
    with suppress(Away):
        return await published.worker(stage.link)
    return None


async def _deadline(stage: Stage) -> str | None:
    deadline: str | None = await stage.link.client.hget(stage.link.keys.lease(), "deadline")
    return deadline
