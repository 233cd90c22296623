from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.alerts.alert import Alert, Condition, Move, News
from bot.chats.chat_id import ChatId
from bot.chats.own import OwnRule
from bot.chats.subscription import chat_topic, instrument_topic
from bot.market.bars import Bar
from bot.market.catalogue import Catalogue
from bot.market.quote import Quote
from bot.news.story import Story
from bot.pipeline.ending import end_over
from bot.rules.conditions import Rule
from bot.rules.grammar import parse_line
from bot.rules.scope import rules_of
from bot.rules.threshold import threshold_of
from bot.store import alerts as stored
from bot.store import chats, endings, own
from bot.store.link import Link
from tests.cast import NOW
from tests.pipeline.scripted import TODAY, TOMORROW, YESTERDAY, Charts, World, chart, quoted, stock, world

CHAT = ChatId("telegram", "1", "42")
SYMBOL, INDEX = "1810.HK", "HSTECH"
TOPIC = chat_topic(str(CHAT))


def bound(line: str, *, chat: str = "", following: frozenset[str] = frozenset()) -> tuple[Rule, ...]:
    catalogue = Catalogue.of((stock(SYMBOL), stock(INDEX, "index")))
    return rules_of("mine", parse_line(line), catalogue, lambda _: (SYMBOL,), lambda: following, chat=chat)


async def set_alert(link: Link, line: str, following: frozenset[str] = frozenset()) -> OwnRule:
    """Keep a chat's alert as the command does."""
    rules = bound(line, chat=str(CHAT), following=following)
    symbols = tuple(sorted({symbol for each in rules for symbol in each.symbols}))
    single = len(rules) == 1 and len(symbols) == 1
    rule = OwnRule("", str(CHAT), str(CHAT), str(parse_line(line)), NOW)
    added = await own.add(link, rule, threshold_of(rules[0]) if single else None, symbols)
    await endings.end_with(link, added.rule.id, parse_line(line).telling.until)
    return added.rule


async def edit(link: Link, rule: OwnRule, line: str) -> None:
    (found,) = bound(line, chat=str(CHAT))
    assert await own.edit(link, replace(rule, text=line), threshold_of(found), tuple(found.symbols))


async def market(link: Link, *operators: str, close: float = 100.0) -> World:
    rules = tuple(
        replace(each, name=f"rule {at}") for at, line in enumerate(operators) for each in bound(line)
    )
    charts = Charts().put(chart(SYMBOL, close), chart(INDEX, close))
    never = (Rule("never", bound(f"{SYMBOL} price > 1000000")[0].condition, frozenset((SYMBOL,))),)
    return await world(link, charts, stock(SYMBOL), stock(INDEX, "index"), when=rules or never)


def of_chat(alerts: Sequence[Alert]) -> list[Alert]:
    return [each for each in alerts if each.topics == (TOPIC,)]


async def rings(made: World, *prices: float, start: str = "10:00", day: date = TODAY) -> list[float]:
    """Look at one price a minute; return those at which the chat is told."""
    hour, minute = map(int, start.split(":"))
    told: list[float] = []
    for at, price in enumerate(prices):
        clock = f"{hour + (minute + at) // 60:02}:{(minute + at) % 60:02}"
        if of_chat(await made.tick(quoted(SYMBOL, price, clock, 100.0, day=day))):
            told.append(price)
    return told


async def test_a_level_rings_once_and_again_only_after_the_price_was_back_beyond_slack(
    link: Link,
) -> None:
    await set_alert(link, f"{SYMBOL} price > 103")
    made = await market(link)
    assert await rings(made, 102, 103.1, 102.95, 103.1, 102.1, 103.2, 101.9, 103.3) == [103.1, 103.3]


