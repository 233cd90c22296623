"""What Yahoo's charts say that a holder was given."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.market.actions import Action
from bot.market.schedule import Schedule
from bot.sources.yahoo import YahooSource
from bot.sources.yahoo_chart import read_chart
from tests.fakes.yahoo import FakeYahoo
from tests.sources.yahoo_stage import BEFORE_NOW, NOW, XIAOMI, Clock, Reports, hong_kong

BARS = [(date(2022, 3, 18), 14.0), (date(2022, 3, 21), 14.1), (date(2022, 3, 22), 14.2)]


async def test_splits_and_distributions_come_with_the_bars_oldest_first(
    fake: FakeYahoo, yahoo: YahooSource
) -> None:
    actions = (
        Action(date(2021, 9, 1), "split", factor=0.1),
        Action(date(2022, 3, 21), "distribution", amount=0.25),
        Action(date(2022, 3, 22), "split", factor=10.0),
        Action(date(2022, 3, 22), "distribution", amount=0.5),
    )
    fake.put_history("1810.HK", BARS, actions=reversed(actions))
    series = await yahoo.history(XIAOMI, BEFORE_NOW)
    assert series.actions == tuple(sorted(actions, key=lambda each: (each.session, each.kind)))
    (asked,) = fake.asked("/v8/finance/chart")
    assert asked.query["events"] == "div,splits"


async def test_two_new_shares_for_one_halve_the_prices_before(fake: FakeYahoo, yahoo: YahooSource) -> None:
    fake.put_history("1810.HK", BARS)
    stamp = int(hong_kong("2022-03-22", "09:30").timestamp())
    split = {"date": stamp, "numerator": 2, "denominator": 1, "splitRatio": "2:1"}
    fake.charts["1810.HK"]["events"] = {"splits": {str(stamp): split}}
    (found,) = (await yahoo.history(XIAOMI, BEFORE_NOW)).actions
    assert found == Action(date(2022, 3, 22), "split", factor=0.5)


async def test_a_split_of_today_is_known_before_the_opening_that_it_bears(
    fake: FakeYahoo, yahoo: YahooSource, clock: Clock
) -> None:
    today, tomorrow = date(2022, 3, 23), date(2022, 3, 24)
    actions = [Action(today, "split", factor=0.2), Action(tomorrow, "split", factor=0.5)]
    fake.put_history("1810.HK", BARS, actions=actions)
    clock.now = hong_kong("2022-03-23", "08:00")
    assert (await yahoo.history(XIAOMI, today)).actions == (actions[0],)


async def test_two_distributions_of_a_day_are_one(fake: FakeYahoo, yahoo: YahooSource) -> None:
    stamp = int(hong_kong("2022-03-22", "09:30").timestamp())
    fake.put_history("1810.HK", BARS)
    given_twice = {"a": {"date": stamp, "amount": 0.25}, "b": {"date": stamp + 60, "amount": 0.5}}
    fake.charts["1810.HK"]["events"] = {"dividends": given_twice}
    (found,) = (await yahoo.history(XIAOMI, BEFORE_NOW)).actions
    assert found == Action(date(2022, 3, 22), "distribution", amount=0.75)


STAMP = int(datetime(2022, 3, 22, 1, 30, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    "events, what",
    [
        ({"splits": {"1": {"date": STAMP, "numerator": 0, "denominator": 1}}}, "split"),
        ({"splits": {"1": {"date": STAMP, "numerator": 2}}}, "split"),
        ({"splits": {"1": {"date": STAMP, "numerator": "2", "denominator": "1"}}}, "split"),
        ({"splits": {"1": {"date": STAMP, "numerator": 1, "denominator": 1}}}, "split"),
        ({"splits": {"1": {"date": STAMP, "numerator": 1e9, "denominator": 1}}}, "split"),
        ({"splits": {"1": {"date": None, "numerator": 2, "denominator": 1}}}, "split"),
        ({"splits": {"1": {"date": 10**20, "numerator": 2, "denominator": 1}}}, "split"),
        ({"splits": {"1": None}}, "split"),
        ({"splits": [2, 1]}, "splits"),
        ({"dividends": {"1": {"date": STAMP, "amount": -1}}}, "distribution"),
        ({"dividends": {"1": {"date": STAMP, "amount": float("nan")}}}, "distribution"),
        # More than a share was worth: such a dividend is in another unit than the price.
        ({"dividends": {"1": {"date": STAMP, "amount": 14.1}}}, "distribution"),
        ({"dividends": "none"}, "dividends"),
        ("none", "splits"),
    ],
)
async def test_an_action_that_cannot_be_true_is_left_out_and_the_bars_are_kept(
    fake: FakeYahoo, yahoo: YahooSource, reports: Reports, events: object, what: str
) -> None:
    fake.put_history("1810.HK", BARS)
    fake.charts["1810.HK"]["events"] = events
    series = await yahoo.history(XIAOMI, BEFORE_NOW)
    assert (len(series.bars), series.actions) == (3, ())
    assert ("1810.HK", what, "cannot be true") in reports.reasons


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["splits", "dividends", "date", "numerator", "denominator", "amount"]), inner
        )
    ),
    max_leaves=8,
)


SIDES = ("close", "open", "high", "low", "volume")


@given(JSON)
def test_whatever_is_said_of_actions_the_bars_are_read(events: object) -> None:
    chart = {
        "meta": {"currency": "HKD", "exchangeTimezoneName": "Asia/Hong_Kong"},
        "timestamp": [STAMP],
        "indicators": {"quote": [{side: [14.2] for side in SIDES}]},
        "events": events,
    }
    answer = {"chart": {"result": [chart], "error": None}}
    series, _ = read_chart(answer, XIAOMI, BEFORE_NOW, NOW, Schedule({}))
    assert [each.close for each in series.bars] == [14.2]
    assert all(each.factor > 0 and each.amount >= 0 for each in series.actions)
