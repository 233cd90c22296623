from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import GrammarError
from bot.rules.conditions import Gate
from bot.rules.grammar import parse, parse_line
from bot.rules.measures import Breadth, Day, Gap, Measure, OffLow
from bot.rules.sense import check
from bot.rules.terms import Both, Comparison, Either, Not, Tree


@pytest.mark.parametrize(
    "text,one,other",
    [
        ("day > 2% and day < 1%", "day > 2%", "day < 1%"),
        ("day < 1% and gap > 1% and day > 2%", "day < 1%", "day > 2%"),
        ("gap > 1% and (day > 2% and day < 1%)", "day > 2%", "day < 1%"),
        ("gap > 1% or day > 2% and day < 1%", "day > 2%", "day < 1%"),
        ("(day > 2% or day > 3%) and day < 1%", "day > 3%", "day < 1%"),
        ("day > 2% and not day > 2%", "day > 2%", "not day > 2%"),
        ("day > 3% and not day > 2%", "day > 3%", "not day > 2%"),
        ("not (day < 2% or day > 1%)", "not day < 2%", "not day > 1%"),
        ("not (day < 2% or not day < 1%)", "not day < 2%", "day < 1%"),
        ("(day > 2% for 3 looks) and day < 1%", "day > 2%", "day < 1%"),
        ("(day > 2% at close) and day < 1%", "day > 2%", "day < 1%"),
        ("new low and not new low", "new low 52w", "not new low 52w"),
        ("news buyback and not news buyback", "news buyback 24h", "not news buyback 24h"),
        ("price > sma 50 and not price > sma 50", "price > sma 50", "not price > sma 50"),
    ],
)
def test_what_never_holds_together_is_refused(text: str, one: str, other: str) -> None:
    with pytest.raises(GrammarError) as refused:
        parse(text)
    assert str(refused.value) == (
        f"“{one}” and “{other}” never hold together: join them by or, or change one."
    )


@pytest.mark.parametrize(
    "text",
    [
        "day > 2% or day < 1%",
        "day > 2% and day < 2%",
        "day > 1% and day < 2%",
        "day > 2% and gap < 1%",
        "not (day > 2% and day < 1%)",
        "day > 2% or not day > 2%",
        "price > sma 50 and price < sma 200",
        "price > sma 50 and price < sma 50",
        "price > sma 50 and price < 15",
        "day > 2% and not day > 3%",
        "(day > 2% or gap > 1%) and (day < 1% or gap > 3%)",
        "day > 2% and new low and not new high",
        "not (day > 2% at close) and day > 2%",
        # That a part holds now and has not held for long are two things.
        "not (day > 2% for 3 looks) and day > 2%",
    ],
)
def test_what_may_hold_is_read(text: str) -> None:
    assert str(parse(text))


def _trees(threshold: st.SearchStrategy[float]) -> st.SearchStrategy[Tree]:
    atoms = st.builds(Comparison, st.sampled_from((Day(), Gap())), st.sampled_from(("up", "down")), threshold)
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: Both(tuple(parts))),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: Either(tuple(parts))),
            st.builds(Not, inner),
        ),
        max_leaves=7,
    )


def _holds(tree: Tree, day: float, gap: float) -> bool:
    match tree:
        case Both(parts):
            return all(_holds(each, day, gap) for each in parts)
        case Either(parts):
            return any(_holds(each, day, gap) for each in parts)
        case Not(part):
            return not _holds(part, day, gap)
        case Comparison(measure, direction, float() as threshold):
            value = day if measure == Day() else gap
            return value >= threshold if direction == "up" else value <= threshold
        case _:
            raise AssertionError(tree)


@given(_trees(st.integers(-2, 2).map(float)))
def test_a_tree_that_holds_nowhere_is_refused_and_one_that_is_not_holds_somewhere(tree: Tree) -> None:
    values = [number / 2 for number in range(-6, 7)]
    somewhere = any(_holds(tree, day, gap) for day, gap in product(values, values))
    try:
        check(Gate(tree))
    except GrammarError:
        return
    assert somewhere


