from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.market.actions import Action
from bot.market.doubt import Holding, Why, doubt
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from tests.pipeline.scripted import SCHEDULE, TODAY, YESTERDAY, chart, quoted, stock

XIAOMI = stock("1810.HK")
HISTORY = chart("1810.HK", 100.0)


def why(quote: Quote, before: Quote | None = None, actions: tuple[Action, ...] = ()) -> Why | None:
    found = doubt(quote, XIAOMI, replace(HISTORY, actions=actions), before, SCHEDULE)
    return None if found is None else found.why


@given(st.floats(80.1, 124.9), st.floats(99.6, 100.4))
def test_what_agrees_with_the_bars_is_believed(price: float, previous: float) -> None:
    assert why(quoted("1810.HK", price, "10:00", previous)) is None


@given(st.floats(0, 1e6), st.floats(0.01, 1e6))
def test_what_goes_by_another_previous_close_never_is(previous: float, price: float) -> None:
    if abs(previous - 100) > 0.51:
        assert why(quoted("1810.HK", price, "10:00", previous)) == "another previous close"


@given(st.floats(0.01, 79.9) | st.floats(125.1, 1e6))
def test_a_leap_from_the_close_is_beyond_belief_until_it_was_believed(price: float) -> None:
    quote = quoted("1810.HK", price, "10:00", 100.0)
    assert why(quote) == "beyond belief"
    assert why(quoted("1810.HK", price * 1.01, "10:01", 100.0), before=quote) is None


def test_what_leaps_by_custom_is_believed_further() -> None:
    wild = chart("1810.HK", 100.0)
    wild = replace(
        wild, bars=tuple(replace(each, close=100 + 4 * (at % 2)) for at, each in enumerate(wild.bars))
    )
    quote = quoted("1810.HK", wild.bars[-1].close * 1.4, "10:00")
    assert doubt(quote, XIAOMI, wild, None, SCHEDULE) is None
    assert why(quoted("1810.HK", 140.0, "10:00")) == "beyond belief"


@pytest.mark.parametrize(
    "action, previous",
    [
        (Action(TODAY, "distribution", amount=8.0), 92.0),
        (Action(TODAY, "distribution", amount=8.0), 100.0),
        (Action(TODAY, "split", factor=0.5), 200.0),
        (Action(TODAY, "split", factor=0.5), 100.0),
    ],
)
def test_what_a_holder_was_given_today_explains_a_previous_close(action: Action, previous: float) -> None:
    assert why(quoted("1810.HK", 95.0, "10:00", previous), actions=(action,)) is None
    earlier = replace(action, session=YESTERDAY)
    explained = previous == 100.0
    found = why(quoted("1810.HK", 95.0, "10:00", previous), actions=(earlier,))
    assert (found is None) is explained


def test_a_price_in_old_shares_is_not_believed_because_its_previous_close_is_in_old_shares_too() -> None:
    split = Action(TODAY, "split", factor=0.1)
    assert why(quoted("1810.HK", 1005.0, "10:00", 1000.0), actions=(split,)) == "another previous close"


def test_a_close_that_is_not_of_the_session_before_proves_nothing() -> None:
    old = chart("1810.HK", 100.0, last=YESTERDAY - timedelta(days=1))
    quote = quoted("1810.HK", 104.0, "10:00", 103.0)
    assert doubt(quote, XIAOMI, old, None, SCHEDULE) is None
    suspended = replace(old, untraded=(YESTERDAY,))
    assert doubt(quote, XIAOMI, suspended, None, SCHEDULE) is not None
    stand_in = replace(HISTORY, bars=tuple(replace(each, adjusted=True) for each in HISTORY.bars))
    assert doubt(quote, XIAOMI, stand_in, None, SCHEDULE) is None
    assert doubt(quote, XIAOMI, HISTORY, None, Schedule({})) is None


@pytest.mark.parametrize(
    "made, received, delay, stale",
    [
        ("10:00", "10:10", 0, False),
        ("10:00", "10:11", 0, True),
        ("10:00", "10:25", 15, False),
        ("10:00", "10:26", 15, True),
        ("11:55", "13:05", 0, False),
        ("11:55", "13:06", 0, True),
        ("15:55", "16:09", 0, False),
        ("15:30", "16:09", 0, True),
        # what is known when the session has settled is its last price, however old
        ("15:30", "16:11", 0, False),
        ("15:36", "16:11", 15, False),
        ("15:30", "16:26", 15, False),
        ("15:30", "16:24", 15, True),
    ],
)
def test_only_an_old_price_of_an_open_session_is_stale(
    made: str, received: str, delay: int, stale: bool
) -> None:
    quote = quoted("1810.HK", 101.0, made, 100.0, received=received, delay=delay)
    assert (why(quote) == "stale") is stale
    assert why(replace(quote, final=True)) is None


def test_each_reason_is_counted_once_an_instrument_and_session() -> None:
    holding = Holding()
    counted = [
        holding.count(symbol, "stale", day)
        for day in (YESTERDAY, YESTERDAY, TODAY)
        for symbol in ("1810.HK", "0700.HK", "1810.HK")
    ]
    assert counted == [True, True, False, False, False, False, True, True, False]
    assert holding.counts == {"stale": 4}


def test_a_second_look_bears_out_only_what_it_agrees_with() -> None:
    holding = Holding()

    def look(price: float, clock: str) -> Quote | None:
        quote = quoted("1810.HK", price, clock, 100.0)
        found = doubt(quote, XIAOMI, HISTORY, None, SCHEDULE)
        assert found is not None
        return holding.seen_again(quote, found, None)

    assert look(130.0, "10:00") is None
    assert look(130.0, "10:00") is None
    assert look(140.0, "10:01") is None
    released = look(142.0, "10:03")
    assert released is not None
    assert released.note == "held for 2 min: 42% in one look, and seen again"
