from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from bot.alerts.alert import (
    Alert,
    Move,
    Seen,
    Sequel,
    Since,
    alert_from_json,
    alert_to_json,
    move_topics,
    own_fold,
)
from bot.alerts.decisions import decision_of, moves_of, stands_out
from bot.alerts.sequels import Followed, Name, after, closes, looked, retreats
from bot.market.extremes import Extreme
from bot.market.quote import Quote
from bot.rules.crossing import Crossing
from bot.rules.measures import Direction
from tests.cast import NOW

SESSION = date(2022, 3, 16)
OPEN = datetime(2022, 3, 16, 1, 30, tzinfo=UTC)
UP, DOWN = "HK 2022-03-16 up", "HK 2022-03-16 down"


def told(
    *steps: float,
    symbol: str = "HSTECH",
    direction: Direction = "up",
    before: float = 0,
    last: float | None = None,
    minute: int = 0,
    fold: str = "",
    final: bool = False,
) -> Alert:
    """Return the alert of a day move from 100 to its last step, or back from there to `last`."""
    sign = 1 if direction == "up" else -1
    level = 100 + sign * steps[-1]
    made = OPEN + timedelta(minutes=minute)
    crossing = Crossing(
        rule="index_day",
        revision="r1",
        symbol=symbol,
        session=SESSION,
        time=made,
        measure="day change",
        direction=direction,
        episode=SESSION.isoformat(),
        compared_with="close",
        reference=Extreme(100.0, date(2022, 3, 15)),
        trigger="touch",
        steps=steps,
        passed=(before,) if before else (),
        before=before,
        ahead=(),
        level=level,
        value=sign * steps[-1],
        price=level,
        last=level if last is None else last,
        final=final,
        seen_by="quote" if last is None else "range",
        adjusted=False,
    )
    move = Move(crossing, symbol, {"en": symbol}, "HK", "HKD", Seen("Yahoo", made))
    name = fold or (UP if direction == "up" else DOWN)
    return Alert(crossing.fingerprint, move, move_topics(crossing), "first", made, NOW, name)


def quote(
    price: float, minute: int, symbol: str = "HSTECH", *, final: bool = False, day: date = SESSION
) -> Quote:
    made = OPEN + timedelta(minutes=minute) + (day - SESSION)
    return Quote(
        symbol, price, day, made, made + timedelta(seconds=1), "Yahoo", final=final, high=110.0, low=90.0
    )


def follow(*alerts: Alert) -> dict[Name, Followed]:
    return after({}, alerts)


def back(followed: dict[Name, Followed], at: Quote) -> list[Alert]:
    return list(retreats(followed.values(), at, NOW))


def sequel(alert: Alert) -> Sequel:
    assert isinstance(alert.facts, Sequel)
    return alert.facts


def since(alert: Alert) -> tuple[Since, ...]:
    return sequel(alert).since


def settle(followed: dict[Name, Followed], *quotes: Quote) -> dict[Name, Followed]:
    """Return what is followed after the last quote of each instrument."""
    now = max(each.received for each in quotes)
    found: dict[Name, Followed] = {}
    for symbol in {name[1].symbol for name in followed}:
        its = {name: each for name, each in followed.items() if name[1].symbol == symbol}
        found |= next((looked(its, each, now) for each in quotes if each.symbol == symbol), its)
    return found


def closed(followed: dict[Name, Followed], at: datetime) -> list[Alert]:
    return list(closes(followed.values(), at, NOW))


def test_a_price_below_its_nearest_told_step_by_the_slack_is_a_retreat() -> None:
    followed = follow(told(4, 6))
    assert back(followed, quote(103.9, 60)) == []
    assert back(followed, quote(103.5, 61)) == []
    (alert,) = back(followed, quote(103.1, 72))
    (what,) = since(alert)
    assert (sequel(alert).what, what.step, what.lowest, what.level) == ("retreat", 6, 4, 104.0)
    assert (what.price, what.time) == (103.1, OPEN + timedelta(minutes=72))
    assert what.change == pytest.approx(3.1)
    assert (alert.fold, alert.reason, alert.at) == (UP, "sequel", what.time)
    assert alert.topics == told(4, 6).topics


