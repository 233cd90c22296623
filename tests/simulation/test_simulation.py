from __future__ import annotations

from collections.abc import Iterator, Sequence
from unittest.mock import patch

import pytest

from bot.alerts.alert import Alert
from bot.store import outbox
from bot.store.link import Link, Place
from bot.store.outbox import Claim, Ending, Pace
from tests.simulation.run import server, told
from tests.simulation.steady import shown


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with server() as started:
        yield started


@pytest.mark.parametrize("seed", range(1, 13))
def test_whatever_goes_wrong_in_a_session_none_is_lost_and_none_repeated(place: Place, seed: int) -> None:
    result = told(place, seed)
    assert result.wrong == (), result.happened
    assert len(result.journal) > 20


def test_a_seed_is_the_same_each_time(place: Place) -> None:
    assert told(place, 7).journal == told(place, 7).journal
    assert told(place, 7).journal != told(place, 8).journal


def test_a_sender_that_never_marks_what_it_sends_is_found_out(place: Place) -> None:
    async def forgets(
        _link: Link, _claim: Claim, _now: int, alerts: Sequence[Alert]
    ) -> tuple[int, tuple[str, ...]]:
        return 1, tuple(each.fingerprint for each in alerts)

    with patch("bot.pipeline.turn.outbox.begin", forgets):
        wrong = [each for seed in range(1, 9) for each in told(place, seed).wrong]
    assert any(each.startswith("repeated") for each in wrong), wrong


def test_a_settling_that_loses_what_waits_behind_is_found_out(place: Place) -> None:
    settle = outbox.settle

    async def loses(
        link: Link, claim: Claim, now: int, ending: Ending, pace: Pace, _some: object, _why: object
    ) -> None:
        await settle(link, claim, now, ending, pace, [each.fingerprint for each in claim.pending])

    with patch("bot.pipeline.turn.outbox.settle", loses):
        wrong = [each for seed in range(1, 6) for each in told(place, seed).wrong]
    assert any(each.startswith("recorded and not shown") for each in wrong), wrong


def test_a_hold_on_one_chat_moves_no_send_to_another(place: Place) -> None:
    held = "telegram:77:1001"
    free = shown(place, people=3, every=2, seconds=60)
    slowed = shown(place, people=3, every=2, seconds=60, held=held)
    assert slowed.times(but=held) == free.times(but=held)
    assert len(slowed.times(but=held)) == 60
    assert slowed.times() != free.times()


def test_at_full_pace_the_platform_refuses_nothing_and_next_to_nothing_is_left_unused(place: Place) -> None:
    done = shown(place, people=600, every=20, seconds=60)
    first, last = done.posts[0].at, done.posts[-1].at
    assert done.too_fast == ()
    assert len(done.posts) == 1800
    assert 1800 / 30 * 0.97 <= (last - first) / 1000 <= 1800 / 30 / 0.97
