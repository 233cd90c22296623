"""Clients of whatever keeps our data: one server, the master that Sentinels name, or a Cluster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio import BlockingConnectionPool, Redis, UnixDomainSocketConnection
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from bot.errors import WrongServer
from bot.store.cluster import Cluster

_FORMS = (
    "redis://:password@host:6379/0, redis+cluster://host:7001,host:7002 "
    "or redis+sentinel://host:26379,host:26379/mymaster"
)
_SENTINEL_S = 1
# A pool of theirs refuses whoever finds none free, where a server's own lets him wait.
_NEVER_REACHED = 2000


@dataclass(frozen=True, slots=True)
class _Named:
    """An address of several hosts: what they are to us, who they are, and what follows."""

    kind: str
    hosts: tuple[tuple[str, int], ...]
    path: str
    login: dict[str, str]
    query: dict[str, str]
    secure: bool


class _Master(Redis):
    """A client of the master that Sentinels name, which closes what it asks them by."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:  # noqa: FBT001 - the library's own
        """Close its connections."""
        await super().aclose(close_connection_pool)
        pool: Any = self.connection_pool
        await pool.sentinel_manager.aclose()


def client_of(url: str | None, socket: Path | None, connections: int) -> Any:
    """Make a client for an address or a socket; its callers take turns where they are too many.

    It answers in text, waits for as long as it is let, and repeats nothing by itself: a repeat whose first
    try was applied would tell twice. Raises `WrongServer` for what is no address.
    """
    settings: dict[str, Any] = {
        "protocol": 2,
        "decode_responses": True,
        "retry": _never(),
        "socket_timeout": None,
        "socket_connect_timeout": None,
    }
    pooled = {**settings, "max_connections": connections, "timeout": None}
    if url is None:
        pooled |= {"connection_class": UnixDomainSocketConnection, "path": str(socket)}
        return Redis.from_pool(BlockingConnectionPool(**pooled))
    try:
        named = _named(url)
        if named is None:
            return Redis.from_pool(BlockingConnectionPool.from_url(url, **pooled))
        if named.kind == "cluster":
            return _cluster(named, settings)
        return _master(named, settings)
    except ValueError as error:
        raise WrongServer(f"REDIS_URL is no address of a Redis: write it like {_FORMS}.") from error


def _never() -> Retry:
    return Retry(NoBackoff(), 0)


def _named(url: str) -> _Named | None:
    """Read an address of several hosts; None for one of a single server, `ValueError` for neither."""
    scheme, _, kind = url.partition("://")[0].partition("+")
    if not kind:
        return None
    if scheme not in {"redis", "rediss"} or kind not in {"cluster", "sentinel"}:
        raise ValueError(kind)
    parts = urlsplit(url)
    who, _, hosts = parts.netloc.rpartition("@")
    user, _, password = who.partition(":")
    login = {"username": unquote(user), "password": unquote(password)}
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    usual = 26379 if kind == "sentinel" else 6379
    return _Named(
        kind,
        tuple(_host(each, usual) for each in hosts.split(",")),
        parts.path.strip("/"),
        {name: value for name, value in login.items() if value},
        query,
        scheme == "rediss",
    )


def _host(text: str, usual: int) -> tuple[str, int]:
    found = urlsplit(f"//{text}")
    if not found.hostname:
        raise ValueError(text)
    return found.hostname, found.port or usual


def _cluster(named: _Named, settings: dict[str, Any]) -> Cluster:
    if named.path not in {"", "0"}:
        raise ValueError(named.path)
    return Cluster(
        startup_nodes=[ClusterNode(*each) for each in named.hosts],
        **{**settings, **named.login, "ssl": named.secure, "max_connections": _NEVER_REACHED},
    )


def _master(named: _Named, settings: dict[str, Any]) -> Any:
    """Make a client of the master that Sentinels name, which is asked for anew at each connection.

    The Sentinels' own password may follow as `?sentinel_password=`. One that hangs is passed over.
    """
    service, _, number = named.path.partition("/")
    if not service:
        raise ValueError(named.path)
    passed = {"socket_timeout": _SENTINEL_S, "socket_connect_timeout": _SENTINEL_S, "retry": _never()}
    login = {
        name.removeprefix("sentinel_"): value
        for name, value in named.query.items()
        if name in {"sentinel_username", "sentinel_password"}
    }
    theirs = {"protocol": 2, "ssl": named.secure, **passed, **login}
    make: Any = Sentinel
    options = {"max_connections": _NEVER_REACHED, "ssl": named.secure, "db": int(number or 0), **named.login}
    return make(named.hosts, sentinel_kwargs=theirs, **settings).master_for(service, _Master, **options)
