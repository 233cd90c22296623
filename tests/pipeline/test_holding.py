"""What is watched is held back unless it is true."""

from __future__ import annotations

from datetime import date

import pytest

from bot.chat.stored import StoredMarket
from bot.market.actions import Action
from bot.market.catalogue import Catalogue
from bot.market.quote import Quote
from bot.messages.answers import quote_message
from bot.messages.blocks import plain
from bot.rules.conditions import Rule
from bot.rules.grammar import parse
from bot.store import alerts as stored
from bot.store import market as published
from bot.store.link import Link
from tests.cast import NOW
from tests.pipeline.scripted import (
    TODAY,
    TOMORROW,
    YESTERDAY,
    Charts,
    chart,
    moment,
    notes,
    quoted,
    steps,
    stock,
    world,
)

XIAOMI, TENCENT = stock("1810.HK"), stock("0700.HK")
SPLIT = Action(TODAY, "split", factor=0.1)
OFF_LOW = Rule(
    "off_low",
    parse("off low 10/20/30% reference close, trigger touch, window 52w, re-arm on new low"),
    frozenset({"1810.HK"}),
)
DAY = Rule("day", parse("±4/7/10%"), frozenset({"1810.HK"}))


async def test_a_leap_is_told_when_it_is_seen_again_with_what_made_us_wait(link: Link) -> None:
    here = await world(link, Charts().put(chart("1810.HK", 15.0)), XIAOMI)
    assert await here.tick(quoted("1810.HK", 19.05, "10:00", 15.0)) == []
    assert await published.quotes(link) == {}
    told = await here.tick(quoted("1810.HK", 19.1, "10:01", 15.0))
    assert steps(told) == [("1810.HK", (4, 7, 10))]
    assert notes(told) == ["held for 1 min: 27% in one look, and seen again"]
    assert here.watch.held == {"beyond belief": 1}
    assert await here.tick(quoted("1810.HK", 19.2, "10:02", 15.0)) == []
    assert here.held_back() == [("1810.HK", "beyond belief")]


async def test_a_leap_that_nobody_sees_again_is_dropped_and_counted(link: Link) -> None:
    here = await world(link, Charts().put(chart("1810.HK", 15.0)), XIAOMI)
    assert await here.tick(quoted("1810.HK", 15.1, "10:00", 15.0)) == []
    for clock, price in (("10:01", 19.5), ("10:02", 15.1), ("10:03", 15.2)):
        assert await here.tick(quoted("1810.HK", price, clock, 15.0)) == []
    assert here.watch.held == {"beyond belief": 1, "not seen again": 1}
    assert (await published.quotes(link))["1810.HK"].price == 15.2
    assert await stored.next_job(link) is None


async def test_the_spike_of_a_range_is_held_with_its_price(link: Link) -> None:
    here = await world(link, Charts().put(chart("1810.HK", 15.0)), XIAOMI)
    assert await here.tick(quoted("1810.HK", 15.1, "10:00", 15.0, reach=(15.0, 22.0))) == []
    assert await here.tick(quoted("1810.HK", 15.1, "10:01", 15.0, reach=(15.0, 15.2))) == []
    assert here.watch.held == {"beyond belief": 1, "not seen again": 1}


async def test_swapped_symbols_are_never_told_however_often_they_come(link: Link) -> None:
    charts = Charts().put(chart("1810.HK", 100.0), chart("0700.HK", 106.0))
    here = await world(link, charts, XIAOMI, TENCENT)
    for minute in range(25):
        clock = f"10:{minute:02}"
        ticked = await here.tick(
            quoted("1810.HK", 106.5, clock, 106.0), quoted("0700.HK", 100.5, clock, 100.0)
        )
        assert ticked == []
    assert here.watch.held == {"another previous close": 2}
    assert len(here.held_back()) == 2
    # asked for at the session's beginning, and every ten minutes
    assert charts.asked.count("1810.HK") == 3
    told = await here.tick(quoted("1810.HK", 100.5, "10:30", 100.0), quoted("0700.HK", 111.0, "10:30", 106.0))
    assert steps(told) == [("0700.HK", (4,))]


@pytest.mark.parametrize("previous", [1e-6, 0.0])
async def test_a_previous_close_near_zero_makes_no_move(link: Link, previous: float) -> None:
    here = await world(link, Charts().put(chart("1810.HK", 15.0)), XIAOMI)
    for clock in ("10:00", "10:01", "10:12"):
        assert await here.tick(quoted("1810.HK", 15.9, clock, previous)) == []
    assert here.watch.held == {"another previous close": 1}


def prior_day(price: float) -> Quote:
    return quoted("1810.HK", price, "15:59", 15.0, day=YESTERDAY)


async def test_a_price_of_the_day_before_is_dropped_whatever_it_says(link: Link) -> None:
    here = await world(link, Charts().put(chart("1810.HK", 15.0)), XIAOMI)
    await here.tick(quoted("1810.HK", 15.1, "10:00", 15.0))
    assert await here.tick(prior_day(18.0)) == []
    assert await here.tick(quoted("1810.HK", 18.0, "09:05", 15.0, day=TOMORROW)) == []
    assert here.watch.held == {"older than one seen": 1, "not of a session": 1}
    assert (await published.quotes(link))["1810.HK"].price == 15.1