def test_a_fall_that_comes_back_above_its_step_is_a_retreat_as_well() -> None:
    followed = follow(told(4, direction="down"))
    assert back(followed, quote(96.5, 60)) == []
    (alert,) = back(followed, quote(96.6, 61))
    assert sequel(alert).direction == "down"


def test_a_step_smaller_than_the_slack_is_fallen_back_from_at_its_half() -> None:
    followed = follow(told(0.5))
    assert back(followed, quote(100.3, 60)) == []
    assert len(back(followed, quote(100.2, 61))) == 1


def test_a_retreat_is_told_once_until_a_further_step_is_told() -> None:
    first = told(4)
    followed = follow(first)
    (once,) = back(followed, quote(103.0, 1))
    followed = after(followed, [once])
    assert back(followed, quote(104.2, 2)) == []
    assert back(followed, quote(102.0, 3)) == []
    followed = after(followed, [told(6, before=4, minute=4)])
    (again,) = back(followed, quote(103.0, 5))
    assert [each.lowest for each in since(again)] == [4]
    assert again.fingerprint != once.fingerprint


def test_a_touch_that_was_told_when_the_price_was_back_already_is_no_retreat() -> None:
    followed = follow(told(4, last=103.0))
    assert back(followed, quote(102.0, 1)) == []
    followed = after(followed, [told(6, before=4, minute=2)])
    assert len(back(followed, quote(103.0, 3))) == 1


def test_nothing_falls_back_at_the_close_or_in_another_session() -> None:
    followed = follow(told(4))
    assert back(followed, quote(101.0, 400, final=True)) == []
    assert back(followed, quote(101.0, 400, day=SESSION + timedelta(days=1))) == []


def test_the_same_retreat_has_one_fingerprint_whatever_its_price_and_time() -> None:
    followed = follow(told(4))
    (one,), (other,) = back(followed, quote(103.0, 1)), back(followed, quote(102.0, 9))
    assert one.fingerprint == other.fingerprint


def test_two_messages_of_one_ladder_fall_back_each_from_its_own_nearest_step() -> None:
    crossing = told(4).facts
    assert isinstance(crossing, Move)
    name = own_fold(crossing.crossing)
    followed = follow(told(4, fold=f"{name} 4"), told(6, before=4, fold=f"{name} 6"))
    (of_six,) = back(followed, quote(105.0, 5))
    assert of_six.fold == f"{name} 6"
    followed = after(followed, [of_six])
    (of_four,) = back(followed, quote(103.0, 6))
    assert of_four.fold == f"{name} 4"


def test_a_close_waits_for_all_instruments_of_the_message_and_is_told_once() -> None:
    stock = told(8, symbol="1810.HK")
    followed = settle(follow(told(4), stock), quote(102.0, 400, final=True))
    assert closed(followed, OPEN + timedelta(minutes=401)) == []
    followed = settle(followed, quote(109.0, 405, "1810.HK", final=True))
    (alert,) = closed(followed, OPEN + timedelta(minutes=406))
    assert sequel(alert).what == "close"
    assert {each.short: (each.price, each.reached) for each in since(alert)} == {
        "HSTECH": (102.0, 110.0),
        "1810.HK": (109.0, 110.0),
    }
    assert set(alert.topics) == {*told(4).topics, *stock.topics}
    assert closed(after(followed, [alert]), OPEN + timedelta(minutes=500)) == []


def test_a_close_does_not_wait_for_a_name_whose_close_never_comes() -> None:
    followed = settle(follow(told(4), told(8, symbol="1810.HK")), quote(102.0, 400, final=True))
    assert closed(followed, OPEN + timedelta(minutes=429)) == []
    (alert,) = closed(followed, OPEN + timedelta(minutes=431))
    assert [each.short for each in since(alert)] == ["HSTECH"]
    followed = settle(after(followed, [alert]), quote(109.0, 450, "1810.HK", final=True))
    (late,) = closed(followed, OPEN + timedelta(minutes=451))
    assert [each.short for each in since(late)] == ["1810.HK"]
    assert late.fingerprint != alert.fingerprint


def test_what_was_first_told_at_the_close_needs_no_other() -> None:
    followed = settle(follow(told(4, final=True)), quote(104.0, 400, final=True))
    assert closed(followed, OPEN + timedelta(hours=9)) == []


def test_a_session_whose_close_nobody_saw_is_followed_no_longer() -> None:
    assert settle(follow(told(4)), quote(101.0, 0, day=SESSION + timedelta(days=1))) == {}