@pytest.mark.parametrize(
    "text,remedy",
    [
        ("drawdown 100%", "A drawdown never reaches 100%"),
        ("drawdown 50/100%", "A drawdown never reaches 100%"),
        ("drawdown 120% and gap > 1%", "a drawdown is between 0 and 100%"),
        ("drawdown < 100%", "a drawdown is between 0 and 100%"),
        ("off low 200000%", "No price is 200000% off its low"),
        ("rsi > 120", "it runs from 0 to 100"),
        ("rsi < -1", "it runs from 0 to 100"),
        ("range > 101%", "it runs from 0 to 100"),
        ("price > 0", "it is always above 0"),
        ("price < -5", "it is always above 0"),
        ("sma 50 < 0", "it is always above 0"),
        ("volume > 0x", "it is always above 0"),
        ("ratio BABA > 0", "it is always above 0"),
        ("streak > 0", "a streak is a whole number of closes"),
        ("streak > 1.5", "a streak is a whole number of closes"),
        ("day < -100%", "A price never falls by 100%"),
        ("±100%", "A price never falls by 100%"),
        ("cost 16 down 100%", "A price never falls by 100%"),
        ("day < -100% and gap > 1%", "no price falls by 100%"),
        ("gap < -100%", "no price falls by 100%"),
        ("±auto(2σ60, 50%, 60%)", "A price never falls by 100%"),
        ("day > auto(2σ3000, 5%, 6%)", "Deviations are of 2 to 2,500 sessions"),
        ("up 100001%", "No price moves by 100001%"),
        ("gap > 100001%", "nothing moves that far"),
        ("sigma > 10001", "nothing is that large"),
        ("volume > 10001x", "nothing is that large"),
        ("streak > 10001", "nothing is that large"),
        ("10 of HSTECH down 100%", "No constituent is down 100%"),
        ("10 of HSTECH up 0%", "No constituent is up 0%"),
        ("change 601m > 2%", "A change is measured over 600m at most"),
        ("change 2501 sessions > 2%", "A change is measured over 2,500 sessions at most"),
        ("rsi 1 < 30", "“rsi 1” needs 2 to 2,500 sessions."),
        ("price > sma 3000", "“sma 3000” needs 2 to 2,500 sessions."),
        ("volume 3000d > 2x", "“volume 3000d” is an average of 2,500 sessions at most."),
        ("news buyback 31 days", "News is looked for 720 hours back at most"),
        ("day > 2% for 1 looks", "For how many looks is a number from 2 to 1,000"),
        ("not (gap > 1% and day > 2% for 1001 looks at close)", "For how many looks is a number from 2"),
        (" and ".join(["day > 2%"] * 21), "There are 21 parts: write 20 at most"),
        ("day > 2%" + " " * 500, "The line has 508 characters: write it in 500 at most"),
        ("(" * 21 + "day > 2%" + ")" * 21, "Brackets and nots are nested more than 20 deep"),
        ("not " * 21 + "day > 2%", "Brackets and nots are nested more than 20 deep"),
    ],
)
def test_what_is_impossible_or_too_much_is_refused_in_one_sentence(text: str, remedy: str) -> None:
    with pytest.raises(GrammarError) as refused:
        parse_line(text)
    assert remedy in str(refused.value)
    assert "\n" not in str(refused.value)


def test_twenty_parts_and_twenty_brackets_are_read() -> None:
    assert str(parse(" and ".join(["day > 2%"] * 20)))
    assert str(parse("(" * 20 + "day > 2%" + ")" * 20))


def test_many_ways_to_hold_are_all_looked_at() -> None:
    groups = " and ".join(f"(day > {each}% or gap > {each}% or volume > {each}x)" for each in range(1, 7))
    assert str(parse(f"{groups} and rsi < 30 and range > 5%"))
    with pytest.raises(GrammarError, match="never hold together"):
        parse(f"{groups} and rsi < 30 and rsi > 40")


@pytest.mark.parametrize(
    "measure,remedy",
    [
        (OffLow("52w"), "a price is never below its low"),
        (Breadth("HSTECH", "down", 3.0), "at least one constituent must be counted"),
    ],
)
def test_what_no_line_can_say_is_refused_all_the_same(measure: Measure, remedy: str) -> None:
    with pytest.raises(GrammarError, match=remedy):
        check(Gate(Comparison(measure, "up", -1.0)))
