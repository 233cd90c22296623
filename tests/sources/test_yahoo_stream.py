from __future__ import annotations

import asyncio
import base64
import json
import random
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.market.instrument import Instrument
from bot.market.ticks import Tick
from bot.sources.yahoo_breaker import Pace
from bot.sources.yahoo_stream import YahooStream, as_printed
from tests.fakes.yahoo_stream import FakeYahooStream, pricing
from tests.sources.yahoo_stage import Reports

HSTECH = Instrument("HSTECH", "index", "XHKG", "HKD", "HSTECH", sources={"yahoo": "HSTECH.HK"})
XIAOMI = Instrument("1810.HK", "stock", "XHKG", "HKD", "Xiaomi")
NOW = datetime(2022, 3, 23, 2, 0, tzinfo=UTC)
SOON = Pace(timedelta(0), timedelta(milliseconds=5), timedelta(milliseconds=5))
LONG = 30.0


@dataclass(slots=True)
class Handed:
    """The ticks that came, in order."""

    ticks: list[Tick] = field(default_factory=list)
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, tick: Tick) -> None:
        self.ticks.append(tick)
        self._came.set()

    async def first(self, count: int) -> list[Tick]:
        """Wait until so many have come in all."""
        async with asyncio.timeout(10):
            while len(self.ticks) < count:
                self._came.clear()
                await self._came.wait()
        return self.ticks


@dataclass(slots=True)
class Stage:
    """A stream of two instruments that is being followed."""

    server: FakeYahooStream
    stream: YahooStream
    reports: Reports
    handed: Handed
    following: asyncio.Task[None]


@pytest.fixture
async def server() -> AsyncIterator[FakeYahooStream]:
    async with FakeYahooStream() as fake:
        yield fake


Follow = Callable[..., Stage]


@pytest.fixture
async def follow(server: FakeYahooStream) -> AsyncIterator[Follow]:
    begun: list[asyncio.Task[None]] = []

    def started(silence: float = LONG, instruments: Sequence[Instrument] = (HSTECH, XIAOMI)) -> Stage:
        reports, handed = Reports(), Handed()
        stream = YahooStream(
            server.url, lambda: NOW, reports, silence=silence, again=SOON, chance=random.Random(1)
        )
        begun.append(asyncio.create_task(stream.follow(instruments, handed)))
        return Stage(server, stream, reports, handed, begun[-1])

    yield started
    for task in begun:
        task.cancel()
    await asyncio.gather(*begun, return_exceptions=True)


def whys(reports: Reports, event: str) -> list[object]:
    return [each["why"] for each in reports.told if each["event"] == event]


async def test_a_tick_is_told_under_our_own_symbol_and_as_the_decimal_it_was(follow: Follow) -> None:
    stage = follow()
    await stage.server.subscribed()
    assert set(stage.server.journal[0]) == {"HSTECH.HK", "1810.HK"}
    made = NOW - timedelta(milliseconds=1250)
    await stage.server.tell(
        pricing("HSTECH.HK", 4749.12, made, currency="HKD", day_high=4883.76, day_low=4710.96),
        pricing("1810.HK", 14.78, made, day_volume=123_456_789),
    )
    assert await stage.handed.first(2) == [
        Tick("HSTECH", 4749.12, made, NOW, "HKD", high=4883.76, low=4710.96),
        Tick("1810.HK", 14.78, made, NOW, volume=123_456_789.0),
    ]


@given(st.integers(1, 13_107_199))
def test_every_price_in_cents_comes_through_as_it_was(cents: int) -> None:
    price = cents / 100
    assert as_printed(struct.unpack("<f", struct.pack("<f", price))[0]) == price


@given(st.floats(width=32, min_value=2**-100, max_value=2**100))
def test_the_decimal_is_the_one_that_was_sent(sent: float) -> None:
    printed = as_printed(sent)
    assert printed is not None
    assert struct.pack("<f", printed) == struct.pack("<f", sent)
    # The library that reads messages may have found it already.
    assert as_printed(printed) == printed


@pytest.mark.parametrize(
    "frame, why",
    [
        (pricing("0700.HK", 389.0, NOW), "not asked for"),
        (pricing("1810.HK", float("nan"), NOW), "not a price"),
        (pricing("1810.HK", float("inf"), NOW), "not a price"),
        (pricing("1810.HK", 0.0, NOW), "not a price"),
        (pricing("1810.HK", -14.78, NOW), "not a price"),
        (pricing("1810.HK", 1e-44, NOW, time=0), "no market time"),
        (pricing("1810.HK", 14.78, NOW, time=-5), "no market time"),
        (pricing("1810.HK", 14.78, NOW, time=2**62), "no market time"),
        (pricing("1810.HK", 14.78, NOW + timedelta(hours=1)), "from the future"),
        (pricing("1810.HK", 14.78, NOW, currency="JPY"), "not in HKD"),
        (pricing("1810.HK", 14.78, NOW, market_hours=2), "outside regular trading"),
        (pricing("1810.HK", 745_321.5, NOW), "too large for the stream to tell its cents"),
        ("{", "not a message that we know"),
        ("[]", "not a message that we know"),
        ('{"type": "pricing"}', "not a message that we know"),
        ('{"message": 7}', "not a message that we know"),
        ('{"message": "!"}', "not a message that we know"),
        (
            json.dumps({"message": base64.b64encode(b"\xff" * 20).decode()}),
            "not a message that we know",
        ),
    ],
)
async def test_what_cannot_be_believed_is_dropped_counted_and_reported_once(
    follow: Follow, frame: str, why: str
) -> None:
    stage = follow()
    await stage.server.subscribed()
    await stage.server.tell(frame, frame, pricing("1810.HK", 14.8, NOW))
    assert [tick.price for tick in await stage.handed.first(1)] == [14.8]
    assert stage.stream.dropped == {why: 2}
    assert whys(stage.reports, "tick dropped") == [why]


