"""How a process begins and ends: its server or the way to one, its signals, its last word."""

from __future__ import annotations

import asyncio
import os
import secrets as chance
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from bot.app.anew import Ended, begin_anew, has_terminal, heed_no_further_asking
from bot.app.parts import Parts, wishes_of
from bot.config import Settings, read_secrets
from bot.errors import Away, MarketbellError, UsageError
from bot.logs import Report, start_logging
from bot.store import schema
from bot.store.keys import LIVE
from bot.store.link import Link, Place, connect
from bot.store.server import embedded, socket_of
from bot.store.server_clock import ServerClock

_LOCAL_REDIS = "redis://127.0.0.1:6379/0"
_FIRST_S, _LONGEST_S = 0.5, 5.0


@dataclass(frozen=True, slots=True)
class Home:
    """Where this machine's Marketbell keeps its data: a folder for what is live, and one for replays."""

    folder: Path

    @classmethod
    def usual(cls) -> Home:
        """Return the folder that the system keeps for such data."""
        base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
        return cls(Path(base) / "marketbell")

    def of(self, namespace: str) -> Path:
        """Return the folder of a namespace."""
        return self.folder / (LIVE if namespace == LIVE else "replay")


def new_replay() -> str:
    """Return a namespace that nothing was ever replayed in."""
    return f"replay-{chance.token_hex(4)}"


def named_replay(name: str) -> str:
    """Return the namespace of a replay that goes on under its name; `UsageError` for no name."""
    if not name.isalnum():
        raise UsageError(f"“{name}” is no name of a replay: write letters and digits only.")
    return f"replay-{name}"


def run_alone(read: Callable[[], Settings], part: str, run: Callable[[Parts], Awaitable[None]]) -> None:
    """Run one part against a Redis that others share, waiting for it where it is away.

    The settings are read now, and anew when they are asked for by SIGHUP.
    """
    settings = read()

    async def main(report: Report) -> None:
        secrets = read_secrets(os.environ)
        place = Place(url=secrets.redis_url or _LOCAL_REDIS)
        link, clock = await _patiently(place, report)
        await _run_parts(Parts(settings, secrets, link, Home.usual().folder, report, clock), clock, run)

    if _run(part, main, read) == "anew":
        begin_anew()


def run_at_home(
    read: Callable[[], Settings], namespace: str, folder: Path, run: Callable[[Parts], Awaitable[None]]
) -> None:
    """Run in one process on the embedded server, or on the Redis that REDIS_URL names.

    The settings are read now, and anew when they are asked for by SIGHUP.
    """
    settings, secrets = read(), read_secrets(os.environ)

    async def main(report: Report) -> None:
        link, clock = await _opened(place, namespace, report, alone=shared is None)
        await _run_parts(Parts(settings, secrets, link, folder, report, clock), clock, run)

    shared = None if secrets.redis_url is None else Place(url=secrets.redis_url)
    with embedded(folder) if shared is None else nullcontext(shared) as place:
        ended = _run("run", main, read)
    if ended == "anew":
        begin_anew()


@asynccontextmanager
async def visiting(
    settings: Settings, folder: Path, instead: str = ", or ask recorded bars with --data DIR"
) -> AsyncIterator[Parts]:
    """Reach a Marketbell that runs: by REDIS_URL, or by the socket of its embedded server.

    Raises `Away` when none does; it says what can be done `instead` of starting one. Raises `UsageError` for
    one of a release that keeps its data otherwise.
    """
    secrets = read_secrets(os.environ)
    place = Place(url=secrets.redis_url) if secrets.redis_url else Place(socket=socket_of(folder))
    try:
        link = await connect(place, LIVE)
    except Away as error:
        if secrets.redis_url:
            raise
        raise Away(f"No Marketbell runs here: start marketbell run{instead}.") from error
    try:
        await schema.check(link)
        clock = ServerClock()
        await clock.correct(link)
        yield Parts(settings, secrets, link, folder, lambda _event, **_facts: None, clock)
    finally:
        await link.close()


async def _run_parts(parts: Parts, clock: ServerClock, run: Callable[[Parts], Awaitable[None]]) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(clock.keep(parts.link, parts.report))
            await run(parts)
            keeping.cancel()
    finally:
        await parts.pictures.close()
        await parts.link.close()


async def _opened(place: Place, namespace: str, report: Report, *, alone: bool) -> tuple[Link, ServerClock]:
    """Connect, agree with the server on the time, and see that its data is in this release's schema."""
    link = await connect(place, namespace)
    clock = ServerClock()
    try:
        await clock.correct(link)
        await schema.prepare(link, clock, report, alone=alone)
    except BaseException:
        await link.close()
        raise
    return link, clock


async def _patiently(place: Place, report: Report) -> tuple[Link, ServerClock]:
    wait = _FIRST_S
    while True:
        try:
            return await _opened(place, LIVE, report, alone=False)
        except Away as error:
            report("waiting for Redis", why=str(error))
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_S)


def _run(part: str, main: Callable[[Report], Awaitable[None]], read: Callable[[], Settings]) -> Ended:
    """Run `main` until it ends or a signal asks it to; what is under way then is finished.

    Settings that can be read end it where a signal asks to begin anew; others are said, and change nothing.
    """
    report = start_logging(read_secrets(os.environ).all(), part)
    ended: Ended = "for good"

    async def run() -> None:
        task = asyncio.ensure_future(main(report))
        loop = asyncio.get_running_loop()

        def begin_anew_if_possible() -> None:
            nonlocal ended
            if ended == "anew":
                return
            try:
                wishes_of(read())
            except MarketbellError as error:
                report("the settings stay as they were", why=str(error))
                return
            report("begins anew", why="the settings were read again")
            heed_no_further_asking()
            ended = "anew"
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        if not has_terminal():
            loop.add_signal_handler(signal.SIGHUP, begin_anew_if_possible)
        try:
            await task
        except asyncio.CancelledError:
            return
        except BaseExceptionGroup as group:
            raise _first_of(group) from group

    asyncio.run(run())
    return ended


def _first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the refusal in a group that a person can do something about, or the group itself."""
    refusals = group.subgroup(MarketbellError)
    found: BaseException | None = refusals
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return group if found is None else found
