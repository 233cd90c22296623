"""Every measure and part: how it is written, in what unit, and how far it must come back."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bot.rules.measures import (
    Against,
    Average,
    Breadth,
    Change,
    ChangeSince,
    Day,
    Drawdown,
    FromCost,
    Gap,
    Measure,
    OffLow,
    Position,
    Premium,
    Price,
    Ratio,
    Rsi,
    Sigmas,
    SinceTold,
    Spread,
    Streak,
    Volume,
    plain,
)
from bot.rules.terms import AtClose, Both, Comparison, Either, Lasting, NewExtreme, Not, Story, Tree

MEASURES: tuple[tuple[Measure, str, str, float], ...] = (
    # the measure, its text, its unit, and its slack at a threshold of 40 or of −40
    (Price(), "price", "", 0.4),
    (Day(), "day", "%", 0.5),
    (Change(15, "m"), "change 15m", "%", 0.5),
    (Change(2, "h"), "change 2h", "%", 0.5),
    (Change(5, "sessions"), "change 5 sessions", "%", 0.5),
    (ChangeSince(date(2021, 2, 17)), "change since 2021-02-17", "%", 0.5),
    (SinceTold(), "change since told", "%", 0.5),
    (FromCost(16.2), "cost 16.2", "%", 0.5),
    (OffLow("52w"), "off low 52w", "%", 0.5),
    (OffLow("all", "intraday"), "off low all intraday", "%", 0.5),
    (Drawdown("ytd"), "drawdown ytd", "%", 0.5),
    (Drawdown("20d", "intraday"), "drawdown 20d intraday", "%", 0.5),
    (Gap(), "gap", "%", 0.5),
    (Streak(), "streak", "", 0),
    (Volume(), "volume 20d", "x", 4),
    (Volume(5), "volume 5d", "x", 4),
    (Position("52w"), "range 52w", "%", 5),
    (Sigmas(), "sigma 60", "σ", 0.25),
    (Sigmas(20), "sigma 20", "σ", 0.25),
    (Against("HSTECH"), "vs HSTECH", "%", 0.5),
    (Breadth("HSTECH", "down", 3.0), "of HSTECH down 3%", "", 1),
    (Ratio("^HSI"), "ratio ^HSI", "", 0.4),
    (Spread("BABA"), "spread BABA", "", 4),
    (Premium(), "premium", "%", 0.5),
    (Premium("implied gap"), "implied gap", "%", 0.5),
    (Rsi(), "rsi 14", "", 2),
    (Rsi(7), "rsi 7", "", 2),
    (Average("sma", 50), "sma 50", "", 0.2),
    (Average("ema", 20), "ema 20", "", 0.2),
)


@pytest.mark.parametrize("measure,text,unit,slack", MEASURES)
def test_a_measure_has_a_text_a_unit_and_a_slack(
    measure: Measure, text: str, unit: str, slack: float
) -> None:
    assert str(measure) == text
    assert measure.unit == unit
    for threshold in (-40, 40):
        assert measure.slack(threshold) == pytest.approx(slack)


UP, DOWN = Comparison(Day(), "up", 2.0), Comparison(Rsi(), "down", 30.0)
TREES: tuple[tuple[Tree, str], ...] = (
    (UP, "day > 2%"),
    (DOWN, "rsi 14 < 30"),
    (Comparison(Day(), "down", -2.5), "day < -2.5%"),
    (Comparison(Volume(), "up", 2.0), "volume 20d > 2x"),
    (Comparison(Sigmas(), "up", 2.5), "sigma 60 > 2.5σ"),
    (Comparison(Price(), "up", Average("sma", 50)), "price > sma 50"),
    (Comparison(Average("ema", 12), "down", Average("ema", 26)), "ema 12 < ema 26"),
    (Comparison(Breadth("HSTECH", "down", 3.0), "up", 10.0), "10 of HSTECH down 3%"),
    (Comparison(Breadth("HSTECH", "up", 2.5), "down", 4.0), "at most 4 of HSTECH up 2.5%"),
    (NewExtreme("low", "52w"), "new low 52w"),
    (NewExtreme("peak", "all", "intraday"), "new high all intraday"),
    (Story("buyback", 24), "news buyback 24h"),
    (Both((UP, DOWN)), "day > 2% and rsi 14 < 30"),
    (Either((UP, DOWN)), "day > 2% or rsi 14 < 30"),
    (Not(UP), "not day > 2%"),
    (Not(Both((UP, DOWN))), "not (day > 2% and rsi 14 < 30)"),
    (Not(Either((UP, DOWN))), "not (day > 2% or rsi 14 < 30)"),
    (Not(Not(UP)), "not not day > 2%"),
    (Both((UP, Either((DOWN, UP)))), "day > 2% and (rsi 14 < 30 or day > 2%)"),
    (Either((UP, Both((DOWN, UP)))), "day > 2% or rsi 14 < 30 and day > 2%"),
    (Both((Not(UP), DOWN)), "not day > 2% and rsi 14 < 30"),
    (Lasting(UP, 3), "(day > 2% for 3 looks)"),
    (AtClose(DOWN), "(rsi 14 < 30 at close)"),
    (Both((Lasting(UP, 3), AtClose(DOWN))), "(day > 2% for 3 looks) and (rsi 14 < 30 at close)"),
)


@pytest.mark.parametrize("tree,text", TREES)
def test_a_condition_is_written_as_a_person_would_write_it(tree: Tree, text: str) -> None:
    assert str(tree) == text


@given(some.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_as_the_same(number: float) -> None:
    assert float(plain(number)) == number


@pytest.mark.parametrize(
    "number,text",
    [(2.0, "2"), (2.5, "2.5"), (-0.25, "-0.25"), (1234567.0, "1234567.0"), (0.1 + 0.2, repr(0.1 + 0.2))],
)
def test_a_number_is_written_without_needless_zeros(number: float, text: str) -> None:
    assert plain(number) == text
