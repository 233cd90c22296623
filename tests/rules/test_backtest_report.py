"""What a back-test says of rules: their fires, what they cost, what came after them, and what nobody knew."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from statistics import mean, median, quantiles

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from bot.errors import NotKnown
from bot.market.bars import Bar, Calendar, Series
from bot.market.catalogue import Catalogue
from bot.market.instrument import Instrument
from bot.rules.aftermath import Aftermath
from bot.rules.backtest import Past, Told, backtest, fires_of, report
from bot.rules.conditions import Rule, Telling
from bot.rules.grammar import parse
from bot.rules.report import Cost, Fire, Silence, Unjudged, cost_of, longest_silence, per_year
from tests.rules.recorded_scene import calendar, catalogue, members, recorded

ONE = Instrument("0001.HK", "stock", "XHKG", "HKD", "One")
OTHER = Instrument("0002.HK", "stock", "XHKG", "HKD", "Other")
DAY = date(2024, 3, 4)
ALL = (date.min, date.max)


def on(number: int) -> date:
    return DAY + timedelta(days=number)


def bars_of(symbol: str, *closes: float) -> Series:
    return Series(
        symbol, tuple(Bar(on(number), each, each, each, each) for number, each in enumerate(closes))
    )


def past_of(*series: Series) -> Past:
    held = {each.symbol: each for each in series}
    sessions = sorted({session for each in series for session in each.sessions})
    return Past(Catalogue.of((ONE, OTHER)), held, Calendar({"HK": tuple(sessions)}))


def rule_of(
    line: str, *symbols: str, name: str = "rule", together: bool = False, until: date | None = None
) -> Rule:
    return Rule(name, parse(line), frozenset(symbols or (ONE.symbol,)), together, Telling(until=until))


def recorded_past() -> Past:
    return Past(catalogue(), recorded(), calendar(), members)


def test_every_time_a_ladder_would_have_told_is_named_with_the_step_and_what_was_measured() -> None:
    found = report([rule_of("±2/5%")], past_of(bars_of(ONE.symbol, 100, 103, 97.85, 97.85, 104.7)))
    assert [replace(each, value=None) for each in found.fires] == [
        Fire(on(1), None, 2, ONE.symbol, "up"),
        Fire(on(2), None, 5, ONE.symbol, "down"),
        Fire(on(4), None, 5, ONE.symbol, "up"),
    ]
    assert [each.value for each in found.fires] == pytest.approx([3, -5, 7.0005], abs=1e-4)
    assert (found.lines, found.symbols, found.sessions) == (("±2/5%",), (ONE.symbol,), 5)
    assert (found.first, found.last, found.last_fired) == (on(0), on(4), on(4))
    assert found.per_year == pytest.approx(3 * 365.25 / 4)
    assert found.longest_silence == Silence(2, on(2), on(4))
    assert (found.cost.messages, found.cost.busiest) == (3, 1)
    assert found.cost.a_month == pytest.approx(3 * 365.25 / 12 / 4)
    assert [(each.part, each.symbol, each.sessions) for each in found.not_known] == [("day", ONE.symbol, 1)]


def test_the_fires_of_several_rules_are_in_order_of_sessions_then_of_the_rules() -> None:
    held = past_of(bars_of(ONE.symbol, 100, 103, 110), bars_of(OTHER.symbol, 100, 100, 103))
    both = (ONE.symbol, OTHER.symbol)
    found = report([rule_of("±5%", *both), rule_of("±2%", *both)], held)
    assert [(each.session, each.symbol, each.step) for each in found.fires] == [
        (on(1), ONE.symbol, 2),
        (on(2), ONE.symbol, 5),
        (on(2), ONE.symbol, 2),
        (on(2), OTHER.symbol, 2),
    ]
    assert found.lines == ("±5%", "±2%")
    assert found.cost.busiest == 3


def test_what_is_told_together_is_one_message_a_market_a_session_and_a_direction() -> None:
    both = (ONE.symbol, OTHER.symbol)
    held = past_of(bars_of(ONE.symbol, 100, 103, 100), bars_of(OTHER.symbol, 100, 103, 106))
    together = report([rule_of("±2%", *both, together=True)], held)
    alone = report([rule_of("±2%", *both)], held)
    assert len(together.fires) == len(alone.fires) == 4
    assert (together.cost.messages, alone.cost.messages) == (3, 4)
    # gates are told one by one
    gate = rule_of("above 102", *both, together=True)
    assert report([gate], held).cost.messages == len(report([gate], held).fires) == 2


def test_a_gate_tells_in_the_unit_of_its_first_comparison_and_without_one_no_number() -> None:
    held = past_of(bars_of(ONE.symbol, 100, 99, 98, 101))
    assert report([rule_of("below 98.5")], held).fires == (Fire(on(2), 98, 98.5, ONE.symbol, "down", ""),)
    assert report([rule_of("new high all")], held).fires == (Fire(on(3), None, None, ONE.symbol, "up", ""),)


def test_what_came_before_the_time_asked_for_is_known_and_what_came_after_it_is_not() -> None:
    held = past_of(bars_of(ONE.symbol, 100, 89, 79, 78, 69))
    drawdown = rule_of("drawdown 10/20/30%")
    assert [each.step for each in report([drawdown], held).fires] == [10, 20, 30]
    later = report([drawdown], held, (on(2), on(3)))
    assert [(each.session, each.step) for each in later.fires] == [(on(2), 20)]
    assert (later.first, later.last, later.sessions) == (on(2), on(3), 2)
    after = later.after["1"]
    assert (after.q1, after.median, after.q3) == pytest.approx((-100 / 79, -100 / 79, -100 / 79))
    assert (after.share_up, after.n) == (0, 1)
    ended = rule_of("drawdown 10/20/30%", until=on(2))
    assert [each.step for each in report([ended], held).fires] == [10, 20]


def test_of_a_time_without_bars_nothing_is_said_but_that() -> None:
    held = past_of(bars_of(ONE.symbol, 100, 89))
    with pytest.raises(NotKnown, match=r"^No bars of 0001\.HK are held from 2030-01-01 to 2030-02-01\.$"):
        report([rule_of("±2%")], held, (date(2030, 1, 1), date(2030, 2, 1)))
    with pytest.raises(NotKnown, match=r"^No bars of 0002\.HK are held\.$"):
        report([rule_of("±2%", OTHER.symbol)], held)
    with pytest.raises(NotKnown, match=r"^No bars of any instrument are held\.$"):
        report([], held)


def test_an_instrument_that_did_not_trade_yet_leaves_the_others_to_be_told_of() -> None:
    both = (ONE.symbol, OTHER.symbol)
    held = past_of(bars_of(ONE.symbol, 100, 103, 106.5), bars_of(OTHER.symbol, 100))
    assert report([rule_of("±2%", *both)], held, (on(1), on(2))).symbols == (ONE.symbol,)


@pytest.mark.parametrize(
    "line,part,sessions,why",
    [
        ("±2%", "day", 2, "the bar of the previous session, 2024-03-06, is missing for 0001.HK"),
        ("drawdown 20% 90d", "drawdown", 1, "no session of the window 90d is held before it"),
        ("off low 20% 90d", "off low", 1, "no session of the window 90d is held before it"),
        (
            "change since 2024-03-05 > 2%",
            "change since 2024-03-05",
            2,
            "no close is held that a change since 2024-03-05 could count from",
        ),
    ],
)
def test_where_nobody_knew_what_a_ladder_compares_with_it_is_counted_with_the_reason(
    line: str, part: str, sessions: int, why: str
) -> None:
    series = bars_of(ONE.symbol, 100, 101, 102, 103)
    held = past_of(series)
    gap = replace(held, series={ONE.symbol: replace(series, bars=(*series.bars[:2], series.bars[3]))})
    (found,) = report([rule_of(line)], gap if line == "±2%" else held).not_known
    assert (found.part, found.symbol, found.sessions) == (part, ONE.symbol, sessions)
    assert found.why == why


def test_a_price_of_ones_own_is_always_known() -> None:
    assert report([rule_of("cost 100 ±2%")], past_of(bars_of(ONE.symbol, 100, 103))).not_known == ()


def test_each_part_of_a_gate_that_nobody_knew_is_named_once_with_the_reason_of_the_last_time() -> None:
    held = past_of(bars_of(ONE.symbol, *(100 + number for number in range(6))))
    found = report([rule_of("(sma 3 > sma 5 or news buyback) and new high 2d and sma 3 > 1")], held).not_known
    assert found == (
        Unjudged("sma 3", ONE.symbol, 2, found[0].why),
        Unjudged("sma 5", ONE.symbol, 4, found[1].why),
        Unjudged("news buyback 24h", ONE.symbol, 6, "bars do not tell of news"),
        Unjudged("new high 2d", ONE.symbol, 1, "its window holds no session before this one"),
    )
    assert all(each.why and not each.why.endswith(".") for each in found)


closes = some.lists(some.integers(50, 150).map(float), min_size=1, max_size=60)


@given(closes, some.data())
def test_what_came_after_is_spread_as_its_definition_has_it(
    closes: list[float], data: some.DataObject
) -> None:
    rows = data.draw(some.lists(some.integers(0, len(closes) - 1), max_size=80))
    gathered = Aftermath()
    gathered.add(np.array(closes), np.array(rows, np.int64))
    found = gathered.summary()
    for horizon in (1, 5, 20):
        at = [row for row in sorted(set(rows)) if row + horizon < len(closes)]
        changes = [(closes[row + horizon] / closes[row] - 1) * 100 for row in at]
        if not changes:
            assert str(horizon) not in found
            continue
        spread = found[str(horizon)]
        quarters = quantiles(changes, n=4, method="inclusive") if len(changes) > 1 else changes * 3
        assert (spread.q1, spread.median, spread.q3) == pytest.approx(
            (quarters[0], median(changes), quarters[2])
        )
        assert spread.n == len(changes)
        assert spread.share_up == pytest.approx(mean(each > 0 for each in changes))


def test_what_came_after_any_session_stands_beside_what_came_after_a_fire() -> None:
    found = report([rule_of("±2%")], past_of(bars_of(ONE.symbol, 100, 103, 104, 104, 103)))
    after = found.after["1"]
    assert (after.q1, after.median, after.q3) == pytest.approx((100 / 103, 100 / 103, 100 / 103))
    assert (after.share_up, after.n) == (1, 1)
    assert (found.all_days["1"].n, found.all_days["1"].share_up) == (4, 0.5)
    assert set(found.all_days) == {"1"}


def test_within_one_session_nobody_can_say_how_often_a_year_something_happens() -> None:
    assert per_year(3, DAY, DAY) is None
    assert per_year(3, DAY, DAY + timedelta(days=365)) == pytest.approx(3, rel=1e-3)
    assert cost_of([], DAY, DAY) == Cost(0, 0, 0)


def test_the_longest_silence_may_be_before_the_first_fire_or_after_the_last() -> None:
    first, last = on(0), on(100)
    assert longest_silence([], first, last) == Silence(100, first, last)
    assert longest_silence([on(60)], first, last) == Silence(60, first, on(60))
    assert longest_silence([on(40)], first, last) == Silence(60, on(40), last)
    assert longest_silence([on(50)], first, last) == Silence(50, first, on(50))


def test_a_rule_that_never_told_has_no_last_time() -> None:
    found = report([rule_of("±50%")], past_of(bars_of(ONE.symbol, 100, 101)))
    assert (found.fires, found.last_fired, found.after, found.cost.messages) == ((), None, {}, 0)


LINES = ("±2/4/7%", "off low 10/20% 52w", "rsi < 30", "day > 3% and volume > 1x", "cost 100 ±10%")


@pytest.mark.parametrize("span", [ALL, (date(2022, 1, 3), date(2022, 3, 31))])
def test_a_replay_of_recorded_bars_tells_what_a_report_lists(span: tuple[date, date]) -> None:
    past, symbols = recorded_past(), frozenset(recorded())
    rules = [Rule(line, parse(line), symbols, together=line == LINES[0]) for line in LINES]
    told = backtest(rules, past.catalogue, past.series, past.calendar, span, members)
    found = report(rules, past, span)
    crossed = [(each.crossing.session, each.crossing.symbol, each.crossing.step) for each in told.told]
    met = [(each.session, each.symbol) for each in told.met]
    ladders = [
        (each.session, each.symbol, each.step)
        for each in found.fires
        if each.unit == "%" and each.step in {2, 4, 7, 10, 20}
    ]
    assert sorted(crossed) == sorted(ladders)
    gates = [(each.session, each.symbol) for each in found.fires if each.unit != "%" or each.step == 3]
    assert sorted(met) == sorted(gates)
    assert [each.crossing.time for each in told.told] == sorted(each.crossing.time for each in told.told)
    assert [each.time for each in told.met] == sorted(each.time for each in told.met)
    assert told.cost().messages == found.cost.messages
    assert told.days == tuple(
        sorted({day for each in past.calendar.sessions.values() for day in each if span[0] <= day <= span[1]})
    )


def test_what_one_chat_would_have_received_is_counted_by_symbol_and_by_rule() -> None:
    both = (ONE.symbol, OTHER.symbol)
    held = past_of(bars_of(ONE.symbol, 100, 103, 100), bars_of(OTHER.symbol, 100, 103, 106))
    rules = [rule_of("±2%", *both, name="moves", together=True), rule_of("above 102", *both, name="levels")]
    told = backtest(rules, held.catalogue, held.series, held.calendar, (on(0), on(2)))
    assert len(told.told) == 4
    assert len(told.met) == 2
    assert [told.cost(rule=each).messages for each in ("moves", "levels", "others")] == [3, 2, 0]
    assert [told.cost(symbol=each).messages for each in both] == [3, 3]
    assert told.cost(ONE.symbol, "moves").messages == 2
    assert Told((), ()).cost() == Cost(0, 0, 0)


def test_only_instruments_that_are_known_and_held_are_gone_through() -> None:
    held = past_of(bars_of(ONE.symbol, 100, 103), Series(OTHER.symbol, ()))
    rule = rule_of("±2%", ONE.symbol, OTHER.symbol, "0003.HK")
    assert [(instrument, series.symbol) for _, instrument, series in held.of([rule])] == [(ONE, ONE.symbol)]
    assert [
        each.crossing.symbol
        for each in backtest([rule], held.catalogue, held.series, held.calendar, ALL).told
    ] == [ONE.symbol]
    beside = rule_of("vs 0002.HK > 1%")
    assert not len(fires_of(beside, ONE, held.series[ONE.symbol], held))
    told = rule_of("at least 1 of HSTECH up 1%")
    assert not len(fires_of(told, ONE, held.series[ONE.symbol], held))
