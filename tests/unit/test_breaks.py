from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from bot.market.bars import Bar, Series
from bot.market.breaks import Finding, Gap, Leap, Mixed, Stray, check, customary
from bot.sources.folder import read_folder

FIRST = date(2021, 1, 4)


def weekdays(count: int) -> list[date]:
    days = (FIRST + timedelta(days=each) for each in range(2 * count))
    return [day for day in days if day.weekday() < 5][:count]


def traded(symbol: str, count: int = 120, *, seed: int = 7, move: float = 0.02) -> Series:
    """Bars of ordinary days, none more than a few times the usual move."""
    chance = random.Random(seed)
    price, bars = 100.0, []
    for day in weekdays(count):
        opened = price * (1 + chance.uniform(-move, move) / 2)
        price = opened * (1 + chance.uniform(-move, move))
        bars.append(Bar(day, price, opened, max(opened, price) * 1.01, min(opened, price) * 0.99, 1e6))
    return Series(symbol, tuple(bars))


def at(bar: Bar, times: float, volume: float = 1.0) -> Bar:
    assert bar.open
    assert bar.high
    assert bar.low
    return replace(
        bar,
        close=bar.close * times,
        open=bar.open * times,
        high=bar.high * times,
        low=bar.low * times,
        volume=1e6 * volume,
    )


def changed(series: Series, span: slice, change: Callable[[Bar], Bar]) -> Series:
    bars = list(series.bars)
    bars[span] = map(change, bars[span])
    return Series(series.symbol, tuple(bars))


def without(series: Series, *places: int) -> Series:
    bars = (bar for place, bar in enumerate(series.bars) if place not in places)
    return Series(series.symbol, tuple(bars))


def found(*series: Series, place: str = "HK") -> tuple[Finding, ...]:
    return check({each.symbol: each for each in series}, {each.symbol: place for each in series}).findings


def test_the_recorded_prices_have_two_breaks_and_no_other(prices: Path) -> None:
    series = read_folder(prices).series
    hong_kong = {symbol: "HK" for symbol in series if symbol.endswith(".HK")}
    indices = dict.fromkeys(("HSTECH", "^HSI", "^HSCE"), "HK")
    mainland = dict.fromkeys(("000300.SS", "000001.SS"), "CN")
    checked = check(series, hong_kong | indices | mainland | dict.fromkeys(("BABA", "JD"), "US"))
    gap, mixed = checked.findings
    assert gap == Gap("HSTECH", (date(2022, 4, 25),), 11)
    assert isinstance(mixed, Mixed)
    assert (mixed.symbol, mixed.adjusted) == ("0700.HK", True)
    assert (mixed.sessions[0], mixed.sessions[-1], len(mixed.sessions)) == (
        date(2022, 1, 10),
        date(2022, 1, 19),
        8,
    )
    into, out = mixed.seams
    assert (into.before, into.after) == (date(2022, 1, 7), date(2022, 1, 10))
    assert into.change_pct == pytest.approx(-0.71, abs=0.005)
    assert (out.before, out.after) == (date(2022, 1, 19), date(2022, 1, 20))
    assert out.change_pct == pytest.approx(6.60, abs=0.005)
    assert checked.alone == ()


def test_ordinary_days_have_no_breaks() -> None:
    assert found(*(traded(str(seed), seed=seed) for seed in range(20))) == ()


def test_a_session_that_the_market_had_is_missing() -> None:
    whole, lacking = traded("A"), without(traded("B"), 40)
    assert found(whole, lacking) == (Gap("B", (whole.sessions[40],), 1),)


def test_a_suspension_is_one_finding() -> None:
    whole, other, lacking = traded("A"), traded("B"), without(traded("C"), 40, 41, 42)
    assert found(whole, other, lacking) == (Gap("C", whole.sessions[40:43], 2),)


def test_of_two_that_lack_different_sessions_each_is_named() -> None:
    one, other = without(traded("A"), 10), without(traded("B"), 20)
    sessions = traded("A").sessions
    assert found(one, other) == (Gap("A", (sessions[10],), 1), Gap("B", (sessions[20],), 1))


def test_what_is_before_a_listing_and_after_a_delisting_is_not_missing() -> None:
    assert found(traded("A"), without(traded("B"), *range(30)), without(traded("C"), *range(90, 120))) == ()


def test_other_markets_holidays_are_not_missing() -> None:
    series = {"A": traded("A"), "B": without(traded("B"), 40, 41)}
    checked = check(series, {"A": "HK", "B": "US"})
    assert (checked.findings, checked.alone) == ((), ("A", "B"))


def test_a_weekend_is_no_session_that_others_lack() -> None:
    whole = traded("A")
    saturday = Bar(date(2021, 3, 6), whole.bars[43].close)
    astray = Series("B", tuple(sorted((*traded("B").bars, saturday), key=lambda each: each.session)))
    assert found(whole, astray) == (Stray("B", saturday.session, 1),)
    assert found(whole, astray, place="XTAE") == (Gap("A", (saturday.session,), 1),)


def test_one_bar_that_three_others_lack_is_itself_in_doubt() -> None:
    alone, *others = traded("A"), *(without(traded(each), 40) for each in "BCD")
    assert found(alone, *others) == (Stray("A", alone.sessions[40], 3),)
    assert len(found(alone, *others[:2])) == 2


def test_what_nobody_describes_is_compared_where_it_trades_like_those_that_are_described() -> None:
    series = {"A": traded("A"), "?": without(traded("?"), 40)}
    checked = check(series, {"A": "HK"})
    assert checked.findings == (Gap("?", (series["A"].sessions[40],), 1),)
    checked = check(series | {"?": without(traded("?"), 40, 60, 80)}, {"A": "HK"})
    assert (checked.findings, checked.alone) == ((), ("A", "?"))