async def test_an_alert_that_is_set_while_the_worker_runs_rings_at_the_next_look(link: Link) -> None:
    made = await market(link)
    assert await rings(made, 101, 102) == []
    await set_alert(link, f"{SYMBOL} price > 103")
    await set_alert(link, f"{SYMBOL} drawdown 5% 20d and price > 1")
    await made.watch.refresh()
    assert await rings(made, 102.5, 103.5, 95.5, start="10:10") == [103.5, 95.5]


@pytest.mark.parametrize(
    "line", ["price > 103", "off low 2% 20d", "price > 103 or rsi > 99", "cost 100 > 3%"]
)
async def test_what_holds_when_it_is_set_is_not_told_until_it_holds_again(link: Link, line: str) -> None:
    made = await market(link)
    assert await rings(made, 101, 104) == []
    await set_alert(link, f"{SYMBOL} {line}")
    await made.watch.refresh()
    assert await rings(made, 104.5, 103.9, start="10:10") == []
    if line.startswith("price"):
        assert await rings(made, 101, 104, start="10:20") == [104]


async def test_an_alert_that_was_told_is_not_told_again_by_the_next_worker(link: Link) -> None:
    for line in ("price > 103", "day > 3%", "off low 4%", "rsi > 55", "price > 103 and day > 3%"):
        await set_alert(link, f"{SYMBOL} {line}")
    made = await market(link)
    first = [each for price in (101, 104) for each in await made.tick(look(price, "10:00", price))]
    assert len(of_chat(first)) == 5
    again = await made.again()
    assert await rings(again, 104.5, 104.2, start="10:30") == []


async def test_a_new_session_is_a_new_episode_of_a_day_move_and_of_no_level(link: Link) -> None:
    await set_alert(link, f"{SYMBOL} day > 2%")
    level = await set_alert(link, f"{SYMBOL} price > 102")
    made = await market(link)
    assert await rings(made, 101, 102.5) == [102.5]
    made.charts.put(chart(SYMBOL, 100.0), chart(SYMBOL, 103.0, last=TODAY))
    told: list[Alert] = []
    for clock, price in (("10:00", 104.0), ("10:01", 106.0)):
        told += await made.tick(quoted(SYMBOL, price, clock, 103.0, day=TOMORROW))
    assert [condition_of(each) for each in of_chat(told)] == ["day > 2%"]
    assert (await own.rules(link, [level.id]))[level.id] == level


async def test_an_edited_alert_is_another_one_and_a_removed_one_is_silent(link: Link) -> None:
    first = await set_alert(link, f"{SYMBOL} price > 103")
    made = await market(link)
    assert await rings(made, 101, 104) == [104]
    await edit(link, first, f"{SYMBOL} price > 105")
    await made.watch.refresh()
    assert await rings(made, 104.5, 105.5, start="10:10") == [105.5]
    assert await rings(await made.again(), 105.8, start="10:20") == []
    assert await own.remove(link, str(CHAT), first.id)
    await made.watch.refresh()
    assert await rings(made, 104, 106, start="10:30") == []


async def test_an_alert_that_rings_once_is_gone_when_it_has_and_others_when_their_last_day_is_over(
    link: Link,
) -> None:
    once = await set_alert(link, f"{SYMBOL} price > 103 once")
    dated = await set_alert(link, f"{SYMBOL} price > 104 until {TODAY}")
    made = await market(link)
    assert await rings(made, 101, 103.5, 102, 103.5, 104.5) == [103.5, 104.5]
    assert set(await own.rules(link, [once.id, dated.id])) == {dated.id}
    assert await end_over(link, TODAY) == 0
    assert await end_over(link, TOMORROW) == 1
    await made.watch.refresh()
    assert await rings(made, 102, 105, start="10:30") == []


async def test_a_watchlist_is_what_the_chat_follows_now(link: Link) -> None:
    await set_alert(link, "watchlist day > 2% and price > 1", following=frozenset((INDEX,)))
    made = await market(link)
    assert await rings(made, 101, 103) == []
    await chats.subscribe(link, CHAT, instrument_topic(SYMBOL), NOW)
    await made.watch.refresh()
    assert await rings(made, 103.2, start="10:10") == [103.2]


