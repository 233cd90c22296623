"""One seed: a world is made of it, a session goes through it, and what should not be is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from unittest.mock import patch

from redis.asyncio import Redis

from bot.store.batches import text
from bot.store.keys import Keys
from bot.store.link import Place
from bot.store.server import embedded
from tests.simulation import virtual
from tests.simulation.invariants import broken
from tests.simulation.session import Session, session
from tests.simulation.world import Trouble, World, wait_for_mail

SCRIPTS = sorted(
    each.name.removesuffix(".lua")
    for each in files("bot.store").joinpath("scripts").iterdir()
    if each.name.endswith(".lua")
)


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a seed: what should not be, what happened, and what was shown when and where."""

    seed: int
    wrong: tuple[str, ...]
    happened: tuple[str, ...]
    journal: tuple[tuple[int, str, tuple[str, ...]], ...]
    alerts: int
    kills: int


@contextmanager
def server() -> Iterator[Place]:
    """Run a real server on a folder of its own."""
    with TemporaryDirectory() as folder, embedded(Path(folder)) as place:
        yield place


@contextmanager
def mail_in_virtual_time() -> Iterator[None]:
    """Let what waits for mail do so in virtual time: the server would block for real."""
    with patch("bot.store.outbox.wait_for_mail", wait_for_mail):
        yield


async def taught(world: World) -> None:
    """Empty the server and teach it every script: one that has to be taught answers otherwise."""
    await world.done(world.real.flushall)
    for script in SCRIPTS:
        await world.done(partial(world.real.script_load, text(script)))


def told(place: Place, seed: int, sessions: int = 1, trouble: Trouble | None = None) -> Told:
    """Run a seed's sessions on a real server, which is emptied for them."""
    with mail_in_virtual_time():
        return virtual.run(_told(place, seed, sessions, trouble or Trouble()))


async def _told(place: Place, seed: int, sessions: int, trouble: Trouble) -> Told:
    real = Redis(unix_socket_path=str(place.socket), decode_responses=True, protocol=2)
    wrong: list[str] = []
    happened: list[str] = []
    journal: list[tuple[int, str, tuple[str, ...]]] = []
    alerts = kills = 0
    try:
        for number in range(sessions):
            world = World(real, Keys(f"s{number}"), Random(seed * 100 + number), trouble)
            await taught(world)
            each: Session = session(world)
            await each.run()
            wrong += await broken(world, each)
            happened += world.happened
            posts = [post for service in each.services for post in service.journal]
            journal += [(post.at, post.chat, post.alerts) for post in posts]
            alerts += sum(len(event) for _, event in each.events)
            kills += sum(process.dead for process in each.processes)
            for process in each.processes:
                process.dead = True
                process.world.over = True
                for task in process.tasks:
                    task.cancel()
    finally:
        await real.aclose()
    return Told(seed, tuple(wrong), tuple(happened), tuple(journal), alerts, kills)
