"""What a release has kept when it stops in the middle of everything: the scene of its stored sample."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from bot.alerts.alert import Alert, Move, News, news_topics
from bot.alerts.outcome import Again, Broken, Gone, Outcome, Sent, Unknown
from bot.chats.chat_id import ChatId
from bot.chats.own import OwnRule
from bot.chats.subscription import (
    EVERYTHING,
    NOTICES,
    Rate,
    chat_topic,
    instrument_topic,
    news_topic,
    rule_topic,
)
from bot.market.bars import Bar, Series
from bot.market.quote import Quote
from bot.messages.blocks import Message
from bot.news.story import Story
from bot.pipeline.deliver import Deliver
from bot.pipeline.dispatch import Patience
from bot.pipeline.fan_out import FanOut
from bot.rules.crossing import Rung
from bot.rules.measures import Price
from bot.rules.threshold import Threshold
from bot.store import alerts as stored
from bot.store import chats, endings, feeds, lease, market, outbox, own, pace, requests, trails
from bot.store.link import Link
from bot.store.outbox import Pace
from bot.store.page import StoredPage
from tests.cast import ALICE, BOB, CHANNEL, MOMENT, NOW, alert, crossing
from tests.dispatching import dispatch_of

NAMESPACE = "live"
GROUP = ChatId("telegram", "77", "-100500", "7")
PAGE = ChatId("web", "", "page")
LEFT = ChatId("telegram", "77", "1003")
FEED = "https://news.example/rss"
LAST = NOW + 3 * 60_000
"""The machine time at which everything stopped."""

_PATIENCE = Patience(lease=60_000, send=500, doubt=30_000, group_for=0)


@dataclass(slots=True)
class Present:
    """Machine time as the scene sets it."""

    now: int = NOW

    def __call__(self) -> int:
        return self.now


@dataclass(slots=True)
class Wire:
    """A platform that gives each chat the answers that it is told to give, then takes everything."""

    route: str
    answers: dict[ChatId, list[Outcome]] = field(default_factory=dict)
    number: int = 100

    async def send(self, chat: ChatId, message: Message, delivery: str) -> Outcome:
        del message, delivery
        if self.answers.get(chat):
            return self.answers[chat].pop(0)
        self.number += 1
        return Sent(str(self.number))

    async def replace(self, chat: ChatId, message_id: str, message: Message) -> Outcome:
        del chat, message
        return Sent(message_id)

    async def find(self, chat: ChatId, delivery: str) -> Outcome:
        del chat, delivery
        return Unknown("cannot tell")


async def play(link: Link) -> Mapping[str, str]:
    """Let it all happen; return what the server's own clock has named, and what it is to be called."""
    present = Present()
    await _subscribe(link)
    named = await _own_rules(link)
    await _market(link)
    await lease.hold(link, "first", NOW - 60_000, NOW - 45_000)
    epoch = await lease.hold(link, "second", NOW, LAST + 15_000)

    async def tell(name: str, *alerts: Alert) -> None:
        await stored.raise_together(link, epoch, name, present(), alerts)

    fan_out, telegram, slack = FanOut(link, present), Wire(ALICE.route), Wire(CHANNEL.route)
    page = Wire(PAGE.route)
    # 1. One that every chat has; who blocked the bot loses hers.
    telegram.answers = {LEFT: [Gone("blocked")]}
    await tell("first", alert(4, fold="HK up"))
    await fan_out.work_off()
    await _deliver(link, (telegram, slack, page), present)
    # 2. It grows, and what no platform takes is dead.
    present.now += 60_000
    slack.answers = {CHANNEL: [Broken("message_not_found"), Broken("too long")]}
    await tell("second", replace(alert(6, before=4, fold="HK up"), raised=present()))
    await fan_out.work_off()
    await _deliver(link, (telegram, slack, page), present)
    # 3. Nobody can say whether the group has the third one, after two tries.
    present.now += 30_000
    telegram.answers = {GROUP: [Unknown("cut off"), Unknown("cut off")]}
    await tell("third", replace(alert(3, symbol="^HSI"), raised=present()))
    await fan_out.work_off()
    await _deliver(link, (telegram, slack, page), present)
    present.now += 30_000
    await _deliver(link, (telegram, slack, page), present)
    # 4. What stands in every way at the end: waiting, in doubt, being sent, and not yet begun.
    present.now = LAST - 20_000
    telegram.answers = {ALICE: [Again("429", 90_000)], GROUP: [Unknown("cut off")]}
    fourth = replace(alert(8, before=6, fold="HK up 2"), raised=present())
    own_alert = _own_alert(named["threshold"], present())
    await tell("fourth", fourth, own_alert)
    await fan_out.work_off()
    await _deliver(link, (telegram,), present)
    present.now = LAST - 10_000
    baba = replace(alert(5, symbol="BABA"), raised=present())
    await tell("fifth", replace(_story(), raised=present()), baba)
    await fan_out.work_off()
    (held,) = await outbox.claim(link, CHANNEL.route, "left", LAST - 5_000, LAST + 55_000, 1)
    await outbox.begin(link, held, LAST - 5_000, [fourth])
    # 5. A fan-out that has come half-way.
    present.now = LAST - 1_000
    await tell("sixth", replace(alert(10, before=8), raised=present()))
    job = await stored.next_job(link)
    assert job is not None
    pairs = [(topic, each) for each in job.alerts for topic in alert(10, before=8).topics]
    cursor = await outbox.fan_out_chunk(link, job, pairs, outbox.START, present(), 2)
    await outbox.fan_out_chunk(link, job, pairs, cursor, present(), 2)
    await tell("seventh", replace(alert(12, before=10), raised=present()))
    await pace.hold(link, BOB.route, LAST + 1_000)
    await _forget_claims(link)
    return await _page(link)


