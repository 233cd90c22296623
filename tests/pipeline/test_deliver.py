from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date

import pytest

from bot.alerts.alert import Alert, Sequel
from bot.alerts.outcome import Again, Broken, Gone, Moved, Outcome, Refused, Sent, Slow, Unknown
from bot.chats.chat_id import ChatId
from bot.chats.own import OwnRule
from bot.chats.silence import Drop, Hold, Silence
from bot.chats.subscription import EVERYTHING, chat_topic
from bot.clock import machine_time
from bot.messages.blocks import Message, plain
from bot.pipeline.deliver import Deliver
from bot.pipeline.dispatch import Patience
from bot.pipeline.fan_out import FanOut
from bot.rules.measures import Price
from bot.rules.threshold import Threshold
from bot.store import alerts as stored
from bot.store import chats, outbox, own
from bot.store.link import Link
from tests.cast import ALICE, BOB, GROUP, NOW, alert
from tests.dispatching import QUICK, dispatch_of, named


@dataclass(slots=True)
class Wire:
    """A platform that answers as it is told to, and remembers what it showed."""

    answers: list[Outcome | Exception] = field(default_factory=list)
    found: Outcome = field(default_factory=lambda: Unknown("cannot tell"))
    shown: list[tuple[ChatId, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    slow: dict[ChatId, float] = field(default_factory=dict)
    changes: list[tuple[str, str]] | None = None
    route: str = ALICE.route

    async def send(self, chat: ChatId, message: Message, delivery: str) -> Outcome:
        await asyncio.sleep(self.slow.get(chat, 0))
        answer = self.answers.pop(0) if self.answers else Sent("1")
        self.asked.append(delivery)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Sent):
            self.shown.append((chat, plain(message)))
        return answer

    async def replace(self, chat: ChatId, message_id: str, message: Message) -> Outcome:
        if self.changes is None:
            return Broken("nothing is changed here")
        self.changes.append((message_id, plain(message)))
        return Sent(message_id)

    async def find(self, chat: ChatId, delivery: str) -> Outcome:
        self.asked.append(f"find {delivery}")
        return self.found


def deliver(link: Link, wire: Wire, patience: Patience = QUICK) -> Deliver:
    return Deliver(dispatch_of(link, patience=patience), {wire.route: wire})


@asynccontextmanager
async def delivering(*senders: Deliver) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each.run()) for each in senders]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for is a fake's own list
            await asyncio.sleep(0.01)


async def settled(link: Link, number: int) -> dict[str, int]:
    """Wait until as many deliveries have ended, and say how."""
    async with asyncio.timeout(10):
        while sum((counts := await outbox.counts(link)).values()) < number:  # noqa: ASYNC110 - Redis
            await asyncio.sleep(0.01)
    return counts


