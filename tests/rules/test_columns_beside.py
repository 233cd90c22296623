from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from bot.market.actions import Action
from bot.market.bars import Bar, Calendar, Series
from bot.market.instrument import Instrument
from bot.market.twins import Twin
from bot.rules.columns import Now, Scene
from bot.rules.measures import Against, Breadth, Premium, PremiumKind, Ratio, Spread
from bot.rules.truth import Unknown
from tests.rules.recorded_scene import recorded, scene

HONG_KONG = Instrument("9988.HK", "stock", "XHKG", "HKD", short="Alibaba")
NEW_YORK = Instrument("BABA", "stock", "XNYS", "USD", short="BABA")
RATE = Instrument("HKD=X", "other", "XXXX", "HKD", short="USD/HKD")
OTHER = Instrument("1810.HK", "stock", "XHKG", "HKD", short="Xiaomi")
SHANGHAI = Instrument("600519.SS", "stock", "XSHG", "CNY", short="Moutai")
MEITUAN = Instrument("3690.HK", "stock", "XHKG", "HKD", short="Meituan")
YUAN = Instrument("CNY=X", "other", "XXXX", "CNY", short="USD/CNY")
CAST = {each.symbol: each for each in (HONG_KONG, NEW_YORK, RATE, OTHER, SHANGHAI, MEITUAN, YUAN)}
TWIN = Twin("9988.HK", "BABA", 8, date(2020, 1, 1))
# Monday to Friday.
MON, TUE, WED, THU, FRI = (date(2022, 3, day) for day in range(21, 26))


def bars(symbol: str, closes: Mapping[date, float], opens: float | None = None) -> Series:
    return Series(symbol, tuple(Bar(day, close, opens) for day, close in closes.items()))


def look(
    symbol: str,
    *held: Series,
    calendar: Mapping[str, tuple[date, ...]] | None = None,
    now: Now | None = None,
    members: tuple[str, ...] = (),
    twins: tuple[Twin, ...] = (TWIN,),
    currency: str = "HKD",
) -> Scene:
    cast = CAST | {HONG_KONG.symbol: replace(HONG_KONG, currency=currency)}
    series = {each.symbol: each for each in held}
    return Scene(
        cast[symbol],
        series[symbol],
        Calendar(dict(calendar or {})),
        lambda asked: (cast[asked], series[asked]) if asked in series else None,
        lambda index, day: members,
        now,
        twins,
    )


def rows(made: Scene, kind: PremiumKind = "premium") -> list[float | None]:
    return [None if math.isnan(each) else round(each, 6) for each in made.column(Premium(kind)).tolist()]


WEEK = bars("9988.HK", {MON: 100.0, TUE: 104.0, WED: 117.0}, opens=110.0)
YORK = bars("BABA", {MON: 102.0, TUE: 113.1, WED: 115.0})
RATES = bars("HKD=X", dict.fromkeys((MON, TUE, WED), 7.8))


def test_at_new_yorks_close_the_premium_is_over_hong_kongs_close_of_that_date() -> None:
    made = look("BABA", WEEK, YORK, RATES)
    # 102 × 7.8 / (8 × 100) = 0.9945, and so on
    wanted = [-0.55, pytest.approx((113.1 * 7.8 / 832 - 1) * 100, abs=1e-6), pytest.approx(-4.166667)]
    assert rows(made) == wanted
    assert rows(made, "implied gap") == wanted
    assert rows(made, "premium at open") == [None] * 3
    assert made.value(Premium("premium at open")) == Unknown("Hong Kong does not open while New York trades")


def test_at_hong_kongs_close_the_premium_is_of_new_yorks_close_of_the_night_before() -> None:
    made = look("9988.HK", WEEK, YORK, RATES)
    night = (102.0 * 7.8, 113.1 * 7.8)
    assert rows(made) == [
        None,
        *(round((each / 8 / close - 1) * 100, 6) for each, close in zip(night, (104, 117), strict=True)),
    ]
    assert rows(made, "premium at open") == [None, *(round((each / 880 - 1) * 100, 6) for each in night)]
    assert rows(made, "implied gap") == [None] * 3
    assert made.value(Premium("implied gap")) == Unknown("Hong Kong has opened since New York’s close")