async def _forget_claims(link: Link) -> None:
    """Forget what claims took, of names by chance: it is remembered only while an answer may be lost."""
    async for key in link.client.scan_iter(match=f"{link.keys.claimed('')}*"):
        if key != link.keys.claimed("left"):
            await link.client.delete(key)


async def _subscribe(link: Link) -> None:
    for number, (chat, topics) in enumerate(
        {
            ALICE: (EVERYTHING, chat_topic(str(ALICE))),
            BOB: (instrument_topic("HSTECH"), instrument_topic("BABA")),
            GROUP: (rule_topic("index_day"), NOTICES),
            CHANNEL: (EVERYTHING, news_topic("xiaomi")),
            PAGE: (EVERYTHING,),
            LEFT: (EVERYTHING,),
        }.items()
    ):
        for topic in topics:
            await chats.subscribe(link, chat, topic, NOW - 86_400_000 + number)
    await chats.subscribe(link, BOB, instrument_topic("^GSPC"), NOW - 1)
    await chats.unsubscribe(link, BOB, instrument_topic("^GSPC"))
    await chats.first(link, "update 1")


async def _own_rules(link: Link) -> Mapping[str, OwnRule]:
    def written(chat: ChatId, text: str) -> OwnRule:
        return OwnRule("", str(chat), str(chat), text, NOW - 3_600_000)

    threshold = Threshold(Price(), "up", 15.1)
    kept = await own.add(link, written(ALICE, "1810.HK price > 15.1"), threshold, ("1810.HK",))
    below = Threshold(Price(), "down", 9.5)
    gone = await own.add(link, written(ALICE, "1810.HK price < 9.5"), below, ("1810.HK",))
    other = await own.add(link, written(GROUP, "9988.HK price < 9.5"), below, ("9988.HK",))
    several = await own.add(link, written(BOB, "HSTECH day > 3% and ^HSI day > 2%"), None, ("HSTECH", "^HSI"))
    await own.remove(link, str(ALICE), gone.rule.id)
    await endings.end_with(link, other.rule.id, date(2024, 12, 31))
    return {"threshold": kept.rule, "other": other.rule, "general": several.rule}


def _own_alert(rule: OwnRule, raised: int) -> Alert:
    crossed = replace(
        crossing(15.1, symbol="1810.HK"), rule=rule.id, revision=f"own:{rule.id}:price", episode="1"
    )
    made = alert(15.1, symbol="1810.HK", raised=raised)
    assert isinstance(made.facts, Move)
    facts = replace(made.facts, crossing=crossed)
    return replace(
        made,
        fingerprint=crossed.fingerprint,
        fold=crossed.fingerprint,
        facts=facts,
        topics=(chat_topic(rule.chat),),
        condition=rule.text,
    )


def _story() -> Alert:
    story = Story(
        FEED,
        "guid-1",
        "https://news.example/1",
        "小米汽车 Xiaomi raises its forecast",
        "",
        MOMENT,
        ("xiaomi",),
    )
    return Alert(
        f"news:{story.identity}",
        News(story),
        news_topics(story),
        "story",
        MOMENT,
        NOW,
        f"news:{story.identity}",
    )


async def _market(link: Link) -> None:
    session = date(2022, 3, 16)
    bars = tuple(
        Bar(session - timedelta(days=back), 100.0 + back, 100.0, 104.0 + back, 99.0, 1e6)
        for back in range(20, 0, -1)
    )
    for symbol in ("HSTECH", "^HSI", "1810.HK"):
        await market.publish_history(link, Series(symbol, bars))
    quote = Quote(
        *("HSTECH", 104.5, session, MOMENT, MOMENT, "Yahoo", 15), previous_close=101.0, high=105.0, low=99.5
    )
    await market.publish_quotes(link, [quote, replace(quote, symbol="^HSI", price=103.25)])
    await market.publish_checked(link, {"HSTECH": session})
    await market.publish_volumes(link, {"HSTECH": {session: array("f", [0.25, 0.5, 1.0])}})
    await market.publish_worker(link, market.Worker(NOW, NOW, 3, "Yahoo"))
    await market.publish_rates(link, {EVERYTHING: Rate(12.5, 4, 250)})
    await trails.extend(link, {"HSTECH": trails.Grown((MOMENT, 104.5), 0)})
    await feeds.remember(link, FEED, ["guid-0", "guid-1"], NOW)
    await requests.answer(link, requests.Answer("AAPL", NOW, replace(quote, symbol="AAPL"), bars[-3:]))
    # History has passed a step that nobody was told, and an old episode stands.
    old = Rung("r1", "HSTECH", "2022-03-15", "down")
    await stored.record(link, [(old, 4.0)])


async def _page(link: Link) -> Mapping[str, str]:
    shown = StoredPage(link)
    places = [await shown.show("page", f"delivery {n}", f"<p>{n}</p>") for n in (1, 2)]
    # They are named by the server's own clock.
    return {place: f"{NOW + n}-0" for n, place in enumerate(places)}


async def _deliver(link: Link, wires: Sequence[Wire], present: Present) -> None:
    """Deliver all that is due now."""

    dispatch = dispatch_of(link, patience=_PATIENCE, pace=Pace(1_000, 3), clock=present)
    for wire in wires:
        made = Deliver(dispatch, {wire.route: wire})
        task = asyncio.create_task(made.run())
        async with asyncio.timeout(10):
            while await _is_due(link, wire.route, present()):  # noqa: ASYNC110 - Redis says it
                await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _is_due(link: Link, route: str, now: int) -> bool:
    due = await outbox.next_due(link, route)
    return due is not None and due <= now
