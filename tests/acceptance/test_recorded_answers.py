from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Marketbell

DAY = "2022-03-23"


@pytest.mark.parametrize(
    "asked,change",
    [("1810.HK", 4.08), ("9626.HK", 10.10), ("HSTECH", 2.05), ("小米", 4.08), ("恒生科技指數", 2.05)],
)
def test_a_quote_gives_the_day_change_that_history_knows(
    marketbell: Marketbell, prices: Path, asked: str, change: float
) -> None:
    answer = marketbell("quote", asked, "--data", prices, "--as-of", DAY, "--json").one
    assert answer["day_change_pct"] == pytest.approx(change, abs=0.005)
    assert answer["session"] == DAY
    assert answer["time"] == "2022-03-23T08:10:00+00:00"


def test_a_quote_speaks_to_machines_at_full_precision(marketbell: Marketbell, prices: Path) -> None:
    answer = marketbell("quote", "1810.HK", "--data", prices, "--as-of", DAY, "--json").one
    assert answer["price"] == 14.78
    assert answer["previous_close"] == 14.2
    assert answer["day_change_pct"] == (14.78 / 14.2 - 1) * 100
    assert {"symbol", "name", "source", "freshness"} <= answer.keys()


def test_a_large_distribution_is_told_as_traded_and_as_a_holder_had_it(
    marketbell: Marketbell, prices: Path
) -> None:
    asked = ("quote", "0700.HK", "--data", prices, "--as-of", "2022-01-20")
    answer = marketbell(*asked, "--json").one
    assert answer["as_traded_pct"] == pytest.approx(3.51, abs=0.005)
    assert answer["day_change_pct"] == pytest.approx(6.60, abs=0.005)
    assert "+3.51% (as traded), +6.60% adjusted for the JD.com distribution" in marketbell(*asked).out


def test_a_drawdown_names_both_references_with_their_dates(marketbell: Marketbell, prices: Path) -> None:
    answer = marketbell("drawdown", "HSTECH", "--data", prices, "--as-of", DAY, "--json").one
    expected = [
        ("peak", "close", 10945.22, "2021-02-17", -56.61),
        ("peak", "intraday", 11001.78, "2021-02-18", -56.83),
        ("low", "close", 3472.42, "2022-03-15", 36.77),
        ("low", "intraday", 3463.44, "2022-03-15", 37.12),
    ]
    assert (answer["freshness"], answer["source"]) == ("close", "recorded bars")
    for side, reference, value, when, change in expected:
        found = answer[side][reference]
        assert (found["value"], found["date"]) == (value, when)
        assert found["change_pct"] == pytest.approx(change, abs=0.005)


@pytest.mark.parametrize(
    "symbol,reference,change", [("^HSCE", "intraday", 26.17), ("000300.SS", "close", 7.35)]
)
def test_the_press_figures_hold_from_the_low_they_were_counted_from(
    marketbell: Marketbell, prices: Path, symbol: str, reference: str, change: float
) -> None:
    answer = marketbell("drawdown", symbol, "52w", "--data", prices, "--as-of", DAY, "--json").one
    assert answer["low"][reference]["change_pct"] == pytest.approx(change, abs=0.005)


def test_the_52_week_peak_is_another_than_that_of_all_history(marketbell: Marketbell, prices: Path) -> None:
    answer = marketbell("drawdown", "HSTECH", "52w", "--data", prices, "--as-of", DAY, "--json").one
    assert answer["peak"]["close"]["change_pct"] == pytest.approx(-44.58, abs=0.005)


def test_a_day_change_over_a_missing_session_is_not_known(marketbell: Marketbell, prices: Path) -> None:
    answer = marketbell("quote", "HSTECH", "--data", prices, "--as-of", "2022-04-26", "--json").one
    assert answer["day_change_pct"] is None
    assert answer["previous_close"] is None
    assert "2022-04-25" in answer["not_known"]
    said = marketbell("quote", "HSTECH", "--data", prices, "--as-of", "2022-04-26").out
    assert "Day change not known: the bar of the previous session, 2022-04-25, is missing" in said


def test_adjusted_levels_are_said_to_be_so(marketbell: Marketbell, prices: Path) -> None:
    assert "dividend-adjusted" in marketbell("quote", "1024.HK", "--data", prices, "--as-of", DAY).out
    assert "dividend-adjusted" not in marketbell("quote", "1810.HK", "--data", prices, "--as-of", DAY).out


def test_closes_alone_have_no_intraday_extremes(marketbell: Marketbell, prices: Path) -> None:
    answer = marketbell("drawdown", "KWEB", "--data", prices, "--as-of", DAY, "--json").one
    assert answer["peak"]["intraday"] is None
    assert answer["peak"]["close"]["change_pct"] < -50
