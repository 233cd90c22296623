"""The days that every change must keep as they were told, on the recorded market."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

import pytest

from bot.alerts.alert import Alert, Move, Seen, move_topics
from bot.alerts.surroundings import move_of
from bot.app.recorded import RecordedMarket
from bot.market.bars import Series
from bot.market.quote import Quote, look_between
from bot.market.sessions import opening
from bot.messages.blocks import plain
from bot.messages.compose import compose
from bot.rules.conditions import Rule
from bot.rules.crossing import Crossing, fold_of
from bot.rules.evaluate import Ladders, crossings, looked
from bot.rules.footing import footings
from bot.rules.grammar import parse
from tests.conftest import PRICES, ROOT

INTRADAY = "off low 10/20% reference intraday, trigger touch, window 52w, re-arm on new low"
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


def test_a_peak_that_rolls_out_of_its_window_on_24_february_2022_tells_nothing(
    market: RecordedMarket,
) -> None:
    day = date(2022, 2, 24)
    series = market.series["HSTECH"].until(day)
    rule = Rule("rule", parse(DRAWDOWN.format("52w")), frozenset({"HSTECH"}))
    *_, before, now = footings(rule, series, market.calendar, "HK")
    assert before is not None
    assert now is not None
    assert (before.reference.value, now.reference.value) == (9863.82, 9496.79)
    assert before.episode == now.episode
    assert on(day, crossed(market, "HSTECH", DRAWDOWN.format("52w"), "2022-02-24")) == []


def test_sixty_per_cent_is_touched_at_the_low_of_8_march_2022_and_lost_at_the_close(
    market: RecordedMarket,
) -> None:
    (found,) = on(date(2022, 3, 8), crossed(market, "HSTECH", DRAWDOWN.format("all"), "2022-03-08"))
    assert (found.steps, found.seen_by, found.final) == ((60,), "range", True)
    heading, then, *_ = plain(compose([alert(market, found)])).splitlines()
    assert heading == "HSTECH touched 60% below its peak: day's low 4,367.79 (−60.09%)"
    assert then == "Closed at 4,382.32, −59.96%: back above −60% (4,378.09)"


def test_a_new_low_and_a_rebound_in_one_bar_compare_only_the_close(market: RecordedMarket) -> None:
    day = date(2022, 3, 15)
    bar = market.series["HSTECH"].since(day)[0]
    assert bar.high is not None
    assert bar.low is not None
    assert bar.high / bar.low > 1.1 > bar.close / bar.low
    found = crossed(market, "HSTECH", INTRADAY, "2022-03-16")
    assert on(day, found) == []
    (next_day,) = on(date(2022, 3, 16), found)
    assert (next_day.reference.value, next_day.reference.session) == (bar.low, day)


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


def test_thirty_five_steps_at_one_open_are_one_message_that_names_them_all(market: RecordedMarket) -> None:
    day = date(2022, 3, 17)
    loud = [each for each in market.settings.rules_of("loud") if each.name.endswith("_day")]
    told = list(_at_the_open(market, loud, day))
    assert sum(len(each.facts.crossing.steps) for each in told if isinstance(each.facts, Move)) == 35
    heading, *lines = plain(compose(told)).splitlines()
    assert heading == "Hong Kong up: HSTECH +10.88%, Bilibili HK +14.97%, 10 more"
    moved = [each for each in lines if ": passed " in each]
    assert len(moved) == len(told) == 12
    calm = [each for each in market.settings.rules_of("calm") if each.together]
    assert len({each.fold for each in _at_the_open(market, calm, day)}) == 1


def _at_the_open(market: RecordedMarket, rules: Iterable[Rule], day: date) -> Iterator[Alert]:
    """Give what live looks at Hong Kong's opening prices raise."""
    for rule in rules:
        for instrument in market.catalogue:
            series = market.series.get(instrument.symbol)
            if series is None or instrument.symbol not in rule.symbols or instrument.market != "HK":
                continue
            held = series.until(day)
            price, moment = held.bars[-1].open, opening("HK", day)
            assert price is not None
            quote = Quote(
                instrument.symbol, price, day, moment, moment, "Yahoo", open=price, high=price, low=price
            )
            look = look_between(None, quote)
            footing = footings(rule, held, market.calendar, "HK")[-1]
            assert look is not None
            assert footing is not None
            for each in looked(rule, footing, look, Ladders().furthest):
                yield alert(
                    market, each, held.with_bar(quote.bar), fold_of(each, "HK", together=rule.together)
                )
