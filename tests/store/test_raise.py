from __future__ import annotations

import asyncio

from bot.store import alerts as stored
from bot.store import lease
from bot.store.link import Link
from tests.cast import NOW, alert, crossing


async def test_an_alert_is_raised_once_however_often_it_is_asked(link: Link) -> None:
    answers = [await stored.raise_together(link, 1, "job", NOW, [alert()]) for _ in range(3)]
    assert [each.verdict for (each,) in answers] == ["raised", "again", "again"]
    assert await link.client.llen(link.keys.jobs()) == 1


async def test_of_two_workers_that_raise_the_same_one_wins_and_the_other_is_told_the_step(link: Link) -> None:
    await stored.raise_together(link, 1, "a", NOW, [alert(6)])
    (answer,) = await stored.raise_together(link, 1, "b", NOW, [alert(4)])
    assert (answer.verdict, answer.told) == ("told", 6.0)
    assert await stored.ladders(link, "r1", "HSTECH") == {crossing().rung: 6.0}


async def test_a_ladder_climbs_only_from_the_step_that_was_told(link: Link) -> None:
    await stored.raise_together(link, 1, "a", NOW, [alert(4)])
    (answer,) = await stored.raise_together(link, 1, "b", NOW, [alert(10, before=4)])
    assert answer.verdict == "raised"
    (late,) = await stored.raise_together(link, 1, "c", NOW, [alert(6, before=4)])
    assert (late.verdict, late.told) == ("told", 10.0)


async def test_a_worker_whose_lease_was_taken_over_raises_nothing(link: Link) -> None:
    first = await lease.hold(link, "old", NOW, NOW + 15_000)
    assert await lease.hold(link, "new", NOW + 14_999, NOW + 30_000) == 0
    second = await lease.hold(link, "new", NOW + 15_000, NOW + 30_000)
    assert second == first + 1
    (answer,) = await stored.raise_together(link, first, "job", NOW, [alert()])
    assert answer.verdict == "fenced"
    assert await stored.next_job(link) is None
    assert await stored.ladders(link, "r1", "HSTECH") == {}
    (answer,) = await stored.raise_together(link, second, "job", NOW, [alert()])
    assert answer.verdict == "raised"


async def test_a_holder_renews_its_lease_within_the_same_epoch(link: Link) -> None:
    epoch = await lease.hold(link, "me", NOW, NOW + 15_000)
    assert await lease.hold(link, "me", NOW + 5_000, NOW + 20_000) == epoch


async def test_a_hundred_raises_at_once_tell_each_step_once(link: Link) -> None:
    answers = await asyncio.gather(
        *(
            stored.raise_together(link, 1, f"j{number}", NOW, [alert(4), alert(6, symbol="^HSI")])
            for number in range(100)
        )
    )
    verdicts = [each.verdict for pair in answers for each in pair]
    assert (verdicts.count("raised"), verdicts.count("again")) == (2, 198)
    assert await link.client.llen(link.keys.jobs()) == 1


async def test_stored_facts_come_back_as_they_were(link: Link) -> None:
    await stored.raise_together(link, 1, "job", NOW, [alert()])
    assert await stored.recent(link, 10) == (alert(),)
