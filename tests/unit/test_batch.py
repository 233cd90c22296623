from __future__ import annotations

from dataclasses import replace

from bot.alerts.alert import Alert
from bot.pipeline.batch import Batch, batch_of, by_age
from bot.store.outbox import Pending
from tests.cast import NOW, alert

MINUTE = 60_000
HK, US = alert(4, fold="HK up"), alert(4, symbol="BABA", fold="US up")


def pending(*alerts: Alert, state: str = "queued", held: str = "") -> list[Pending]:
    return [Pending(each.fingerprint, state, 0, held) for each in alerts]


def told(waiting: list[Pending], *alerts: Alert, oldest: int = 0, group_for: int = MINUTE) -> Batch:
    return batch_of(waiting, {each.fingerprint: each for each in alerts}, oldest, group_for)


def test_what_folds_together_goes_together_and_the_rest_waits() -> None:
    also = alert(2, symbol="^HSI", fold="HK up")
    assert told(pending(HK, US, also), HK, US, also).alerts == (HK, also)


def test_what_one_rule_tells_goes_together_for_a_minute() -> None:
    one = alert(4, raised=NOW)
    soon = alert(4, symbol="^HSI", raised=NOW + MINUTE - 1)
    late = alert(4, symbol="^HSCE", raised=NOW + MINUTE)
    assert told(pending(one, soon, late), one, soon, late).alerts == (one, soon)
    assert told(pending(one, soon), one, soon, group_for=0).alerts == (one,)


def test_what_is_urgent_goes_alone() -> None:
    pair = [replace(alert(4, symbol=each), urgency="urgent") for each in ("HSTECH", "^HSI")]
    assert told(pending(*pair), *pair).alerts == (pair[0],)
    assert Batch((pair[0],)).names == ()


def test_what_is_in_doubt_is_repeated_as_it_was_sent() -> None:
    also = alert(2, symbol="^HSI", fold="HK up")
    waiting = [*pending(HK, state="unknown"), *pending(also)]
    assert told(waiting, HK, also).alerts == (HK,)


def test_what_was_held_for_one_reason_is_told_together_whatever_it_is() -> None:
    waiting = [*pending(HK, US, held="quiet"), *pending(alert(6))]
    batch = told(waiting, HK, US, alert(6))
    assert (batch.alerts, batch.why) == ((HK, US), "quiet")


def test_what_is_too_old_is_told_together_as_missed() -> None:
    old = [alert(step, raised=NOW + step) for step in (1, 2)]
    new = alert(3, raised=NOW + 10)
    batch = told(pending(*old, new), *old, new, oldest=NOW + 5)
    assert (batch.alerts, batch.why) == (tuple(old), "missed")
    assert told(pending(new), new, oldest=NOW + 5).why == ""


def test_what_was_raised_first_is_told_first() -> None:
    one, other = alert(1, raised=NOW), alert(2, raised=NOW + 1)
    alerts = {each.fingerprint: each for each in (one, other)}
    assert by_age(pending(other, one), alerts) == pending(one, other)
