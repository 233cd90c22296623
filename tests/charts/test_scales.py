from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.charts.scales import date_ticks, percent_ticks, price_scale

PRICES = st.lists(st.floats(1e-3, 1e6, allow_nan=False), min_size=1, max_size=20)
DATES = st.dates(date(1970, 1, 1), date(2100, 1, 1))


@given(PRICES, st.integers(3, 8))
def test_a_scale_holds_every_price_and_its_ticks_rise_and_are_told_apart(
    prices: list[float], most: int
) -> None:
    scale = price_scale(prices, most)
    assert scale.low < min(prices) <= max(prices) < scale.high
    places = [each.at for each in scale.ticks]
    assert places == sorted(set(places))
    assert all(scale.low <= each <= scale.high for each in places)
    assert len({each.text for each in scale.ticks}) == len(scale.ticks)
    assert len(scale.ticks) <= most + 1
    assert scale.low > 0 or not scale.is_log


@given(DATES, st.integers(1, 40_000), st.integers(3, 8))
def test_ticks_of_dates_are_few_between_both_ends_and_told_apart(first: date, days: int, most: int) -> None:
    last = first + timedelta(days=days)
    ticks = date_ticks(first, last, most)
    assert len(ticks) <= most + 1
    assert all(first.toordinal() <= each.at <= last.toordinal() for each in ticks)
    assert len({each.text for each in ticks}) == len(ticks)


@pytest.mark.parametrize(
    "first, last, said",
    [
        (date(2020, 12, 1), date(2022, 6, 30), ["Jan 2021", "May 2021", "Sep 2021", "Jan 2022", "May 2022"]),
        (date(2012, 1, 2), date(2021, 12, 29), ["2014", "2016", "2018", "2020"]),
        (date(2022, 3, 14), date(2022, 3, 18), ["14 Mar", "15 Mar", "16 Mar", "17 Mar", "18 Mar"]),
    ],
)
def test_dates_are_said_as_shortly_as_they_are_clear(first: date, last: date, said: list[str]) -> None:
    assert [each.text for each in date_ticks(first, last, 6)][-len(said) :] == said


def test_changes_in_per_cent_have_their_signs() -> None:
    assert [each.text for each in percent_ticks(-6.0, 5.5, 5)] == ["−5%", "−2.5%", "0%", "+2.5%", "+5%"]


def test_prices_that_went_up_fourfold_are_on_a_log_scale() -> None:
    assert not price_scale((10.0, 39.0), 5).is_log
    wide = price_scale((10.0, 400.0), 5)
    assert wide.is_log
    assert [each.text for each in wide.ticks] == ["10", "20", "50", "100", "200"]
