"""An extreme that a split or a truer bar restates is the extreme it was, under another name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.market.actions import Action
from bot.market.bars import Bar, Series
from bot.market.extremes import Extreme
from bot.rules.crossing import Rung
from bot.rules.episodes import renamed
from bot.rules.footing import Footing, episode_of
from tests.rules.listening import day

HISTORY = Series("X", tuple(Bar(day(number), 100.0) for number in range(10)))


def footing(price: float, number: int = 2) -> Footing:
    extreme = Extreme(price, day(number))
    return Footing("off low", ("up",), episode_of("close", extreme), extreme, (10.0,))


def rung(price: float, number: int = 2, reference: str = "close") -> Rung:
    return Rung("r1", "X", f"{reference} {day(number).isoformat()} {price!r}", "up")


def test_a_price_that_was_rounded_otherwise_names_the_same_episode() -> None:
    told = rung(50.004)
    assert renamed([told], footing(50.0), HISTORY) == {told: Rung("r1", "X", footing(50.0).episode, "up")}
    assert renamed([rung(50.004)], footing(50.01), HISTORY) == {}
    assert renamed([rung(49.996)], footing(50.0), HISTORY) != {}
    assert renamed([rung(49.99)], footing(50.0), HISTORY) == {}


def test_a_difference_of_a_ten_thousandth_is_still_of_rounding() -> None:
    assert renamed([rung(10_001.0)], footing(10_000.0), HISTORY) != {}
    assert renamed([rung(10_001.5)], footing(10_000.0), HISTORY) == {}
    assert renamed([rung(9_999.0)], footing(10_000.0), HISTORY) != {}


def test_the_present_name_and_other_sessions_and_references_stay_as_they_are() -> None:
    present = footing(50.0)
    others = [
        rung(50.0),
        rung(50.004, number=3),
        rung(50.004, reference="intraday"),
        Rung("r1", "X", day(2).isoformat(), "up"),
        Rung("r1", "X", "gate", "up"),
    ]
    assert renamed(others, present, HISTORY) == {}
    # What is not renamed does not keep what follows it from being.
    assert list(renamed([*others, rung(50.004)], present, HISTORY)) == [rung(50.004)]


@pytest.mark.parametrize("episode", [day(2).isoformat(), "once", "cost 16.2", "gate"])
def test_only_an_episode_that_an_extreme_began_has_other_names(episode: str) -> None:
    assert renamed([rung(50.004)], replace(footing(50.0), episode=episode), HISTORY) == {}


def test_a_split_since_restates_the_price_that_named_an_episode() -> None:
    split = replace(HISTORY, actions=(Action(day(5), "split", 0.1),))
    assert list(renamed([rung(50.0)], footing(5.0), split)) == [rung(50.0)]
    assert list(renamed([rung(50.0)], footing(5.02), split)) == [rung(50.0)]
    assert renamed([rung(50.0)], footing(5.03), split) == {}
    # One that came before, or on the day itself, changed nothing of it, and neither did a distribution.
    for action in (
        Action(day(1), "split", 0.1),
        Action(day(2), "split", 0.1),
        Action(day(5), "distribution", amount=45.0),
    ):
        assert renamed([rung(50.0)], footing(5.0), replace(HISTORY, actions=(action,))) == {}


def test_an_episode_may_have_been_named_before_the_first_or_only_the_last_of_two_splits() -> None:
    actions = (Action(day(4), "split", 0.5), Action(day(6), "split", 0.1))
    split = replace(HISTORY, actions=actions)
    assert list(renamed([rung(100.0)], footing(5.0), split)) == [rung(100.0)]
    assert list(renamed([rung(50.0)], footing(5.0), split)) == [rung(50.0)]
    assert renamed([rung(10.0)], footing(5.0), split) == {}
    other = replace(
        HISTORY, actions=(Action(day(4), "split", 0.5), Action(day(5), "distribution", amount=1.0))
    )
    assert list(renamed([rung(10.0)], footing(5.0), other)) == [rung(10.0)]


def test_a_price_that_a_fund_stood_in_for_may_be_off_by_two_per_cent() -> None:
    bars = tuple(replace(each, adjusted=each.session <= day(2)) for each in HISTORY.bars)
    stood_in = replace(HISTORY, bars=bars)
    assert list(renamed([rung(50.9)], footing(50.0), stood_in)) == [rung(50.9)]
    assert renamed([rung(51.1)], footing(50.0), stood_in) == {}
    assert renamed([rung(50.9, number=3)], footing(50.0, 3), stood_in) == {}
    assert renamed([rung(50.9, number=30)], footing(50.0, 30), stood_in) == {}
    assert list(renamed([rung(98.1)], footing(100.0), stood_in)) == [rung(98.1)]


def test_every_ladder_of_the_episode_is_renamed_in_its_own_direction_and_revision() -> None:
    told = [replace(rung(50.004), revision=revision, direction="down") for revision in ("r1", "r2")]
    assert renamed(told, footing(50.0), HISTORY) == {
        each: Rung(each.revision, "X", footing(50.0).episode, "down") for each in told
    }
