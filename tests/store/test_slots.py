from __future__ import annotations

import asyncio

from bot.store import lease, slots
from bot.store.link import Link
from bot.store.slots import Slot
from tests.cast import NOW

MINUTE = 60_000


async def elected(link: Link, name: str, at: int = NOW) -> int:
    """Let a worker take the lease over from whoever has it."""
    return await lease.hold(link, name, at, at + 1)


async def test_a_slot_is_claimed_once_and_the_next_when_it_begins(link: Link) -> None:
    epoch = await elected(link, "one")
    first = await slots.claim(link, epoch, "look", NOW, MINUTE)
    assert first == Slot(claimed=True, start=NOW, end=NOW + MINUTE)
    await slots.done(link, epoch, "look", first)
    again = await slots.claim(link, epoch, "look", NOW + MINUTE - 1, MINUTE)
    assert again == Slot(claimed=False, start=NOW, end=NOW + MINUTE)
    following = await slots.claim(link, epoch, "look", NOW + MINUTE + 5, MINUTE)
    assert following == Slot(claimed=True, start=NOW + MINUTE, end=NOW + 2 * MINUTE)


async def test_what_was_missed_is_one_slot(link: Link) -> None:
    epoch = await elected(link, "one")
    await slots.claim(link, epoch, "look", NOW, MINUTE)
    late = await slots.claim(link, epoch, "look", NOW + 60 * MINUTE + 7, MINUTE)
    assert late == Slot(claimed=True, start=NOW + 60 * MINUTE, end=NOW + 61 * MINUTE)


async def test_a_slot_that_a_lost_worker_did_not_finish_is_done_by_the_next(link: Link) -> None:
    one = await elected(link, "one")
    await slots.claim(link, one, "look", NOW, MINUTE)
    other = await elected(link, "other", NOW + 10)
    assert await slots.claim(link, other, "look", NOW + 20, MINUTE) == Slot(True, NOW, NOW + MINUTE)


async def test_a_slot_that_it_finished_is_done_again_only_by_one_that_looks_for_itself(link: Link) -> None:
    one = await elected(link, "one")
    slot = await slots.claim(link, one, "look", NOW, MINUTE)
    assert slot is not None
    await slots.done(link, one, "look", slot)
    other = await elected(link, "other", NOW + 10)
    assert await slots.claim(link, other, "look", NOW + 20, MINUTE) == Slot(False, NOW, NOW + MINUTE)
    assert await slots.claim(link, other, "look", NOW + 20, MINUTE, anew=True) == slot
    await slots.done(link, other, "look", slot)
    # It did so itself: anew is for what an earlier one has done.
    assert await slots.claim(link, other, "look", NOW + 30, MINUTE, anew=True) == Slot(
        False, NOW, NOW + MINUTE
    )


async def test_a_worker_that_was_taken_over_claims_nothing_and_finishes_nothing(link: Link) -> None:
    one = await elected(link, "one")
    slot = await slots.claim(link, one, "look", NOW, MINUTE)
    assert slot is not None
    other = await elected(link, "other", NOW + 10)
    assert await slots.claim(link, one, "look", NOW + 20, MINUTE, anew=True) is None
    await slots.done(link, one, "look", slot)
    assert await slots.claim(link, other, "look", NOW + 20, MINUTE) == slot


async def test_of_many_who_claim_a_slot_that_is_done_none_gets_it(link: Link) -> None:
    epoch = await elected(link, "one")
    slot = await slots.claim(link, epoch, "look", NOW, MINUTE)
    assert slot is not None
    await slots.done(link, epoch, "look", slot)
    found = await asyncio.gather(
        *(slots.claim(link, epoch, "look", NOW + late, MINUTE) for late in range(50))
    )
    assert {each and each.claimed for each in found} == {False}


async def test_jobs_have_slots_of_their_own_and_begin_together(link: Link) -> None:
    epoch = await elected(link, "one")
    look = await slots.claim(link, epoch, "look", NOW, MINUTE)
    feeds = await slots.claim(link, epoch, "feeds", NOW + 7, 5 * MINUTE)
    assert look == Slot(claimed=True, start=NOW, end=NOW + MINUTE)
    assert feeds == Slot(claimed=True, start=NOW, end=NOW + 5 * MINUTE)
