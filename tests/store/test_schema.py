from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Self

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from bot.alerts.outcome import Outcome, Sent, Unknown
from bot.chats.chat_id import ChatId
from bot.chats.subscription import EVERYTHING, instrument_topic
from bot.clock import machine_time
from bot.errors import Away, UsageError
from bot.messages.blocks import Message, plain
from bot.pipeline.deliver import Deliver
from bot.pipeline.dispatch import Patience
from bot.pipeline.fan_out import FanOut
from bot.rules.crossing import Rung
from bot.rules.measures import Price
from bot.store import alerts as stored
from bot.store import chats, dead, endings, feeds, lease, market, outbox, own, requests, schema
from bot.store.keys import SCHEMA, Keys
from bot.store.link import Link, Place, connect
from bot.store.page import StoredPage
from bot.store.server import embedded
from tests.acceptance.processes import settings, start
from tests.cast import ALICE, BOB, CHANNEL, alert
from tests.dispatching import dispatch_of
from tests.store.releases import scene
from tests.store.releases.__main__ import written
from tests.store.releases.scene import GROUP, LAST, LEFT, NAMESPACE, PAGE
from tests.store.releases.stored import dump, load

RELEASES = Path(__file__).parent / "releases"
LATER = LAST + 60_000
EVERYBODY = (ALICE, BOB, GROUP, CHANNEL, PAGE, LEFT)
SAMPLES = sorted(RELEASES.glob("*.jsonl"), key=lambda file: int(file.stem))


def nothing(_event: str, **_facts: object) -> None:
    """Report to nobody."""


def at(moment: int) -> Any:
    return lambda: moment


@dataclass(slots=True)
class Server:
    """A server with a sample in it: two links of what starts there, and a client that answers in bytes."""

    place: Place
    link: Link
    other: Link
    raw: Any

    async def put(self, lines: list[str]) -> None:
        await self.raw.flushall()
        await load(self.raw, lines)

    async def held(self) -> list[str]:
        """Return all that is kept, without what says who brought it over."""
        lines = await dump(self.raw, NAMESPACE)
        return [each for each in lines if not json.loads(each)["key"].endswith((":lease", ":epoch"))]


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Server]:
    with embedded(tmp_path) as place:
        link, other = [await connect(place, NAMESPACE) for _ in range(2)]
        raw = Redis(unix_socket_path=str(place.socket), protocol=2)
        yield Server(place, link, other, raw)
        for each in (link, other):
            await each.close()
        await raw.aclose()


@pytest.fixture
def first() -> list[str]:
    return (RELEASES / "1.jsonl").read_text(encoding="utf-8").splitlines()


@dataclass(slots=True)
class Present:
    """Machine time as a test sets it."""

    now: int = LATER

    def __call__(self) -> int:
        return self.now


@dataclass(slots=True)
class Wire:
    """A platform that takes everything, and knows some that it was given before."""

    route: str
    known: dict[ChatId, str] = field(default_factory=dict)
    told: dict[ChatId, list[str]] = field(default_factory=dict)

    async def send(self, chat: ChatId, message: Message, delivery: str) -> Outcome:
        del delivery
        self.told.setdefault(chat, []).extend(plain(message).split())
        return Sent("900")

    async def replace(self, chat: ChatId, message_id: str, message: Message) -> Outcome:
        del message
        raise AssertionError(f"{message_id} of {chat} is another message's")

    async def find(self, chat: ChatId, delivery: str) -> Outcome:
        del delivery
        return Sent(self.known[chat]) if chat in self.known else Unknown("cannot tell")


async def deliver_all(link: Link, present: Present, *wires: Wire) -> None:
    """Let real senders tell all that waits, as time goes on; it stands still while any of them runs."""
    patience = Patience(lease=60_000, send=500, doubt=30_000, group_for=0)
    dispatch = dispatch_of(link, patience=patience, clock=present)
    async with asyncio.timeout(20):
        while (due := await first_due(link, *wires)) is not None:
            present.now = max(present.now, due)
            made = Deliver(dispatch, {each.route: each for each in wires})
            task = asyncio.create_task(made.run())
            while await is_busy(link, present.now, *wires):  # noqa: ASYNC110 - Redis says it
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def first_due(link: Link, *wires: Wire) -> int | None:
    dues = [await outbox.next_due(link, each.route) for each in wires]
    return min((due for due in dues if due is not None), default=None)


