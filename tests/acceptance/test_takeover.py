"""Two workers on one Redis: no slot is done by both, and none is left undone."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.alerts.alert import Alert, Move
from bot.store import alerts as stored
from bot.store.link import Link, connect
from bot.store.server import embedded
from tests.acceptance.processes import Process, addresses, running, settings, until
from tests.acceptance.test_parts import ROUND_THE_CLOCK
from tests.fakes.yahoo import FakeYahoo, quote

LEASE_S = 2


@dataclass(slots=True)
class One:
    """A worker, and a Yahoo that only it asks."""

    yahoo: FakeYahoo
    process: Process

    @property
    def is_active(self) -> bool:
        return "the worker is active" in self.process.said

    @property
    def looks(self) -> int:
        return len(self.yahoo.asked("/v7/finance/quote"))


@dataclass(slots=True)
class Pair:
    """The worker that leads, the one that stands by, and what they keep."""

    leader: One
    standby: One
    link: Link

    def price(self, price: float, high: float) -> None:
        """Let Bitcoin be quoted at `price` now, with the session's high so far; its last close is 4,000."""
        for each in (self.leader, self.standby):
            put_price(each.yahoo, price, high)

    async def alerts(self) -> tuple[Alert, ...]:
        return await stored.recent(self.link, 10)


def put_price(yahoo: FakeYahoo, price: float, high: float) -> None:
    row = quote("BTC-USD", price, datetime.now(UTC), previous=4000.0, high=high, low=4000.0)
    yahoo.put({**row, "currency": "USD"})


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    today = datetime.now(UTC).date()
    days = [(today - timedelta(days=back), 4000.0) for back in (5, 4, 3, 2, 1)]
    async with AsyncExitStack() as stack:
        place = stack.enter_context(embedded(tmp_path / "redis"))
        environ = {"REDIS_URL": f"unix://{place.socket}", "XDG_DATA_HOME": str(tmp_path / "home")}
        made: list[One] = []
        for name in ("one", "other"):
            yahoo = await stack.enter_async_context(FakeYahoo())
            yahoo.put_history("BTC-USD", days, currency="USD")
            put_price(yahoo, 4000.0, 4000.0)
            folder = tmp_path / name
            await asyncio.to_thread(folder.mkdir)
            settings(
                folder,
                addresses(yahoo=yahoo.url),
                instruments=ROUND_THE_CLOCK,
                schedule="{quotes: 1, feeds: 60, patience: 600}",
                worker=f"{{lease: {LEASE_S}}}",
            )
            process = await stack.enter_async_context(running("worker", environ=environ, cwd=folder))
            made.append(One(yahoo, process))
        await until(lambda: any(each.is_active and each.looks > 1 for each in made))
        leader, standby = sorted(made, key=lambda each: not each.is_active)
        link = await connect(place, "live")
        stack.push_async_callback(link.close)
        yield Pair(leader, standby, link)


async def test_no_slot_is_done_by_both_and_what_nobody_saw_is_in_the_next_look(pair: Pair) -> None:
    first, second = pair.leader, pair.standby
    assert not second.is_active
    assert second.looks == 0
    # 1. The leader is held up for longer than its lease: when it wakes, the other looks, and it asks nothing.
    first.process.child.send_signal(signal.SIGSTOP)
    await until(lambda: second.is_active and second.looks > 1)
    pair.price(4170.0, high=4170.0)
    await until(lambda: _has(pair, 1))
    looked = first.looks
    first.process.child.send_signal(signal.SIGCONT)
    # It is told that it was fenced, or finds that an answer of Redis took too long.
    await until(lambda: re.search("the worker (stands by|waits)", first.process.said) is not None)
    before = second.looks
    await until(lambda: second.looks > before + 2)
    assert first.looks == looked
    # 2. The other is killed, and what comes and goes before the first one leads again is in its first look.
    second.process.kill()
    await second.process.ended()
    pair.price(4010.0, high=4450.0)
    await until(lambda: first.looks > looked)
    await until(lambda: _has(pair, 2))
    await asyncio.sleep(2.5)
    told = [each.facts.crossing for each in await pair.alerts() if isinstance(each.facts, Move)]
    assert [(each.step, each.last) for each in told if each.measure == "day change"] == [
        (4.0, 4170.0),
        (10.0, 4010.0),
    ]


async def _has(pair: Pair, number: int) -> bool:
    return len(await pair.alerts()) >= number
