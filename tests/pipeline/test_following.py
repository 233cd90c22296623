"""Following over a real Redis: told moves fall back and close, each said once, whoever the worker is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random

import pytest

from bot.alerts.alert import Alert, Became, Sequel, alert_from_json
from bot.chats.subscription import EVERYTHING
from bot.clock import machine_time
from bot.errors import Away
from bot.market.quote import Quote
from bot.messages.compose import compose
from bot.pipeline.deliver import Deliver
from bot.pipeline.fan_out import FanOut
from bot.pipeline.following import Following
from bot.pipeline.raising import Fenced, Raiser
from bot.rules.conditions import Rule, Telling
from bot.rules.grammar import parse
from bot.store import alerts as stored
from bot.store import chats, lease
from bot.store.alerts import Raised
from bot.store.link import Link
from tests.cast import ALICE, BOB, NOW
from tests.dispatching import dispatch_of
from tests.pipeline.scripted import HK, TODAY, TOMORROW, Charts, World, chart, quoted, stock, world
from tests.pipeline.test_deliver import Wire, delivering, settled

INDEX, TENCENT, MEITUAN = "HSTECH", "0700.HK", "3690.HK"
SYMBOLS = frozenset({INDEX, TENCENT, MEITUAN})
TOGETHER = Rule("day", parse("±4/7/10%"), SYMBOLS, together=True)


@dataclass(slots=True)
class Worker:
    """A worker that watches and follows; `heard` is every alert that is kept, oldest first."""

    link: Link
    market: World
    following: Following
    heard: list[Alert] = field(default_factory=list)

    async def tick(self, *quotes: Quote) -> list[Sequel]:
        """Look at quotes, and return the sequels that came of them."""
        raised = await self.market.tick(*quotes)
        now = max(each.received for each in quotes)
        await self.following.look(self.market.watch.quotes, raised, now, self.market.raiser)
        known = {each.fingerprint for each in self.heard}
        new = [each for each in await stored.recent(self.link, 1000) if each.fingerprint not in known]
        self.heard += new
        return [each.facts for each in new if isinstance(each.facts, Sequel)]

    async def again(self) -> Worker:
        """Return the worker that takes over from this one."""
        following = Following(self.link, lambda: NOW)
        return Worker(self.link, await self.market.again(), following, list(self.heard))


async def worker(link: Link, *rules: Rule) -> Worker:
    charts = Charts().put(*(chart(each, 100.0) for each in sorted(SYMBOLS)))
    instruments = (stock(INDEX, "index"), stock(TENCENT), stock(MEITUAN))
    market = await world(link, charts, *instruments, when=rules or (TOGETHER,))
    return Worker(link, market, Following(link, lambda: NOW))


def at(price: float, clock: str, symbol: str = INDEX, day: date = TODAY) -> Quote:
    return quoted(symbol, price, clock, 100.0, day=day)


def close(price: float, symbol: str = INDEX) -> Quote:
    return quoted(symbol, price, "16:10", 100.0, reach=(min(price, 98), max(price, 101)), final=True)


def of(found: Sequence[Sequel], what: Became) -> list[tuple[str, float, float]]:
    """Return the instruments of sequels, each with its furthest step and its price."""
    return [(each.short, each.step, each.price) for one in found if one.what == what for each in one.since]


async def test_a_move_that_falls_back_below_its_step_is_told_once_however_the_price_flaps(link: Link) -> None:
    working = await worker(link)
    assert await working.tick(at(104.5, "09:31")) == []
    assert await working.tick(at(103.6, "09:32")) == []
    assert of(await working.tick(at(103.2, "09:33")), "retreat") == [(INDEX, 4, 103.2)]
    for number, price in enumerate((104.4, 103.0, 104.1, 102.0)):
        assert await working.tick(at(price, f"09:{34 + number}")) == []


async def test_a_further_step_may_fall_back_again(link: Link) -> None:
    working = await worker(link)
    await working.tick(at(104.5, "09:31"))
    await working.tick(at(103.0, "09:32"))
    assert await working.tick(at(107.5, "09:33")) == []
    assert of(await working.tick(at(103.0, "09:34")), "retreat") == [(INDEX, 7, 103.0)]


async def test_a_message_closes_once_with_the_closes_of_all_that_it_tells_of(link: Link) -> None:
    working = await worker(link)
    await working.tick(at(104.5, "09:31"), at(108.0, "09:31", TENCENT), at(101.0, "09:31", MEITUAN))
    assert await working.tick(close(105.0)) == []
    found = await working.tick(close(106.5, TENCENT))
    assert of(found, "close") == [(INDEX, 4, 105.0), (TENCENT, 7, 106.5)]
    assert [each.fold for each in found] == [f"HK {TODAY.isoformat()} up"]
    assert await working.tick(close(101.0, MEITUAN)) == []


async def test_a_close_that_does_not_come_is_waited_for_half_an_hour(link: Link) -> None:
    working = await worker(link)
    await working.tick(at(104.5, "09:31"), at(108.0, "09:31", TENCENT))
    await working.tick(close(105.0))
    look = working.following.look
    quotes, raiser = working.market.watch.quotes, working.market.raiser
    await look(quotes, [], quotes[INDEX].received.replace(minute=39), raiser)
    assert not [each for each in await stored.recent(link, 10) if isinstance(each.facts, Sequel)]
    await look(quotes, [], quotes[INDEX].received.replace(minute=41), raiser)
    found = [each.facts for each in await stored.recent(link, 10) if isinstance(each.facts, Sequel)]
    assert of(found, "close") == [(INDEX, 4, 105.0)]


async def test_moves_that_are_told_apart_fall_back_and_close_apart(link: Link) -> None:
    working = await worker(link, Rule("day", parse("±4/7/10%"), SYMBOLS))
    await working.tick(at(104.5, "09:31"), at(108.0, "09:31", TENCENT))
    (retreat,) = await working.tick(at(103.0, "09:40"))
    found = await working.tick(close(105.0), close(106.5, TENCENT))
    assert [[since.short for since in each.since] for each in found] == [[INDEX], [TENCENT]]
    folds = {each.facts.kind: each.fold for each in working.heard if INDEX in each.topics[0]}
    assert retreat.fold == folds["move"] == found[0].fold


async def test_each_message_of_what_rings_at_every_step_is_followed_by_itself(link: Link) -> None:
    urgent = Rule("day", parse("±4/7/10%"), SYMBOLS, telling=Telling(urgency="urgent"))
    working = await worker(link, urgent)
    await working.tick(at(104.5, "09:31"))
    await working.tick(at(107.5, "09:32"))
    (of_seven,) = await working.tick(at(106.0, "09:33"))
    (of_four,) = await working.tick(at(103.0, "09:34"))
    assert [each.since[0].lowest for each in (of_seven, of_four)] == [7, 4]
    assert of_seven.fold != of_four.fold


async def test_a_worker_that_takes_over_goes_on_where_the_last_one_stopped(link: Link) -> None:
    first = await worker(link)
    await first.tick(at(104.5, "09:31"), at(108.0, "09:31", TENCENT))
    await first.tick(at(103.0, "09:32"))
    second = await first.again()
    assert await second.tick(at(102.0, "09:33")) == []
    assert of(await second.tick(at(103.0, "09:34", TENCENT)), "retreat") == [(TENCENT, 7, 103.0)]
    await second.tick(close(105.0))
    third = await second.again()
    assert of(await third.tick(close(106.5, TENCENT)), "close") == [
        (INDEX, 4, 105.0),
        (TENCENT, 7, 106.5),
    ]
    fourth = await third.again()
    assert await fourth.tick(close(101.0, MEITUAN)) == []


async def test_a_fall_that_nobody_saw_is_told_by_the_worker_that_comes_then(link: Link) -> None:
    first = await worker(link)
    await first.tick(at(104.5, "09:31"))
    # killed after the quote was kept, and before its retreat was raised
    await first.market.tick(at(103.0, "09:32"))
    second = await first.again()
    await second.following.look(
        second.market.watch.quotes, [], second.market.watch.quotes[INDEX].received, second.market.raiser
    )
    assert of(
        [each.facts for each in await stored.recent(link, 1) if isinstance(each.facts, Sequel)], "retreat"
    ) == [(INDEX, 4, 103.0)]


@dataclass(slots=True)
class Lossy:
    """Raises, and then loses the reply, as often as it is told to."""

    raiser: Raiser
    losses: int

    async def raise_all(self, alerts: Sequence[Alert]) -> tuple[Raised, ...]:
        answers = await self.raiser.raise_all(alerts)
        if alerts and self.losses:
            self.losses -= 1
            raise Away("the reply was lost")
        return answers


async def test_a_reply_that_was_lost_raises_nothing_twice(link: Link) -> None:
    working = await worker(link)
    await working.tick(at(104.5, "09:31"))
    lossy = Lossy(working.market.raiser, 1)
    await working.market.tick(at(103.0, "09:32"))
    quotes = working.market.watch.quotes
    with pytest.raises(Away):
        await working.following.look(quotes, [], quotes[INDEX].received, lossy)  # type: ignore[arg-type]
    working.following.forget()
    await working.following.look(quotes, [], quotes[INDEX].received, lossy)  # type: ignore[arg-type]
    kept = [each for each in await stored.recent(link, 10) if isinstance(each.facts, Sequel)]
    assert len(kept) == 1
    job = await link.client.lrange(link.keys.jobs(), 0, -1)
    assert sum(kept[0].fingerprint in each for each in job) == 1


async def test_a_worker_that_lost_its_lease_follows_nothing(link: Link) -> None:
    working = await worker(link)
    await working.tick(at(104.5, "09:31"))
    await working.market.tick(at(103.0, "09:32"))
    await lease.hold(link, "another", NOW + 60_000, NOW + 90_000)
    quotes = working.market.watch.quotes
    with pytest.raises(Fenced):
        await working.following.look(quotes, [], quotes[INDEX].received, working.market.raiser)


async def test_the_next_session_follows_nothing_of_the_last(link: Link) -> None:
    working = await worker(link)
    await working.tick(at(104.5, "09:31"))
    await working.tick(close(105.0))
    assert await working.tick(quoted(INDEX, 101.0, "09:31", 105.0, day=TOMORROW)) == []
    assert await working.tick(quoted(INDEX, 90.0, "09:32", 105.0, day=TOMORROW)) == []


async def test_a_message_that_is_shown_falls_back_and_closes_and_no_other_chat_hears(link: Link) -> None:
    """Alice was told of the move; Bob came later, and has no message that could change."""
    working = await worker(link)
    working.market.watch.clock = working.market.raiser.clock = working.following.clock = machine_time
    wire = Wire(changes=[])
    told = dispatch_of(link, lambda alerts, _chat: compose(alerts, HK))
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    await working.tick(at(104.5, "09:31"))
    await FanOut(link, machine_time).work_off()
    async with delivering(Deliver(told, {wire.route: wire})):
        await settled(link, 1)
        await chats.subscribe(link, BOB, EVERYTHING, machine_time())
        await working.tick(at(103.2, "09:33"))
        await FanOut(link, machine_time).work_off()
        await settled(link, 3)
        await working.tick(close(103.9))
        await FanOut(link, machine_time).work_off()
        await settled(link, 5)
    assert [chat for chat, _ in wire.shown] == [ALICE]
    assert wire.changes is not None
    assert [text.splitlines()[:2] for _, text in wire.changes] == [
        ["HSTECH +4.50%: 104.50, +4.50 points", "Back under +4% at 09:33 HKT: 103.20, +3.20%"],
        [
            "HSTECH +3.90% at the close: 103.90; touched +4.50%",
            "Closed at 103.90, +3.90%: back under +4% (104.00)",
        ],
    ]


@pytest.mark.parametrize("seed", range(6))
async def test_any_walk_with_any_takeovers_says_each_thing_once(link: Link, seed: int) -> None:
    chance = Random(seed)
    working = await worker(link)
    prices = dict.fromkeys(sorted(SYMBOLS), 100.0)
    for minute in range(60):
        for symbol in prices:
            prices[symbol] *= 1 + chance.gauss(0, 0.012)
        clock = f"{10 + minute // 60:02}:{minute % 60:02}"
        await working.tick(*(at(price, clock, symbol) for symbol, price in prices.items()))
        if chance.random() < 0.2:
            working = await working.again()
    for symbol, price in prices.items():
        await working.tick(close(price, symbol))
        if chance.random() < 0.3:
            working = await working.again()
    kept = [alert_from_json(each) for each in await link.client.mget(await keys_of(link))]
    sequels = [each.facts for each in kept if isinstance(each.facts, Sequel)]
    moves = {(each.fold, each.facts.crossing.rung) for each in kept if each.facts.kind == "move"}
    said = [(each.what, each.fold, since.rung, since.step) for each in sequels for since in each.since]
    back = [each for each in said if each[0] == "retreat"]
    closed = [each[1:3] for each in said if each[0] == "close"]
    assert len(set(back)) == len(back)
    assert sorted(map(repr, closed)) == sorted(map(repr, moves))


async def keys_of(link: Link) -> list[str]:
    return [link.keys.alert(each) for each in await stored.recent_fingerprints(link, 1000)]