def test_a_premium_is_not_defined_where_neither_side_traded_after_the_other() -> None:
    york = bars("BABA", {MON: 102.0, WED: 115.0})
    made = look("9988.HK", WEEK, york, RATES)
    assert rows(made)[2] is None
    assert made.value(Premium()) == Unknown(
        "the bars held do not tell that one side traded after the other, at a rate that is known"
    )


def test_hong_kongs_holiday_leaves_new_york_to_close_twice_after_it() -> None:
    closed = bars("9988.HK", {MON: 100.0, WED: 117.0})
    calendar: dict[str, tuple[date, ...]] = {"HK": (MON, WED), "US": (MON, TUE, WED)}
    york = look("BABA", closed, YORK, RATES, calendar=calendar)
    assert rows(york)[1] == round((113.1 * 7.8 / 800 - 1) * 100, 6)
    assert rows(look("9988.HK", closed, YORK, RATES, calendar=calendar))[1] == round(
        (113.1 * 7.8 / 936 - 1) * 100, 6
    )


def test_a_session_of_the_other_line_that_may_be_missing_leaves_the_premium_unknown() -> None:
    calendar: dict[str, tuple[date, ...]] = {"HK": (MON, TUE, WED), "US": (MON, TUE, WED)}
    hong_kong = bars("9988.HK", {MON: 100.0, WED: 117.0})
    assert rows(look("BABA", hong_kong, YORK, RATES, calendar=calendar))[1:] == [
        None,
        pytest.approx(-4.166667),
    ]
    york = bars("BABA", {MON: 102.0, WED: 115.0})
    shut: dict[str, tuple[date, ...]] = {"HK": (MON, WED), "US": (MON, TUE, WED)}
    made = look("9988.HK", hong_kong, york, RATES, calendar=shut)
    assert rows(made) == [None, None]
    halted = replace(york, untraded=(TUE,))
    assert rows(look("9988.HK", hong_kong, halted, RATES, calendar=shut))[1] is not None


def test_an_old_rate_or_one_that_cannot_be_is_none() -> None:
    old = bars("HKD=X", {MON: 7.8})
    assert [each is None for each in rows(look("BABA", WEEK, YORK, old))] == [False, False, True]
    wrong = bars("HKD=X", dict.fromkeys((MON, TUE, WED), 9.0))
    assert rows(look("BABA", WEEK, YORK, wrong)) == [None] * 3
    assert look("BABA", WEEK, YORK).value(Premium()) == Unknown("no price of HKD=X is known")


def test_lines_in_one_currency_need_no_rate_and_only_hong_kongs_dollar_is_kept_near_one() -> None:
    assert rows(look("BABA", WEEK, YORK, currency="USD"))[0] == round((102.0 / 800 - 1) * 100, 6)
    yuan = bars("CNY=X", dict.fromkeys((MON, TUE, WED), 6.4))
    made = look("BABA", WEEK, YORK, yuan, currency="CNY")
    assert rows(made)[0] == round((102.0 * 6.4 / 800 - 1) * 100, 6)


def test_a_ratio_is_of_the_shares_of_its_day() -> None:
    # eight of one New York share became one: before it, one stood for one share, and after it for eight
    split = (Action(WED, "split", factor=8.0),)
    twins = (replace(TWIN, ratio=1), replace(TWIN, since=WED))
    made = look("BABA", WEEK, replace(YORK, actions=split), RATES, twins=twins)
    assert rows(made) == rows(look("BABA", WEEK, YORK, RATES))
    assert rows(look("BABA", WEEK, YORK, RATES, twins=(replace(TWIN, since=TUE),)))[0] is None


def test_levels_that_were_not_traded_and_a_company_of_one_line_have_no_premium() -> None:
    adjusted = replace(YORK, bars=tuple(replace(each, adjusted=True) for each in YORK.bars))
    made = look("9988.HK", WEEK, adjusted, RATES)
    assert rows(made) == [None] * 3
    assert made.value(Premium()) == Unknown("the bars of BABA are adjusted for dividends")
    assert look("BABA", WEEK, adjusted, RATES).value(Premium()) == Unknown(
        "its bars are adjusted for dividends, and their levels were not traded"
    )
    assert look("9988.HK", WEEK, twins=()).value(Premium()) == Unknown("no other line of 9988.HK is known")
    assert look("9988.HK", WEEK).value(Premium()) == Unknown("no price of BABA is known")
    assert rows(look("9988.HK", WEEK)) == [None] * 3