async def test_a_line_that_does_not_read_any_more_is_reported_and_stops_no_other(link: Link) -> None:
    rule = OwnRule("", str(CHAT), str(CHAT), f"{SYMBOL} day wibble 3", NOW)
    await own.add(link, rule, None, (SYMBOL,))
    await set_alert(link, f"{SYMBOL} price > 103 or price < 90")
    made = await market(link)
    assert await rings(made, 101, 104) == [104]
    assert [each["rule"] for each in made.events("an own rule does not read")] == ["1"]


def look(price: float, clock: str, minute: float, day: date = TODAY) -> Quote:
    hour, _ = clock.split(":")
    return quoted(SYMBOL, price, f"{hour}:{int(minute) % 60:02}", 100.0, day=day)


def condition_of(alert: Alert) -> str:
    return alert.condition


LINES = (
    "price > 103",
    "price < 97",
    "day > 2%",
    "day < -2%",
    "day > 1% once",
    "off low 4% 20d",
    "off low 3% 20d intraday",
    "drawdown 4% 20d",
    "drawdown 3% intraday once a session",
    "drawdown 5% once",
    "cost 101 > 2%",
    "cost 101 < -3%",
    f"change since {YESTERDAY} > 2%",
    "rsi > 55",
    "rsi < 45",
    "sigma > 2",
    "gap > 1%",
    "price > sma 20",
    "range 20d > 90",
    "change 3 sessions > 3%",
    "price > 102 once",
    "price > 102 once a session",
    "day > 1% at close",
    "price > 101 for 2 looks",
    "±2/3%",
)


@pytest.mark.parametrize("seed", range(12))
async def test_a_chats_alerts_ring_exactly_when_the_operators_same_rules_do(link: Link, seed: int) -> None:
    """One walk over four sessions with restarts: what the index proposes leaves nothing out."""
    chance = random.Random(seed)
    lines = [f"{SYMBOL} {each}" for each in LINES]
    for line in lines:
        await set_alert(link, line)
    made = await market(link, *lines)
    theirs: list[tuple[object, ...]] = []
    ours: list[tuple[object, ...]] = []
    price = 100.0
    days = [TODAY + timedelta(days=each) for each in (0, 1, 2, 5)]
    for day in days:
        low = high = opened = price = price * (1 + chance.gauss(0, 0.012))
        for at in range(10):
            price *= 1 + chance.gauss(0, 0.009)
            low, high = min(low, price, price * (1 - abs(chance.gauss(0, 0.004)))), max(high, price)
            final = at == 9
            clock = "16:20" if final else f"{10 + at // 2}:{at % 2 * 30:02}"
            quote = replace(
                quoted(SYMBOL, price, clock, day=day, reach=(low, high), final=final), open=opened, volume=1e6
            )
            for alert in await made.tick(quote):
                (ours if alert.topics == (TOPIC,) else theirs).append(told(alert))
            if chance.random() < 0.15:
                made = await made.again()
        held = made.charts.held[SYMBOL]
        made.charts.put(replace(held, bars=(*held.bars, Bar(day, price, opened, high, low, 1e6))))
    assert len(theirs) > 10
    assert sorted(ours, key=repr) == sorted(theirs, key=repr)


def told(alert: Alert) -> tuple[object, ...]:
    match alert.facts:
        case Move(crossing=each):
            return alert.condition, each.session, each.time, each.steps, each.price, each.episode
        case Condition(met=met):
            return alert.condition, met.session, met.time, met.step, met.price, met.episode
    raise AssertionError(alert.facts)