async def is_busy(link: Link, now: int, *wires: Wire) -> bool:
    """Tell whether something is due, or claimed by a sender that is still there."""
    due = await first_due(link, *wires)
    claims = await link.client.hvals(link.keys.claims())
    return (due is not None and due <= now) or not set(claims) <= {"left"}


async def lines_of(sample: Path | None) -> list[str]:
    """Return a release's sample; None for the present one, which is made anew."""
    if sample is None:
        return (await written()).splitlines()
    return (await asyncio.to_thread(sample.read_text, encoding="utf-8")).splitlines()


@pytest.mark.parametrize("sample", [*SAMPLES, None], ids=lambda file: file.stem if file else "present")
async def test_the_data_of_every_release_starts_under_this_one(kept: Server, sample: Path | None) -> None:
    await kept.put(await lines_of(sample))
    link = kept.link
    await schema.prepare(link, at(LATER), nothing)
    # 1. What chats asked for, and who is gone.
    topics = {chat: {each.topic for each in await chats.subscriptions(link, chat)} for chat in EVERYBODY}
    assert topics == {
        ALICE: {EVERYTHING, f"chat:{ALICE}"},
        BOB: {instrument_topic("HSTECH"), instrument_topic("BABA")},
        GROUP: {"rule:index_day", "notices"},
        CHANNEL: {EVERYTHING, "news:xiaomi"},
        PAGE: {EVERYTHING},
        LEFT: {EVERYTHING},
    }
    assert await link.client.hgetall(link.keys.gone()) == {str(LEFT): "blocked"}
    assert not await chats.first(link, "update 1")
    # 2. What was told, and how far.
    assert await stored.ladders(link, "r1", "HSTECH") == {
        Rung("r1", "HSTECH", "2022-03-16", "up"): 12.0,
        Rung("r1", "HSTECH", "2022-03-15", "down"): 4.0,
    }
    assert len(await stored.recent(link, 100)) == 9
    assert await outbox.counts(link) == {"sent": 13, "dropped": 1, "dead": 1, "unknown": 1}
    letters = {(each.ended, each.chat, each.why) for each in await dead.letters(link)}
    assert letters == {("dead", CHANNEL, "message_not_found"), ("unknown", GROUP, "cut off")}
    # 3. Rules of their own.
    assert [each.text for each in await own.of_chat(link, str(ALICE))] == ["1810.HK price > 15.1"]
    assert [each.text for each in await own.of_chat(link, str(GROUP))] == ["9988.HK price < 9.5"]
    assert [each.symbols for each in await own.general(link)] == [("HSTECH", "^HSI")]
    index, position = await own.index(link, lambda _text: Price())
    found = [index.find(number) for number in (1, 3)]
    assert [where and (where[0].symbol, where[1:]) for where in found] == [
        ("1810.HK", ("up", 15.1)),
        ("9988.HK", ("down", 9.5)),
    ]
    assert position == 5
    (rung,) = await stored.ladders(link, "own:1:price", "1810.HK")
    assert rung.episode == "1"
    assert await endings.over(link, date(2025, 1, 1)) == ("3",)
    # 4. The market, and what was read.
    assert (await market.quotes(link))["HSTECH"].price == 104.5
    assert [len(series.bars) for series in (await market.histories(link)).values()] == [20, 20, 20]
    assert await feeds.known(link, scene.FEED) == frozenset({"", "guid-0", "guid-1"})
    answer = await requests.answered(link, "AAPL")
    assert answer is not None
    assert len(answer.bars) == 3
    assert [each.html for each in await StoredPage(link).recent("page")] == ["<p>1</p>", "<p>2</p>"]
    # 5. Records last as long as they did, and a worker of before is fenced.
    ledger = link.keys.ledger(alert(4).fingerprint)
    assert abs(await link.client.ttl(ledger) - 30 * 24 * 3600) < 120
    assert await lease.hold(link, "new", LATER, LATER + 15_000) > 2


