from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.alert import Alert, Flood, Move, alert_from_json, alert_to_json
from bot.alerts.floods import MOST, WITHIN, after, folded, is_flooded
from bot.chats.subscription import NOTICES
from bot.messages.blocks import plain
from bot.messages.compose import compose
from bot.messages.words import LONGEST_HEADING
from tests.cast import MOMENT
from tests.cast import alert as day_move
from tests.unit.test_condition_messages import BELOW, met
from tests.unit.test_condition_messages import told as gate

NOTHING_LOST = (
    "Nothing is left out: until it has been quiet for 3 minutes, "
    "all that it tells joins one message, which grows"
)
SECOND = timedelta(seconds=1)
SIX = "0001.HK, 0002.HK, 0003.HK, 0004.HK, 0005.HK, 0006.HK"
NAMES = tuple(f"{number:04}.HK" for number in range(1, 61))


def move(number: int, seconds: float = 0, rule: str = "stock_day", fold: str = "", step: float = 4) -> Alert:
    """Return the move of the instrument of a number, so many seconds after the first."""
    made = MOMENT + timedelta(seconds=seconds)
    alert = day_move(step, symbol=NAMES[number % len(NAMES)], fold=fold)
    assert isinstance(alert.facts, Move)
    crossing = replace(alert.facts.crossing, rule=rule, revision=rule, time=made)
    name = crossing.fingerprint
    return replace(
        alert, fingerprint=name, fold=fold or name, at=made, facts=replace(alert.facts, crossing=crossing)
    )


def own(number: int, seconds: float = 0) -> Alert:
    """Return an alert of a chat's own gate, of which there is one an instrument."""
    made = MOMENT + timedelta(seconds=seconds)
    alert = gate(replace(met(BELOW), symbol=NAMES[number], time=made), NAMES[number])
    return replace(alert, at=made, condition="price < 12")


def words(alerts: Sequence[Alert]) -> list[Alert]:
    """Return the words to owners among alerts."""
    return [each for each in alerts if isinstance(each.facts, Flood)]


def test_fifteen_messages_in_three_minutes_are_told_one_by_one() -> None:
    alerts = [move(number, number * 10) for number in range(MOST)]
    assert folded(alerts, {}) == tuple(alerts)


def test_from_the_sixteenth_message_on_all_is_one_and_the_operator_is_told_once() -> None:
    alerts = [move(number, number) for number in range(40)]
    found = folded(alerts, {})
    (word,) = words(found)
    assert found.index(word) == MOST + 1
    told = [each for each in found if each is not word]
    assert [each.fingerprint for each in told] == [each.fingerprint for each in alerts]
    assert told[:MOST] == alerts[:MOST]
    assert {each.fold for each in told[MOST:]} == {"flood stock_day 2022-03-16T02:00:15+00:00"}
    assert all(map(is_flooded, told[MOST:]))
    assert (word.topics, word.reason, word.at) == ((NOTICES,), "notice", MOMENT + 15 * SECOND)


def test_steps_of_one_instrument_that_are_told_one_after_another_count_as_the_messages_they_are() -> None:
    steps = [move(1, number, step=number + 1) for number in range(20)]
    found = folded(steps, {})
    assert sum(map(is_flooded, found)) == 5
    assert len(words(found)) == 1


def test_what_is_told_together_counts_once_and_is_no_flood() -> None:
    alerts = [
        move(number, number, fold=f"HK 2022-03-16 {'up' if number % 2 else 'down'}") for number in range(60)
    ]
    assert folded(alerts, {}) == tuple(alerts)


def test_what_joins_a_message_that_is_shown_already_stays_there_in_a_flood() -> None:
    shown = move(0, 0, fold="HK 2022-03-16 up")
    flood = [move(number, number) for number in range(1, 20)]
    late = move(30, 30, fold="HK 2022-03-16 up")
    assert folded([shown, *flood, late], {})[-1] == late


def test_each_rule_is_counted_by_itself_and_each_chats_own_too() -> None:
    theirs = [move(number, number, rule="index_day") for number in range(10)]
    assert not words(
        folded([each for pair in zip(theirs, map(move, range(10)), strict=True) for each in pair], {})
    )
    mine = [own(number, number) for number in range(10)]
    bobs = [replace(each, topics=("chat:telegram:77:1002",)) for each in mine]
    assert not words(folded([*mine, *bobs], {}))


def test_what_no_rule_raised_passes_as_it_is() -> None:
    word = words(folded([move(number) for number in range(20)], {}))[0]
    assert folded([word] * 40, {}) == (word,) * 40


def test_a_flood_lasts_until_the_rule_has_been_quiet_for_three_minutes() -> None:
    flood = [move(number) for number in range(16)]
    still = move(20, WITHIN.total_seconds() - 1)
    anew = move(21, 2 * WITHIN.total_seconds() - 1)
    found = folded([*flood, still, anew], {})
    assert found[-2].fold == found[15].fold
    assert found[-1] == anew


def test_messages_that_come_slowly_are_no_flood() -> None:
    alerts = [move(number, number * 13) for number in range(50)]
    assert folded(alerts, {}) == tuple(alerts)


def test_a_flood_after_another_is_another_message_and_is_told_again() -> None:
    first = [move(number) for number in range(16)]
    second = [move(number + 20, 600) for number in range(16)]
    found = folded([*first, *second], {})
    assert len({each.fold for each in found if is_flooded(each)}) == 2
    assert len({each.fingerprint for each in words(found)}) == 2


def test_a_price_that_comes_in_late_counts_as_told_when_it_came() -> None:
    ahead = [move(number, 900) for number in range(8)]
    behind = [move(number + 10, 0) for number in range(8)]
    assert len(words(folded([*ahead, *behind], {}))) == 1