async def states(link: Link, chat: ChatId, *alerts: Alert) -> list[str | None]:
    return [await link.client.hget(link.keys.ledger(each.fingerprint), str(chat)) for each in alerts]


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is tried again be tried at once."""
    monkeypatch.setattr("bot.pipeline.retry._FIRST_MS", 10)


async def tell(link: Link, *alerts: Alert) -> None:
    await stored.raise_together(link, 1, f"job{alerts[0].fingerprint}", machine_time(), alerts)
    await FanOut(link, machine_time).work_off()


def now_alert(step: float, before: float = 0, symbol: str = "HSTECH", fold: str = "") -> Alert:
    return alert(step, before, symbol, fold, raised=machine_time())


async def test_each_chat_is_told_once_and_in_order(link: Link) -> None:
    people = [ChatId("telegram", "77", str(number)) for number in range(1, 21)]
    for chat in people:
        await chats.subscribe(link, chat, EVERYTHING, NOW)
    wire = Wire()
    alerts = [now_alert(step, before=step - 1) for step in range(1, 6)]
    async with delivering(*(deliver(link, wire) for _ in range(3))):
        for each in alerts:
            await tell(link, each)
        assert await settled(link, 100) == {"sent": 100}
    for chat in people:
        assert [text for to, text in wire.shown if to == chat] == [each.fingerprint for each in alerts]


async def test_what_folds_together_is_one_message(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    wire = Wire()
    pair = [
        now_alert(4, fold="HK up"),
        now_alert(2, symbol="^HSI", fold="HK up"),
        now_alert(3, symbol="BABA"),
    ]
    await tell(link, *pair)
    async with delivering(deliver(link, wire)):
        assert await settled(link, 3) == {"sent": 3}
    first, second, other = (each.fingerprint for each in pair)
    assert wire.shown == [(ALICE, f"{first} {second}"), (ALICE, other)]


async def test_a_chat_that_must_wait_keeps_no_other_waiting(link: Link) -> None:
    for chat in (ALICE, BOB):
        await chats.subscribe(link, chat, EVERYTHING, NOW)
    wire = Wire(slow={ALICE: 0.4})
    async with delivering(deliver(link, wire)):
        await tell(link, now_alert(1))
        await tell(link, now_alert(2, before=1))
        await until(lambda: len(wire.shown) == 2)
        assert {chat for chat, _ in wire.shown} == {BOB}
        assert await settled(link, 4) == {"sent": 4}


async def test_a_platform_that_asks_for_patience_is_asked_again_and_nothing_is_lost(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    wire = Wire([Again("429", 80), Again("502", 10), Sent("5")])
    async with delivering(deliver(link, wire)):
        await tell(link, now_alert(1))
        assert await settled(link, 1) == {"sent": 1}
    assert len(wire.asked) == 3


async def test_a_hold_of_the_whole_route_is_obeyed_by_every_chat(link: Link) -> None:
    for chat in (ALICE, BOB, GROUP):
        await chats.subscribe(link, chat, EVERYTHING, NOW)
    wire = Wire([Again("401", 300, "route")], slow={BOB: 0.05, GROUP: 0.05})
    async with delivering(deliver(link, wire)):
        await tell(link, now_alert(1))
        await settled(link, 2)
        begun = machine_time()
        await tell(link, now_alert(2, before=1))
        await settled(link, 6)
        assert machine_time() - begun > 150
    assert len(wire.shown) == 6


async def test_an_unknown_delivery_is_repeated_once_and_then_left(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    wire = Wire([Unknown("cut off"), Unknown("cut off")])
    async with delivering(deliver(link, wire)):
        await tell(link, now_alert(1))
        assert await settled(link, 1) == {"unknown": 1}
        await tell(link, now_alert(2, before=1))
        assert await settled(link, 2) == {"unknown": 1, "sent": 1}
    assert len([each for each in wire.asked if not each.startswith("find")]) == 3


async def test_a_message_that_turns_out_to_be_shown_is_not_repeated(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    wire = Wire([Unknown("cut off")], found=Sent("12"))
    async with delivering(deliver(link, wire)):
        await tell(link, now_alert(1))
        assert await settled(link, 1) == {"sent": 1}
    assert len([each for each in wire.asked if not each.startswith("find")]) == 1


async def test_whatever_a_client_throws_the_delivery_stands(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    wire = Wire([RuntimeError("boom"), Sent("2")])
    async with delivering(deliver(link, wire)):
        await tell(link, now_alert(1))
        assert await settled(link, 1) == {"sent": 1}


async def test_a_delivery_that_a_lost_sender_left_is_looked_up_before_it_is_repeated(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    left = now_alert(1)
    await tell(link, left)
    now = machine_time()
    (claim,) = await outbox.claim(link, ALICE.route, "lost", now, now, 1)
    await outbox.begin(link, claim, now, [left])
    wire = Wire(found=Sent("7"))
    async with delivering(deliver(link, wire)):
        assert await settled(link, 1) == {"sent": 1}
    assert wire.asked == [f"find {left.fingerprint}"]
    assert wire.shown == []


async def test_where_the_platform_cannot_tell_it_is_repeated_once_after_a_while(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    left = now_alert(1)
    await tell(link, left)
    now = machine_time()
    (claim,) = await outbox.claim(link, ALICE.route, "lost", now, now, 1)
    await outbox.begin(link, claim, now, [left])
    wire = Wire()
    async with delivering(deliver(link, wire)):
        assert await settled(link, 1) == {"sent": 1}
    assert wire.asked == [f"find {left.fingerprint}"] * 2 + [left.fingerprint]
    assert machine_time() - now >= QUICK.doubt


async def test_a_chat_that_blocked_the_bot_is_left_alone(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    wire = Wire([Gone("blocked")])
    async with delivering(deliver(link, wire)):
        await tell(link, now_alert(1))
        assert await settled(link, 1) == {"dropped": 1}
        await tell(link, now_alert(2, before=1))
        await asyncio.sleep(0.1)
    assert len(wire.asked) == 1


async def test_a_message_that_the_platform_will_never_take_is_dead_and_the_next_goes_on(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    wire = Wire([Broken("too long")])
    async with delivering(deliver(link, wire)):
        await tell(link, now_alert(1))
        await tell(link, now_alert(2, before=1))
        assert await settled(link, 2) == {"dead": 1, "sent": 1}


async def test_a_chat_that_moved_is_told_under_its_new_name(link: Link) -> None:
    await chats.subscribe(link, GROUP, EVERYTHING, NOW)
    to = ChatId("telegram", "77", "-100999")
    wire = Wire([Moved(to)])
    async with delivering(deliver(link, wire)):
        await tell(link, now_alert(1))
        assert await settled(link, 1) == {"sent": 1}
    assert [chat for chat, _ in wire.shown] == [to]


async def test_what_a_chats_own_rules_tell_goes_to_its_new_name(link: Link) -> None:
    to = ChatId("telegram", "77", "-100999")
    for topic in (EVERYTHING, chat_topic(str(GROUP))):
        await chats.subscribe(link, GROUP, topic, NOW)
    mine = OwnRule("", str(GROUP), str(GROUP), "HSTECH price > 5000", NOW)
    kept = (await own.add(link, mine, Threshold(Price(), "up", 5000.0), ("HSTECH",))).rule
    async with delivering(deliver(link, Wire([Moved(to)]))):
        await tell(link, now_alert(1))
        assert await settled(link, 1) == {"sent": 1}
    assert await own.of_chat(link, str(to)) == (replace(kept, chat=str(to)),)
    assert await own.of_chat(link, str(GROUP)) == ()
    assert {each.topic for each in await chats.subscriptions(link, to)} == {EVERYTHING, chat_topic(str(to))}


async def test_what_is_past_its_age_is_told_as_missed_and_then_the_rest_in_order(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    wire = Wire()
    day = 24 * 3_600_000
    old = [alert(step, step - 1, raised=machine_time() - day - 10 + step) for step in (1, 2)]
    new = [alert(step, step - 1, raised=machine_time() - day // 2 + step) for step in (3, 4)]
    for each in (*old, *new):
        await tell(link, each)
    async with delivering(deliver(link, wire)):
        assert await settled(link, 4) == {"sent": 4}
    told = [f"missed: {old[0].fingerprint} {old[1].fingerprint}", *(each.fingerprint for each in new)]
    assert [text for _, text in wire.shown] == told
    assert await states(link, ALICE, *old, new[0]) == ["sent 1 missed", "sent 1 missed", "sent 1"]


async def test_an_alert_that_cannot_be_read_does_not_stop_the_next(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    poison, good = now_alert(1), now_alert(2, before=1)
    await tell(link, poison)
    await tell(link, good)
    await link.client.set(link.keys.alert(poison.fingerprint), "{not facts")
    wire = Wire()
    async with delivering(deliver(link, wire)):
        assert await settled(link, 2) == {"dead": 1, "sent": 1}
    assert [text for _, text in wire.shown] == [good.fingerprint]


async def test_a_later_alert_of_the_same_fold_joins_the_message_that_is_shown(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    wire = Wire([Sent("7")], changes=[])
    first, second = now_alert(4, fold="HK up"), now_alert(6, before=4, fold="HK up")
    other = now_alert(3, symbol="BABA", fold="US up")
    async with delivering(deliver(link, wire)):
        for number, each in enumerate((first, second, other), start=1):
            await tell(link, each)
            assert await settled(link, number) == {"sent": number}
    assert wire.shown == [(ALICE, first.fingerprint), (ALICE, other.fingerprint)]
    assert wire.changes == [("7", f"{first.fingerprint} {second.fingerprint}")]


async def test_what_cannot_be_changed_any_more_gets_another_message(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    wire = Wire()
    first, second = now_alert(4, fold="HK up"), now_alert(6, before=4, fold="HK up")
    async with delivering(deliver(link, wire)):
        await tell(link, first)
        await settled(link, 1)
        await tell(link, second)
        assert await settled(link, 2) == {"sent": 2}
    assert [text for _, text in wire.shown] == [first.fingerprint, second.fingerprint]


async def test_each_chat_has_its_own_growing_message(link: Link) -> None:
    wire = Wire(changes=[])
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    first, second = now_alert(4, fold="HK up"), now_alert(6, before=4, fold="HK up")
    async with delivering(deliver(link, wire)):
        await tell(link, first)
        await settled(link, 1)
        await chats.subscribe(link, BOB, EVERYTHING, machine_time())
        await tell(link, replace(second, raised=machine_time()))
        assert await settled(link, 3) == {"sent": 3}
    assert (BOB, second.fingerprint) in wire.shown
    assert len(wire.changes or ()) == 1


OPEN = replace(QUICK, group_for=400)


async def test_what_one_rule_tells_within_a_minute_joins_the_first_message_which_does_not_wait(
    link: Link,
) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    wire = Wire([Sent("7"), Sent("8")], changes=[])
    first, second, third = (now_alert(4, symbol=each) for each in ("HSTECH", "^HSI", "^HSCE"))
    async with delivering(deliver(link, wire, OPEN)):
        await tell(link, first)
        assert await settled(link, 1) == {"sent": 1}
        await tell(link, second)
        assert await settled(link, 2) == {"sent": 2}
        await asyncio.sleep(0.5)
        await tell(link, replace(third, raised=machine_time()))
        assert await settled(link, 3) == {"sent": 3}
    assert wire.changes == [("7", f"{first.fingerprint} {second.fingerprint}")]
    assert [text for _, text in wire.shown] == [first.fingerprint, third.fingerprint]
    assert await states(link, ALICE, first, second, third) == ["sent 7", "sent 7 joined", "sent 8"]


async def test_where_nothing_can_be_changed_the_rest_of_a_group_is_one_message_at_its_end(
    link: Link,
) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    wire = Wire()
    alerts = [now_alert(4, symbol=each) for each in ("HSTECH", "^HSI", "^HSCE")]
    async with delivering(deliver(link, wire, OPEN)):
        await tell(link, alerts[0])
        await settled(link, 1)
        begun = machine_time()
        for each in alerts[1:]:
            await tell(link, each)
        await asyncio.sleep(0.1)
        assert [(state or "").split(" ")[0] for state in await states(link, ALICE, *alerts)] == [
            "sent",
            "held",
            "held",
        ]
        assert await settled(link, 3) == {"sent": 3}
        assert machine_time() - begun > 200
    first, *rest = (each.fingerprint for each in alerts)
    assert [set(text.split(" ")) for _, text in wire.shown] == [{first}, set(rest)]


async def test_what_is_urgent_joins_nothing(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    wire = Wire(changes=[])
    pair = [replace(now_alert(4, symbol=each), urgency="urgent") for each in ("HSTECH", "^HSI")]
    async with delivering(deliver(link, wire, OPEN)):
        for number, each in enumerate(pair, start=1):
            await tell(link, each)
            assert await settled(link, number) == {"sent": number}
    assert [text for _, text in wire.shown] == [each.fingerprint for each in pair]


def sequel(fold: str) -> Alert:
    """Return what became of a fold: its close."""
    close = Sequel("close", "HK", date(2022, 3, 16), "up", fold, ())
    return replace(now_alert(1), fingerprint=f"close {fold}", facts=close, fold=fold, reason="sequel")


async def test_a_sequel_changes_the_message_that_it_follows_and_makes_none(link: Link) -> None:
    wire = Wire([Sent("7")], changes=[])
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    first = now_alert(4, fold="HK up")
    async with delivering(deliver(link, wire)):
        await tell(link, first)
        await settled(link, 1)
        await chats.subscribe(link, BOB, EVERYTHING, machine_time())
        after = replace(sequel("HK up"), raised=machine_time())
        await tell(link, after)
        assert await settled(link, 3) == {"sent": 2, "dropped": 1}
    assert [text for _, text in wire.shown] == [first.fingerprint]
    assert wire.changes == [("7", f"{first.fingerprint} {after.fingerprint}")]
    assert await states(link, ALICE, after) == ["sent 7 close"]
    assert await states(link, BOB, after) == ["dropped no message to change"]


@dataclass(frozen=True, slots=True)
class Wishing:
    """A chat that wants what is not urgent held until a time, or dropped where there is none."""

    until: int = 0

    async def of(self, chat: ChatId) -> Silence:
        del chat
        return Silence()

    async def held_by(
        self, silence: Silence, chat: ChatId, alerts: Sequence[Alert], now: int
    ) -> dict[str, Hold | Drop]:
        del silence, chat
        meant = [each for each in alerts if each.urgency != "urgent" and (now < self.until or not self.until)]
        return {each.fingerprint: Hold(self.until, "quiet") if self.until else Drop() for each in meant}


async def test_what_is_held_for_a_reason_is_one_message_when_it_is_over(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    await link.client.hset(link.keys.silence(str(ALICE)), "quiet", "23:00-07:00")
    wishes = Wishing(machine_time() + 300)
    pair, loud = [now_alert(1), now_alert(2, before=1)], replace(now_alert(3, before=2), urgency="urgent")
    wire = Wire()
    async with delivering(Deliver(dispatch_of(link, wishes=wishes), {wire.route: wire})):
        for each in (*pair, loud):
            await tell(link, each)
        assert await settled(link, 3) == {"sent": 3}
        assert machine_time() >= wishes.until
    held = " ".join(each.fingerprint for each in pair)
    assert [text for _, text in wire.shown] == [loud.fingerprint, f"quiet: {held}"]
    assert await states(link, ALICE, *pair, loud) == ["sent 1 quiet", "sent 1 quiet", "sent 1"]


async def test_what_is_muted_without_an_end_is_dropped_and_counted_so(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    await link.client.hset(link.keys.silence(str(ALICE)), "mute all", "")
    wire = Wire()
    one, other = now_alert(1), replace(now_alert(1, symbol="BABA"), urgency="urgent")
    async with delivering(Deliver(dispatch_of(link, wishes=Wishing()), {wire.route: wire})):
        await tell(link, one)
        await tell(link, other)
        assert await settled(link, 2) == {"dropped": 1, "sent": 1}
    assert await states(link, ALICE, one, other) == ["dropped muted", "sent 1"]


async def test_a_refusal_in_words_that_nobody_knows_is_tried_three_times_and_the_chat_stays(
    link: Link, quick_retries: None
) -> None:
    del quick_retries
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    wire = Wire([Refused("Bad Request: new words")] * 3)
    async with delivering(deliver(link, wire)):
        await tell(link, now_alert(1))
        assert await settled(link, 1) == {"dead": 1}
        await tell(link, now_alert(2, before=1))
        assert await settled(link, 2) == {"dead": 1, "sent": 1}
    assert len(wire.asked) == 4
    (dead,) = (await link.client.hgetall(link.keys.dead())).values()
    assert json.loads(dead)["why"] == "Bad Request: new words"


async def test_words_that_cannot_be_found_end_a_delivery_and_not_the_sender(
    link: Link, quick_retries: None
) -> None:
    del quick_retries
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    poison, good = now_alert(1), now_alert(2, before=1)

    def told(alerts: Sequence[Alert], zone: str) -> Message:
        if poison.fingerprint in {each.fingerprint for each in alerts}:
            raise ZeroDivisionError
        return named(alerts, zone)

    wire = Wire()
    async with delivering(Deliver(dispatch_of(link, told), {wire.route: wire})):
        await tell(link, poison)
        await tell(link, good)
        assert await settled(link, 2) == {"dead": 1, "sent": 1}
    assert [text for _, text in wire.shown] == [good.fingerprint]


async def test_patience_that_is_asked_for_holds_one_chat_and_no_other(link: Link) -> None:
    for chat in (ALICE, BOB):
        await chats.subscribe(link, chat, EVERYTHING, NOW)
    wire = Wire([Slow("429", 300)])
    async with delivering(deliver(link, wire)):
        await tell(link, now_alert(1))
        await until(lambda: len(wire.shown) == 1)
        begun = machine_time()
        await tell(link, now_alert(2, before=1))
        assert await settled(link, 4) == {"sent": 4}
        assert machine_time() - begun > 150
    (held,) = {chat for chat, _ in wire.shown[2:]}
    assert [chat for chat, _ in wire.shown[:2]] == [ALICE if held == BOB else BOB] * 2


async def test_patience_without_a_time_is_five_seconds(link: Link) -> None:
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    wire = Wire([Slow("429", None)])
    async with delivering(deliver(link, wire)):
        await tell(link, now_alert(1))
        await until(lambda: len(wire.asked) == 1)
        await asyncio.sleep(0.1)
    due = await outbox.next_due(link, ALICE.route)
    assert due is not None
    assert 4_500 < due - machine_time() <= 5_000
