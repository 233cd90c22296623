"""Floods over a real Redis: what a rule tells too much of is one message, and nothing of it is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from bot.alerts.alert import Alert, Flood, Move
from bot.alerts.floods import MOST, is_flooded
from bot.app.recorded import RecordedMarket
from bot.chats.subscription import EVERYTHING, NOTICES
from bot.clock import machine_time
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from bot.messages.compose import compose
from bot.messages.words import listed
from bot.pipeline.deliver import Deliver
from bot.pipeline.fan_out import FanOut
from bot.rules.conditions import Rule, Telling
from bot.rules.grammar import parse
from bot.sources.calendars import load_schedule
from bot.store import alerts as stored
from bot.store import chats
from bot.store.link import Link
from tests.cast import ALICE, BOB, NOW
from tests.conftest import ROOT
from tests.dispatching import dispatch_of
from tests.pipeline.scripted import TODAY, Charts, World, chart, quoted, stock, world
from tests.pipeline.test_deliver import Wire, delivering, settled
from tests.pipeline.test_kept_cases import AT_THE_OPEN, opening

HONG_KONG = ZoneInfo("Asia/Hong_Kong")
STOCKS = tuple(f"{number:04}.HK" for number in range(1, 31))
NAMES = frozenset(STOCKS)


@dataclass(frozen=True, slots=True)
class Shown:
    """What two chats were shown: Alice, who hears everything, and Bob, who hears notices."""

    alice: list[str]
    bob: list[str]
    grown: list[str]


async def crowd(link: Link, rule: Rule | None = None) -> World:
    charts = Charts().put(*(chart(each, 100.0) for each in STOCKS))
    rules = [rule or Rule("stock_day", parse("±4/7/10%"), NAMES)]
    return await world(link, charts, *map(stock, STOCKS), when=rules)


def risen(symbols: Sequence[str], clock: str, price: float = 105.0) -> list[Quote]:
    return [quoted(each, price, clock, 100.0) for each in symbols]


async def deliver(link: Link, number: int) -> Shown:
    """Deliver what was raised, on a platform that lets messages grow, until as many deliveries have ended."""
    wire = Wire(changes=[])
    await FanOut(link, machine_time).work_off()
    sender = Deliver(dispatch_of(link, lambda alerts, _chat: compose(alerts, HONG_KONG)), {wire.route: wire})
    async with delivering(sender):
        assert set(await settled(link, number)) == {"sent"}
    alice, bob = ([text for chat, text in wire.shown if chat == each] for each in (ALICE, BOB))
    return Shown(alice, bob, [text for _, text in wire.changes or ()])


def moves(alerts: Sequence[Alert]) -> list[str]:
    return [each.facts.crossing.symbol for each in alerts if isinstance(each.facts, Move)]


async def test_an_open_that_thirty_instruments_cross_is_fifteen_messages_one_and_a_word_to_the_operator(
    link: Link,
) -> None:
    market = await crowd(link)
    market.watch.clock = market.raiser.clock = machine_time
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    await chats.subscribe(link, BOB, NOTICES, NOW)
    raised = await market.tick(*risen(STOCKS, "09:30"))
    assert len(raised) == len(STOCKS) + 1
    shown = await deliver(link, len(STOCKS) + 1)
    assert len(shown.alice) == MOST + 1
    assert [text.splitlines()[0] for text in shown.bob] == [
        "stock_day told 16 messages in 3 minutes; the rest is one message"
    ]
    folded = shown.alice[-1].splitlines()
    assert folded[0].startswith("stock_day, 15 more: ")
    for symbol in moves(raised):
        assert sum(f"{symbol} +5.00%" in text for text in [*shown.alice[:-1], *folded[1:]]) == 1


async def test_what_comes_later_in_a_flood_joins_its_one_message_until_it_has_been_quiet(link: Link) -> None:
    market = await crowd(link)
    market.watch.clock = market.raiser.clock = machine_time
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    await market.tick(*risen(STOCKS[:16], "09:30"))
    first = await deliver(link, 16)
    await market.tick(*risen(STOCKS[16:20], "09:32"))
    await market.tick(*risen(STOCKS[20:22], "09:34"))
    more = await deliver(link, 22)
    assert (len(first.alice), len(more.alice)) == (16, 0)
    assert more.grown[-1].startswith("stock_day, 7 more: ")
    assert all(f"{each} +5.00%" in more.grown[-1] for each in STOCKS[15:22])
    await market.tick(*risen(STOCKS[22:23], "09:37"))
    after = await deliver(link, 23)
    assert [text.splitlines()[0] for text in after.alice] == ["0023.HK +5.00%: HK$105.00, +5.00"]


async def test_every_alert_of_a_flood_is_stored_with_what_it_is_told_in(link: Link) -> None:
    market = await crowd(link)
    await market.tick(*risen(STOCKS, "09:30"))
    kept = await stored.recent(link, 100)
    assert len(kept) == len(STOCKS) + 1
    assert sum(map(is_flooded, kept)) == len(STOCKS) - MOST
    assert sum(isinstance(each.facts, Flood) for each in kept) == 1


async def test_a_worker_that_takes_over_in_a_flood_goes_on_with_it_and_says_nothing_twice(link: Link) -> None:
    market = await crowd(link)
    first = await market.tick(*risen(STOCKS[:20], "09:30"))
    later = await (await market.again()).tick(*risen(STOCKS[20:], "09:32"))
    (name,) = {each.fold for each in (*first, *later) if is_flooded(each)}
    assert {each.fold for each in later} == {name}
    assert not [each for each in later if isinstance(each.facts, Flood)]


@pytest.mark.parametrize("seed", range(3))
async def test_any_split_of_a_run_by_restarts_raises_what_an_unbroken_run_does(
    link: Link, server: object, seed: int
) -> None:
    del server
    chance = Random(seed)
    looks = [
        [
            quoted(each, 100 + chance.uniform(-12, 12), f"09:{30 + minute}", 100.0)
            for each in chance.sample(STOCKS, 20)
        ]
        for minute in range(12)
    ]
    found: list[list[tuple[str, str]]] = []
    for cut in (0.0, 0.5):
        base = Link(link.client, link.waiting, type(link.keys)(f"{link.keys.namespace}-{cut}"))
        market, raised = await crowd(base), []
        for quotes in looks:
            raised += await market.tick(*quotes)
            if chance.random() < cut:
                market = await market.again()
        found.append([(each.fingerprint, each.fold) for each in raised])
    assert found[0] == found[1]
    assert any(fold.startswith("flood ") for _, fold in found[0])


async def test_a_rule_that_is_told_together_is_one_message_and_no_flood(link: Link) -> None:
    market = await crowd(link, Rule("stock_day", parse("±4/7/10%"), NAMES, together=True))
    raised = await market.tick(*risen(STOCKS, "09:30"))
    assert {each.fold for each in raised} == {f"HK {TODAY.isoformat()} up"}


async def climbing(link: Link, telling: Telling) -> list[Alert]:
    """Return what a fine ladder raises whose twenty steps are climbed within a minute."""
    symbol = STOCKS[0]
    market = await crowd(link, Rule("fine", parse("±1% every 0.25%"), frozenset({symbol}), telling=telling))
    return list(
        chain.from_iterable(
            [
                await market.tick(quoted(symbol, 101 + step / 4, f"09:30:{step * 2:02}", 100.0))
                for step in range(20)
            ]
        )
    )


async def test_one_instrument_that_climbs_a_fine_ladder_is_one_message_and_no_flood(link: Link) -> None:
    raised = await climbing(link, Telling())
    assert (len(raised), len({each.fold for each in raised})) == (20, 1)


async def test_a_fine_ladder_that_rings_at_every_step_is_a_flood_as_well(link: Link) -> None:
    symbol, raised = STOCKS[0], await climbing(link, Telling(urgency="urgent"))
    assert sum(map(is_flooded, raised)) == 5
    (word,) = [each.facts for each in raised if isinstance(each.facts, Flood)]
    assert (word.shorts, word.messages, word.stepped) == ((symbol,), 16, True)


@pytest.fixture(scope="module")
def recorded(prices: Path) -> RecordedMarket:
    return RecordedMarket.of(ROOT / "config.yaml", prices)


@pytest.fixture(scope="module")
def schedule() -> Schedule:
    return load_schedule(("XHKG", "XSHG"), date(2020, 12, 1), date(2022, 6, 30))


@pytest.mark.parametrize("preset, most", [("loud", MOST + 2), ("calm", 4)])
async def test_thirty_five_steps_at_one_open_are_folded_and_not_paused(
    link: Link, recorded: RecordedMarket, schedule: Schedule, preset: str, most: int
) -> None:
    """17 March 2022: messages are counted and not steps, so that no rule by itself is over the limit."""
    rules = recorded.settings.rules_of(preset)
    raised = await opening(link, recorded, schedule, [each for each in rules if each.name.endswith("_day")])
    steps = {
        each.facts.crossing.symbol: each.facts.crossing.steps for each in raised if each.facts.kind == "move"
    }
    shown = await deliver(link, len(raised))
    assert len(shown.alice) <= most
    if preset == "loud":
        assert {symbol: len(each) for symbol, each in steps.items()} == AT_THE_OPEN
        assert sum(map(len, steps.values())) == 35
        for symbol, passed in steps.items():
            named = f"{recorded.catalogue[symbol].short} +"
            assert [text for text in shown.alice if text.startswith(named) and listed(passed) in text]


async def test_a_rule_that_tells_more_at_that_open_than_fifteen_messages_is_folded_with_all_of_it_told(
    link: Link, recorded: RecordedMarket, schedule: Schedule
) -> None:
    """The operator wrote one rule in two lines, which its name counts together."""
    symbols = frozenset(AT_THE_OPEN)
    texts = ("±2/3/4/5/7/10%", "off low 5/10/15/20/25/30%")
    raised = await opening(
        link, recorded, schedule, [Rule("rebound", parse(each), symbols) for each in texts]
    )
    told = [each.facts.short for each in raised if isinstance(each.facts, Move)]
    assert len(told) > MOST
    shown = await deliver(link, len(told))
    assert len(shown.alice) == MOST + 1
    alone = [text.splitlines()[0] for text in shown.alice[:-1]]
    folded = shown.alice[-1].splitlines()[1:]
    assert Counter(told) == Counter(
        name for line in (*alone, *folded) for name in set(told) if is_of(name, line)
    )


def is_of(short: str, line: str) -> bool:
    """Tell whether a line tells a move of an instrument."""
    return line.startswith((f"{short} +", f"{short} now "))


async def test_a_flood_of_yesterday_is_none_of_today(link: Link) -> None:
    market = await crowd(link)
    await market.tick(*risen(STOCKS, "09:30"))
    tomorrow = TODAY + timedelta(days=1)
    raised = await market.tick(*(quoted(each, 95.0, "09:30", 105.0, day=tomorrow) for each in STOCKS[:5]))
    assert not any(map(is_flooded, raised))
