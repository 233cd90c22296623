from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.market.agreement import Verdict, agreement, moved_far
from bot.market.instrument import Kind
from bot.market.quote import Quote

DAY = date(2022, 3, 23)
AT = datetime(2022, 3, 23, 3, 0, tzinfo=UTC)


def quote(price: float, minutes: float = 0, low: float | None = None, high: float | None = None) -> Quote:
    made = AT + timedelta(minutes=minutes)
    return Quote("HSTECH", price, DAY, made, made, "Yahoo", low=low, high=high, previous_close=4653.77)


@pytest.mark.parametrize(
    "one, other, kind, verdict",
    [
        (quote(4749.12), quote(4749.12), "index", "agree"),
        (quote(4749.12), quote(4653.77), "index", "contradict"),
        (quote(4749.12), quote(4653.77, minutes=5), "index", "contradict"),
        # A quarter of an hour of a quiet day explains one and a half per cent, and of a wild day ten.
        (quote(4749.12), quote(4680.0, minutes=15), "index", "agree"),
        (quote(3690.0, 0, 3460.0, 4250.0), quote(4060.0, 15, 3460.0, 4260.0), "index", "agree"),
        (quote(3690.0, 0, 3680.0, 3700.0), quote(4060.0, 15, 3680.0, 4070.0), "index", "contradict"),
        # A spike widens one range, not both.
        (quote(3690.0, 0, 369.0, 3700.0), quote(4060.0, 15, 3680.0, 3700.0), "index", "contradict"),
        (quote(14.78), quote(14.86), "stock", "agree"),
        (quote(14.78), quote(147.8), "stock", "contradict"),
        (quote(14.78), quote(389.0, minutes=19), "stock", "contradict"),
        (quote(14.78), quote(389.0, minutes=21), "stock", "cannot be compared"),
    ],
)
def test_prices_agree_as_far_as_the_time_between_them_explains(
    one: Quote, other: Quote, kind: Kind, verdict: Verdict
) -> None:
    assert agreement(one, other, kind) == verdict


def test_prices_of_two_sessions_are_not_compared() -> None:
    other = replace(quote(389.0), session=date(2022, 3, 22))
    assert agreement(quote(14.78), other, "stock") == "cannot be compared"


prices = st.floats(0.01, 1e6)
quotes = st.builds(quote, prices, st.floats(0, 25), st.none() | prices, st.none() | prices)


@given(quotes, quotes, st.sampled_from(["index", "stock", "fund", "other"]))
def test_it_matters_not_who_is_asked_first(one: Quote, other: Quote, kind: Kind) -> None:
    assert agreement(one, other, kind) == agreement(other, one, kind)


@given(quotes, quotes, st.floats(0, 20))
def test_more_time_between_them_never_makes_a_contradiction(one: Quote, other: Quote, minutes: float) -> None:
    near, far = (replace(other, time=one.time + timedelta(minutes=each)) for each in (minutes / 2, minutes))
    if agreement(one, near, "stock") == "agree":
        assert agreement(one, far, "stock") == "agree"


@pytest.mark.parametrize(
    "price, before, far",
    [(105.01, 100.0, True), (104.99, 100.0, False), (94.99, 100.0, True), (100.0, None, False)],
)
def test_a_move_of_more_than_five_per_cent_is_far(price: float, before: float | None, far: bool) -> None:
    assert moved_far(replace(quote(price), previous_close=before)) is far
