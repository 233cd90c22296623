from __future__ import annotations

from random import Random

import pytest

from bot.alerts.outcome import Again, Broken, Gone, Outcome, Refused, Sent, Slow, Unknown
from bot.pipeline.dispatch import Patience
from bot.pipeline.recording import ending_of
from bot.store.outbox import Ending

PATIENCE = Patience(doubt=30_000)


def ended(outcome: Outcome, attempt: int = 1) -> Ending:
    return ending_of(outcome, (), attempt, PATIENCE, Random(1))


@pytest.mark.parametrize(
    "outcome, state, wait",
    [
        (Sent("12"), "sent", 0),
        (Slow("429", 7_000), "waiting", 7_000),
        (Slow("429", None), "waiting", 5_000),
        (Again("502", 250), "waiting", 250),
        (Unknown("cut off"), "unknown", 30_000),
        (Gone("blocked"), "gone", 0),
        (Broken("empty"), "dead", 0),
        (Refused("new words"), "refused", 1_137),
    ],
)
def test_what_a_platform_says_has_one_ending(outcome: Outcome, state: str, wait: int) -> None:
    ending = ended(outcome)
    assert (ending.state, ending.wait) == (state, wait)


def test_a_long_message_is_counted_as_so_many() -> None:
    assert ended(Sent("12", posts=3)).posts == 3


@pytest.mark.parametrize("attempt, most", [(1, 2_000), (4, 16_000), (30, 300_000)])
def test_a_failure_waits_longer_each_time_and_never_longer_than_five_minutes(attempt: int, most: int) -> None:
    waits = [ending_of(Again("502"), (), attempt, PATIENCE, Random(seed)).wait for seed in range(300)]
    assert 1_000 <= min(waits) < most * 0.6
    assert most * 0.8 < max(waits) <= most
