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

from bot.app.parts import Parts
from bot.config import Settings, read_secrets
from bot.errors import Away, MarketbellError, UsageError
from bot.logs import Report, start_logging
from bot.store.link import Link, Place, connect
from bot.store.server import embedded, socket_of

LIVE = "live"
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


def run_alone(settings: Settings, part: str, run: Callable[[Parts], Awaitable[None]]) -> None:
    """Run one part against a Redis that others share, waiting for it where it is away."""

    async def main(report: Report) -> None:
        secrets = read_secrets(os.environ)
        place = Place(url=secrets.redis_url or _LOCAL_REDIS)
        link = await _patiently(place, report)
        await _run_parts(Parts(settings, secrets, link, Home.usual().folder, report), run)

    _run(part, main)


def run_at_home(
    settings: Settings, namespace: str, folder: Path, run: Callable[[Parts], Awaitable[None]]
) -> None:
    """Run in one process on the embedded server, or on the Redis that REDIS_URL names."""
    secrets = read_secrets(os.environ)

    async def main(report: Report) -> None:
        link = await connect(place, namespace)
        await _run_parts(Parts(settings, secrets, link, folder, report), run)

    shared = None if secrets.redis_url is None else Place(url=secrets.redis_url)
    with embedded(folder) if shared is None else nullcontext(shared) as place:
        _run("run", main)


@asynccontextmanager
async def visiting(
    settings: Settings, folder: Path, instead: str = ", or ask recorded bars with --data DIR"
) -> AsyncIterator[Parts]:
    """Reach a Marketbell that runs: by REDIS_URL, or by the socket of its embedded server.

    Raises `Away` when none does; it says what can be done `instead` of starting one.
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
        yield Parts(settings, secrets, link, folder, lambda _event, **_facts: None)
    finally:
        await link.close()


async def _run_parts(parts: Parts, run: Callable[[Parts], Awaitable[None]]) -> None:
    try:
        await run(parts)
    finally:
        await parts.pictures.close()
        await parts.link.close()


async def _patiently(place: Place, report: Report) -> Link:
    wait = _FIRST_S
    while True:
        try:
            return await connect(place, LIVE)
        except Away as error:
            report("waiting for Redis", why=str(error))
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_S)


def _run(part: str, main: Callable[[Report], Awaitable[None]]) -> None:
    """Run `main` until it ends or a signal asks it to; what is under way then is finished."""
    report = start_logging(read_secrets(os.environ).all(), part)

    async def run() -> None:
        task = asyncio.ensure_future(main(report))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            return
        except BaseExceptionGroup as group:
            raise _first_of(group) from group

    asyncio.run(run())


def _first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the refusal in a group that a person can do something about, or the group itself."""
    refusals = group.subgroup(MarketbellError)
    found: BaseException | None = refusals
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return group if found is None else found