def test_the_same_alerts_raised_again_after_a_crash_count_once() -> None:
    alerts = [move(number, number) for number in range(20)]
    raised = folded(alerts, {})
    again = folded(alerts, after(raised, {}))
    assert [(each.fingerprint, each.fold) for each in again] == [
        (each.fingerprint, each.fold) for each in raised if each not in words(raised)
    ]


ALERTS = st.lists(
    st.builds(
        move,
        st.integers(0, 40),
        st.just(0),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["", "", "", "HK 2022-03-16 up"]),
        st.integers(1, 5),
    ).flatmap(lambda alert: st.integers(0, 60).map(lambda wait: (alert, wait))),
    max_size=90,
)


def timed(drawn: list[tuple[Alert, int]]) -> list[Alert]:
    """Return alerts of which each was made so many seconds after the one before."""
    found, at = [], MOMENT
    for alert, wait in drawn:
        at += wait * SECOND / 4
        found.append(replace(alert, at=at))
    return found


@given(ALERTS, st.sets(st.integers(0, 89)))
def test_any_split_of_a_run_by_restarts_folds_as_an_unbroken_run_does(
    drawn: list[tuple[Alert, int]], cuts: set[int]
) -> None:
    """What counts is taken up from the alerts that were raised, as they were stored."""
    alerts = timed(drawn)
    raised: list[Alert] = []
    for begin, end in pairwise(sorted({0, len(alerts), *(each for each in cuts if each < len(alerts))})):
        stored = [alert_from_json(alert_to_json(each)) for each in raised]
        raised += folded(alerts[begin:end], after(stored, {}))
    assert raised == list(folded(alerts, {}))


@given(ALERTS)
def test_no_three_minutes_of_a_rule_hold_more_than_sixteen_messages_and_nothing_is_lost(
    drawn: list[tuple[Alert, int]],
) -> None:
    alerts = timed(drawn)
    found = [each for each in folded(alerts, {}) if not isinstance(each.facts, Flood)]
    assert [each.fingerprint for each in found] == [each.fingerprint for each in alerts]
    for rule in ("a", "b"):
        begun: dict[str, datetime] = {}
        for each in found:
            if isinstance(each.facts, Move) and each.facts.crossing.rule == rule:
                begun.setdefault(each.fold, each.at)
        for moment in begun.values():
            assert sum(moment <= each < moment + WITHIN for each in begun.values()) <= MOST + 1


def said(alert: Alert) -> list[str]:
    return plain(compose([alert], ZoneInfo("Asia/Hong_Kong"))).splitlines()


def test_the_operator_is_told_what_flooded_and_how_to_calm_it() -> None:
    alerts = [replace(move(number, number * 9), condition="±4/7/10%") for number in range(20)]
    (word,) = words(folded(alerts, {}))
    assert said(word) == [
        "stock_day told 16 messages in 3 minutes; the rest is one message",
        f"Hong Kong, from 10:00 HKT to 10:02 HKT, 16 Mar 2022: {SIX} and 10 more",
        NOTHING_LOST,
        (
            "To calm it: write together: true beside it, which makes one message a market and direction; "
            "or ±auto in place of its steps, which follow what each instrument is used to; "
            "or a higher first step"
        ),
        "It reads: ±4/7/10%",
    ]
    assert alert_from_json(alert_to_json(word)) == word


def test_a_chat_is_told_of_its_own_rule_and_nobody_else_is() -> None:
    (word,) = words(folded([own(number) for number in range(20)], {}))
    assert word.topics == ("chat:telegram:77:1001",)
    assert said(word) == [
        "“price < 12” told 16 messages in 3 minutes; the rest is one message",
        f"Hong Kong, at 10:00 HKT, 16 Mar 2022: {SIX} and 10 more",
        NOTHING_LOST,
        "To calm it: a threshold further away; or once a session behind it; or fewer instruments",
        "It reads: price < 12",
    ]


def test_one_instrument_whose_rule_floods_is_told_to_ring_once_a_session() -> None:
    (word,) = words(folded([move(1, number, step=number + 1) for number in range(20)], {}))
    remedies = next(each for each in said(word) if each.startswith("To calm it"))
    assert remedies.endswith("or a higher first step; or once a session behind it")
    assert "together" not in remedies


def test_the_one_message_names_every_move_and_whose_rule_it_is() -> None:
    flooded = [each for each in folded([move(number) for number in range(20)], {}) if is_flooded(each)]
    heading, *lines = plain(compose(flooded)).splitlines()
    assert heading == "stock_day, 5 more: 0016.HK, 0017.HK, 0018.HK, 0019.HK and 0020.HK"
    assert [each.split()[0] for each in lines[:5]] == ["0016.HK", "0017.HK", "0018.HK", "0019.HK", "0020.HK"]
    many = [each for each in folded([move(number) for number in range(60)], {}) if is_flooded(each)]
    heading = plain(compose(many)).splitlines()[0]
    assert heading == "stock_day, 45 more: 0016.HK, 0017.HK, 0018.HK, 0019.HK, 0020.HK, 0021.HK and 39 more"
    assert len(heading) <= LONGEST_HEADING


def test_gates_that_flood_are_one_message_too() -> None:
    flooded = [each for each in folded([own(number) for number in range(18)], {}) if is_flooded(each)]
    message = plain(compose(flooded)).splitlines()
    assert message[0] == "“price < 12”, 3 more: 0016.HK, 0017.HK and 0018.HK"
    assert message[1] == "0016.HK below 12: HK$11.98 (−3.07% on the day)"
    assert message[-1].startswith("Market time 10:00 HKT")
