"""The whole worker against a back-test, and against itself stopped and started at any look: a real server."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from functools import cache
from itertools import chain
from uuid import uuid4

from hypothesis import example, given, settings
from hypothesis import strategies as some

from bot.market.quote import Quote
from bot.rules.backtest import backtest
from bot.rules.crossing import Crossing, Rung
from bot.rules.grammar import parse
from bot.rules.met import Met
from bot.store import alerts as stored
from bot.store.link import Link, Place, connect
from tests.rules.recorded_scene import calendar, catalogue, members, recorded
from tests.rules.replayed import (
    closes,
    in_the_day,
    looked_at,
    publish_until,
    raised_by,
    raiser_of,
    rules_of,
    watch_of,
)

LADDERS = (
    "±2/4/7%",
    "±auto(2σ60, 1.5%, 4%) ladder 1/1.5/2.5",
    "off low 10/20/30/40/50% 52w",
    "drawdown 5/10/15% reference intraday, trigger close, window 90d",
    "change since 2021-02-17 ±10% every 10%",
    "cost 100 ±5%",
)
GATES = (
    "rsi < 30",
    "ema 20 < price",
    "price < sma 50 for 3 looks",
    "volume > 1.03x",
    "3 down in a row",
    "off low < 5%",
    "drawdown > 30% and rsi < 40",
    "new low 52w",
    "day > 3% and (volume > 1x or gap > 2%)",
    "vs ^HSI > 3%",
    "at least 5 of HSTECH down 3%",
    "ratio 0700.HK > 0.4",
    "change since told > 10%",
    "above 100",
)
LASTING = ("day > 2% for 2 looks", "price > sma 20 for 3 looks")
FIRST, LAST = date(2022, 2, 28), date(2022, 3, 31)
Raised = list[Crossing | Met]


async def test_a_worker_raises_on_every_recorded_instrument_what_a_back_test_tells(link: Link) -> None:
    rules = rules_of((*LADDERS, *GATES))
    await publish_until(link, FIRST - timedelta(days=1))
    watch, raiser = watch_of(link, rules), await raiser_of(link)
    await watch.load()
    live = [
        each for quotes in closes(FIRST, LAST) for each in raised_by(await looked_at(watch, raiser, quotes))
    ]
    told = backtest(rules, catalogue(), recorded(), calendar(), (FIRST, LAST), members)
    assert by_place(live) == by_place([*(each.crossing for each in told.told), *told.met])
    assert {each.rule for each in live} == {each.name for each in rules}
    assert {each.symbol for each in live} == set(recorded())


def by_place(raised: Raised) -> Raised:
    return sorted(raised, key=lambda each: (each.time, each.symbol, each.rule, each.fingerprint))


WALKED = ("HSTECH", "1024.HK", "BABA")


@cache
def walk() -> tuple[Quote, ...]:
    """Return the quotes of a few weeks as they came in, four a session."""
    within = (bar for bar in chain(*(recorded()[each].bars for each in WALKED)))
    days = sorted({bar.session for bar in within if date(2022, 3, 7) <= bar.session <= date(2022, 3, 23)})
    quotes = (
        quote
        for symbol in WALKED
        for day in days
        for bar in recorded()[symbol].since(day)[:1]
        if bar.session == day
        for quote in in_the_day(symbol, bar)
    )
    return tuple(sorted(quotes, key=lambda each: (each.time, each.symbol)))


async def walked(server: Place, restarts: frozenset[int]) -> Raised:
    """Look at every quote in turn, by a worker that knows only what is kept after each restart."""
    link = await connect(server, f"test-{uuid4().hex[:12]}")
    rules = rules_of((*LADDERS, *GATES, *LASTING))
    await publish_until(link, date(2022, 3, 4))
    watch, found = watch_of(link, rules), []
    await watch.load()
    for number, quote in enumerate(walk()):
        if number in restarts:
            watch = watch_of(link, rules)
            await watch.load()
        found += raised_by(await looked_at(watch, await raiser_of(link), [quote]))
    await link.close()
    return found


@cache
def unbroken(server: Place) -> Raised:
    return asyncio.run(walked(server, frozenset()))


@settings(max_examples=3, deadline=None)
@given(some.frozensets(some.integers(1, 150), max_size=30))
@example(frozenset(range(1, 150)))
def test_any_split_of_a_run_by_restarts_raises_what_an_unbroken_run_does(
    server: Place, restarts: frozenset[int]
) -> None:
    expected = unbroken(server)
    assert {str(parse(each)) for each in LASTING} <= {
        each.condition for each in expected if isinstance(each, Met)
    }
    assert asyncio.run(walked(server, restarts)) == expected


async def test_what_is_kept_of_a_rule_reads_back_as_the_very_number(link: Link) -> None:
    told = {
        Rung("revision", "X", "gate counted", "up"): 1_647_332_400.25,
        Rung("revision", "X", "gate price of 1", "up"): 6889.4499,
        Rung("revision", "X", "2022-03-16", "down"): 2.0833333,
        Rung("revision", "X", "once", "up"): -10.0,
    }
    await stored.record(link, told.items())
    assert await stored.ladders(link, "revision", "X") == told