async def test_an_old_price_of_an_open_session_is_not_told_as_if_it_were_fresh(link: Link) -> None:
    here = await world(link, Charts().put(chart("1810.HK", 15.0)), XIAOMI)
    stale = quoted("1810.HK", 16.0, "10:00", 15.0, received="10:26", delay=15)
    assert await here.tick(stale) == []
    assert await here.tick(quoted("1810.HK", 16.1, "11:50", 15.0, received="13:16", delay=15)) == []
    assert here.watch.held == {"stale": 1}
    late = quoted("1810.HK", 16.1, "11:50", 15.0, received="13:14", delay=15)
    assert steps(await here.tick(late)) == [("1810.HK", (4, 7))]


async def test_an_official_close_is_never_stale(link: Link) -> None:
    here = await world(link, Charts().put(chart("1810.HK", 15.0)), XIAOMI)
    close = quoted("1810.HK", 16.0, "16:08", 15.0, received="23:00", final=True)
    assert steps(await here.tick(close)) == [("1810.HK", (4,))]
    assert here.watch.held == {}


async def test_a_price_outside_of_its_own_range_waits_until_they_agree(link: Link) -> None:
    here = await world(link, Charts().put(chart("1810.HK", 15.0)), XIAOMI)
    assert await here.tick(quoted("1810.HK", 16.0, "10:00", 15.0, reach=(14.9, 15.2))) == []
    assert here.watch.held == {"outside its own range": 1}
    told = await here.tick(quoted("1810.HK", 16.0, "10:01", 15.0, reach=(14.9, 16.0)))
    assert steps(told) == [("1810.HK", (4,))]


async def test_a_split_that_the_quote_knows_before_the_chart_rings_nobody(link: Link) -> None:
    charts = Charts().put(chart("1810.HK", 150.0))
    here = await world(link, charts, XIAOMI)
    for minute in range(9):
        assert await here.tick(quoted("1810.HK", 15.1, f"10:0{minute}", 15.0)) == []
    charts.put(chart("1810.HK", 15.0, actions=(SPLIT,)))
    assert await here.tick(quoted("1810.HK", 15.1, "10:11", 15.0)) == []
    assert (await published.quotes(link))["1810.HK"].price == 15.1
    assert [each["factor"] for each in here.events("a split")] == [0.1]
    assert steps(await here.tick(quoted("1810.HK", 15.7, "10:12", 15.0))) == [("1810.HK", (4,))]


async def test_a_split_that_the_chart_knows_before_the_quote_rings_nobody(link: Link) -> None:
    here = await world(link, Charts().put(chart("1810.HK", 15.0, actions=(SPLIT,))), XIAOMI)
    for clock in ("10:00", "10:01", "10:12", "10:25"):
        assert await here.tick(quoted("1810.HK", 151.0, clock, 150.0)) == []
    assert here.watch.held == {"another previous close": 1}
    # the price is in new shares now, the previous close still in old ones
    assert await here.tick(quoted("1810.HK", 15.1, "10:30", 150.0)) == []
    assert (await published.quotes(link))["1810.HK"].price == 15.1
    assert steps(await here.tick(quoted("1810.HK", 15.7, "10:31", 15.0))) == [("1810.HK", (4,))]


async def test_a_split_that_nobody_knows_of_yet_waits_for_the_bars_to_tell(link: Link) -> None:
    charts = Charts().put(chart("1810.HK", 150.0))
    here = await world(link, charts, XIAOMI)
    for minute in range(10):
        assert await here.tick(quoted("1810.HK", 15.1, f"10:0{minute}", 150.0)) == []
    charts.put(chart("1810.HK", 15.0, actions=(SPLIT,)))
    for minute in range(10, 15):
        assert await here.tick(quoted("1810.HK", 15.1, f"10:{minute}", 15.0)) == []
    assert (await published.quotes(link))["1810.HK"].price == 15.1


@pytest.mark.parametrize(
    "price, note",
    [
        (85.0, "held for 10 min: 43% in one look, and seen again"),
        # One new share for each old one would look like this: the bars get half an hour to say so.
        (74.0, "held for 30 min: 51% in one look, and seen again"),
    ],
)
async def test_a_crash_as_deep_as_a_split_is_told_when_the_bars_know_of_none(
    link: Link, price: float, note: str
) -> None:
    here = await world(link, Charts().put(chart("1810.HK", 150.0)), XIAOMI)
    told = [each for minute in range(45) for each in await here.tick(
        quoted("1810.HK", price, f"10:{minute:02}", 150.0)
    )]  # fmt: skip
    assert steps(told) == [("1810.HK", (4, 7, 10))]
    assert notes(told) == [note]


