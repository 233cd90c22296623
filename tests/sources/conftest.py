from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from bot.market.schedule import Schedule
from bot.sources.calendars import load_schedule
from bot.sources.yahoo import Access, YahooSource
from tests.fakes.yahoo import FakeYahoo, quote
from tests.sources.yahoo_stage import MADE, Clock, Make, Reports


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
async def fake() -> AsyncIterator[FakeYahoo]:
    async with FakeYahoo() as server:
        server.put(quote("HSTECH.HK", 4753.59, MADE, previous=4653.77, high=4760.0, low=4710.96))
        server.put(quote("1810.HK", 14.78, MADE, previous=14.2))
        yield server


@pytest.fixture
async def make(fake: FakeYahoo, clock: Clock, reports: Reports, tmp_path: Path) -> AsyncIterator[Make]:
    made: list[YahooSource] = []

    def source(
        budget: int = 100,
        deadline: float = 10.0,
        schedule: Schedule = Schedule({}),  # noqa: B008 - it is frozen
        cache: Path | None = None,
    ) -> YahooSource:
        access = Access(fake.url, budget, cache or tmp_path / "cache", deadline)
        made.append(YahooSource(access, schedule, clock, reports, random.Random(23)))
        return made[-1]

    yield source
    fake.calm()
    for each in made:
        await each.close()


@pytest.fixture
def yahoo(make: Make) -> YahooSource:
    """A source that knows no calendar."""
    return make()


@pytest.fixture(scope="session")
def hours() -> Schedule:
    """The real calendars of a few exchanges around the spring of 2022."""
    return load_schedule(("XHKG", "XNYS", "XETR"), date(2021, 12, 1), date(2022, 4, 30))


@pytest.fixture
def knowing(make: Make, hours: Schedule) -> YahooSource:
    """A source that knows the calendars."""
    return make(schedule=hours)