@pytest.mark.parametrize("sample", [*SAMPLES, None], ids=lambda file: file.stem if file else "present")
async def test_what_waited_is_told_once_and_in_order(kept: Server, sample: Path | None) -> None:
    await kept.put(await lines_of(sample))
    link, present = kept.link, Present()
    await schema.prepare(link, present, nothing)
    await FanOut(link, present).work_off()
    telegram, page = Wire(ALICE.route), Wire(PAGE.route)
    # Slack knows what was being sent to it when its sender was killed.
    slack = Wire(CHANNEL.route, known={CHANNEL: "77"})
    await deliver_all(link, present, telegram, slack, page)
    names = [each.fingerprint for each in await stored.recent(link, 100)]
    fourth, mine, story, baba, sixth, seventh = names[3:]
    assert telegram.told == {
        ALICE: [fourth, mine, story, baba, sixth, seventh],
        BOB: [baba, sixth, seventh],
        GROUP: [fourth, baba, sixth, seventh],
    }
    assert slack.told == {CHANNEL: [story, baba, sixth, seventh]}
    assert page.told == {PAGE: [fourth, story, baba, sixth, seventh]}
    assert await link.client.hget(link.keys.ledger(fourth), str(CHANNEL)) == "sent 77"
    queued = [int(await link.client.hget(link.keys.ledger(each), "queued")) for each in names]
    assert queued == [6, 5, 4, 5, 1, 3, 5, 5, 5]
    counted = await outbox.counts(link)
    assert counted == {"sent": 13 + 6 + 3 + 4 + 5 + 5, "dropped": 1, "dead": 1, "unknown": 1}


class Killed(RedisConnectionError):
    """Whoever did it was killed."""


@dataclass(slots=True)
class Dying:
    """A client whose process is killed at its n-th command, before that is done or after."""

    client: Any
    left: int
    after: bool
    asked: int = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        if name == "pipeline":
            return lambda **options: DyingPipeline(self, found(**options))
        if name in {"scan_iter", "aclose"}:
            return found

        async def command(*words: Any, **options: Any) -> Any:
            if self.dies() and not self.after:
                raise Killed
            answer = await found(*words, **options)
            if self.dies():
                raise Killed
            self.asked += 1
            return answer

        return command

    def dies(self) -> bool:
        return self.asked >= self.left


