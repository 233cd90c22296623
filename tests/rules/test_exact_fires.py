"""What a back-test says of a ladder, word for word and figure for figure, and what it never says twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.errors import NotKnown
from bot.market.bars import Bar, Calendar, Series
from bot.market.catalogue import Catalogue
from bot.market.extremes import Extreme, Standing
from bot.market.instrument import Instrument, bare_instrument
from bot.market.twins import Twin
from bot.rules.arrays import extremes
from bot.rules.backtest import Past, Told, backtest, fires_of, report
from bot.rules.conditions import (
    AutoSteps,
    DayMove,
    FixedSteps,
    FromBase,
    FromExtreme,
    Ladder,
    Often,
    Rule,
    Telling,
)
from bot.rules.evaluate import Ladders, crossings
from bot.rules.fires import ladder_crossings, ladder_fires
from bot.rules.grammar import parse
from bot.rules.measures import ChangeSince, FromCost
from bot.rules.report import (
    Changes,
    Cost,
    Fire,
    Silence,
    Unjudged,
    cost_of,
    longest_silence,
    per_year,
)

START = date(2022, 1, 3)
SYMBOL = "0700.HK"


def day(number: int) -> date:
    return START + timedelta(days=number)


def about(number: float) -> Any:
    """Stand for a number that is computed, in a value that is compared whole."""
    return pytest.approx(number)


def bars(*closes: float) -> tuple[Bar, ...]:
    """Bars whose range is two per cent about the close, a day apart."""
    return tuple(
        Bar(day(number), close, close, close * 1.02, close * 0.98) for number, close in enumerate(closes)
    )


CLOSES = (
    100.0, 103.0, 97.0, 92.0, 99.0, 108.0, 115.0, 101.0, 90.0, 80.0, 84.0, 96.0, 110.0, 121.0, 118.0, 95.0,
    94.0, 130.0, 131.0, 88.0, 70.0, 69.0, 75.0, 90.0, 90.5, 91.0, 60.0, 66.0, 79.0, 100.0, 140.0, 139.0,
)  # fmt: skip
SERIES = Series(SYMBOL, bars(*CLOSES))
CALENDAR = Calendar({"HK": tuple(day(number) for number in range(len(CLOSES)))})
LADDERS: tuple[Ladder, ...] = (
    DayMove(FixedSteps((2.0, 5.0, 10.0))),
    DayMove(AutoSteps(2.0, 5, 1.5, 8.0, (1.0, 1.5, 2.5))),
    FromExtreme("low", (10.0, 20.0, 40.0), "close", "touch", "all"),
    FromExtreme("peak", (10.0, 20.0, 30.0), "intraday", "touch", "all"),
    FromExtreme("peak", (5.0, 15.0), "close", "close", "mtd"),
    FromBase(FromCost(101.0), FixedSteps((5.0, 10.0, 20.0))),
    FromBase(ChangeSince(day(4)), FixedSteps((5.0,), every=5.0)),
)


def rule_of(ladder: Ladder, often: Often = "each episode") -> Rule:
    return Rule("rule", ladder, frozenset({SYMBOL}), telling=Telling(often))


@pytest.mark.parametrize("often", ["each episode", "once", "once a session"])
@pytest.mark.parametrize("ladder", LADDERS)
def test_all_that_is_said_of_a_fire_is_what_a_look_at_every_bar_says(ladder: Ladder, often: Often) -> None:
    rule = rule_of(ladder, often)
    found = list(ladder_crossings(rule, ladder, SERIES, CALENDAR, "HK"))
    # A rule that never ends an episode begins with the second bar: the first says where the price stands.
    ended = often == "once a session" or (often == "each episode" and not isinstance(ladder, FromBase))
    ladders = Ladders()
    if not ended:
        first = list(crossings(rule, Series(SYMBOL, SERIES.bars[:1]), CALENDAR, "HK", Ladders()))
        for each in first:
            ladders.climb(each)
    whole = list(crossings(rule, SERIES, CALENDAR, "HK", ladders))
    assert found
    if often == "once":
        assert found == whole[:1]
    else:
        assert [(each.session, each.steps, each.direction) for each in found] == [
            (each.session, each.steps, each.direction) for each in whole
        ]
        if ended:
            assert found == whole
    fires = ladder_fires(rule, ladder, SERIES, CALENDAR, "HK")
    assert [date.fromordinal(each) for each in fires.days.tolist()] == [each.session for each in found]
    assert fires.steps.tolist() == [each.step for each in found]
    assert fires.values.tolist() == [each.value for each in found]


@pytest.mark.parametrize("ladder", LADDERS)
def test_what_is_told_from_a_session_on_is_the_tail_of_what_is_told_in_all(ladder: Ladder) -> None:
    rule = rule_of(ladder)
    whole = list(ladder_crossings(rule, ladder, SERIES, CALENDAR, "HK"))
    for number in (0, 1, 5, 8, 9, 12, 20, 31):
        found = list(ladder_crossings(rule, ladder, SERIES, CALENDAR, "HK", day(number)))
        fires = ladder_fires(rule, ladder, SERIES, CALENDAR, "HK", day(number))
        assert fires.days.tolist() == [each.session.toordinal() for each in found]
        assert all(each.session >= day(number) for each in found)
        if not isinstance(ladder, FromBase):
            assert found == [each for each in whole if each.session >= day(number)]


def test_a_rule_from_ones_own_price_that_is_made_late_knows_how_far_the_price_had_come() -> None:
    ladder = FromBase(FromCost(95.0), FixedSteps((5.0, 10.0, 20.0)))
    rule = rule_of(ladder)
    # The close before, 90, is 5% below: those steps are passed, and of a rise that is over none is.
    found = list(ladder_crossings(rule, ladder, SERIES, CALENDAR, "HK", day(9)))
    assert [(each.session, each.direction, each.steps, each.passed, each.before) for each in found] == [
        (day(9), "down", (10.0,), (5.0,), 5.0),
        (day(12), "up", (5.0, 10.0), (), 0.0),
        (day(13), "up", (20.0,), (5.0, 10.0), 10.0),
        (day(20), "down", (20.0,), (5.0, 10.0), 10.0),
    ]
    early = list(ladder_crossings(rule, ladder, SERIES, CALENDAR, "HK", day(1)))
    assert [(each.session, each.direction, each.steps) for each in early] == [
        (day(1), "up", (10.0,)),
        (day(3), "down", (5.0,)),
        (day(6), "up", (20.0,)),
        (day(9), "down", (10.0,)),
        (day(20), "down", (20.0,)),
    ]


def test_what_a_bar_is_compared_with_is_an_extreme_and_the_one_that_began_its_episode() -> None:
    column = extremes(SERIES, "close", "all", "peak")
    assert column.standing(9) == Standing(Extreme(115.0, day(6)), Extreme(115.0, day(6)))
    assert column.standing(14) == Standing(Extreme(121.0, day(13)), Extreme(121.0, day(13)))
    low = extremes(SERIES, "close", "5d", "low").standing(17)
    assert low.extreme == Extreme(94.0, day(16))


def _instruments() -> tuple[Instrument, ...]:
    return (
        bare_instrument(SYMBOL),
        bare_instrument("9988.HK"),
        bare_instrument("TCEHY"),
    )


def _held() -> dict[str, Series]:
    return {
        SYMBOL: SERIES,
        "9988.HK": Series("9988.HK", bars(*(each * 2 for each in CLOSES))),
        "TCEHY": Series("TCEHY", bars(*reversed(CLOSES))),
    }


CATALOGUE = Catalogue.of(_instruments())
SPAN = (day(2), day(25))
DAY_MOVE = Rule("move", DayMove(FixedSteps((5.0, 10.0))), frozenset(_held()), together=True)


def _two_markets() -> Calendar:
    return Calendar({"HK": CALENDAR.sessions["HK"], "US": CALENDAR.sessions["HK"]})


def test_a_back_test_tells_in_order_of_time_and_folds_what_is_told_together() -> None:
    told = backtest([DAY_MOVE], CATALOGUE, _held(), _two_markets(), SPAN)
    assert told.days == tuple(day(number) for number in range(2, 26))
    assert [each.crossing.time for each in told.told] == sorted(each.crossing.time for each in told.told)
    hong_kong = [each for each in told.told if each.crossing.symbol != "TCEHY"]
    assert all(
        each.fold == f"HK {each.crossing.session.isoformat()} {each.crossing.direction}" for each in hong_kong
    )
    # Two Hong Kong lines that move alike are one message.
    of_one = told.cost(SYMBOL)
    assert told.cost().messages - told.cost("TCEHY").messages == of_one.messages
    assert of_one.messages == len({each.fold for each in hong_kong})
    assert told.cost(rule="move") == told.cost()
    assert told.cost(rule="another") == Cost(0, 0.0, 0)
    alone = backtest([replace(DAY_MOVE, together=False)], CATALOGUE, _held(), _two_markets(), SPAN)
    assert [each.fold for each in alone.told] == [each.crossing.fingerprint for each in alone.told]
    assert [each.crossing for each in alone.told] == [each.crossing for each in told.told]


def test_what_a_back_test_cost_is_counted_from_the_first_of_its_days_to_the_last() -> None:
    told = backtest([DAY_MOVE], CATALOGUE, _held(), _two_markets(), SPAN)
    folds = {(each.crossing.session, each.fold) for each in told.told}
    months = 23 / (365.25 / 12)
    assert told.cost().messages == len(folds)
    assert told.cost().a_month == pytest.approx(len(folds) / months)
    assert told.cost().busiest == max(sum(day == each for day, _ in folds) for each in told.days)
    assert Told((), ()).cost() == Cost(0, 0.0, 0)
    assert Told(told.told[:1], ()).cost() == Cost(1, 1.0, 1)


def test_a_back_test_of_a_gate_tells_within_its_span_and_in_order() -> None:
    rule = Rule("gate", parse("day > 5% and above 100"), frozenset({SYMBOL, "9988.HK"}))
    told = backtest([rule], CATALOGUE, _held(), _two_markets(), (day(12), day(29)))
    assert told.told == ()
    assert [(each.session, each.symbol) for each in told.met] == [
        (day(12), SYMBOL), (day(12), "9988.HK"), (day(13), SYMBOL), (day(13), "9988.HK"),
        (day(17), SYMBOL), (day(17), "9988.HK"), (day(22), "9988.HK"), (day(23), "9988.HK"),
        (day(27), "9988.HK"), (day(28), "9988.HK"), (day(29), SYMBOL), (day(29), "9988.HK"),
    ]  # fmt: skip
    assert told.cost().messages == len(told.met)
    assert told.cost(SYMBOL).messages == 4


def test_an_instrument_without_bars_is_passed_over() -> None:
    held = _held() | {"9988.HK": Series("9988.HK", ())}
    del held["TCEHY"]
    past = Past(CATALOGUE, held, CALENDAR)
    assert [(rule.name, each.symbol) for rule, each, _ in past.of([DAY_MOVE])] == [("move", SYMBOL)]
    other = replace(DAY_MOVE, symbols=frozenset({"9988.HK"}))
    assert list(past.of([other])) == []


def test_a_gate_that_compares_with_another_instrument_sees_the_bars_held_of_it() -> None:
    held = _held()
    past = Past(CATALOGUE, held, _two_markets())
    rule = Rule("gate", parse("vs 9988.HK > 1%"), frozenset({SYMBOL}))
    instrument = CATALOGUE[SYMBOL]
    assert len(fires_of(rule, instrument, SERIES, past)) == 0
    ahead = held["9988.HK"].bars
    slow = tuple(replace(each, close=200.0, open=200.0, high=200.0, low=200.0) for each in ahead)
    past = Past(CATALOGUE, held | {"9988.HK": Series("9988.HK", slow)}, _two_markets())
    rises = [number for number in range(1, len(CLOSES)) if CLOSES[number] >= CLOSES[number - 1] * 1.01]
    found = fires_of(rule, instrument, SERIES, past)
    assert found.days.tolist() == [day(number).toordinal() for number in rises]
    late = fires_of(rule, instrument, SERIES, past, day(12))
    assert late.days.tolist() == [day(number).toordinal() for number in rises if number >= 12]
    none = Past(CATALOGUE, {SYMBOL: SERIES, "9988.HK": Series("9988.HK", ())}, _two_markets())
    (unknown,) = report([rule], none).not_known
    assert unknown == Unjudged("vs 9988.HK", SYMBOL, len(CLOSES), "no price of 9988.HK is known")


def test_a_gate_on_breadth_asks_who_belongs_to_the_index_in_each_session() -> None:
    asked: set[tuple[str, date]] = set()

    def members(index: str, session: date) -> tuple[str, ...]:
        asked.add((index, session))
        return (SYMBOL, "9988.HK") if session >= day(10) else (SYMBOL,)

    past = Past(CATALOGUE, _held(), CALENDAR, members)
    rule = Rule("wide", parse("2 of HSTECH up 3%"), frozenset({SYMBOL}))
    found = fires_of(rule, CATALOGUE[SYMBOL], SERIES, past)
    rises = [number for number in range(10, len(CLOSES)) if CLOSES[number] >= CLOSES[number - 1] * 1.03]
    assert found.days.tolist() == [day(number).toordinal() for number in rises]
    assert {index for index, _ in asked} == {"HSTECH"}
    told = backtest([rule], CATALOGUE, _held(), CALENDAR, (day(0), day(31)), members)
    assert [each.session for each in told.met] == [day(number) for number in rises]
    nobody = Past(CATALOGUE, _held(), CALENDAR)
    assert [each.why for each in report([rule], nobody).not_known] == ["no constituent of HSTECH is watched"]


def test_a_gate_on_a_premium_knows_the_lines_of_a_back_test_alone() -> None:
    twins = (Twin("9988.HK", "TCEHY", 1, date(2020, 1, 1)),)
    rule = Rule("premium", parse("premium > 1%"), frozenset({"9988.HK"}))
    alone = report([rule], Past(CATALOGUE, _held(), _two_markets()))
    assert [each.why for each in alone.not_known] == ["no other line of 9988.HK is known"]
    paired = report([rule], Past(CATALOGUE, _held(), _two_markets(), twins=twins))
    assert [each.why for each in paired.not_known] != ["no other line of 9988.HK is known"]


def test_a_report_counts_what_was_told_what_came_after_and_the_longest_silence() -> None:
    rule = Rule("fall", parse("day < -8%"), frozenset({SYMBOL}))
    found = report([rule], Past(CATALOGUE, _held(), CALENDAR))
    falls = [number for number in range(1, len(CLOSES)) if CLOSES[number] * 0.98 <= CLOSES[number - 1] * 0.92]
    assert falls == [7, 8, 9, 15, 19, 20, 26]
    assert [each.session for each in found.fires] == [day(number) for number in falls]
    values = [
        (CLOSES[n] if CLOSES[n] <= CLOSES[n - 1] * 0.92 else CLOSES[n] * 0.98) / CLOSES[n - 1] * 100 - 100
        for n in falls
    ]
    assert [each.value for each in found.fires] == pytest.approx(values)
    assert {(each.step, each.symbol, each.direction, each.unit) for each in found.fires} == {
        (8.0, SYMBOL, "down", "%")
    }
    assert (found.lines, found.symbols) == (("day < -8%",), (SYMBOL,))
    assert (found.first, found.last, found.sessions) == (day(0), day(31), 32)
    assert found.per_year == pytest.approx(7 * 365.25 / 31)
    assert found.longest_silence == Silence(7, day(0), day(7))
    assert found.cost == Cost(7, about(7 / (31 / (365.25 / 12))), 1)
    assert found.last_fired == day(26)
    after = [CLOSES[number + 1] / CLOSES[number] * 100 - 100 for number in falls]
    one = found.after["1"]
    assert one.n == 7
    assert one.median == pytest.approx(sorted(after)[3])
    assert one.share_up == pytest.approx(sum(each > 0 for each in after) / 7)
    assert found.all_days["1"].n == 31
    assert found.all_days["20"].n == 12
    assert list(found.all_days) == ["1", "5", "20"]
    assert found.not_known == (Unjudged("day", SYMBOL, 1, found.not_known[0].why),)


def test_a_report_of_part_of_the_time_looks_at_no_more_than_that() -> None:
    rule = Rule("fall", parse("day < -8%"), frozenset({SYMBOL, "TCEHY"}))
    past = Past(CATALOGUE, _held(), _two_markets())
    found = report([rule], past, (day(8), day(19)))
    assert (found.first, found.last, found.sessions) == (day(8), day(19), 12)
    ours = [each.session for each in found.fires if each.symbol == SYMBOL]
    assert ours == [day(8), day(9), day(15), day(19)]
    assert all(day(8) <= each.session <= day(19) for each in found.fires)
    assert found.not_known == ()
    assert found.all_days["1"].n == 22
    assert found.all_days["5"].n == 14
    assert "20" not in found.all_days
    assert found.per_year == pytest.approx(len(found.fires) * 365.25 / 11)


def test_an_instrument_that_had_no_bars_then_does_not_hide_the_one_behind_it() -> None:
    late = Series(SYMBOL, SERIES.bars[:3])
    past = Past(CATALOGUE, {SYMBOL: late, "9988.HK": _held()["9988.HK"]}, CALENDAR)
    rule = Rule("fall", parse("day < -8%"), frozenset({SYMBOL, "9988.HK"}))
    found = report([rule], past, (day(5), day(31)))
    assert found.symbols == ("9988.HK",)
    assert {each.symbol for each in found.fires} == {"9988.HK"}


def test_messages_that_are_told_together_are_counted_once_a_market_and_direction() -> None:
    past = Past(CATALOGUE, _held(), _two_markets())
    both = frozenset({SYMBOL, "9988.HK"})
    folded = report([replace(DAY_MOVE, symbols=both)], past)
    alone = report([replace(DAY_MOVE, symbols=both, together=False)], past)
    one = report([replace(DAY_MOVE, symbols=frozenset({SYMBOL}), together=False)], past)
    assert folded.fires == alone.fires
    assert alone.cost.messages == len(alone.fires) == 2 * one.cost.messages
    # A bar that tells twice, steps of one direction being one fire, is one message a direction.
    assert folded.cost.messages == one.cost.messages
    assert folded.cost.busiest == one.cost.busiest


def test_what_several_rules_tell_is_in_order_of_sessions_and_named_once() -> None:
    first = Rule("a", parse("day > 8%"), frozenset({SYMBOL}))
    again = Rule("b", parse("day > 8%"), frozenset({"9988.HK"}))
    found = report([first, again], Past(CATALOGUE, _held(), CALENDAR))
    assert found.lines == ("day > 8%",)
    assert found.symbols == (SYMBOL, "9988.HK")
    sessions = [each.session for each in found.fires]
    assert sessions == sorted(sessions)
    assert [each.symbol for each in found.fires[:4]] == [SYMBOL, "9988.HK", SYMBOL, "9988.HK"]
    assert found.cost.messages == len(found.fires)
    assert [each.symbol for each in found.not_known] == [SYMBOL, "9988.HK"]


def test_a_report_without_bars_says_of_what_and_of_when() -> None:
    past = Past(CATALOGUE, {}, CALENDAR)
    rule = Rule("r", parse("day > 8%"), frozenset({"9988.HK", SYMBOL}))
    with pytest.raises(NotKnown, match=r"^No bars of 0700\.HK, 9988\.HK are held\.$"):
        report([rule], past)
    with pytest.raises(NotKnown, match=r"^No bars of any instrument are held\.$"):
        report([], past)
    with pytest.raises(
        NotKnown, match=r"^No bars of 0700\.HK, 9988\.HK are held from 2022-01-05 to 2022-01-28\.$"
    ):
        report([rule], past, SPAN)


def test_the_unit_of_a_fire_is_that_of_what_a_gate_compares_first() -> None:
    past = Past(CATALOGUE, _held(), CALENDAR)

    def first(line: str) -> Fire:
        return report([Rule("r", parse(line), frozenset({SYMBOL}))], past).fires[0]

    assert first("above 100 and day > 5%") == Fire(day(5), 108.0, 100.0, SYMBOL, "up", "")
    assert first("day > 5% and above 100") == Fire(day(5), about(9.0909091), 5.0, SYMBOL, "up", "%")
    new = first("new high all")
    assert (new.session, new.value, new.step, new.unit) == (day(1), None, None, "")
    assert first("above 100").unit == ""


def test_sums_over_dates_are_by_the_average_year() -> None:
    assert per_year(3, date(2022, 1, 1), date(2022, 1, 1)) is None
    assert per_year(3, date(2022, 1, 1), date(2022, 1, 2)) == 3 * 365.25
    assert per_year(0, date(2020, 1, 1), date(2024, 1, 1)) == 0
    first, last = date(2022, 1, 1), date(2022, 12, 31)
    assert longest_silence([], first, last) == Silence(364, first, last)
    middle = date(2022, 7, 2)
    assert longest_silence([middle], first, last) == Silence(182, first, middle)
    assert longest_silence([first, date(2022, 3, 1)], first, last).since == date(2022, 3, 1)
    month = [(first, "a"), (first, "a"), (first, "b"), (last, "a")]
    assert cost_of(month, first, last) == Cost(3, about(3 / (364 / (365.25 / 12))), 2)
    assert cost_of([(first, "a")], first, first) == Cost(1, 1.0, 1)
    assert cost_of([], first, last) == Cost(0, 0.0, 0)


def test_changes_after_a_fire_are_shares_and_quartiles() -> None:
    rule = Rule("all", parse("day > 1%"), frozenset({"9988.HK"}))
    closes = (100.0, 102.0, 101.0, 103.0, 103.0, 106.0, 110.0, 110.0)
    flat = Series("9988.HK", tuple(Bar(day(number), close) for number, close in enumerate(closes)))
    found = report([rule], Past(CATALOGUE, {"9988.HK": flat}, CALENDAR))
    assert [each.session for each in found.fires] == [day(1), day(3), day(5), day(6)]
    after = [101 / 102, 1.0, 110 / 106, 1.0]
    changes = sorted(each * 100 - 100 for each in after)
    assert found.after == {
        "1": Changes(
            median=about(0.0),
            q1=about(changes[0] * 0.25),
            q3=about(changes[3] * 0.25),
            share_up=0.25,
            n=4,
        ),
        "5": Changes(
            median=about(110 / 102 * 100 - 100),
            q1=about(110 / 102 * 100 - 100),
            q3=about(110 / 102 * 100 - 100),
            share_up=1.0,
            n=1,
        ),
    }


def test_the_time_of_a_fire_is_that_of_its_markets_close() -> None:
    rule = rule_of(LADDERS[0])
    (first, *_) = ladder_crossings(rule, LADDERS[0], SERIES, CALENDAR, "HK")
    (abroad, *_) = ladder_crossings(rule, LADDERS[0], SERIES, Calendar({"US": ()}), "US")
    assert first.time == datetime(2022, 1, 4, 8, 10, tzinfo=UTC)
    assert abroad.time == datetime(2022, 1, 4, 21, 0, tzinfo=UTC)


def test_nothing_is_told_of_a_bar_whose_close_before_is_missing() -> None:
    gap = Series(SYMBOL, (*SERIES.bars[:6], *SERIES.bars[8:]))
    found = list(ladder_crossings(rule_of(LADDERS[0]), LADDERS[0], gap, CALENDAR, "HK"))
    assert day(8) not in {each.session for each in found}
    assert {day(5), day(9)} <= {each.session for each in found}
    weekend = Calendar({"HK": gap.sessions})
    again = list(ladder_crossings(rule_of(LADDERS[0]), LADDERS[0], gap, weekend, "HK"))
    assert [each.steps for each in again if each.session == day(8)] == [(2.0, 5.0, 10.0)]
    abroad = list(ladder_crossings(rule_of(LADDERS[0]), LADDERS[0], gap, CALENDAR, "US"))
    assert [each.session for each in abroad] == [each.session for each in again]
