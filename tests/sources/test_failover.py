"""Yahoo with Eastmoney behind it, both on loopback, through their real clients."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bot.errors import Away
from bot.market.bars import Bar
from bot.market.instrument import Instrument, bare_instrument
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from bot.sources.eastmoney import EastmoneyAccess, EastmoneySource
from bot.sources.failover import Failover
from bot.sources.yahoo import Access, YahooSource
from tests.fakes import eastmoney, yahoo
from tests.fakes.eastmoney import FakeEastmoney
from tests.fakes.yahoo import FakeYahoo

HSTECH = Instrument("HSTECH", "index", "XHKG", "HKD", "HSTECH", sources={"yahoo": "HSTECH.HK"})
XIAOMI = bare_instrument("1810.HK")
ALIBABA = bare_instrument("BABA")
WATCHED = (HSTECH, XIAOMI, ALIBABA)
# Ten past eleven in Hong Kong.
NOW = datetime(2022, 3, 23, 3, 10, tzinfo=UTC)
DAY = date(2022, 3, 23)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, **lapse: float) -> None:
        self.now += timedelta(**lapse)

    @property
    def made(self) -> datetime:
        return self.now - timedelta(minutes=15)


@dataclass
class Reports:
    told: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def __call__(self, event: str, **facts: object) -> None:
        self.told.append((event, facts))

    def of(self, event: str) -> list[dict[str, object]]:
        return [facts for said, facts in self.told if said == event]


class Stage:
    """The two servers and what stands before them."""

    def __init__(self, first: FakeYahoo, second: FakeEastmoney, cache: Path) -> None:
        self.first = first
        self.second = second
        self.clock = Clock()
        self.reports = Reports()
        self.source = Failover(
            YahooSource(
                Access(first.url, 100, cache), Schedule({}), self.clock, self.reports, random.Random(23)
            ),
            EastmoneySource(
                EastmoneyAccess(second.url, 100, deadline=0.5),
                Schedule({}),
                self.clock,
                self.reports,
                random.Random(23),
            ),
            self.clock,
            self.reports,
        )

    def yahoo_says(self, symbol: str, price: float, previous: float) -> None:
        self.first.put(yahoo.quote(symbol, price, self.clock.made, previous=previous))

    def eastmoney_says(self, quote_id: str, price: float, previous: float) -> None:
        self.second.put(eastmoney.row(quote_id, price, self.clock.made, previous=previous))

    def both_say_the_same(self) -> None:
        self.yahoo_says("HSTECH.HK", 4749.12, 4653.77)
        self.yahoo_says("1810.HK", 14.78, 14.2)
        self.yahoo_says("BABA", 114.0, 113.0)
        self.eastmoney_says("124.HSTECH", 4750.0, 4653.77)
        self.eastmoney_says("116.01810", 14.78, 14.2)

    async def look(self) -> dict[str, Quote]:
        return {each.symbol: each for each in await self.source.quotes(WATCHED)}

    async def sources(self) -> dict[str, str]:
        return {symbol: each.source for symbol, each in (await self.look()).items()}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with FakeYahoo() as first, FakeEastmoney() as second:
        made = Stage(first, second, tmp_path / "cache")
        made.both_say_the_same()
        yield made
        first.calm()
        second.let_go()
        await made.source.close()


BOTH = {"HSTECH": "Yahoo", "1810.HK": "Yahoo", "BABA": "Yahoo"}


async def test_while_the_first_is_away_the_second_answers_for_what_it_can_and_each_change_is_said_once(
    stage: Stage,
) -> None:
    assert await stage.sources() == BOTH
    stage.first.trouble("quote", "429")
    for _ in range(2):
        stage.clock.go_on(minutes=1)
        assert await stage.sources() == {"HSTECH": "Eastmoney", "1810.HK": "Eastmoney"}
        assert stage.source.name == "Eastmoney"
    stage.first.calm()
    stage.clock.go_on(minutes=15)
    stage.both_say_the_same()
    assert await stage.sources() == BOTH
    assert stage.source.name == "Yahoo"
    gone, back = stage.reports.of("another source answers")
    assert gone["source"] == "Eastmoney"
    assert str(gone["why"]).startswith("Yahoo limits our requests; we ask again in")
    assert back == {"source": "Yahoo", "why": "it is back"}


async def test_when_neither_answers_both_are_named(stage: Stage) -> None:
    stage.first.trouble("quote", "503")
    stage.second.fault = "502"
    with pytest.raises(Away, match=r"^Yahoo answers with error 503; .*\. Eastmoney answers with error 502; "):
        await stage.look()


async def test_where_the_second_knows_nothing_the_first_stays_away(stage: Stage) -> None:
    stage.first.trouble("quote", "503")
    with pytest.raises(Away, match=r"^Yahoo answers with error 503; we ask again in [^.]*\.$"):
        await stage.source.quotes([ALIBABA])


async def test_what_the_first_leaves_out_the_second_answers_for(stage: Stage) -> None:
    del stage.first.quotes["HSTECH.HK"]
    for _ in range(2):
        assert await stage.sources() == BOTH | {"HSTECH": "Eastmoney"}
    assert stage.source.name == "Yahoo"
    stage.both_say_the_same()
    assert await stage.sources() == BOTH
    assert stage.reports.of("another source answers") == [
        {"source": "Eastmoney", "symbol": "HSTECH"},
        {"source": "Yahoo", "symbol": "HSTECH"},
    ]


async def test_a_print_that_cannot_be_true_is_answered_for_by_the_second(stage: Stage) -> None:
    stage.first.put(yahoo.quote("1810.HK", 147.8, stage.clock.made, previous=14.2, opened=14.3))
    quotes = await stage.look()
    assert (quotes["1810.HK"].price, quotes["1810.HK"].source) == (14.78, "Eastmoney")


async def test_an_index_is_compared_each_quarter_of_an_hour_and_a_quiet_share_never(stage: Stage) -> None:
    asked = []
    for _ in range(31):
        await stage.look()
        asked.append(len(stage.second.journal))
        stage.clock.go_on(minutes=1)
        stage.both_say_the_same()
    assert asked == [1] * 15 + [2] * 15 + [3]
    assert {each.ids for each in stage.second.journal} == {("124.HSTECH",)}


async def test_a_contradiction_is_left_out_and_told_once_with_both_figures_until_they_agree(
    stage: Stage,
) -> None:
    stage.eastmoney_says("124.HSTECH", 4653.77, 4653.77)
    for _ in range(3):
        assert set(await stage.look()) == {"1810.HK", "BABA"}
        stage.clock.go_on(minutes=1)
        stage.both_say_the_same()
        stage.eastmoney_says("124.HSTECH", 4653.77, 4653.77)
    assert stage.source.contradictions == {"HSTECH": 3}
    assert stage.reports.of("the sources contradict each other") == [
        {"symbol": "HSTECH", "said": "Yahoo says 4,749.12, Eastmoney 4,653.77", "times": 1}
    ]
    stage.both_say_the_same()
    assert await stage.sources() == BOTH
    assert stage.reports.of("the sources agree again") == [{"symbol": "HSTECH"}]


async def test_a_big_move_is_told_when_the_second_saw_it_too_and_is_not_asked_about_twice(
    stage: Stage,
) -> None:
    await stage.look()
    stage.yahoo_says("1810.HK", 15.2, 14.2)
    assert set(await stage.look()) == {"HSTECH", "BABA"}
    stage.eastmoney_says("116.01810", 15.22, 14.2)
    assert (await stage.look())["1810.HK"].price == 15.2
    asked = len(stage.second.journal)
    assert (await stage.look())["1810.HK"].price == 15.2
    assert len(stage.second.journal) == asked


async def test_where_the_second_cannot_be_heard_the_first_is_believed(stage: Stage) -> None:
    stage.second.fault = "502"
    stage.yahoo_says("1810.HK", 15.2, 14.2)
    assert (await stage.look())["1810.HK"].price == 15.2


async def test_a_contradiction_that_nobody_repeats_is_over_after_a_quarter_of_an_hour(stage: Stage) -> None:
    stage.eastmoney_says("124.HSTECH", 4653.77, 4653.77)
    assert "HSTECH" not in await stage.look()
    stage.second.fault = "502"
    stage.clock.go_on(minutes=14)
    assert "HSTECH" not in await stage.look()
    stage.clock.go_on(minutes=1)
    assert "HSTECH" in await stage.look()


async def test_a_second_that_hangs_holds_neither_the_loop_nor_the_first_beyond_its_deadline(
    stage: Stage,
) -> None:
    await stage.look()
    stage.second.fault = "hang"
    stage.clock.go_on(minutes=15)
    stage.both_say_the_same()
    stage.second.asked.clear()
    looking = asyncio.create_task(stage.sources())
    # The server runs in this loop, so the loop goes on while the request hangs.
    await asyncio.wait_for(stage.second.asked.wait(), 10)
    assert not looking.done()
    assert await asyncio.wait_for(looking, 10) == BOTH
    # It is not asked again for a while, so the next look waits for nobody.
    asked = len(stage.second.journal)
    assert await stage.sources() == BOTH
    assert len(stage.second.journal) == asked


async def test_bars_are_the_firsts_where_it_has_them_and_the_seconds_where_it_has_hardly_any(
    stage: Stage,
) -> None:
    days = [date(2022, 2, day) for day in range(1, 26)]
    stage.first.put_history("HSTECH.HK", [(days[-1], 5500.0)], currency="HKD")
    stage.second.put_bars("124.HSTECH", [Bar(day, 5500.0 + day.day) for day in days])
    assert (await stage.source.history(HSTECH, DAY)).sessions == tuple(days)
    stage.first.put_history("HSTECH.HK", [(day, 5400.0) for day in days], currency="HKD")
    assert {each.close for each in (await stage.source.history(HSTECH, DAY)).bars} == {5400.0}


async def test_while_the_first_is_away_an_index_has_the_seconds_bars_and_a_share_none(stage: Stage) -> None:
    stage.second.put_bars("124.HSTECH", [Bar(date(2022, 3, 22), 4653.77)])
    stage.first.trouble("chart", "503")
    assert (await stage.source.history(HSTECH, DAY)).sessions == (date(2022, 3, 22),)
    with pytest.raises(Away, match=r"^Yahoo "):
        await stage.source.history(XIAOMI, DAY)
