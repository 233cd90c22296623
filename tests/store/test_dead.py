"""Dead letters in Redis: listed, sent after all, dropped; each asked twice does what it does once."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from bot.alerts.alert import Alert
from bot.chat.stored_book import StoredBook
from bot.chats.chat_id import ChatId
from bot.chats.subscription import EVERYTHING
from bot.errors import NotKnown, UsageError
from bot.messages.blocks import plain
from bot.messages.subscribing import Looked, status
from bot.pipeline.fan_out import FanOut
from bot.store import alerts as stored
from bot.store import chats, dead, heard, outbox
from bot.store.dead import Letter
from bot.store.link import Link
from bot.store.outbox import Claim, Ending, Pace
from tests.cast import ALICE, BOB, NOW, alert

FIRST, SECOND, THIRD = alert(1), alert(2, before=1), alert(3, before=2)
FREE = Pace(0, 1)


async def tell(link: Link, *alerts: Alert) -> None:
    for each in alerts:
        await stored.raise_together(link, 1, f"job {each.fingerprint}", NOW, [each])
    await FanOut(link, lambda: NOW).work_off()


async def claimed(link: Link, now: int) -> Claim:
    """Claim the only chat that is due."""
    (claim,) = await outbox.claim(link, ALICE.route, uuid4().hex, now, now + 1_000, 9)
    return claim


async def end(link: Link, each: Alert, now: int, ended: str = "dead") -> None:
    """Let the delivery of an alert end, as a sender does."""
    claim = await claimed(link, now)
    await outbox.begin(link, claim, now, [each])
    ending = Ending(ended, "too long" if ended != "sent" else "7")
    await outbox.settle(link, claim, now, ending, FREE, [each.fingerprint])


async def waiting(link: Link, chat: ChatId) -> list[str]:
    box: str | None = await link.client.hget(link.keys.boxes(), str(chat))
    return (box or "").split()


@pytest.fixture
async def alices(link: Link) -> Link:
    """Alice, to whom a delivery could not be made."""
    await chats.subscribe(link, ALICE, EVERYTHING, NOW - 1)
    await tell(link, FIRST)
    await end(link, FIRST, NOW)
    return link


async def test_what_is_dead_is_listed_with_its_reason_and_its_time(alices: Link) -> None:
    (letter,) = await dead.letters(alices)
    assert letter == Letter(f"{ALICE} {FIRST.fingerprint}", "dead", "too long", NOW, ALICE, FIRST.fingerprint)
    assert await dead.count(alices) == 1
    assert await outbox.counts(alices) == {"dead": 1}


async def test_the_oldest_comes_first_however_many_there_are(link: Link) -> None:
    fields = {
        f"telegram:77:{number} f{number}": json.dumps(
            {"ended": "dead", "why": "no", "at": (number * 7) % 3000}
        )
        for number in range(3000)
    }
    await link.client.hset(link.keys.dead(), mapping=fields)
    held = await dead.letters(link)
    assert [each.at for each in held] == sorted(range(3000))
    short = dead.short_names(held)
    assert len(set(short.values())) == 3000
    assert all(dead.find(held, short[each.field]) == each for each in held)


async def test_the_state_of_things_says_how_many_there_are(alices: Link) -> None:
    found = await StoredBook(alices, (ALICE.route,), lambda: NOW).status()
    looked = Looked(1.0, 5, "Yahoo", "", None, (), {})
    told = plain(status(looked, found.waiting, found.ended, found.dead)).splitlines()
    assert told[0] == "Not all is well"
    assert told[-1] == "Dead letters, which nobody could deliver: 1; marketbell dead list shows them"
    (letter,) = await dead.letters(alices)
    await dead.drop(alices, letter)
    found = await StoredBook(alices, (ALICE.route,), lambda: NOW).status()
    told = plain(status(looked, found.waiting, found.ended, found.dead)).splitlines()
    assert told[0] == "All is well"
    assert told[-1] == "Deliveries: 1 dropped by hand; chats with deliveries waiting: 0"


async def test_a_letter_that_is_sent_after_all_waits_behind_what_waits(alices: Link) -> None:
    await tell(alices, SECOND, THIRD)
    (letter,) = await dead.letters(alices)
    assert await dead.revive(alices, letter, NOW)
    assert await waiting(alices, ALICE) == [each.fingerprint for each in (SECOND, THIRD, FIRST)]
    assert await dead.letters(alices) == ()
    claim = await claimed(alices, NOW)
    assert [(each.state, each.attempt) for each in claim.pending] == [("queued", 0)] * 3


async def test_it_is_due_at_once_and_wakes_who_sends(alices: Link) -> None:
    (letter,) = await dead.letters(alices)
    await alices.client.delete(alices.keys.wake(ALICE.route))
    assert await outbox.next_due(alices, ALICE.route) is None
    await dead.revive(alices, letter, NOW + 5)
    assert await outbox.next_due(alices, ALICE.route) == NOW + 5
    assert await alices.client.llen(alices.keys.wake(ALICE.route)) == 1


async def test_it_is_due_at_once_where_its_chat_only_waits_for_what_is_held(alices: Link) -> None:
    await alices.client.zadd(alices.keys.shelf(str(ALICE)), {SECOND.fingerprint: NOW + 90_000})
    await alices.client.zadd(alices.keys.due(ALICE.route), {str(ALICE): NOW + 90_000})
    (letter,) = await dead.letters(alices)
    await dead.revive(alices, letter, NOW)
    assert await outbox.next_due(alices, ALICE.route) == NOW


async def test_a_hold_of_its_chat_holds_it_too(alices: Link) -> None:
    await tell(alices, SECOND)
    claim = await claimed(alices, NOW)
    await outbox.settle(alices, claim, NOW, Ending("waiting", "429", 7_000), FREE, [SECOND.fingerprint])
    (letter,) = await dead.letters(alices)
    await dead.revive(alices, letter, NOW)
    assert await outbox.next_due(alices, ALICE.route) == NOW + 7_000


async def test_a_chat_that_is_being_told_something_is_not_told_two_things_at_once(alices: Link) -> None:
    await tell(alices, SECOND)
    claim = await claimed(alices, NOW)
    (letter,) = await dead.letters(alices)
    await dead.revive(alices, letter, NOW)
    assert await outbox.claim(alices, ALICE.route, "another", NOW, NOW + 1_000, 9) == ()
    await outbox.settle(alices, claim, NOW, Ending("sent", "7"), FREE, [SECOND.fingerprint])
    assert [each.fingerprint for each in (await claimed(alices, NOW)).pending] == [FIRST.fingerprint]


async def test_it_is_asked_for_twice_and_waits_once(alices: Link) -> None:
    (letter,) = await dead.letters(alices)
    assert await dead.revive(alices, letter, NOW)
    assert await dead.revive(alices, letter, NOW)
    assert await waiting(alices, ALICE) == [FIRST.fingerprint]
    await end(alices, FIRST, NOW, "sent")
    assert not await dead.revive(alices, letter, NOW)
    assert await waiting(alices, ALICE) == []
    assert await outbox.counts(alices) == {"dead": 0, "sent": 1}
    assert await heard.deliveries(alices, FIRST.fingerprint) == {"sent": 1}


async def test_what_nobody_knows_the_end_of_is_looked_up_before_it_is_sent_after_all(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW - 1)
    await tell(link, FIRST)
    await end(link, FIRST, NOW, "unknown")
    await end(link, FIRST, NOW, "unknown")
    (letter,) = await dead.letters(link)
    assert letter.ended == "unknown"
    await dead.revive(link, letter, NOW)
    (pending,) = (await claimed(link, NOW)).pending
    assert pending.in_doubt
    assert await outbox.counts(link) == {"unknown": 0}


async def test_records_that_were_forgotten_meanwhile_are_not_kept_for_ever(alices: Link) -> None:
    (letter,) = await dead.letters(alices)
    await alices.client.delete(alices.keys.ledger(FIRST.fingerprint))
    await dead.revive(alices, letter, NOW)
    assert await alices.client.ttl(alices.keys.ledger(FIRST.fingerprint)) > 0


async def test_what_is_dropped_is_counted_as_dropped_by_hand_and_once(alices: Link) -> None:
    (letter,) = await dead.letters(alices)
    assert await dead.drop(alices, letter)
    assert not await dead.drop(alices, letter)
    assert await dead.letters(alices) == ()
    assert await outbox.counts(alices) == {"dead": 0, "dropped by hand": 1}
    state = await alices.client.hget(alices.keys.ledger(FIRST.fingerprint), str(ALICE))
    assert state == "dropped by hand"
    assert not await dead.revive(alices, letter, NOW)
    assert await waiting(alices, ALICE) == []


async def test_a_job_that_cannot_be_read_can_only_be_dropped(alices: Link) -> None:
    await alices.client.hset(alices.keys.dead(), "job 1", json.dumps({"ended": "dead", "why": "no", "at": 1}))
    job, letter = await dead.letters(alices)
    assert (job.chat, letter.chat) == (None, ALICE)
    with pytest.raises(UsageError, match="is no delivery: it can only be dropped"):
        await dead.revive(alices, job, NOW)
    assert await dead.drop(alices, job)
    assert await outbox.counts(alices) == {"dead": 1}


@pytest.mark.parametrize(
    "record", ["", "{", "[]", "null", '{"ended": "dead"}', '{"ended": 1, "why": 2, "at": "x"}']
)
async def test_a_record_that_cannot_be_read_is_a_letter_all_the_same(link: Link, record: str) -> None:
    await chats.subscribe(link, BOB, EVERYTHING, NOW - 1)
    await tell(link, FIRST)
    await end(link, FIRST, NOW)
    await link.client.hset(link.keys.dead(), f"{BOB} {FIRST.fingerprint}", record)
    (letter,) = await dead.letters(link)
    assert (letter.chat, letter.why) == (BOB, "its record cannot be read")
    assert await dead.revive(link, letter, NOW)
    assert await waiting(link, BOB) == [FIRST.fingerprint]


def test_a_letter_is_found_by_the_beginning_of_its_id() -> None:
    held = [Letter(f"telegram:77:{number} f", "dead", "no", number) for number in range(2_000)]
    whole = held[5].name
    assert dead.find(held, whole[:12]) == dead.find(held, whole.upper()) == held[5]
    with pytest.raises(NotKnown, match="No dead letter has the id “abcdef0123456789”"):
        dead.find(held, "abcdef0123456789")
    alike = next(each.name[:4] for each in held if sum(one.name[:4] == each.name[:4] for one in held) > 1)
    with pytest.raises(NotKnown, match="More than one id of a dead letter begins with"):
        dead.find(held, alike)
    for nonsense in ("", "abc", "nonsense", "../../etc", "f" * 3 + "*"):
        with pytest.raises(UsageError, match="is no id of a dead letter: write one as"):
            dead.find(held, nonsense)
