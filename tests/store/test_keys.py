from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path

import pytest
from redis.crc import key_slot

from bot.chats.silence import Hold
from bot.chats.subscription import EVERYTHING
from bot.rules.measures import Price
from bot.rules.threshold import Threshold
from bot.store import alerts as stored
from bot.store import (
    backtests,
    chats,
    dead,
    endings,
    feeds,
    heard,
    lease,
    market,
    outbox,
    own,
    pace,
    requests,
    schema,
    shelf,
    slots,
    trails,
)
from bot.store.batches import digest
from bot.store.keys import Keys
from bot.store.link import Link, Place, connect
from bot.store.outbox import Pace
from bot.store.pace import Budget
from bot.store.page import StoredPage
from bot.store.server import embedded
from tests.cast import ALICE, BOB, CHANNEL, NOW, alert, crossing
from tests.store.releases import scene

LATER = NOW + 600_000


def texts() -> dict[str, str]:
    folder = files("bot.store").joinpath("scripts")
    return {
        each.name.removesuffix(".lua"): each.read_text()
        for each in folder.iterdir()
        if each.name.endswith(".lua")
    }


@dataclass(slots=True)
class Whole:
    """What the server did in one step: a script with all that it asked for, a transaction, or a command."""

    name: str
    keys: set[str] = field(default_factory=set)


