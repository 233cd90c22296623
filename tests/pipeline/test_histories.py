"""A history of our own: kept at every official close, asked for seldom, and whole."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta

from bot.market.actions import Action
from bot.market.bars import Series
from bot.market.instrument import Instrument
from bot.messages.blocks import plain
from bot.messages.compose import compose
from bot.store import market as published
from bot.store.link import Link
from tests.pipeline.scripted import (
    DAYS,
    TODAY,
    TOMORROW,
    YESTERDAY,
    Charts,
    bar,
    chart,
    quoted,
    steps,
    stock,
    world,
)

XIAOMI, TENCENT, HSI = stock("1810.HK"), stock("0700.HK"), stock("^HSI", "index")
FUND = "3033.HK"
HSTECH = stock("HSTECH", "index", tracked_by=(FUND, "3067.HK"))
GAP = date(2024, 2, 14)


def lacking(series: Series, *days: date) -> Series:
    return replace(series, bars=tuple(each for each in series.bars if each.session not in days))


async def test_an_official_close_is_kept_at_once_and_the_next_session_asks_for_nothing(link: Link) -> None:
    charts = Charts().put(chart("1810.HK", 15.0))
    here = await world(link, charts, XIAOMI)
    close = quoted("1810.HK", 15.1, "16:08", 15.0, reach=(14.9, 15.2), final=True)
    await here.tick(close)
    assert (await published.history(link, "1810.HK")).bars[-1] == close.bar
    asked = len(charts.asked)
    told = await here.tick(quoted("1810.HK", 15.8, "09:31", 15.1, day=TOMORROW))
    assert steps(told) == [("1810.HK", (4,))]
    # a move of that size may have been given to holders, which only the chart can tell
    assert len(charts.asked) == asked + 1
    here = await here.again()
    await here.tick(quoted("1810.HK", 15.1, "16:08", 15.1, day=TOMORROW, final=True))
    asked = len(charts.asked)
    await here.tick(quoted("1810.HK", 15.2, "09:31", 15.1, day=TOMORROW + timedelta(days=1)))
    assert len(charts.asked) == asked


async def test_five_hundred_instruments_that_enter_a_session_ask_for_a_few_charts_a_tick(link: Link) -> None:
    symbols = [f"{number:04}.HK" for number in range(1, 501)]
    charts = Charts().put(*(chart(each, 10.0, bars=3) for each in symbols))
    here = await world(link, charts, *(stock(each) for each in symbols))
    told: list[str] = []
    ticks = 0
    while len(await published.quotes(link)) < len(symbols):
        asked = len(charts.asked)
        clock = f"10:{ticks:02}"
        told += [symbol for symbol, _ in steps(
            await here.tick(*(quoted(each, 10.5, clock, 10.0) for each in symbols))
        )]  # fmt: skip
        assert len(charts.asked) - asked <= 40
        ticks += 1
    assert sorted(told) == symbols
    assert ticks == 13
    await here.tick(*(quoted(each, 10.5, "16:08", 10.0, final=True) for each in symbols))
    asked = len(charts.asked)
    await here.tick(*(quoted(each, 10.6, "09:31", 10.5, day=TOMORROW) for each in symbols))
    assert len(charts.asked) == asked


async def test_what_has_its_bars_is_told_while_others_wait_for_theirs(link: Link) -> None:
    asking, answer = asyncio.Event(), asyncio.Event()

    class Slow(Charts):
        async def history(self, instrument: Instrument, until: date) -> Series:
            if instrument.symbol == "0700.HK":
                asking.set()
                await answer.wait()
            return await Charts.history(self, instrument, until)

    charts = Slow().put(chart("1810.HK", 15.0), chart("0700.HK", 300.0))
    here = await world(link, charts, XIAOMI, TENCENT)
    await here.tick(quoted("1810.HK", 15.1, "10:00", 15.0))
    tick = asyncio.create_task(
        here.tick(quoted("0700.HK", 315.0, "10:01", 300.0), quoted("1810.HK", 15.7, "10:01", 15.0))
    )
    await asking.wait()
    assert (await published.quotes(link))["1810.HK"].price == 15.7
    answer.set()
    assert steps(await tick) == [("1810.HK", (4,)), ("0700.HK", (4,))]


async def test_a_gap_is_filled_when_the_source_has_its_bar(link: Link) -> None:
    whole = chart("1810.HK", 15.0)
    await published.publish_history(link, lacking(whole, GAP))
    here = await world(link, Charts().put(whole), XIAOMI)
    await here.tick(quoted("1810.HK", 15.1, "10:00", 15.0))
    assert (await published.history(link, "1810.HK")).bars == whole.bars
    assert here.charts.asked == ["1810.HK"]


async def test_a_session_that_the_source_lacks_even_when_asked_again_is_untraded(link: Link) -> None:
    charts = Charts().put(lacking(chart("1810.HK", 15.0), GAP), lacking(chart("^HSI", 17000.0), GAP))
    here = await world(link, charts, XIAOMI, HSI)
    for minute in range(4):
        clock = f"10:0{minute}"
        await here.tick(quoted("1810.HK", 15.1, clock, 15.0), quoted("^HSI", 17010.0, clock, 17000.0))
    assert (await published.history(link, "1810.HK")).untraded == (GAP,)
    # an index is calculated whenever its market trades
    assert (await published.history(link, "^HSI")).untraded == ()
    # once to enter the session, once for the gap, and no more
    assert sorted(charts.asked) == ["1810.HK", "1810.HK", "^HSI", "^HSI"]


async def test_what_lies_beyond_the_reach_of_the_source_stays_a_gap(link: Link) -> None:
    whole = chart("1810.HK", 15.0)
    await published.publish_history(link, replace(whole, bars=(*whole.bars[:5], *whole.bars[-20:-2])))
    charts = Charts().put(replace(whole, bars=(*whole.bars[-20:-2], whole.bars[-1])))
    here = await world(link, charts, XIAOMI)
    for clock in ("10:00", "10:01", "10:02"):
        await here.tick(quoted("1810.HK", 15.1, clock, 15.0))
    assert (await published.history(link, "1810.HK")).untraded == (whole.bars[-2].session,)
    assert len(charts.asked) == 2


async def test_a_bar_that_comes_late_is_no_longer_untraded(link: Link) -> None:
    whole = chart("1810.HK", 15.0)
    await published.publish_history(link, replace(lacking(whole, GAP), untraded=(GAP,)))
    here = await world(link, Charts().put(whole), XIAOMI)
    await here.tick(quoted("1810.HK", 15.1, "10:00", 15.0))
    kept = await published.history(link, "1810.HK")
    assert kept.untraded == ()
    assert kept.bars == whole.bars


async def test_after_a_suspension_its_sessions_are_known_as_untraded(link: Link) -> None:
    here = await world(link, Charts().put(chart("1810.HK", 15.0, last=date(2024, 2, 29))), XIAOMI)
    told = await here.tick(quoted("1810.HK", 15.8, "10:00", 15.0))
    between = (date(2024, 3, 1), date(2024, 3, 4), date(2024, 3, 5))
    assert (await published.history(link, "1810.HK")).untraded == between
    assert steps(told) == [("1810.HK", (4,))]


async def test_a_missing_bar_of_yesterday_is_no_suspension(link: Link) -> None:
    here = await world(link, Charts().put(chart("1810.HK", 15.0, last=date(2024, 3, 4))), XIAOMI)
    assert await here.tick(quoted("1810.HK", 16.0, "10:00", 15.3)) == []
    assert (await published.history(link, "1810.HK")).untraded == ()
    assert [each["rule"] for each in here.events("not compared")] == ["day"]


async def test_bars_are_compared_with_the_sources_once_a_week(link: Link) -> None:
    charts = Charts().put(chart("1810.HK", 15.0))
    here = await world(link, charts, XIAOMI)
    days = [day for day in DAYS if TODAY <= day <= TODAY + timedelta(days=14)]
    for day in days:
        here = await here.again()
        await here.tick(quoted("1810.HK", 15.0, "10:00", 15.0, day=day))
        await here.tick(quoted("1810.HK", 15.0, "16:08", 15.0, day=day, final=True))
    assert len(charts.asked) == 3
    assert len((await published.history(link, "1810.HK")).bars) == len(
        [day for day in DAYS if day <= days[-1]]
    )


async def test_a_chart_in_other_shares_that_no_split_explains_is_refused(link: Link) -> None:
    await published.publish_history(link, chart("1810.HK", 150.0, last=date(2024, 3, 4)))
    here = await world(link, Charts().put(chart("1810.HK", 15.0)), XIAOMI)
    for clock in ("10:00", "10:01", "10:12"):
        assert await here.tick(quoted("1810.HK", 15.1, clock, 15.0)) == []
    assert {each.close for each in (await published.history(link, "1810.HK")).bars} == {150.0, 151.5}
    assert {each["event"] for each in here.reports} >= {"history at another level"}


async def test_a_split_restates_the_bars_that_go_back_further_than_the_chart(link: Link) -> None:
    split = Action(YESTERDAY, "split", factor=0.1)
    await published.publish_history(link, chart("1810.HK", 150.0, last=date(2024, 3, 4)))
    here = await world(link, Charts().put(chart("1810.HK", 15.0, bars=5, actions=(split,))), XIAOMI)
    await here.tick(quoted("1810.HK", 15.1, "10:00", 15.0))
    kept = await published.history(link, "1810.HK")
    assert len(kept.bars) > 60
    assert {round(each.close, 6) for each in kept.bars} == {15.0, 15.15}


async def test_a_fund_stands_in_for_an_index_that_has_one_day_of_history(link: Link) -> None:
    charts = Charts().put(chart("HSTECH", 3400.0, bars=1), chart(FUND, 3.4))
    here = await world(link, charts, HSTECH)
    await here.tick(quoted("HSTECH", 3410.0, "10:00", 3400.0))
    kept = await published.history(link, "HSTECH")
    assert (kept.stand_in, len(kept.bars)) == (FUND, 68)
    assert [each.adjusted for each in kept.bars] == [True] * 67 + [False]
    assert abs(kept.bars[-2].close - 3434.0) < 1e-6


async def test_an_index_keeps_its_own_closes_in_place_of_the_funds(link: Link) -> None:
    charts = Charts().put(chart("HSTECH", 3400.0, bars=1), chart(FUND, 3.4))
    here = await world(link, charts, HSTECH)
    await here.tick(quoted("HSTECH", 3410.0, "16:08", 3400.0, final=True))
    told = await here.tick(quoted("HSTECH", 3600.0, "09:31", 3410.0, day=TOMORROW))
    assert steps(told) == [("HSTECH", (4,))]
    assert f"by {FUND}, its tracking fund, rescaled" in plain(compose(told))
    kept = await published.history(link, "HSTECH")
    assert [each.adjusted for each in kept.bars[-3:]] == [True, False, False]


async def test_a_fund_that_parts_from_its_index_stands_in_for_nothing(link: Link) -> None:
    index = chart("HSTECH", 3400.0, bars=5)
    parted = chart(FUND, 3.4)
    parted = replace(parted, bars=(*parted.bars[:-1], bar(YESTERDAY, 3.3)))
    here = await world(link, Charts().put(index, parted), HSTECH)
    await here.tick(quoted("HSTECH", 3410.0, "10:00", 3400.0))
    kept = await published.history(link, "HSTECH")
    assert (kept.stand_in, kept.bars) == ("", index.bars)
    assert [each["fund"] for each in here.events("a fund does not track")] == [FUND]


async def test_however_often_it_looks_no_more_charts_are_asked_for_in_a_minute(link: Link) -> None:
    symbols = [f"{number:04}.HK" for number in range(1, 31)]
    charts = Charts().put(*(chart(each, 10.0, bars=3) for each in symbols))
    here = await world(link, charts, *(stock(each) for each in symbols), asking=10)
    for second in range(10, 50, 4):
        await here.tick(*(quoted(each, 10.0, f"10:00:{second}", 10.0) for each in symbols))
    assert len(charts.asked) == 10
    await here.tick(*(quoted(each, 10.0, "10:01:10", 10.0) for each in symbols))
    assert len(charts.asked) == 20
