"""The connection to Redis: how it is made, how its failures are named, how scripts are run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    RedisError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from bot.errors import Away, WrongServer
from bot.store.keys import Keys

_OLDEST = (6, 2)
_TIMEOUT_S = 5
_AT_ONCE = 32
# each open page holds one
_WAITING = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is: an address, or the socket of the embedded one."""

    url: str | None = None
    socket: Path | None = None

    def __str__(self) -> str:
        """Name the place without the password that its address may hold."""
        if self.url is not None:
            scheme, _, rest = self.url.partition("//")
            return f"{scheme}//{rest.rpartition('@')[2]}"
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

    async def run(self, script: str, keys: Iterable[str], arguments: Iterable[str | float]) -> Any:
        """Run a script of `scripts/` and return its answer; raises `Away` when the server does not answer."""
        async with reached():
            return await self.client.register_script(_text(script))(keys=list(keys), args=list(arguments))

    async def close(self) -> None:
        """Close both connections."""
        await self.client.aclose()
        await self.waiting.aclose()


@asynccontextmanager
async def reached() -> AsyncIterator[None]:
    """Wait five seconds for a server at most, and name the failures of one that is not there as `Away`.

    The time limit is ours and not the library's: on Python 3.11 the library's loses a cancellation that
    comes while a command leaves, and a task that was told to stop would go on.
    """
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            yield
    except AuthenticationError as error:
        raise WrongServer(
            "Redis refuses the password: set REDIS_URL to an address with the right one."
        ) from error
    except (RedisConnectionError, RedisTimeoutError, BusyLoadingError, OSError) as error:
        raise Away(f"Redis does not answer: {type(error).__name__}.") from error
    except RedisError as error:
        raise Away(f"Redis cannot do it now: {str(error)[:120]}.") from error


async def connect(place: Place, namespace: str) -> Link:
    """Connect and see that the server is one that can be used.

    Raises `Away` when nobody answers there and `WrongServer` when who answers is of no use.
    """
    link = Link(_client(place, _AT_ONCE), _client(place, _WAITING), Keys(namespace))
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


def _client(place: Place, connections: int) -> Redis:
    """Make a client whose callers take turns where there are more of them than connections."""
    settings: dict[str, Any] = {
        "protocol": 2,
        "decode_responses": True,
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": None,
        "socket_connect_timeout": None,
        "max_connections": connections,
        "timeout": None,
    }
    if place.url is None:
        settings |= {"connection_class": UnixDomainSocketConnection, "path": str(place.socket)}
        return Redis.from_pool(BlockingConnectionPool(**settings))
    try:
        return Redis.from_pool(BlockingConnectionPool.from_url(place.url, **settings))
    except ValueError as error:
        raise WrongServer(
            "REDIS_URL is no address of a Redis: write it like redis://:password@host:6379/0."
        ) from error


@cache
def _text(script: str) -> str:
    return files("bot.store").joinpath("scripts", f"{script}.lua").read_text(encoding="utf-8")
