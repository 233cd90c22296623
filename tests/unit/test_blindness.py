from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.market.blindness import (
    Blind,
    Sight,
    blind_since,
    sees_again,
    sessions_missed,
    sights,
    weather_may_close,
)
from bot.market.instrument import bare_instrument
from bot.market.quote import Quote
from bot.market.schedule import Exchange, Schedule, SessionHours

HK = ZoneInfo("Asia/Hong_Kong")
PATIENCE = 10
DAYS = (date(2022, 3, 21), date(2022, 3, 22), date(2022, 3, 23), date(2022, 3, 24))


def at(clock: str, day: int = 23) -> datetime:
    hour, minute = map(int, clock.split(":"))
    return datetime(2022, 3, day, hour, minute, tzinfo=HK)


def hours(day: date) -> SessionHours:
    opens = datetime(day.year, day.month, day.day, 9, 30, tzinfo=HK)
    lunch = (opens.replace(hour=12, minute=0), opens.replace(hour=13, minute=0))
    return SessionHours(
        day, opens, (lunch,), opens.replace(hour=16, minute=0), opens.replace(hour=16, minute=10)
    )


SCHEDULE = Schedule(
    {"XHKG": Exchange("Asia/Hong_Kong", date(2022, 3, 19), date(2022, 3, 25), tuple(map(hours, DAYS)))}
)


def sight(newest: datetime | None, delay: int = 15) -> Sight:
    return Sight("XHKG", newest, delay, lively=True)


def since(newest: datetime | None, now: datetime, delay: int = 15) -> datetime | None:
    return blind_since(sight(newest, delay), SCHEDULE, now, PATIENCE)


@pytest.mark.parametrize(
    "newest, now, blind",
    [
        (at("09:50"), at("10:05"), None),  # as late as the source says it is
        (at("09:50"), at("10:15"), None),  # and the patience on top, to the minute
        (at("09:50"), at("10:16"), at("09:50")),
        (at("11:50"), at("13:05"), None),  # lunch ages nothing
        (at("11:50"), at("13:16"), at("11:50")),
        (at("16:08", day=22), at("09:55"), None),  # the first delayed prices may still be on their way
        (at("16:08", day=22), at("09:56"), at("09:30")),
        (None, at("09:56"), at("09:30")),
        (at("09:50"), at("17:00"), None),  # nobody is blind where nothing trades
        (at("09:50"), at("12:00", day=20), None),
    ],
)
def test_an_exchange_is_dark_when_its_trading_brings_nothing_new(
    newest: datetime | None, now: datetime, blind: datetime | None
) -> None:
    assert since(newest, now) == blind


def test_a_prompt_source_is_missed_sooner() -> None:
    assert since(at("09:50"), at("10:01"), delay=0) == at("09:50")


@given(st.integers(0, 5 * 24 * 60), st.integers(0, 60), st.integers(0, 60))
def test_nobody_is_blind_outside_of_a_session_or_within_the_delay(minutes: int, delay: int, age: int) -> None:
    now = at("00:00", day=20) + timedelta(minutes=minutes)
    found = since(now - timedelta(minutes=age), now, delay)
    if SCHEDULE.session_at("XHKG", now) is None or age <= delay + PATIENCE:
        assert found is None


def test_what_comes_in_again_must_be_newer_and_fresh() -> None:
    blind = Blind("XHKG", at("10:00"), "one")
    now = at("11:30")
    assert not sees_again(blind, sight(at("10:00")), SCHEDULE, now, PATIENCE)
    assert not sees_again(blind, sight(at("10:20")), SCHEDULE, now, PATIENCE)
    assert sees_again(blind, sight(at("11:14")), SCHEDULE, now, PATIENCE)
    assert sees_again(blind, sight(at("16:08")), SCHEDULE, at("18:00"), PATIENCE)


def test_sessions_that_passed_unseen_are_named() -> None:
    blind = Blind("XHKG", at("15:00", day=21), "one")
    assert sessions_missed(blind, SCHEDULE, at("10:00", day=24)) == DAYS[1:3]
    assert sessions_missed(blind, SCHEDULE, at("15:59", day=22)) == ()


def test_an_exchange_is_seen_by_its_newest_price_and_its_slowest_source() -> None:
    xiaomi, tencent, apple = map(bare_instrument, ("1810.HK", "0700.HK", "AAPL"))
    price = Quote("1810.HK", 14.0, date(2022, 3, 23), at("10:00"), at("10:15"), "Yahoo", 15)
    quotes = {"1810.HK": price, "0700.HK": replace(price, symbol="0700.HK", time=at("10:05"), delay=5)}
    hong_kong, elsewhere = sights((xiaomi, tencent, apple), quotes)
    assert hong_kong == Sight("XHKG", at("10:05"), 15, lively=False)
    assert (elsewhere.newest, elsewhere.delay) == (None, 0)
    assert sights((xiaomi, replace(tencent, kind="index")), quotes)[0].lively
    assert sights((xiaomi, tencent, replace(xiaomi, symbol="9988.HK")), quotes)[0].lively


def test_hong_kong_trades_through_storms_since_september_2024() -> None:
    assert weather_may_close("XHKG", date(2024, 9, 22))
    assert not weather_may_close("XHKG", date(2024, 9, 23))
    assert not weather_may_close("XNYS", date(2022, 3, 23))