def test_what_nobody_describes_vouches_for_no_session() -> None:
    series = {"A": without(traded("A"), 40), "B": without(traded("B"), 40), "?": traded("?")}
    assert check(series, {"A": "HK", "B": "HK"}).findings == ()


def test_adjusted_bars_amid_traded_ones_are_a_break_of_level() -> None:
    series = changed(traded("A"), slice(40, 48), lambda bar: replace(at(bar, 0.97), adjusted=True))
    (mixed,) = found(series)
    assert isinstance(mixed, Mixed)
    assert (mixed.sessions, mixed.adjusted, len(mixed.seams)) == (series.sessions[40:48], True, 2)


def test_traded_bars_amid_adjusted_ones_are_one_too() -> None:
    adjusted = changed(traded("A"), slice(None), lambda bar: replace(bar, adjusted=True))
    (mixed,) = found(changed(adjusted, slice(40, 48), lambda bar: replace(bar, adjusted=False)))
    assert isinstance(mixed, Mixed)
    assert (mixed.sessions, mixed.adjusted) == (adjusted.sessions[40:48], False)


def test_a_history_that_begins_adjusted_has_one_seam() -> None:
    (mixed,) = found(changed(traded("A"), slice(0, 30), lambda bar: replace(bar, adjusted=True)))
    assert isinstance(mixed, Mixed)
    assert [each.after for each in mixed.seams] == [traded("A").sessions[30]]


def test_bars_that_are_all_adjusted_go_together() -> None:
    assert found(changed(traded("A"), slice(None), lambda bar: replace(bar, adjusted=True))) == ()


@pytest.mark.parametrize("times", [1 / 2, 1 / 3, 1 / 5, 1 / 10, 1 / 100, 2, 5, 10, 100])
def test_a_split_that_the_bars_before_do_not_know_is_a_break_of_level(times: float) -> None:
    series = changed(traded("A"), slice(60, None), lambda bar: at(bar, times, volume=1 / times))
    (leap,) = found(series)
    assert isinstance(leap, Leap)
    assert (leap.sessions, len(leap.seams)) == ((series.sessions[60],), 1)
    assert leap.times == pytest.approx(times, rel=0.02)
    assert customary(leap.times) == pytest.approx(max(times, 1 / times))


@pytest.mark.parametrize("times", [1 / 2, 2 / 3, 1.4, 3, 1 / 10])
@pytest.mark.parametrize("length", [1, 8])
def test_bars_at_another_ratio_than_those_around_them_are_a_break_of_level(times: float, length: int) -> None:
    series = changed(traded("A"), slice(60, 60 + length), lambda bar: at(bar, times))
    (leap,) = found(series)
    assert isinstance(leap, Leap)
    assert (leap.sessions, len(leap.seams)) == (series.sessions[60 : 60 + length], 2)
    assert leap.times == pytest.approx(times, rel=0.02)


def test_closes_alone_show_a_split_too() -> None:
    split = changed(traded("A"), slice(60, None), lambda bar: at(bar, 1 / 5))
    closes = changed(split, slice(None), lambda bar: Bar(bar.session, bar.close))
    (leap,) = found(closes)
    assert isinstance(leap, Leap)
    assert leap.sessions == (closes.sessions[60],)


@pytest.mark.parametrize("times", [0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.4, 1.7])
def test_a_gap_of_no_customary_ratio_is_the_markets(times: float) -> None:
    assert found(changed(traded("A"), slice(60, None), lambda bar: at(bar, times))) == ()


def test_a_fall_to_a_half_on_a_day_of_crowds_is_the_markets() -> None:
    halved = changed(traded("A"), slice(60, None), lambda bar: at(bar, 1 / 2, volume=2))
    assert len(found(halved)) == 1
    assert found(changed(halved, slice(60, 61), lambda bar: replace(bar, volume=2e7))) == ()


def test_a_fall_to_a_half_on_a_wide_day_is_the_markets() -> None:
    halved = changed(traded("A"), slice(60, None), lambda bar: at(bar, 1 / 2))
    wild = changed(halved, slice(60, 61), lambda bar: replace(bar, high=bar.close * 1.2, volume=None))
    assert found(wild) == ()


def test_a_fall_within_the_day_is_the_markets() -> None:
    halved = changed(traded("A"), slice(60, None), lambda bar: at(bar, 1 / 2))
    fell = changed(halved, slice(60, 61), lambda bar: replace(bar, open=bar.close * 2, high=bar.close * 2))
    assert found(fell) == ()


def test_a_fall_and_a_rise_that_do_not_undo_each_other_are_the_markets() -> None:
    fallen = changed(traded("A"), slice(60, 66), lambda bar: at(bar, 0.75))
    assert found(changed(fallen, slice(66, None), lambda bar: at(bar, 0.9))) == ()


def test_what_came_back_in_another_month_is_the_markets() -> None:
    assert found(changed(traded("A"), slice(60, 90), lambda bar: at(bar, 0.75))) == ()


def test_a_stock_may_come_back_from_a_long_suspension_at_any_price() -> None:
    fallen = changed(traded("A"), slice(60, None), lambda bar: at(bar, 1 / 10))
    assert [type(each) for each in found(traded("B"), without(fallen, *range(45, 60)))] == [Gap]


def test_the_first_days_of_a_listing_are_the_markets() -> None:
    listed = changed(traded("A", 6), slice(1, None), lambda bar: at(bar, 2.2, volume=9))
    assert found(listed) == ()


def test_nothing_is_found_in_nothing() -> None:
    assert found() == ()
    assert found(Series("A", ())) == ()