@pytest.mark.parametrize("welcome", ["silent", "deaf", "no answer"])
async def test_a_connection_that_is_dead_from_the_start_is_replaced(
    server: FakeYahooStream, follow: Follow, welcome: str
) -> None:
    server.welcome = welcome  # type: ignore[assignment]
    stage = follow(silence=0.3)
    await server.until(lambda: server.met >= 1)
    server.welcome = "open"
    await server.until(lambda: server.met >= 2 and bool(server.journal))
    await server.until(lambda: server.open == 1)
    await server.tell(pricing("1810.HK", 14.78, NOW))
    assert [tick.price for tick in await stage.handed.first(1)] == [14.78]
    assert whys(stage.reports, "stream lost") == ["said nothing for 0.3 seconds"]
    assert stage.reports.told[-1]["event"] == "stream is back"


async def test_a_connection_that_falls_silent_is_replaced_and_ticks_flow_again(follow: Follow) -> None:
    stage = follow(silence=0.3)
    await stage.server.subscribed()
    await stage.server.tell(pricing("1810.HK", 14.78, NOW))
    await stage.handed.first(1)
    stage.server.fall_silent()
    await stage.server.subscribed(2)
    await stage.server.tell(pricing("1810.HK", 14.8, NOW))
    assert [tick.price for tick in await stage.handed.first(2)] == [14.78, 14.8]


async def test_a_stream_of_nothing_but_garbage_is_as_good_as_silence(follow: Follow) -> None:
    stage = follow(silence=0.3)
    await stage.server.subscribed()

    async def babble() -> None:
        while True:
            await stage.server.tell("{")
            await asyncio.sleep(0.02)

    babbling = asyncio.create_task(babble())
    await stage.server.subscribed(2)
    babbling.cancel()
    await asyncio.gather(babbling, return_exceptions=True)
    assert whys(stage.reports, "stream lost") == ["said nothing for 0.3 seconds"]


async def test_a_connection_that_is_closed_in_good_order_holds_nothing_else(follow: Follow) -> None:
    stage = follow()
    await stage.server.subscribed()
    await stage.server.close()
    await stage.server.subscribed(2)
    await stage.server.tell(pricing("1810.HK", 14.78, NOW))
    await stage.handed.first(1)
    assert whys(stage.reports, "stream lost") == ["ended its stream (ConnectionClosedOK)"]


async def test_a_refusal_is_waited_out_for_a_minute_at_least(server: FakeYahooStream, follow: Follow) -> None:
    server.welcome = "429"
    stage = follow()
    await server.until(lambda: server.met == 1)
    # After any other failure it waits five milliseconds at most.
    await asyncio.sleep(0.3)
    assert whys(stage.reports, "stream lost") == ["refuses its stream with status 429"]
    assert server.met == 1


def tasks() -> int:
    """Count the tasks that are not the server's."""
    return sum("/aiohttp/" not in repr(each) for each in asyncio.all_tasks())


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("ending", ["cut", "close"])
async def test_twenty_lost_connections_leave_no_task_and_no_socket_behind(
    follow: Follow, ending: str
) -> None:
    stage = follow()
    server = stage.server
    held: list[int] = []
    files: list[int] = []
    for count in range(1, 21):
        await server.subscribed(count)
        await server.until(lambda: server.open == 1)
        await server.tell(pricing("1810.HK", count, NOW))
        await stage.handed.first(count)
        held.append(tasks())
        files.append(open_files())
        await getattr(server, ending)()
    assert [tick.price for tick in stage.handed.ticks] == [float(count) for count in range(1, 21)]
    assert (max(held), max(files)) == (held[0], files[0])
    stage.following.cancel()
    await asyncio.gather(stage.following, return_exceptions=True)
    await server.until(lambda: server.open == 0)


@pytest.mark.parametrize("welcome", ["open", "silent", "deaf", "no answer", "429"])
async def test_a_cancellation_ends_it_within_a_second_and_hangs_up(
    server: FakeYahooStream, follow: Follow, welcome: str
) -> None:
    before = tasks()
    server.welcome = welcome  # type: ignore[assignment]
    stage = follow()
    await server.until(lambda: server.met >= 1)
    if welcome in {"open", "silent"}:
        await server.subscribed()
    stage.following.cancel()
    async with asyncio.timeout(1):
        with pytest.raises(asyncio.CancelledError):
            await stage.following
    async with asyncio.timeout(1):
        await server.until(lambda: server.open == 0)
    await asyncio.sleep(0)
    assert tasks() == before


async def test_a_flood_gives_way_to_everything_else(follow: Follow) -> None:
    stage = follow()
    await stage.server.subscribed()
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    others = asyncio.create_task(take_turns())
    await stage.server.tell(*[pricing("1810.HK", 14.78, NOW)] * 2000)
    await stage.handed.first(2000)
    others.cancel()
    assert turns >= 2000
