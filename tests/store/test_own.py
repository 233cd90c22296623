from __future__ import annotations

import asyncio
import random
from array import array
from dataclasses import replace

import pytest

from bench.alerts import Alerts
from bench.rules_seed import seed
from bot.chats.own import MOST_A_CHAT, OwnRule, id_of, number_of
from bot.errors import UsageError
from bot.rules.crossing import Rung
from bot.rules.measures import Day, Direction, Measure, Price
from bot.rules.threshold import Key, Threshold
from bot.rules.thresholds import SLOTS
from bot.store import alerts as stored
from bot.store import own
from bot.store.keys import Keys
from bot.store.link import Link
from tests.cast import NOW, alert, crossing

CHAT, OTHER = "telegram:1:42", "slack:T1:C1"
ABOVE = Threshold(Price(), "up", 15.1)
MEASURES: dict[str, Measure] = {"price": Price(), "day": Day()}


def rule(text: str, chat: str = CHAT, kept_as: str = "", created: int = NOW) -> OwnRule:
    return OwnRule(kept_as, chat, "alice", text, created)


async def price_above(link: Link, level: float, chat: str = CHAT, symbol: str = "1810.HK") -> OwnRule:
    at = Threshold(Price(), "up", level)
    return (await own.add(link, rule(f"{symbol} price > {level}", chat), at, (symbol,))).rule


def test_an_id_is_short_and_its_number_comes_back() -> None:
    numbers = [0, 1, 31, 32, 1_000_000, SLOTS + 1, 500 * SLOTS + 999_999]
    assert [number_of(id_of(number)) for number in numbers] == numbers
    assert max(len(id_of(number)) for number in numbers[:5]) == 4
    assert all(id_of(number) == id_of(number).lower() for number in numbers)


@pytest.mark.parametrize("text", ["", "I", "hello", "*", "a b", "K3F", "9" * 12, "１"])
def test_what_is_no_id_stands_for_no_number(text: str) -> None:
    assert number_of(text) is None


async def test_a_rule_asked_for_again_after_a_lost_reply_is_kept_once(link: Link) -> None:
    first = await own.add(link, rule("1810.HK price > 15.1"), ABOVE, ("1810.HK",))
    again = await own.add(link, rule("1810.HK price > 15.1"), ABOVE, ("1810.HK",))
    assert first == again
    assert not first.had
    assert await own.of_chat(link, CHAT) == (first.rule,)
    assert await own.position(link) == 1


async def test_a_line_that_the_chat_has_already_is_answered_by_the_one_it_has(link: Link) -> None:
    first = await own.add(link, rule("1810.HK price > 15.1"), ABOVE, ("1810.HK",))
    later = await own.add(link, rule("1810.HK price > 15.1", created=NOW + 60_000), ABOVE, ("1810.HK",))
    assert later.had
    assert later.rule == first.rule
    another = await own.add(link, rule("1810.HK price > 15.1", OTHER), ABOVE, ("1810.HK",))
    assert not another.had
    assert another.rule.id != first.rule.id


async def test_a_hundred_who_add_at_once_have_a_hundred_ids(link: Link) -> None:
    added = await asyncio.gather(*(price_above(link, level, f"web:{level}") for level in range(100)))
    assert len({each.id for each in added}) == 100


async def test_a_chat_with_as_many_as_it_may_have_is_told_what_to_do(link: Link) -> None:
    for level in range(MOST_A_CHAT):
        await price_above(link, level)
    with pytest.raises(UsageError, match="500 alerts of its own, which is the most: remove one by /forget"):
        await price_above(link, 1000)
    had = await own.add(link, rule("1810.HK price > 7", created=1), ABOVE, ("1810.HK",))
    assert had.had
    await price_above(link, 1000, OTHER)
    assert await own.remove(link, CHAT, had.rule.id)
    await price_above(link, 1000)


async def test_of_a_chat_are_its_own_rules_oldest_first(link: Link) -> None:
    texts = ["1810.HK day > 3%", "HSTECH ±2/3%", "0700.HK price < 300"]
    for number, text in enumerate(texts):
        await own.add(link, rule(text, created=NOW + number), None, ("HSTECH",))
    await own.add(link, rule("elsewhere", OTHER), None, ("HSTECH",))
    assert [each.text for each in await own.of_chat(link, CHAT)] == texts


async def test_only_the_chat_whose_rule_it_is_removes_or_edits_it(link: Link) -> None:
    kept = await price_above(link, 15)
    assert not await own.remove(link, OTHER, kept.id)
    assert not await own.edit(link, rule("1810.HK price > 1", OTHER, kept.id), ABOVE, ("1810.HK",))
    assert not await own.remove(link, CHAT, "no id")
    assert await own.remove(link, CHAT, kept.id)
    assert not await own.remove(link, CHAT, kept.id)
    assert await own.rules(link, [kept.id]) == {}