def test_a_close_that_comes_later_on_the_same_date_is_not_known_yet() -> None:
    made = look("9988.HK", WEEK, YORK)
    assert made.value(Against("BABA")) == Unknown("BABA closes later on the same day")
    assert made.value(Ratio("BABA")) == Unknown("BABA closes later on the same day")
    assert look("BABA", WEEK, YORK).value(Ratio("9988.HK")) == pytest.approx(115 / 117)
    moutai = bars("600519.SS", {MON: 1.0, TUE: 2.0, WED: 3.0})
    assert look("9988.HK", WEEK, moutai).value(Spread("600519.SS")) == 114
    assert isinstance(look("600519.SS", WEEK, moutai).value(Spread("9988.HK")), Unknown)
    live = Now(datetime(2022, 3, 23, 7, 0, tzinfo=UTC), 3.0, final=True)
    assert look("600519.SS", WEEK, moutai, now=live).value(Spread("9988.HK")) == -114


def test_what_is_wanting_of_another_instrument_is_said() -> None:
    assert look("9988.HK", WEEK).value(Against("1810.HK")) == Unknown("no price of 1810.HK is known")
    xiaomi = bars("1810.HK", {MON: 10.0, TUE: 11.0})
    unknown = Unknown("no close of 1810.HK is known for 23 Mar 2022")
    assert look("9988.HK", WEEK, xiaomi).value(Against("1810.HK")) == unknown
    assert look("9988.HK", WEEK, xiaomi).value(Ratio("1810.HK")) == unknown
    fresh = bars("1810.HK", {WED: 11.0})
    assert look("9988.HK", WEEK, fresh).value(Against("1810.HK")) == Unknown(
        "1810.HK has no session before 2022-03-23"
    )
    adjusted = replace(fresh, bars=(Bar(WED, 11.0, adjusted=True),))
    assert look("9988.HK", WEEK, adjusted).value(Spread("1810.HK")) == Unknown(
        "the bars of 1810.HK are adjusted for dividends"
    )
    assert look("9988.HK", WEEK, Series("1810.HK", ())).column(Ratio("1810.HK")).tolist() == pytest.approx(
        [math.nan] * 3, nan_ok=True
    )


def test_breadth_counts_the_watched_members_that_moved_so_far_as_decimals() -> None:
    xiaomi = bars("1810.HK", {MON: 10.0, TUE: 9.0})
    meituan = bars("3690.HK", {MON: 1.0, TUE: 0.9, WED: 0.9})
    names = ("9988.HK", "1810.HK", "3690.HK", "700.HK")
    made = look("9988.HK", WEEK, xiaomi, meituan, members=names)
    assert made.column(Breadth("HSTECH", "down", 10)).tolist() == pytest.approx([math.nan, 2, 0], nan_ok=True)
    assert made.column(Breadth("HSTECH", "up", 4)).tolist() == pytest.approx([math.nan, 1, 1], nan_ok=True)
    assert made.column(Breadth("HSTECH", "up", 0)).tolist() == pytest.approx([math.nan, 1, 1], nan_ok=True)
    assert look("9988.HK", WEEK).value(Breadth("HSTECH", "up", 3)) == Unknown(
        "no constituent of HSTECH is watched"
    )
    assert look("9988.HK", WEEK, members=("1810.HK",)).value(Breadth("HSTECH", "up", 3)) == Unknown(
        "no watched constituent of HSTECH is known to have traded on 23 Mar 2022"
    )
    listed_later = look("9988.HK", WEEK, Series("1810.HK", ()), members=("1810.HK",))
    assert isinstance(listed_later.value(Breadth("HSTECH", "up", 3)), Unknown)
    assert listed_later.value(Against("1810.HK")) == Unknown("no price of 1810.HK is known")


def test_hstech_beat_the_hang_seng_on_23_march_2022_and_six_of_its_members_rose_by_three_per_cent() -> None:
    made = scene("HSTECH", recorded()["HSTECH"].until(date(2022, 3, 23)))
    against, breadth = made.value(Against("^HSI")), made.value(Breadth("HSTECH", "up", 3))
    assert against == pytest.approx(2.0504115 - 1.2097282, abs=1e-6)
    assert breadth == 6
