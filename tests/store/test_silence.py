from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest

from bot.alerts.alert import Alert, Seen, Sequel, Since
from bot.chats.chat_id import ChatId
from bot.chats.silence import Drop, Hold, Mute, Silence
from bot.chats.subscription import chat_topic
from bot.pipeline.moving import move_chat
from bot.pipeline.silence import Silences
from bot.rules.crossing import Rung
from bot.store import chats, heard, outbox, shelf
from bot.store.alerts import Job
from bot.store.growing import Growing, written
from bot.store.link import Link
from bot.store.outbox import Claim
from bot.store.silence import change_silence, silence_of
from tests.cast import ALICE, BOB, MOMENT, NOW, alert

ZONE = "Asia/Hong_Kong"
NOTHING = Silence(ZONE)
NIGHT = Silence("Europe/London", (time(23), time(7)), (Mute("instrument:HSTECH", NOW + 1), Mute("all")))
HOUR = 3_600_000


async def kept(link: Link, chat: ChatId = ALICE) -> Silence:
    return await silence_of(link, chat, ZONE)


async def test_what_a_chat_sets_is_read_back_and_is_its_own(link: Link) -> None:
    assert await kept(link) == NOTHING
    await change_silence(link, ALICE, NOTHING, NIGHT)
    assert await kept(link) == replace(NIGHT, mutes=(Mute("all"), Mute("instrument:HSTECH", NOW + 1)))
    assert await kept(link, BOB) == NOTHING


async def test_what_is_set_back_leaves_no_key_behind(link: Link) -> None:
    quiet = replace(NOTHING, quiet=(time(23), time(7)), mutes=(Mute("all"),), digest=(time(9),))
    await change_silence(link, ALICE, NOTHING, quiet)
    assert await link.client.exists(link.keys.silence(str(ALICE))) == 1
    await change_silence(link, ALICE, quiet, NOTHING)
    assert await link.client.exists(link.keys.silence(str(ALICE))) == 0


async def test_two_who_set_different_things_at_once_both_get_what_they_set(link: Link) -> None:
    await change_silence(link, ALICE, NOTHING, replace(NOTHING, quiet=(time(23), time(7))))
    await change_silence(link, ALICE, NOTHING, replace(NOTHING, mutes=(Mute("all"),)))
    assert await kept(link) == replace(NOTHING, quiet=(time(23), time(7)), mutes=(Mute("all"),))


async def test_a_setting_that_cannot_be_read_holds_nothing_up(link: Link) -> None:
    await link.client.hset(link.keys.silence(str(ALICE)), mapping={"quiet": "junk", "zone": "Mars", "x": "y"})
    assert await kept(link) == NOTHING
    assert await Silences(link, ZONE)(ALICE, [alert()], NOW) == {}


async def claimed(link: Link, chat: ChatId, alerts: Sequence[Alert]) -> Claim:
    """Let a chat be claimed with alerts in its mailbox, as they come there."""
    await chats.subscribe(link, chat, "instrument:HSTECH", 0)
    job = Job("j", NOW, tuple(each.fingerprint for each in alerts), "")
    pairs, cursor = [("instrument:HSTECH", each.fingerprint) for each in alerts], outbox.START
    while cursor != outbox.DONE:
        cursor = await outbox.fan_out_chunk(link, job, pairs, cursor, NOW)
    (claim,) = await outbox.claim(link, chat.route, "t", NOW, NOW + 60_000, 10)
    return claim


async def test_a_chat_that_moves_takes_its_silence_along(link: Link) -> None:
    claim = await claimed(link, ALICE, [alert()])
    await change_silence(link, ALICE, NOTHING, NIGHT)
    await change_silence(link, BOB, NOTHING, replace(NOTHING, quiet=(time(1), time(2))))
    await move_chat(link, claim, BOB, NOW)
    moved = await kept(link, BOB)
    assert moved.quiet == (time(1), time(2)), "what the new name had set stays"
    assert (moved.zone, len(moved.mutes)) == ("Europe/London", 2)
    assert await link.client.exists(link.keys.silence(str(ALICE))) == 0


async def test_what_is_held_for_a_chat_that_moves_is_judged_by_its_silence_there(link: Link) -> None:
    held = alert()
    claim = await claimed(link, ALICE, [held])
    await change_silence(link, ALICE, NOTHING, replace(NOTHING, mutes=(Mute("all", NOW + HOUR),)))
    assert await shelf.shelve(link, claim, {held.fingerprint: Hold(NOW + HOUR, "muted")})
    await move_chat(link, claim, BOB, NOW)
    (there,) = await outbox.claim(link, BOB.route, "t2", NOW, NOW + 60_000, 10)
    assert (there.chat, [each.fingerprint for each in there.pending]) == (BOB, [held.fingerprint])
    assert await Silences(link, ZONE)(BOB, [held], NOW) == {held.fingerprint: Hold(NOW + HOUR, "muted")}


async def test_silences_are_heeded_as_soon_as_they_are_set(link: Link) -> None:
    silences, told = Silences(link, ZONE), alert()
    assert await silences(ALICE, [told], NOW) == {}
    await change_silence(link, ALICE, NOTHING, replace(NOTHING, mutes=(Mute("instrument:HSTECH"),)))
    assert await silences(ALICE, [told], NOW) == {told.fingerprint: Drop("muted")}
    assert await silences(BOB, [told], NOW) == {}