async def test_a_distribution_explains_a_previous_close_without_it(link: Link) -> None:
    given = Action(TODAY, "distribution", amount=5.0)
    charts = Charts().put(chart("1810.HK", 100.0))
    here = await world(link, charts, XIAOMI)
    assert await here.tick(quoted("1810.HK", 95.5, "10:00", 95.0)) == []
    assert here.watch.held == {"another previous close": 1}
    charts.put(chart("1810.HK", 100.0, actions=(given,)))
    await here.tick(quoted("1810.HK", 95.5, "10:11", 95.0))
    assert (await published.quotes(link))["1810.HK"].price == 95.5


def fallen(close: float, low: float, *, actions: tuple[Action, ...] = (), last: date = YESTERDAY) -> Charts:
    """Return a chart whose low, long ago, was `low`."""
    series = chart("1810.HK", close, actions=actions, last=last)
    bars = list(series.bars)
    bars[30] = chart("1810.HK", low, last=bars[30].session, bars=1).bars[0]
    return Charts().put(type(series)("1810.HK", tuple(bars), actions=actions))


@pytest.mark.parametrize("quote_first", [True, False])
@pytest.mark.parametrize("killed", [True, False])
async def test_a_split_renames_the_ladder_and_what_was_told_stays_told(
    link: Link, quote_first: bool, killed: bool
) -> None:
    here = await world(link, fallen(150.0, 145.0, last=date(2024, 3, 4)), XIAOMI, when=(OFF_LOW, DAY))
    # told only by touch: the bars that a chart has of that day do not show it
    assert steps(await here.tick(quoted("1810.HK", 160.0, "10:00", 150.0, day=YESTERDAY))) == [
        ("1810.HK", (10,)),
        ("1810.HK", (4,)),
    ]
    await here.tick(quoted("1810.HK", 150.0, "16:08", 150.0, day=YESTERDAY, final=True))
    before = await stored.ladders(link, OFF_LOW.revision, "1810.HK")
    after = fallen(15.0, 14.5, actions=(SPLIT,)).held["1810.HK"]
    if killed:
        # killed right after the renaming: a worker that comes later finds it done
        (rung,) = before
        renamed = type(rung)(rung.revision, rung.symbol, rung.episode.replace("145.0", "14.5"), "up")
        assert [await stored.rename(link, {rung: renamed}) for _ in range(2)] == [1, 0]
        here = await here.again()
    if quote_first:
        assert await here.tick(quoted("1810.HK", 15.1, "09:31", 15.0)) == []
    here.charts.put(after)
    assert await here.tick(quoted("1810.HK", 15.2, "09:45", 15.0)) == []
    told = await stored.ladders(link, OFF_LOW.revision, "1810.HK")
    assert {(each.episode.split()[-1], step) for each, step in told.items()} == {("14.5", 10.0)}
    assert steps(await here.tick(quoted("1810.HK", 16.0, "10:00", 15.0))) == [("1810.HK", (4,))]
    again = await here.tick(quoted("1810.HK", 17.5, "10:01", 15.0))
    assert steps(again) == [("1810.HK", (20,)), ("1810.HK", (7, 10))]


async def test_what_is_held_is_looked_at_again_by_a_worker_that_takes_over(link: Link) -> None:
    here = await world(link, Charts().put(chart("1810.HK", 15.0)), XIAOMI)
    await here.tick(quoted("1810.HK", 19.05, "10:00", 15.0))
    here = await here.again()
    assert await here.tick(quoted("1810.HK", 19.05, "10:01", 15.0)) == []
    assert steps(await here.tick(quoted("1810.HK", 19.05, "10:02", 15.0))) == [("1810.HK", (4, 7, 10))]


async def test_yesterdays_session_is_recorded_and_no_price_of_it_is_stale(link: Link) -> None:
    here = await world(link, Charts().put(chart("1810.HK", 15.0, last=date(2024, 3, 4))), XIAOMI)
    old = quoted("1810.HK", 16.0, "15:30", 15.0, day=YESTERDAY)
    old = type(old)(
        **{**{name: getattr(old, name) for name in old.__slots__}, "received": moment(TODAY, "10:00")}
    )
    assert await here.tick(old) == []
    assert here.watch.held == {}
    assert [each["rule"] for each in here.events("crossed unseen")] == ["day"]


async def test_whoever_asks_is_told_that_a_newer_price_is_held_back(link: Link) -> None:
    here = await world(link, Charts().put(chart("1810.HK", 15.0)), XIAOMI)
    await here.tick(quoted("1810.HK", 15.1, "10:00", 15.0))
    await here.tick(quoted("1810.HK", 20.0, "10:01", 15.0))
    await published.publish_worker(link, published.Worker(NOW, NOW, 1, "Yahoo", waiting=here.watch.waiting))
    watched = Catalogue.of([XIAOMI])
    priced = await StoredMarket(link, watched, watched, lambda: NOW).quote("1810.HK")
    said = plain(quote_message(priced.card, priced.quote, priced.state, priced.beside))
    assert "HK$15.10" in said
    assert "Held back until it is borne out: HK$20.00 of 10:01 HKT (beyond belief: 32% in one look)" in said
    await here.tick(quoted("1810.HK", 20.0, "10:02", 15.0))
    assert here.watch.waiting == {}
