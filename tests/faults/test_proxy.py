"""What stands between a process and the rest does what it is told, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from bot.errors import Away
from bot.store import lease
from bot.store.link import Link, Place, connect
from tests.faults.proxy import Commands, Exchange, Fate, Proxy, requests


@asynccontextmanager
async def through(proxy: Proxy) -> AsyncIterator[Link]:
    async with proxy:
        link = await connect(Place(url=f"redis://127.0.0.1:{proxy.port}/0"), "proxied")
        try:
            yield link
        finally:
            await link.close()


@pytest.fixture
def proxy(server: Place) -> Proxy:
    assert server.socket is not None
    return Proxy(server.socket, Commands())


async def test_what_passes_is_as_it_was_and_scripts_go_by_their_names(proxy: Proxy) -> None:
    async with through(proxy) as link:
        assert await lease.hold(link, "us", 0, 10**15) > 0
        await link.client.set("proxied:text", "a\r\nb")
        assert await link.client.get("proxied:text") == "a\r\nb"
    assert proxy.seen["lease"] >= 1
    assert (proxy.seen["set"], proxy.seen["get"]) == (1, 1)


async def test_what_is_unheard_is_not_done_and_what_is_unanswered_is(proxy: Proxy) -> None:
    fates = {"incr": Fate.UNHEARD, "incrby": Fate.UNANSWERED}
    async with through(proxy) as link:
        await link.client.delete("proxied:n", "proxied:m")
        proxy.judge = lambda exchange: fates.get(exchange[0].name, Fate.PASS)
        with pytest.raises(RedisConnectionError):
            await link.client.execute_command("INCR", "proxied:n")
        with pytest.raises(RedisConnectionError):
            await link.client.incrby("proxied:m", 1)
        assert await link.client.mget("proxied:n", "proxied:m") == [None, "1"]


async def test_whoever_judges_learns_of_everything_that_left_together(proxy: Proxy) -> None:
    judged: list[Exchange] = []

    def judge(exchange: Exchange) -> Fate:
        judged.append(list(exchange))
        return Fate.PASS

    async with through(proxy) as link:
        proxy.judge = judge
        async with link.client.pipeline(transaction=False) as pipe:
            pipe.get("telegram:7:8")
            pipe.hget("h", "telegram:77:-100")
            await pipe.execute()
    asked = [(each.name, each.chat) for each in judged[-1]]
    assert asked == [("get", "telegram:7:8"), ("hget", "telegram:77:-100")]


async def test_a_hanging_exchange_stays_open_and_a_closed_proxy_refuses(proxy: Proxy) -> None:
    async with through(proxy) as link:
        proxy.judge = lambda _exchange: Fate.HANGS
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await link.client.ping()
        proxy.judge = lambda _exchange: Fate.PASS
        await proxy.close()
        with pytest.raises(Away):
            await lease.hold(link, "us", 0, 1)


async def test_a_line_can_be_slow(proxy: Proxy) -> None:
    async with through(proxy) as link:
        await link.client.ping()
        proxy.delay = 0.1
        began = time.monotonic()
        await link.client.ping()
        assert time.monotonic() - began >= 0.1


def test_requests_are_known_by_the_end_of_their_path() -> None:
    asked = b"POST /bot123:AA/sendMessage HTTP/1.1\r\nHost: x\r\n\r\n"
    assert [each.name for each in requests(asked)] == ["sendMessage"]
    asked = b"GET /api/conversations.history?channel=C1 HTTP/1.1\r\n\r\n"
    assert [each.name for each in requests(asked)] == ["conversations.history"]
    assert requests(b"chat_id=1&text=hello") == []