class Monitor:
    """Everything that a server was asked to do, and by whom."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self.steps: list[Whole] = []
        self._open: dict[str, Whole] = {}
        self._script: Whole | None = None
        self._named = {digest(name): name for name in texts()}

    async def read(self, until: str) -> None:
        """Read on until somebody says a word."""
        while True:
            line = (await self._reader.readline()).decode(errors="replace")
            match = re.match(r"\+[\d.]+ \[\d+ (\S+)\] (.*)", line)
            if match is None:
                continue
            who, words = match[1], _words(match[2])
            if until in words:
                return
            self._take(who, words)

    def _take(self, who: str, words: Sequence[str]) -> None:
        command = words[0].upper()
        if who == "lua":
            assert self._script is not None
            self._script.keys |= set(_keys(words))
        elif command == "EVALSHA":
            found = Whole(self._named[words[1]], set(words[3 : 3 + int(words[2])]))
            self.steps.append(found)
            self._script = found
        elif command == "MULTI":
            self._open[who] = Whole("MULTI")
        elif command == "EXEC":
            self.steps.append(self._open.pop(who))
        elif who in self._open:
            self._open[who].keys |= set(_keys(words))
        else:
            self.steps.append(Whole(command, set(_keys(words))))


def _words(text: str) -> list[str]:
    quoted = re.findall(r'"((?:[^"\\]|\\.)*)"', text)
    return [each.encode().decode("unicode_escape") for each in quoted]


def _keys(words: Sequence[str]) -> Iterable[str]:
    command = words[0].upper()
    if command in {"MGET", "DEL", "EXISTS", "UNLINK"}:
        return words[1:]
    if command in {"RENAME", "RENAMENX"}:
        return words[1:3]
    if command == "BLPOP":
        return words[1:-1]
    if command == "XREAD":
        rest = words[[each.upper() for each in words].index("STREAMS") + 1 :]
        return rest[: len(rest) // 2]
    if command in {"SCAN", "INFO", "PING", "SCRIPT", "TIME", "CLIENT", "HELLO", "AUTH", "SELECT", "MONITOR"}:
        return ()
    return words[1:2]


@asynccontextmanager
async def monitored(place: Place) -> AsyncIterator[Monitor]:
    reader, writer = await asyncio.open_unix_connection(str(place.socket), limit=2**24)
    writer.write(b"MONITOR\r\n")
    await writer.drain()
    assert (await reader.readline()).startswith(b"+OK")
    try:
        yield Monitor(reader)
    finally:
        writer.close()
        await writer.wait_closed()


async def all_that_is_done(link: Link) -> None:
    """Do everything that the store does, once at least."""
    await scene.play(link)
    for work in (of_deliveries, of_rules, of_the_market, of_an_older_schema):
        await work(link)


async def of_deliveries(link: Link) -> None:
    (held,) = await outbox.claim(link, ALICE.route, "a", LATER, LATER + 60_000, 1)
    fingerprint = held.pending[0].fingerprint
    await shelf.shelve(link, held, {fingerprint: Hold(LATER + 60_000, "quiet")})
    await outbox.release(link, held, LATER)
    await shelf.unshelve(link, held.chat, LATER)
    (held,) = await outbox.claim(link, CHANNEL.route, "b", LATER, LATER + 60_000, 1)
    await outbox.move(link, held, replace(CHANNEL, chat="C2"), LATER)
    await own.move(link, str(CHANNEL), "slack:T1:C2")
    await outbox.pay(link, BOB, LATER, Pace(1000, 3))
    await pace.give_back(link, BOB.route, Budget(1, 3, 0), LATER, 1)
    await pace.slow_down(link, BOB, Budget(1, 3, 0), LATER, LATER + 1000)
    letters = await dead.letters(link)
    assert await dead.revive(link, letters[0], LATER)
    assert await dead.drop(link, letters[1])
    await heard.last_heard(link, ALICE)
    await heard.find(link, fingerprint)
    await heard.deliveries(link, fingerprint)
    await outbox.backlog(link, [ALICE.route, CHANNEL.route])
    await outbox.wait_for_mail(link, ALICE.route, 0.01)
    page = StoredPage(link)
    await page.replace("page", "delivery 1", "<p>one</p>")
    await page.recent("page")
    await page.after("page", "0")
    await chats.come_back(link, ALICE)
    await chats.unsubscribe(link, ALICE, EVERYTHING)


async def of_rules(link: Link) -> None:
    await stored.told_of(link, [crossing().rung, crossing(symbol="^HSI").rung])
    await stored.forget(link, [crossing(symbol="BABA").rung])
    await stored.rename(link, {crossing().rung: crossing(episode="2022-03-17").rung})
    await endings.over(link, crossing().session)
    await endings.forget(link, ["3"])
    kept = (await own.of_chat(link, str(ALICE)))[0]
    await own.edit(
        link, replace(kept, text="1810.HK price > 16"), Threshold(Price(), "up", 16.0), ("1810.HK",)
    )
    await own.index(link, lambda _text: Price())
    await own.changes(link, 0)
    await own.general(link)
    await own.symbols_of(link, ["4"])


async def of_the_market(link: Link) -> None:
    epoch = await lease.hold(link, "third", LATER, LATER + 15_000)
    slot = await slots.claim(link, epoch, "look", LATER, 60_000)
    assert slot is not None
    await slots.done(link, epoch, "look", slot)
    await feeds.forget_before(link, scene.FEED, LATER)
    await market.quotes(link)
    await market.histories(link)
    await trails.trail(link, "HSTECH")
    await requests.want(link, "AAPL")
    await requests.wanted(link)
    await requests.answered(link, "AAPL")
    asked = backtests.Wanted("report", "1810.HK price > 15")
    await backtests.want(link, asked, LATER)
    await backtests.wanted(link, LATER)


async def of_an_older_schema(link: Link) -> None:
    old = Keys("live", 1)
    await link.client.rpush(f"{old.chats}box:web:page", "f")
    await link.client.set(f"{old.chats}joins", 1)
    await schema.prepare(link, lambda: LATER, lambda _event, **_facts: None)


@pytest.fixture
async def steps(tmp_path: Path) -> list[Whole]:
    """What the server does in one step each, of everything that the store does."""
    with embedded(tmp_path) as place:
        link = await connect(place, "live")
        async with monitored(place) as monitor:
            reading = asyncio.create_task(monitor.read("the end"))
            await all_that_is_done(link)
            await link.client.ping()
            await link.client.execute_command("ECHO", "the end")
            async with asyncio.timeout(10):
                await reading
        await link.close()
    return monitor.steps


async def test_whatever_is_done_in_one_step_is_done_in_one_slot(steps: list[Whole]) -> None:
    scattered = {
        each.name: sorted(each.keys)
        for each in steps
        if len({key_slot(key.encode()) for key in each.keys}) > 1
    }
    assert scattered == {}
    asked = {each.name for each in steps}
    assert texts().keys() - asked == set()
    # What a script makes of a prefix is seen as well as what it is handed.
    inside = set().union(*(each.keys for each in steps if each.name == "settle"))
    assert {Keys("live").boxes(), Keys("live").ledger(alert().fingerprint), Keys("live").claims()} <= inside
    assert {"MULTI", "MGET", "BLPOP", "XREAD"} <= asked


async def test_what_is_raised_what_chats_hold_and_a_connections_pace_have_slots_of_their_own(
    steps: list[Whole],
) -> None:
    keys = {key for each in steps for key in each.keys}
    tags = {match[1] for key in keys if (match := re.search(r"{([^}]*)}", key))}
    assert tags == {"r0", "c0", f"b:{ALICE.route}"}
    assert {key for key in keys if "{" not in key} == {Keys("live").stamp()}
    assert len({key_slot(f"{{{tag}}}".encode()) for tag in tags}) == len(tags)


@pytest.mark.parametrize("script", texts())
def test_no_script_asks_the_server_for_the_time(script: str) -> None:
    assert re.search(r"'(TIME|PTTL|TTL|PEXPIRE|OBJECT)'|'PX'", texts()[script]) is None


def test_a_namespace_has_no_key_of_another() -> None:
    live, replay = Keys("live"), Keys("replay-1")
    for name in ("jobs", "claims", "counts", "quotes", "facts", "epoch", "slots", "boxes", "stamp"):
        assert getattr(live, name)() != getattr(replay, name)()


@pytest.mark.parametrize("name", ["\r\n", "{}", "*", "a:b", "小米", "x" * 5000])
async def test_a_name_from_outside_cannot_leave_its_key(link: Link, name: str) -> None:
    key = link.keys.once(name)
    assert re.fullmatch(r"[\w{}:-]+", key)
    await link.client.set(key, name)
    assert await link.client.get(key) == name
