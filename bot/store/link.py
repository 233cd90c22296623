"""The connection to Redis: how it is made, how its failures are named, how scripts are run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    RedisClusterException,
    RedisError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from bot.errors import Away, WrongServer
from bot.store.batches import Batches
from bot.store.clients import client_of
from bot.store.keys import Keys

_OLDEST = (6, 2)
_TIMEOUT_S = 5
_AT_ONCE = 32
# each open page holds one
_WAITING = 1000
_WRONG_PASSWORD = "Redis refuses the password: set REDIS_URL to an address with the right one."  # noqa: S105


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is: an address, or the socket of the embedded one."""

    url: str | None = None
    socket: Path | None = None

    def __str__(self) -> str:
        """Name the place without the password that its address may hold."""
        if self.url is not None:
            scheme, _, rest = self.url.partition("//")
            return f"{scheme}//{rest.rpartition('@')[2].partition('?')[0]}"
        return str(self.socket)


@dataclass(frozen=True)
class Link:
    """One namespace on one server.

    `client` never repeats by itself: a repeat whose first try was applied would tell twice. `waiting` is for
    blocking reads only, so that they never hold up anything else. Both answer in text; the library's types
    cannot tell that from bytes, so what comes back is typed where it is read.
    """

    client: Any
    waiting: Any
    keys: Keys
    _scripts: Batches = field(init=False)

    def __post_init__(self) -> None:
        """Let scripts that are run at one time leave together."""
        object.__setattr__(self, "_scripts", Batches(self.client, _TIMEOUT_S))

    async def run(self, script: str, keys: Iterable[str], arguments: Iterable[str | float]) -> Any:
        """Run a script of `scripts/` and return its answer; raises `Away` when the server does not answer."""
        with _named():
            return await self._scripts.run(script, list(keys), list(arguments))

    async def read(self, *words: str) -> Any:
        """Ask for something small beside the scripts that are run; raises `Away` as they do."""
        with _named():
            return await self._scripts.read(*words)

    async def close(self) -> None:
        """Close both connections, when what is on its way has ended."""
        await self._scripts.close()
        await self.client.aclose()
        await self.waiting.aclose()


@asynccontextmanager
async def reached() -> AsyncIterator[None]:
    """Wait five seconds for a server at most, and name the failures of one that is not there as `Away`.

    The time limit is ours and not the library's: on Python 3.11 the library's loses a cancellation that
    comes while a command leaves, and a task that was told to stop would go on.
    """
    with _named():
        async with asyncio.timeout(_TIMEOUT_S):
            yield


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except AuthenticationError as error:
        raise WrongServer(_WRONG_PASSWORD) from error
    except RedisClusterException as error:
        # It is no error of the library's like the others, and hides why no node could be used.
        if isinstance(error.__cause__, AuthenticationError):
            raise WrongServer(_WRONG_PASSWORD) from error
        raise Away("Redis does not answer: no node of the cluster does.") from error
    except (RedisConnectionError, RedisTimeoutError, BusyLoadingError, OSError) as error:
        raise Away(f"Redis does not answer: {type(error).__name__}.") from error
    except RedisError as error:
        raise Away(f"Redis cannot do it now: {str(error)[:120]}.") from error


async def connect(place: Place, namespace: str) -> Link:
    """Connect and see that the server is one that can be used.

    Raises `Away` when nobody answers there and `WrongServer` when who answers is of no use.
    """
    client, waiting = (client_of(place.url, place.socket, each) for each in (_AT_ONCE, _WAITING))
    link = Link(client, waiting, Keys(namespace))
    try:
        async with reached():
            about = await link.client.info("server")
            memory = await link.client.info("memory")
    except Away as error:
        await link.close()
        raise Away(
            f"No Redis answers at {place}: start one there, or set REDIS_URL to where it is."
        ) from error
    except WrongServer:
        await link.close()
        raise
    version = str(about.get("redis_version", "0"))
    try:
        _judge(version, str(memory.get("maxmemory_policy", "noeviction")), int(memory.get("maxmemory", 0)))
    except WrongServer:
        await link.close()
        raise
    return link


def _judge(version: str, policy: str, maxmemory: int) -> None:
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
        raise WrongServer(f"Redis {version} is too old: Marketbell needs 6.2 or newer, or Valkey.")
    if maxmemory and policy != "noeviction":
        raise WrongServer(
            f"This Redis may drop what it holds (maxmemory-policy {policy}): "
            "set it to noeviction, or alerts get lost."
        )
