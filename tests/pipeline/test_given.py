"""What holders are given and the source does not know of; and ranges that are still yesterday's."""

from __future__ import annotations

from dataclasses import replace

from bot.alerts.alert import Move
from bot.market.actions import Action
from bot.store import market as published
from bot.store.link import Link
from tests.pipeline.scripted import TODAY, YESTERDAY, Charts, chart, quoted, steps, stock, world

XIAOMI = stock("1810.HK")


async def test_a_distribution_that_the_settings_tell_of_is_no_fall(link: Link) -> None:
    charts = Charts().put(chart("1810.HK", 15.0))
    given = Action(TODAY, "distribution", amount=0.9, note="spin-off")
    here = await world(link, charts, XIAOMI, given={"1810.HK": (given,)})
    assert await here.tick(quoted("1810.HK", 14.2, "10:00", 15.0)) == []
    (told,) = await here.tick(quoted("1810.HK", 14.8, "10:01", 15.0))
    assert isinstance(told.facts, Move)
    assert (told.facts.crossing.direction, told.facts.crossing.reference.value) == ("up", 14.1)
    assert (told.facts.given, told.facts.previous_close) == ((given,), 15.0)
    assert (await published.history(link, "1810.HK")).actions == (given,)


async def test_a_split_that_the_settings_tell_of_restates_what_the_source_still_has_in_old_shares(
    link: Link,
) -> None:
    charts = Charts().put(chart("1810.HK", 150.0))
    split = Action(TODAY, "split", factor=0.1)
    here = await world(link, charts, XIAOMI, given={"1810.HK": (split,)})
    assert await here.tick(quoted("1810.HK", 15.1, "10:00", 15.0)) == []
    assert steps(await here.tick(quoted("1810.HK", 15.7, "10:01", 15.0))) == [("1810.HK", (4,))]
    here = await here.again()
    assert (await published.history(link, "1810.HK")).bars[-1].close == 15.0


async def test_yesterdays_range_tells_nothing_at_the_open(link: Link) -> None:
    whole = chart("1810.HK", 15.0)
    (*before, last) = whole.bars
    wide = replace(last, high=15.9, low=14.3)
    here = await world(link, Charts().put(replace(whole, bars=(*before, wide))), XIAOMI)
    assert wide.session == YESTERDAY
    assert await here.tick(quoted("1810.HK", 15.1, "09:31", 15.0, reach=(14.3, 15.9))) == []
    told = await here.tick(quoted("1810.HK", 15.2, "09:32", 15.0, reach=(15.1, 15.7)))
    assert [
        (each.facts.crossing.price, each.facts.crossing.steps)
        for each in told
        if isinstance(each.facts, Move)
    ] == [(15.7, (4,))]