def test_a_close_that_was_seen_is_told_though_the_next_session_has_begun() -> None:
    followed = settle(follow(told(4), told(8, symbol="1810.HK")), quote(102.0, 400, final=True))
    tomorrow = quote(101.0, 0, day=SESSION + timedelta(days=1))
    followed = settle(followed, tomorrow)
    (alert,) = closed(followed, tomorrow.received)
    assert [(each.short, each.price) for each in since(alert)] == [("HSTECH", 102.0)]


def test_a_sequel_is_stored_and_read_back_whole() -> None:
    (alert,) = back(follow(told(4)), quote(103.0, 1))
    assert alert_from_json(alert_to_json(alert)) == alert


@pytest.mark.parametrize("seed", range(20))
def test_however_prices_flap_each_furthest_step_falls_back_once_and_the_session_closes_once(
    seed: int,
) -> None:
    chance = Random(seed)
    price, furthest = 100.0, 0.0
    raised: list[Alert] = []
    kept: list[Alert] = []
    followed: dict[Name, Followed] = {}
    for minute in range(390):
        price = max(price + chance.uniform(-0.8, 0.8), 80)
        reached = tuple(step for step in (2.0, 3.0, 5.0, 8.0) if furthest < step <= price - 100)
        if reached:
            kept.append(told(*reached, before=furthest, minute=minute))
            followed, furthest = after(followed, kept[-1:]), reached[-1]
        found = back(followed, quote(price, minute))
        assert all(price < 101.5 for _ in found)
        raised += found
        followed = after(followed, found)
        kept += found
        if chance.random() < 0.05:
            # another worker takes over, with what is kept
            followed = after({}, kept)
    steps = [each.step for alert in raised for each in since(alert)]
    assert steps == sorted(set(steps))
    if followed:
        followed = settle(followed, quote(price, 400, final=True))
        ends = closed(followed, OPEN + timedelta(minutes=401))
        assert len(ends) == 1
        assert closed(after(followed, ends), OPEN + timedelta(hours=9)) == []


def decided(alert: Alert, *others: Alert) -> str:
    return decision_of(alert, (*others, alert))


def index(step: float, direction: Direction = "up", raised: int = NOW) -> Alert:
    alert = told(step, symbol="^HSI", direction=direction)
    assert isinstance(alert.facts, Move)
    return replace(alert, facts=replace(alert.facts, is_index=True), raised=raised)


@pytest.mark.parametrize(
    "stock, others, decision",
    [
        (told(8, symbol="1810.HK"), (), "first"),
        (told(8, symbol="1810.HK"), (index(5),), "folded"),
        (told(8, symbol="1810.HK"), (index(4),), "joined"),
        (told(8, symbol="1810.HK"), (index(5, "down"),), "joined"),
        (told(8, symbol="1810.HK"), (told(9, symbol="0700.HK"),), "joined"),
        (told(6, before=4), (told(4),), "new step"),
        (replace(told(8, symbol="1810.HK"), reason="seen late"), (index(5),), "seen late"),
        (index(5), (told(8, symbol="1810.HK"),), "joined"),
    ],
)
def test_each_alert_of_a_message_has_the_reason_it_stands_there(
    stock: Alert, others: Sequence[Alert], decision: str
) -> None:
    assert decided(stock, *others) == decision


def test_a_sequel_is_decided_by_what_it_tells_of() -> None:
    alert = told(4)
    (sequel_,) = back(follow(alert), quote(103.0, 1))
    assert decided(sequel_, alert) == "retreat"


def test_a_name_that_went_twice_as_far_as_its_index_stands_out() -> None:
    moves = moves_of([index(4), told(8, symbol="1810.HK"), told(7, symbol="0700.HK")])
    assert [stands_out(each, moves) for each in moves] == [False, True, False]


def test_what_stands_alone_is_grouped_by_its_rule_and_what_is_urgent_by_nothing() -> None:
    shared = told(4)
    assert isinstance(shared.facts, Move)
    alone = replace(shared, fold=own_fold(shared.facts.crossing))
    assert (shared.is_alone, alone.is_alone) == (False, True)
    assert shared.group == UP
    assert alone.group == "rule r1 2022-03-16"
    assert replace(alone, urgency="urgent").group == alone.fingerprint