async def test_a_removed_rules_id_is_not_given_again_though_its_slot_is(link: Link) -> None:
    first = await price_above(link, 15)
    await own.remove(link, CHAT, first.id)
    second = await price_above(link, 16)
    assert second.id != first.id
    assert (number_of(second.id) or 0) % SLOTS == (number_of(first.id) or 0) % SLOTS
    assert await own.rules(link, [first.id, second.id]) == {second.id: second}


async def test_an_index_is_made_of_packed_rows_alone(link: Link) -> None:
    chance = random.Random(1)
    expected: dict[int, tuple[Key, Direction, float]] = {}
    for number in range(1200):
        symbol = f"{chance.randrange(20):04}.HK"
        measure: Measure = chance.choice(list(MEASURES.values()))
        side: Direction = "up" if chance.random() < 0.5 else "down"
        at = Threshold(measure, side, chance.uniform(-9, 9), "back" if measure == Price() else "session")
        kept = await own.add(link, rule(str(number), f"web:{number}"), at, (symbol,))
        expected[number_of(kept.rule.id) or 0] = (at.on(symbol), side, at.threshold)
    general = await own.add(link, rule("a and b"), None, ("HSTECH", "1810.HK"))
    for number in chance.sample(sorted(expected), 100):
        chat = (await own.rules(link, [id_of(number)]))[id_of(number)].chat
        assert await own.remove(link, chat, id_of(number))
        del expected[number]
    index, position = await own.index(link, MEASURES.get)
    assert {number: index.find(number) for number in expected} == expected
    assert sum(1 for number in range(1400) if index.find(number)) == len(expected)
    assert position == 1301
    assert await own.general(link) == (own.General(general.rule, ("HSTECH", "1810.HK")),)
    assert await own.symbols_of(link, [general.rule.id, "0"]) == {general.rule.id: ("HSTECH", "1810.HK")}


async def test_a_measure_that_nobody_knows_any_more_leaves_its_alerts_out(link: Link) -> None:
    kept = await price_above(link, 15)
    await own.add(link, rule("x", OTHER), Threshold(Day(), "up", 3.0), ("1810.HK",))
    index, _ = await own.index(link, {"price": Price()}.get)
    assert [each.key.measure for each in index.of("1810.HK")] == [Price()]
    assert index.find(number_of(kept.id) or 0) == (Key("1810.HK", Price()), "up", 15.0)


async def test_what_the_bench_puts_into_a_server_is_what_adding_one_by_one_leaves(link: Link) -> None:
    alerts = Alerts.made(1100, 7, random.Random(4))
    # The script numbers what is measured as it comes, the bench by instrument.
    order = sorted(alerts, key=lambda each: alerts.symbols.index(each.symbol))
    by_order = Alerts(
        alerts.symbols,
        alerts.prices,
        array("I", [alerts.symbols.index(each.symbol) for each in order]),
        bytearray(each.up for each in order),
        array("d", [each.level for each in order]),
    )
    for place, each in enumerate(by_order):
        at = Threshold(Price(), "up" if each.up else "down", each.level)
        await own.add(link, rule(str(place), f"web:{place}"), at, (each.symbol,))
    seeded = replace(link, keys=Keys("seeded"))
    await seed(seeded, by_order)
    assert await own.names(seeded) == await own.names(link)
    assert await own.position(seeded) == await own.position(link)
    rows = [[each async for each in own.thresholds(some)] for some in (seeded, link)]
    assert rows[0] == rows[1]
    assert len(rows[0][0].packed.rstrip(b"\0")) > 1099 * 16


async def test_a_running_worker_learns_what_was_added_edited_moved_and_removed(link: Link) -> None:
    first = await price_above(link, 15)
    at = await own.position(link)
    second = await own.add(link, rule("1810.HK ±2%"), None, ("1810.HK",))
    assert await own.edit(link, rule("x", CHAT, first.id), Threshold(Day(), "down", -3.0), ("0700.HK",))
    assert await own.edit(link, rule("y", CHAT, second.rule.id), ABOVE, ("1810.HK",))
    assert await own.remove(link, CHAT, first.id)
    assert await own.move(link, CHAT, OTHER) == 1
    found = await own.changes(link, at)
    assert not found.behind
    assert [(each.kind, each.id, each.placed) for each in found.changes] == [
        ("added", second.rule.id, None),
        ("edited", first.id, own.Placed(own.Name("0700.HK", "day", "back"), "down", -3.0)),
        ("edited", second.rule.id, own.Placed(own.Name("1810.HK", "price", "back"), "up", 15.1)),
        ("removed", first.id, None),
        ("moved", second.rule.id, None),
    ]
    assert await own.changes(link, found.position) == own.Changes(found.position, ())


