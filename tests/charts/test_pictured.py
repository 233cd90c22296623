from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.charts.marks import marks_of
from bot.messages.pictures import (
    After,
    BacktestPicture,
    Marked,
    alt_of,
    counted,
    marked,
    pictured,
    read_picture,
    written,
)
from bot.rules.measures import Direction
from bot.rules.report import Changes, Cost, Fire, Report, Silence
from tests.charts.facts import DAYS, LADDER, NEVER

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)
CHANGES = st.builds(Changes, NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.integers(0, 10**6))
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
FACTS = st.builds(
    BacktestPicture,
    NAMES,
    NAMES,
    NAMES,
    st.lists(st.dates(), max_size=5).map(tuple),
    st.lists(NUMBERS, max_size=5).map(tuple),
    st.lists(st.builds(Marked, st.dates(), NAMES), max_size=5).map(tuple),
    st.lists(st.builds(After, st.integers(1, 99), CHANGES, CHANGES), max_size=3).map(tuple),
    st.none() | NUMBERS,
)


def report(*fires: Fire, symbols: tuple[str, ...] = ("HSTECH",)) -> Report:
    changes = {"1": Changes(0.5, -1, 2, 0.6, 3), "20": Changes(1.5, -3, 5, 0.7, 2)}
    first, last = DAYS[10], DAYS[-10]
    silence = Silence(100, first, last)
    return Report(
        ("HSTECH day > 4%",),
        symbols,
        first,
        last,
        250,
        fires,
        3.0,
        silence,
        Cost(3, 0.2, 1),
        changes,
        changes,
    )


def fire(step: float | None, direction: Direction = "up", symbol: str = "HSTECH") -> Fire:
    return Fire(DAYS[20], 4.4, step, symbol, direction)


@given(FACTS)
def test_facts_come_back_as_they_were_written(facts: BacktestPicture) -> None:
    assert read_picture(written(facts)) == facts


def test_a_number_that_is_none_is_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        written(BacktestPicture("X", "X", "X", (date(2022, 3, 1),), (float("inf"),)))


@pytest.mark.parametrize(
    "fires, steps",
    [
        ([fire(4.0), fire(4.0)], ["", ""]),
        ([fire(None)], [""]),
        ([fire(4.0), fire(6.0)], ["4%", "6%"]),
        ([fire(20.0, "down"), fire(30.0, "down")], ["20%", "30%"]),
        ([fire(2.5), fire(2.5, "down")], ["+2.5%", "−2.5%"]),
        ([], []),
    ],
)
def test_steps_are_said_where_there_are_several_and_signed_where_they_go_both_ways(
    fires: list[Fire], steps: list[str]
) -> None:
    assert [each.step for each in marked(fires)] == steps


def test_steps_are_counted_from_the_furthest_fall_to_the_furthest_rise() -> None:
    fires = tuple(Marked(DAYS[0], step) for step in ("+5%", "−2%", "+5%", "−10%", "what", "+2%"))
    assert counted(fires) == (("−10%", 1), ("−2%", 1), ("+2%", 1), ("+5%", 2), ("what", 1))


def test_a_picture_of_a_report_shows_one_instrument_over_the_time_reported_of() -> None:
    told = report(fire(4.0), fire(6.0), fire(4.0, symbol="1810.HK"), symbols=("HSTECH", "1810.HK"))
    facts = pictured(told, "HSTECH", "HSTECH 恒生科技指数", DAYS, map(float, range(len(DAYS))))
    assert (facts.sessions[0], facts.sessions[-1]) == (told.first, told.last)
    assert facts.closes[0] == 10.0
    assert [each.step for each in facts.fires] == ["4%", "6%"]
    # What came after is of both instruments, and so is how often.
    assert (facts.after, facts.per_year) == ((), None)


def test_a_picture_of_a_report_on_one_instrument_shows_what_came_after() -> None:
    facts = pictured(report(fire(4.0)), "HSTECH", "HSTECH", DAYS, map(float, range(len(DAYS))))
    assert [each.sessions for each in facts.after] == [1, 20]
    assert facts.per_year == 3.0


def test_who_does_not_see_a_picture_is_told_what_it_shows() -> None:
    assert alt_of(LADDER) == (
        "Closes of Xiaomi 小米集团-W and the alerts of “1810.HK drawdown 20/30%”: "
        "3 alerts from 4 Jan 2021 to 7 Feb 2022, 2.7 a year. By step: 20%, 2; 30%, 1. "
        "5 sessions after: median +1.20%, of all days +0.10%."
    )
    assert alt_of(NEVER) == (
        "Closes of Tencent and the alerts of “0700.HK below 12”: no alerts from 4 Jan 2021 to 7 Feb 2022."
    )


def test_steps_that_are_too_many_to_be_told_apart_share_a_look() -> None:
    fires = [Marked(DAYS[at], f"{step}%") for step in range(1, 11) for at in range(step)]
    made = marks_of(fires)
    assert [each.text for each in made] == [
        *(f"{step}% ({step})" for step in range(5, 11)),
        "others (10)",
    ]
    assert len({each.shape for each in made}) == len({each.colour for each in made}) == len(made)
    assert sum(len(each.sessions) for each in made) == len(fires)
