"""What a call that hangs costs: its deadline, two threads at most, and nothing of the loop."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from bot.errors import Away
from bot.sources.yahoo import YahooSource
from tests.fakes.yahoo import FakeYahoo
from tests.sources.yahoo_stage import BEFORE_NOW, XIAOMI, Clock, Make


def ours(before: set[threading.Thread]) -> int:
    return len(set(threading.enumerate()) - before)


async def _at_most_two(before: set[threading.Thread]) -> None:
    while True:
        assert ours(before) <= 2
        await asyncio.sleep(0.001)


async def _gone(before: set[threading.Thread]) -> None:
    async with asyncio.timeout(5):
        while ours(before):  # noqa: ASYNC110 - what is awaited happens in a thread
            await asyncio.sleep(0.005)


async def test_calls_that_hang_are_left_behind_and_two_threads_are_all_there_ever_are(
    fake: FakeYahoo, make: Make, clock: Clock
) -> None:
    before = set(threading.enumerate())
    source = make(deadline=0.3)
    await source.quotes([XIAOMI])
    counting = asyncio.create_task(_at_most_two(before))
    fake.trouble("quote", "hang", times=2)
    for _ in range(2):
        with pytest.raises(Away, match="did not answer in time"):
            await source.quotes([XIAOMI])
        clock.go_on(minutes=6)
    # Two are left behind, so nobody waits a third time, though Yahoo is well again.
    asked = len(fake.journal)
    for asking in (lambda: source.quotes([XIAOMI]), lambda: source.history(XIAOMI, BEFORE_NOW)):
        with pytest.raises(Away, match="left 2 requests hanging"):
            await asking()
    assert (len(fake.journal), ours(before)) == (asked, 2)
    fake.calm()
    clock.go_on(minutes=6)
    await _gone(before)
    assert len(await source.quotes([XIAOMI])) == 1
    assert ours(before) == 1
    await source.close()
    await _gone(before)
    counting.cancel()
    with suppress(asyncio.CancelledError):
        await counting


async def test_while_a_call_hangs_the_loop_goes_on(fake: FakeYahoo, make: Make) -> None:
    """The call waits for this loop to answer it, so a held loop would let it wait for ever."""
    source = make()
    await source.quotes([XIAOMI])
    fake.trouble("quote", "hang", times=1)
    asked = len(fake.journal)
    hanging = asyncio.create_task(source.quotes([XIAOMI]))
    async with aiohttp.ClientSession() as other, asyncio.timeout(5):
        while len(fake.journal) == asked:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.001)
        for _ in range(20):
            async with other.get(fake.url.replace("yahoo.localhost", "127.0.0.1") + "/a/b") as answer:
                assert answer.status == 404
    assert not hanging.done()
    fake.calm()
    with pytest.raises(Away, match="error 503"):
        await hanging


async def test_a_new_cookie_needs_no_new_thread(fake: FakeYahoo, yahoo: YahooSource) -> None:
    before = set(threading.enumerate())
    await yahoo.quotes([XIAOMI])
    (thread,) = set(threading.enumerate()) - before
    fake.void_cookie()
    assert await yahoo.quotes([XIAOMI])
    assert set(threading.enumerate()) - before == {thread}


async def test_a_call_that_hung_sends_nothing_more_when_it_comes_back(
    fake: FakeYahoo, make: Make, clock: Clock
) -> None:
    before = set(threading.enumerate())
    source = make(deadline=0.3)
    await source.quotes([XIAOMI])
    fake.trouble("crumb", "hang", times=1)
    fake.void_crumb()
    with pytest.raises(Away, match="did not answer in time"):
        await source.quotes([XIAOMI])
    asked = len(fake.journal)
    fake.calm()
    await _gone(before)
    assert len(fake.journal) == asked


async def test_a_source_that_was_never_asked_is_closed_without_a_thread(make: Make, tmp_path: Path) -> None:
    before = set(threading.enumerate())
    await make(cache=tmp_path / "never").close()
    assert ours(before) == 0
    assert not (tmp_path / "never").exists()
