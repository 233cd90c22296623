from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.market.bars import Bar, Series
from bot.market.tracking import lacks_a_year, own, stood_in

MONDAY = date(2024, 1, 1)


def days(first: int, last: int) -> list[date]:
    return [day for number in range(first, last) if (day := MONDAY + timedelta(days=number)).weekday() < 5]


def series(symbol: str, closes: list[float], first: int = 0) -> Series:
    held = days(first, first + 2 * len(closes) + 7)
    return Series(
        symbol,
        tuple(
            Bar(day, close, close, close * 1.01, close * 0.99)
            for day, close in zip(held, closes, strict=False)
        ),
    )


@given(
    st.lists(st.floats(1, 100), min_size=30, max_size=60),
    st.floats(0.01, 10_000),
    st.integers(1, 25),
)
def test_a_fund_that_tracks_gives_the_closes_that_the_index_had(
    closes: list[float], ratio: float, own_bars: int
) -> None:
    fund = series("3033.HK", closes)
    index = [Bar(each.session, each.close * ratio) for each in fund.bars]
    made = stood_in(Series("HSTECH", tuple(index[-own_bars:])), fund)
    assert made.stand_in == "3033.HK"
    assert [each.session for each in made.bars] == [each.session for each in index]
    assert all(abs(a.close / b.close - 1) < 1e-9 for a, b in zip(made.bars, index, strict=True))
    assert [each.adjusted for each in made.bars] == [True] * (len(index) - own_bars) + [False] * own_bars
    assert own(made).bars == tuple(index[-own_bars:])


def test_the_bars_of_its_own_win_wherever_there_are_some() -> None:
    fund = series("3033.HK", [10.0] * 40)
    real = Series("HSTECH", tuple(Bar(each.session, 1000.0) for each in fund.bars[-3:]))
    once = stood_in(real, fund)
    imported = Series("HSTECH", (Bar(fund.bars[5].session, 1001.0),))
    again = stood_in(once.joined(imported), fund)
    assert [each.close for each in again.bars if not each.adjusted] == [1001.0, 1000.0, 1000.0, 1000.0]


def test_a_session_or_two_that_it_lacks_stay_gaps() -> None:
    fund = series("3033.HK", [10.0] * 40)
    real = [Bar(each.session, 1000.0) for each in fund.bars]
    short = Series("HSTECH", tuple(real[:10] + real[12:]))
    assert stood_in(short, fund) == short
    long = Series("HSTECH", tuple(real[:10] + real[16:]))
    assert [each.adjusted for each in stood_in(long, fund).bars[10:16]] == [True] * 6


def test_a_fund_that_parts_from_the_index_by_more_than_a_hundredth_is_refused() -> None:
    fund = series("3033.HK", [10.0] * 20)
    bars = [Bar(each.session, 1000.0) for each in fund.bars[-3:]]
    for last, tracks in ((1009.0, True), (1011.0, False)):
        index = Series("HSTECH", (*bars[:2], replace(bars[2], close=last)))
        assert bool(stood_in(index, fund).stand_in) is tracks


def test_a_fund_without_a_common_day_says_nothing() -> None:
    fund = series("3033.HK", [10.0] * 20)
    index = series("HSTECH", [1000.0] * 3, first=60)
    assert stood_in(index, fund) == index
    assert stood_in(Series("HSTECH", ()), fund) == Series("HSTECH", ())


def test_only_a_whole_year_of_its_own_is_enough() -> None:
    whole = Series("HSTECH", tuple(Bar(day, 1000.0) for day in days(0, 400)))
    today = MONDAY + timedelta(days=400)
    assert not lacks_a_year(whole, today)
    assert lacks_a_year(replace(whole, bars=whole.bars[-200:]), today)
    assert lacks_a_year(replace(whole, bars=(*whole.bars[:100], *whole.bars[-100:])), today)
    assert lacks_a_year(Series("HSTECH", ()), today)