async def test_an_edited_rule_stands_where_its_new_line_says_and_nowhere_else(link: Link) -> None:
    kept = await price_above(link, 15)
    number = number_of(kept.id) or 0
    for at, symbols in ((None, ("HSTECH",)), (ABOVE, ("0700.HK",)), (None, ("1810.HK", "HSTECH"))):
        assert await own.edit(link, rule("line", CHAT, kept.id), at, symbols)
        index, _ = await own.index(link, MEASURES.get)
        general = await own.general(link)
        assert (index.find(number) is None, len(general)) == ((True, 1) if at is None else (False, 0))
    assert (await own.rules(link, [kept.id]))[kept.id] == rule("line", CHAT, kept.id)


async def test_a_worker_that_missed_changes_which_are_kept_no_more_is_told_so(link: Link) -> None:
    for level in range(3):
        await price_above(link, level)
    await link.client.xtrim(link.keys.own_changes(), maxlen=1, approximate=False)
    assert (await own.changes(link, 0)).behind
    assert await own.changes(link, 1) == own.Changes(3, (), behind=True)
    assert not (await own.changes(link, 2)).behind
    # A server that came up with less than the worker has seen.
    assert (await own.changes(link, 9)).behind


async def test_changes_come_in_order_however_many_there_are(link: Link) -> None:
    for level in range(600):
        await price_above(link, level, f"web:{level // 400}")
    first = await own.changes(link, 0)
    second = await own.changes(link, first.position)
    seen = [each.placed.threshold for each in (*first.changes, *second.changes) if each.placed]
    assert seen == [float(level) for level in range(600)]
    assert second.position == 600


async def test_a_chat_that_moved_takes_its_rules_along(link: Link) -> None:
    kept = await price_above(link, 15)
    assert await own.move(link, CHAT, OTHER) == 1
    assert await own.move(link, CHAT, OTHER) == 0
    assert await own.of_chat(link, CHAT) == ()
    (moved,) = await own.of_chat(link, OTHER)
    assert (moved.id, moved.chat, moved.owner) == (kept.id, OTHER, "alice")
    assert await own.remove(link, OTHER, kept.id)


async def test_a_threshold_on_several_instruments_is_refused(link: Link) -> None:
    with pytest.raises(ValueError, match="one instrument"):
        await own.add(link, rule("x"), ABOVE, ("1810.HK", "0700.HK"))


@pytest.mark.parametrize("text", ['note "a\nb"', "小米 跌破 12", "x" * 500, "{r1}*\0"])
async def test_a_line_comes_back_as_it_was_whatever_is_in_it(link: Link, text: str) -> None:
    kept = await own.add(link, rule(text), None, ("1810.HK",))
    assert (await own.rules(link, [kept.rule.id]))[kept.rule.id].text == text
    assert (await own.add(link, rule(text, created=1), None, ("1810.HK",))).had


async def test_what_was_told_of_own_rules_lies_in_one_record_an_instrument(link: Link) -> None:
    rungs = [
        Rung("own:k3f", "HSTECH", "gate", "up"),
        Rung("own:k3f", "HSTECH", "close 2022-03-15 3472.42", "up"),
        Rung("own:k3", "HSTECH", "2022-03-23", "down"),
        Rung("own:k3f", "^HSI", "gate", "up"),
    ]
    await stored.record(link, [(rung, float(step)) for step, rung in enumerate(rungs, 1)])
    assert await link.client.exists(link.keys.own_ladder("HSTECH"), link.keys.own_ladder("^HSI")) == 2
    told = {rung: step async for some in stored.own_told(link, "HSTECH") for rung, step in some}
    assert told == {rungs[0]: 1.0, rungs[1]: 2.0, rungs[2]: 3.0}
    assert await stored.ladders(link, "own:k3f", "HSTECH") == {rungs[0]: 1.0, rungs[1]: 2.0}
    unknown = Rung("own:9", "HSTECH", "gate", "up")
    assert await stored.told_of(link, [*rungs[2:], unknown]) == {rungs[2]: 3.0, rungs[3]: 4.0}
    await stored.forget(link, rungs[:2])
    assert await stored.ladders(link, "own:k3f", "HSTECH") == {}
    renamed = Rung("own:k3", "HSTECH", "2022-03-24", "down")
    assert await stored.rename(link, {rungs[2]: renamed}) == 1
    assert await stored.ladders(link, "own:k3", "HSTECH") == {renamed: 3.0}


async def test_an_own_rules_alert_is_raised_once_and_climbs_its_shared_record(link: Link) -> None:
    plain = alert(4)
    assert plain.facts.kind == "move"
    crossed = replace(crossing(), revision="own:k3f")
    facts = replace(plain.facts, crossing=crossed)
    mine = replace(plain, facts=facts, fingerprint=crossed.fingerprint, fold=crossed.fingerprint)
    answers = [await stored.raise_together(link, 1, "job", NOW, [mine]) for _ in range(2)]
    assert [each.verdict for (each,) in answers] == ["raised", "again"]
    assert await stored.ladders(link, "own:k3f", "HSTECH") == {
        Rung("own:k3f", "HSTECH", crossing().episode, crossing().direction): 4.0
    }