@dataclass(slots=True)
class DyingPipeline:
    """A pipeline of such a client: what was done of it before it was killed is its first half."""

    by: Dying
    pipe: Any

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.pipe.reset()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pipe, name)

    async def execute(self, **options: Any) -> Any:
        if self.by.dies():
            if not self.by.after:
                del self.pipe.command_stack[len(self.pipe.command_stack) // 2 :]
            await self.pipe.execute(**options)
            raise Killed
        self.by.asked += 1
        return await self.pipe.execute(**options)


async def undisturbed_by(kept: Server, lines: list[str]) -> tuple[int, list[str]]:
    """Return how many commands it takes to bring data over, and what it comes to where nobody is killed."""
    for _ in range(2):
        # The server learns the scripts on the way, which is no part of it.
        await kept.put(lines)
        client = Dying(kept.link.client, 1_000_000, after=False)
        await schema.prepare(Link(client, kept.link.waiting, kept.link.keys), at(LATER), nothing)
    return client.asked, await kept.held()


async def test_killed_anywhere_it_goes_on_and_comes_to_the_same(kept: Server, first: list[str]) -> None:
    asked, undisturbed = await undisturbed_by(kept, first)
    assert asked > 50
    for left in range(0, asked, 4):
        await kept.put(first)
        client = Dying(kept.link.client, left, after=bool(left % 8))
        with pytest.raises(Away):
            await schema.prepare(Link(client, kept.link.waiting, kept.link.keys), at(LATER), nothing)
        await schema.prepare(kept.link, at(LATER + 20_000), nothing)
        assert await kept.held() == undisturbed, left


async def test_what_nobody_can_read_stops_nothing_else(kept: Server, first: list[str]) -> None:
    await kept.put(first)
    old, link = Keys(NAMESPACE, 1), kept.link
    for key in (old.dead(), old.pace(), f"{old.chats}box:{PAGE}", f"{old.chats}growing:{BOB}"):
        await link.client.delete(key)
    for key in (f"{old.chats}box:{PAGE}", f"{old.chats}growing:{BOB}", f"{old.chats}ledger:x", old.pace()):
        await link.client.set(key, "junk")
    await link.client.hset(f"{old.chats}growing:{GROUP}", "HK up", "junk")
    await link.client.rpush(old.dead(), "junk", json.dumps({"chat": str(BOB)}))
    present, telegram = Present(), Wire(ALICE.route)
    await schema.prepare(link, present, nothing)
    assert {each.why for each in await dead.letters(link)} == {"a record that cannot be read"}
    await link.client.delete(link.keys.pace(), link.keys.growing(str(BOB)))
    await deliver_all(link, present, telegram)
    assert {chat: len(told) for chat, told in telegram.told.items()} == {ALICE: 4, BOB: 2, GROUP: 3}


async def test_one_that_was_held_up_in_it_spoils_nothing_of_what_others_brought_over(
    kept: Server, first: list[str]
) -> None:
    asked, undisturbed = await undisturbed_by(kept, first)
    for left in range(5, asked, 7):
        await kept.put(first)
        client = Held(kept.link.client, left)
        slow = Link(client, kept.link.waiting, kept.link.keys)
        late = asyncio.create_task(schema.prepare(slow, at(LATER), nothing))
        met = asyncio.create_task(client.met.wait())
        await asyncio.wait((late, met), return_when=asyncio.FIRST_COMPLETED)
        met.cancel()
        await schema.prepare(kept.other, at(LATER + 20_000), nothing)
        client.on.set()
        await asyncio.gather(late, return_exceptions=True)
        new = [each for each in await kept.held() if not each.startswith('{"key": "live:1:')]
        assert new == undisturbed, left


@dataclass(slots=True)
class Held:
    """A client whose process is held up before its n-th command, until others have done without it."""

    client: Any
    left: int
    met: asyncio.Event = field(default_factory=asyncio.Event)
    on: asyncio.Event = field(default_factory=asyncio.Event)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        if name in {"scan_iter", "aclose", "pipeline"}:
            return found

        async def command(*words: Any, **options: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                self.met.set()
                await self.on.wait()
            return await found(*words, **options)

        return command


async def test_of_those_that_start_at_once_one_brings_it_over(kept: Server, first: list[str]) -> None:
    await kept.put(first)
    said: list[str] = []

    def report(event: str, **_facts: object) -> None:
        said.append(event)

    async with asyncio.timeout(20):
        await asyncio.gather(
            *(
                schema.prepare(each, machine_time, report)
                for each in (kept.link, kept.other)
                for _ in range(2)
            )
        )
    assert said.count("older data is brought over") == 1
    assert await kept.link.client.get(kept.link.keys.stamp()) == str(SCHEMA)


async def test_where_there_is_nothing_yet_it_is_stamped(kept: Server) -> None:
    await schema.check(kept.link)
    await schema.prepare(kept.link, machine_time, nothing)
    assert await dump(kept.raw, NAMESPACE) == [
        json.dumps({"key": "live:schema", "type": "string", "value": str(SCHEMA)})
    ]


async def test_an_older_worker_that_still_runs_is_not_taken_by_surprise(
    kept: Server, first: list[str]
) -> None:
    await kept.put(first)
    old = Link(kept.other.client, kept.other.waiting, Keys(NAMESPACE, 1))

    async def work() -> None:
        while True:
            await lease.hold(old, "second", machine_time(), machine_time() + 400)
            await asyncio.sleep(0.1)

    working = asyncio.create_task(work())
    await asyncio.sleep(0.05)
    with pytest.raises(
        UsageError, match=r"An older Marketbell \(schema 1\) still runs on this data: stop all"
    ):
        await schema.prepare(kept.link, machine_time, nothing)
    with pytest.raises(UsageError, match=r"runs here is an older one \(schema 1\): stop it, then start"):
        await schema.check(kept.link)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await schema.prepare(kept.link, machine_time, nothing)
    # What it would raise now is raised nowhere, and it stands by for good.
    (answer,) = await stored.raise_together(old, 2, "late", LATER, [alert(20, before=12)])
    assert answer.verdict == "fenced"
    assert await lease.hold(old, "second", machine_time() + 3_600_000, machine_time() + 3_700_000) == 0


async def test_a_newer_ones_data_is_refused_in_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "live"
    await stamped(folder, "3")
    config = settings(tmp_path, "")
    process = await start("run", "--data-dir", folder.parent, "--config", config, "--port", "0", environ={})
    try:
        assert await process.ended() == 2
    finally:
        process.kill()
    assert process.err[-1] == (
        "This data was written by a newer Marketbell (schema 3): upgrade, or name another data folder.\n"
    )
    assert "Traceback" not in process.said


async def stamped(folder: Path, schema_of_it: str) -> None:
    await asyncio.to_thread(folder.mkdir, parents=True)
    with embedded(folder) as place:
        link = await connect(place, NAMESPACE)
        await link.client.set(link.keys.stamp(), schema_of_it)
        await link.close()
