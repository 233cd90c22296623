"""What is proposed in place of a line that tells too often."""

from __future__ import annotations

import pytest

from bot.rules.calmer import calmer, floods
from bot.rules.grammar import parse_line


def relatives(line: str, *, is_index: bool = True) -> list[str]:
    return [str(each) for each in calmer(parse_line(line), is_index=is_index)]


@pytest.mark.parametrize(
    "a_month,busiest,too_much", [(30, 10, False), (30.1, 1, True), (1, 11, True), (0, 0, False)]
)
def test_more_than_a_message_and_a_half_a_market_day_or_ten_on_one_is_a_flood(
    a_month: float, busiest: int, too_much: bool
) -> None:
    assert floods(a_month, busiest) is too_much


def test_a_move_is_first_told_by_volatility_then_from_larger_steps_then_at_the_close() -> None:
    assert relatives("HSTECH ±2/3%") == [
        "HSTECH ±2/3% once a session",
        "HSTECH ±auto",
        "HSTECH ±4/6%",
        "HSTECH ±8/12%",
        "HSTECH ±2/3% at close",
        "HSTECH ±auto once a session",
        "HSTECH ±auto at close",
        "HSTECH ±4/6% once a session",
        "HSTECH ±4/6% at close",
        "HSTECH ±8/12% once a session",
        "HSTECH ±8/12% at close",
    ]


@pytest.mark.parametrize(
    "line,is_index,first",
    [
        ("HSTECH ±auto", True, "HSTECH ±auto(4σ60, 3%, 8%) ladder 1/1.5/2.5"),
        ("HSTECH ±auto", False, "HSTECH ±auto(5σ60, 8%, 16%) ladder 1/1.5/2.5"),
        (
            "HSTECH ±auto(2σ60, 1%, 3%) ladder 1/2",
            True,
            "HSTECH ±auto(4σ60, 2%, 6%) ladder 1/2",
        ),
        ("HSTECH cost 100 ±5% every 5%", True, "HSTECH cost 100 ±10% every 10%"),
        ("HSTECH day > 2% and rsi > 70", True, "HSTECH day > 4% and rsi > 70"),
        ("HSTECH day > 2% or gap > 1%", True, "HSTECH day > 4% or gap > 2%"),
        ("HSTECH (day > 2% and gap > 1%) for 3 looks", True, "HSTECH (day > 4% and gap > 2%) for 3 looks"),
        ("HSTECH (day > 2% and gap > 1%) at close", True, "HSTECH (day > 4% and gap > 2%) at close"),
    ],
)
def test_the_larger_sizes_of_a_condition_are_twice_and_four_times_as_far(
    line: str, is_index: bool, first: str
) -> None:
    found = relatives(line, is_index=is_index)
    assert next(each for each in found if "once a session" not in each and each != line) == str(
        parse_line(first)
    )


def test_steps_off_an_extreme_grow_too_and_a_price_that_falls_loses_no_more_than_all() -> None:
    assert "HSTECH off low 80/160% 52w" in [
        each.replace(" reference close, trigger touch, window 52w, re-arm on new low", " 52w")
        for each in relatives("HSTECH off low 40/80% 52w")
    ]
    drawdowns = [
        each for each in relatives("HSTECH drawdown 20/30%") if each.startswith("HSTECH drawdown 80%")
    ]
    assert drawdowns
    assert not any("100" in each or "120" in each for each in relatives("HSTECH drawdown 30/60%"))
    assert all("drawdown 60%" in each for each in relatives("HSTECH drawdown 60%"))


@pytest.mark.parametrize("condition", ["price > 4000", "not (gap > 2%)"])
def test_a_level_and_what_must_not_be_have_no_larger_size(condition: str) -> None:
    assert relatives(f"HSTECH {condition}") == [
        str(parse_line(f"HSTECH {condition} once a session")),
        str(parse_line(f"HSTECH ({condition}) at close")),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "HSTECH rsi > 70 at close once",
        "HSTECH rsi > 70 for 3 looks once",
        "HSTECH news buyback once",
        "HSTECH (rsi > 70 at close) and range > 90% once",
        "HSTECH not (news buyback or rsi > 70) once",
    ],
)
def test_what_tells_once_and_waits_for_a_close_looks_or_news_has_nothing_calmer(line: str) -> None:
    assert relatives(line) == []


def test_what_tells_at_the_close_already_is_not_proposed_again() -> None:
    assert relatives("HSTECH ±2% at close once") == [
        "HSTECH ±auto at close once",
        "HSTECH ±4% at close once",
        "HSTECH ±8% at close once",
    ]
