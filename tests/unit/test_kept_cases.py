"""How two of the cases that every change must keep are told; the others are in tests/pipeline."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import pytest

from bot.alerts.alert import Alert, Move, Seen, move_topics
from bot.alerts.surroundings import move_of
from bot.app.recorded import RecordedMarket
from bot.market.bars import Series
from bot.messages.blocks import plain
from bot.messages.compose import compose
from bot.rules.conditions import Rule
from bot.rules.crossing import Crossing
from bot.rules.evaluate import Ladders, crossings
from bot.rules.grammar import parse
from tests.conftest import PRICES, ROOT

DRAWDOWN = "drawdown 10/20/../90% reference close, trigger touch, window {}, re-arm on new peak"


@pytest.fixture(scope="module")
def market() -> RecordedMarket:
    return RecordedMarket.of(ROOT / "config.yaml", PRICES)


def crossed(market: RecordedMarket, symbol: str, when: str, until: str) -> list[Crossing]:
    series = market.series[symbol].until(date.fromisoformat(until))
    rule = Rule("rule", parse(when), frozenset({symbol}))
    return list(crossings(rule, series, market.calendar, market.catalogue[symbol].market, Ladders()))


def on(day: date, found: Iterable[Crossing]) -> list[Crossing]:
    return [each for each in found if each.session == day]


def alert(market: RecordedMarket, crossing: Crossing, series: Series | None = None, fold: str = "x") -> Alert:
    held = market.series[crossing.symbol] if series is None else series
    seen = Seen("recorded bars", crossing.time)
    move = move_of(crossing, market.catalogue[crossing.symbol], held, market.calendar, seen)
    return Alert(crossing.fingerprint, move, move_topics(crossing), "first", crossing.time, 0, fold)


def test_sixty_per_cent_is_touched_at_the_low_of_8_march_2022_and_lost_at_the_close(
    market: RecordedMarket,
) -> None:
    (found,) = on(date(2022, 3, 8), crossed(market, "HSTECH", DRAWDOWN.format("all"), "2022-03-08"))
    assert (found.steps, found.seen_by, found.final) == ((60,), "range", True)
    heading, then, *_ = plain(compose([alert(market, found)])).splitlines()
    assert heading == "HSTECH touched 60% below its peak: day's low 4,367.79 (−60.09%)"
    assert then == "Closed at 4,382.32, −59.96%: back above −60% (4,378.09)"


def test_the_distribution_of_20_january_2022_is_told_as_traded_and_as_a_holder_had_it(
    market: RecordedMarket,
) -> None:
    day = date(2022, 1, 20)
    (given,) = market.series["0700.HK"].actions
    jd = market.series["9618.HK"].until(date(2022, 1, 19)).bars[-1]
    # one share of JD.com for every 21
    assert given.amount == pytest.approx(jd.close / 21, rel=0.005)
    (found,) = on(day, crossed(market, "0700.HK", "±4/6/10%", "2022-01-20"))
    assert (found.direction, found.steps) == ("up", (4, 6))
    assert found.value == pytest.approx(6.6, abs=0.005)
    move = alert(market, found).facts
    assert isinstance(move, Move)
    assert move.as_traded == pytest.approx(3.51, abs=0.005)
    heading, _, close, *_ = plain(compose([alert(market, found)])).splitlines()
    assert heading == "Tencent +3.51% (as traded), +6.60% adjusted for the JD.com distribution: HK$471.60"
    assert close == (
        "Previous close HK$455.60, Wed 19 Jan 2022, HK$442.40 adjusted for the JD.com distribution"
    )
    card = market.quote("0700.HK", day)
    assert card.as_traded_pct == move.as_traded
    # and the break of that month is not hidden by knowing what it was
    assert [each.session for each in market.series["0700.HK"].bars if each.adjusted][-1] == date(2022, 1, 19)
