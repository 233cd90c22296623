from __future__ import annotations

import asyncio
from secrets import token_hex

from bot.alerts.alert import Alert
from bot.chats.chat_id import ChatId
from bot.chats.silence import Hold
from bot.chats.subscription import EVERYTHING, instrument_topic
from bot.pipeline.fan_out import FanOut
from bot.store import alerts as stored
from bot.store import chats, outbox, pace, shelf
from bot.store.link import Link
from bot.store.outbox import Claim, Ending, Pace
from bot.store.pace import Budget, Taken
from tests.cast import ALICE, BOB, CHANNEL, GROUP, NOW, alert

PACE = Pace(1000, 3)


async def raise_and_fan_out(link: Link, *alerts: Alert, at: int = NOW) -> None:
    await stored.raise_together(link, 1, f"job{alerts[0].fingerprint}", at, alerts)
    await FanOut(link, lambda: at).work_off()


async def claimed(link: Link, chat: ChatId, at: int = NOW) -> list[Claim]:
    claims = await outbox.claim(link, chat.route, token_hex(4), at, at + 60_000, 100)
    return [each for each in claims if each.chat == chat]


async def send(link: Link, chat: ChatId, alerts: list[Alert], at: int = NOW, pace: Pace = PACE) -> None:
    (claim,) = await claimed(link, chat, at)
    begun = await outbox.begin(link, claim, at, alerts)
    assert begun is not None
    await outbox.settle(link, claim, at, Ending("sent", "9"), pace, begun[1])


async def states(link: Link, chat: ChatId, *alerts: Alert) -> list[str | None]:
    return [await link.client.hget(link.keys.ledger(each.fingerprint), str(chat)) for each in alerts]


async def test_an_alert_reaches_each_chat_that_asked_for_any_of_its_topics_once(link: Link) -> None:
    await chats.subscribe(link, ALICE, instrument_topic("HSTECH"), NOW)
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    await chats.subscribe(link, CHANNEL, EVERYTHING, NOW)
    await chats.subscribe(link, BOB, instrument_topic("^HSI"), NOW)
    await raise_and_fan_out(link, alert())
    assert [len(each.pending) for each in await claimed(link, ALICE)] == [1]
    assert [len(each.pending) for each in await claimed(link, CHANNEL)] == [1]
    assert await claimed(link, BOB) == []


async def test_who_subscribes_after_an_alert_was_raised_does_not_hear_it(link: Link) -> None:
    await stored.raise_together(link, 1, "job", NOW, [alert()])
    await chats.subscribe(link, ALICE, EVERYTHING, NOW + 1)
    await FanOut(link, lambda: NOW + 2).work_off()
    assert await claimed(link, ALICE, NOW + 2) == []