async def test_volume_is_compared_with_what_was_usual_by_that_time_of_day(link: Link) -> None:
    """Six calm days teach how volume comes; on the seventh three times as much by noon is told at noon."""
    await set_alert(link, f"{SYMBOL} volume 5d > 2x")
    made = await market(link)
    days = [date(2024, 3, each) for each in (6, 7, 8, 11, 12, 13, 14)]
    heard: list[Alert] = []
    for day in days:
        times = 3 if day == days[-1] else 1
        for at in range(15):
            clock = f"{9 + (30 + 10 * at) // 60:02}:{(30 + 10 * at) % 60:02}"
            quote = replace(quoted(SYMBOL, 100.0 + at / 100, clock, day=day), volume=4000.0 * at * times)
            heard += of_chat(await made.tick(quote))
        for at in range(18):
            clock = f"{13 + 10 * at // 60:02}:{10 * at % 60:02}"
            quote = replace(
                quoted(SYMBOL, 100.5 - at / 100, clock, day=day), volume=(60_000.0 + 2000 * at) * times
            )
            heard += of_chat(await made.tick(quote))
        made = await made.again() if day == days[2] else made
        close = replace(quoted(SYMBOL, 100.0, "16:20", day=day, final=True), volume=100_000.0 * times)
        heard += of_chat(await made.tick(close))
        held = made.charts.held[SYMBOL]
        made.charts.put(
            replace(held, bars=(*held.bars, Bar(day, 100.0, 100.0, 100.3, 99.9, 100_000.0 * times)))
        )
    (alert,) = heard
    assert isinstance(alert.facts, Condition)
    (part,) = alert.facts.met.parts
    assert alert.facts.met.session == days[-1]
    assert alert.facts.met.time.hour + 8 < 11
    assert part.value == pytest.approx(3.0, abs=0.4)


@pytest.mark.parametrize("line", ["change 30m > 2%", "change 30m > 2% and price > 1"])
async def test_a_worker_that_takes_over_knows_the_prices_of_the_last_hours(link: Link, line: str) -> None:
    await set_alert(link, f"{SYMBOL} {line}")
    made = await market(link)
    assert await rings(made, 100, 100.5, start="09:40") == []
    again = await made.again()
    assert await rings(again, 101.5, 102.6, 102.7, start="10:12") == [102.6]
    later = await again.again()
    assert await rings(later, 103.0, start="11:30") == []


async def test_what_held_before_its_other_side_was_known_is_not_told_when_it_is(link: Link) -> None:
    """The index comes first with its quote, and the stock that it is compared with has no bars yet."""
    rules = bound(f"{INDEX} ratio {SYMBOL} > 0.9") + bound(f"{INDEX} ratio {SYMBOL} > 1.05")
    charts = Charts().put(chart(SYMBOL, 100.0), chart(INDEX, 100.0))
    made = await world(
        link,
        charts,
        stock(INDEX, "index"),
        stock(SYMBOL),
        when=tuple(replace(each, name=f"rule {at}") for at, each in enumerate(rules)),
    )
    assert await made.tick(quoted(INDEX, 100.0, "10:00", 100.0)) == []
    assert await made.tick(quoted(SYMBOL, 100.0, "10:01", 100.0)) == []
    assert await made.tick(quoted(INDEX, 100.5, "10:02", 100.0)) == []
    (told,) = await made.tick(quoted(INDEX, 106.0, "10:03", 100.0))
    assert told.condition == f"ratio {SYMBOL} > 1.05"


async def test_a_story_told_before_this_worker_began_counts_for_its_hours(link: Link) -> None:
    await set_alert(link, f"{SYMBOL} price > 103 and news buyback 24h")
    made = await market(link)
    assert await rings(made, 101, 104) == []
    at = quoted(SYMBOL, 1, "10:30").time
    story = Story("feed", "1", "https://example.org/1", "Xiaomi buys back shares", "", at, ("buyback",))
    told = Alert(story.identity, News(story), ("news:buyback",), "story", at, NOW, story.identity)
    await stored.raise_together(link, made.raiser.epoch, "1-story", NOW, [told])
    assert await rings(await made.again(), 104.5, start="11:00") == [104.5]
