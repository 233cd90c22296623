"""What Yahoo is asked in a minute, and what is left alone when it has had enough."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bot.errors import Away
from bot.market.instrument import bare_instrument
from bot.sources.yahoo import YahooSource
from tests.fakes.yahoo import FakeYahoo, quote
from tests.sources.yahoo_stage import BEFORE_NOW, XIAOMI, Clock, Make


async def test_five_hundred_symbols_at_one_look_a_minute_are_five_requests_a_minute(
    fake: FakeYahoo, make: Make, clock: Clock
) -> None:
    instruments = [bare_instrument(f"{n:04}.HK") for n in range(1, 501)]
    source = make(budget=60)
    asked: list[int] = []
    for _ in range(10):
        fake.put(*(quote(each.symbol, 10.0, clock.now - timedelta(minutes=15)) for each in instruments))
        before = len(fake.journal)
        assert len(await source.quotes(instruments)) == 500
        asked.append(len(fake.journal) - before)
        clock.go_on(minutes=1)
    # A cookie and a crumb come first, and once.
    assert asked == [7] + [5] * 9
    assert len(fake.asked("/v7/finance/quote")) == 50


async def test_histories_and_searches_leave_a_third_of_the_minute_to_the_quotes(
    fake: FakeYahoo, make: Make, clock: Clock
) -> None:
    fake.put_history("1810.HK", [(date(2022, 3, 22), 14.2)])
    source = make(budget=12)
    # Two are for the cookie and the crumb.
    for _ in range(6):
        assert (await source.history(XIAOMI, BEFORE_NOW)).bars
    words = "Yahoo was asked 8 times within a minute, our own limit for what can wait; again in 61 seconds"
    for asking in (lambda: source.history(XIAOMI, BEFORE_NOW), lambda: source.search("palantir")):
        with pytest.raises(Away, match=words):
            await asking()
    for _ in range(4):
        assert await source.quotes([XIAOMI])
    with pytest.raises(Away, match="12 times within a minute, our own limit; again in 61 seconds"):
        await source.quotes([XIAOMI])
    clock.go_on(seconds=61)
    assert (await source.history(XIAOMI, BEFORE_NOW)).bars


async def test_who_limits_us_is_not_asked_a_second_time_with_another_cookie(
    fake: FakeYahoo, yahoo: YahooSource
) -> None:
    await yahoo.quotes([XIAOMI])
    asked = len(fake.journal)
    fake.trouble("quote", "429")
    with pytest.raises(Away, match="limits our requests; we ask again in"):
        await yahoo.quotes([XIAOMI])
    assert len(fake.journal) == asked + 1


async def test_an_hour_of_limits_costs_a_few_requests_and_ends_within_a_quarter_of_one(
    fake: FakeYahoo, yahoo: YahooSource, clock: Clock
) -> None:
    await yahoo.quotes([XIAOMI])
    asked = len(fake.journal)
    fake.trouble("quote", "429")
    for _ in range(60):
        with pytest.raises(Away, match="again in"):
            await yahoo.quotes([XIAOMI])
        clock.go_on(minutes=1)
    # A new crumb comes before each try.
    assert len(fake.journal) - asked <= 30
    fake.calm()
    clock.go_on(minutes=15)
    assert await yahoo.quotes([XIAOMI])


async def test_a_cookie_that_dies_every_ten_minutes_costs_no_look(
    fake: FakeYahoo, yahoo: YahooSource, clock: Clock
) -> None:
    for minute in range(60):
        if minute % 10 == 9:
            fake.void_cookie()
        fake.put(quote("1810.HK", 14.78, clock.now))
        assert len(await yahoo.quotes([XIAOMI])) == 1
        clock.go_on(minutes=1)


async def test_who_refuses_every_cookie_is_left_alone(
    fake: FakeYahoo, yahoo: YahooSource, clock: Clock
) -> None:
    fake.trouble("quote", "401")
    with pytest.raises(Away, match="limits our requests"):
        await yahoo.quotes([XIAOMI])
    asked = len(fake.journal)
    assert asked <= 14
    clock.go_on(seconds=59)
    with pytest.raises(Away, match="limits our requests"):
        await yahoo.quotes([XIAOMI])
    assert len(fake.journal) == asked