async def test_the_clocks_are_the_operators_where_a_chat_has_none(link: Link) -> None:
    quiet = (time(23), time(7))
    await link.client.hset(link.keys.silence(str(ALICE)), "quiet", "23:00-07:00")
    now = datetime(2026, 11, 24, 2, tzinfo=UTC)
    told = alert(raised=round(now.timestamp() * 1000))
    in_london, here = Silences(link, "Europe/London"), Silences(link, ZONE)
    assert (await here.of(ALICE)).quiet == quiet
    assert await here(ALICE, [told], told.raised) == {}
    assert await in_london(ALICE, [told], told.raised) == {
        told.fingerprint: Hold(round(datetime(2026, 11, 24, 7, tzinfo=UTC).timestamp() * 1000), "quiet")
    }


async def test_a_mute_of_an_instrument_holds_what_the_chats_own_rule_tells_of_it(link: Link) -> None:
    own = replace(alert(), topics=(chat_topic(str(ALICE)),))
    await change_silence(link, ALICE, NOTHING, replace(NOTHING, mutes=(Mute("instrument:HSTECH"),)))
    assert await Silences(link, ZONE)(ALICE, [own], NOW) == {own.fingerprint: Drop("muted")}
    other = replace(alert(symbol="0700.HK"), topics=(chat_topic(str(ALICE)),))
    assert await Silences(link, ZONE)(ALICE, [other], NOW) == {}


def became(fold: str) -> Alert:
    rung = Rung("r1", "HSTECH", "2022-03-16", "up")
    since = Since(
        rung, "HSTECH", 4, 4, 104.0, 105.0, 5.0, MOMENT, Seen("Yahoo", MOMENT), "HKD", is_index=True
    )
    facts = Sequel("close", "HK", date(2022, 3, 16), "up", fold, (since,))
    return Alert("became", facts, ("instrument:HSTECH", "all"), "sequel", MOMENT, NOW, fold)


async def test_what_only_changes_a_message_is_held_with_what_it_follows_and_else_not(link: Link) -> None:
    await change_silence(link, ALICE, NOTHING, replace(NOTHING, mutes=(Mute("all", NOW + HOUR),)))
    sequel = became("HK 2022-03-16 up")
    assert await Silences(link, ZONE)(ALICE, [sequel], NOW) == {"became": Hold(NOW + HOUR, "muted")}
    shown = Growing("HK 2022-03-16 up", "17", NOW, ("x",))
    await link.client.hset(link.keys.growing(str(ALICE)), shown.name, written(shown))
    assert await Silences(link, ZONE)(ALICE, [sequel], NOW) == {}


async def test_in_a_replay_silence_is_not_even_asked_for(link: Link) -> None:
    await change_silence(link, ALICE, NOTHING, replace(NOTHING, mutes=(Mute("all"),)))
    assert await Silences(link, ZONE)(ALICE, [replace(alert(), replay_of="march")], NOW) == {}


# What became of an alert's deliveries


async def test_chats_that_nobody_has_begun_are_counted_as_queued(link: Link) -> None:
    told = alert()
    claim = await claimed(link, ALICE, [told])
    assert await heard.deliveries(link, told.fingerprint) == {"queued": 1}
    await outbox.begin(link, claim, NOW, [told])
    assert await heard.deliveries(link, told.fingerprint) == {"sending": 1}
    await link.client.hset(link.keys.ledger(told.fingerprint), str(BOB), "sent 5")
    await link.client.hincrby(link.keys.ledger(told.fingerprint), "queued", 3)
    assert await heard.deliveries(link, told.fingerprint) == {"queued": 2, "sending": 1, "sent": 1}


async def test_a_ledger_that_counts_fewer_than_it_has_says_only_what_it_has(link: Link) -> None:
    await link.client.hset(link.keys.ledger("f"), mapping={str(ALICE): "sent 5", str(BOB): "dropped moved"})
    assert await heard.deliveries(link, "f") == {"sent": 1, "dropped": 1}


@pytest.mark.parametrize("state", ["sent 7 joined", "waiting 1 busy", "dead too long"])
async def test_the_state_of_a_delivery_is_what_the_ledger_has(link: Link, state: str) -> None:
    await link.client.hset(link.keys.ledger("f"), mapping={str(ALICE): state, "queued": "2"})
    assert await heard.state_of(link, "f", ALICE) == state
    assert await heard.state_of(link, "f", BOB) is None


async def test_what_waits_in_the_mailbox_or_came_back_from_the_shelf_is_queued(link: Link) -> None:
    first, second = alert(4), alert(6, 4)
    claim = await claimed(link, ALICE, [first, second])
    assert await heard.state_of(link, second.fingerprint, ALICE) == "queued"
    await shelf.shelve(link, claim, {first.fingerprint: Hold(NOW + HOUR, "quiet")})
    assert await heard.state_of(link, first.fingerprint, ALICE) == f"held {NOW + HOUR} quiet"


async def test_decisions_are_counted_by_name_over_all_chats(link: Link) -> None:
    told = alert(6, 4)
    states = [
        "sent 1",
        "sent 2 joined",
        "sent 3 quiet",
        "held 9 quiet",
        "dropped muted",
        "dropped moved",
        "dead x",
    ]
    ledger = {f"telegram:77:{number}": state for number, state in enumerate(states)}
    await link.client.hset(link.keys.ledger(told.fingerprint), mapping={**ledger, "queued": "7"})
    assert await heard.decisions(link, told) == {"new step": 1, "joined": 1, "quiet": 2, "muted": 1}