async def test_who_unsubscribed_before_the_sending_does_not_hear_it(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    await raise_and_fan_out(link, alert())
    await chats.unsubscribe(link, ALICE, EVERYTHING)
    (claim,) = await claimed(link, ALICE)
    assert await outbox.begin(link, claim, NOW, [alert()]) == (1, ())
    assert await outbox.counts(link) == {"dropped unsubscribed": 1}
    await outbox.settle(link, claim, NOW, Ending("dropped", "unsubscribed"), PACE, [])
    assert await outbox.next_due(link, ALICE.route) is None


async def test_a_fan_out_that_stops_anywhere_goes_on_without_a_gap_or_a_repeat(link: Link) -> None:
    people = [ChatId("telegram", "77", str(number)) for number in range(1, 61)]
    for chat in people:
        await chats.subscribe(link, chat, EVERYTHING, NOW)
        await chats.subscribe(link, chat, instrument_topic("HSTECH"), NOW)
    await stored.raise_together(link, 1, "job", NOW, [alert()])
    job = await stored.next_job(link)
    assert job is not None
    pairs = [(topic, alert().fingerprint) for topic in alert().topics]
    cursor, steps = outbox.START, 0
    while cursor != outbox.DONE:
        # each step is asked for twice, as after a lost reply, and by a second worker that is behind
        following = await outbox.fan_out_chunk(link, job, pairs, cursor, NOW, chunk=7)
        assert await outbox.fan_out_chunk(link, job, pairs, cursor, NOW, chunk=7) == following
        assert await outbox.fan_out_chunk(link, job, pairs, outbox.START, NOW, chunk=7) == following
        cursor, steps = following, steps + 1
    assert steps > 120 / 7
    found = await outbox.claim(link, ALICE.route, "me", NOW, NOW + 1, 100)
    assert sorted((each.chat.chat, len(each.pending)) for each in found) == sorted(
        (chat.chat, 1) for chat in people
    )


async def test_what_is_raised_together_lies_in_the_mailbox_before_the_chat_is_due(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    pair = [alert(4), alert(2, symbol="^HSI")]
    await stored.raise_together(link, 1, "job", NOW, pair)
    job = await stored.next_job(link)
    assert job is not None
    pairs = [(EVERYTHING, each.fingerprint) for each in pair]
    cursor, seen = outbox.START, []
    while cursor != outbox.DONE:
        cursor = await outbox.fan_out_chunk(link, job, pairs, cursor, NOW)
        seen += [len(each.pending) for each in await claimed(link, ALICE)]
    assert seen == [2]


async def test_two_senders_never_hold_one_chat(link: Link) -> None:
    for number in range(40):
        await chats.subscribe(link, ChatId("telegram", "77", str(number + 1)), EVERYTHING, NOW)
    await raise_and_fan_out(link, alert())
    answers = await asyncio.gather(
        *(outbox.claim(link, ALICE.route, f"s{number}", NOW, NOW + 60_000, 7) for number in range(12))
    )
    held = [each.chat for claims in answers for each in claims]
    assert len(held) == len(set(held)) == 40


async def test_a_chat_whose_sender_did_not_come_back_is_claimed_again_in_doubt(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    await raise_and_fan_out(link, alert())
    (lost,) = await claimed(link, ALICE)
    await outbox.begin(link, lost, NOW, [alert()])
    assert await claimed(link, ALICE, NOW + 59_999) == []
    (claim,) = await claimed(link, ALICE, NOW + 60_000)
    assert [(each.state, each.attempt, each.in_doubt) for each in claim.pending] == [("sending", 1, True)]
    # the one that was given up wakes: it may record nothing and begin nothing
    await outbox.settle(link, lost, NOW + 60_001, Ending("sent", "1"), PACE, [alert().fingerprint])
    assert await outbox.begin(link, lost, NOW + 60_001, [alert()]) is None
    assert await outbox.counts(link) == {}


async def test_a_second_unknown_ends_a_delivery_and_is_listed(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    await raise_and_fan_out(link, alert())
    at = NOW
    for attempt in (1, 2):
        (claim,) = await claimed(link, ALICE, at)
        assert await outbox.begin(link, claim, at, [alert()]) == (attempt, (alert().fingerprint,))
        ending = Ending("unknown", "cut off", 30_000)
        await outbox.settle(link, claim, at, ending, PACE, [alert().fingerprint])
        at += 30_000
    assert await claimed(link, ALICE, at + 120_000) == []
    assert await outbox.counts(link) == {"unknown": 1}
    assert await link.client.hkeys(link.keys.dead()) == [f"{ALICE} {alert().fingerprint}"]


async def test_patience_that_was_asked_for_is_no_doubt_and_no_refusal(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    await raise_and_fan_out(link, alert())
    seen = []
    for at, ended in enumerate(("waiting", "waiting", "unknown", "waiting", "unknown"), start=NOW):
        (claim,) = await claimed(link, ALICE, at)
        await outbox.begin(link, claim, at, [alert()])
        await outbox.settle(link, claim, at, Ending(ended, "429"), PACE, [alert().fingerprint])
        seen += await states(link, ALICE, alert())
    assert seen == ["waiting 1 429", "waiting 2 429", "unknown 3/1 429", "waiting 4/1 429", "unknown 429"]


async def test_a_begin_that_is_asked_again_after_a_lost_reply_counts_once(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    await raise_and_fan_out(link, alert())
    (claim,) = await claimed(link, ALICE)
    assert [await outbox.begin(link, claim, NOW, [alert()]) for _ in range(2)] == [
        (1, (alert().fingerprint,))
    ] * 2


async def test_a_private_chat_may_burst_and_then_gets_one_a_second(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    alerts = [alert(step, before=step - 1) for step in range(1, 7)]
    await link.client.hset(link.keys.ladder("r1", "HSTECH"), "up 2022-03-16", "0")
    for each in alerts:
        await raise_and_fan_out(link, each)
    sent: list[int] = []
    at = NOW
    while (due := await outbox.next_due(link, ALICE.route)) is not None:
        at = max(at, due)
        await send(link, ALICE, [alerts[len(sent)]], at)
        sent.append(at - NOW)
    assert sent == [0, 0, 0, 1000, 2000, 3000]


async def test_an_empty_mailbox_does_not_forget_its_pace(link: Link) -> None:
    await chats.subscribe(link, GROUP, EVERYTHING, NOW)
    await raise_and_fan_out(link, alert(1))
    await send(link, GROUP, [alert(1)], pace=Pace(3000, 1))
    await raise_and_fan_out(link, alert(2, before=1), at=NOW + 10)
    assert await outbox.next_due(link, GROUP.route) == NOW + 3000


async def test_a_chat_that_is_gone_loses_its_mail_and_hears_again_when_it_comes_back(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    await raise_and_fan_out(link, alert(1))
    await raise_and_fan_out(link, alert(2, before=1))
    (claim,) = await claimed(link, ALICE)
    await outbox.begin(link, claim, NOW, [alert(1)])
    await outbox.settle(link, claim, NOW, Ending("gone", "blocked"), PACE, [alert(1).fingerprint])
    await raise_and_fan_out(link, alert(3, before=2))
    assert await claimed(link, ALICE, NOW + 120_000) == []
    assert await outbox.counts(link) == {"dropped": 2}
    await chats.come_back(link, ALICE)
    await raise_and_fan_out(link, alert(4, before=3))
    (claim,) = await claimed(link, ALICE, NOW + 120_000)
    assert [each.fingerprint for each in claim.pending] == [alert(4).fingerprint]


async def test_a_chat_that_moves_takes_its_subscriptions_and_its_mail_along(link: Link) -> None:
    await chats.subscribe(link, GROUP, EVERYTHING, NOW)
    await raise_and_fan_out(link, alert(1))
    await raise_and_fan_out(link, alert(2, before=1))
    (claim,) = await claimed(link, GROUP)
    await outbox.begin(link, claim, NOW, [alert(1)])
    to = ChatId("telegram", "77", "-100999")
    await outbox.move(link, claim, to, NOW)
    (moved,) = await outbox.claim(link, GROUP.route, "later", NOW + 120_000, NOW + 180_000, 100)
    assert moved.chat == to
    assert [each.fingerprint for each in moved.pending] == [alert(1).fingerprint, alert(2).fingerprint]
    await raise_and_fan_out(link, alert(3, before=2))
    assert [each.topic for each in await chats.subscriptions(link, to)] == [EVERYTHING]
    assert await chats.subscriptions(link, GROUP) == ()
    assert (await link.client.hget(link.keys.boxes(), str(to))).count("\n") == 2


async def test_an_answer_counts_towards_the_pace_that_alerts_keep(link: Link) -> None:
    await chats.subscribe(link, GROUP, EVERYTHING, NOW)
    one_in_three = Pace(3000, 1)
    assert await outbox.pay(link, GROUP, NOW, one_in_three) == (NOW, NOW + 3000)
    assert await outbox.pay(link, GROUP, NOW, one_in_three) == (NOW + 3000, NOW + 6000)
    await raise_and_fan_out(link, alert())
    assert await claimed(link, GROUP, NOW + 5999) == []
    assert len(await claimed(link, GROUP, NOW + 6000)) == 1


async def test_a_chat_that_is_due_already_still_waits_for_an_answer_it_was_given(link: Link) -> None:
    await chats.subscribe(link, GROUP, EVERYTHING, NOW)
    await raise_and_fan_out(link, alert())
    await outbox.pay(link, GROUP, NOW, Pace(3000, 1))
    assert await claimed(link, GROUP, NOW + 10) == []
    assert await outbox.next_due(link, GROUP.route) == NOW + 3000


async def test_a_claim_that_is_asked_again_after_a_lost_reply_answers_the_same_chats(link: Link) -> None:
    for number in range(9):
        await chats.subscribe(link, ChatId("telegram", "77", str(number + 1)), EVERYTHING, NOW)
    await raise_and_fan_out(link, alert())
    first = await outbox.claim(link, ALICE.route, "once", NOW, NOW + 60_000, 4)
    assert await outbox.claim(link, ALICE.route, "once", NOW, NOW + 60_000, 4) == first
    rest = await outbox.claim(link, ALICE.route, "other", NOW, NOW + 60_000, 100)
    assert len(first) == 4
    assert len(rest) == 5
    # what was settled meanwhile is not claimed by it a second time
    await outbox.begin(link, first[0], NOW, [alert()])
    await outbox.settle(link, first[0], NOW, Ending("sent", "1"), PACE, [alert().fingerprint])
    assert await outbox.claim(link, ALICE.route, "once", NOW, NOW + 60_000, 4) == first[1:]


async def test_who_asked_for_two_topics_and_gives_one_back_in_between_hears_it_once(link: Link) -> None:
    for topic in (EVERYTHING, instrument_topic("HSTECH")):
        await chats.subscribe(link, ALICE, topic, NOW)
    await stored.raise_together(link, 1, "job", NOW, [alert()])
    job = await stored.next_job(link)
    assert job is not None
    pairs = [(topic, alert().fingerprint) for topic in (instrument_topic("HSTECH"), EVERYTHING)]
    cursor = await outbox.fan_out_chunk(link, job, pairs, outbox.START, NOW)
    await send(link, ALICE, [alert()])
    await chats.unsubscribe(link, ALICE, instrument_topic("HSTECH"))
    while cursor != outbox.DONE:
        cursor = await outbox.fan_out_chunk(link, job, pairs, cursor, NOW)
    (claim,) = await claimed(link, ALICE, NOW + 60_000)
    assert await outbox.begin(link, claim, NOW, [alert()]) == (1, ())
    assert await states(link, ALICE, alert()) == ["sent 9"]
    assert await outbox.counts(link) == {"sent": 1}


async def test_what_is_held_lets_the_next_go_by_and_comes_back_at_its_time(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    quiet, loud = alert(1), alert(2, before=1)
    await raise_and_fan_out(link, quiet)
    await raise_and_fan_out(link, loud)
    (claim,) = await claimed(link, ALICE)
    assert await shelf.shelve(link, claim, {quiet.fingerprint: Hold(NOW + 5000, "quiet")})
    await outbox.begin(link, claim, NOW, [loud])
    await outbox.settle(link, claim, NOW, Ending("sent", "9"), PACE, [loud.fingerprint])
    assert await states(link, ALICE, quiet, loud) == [f"held {NOW + 5000} quiet", "sent 9"]
    assert await outbox.next_due(link, ALICE.route) == NOW + 5000
    assert await claimed(link, ALICE, NOW + 4999) == []
    (back,) = await claimed(link, ALICE, NOW + 5000)
    assert [(each.fingerprint, each.held, each.attempt) for each in back.pending] == [
        (quiet.fingerprint, "quiet", 0)
    ]
    assert await outbox.begin(link, back, NOW + 5000, [quiet]) == (1, (quiet.fingerprint,))


async def test_what_is_held_is_judged_anew_when_the_chat_wants_it_so(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    await raise_and_fan_out(link, alert())
    (claim,) = await claimed(link, ALICE)
    await shelf.shelve(link, claim, {alert().fingerprint: Hold(NOW + 5000, "quiet")})
    await outbox.release(link, claim, NOW)
    assert await claimed(link, ALICE, NOW + 1) == []
    assert [await shelf.unshelve(link, ALICE, NOW + 2) for _ in range(2)] == [1, 1]
    (back,) = await claimed(link, ALICE, NOW + 2)
    assert [(each.state, each.held) for each in back.pending] == [("held", "quiet")]


async def test_a_chat_that_is_gone_loses_what_was_held_for_it_too(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    await raise_and_fan_out(link, alert(1))
    (claim,) = await claimed(link, ALICE)
    await shelf.shelve(link, claim, {alert(1).fingerprint: Hold(NOW + 5000, "quiet")})
    await outbox.settle(link, claim, NOW, Ending("gone", "blocked"), PACE, [])
    assert await outbox.counts(link) == {"dropped": 1}
    assert await outbox.next_due(link, ALICE.route) is None


async def test_a_chat_whose_name_cannot_be_read_stops_no_other(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    await raise_and_fan_out(link, alert())
    await link.client.zadd(link.keys.due(ALICE.route), {"telegram:77:nobody": NOW})
    await link.client.hset(link.keys.boxes(), "telegram:77:nobody", alert().fingerprint)
    assert len(await claimed(link, ALICE)) == 1
    assert await outbox.counts(link) == {"dropped": 1}
    assert await link.client.zcard(link.keys.due(ALICE.route)) == 1


async def test_a_job_and_subscriptions_that_cannot_be_read_stop_no_other(link: Link) -> None:
    for chat in (ALICE, BOB):
        await chats.subscribe(link, chat, EVERYTHING, NOW)
    await link.client.rpush(link.keys.jobs(), "no job at all")
    await link.client.set(link.keys.subscriptions(str(BOB)), "no subscriptions")
    await raise_and_fan_out(link, alert())
    assert len(await claimed(link, ALICE)) == 1
    (name,) = await link.client.hkeys(link.keys.dead())
    assert name.startswith("job ")


async def test_what_is_refused_three_times_is_dead_and_listed(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    await raise_and_fan_out(link, alert())
    seen = []
    for number in range(3):
        (claim,) = await claimed(link, ALICE, NOW + number)
        await outbox.settle(link, claim, NOW, Ending("refused", "boom"), PACE, [alert().fingerprint])
        seen += await states(link, ALICE, alert())
    assert seen == ["waiting 0/1 boom", "waiting 0/2 boom", "dead boom"]
    assert await link.client.hkeys(link.keys.dead()) == [f"{ALICE} {alert().fingerprint}"]
    assert await claimed(link, ALICE, NOW + 120_000) == []


async def test_the_first_chat_that_is_asked_for_patience_is_held_alone_and_a_second_holds_all(
    link: Link,
) -> None:
    budget = Budget(interval=100, burst=10, reserved=2)
    assert [await pace.slow_down(link, ALICE, budget, NOW, NOW + 7000) for _ in range(2)] == ["chat"] * 2
    assert (await pace.take(link, ALICE.route, budget, budget.for_alerts, NOW, 1)).granted == 1
    assert await pace.slow_down(link, BOB, budget, NOW + 10, NOW + 3000) == "route"
    held = await pace.take(link, ALICE.route, budget, budget.for_alerts, NOW + 2999, 1)
    assert held == Taken(0, NOW + 3000)
    # the first hold is over: the next one to be asked is alone again
    assert await pace.slow_down(link, BOB, budget, NOW + 7000, NOW + 8000) == "chat"


async def test_patience_that_is_asked_for_at_full_pace_holds_all(link: Link) -> None:
    budget = Budget(interval=100, burst=10, reserved=2)
    await pace.take(link, ALICE.route, budget, budget.for_answers, NOW, 10)
    assert await pace.slow_down(link, ALICE, budget, NOW, NOW + 500) == "route"


async def test_tokens_that_nothing_was_sent_for_are_given_back(link: Link) -> None:
    budget = Budget(interval=100, burst=4, reserved=0)
    assert (await pace.take(link, ALICE.route, budget, budget.for_alerts, NOW, 4)).granted == 4
    await pace.give_back(link, ALICE.route, budget, NOW, 3)
    assert (await pace.take(link, ALICE.route, budget, budget.for_alerts, NOW, 4)).granted == 3


async def test_the_threads_of_a_group_share_its_pace(link: Link) -> None:
    first, second = (ChatId("telegram", "77", "-100500", each) for each in ("7", "8"))
    for chat in (first, second):
        await chats.subscribe(link, chat, EVERYTHING, NOW)
    await raise_and_fan_out(link, alert())
    (claim,) = await outbox.claim(link, first.route, "one", NOW, NOW + 60_000, 10)
    await outbox.begin(link, claim, NOW, [alert()])
    await outbox.settle(link, claim, NOW, Ending("sent", "1"), Pace(3000, 1), [alert().fingerprint])
    assert await outbox.claim(link, first.route, "two", NOW + 2999, NOW + 60_000, 10) == ()
    (other,) = await outbox.claim(link, first.route, "three", NOW + 3000, NOW + 60_000, 10)
    assert {claim.chat, other.chat} == {first, second}
    assert await outbox.pay(link, second, NOW + 3000, Pace(3000, 1)) == (NOW + 3000, NOW + 6000)
    assert await outbox.pay(link, first, NOW + 3000, Pace(3000, 1)) == (NOW + 6000, NOW + 9000)
