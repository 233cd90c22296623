"""What is kept by one server is kept by a Cluster of three, and by a master that Sentinels name."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from redis.crc import key_slot

from bot.alerts.alert import Alert
from bot.alerts.outcome import Broken, Outcome, Sent, Unknown
from bot.chat.stored_book import StoredBook
from bot.chats.chat_id import ChatId
from bot.chats.own import OwnRule
from bot.chats.subscription import EVERYTHING, instrument_topic
from bot.clock import machine_time
from bot.errors import Away, WrongServer
from bot.messages.blocks import Message, plain
from bot.pipeline.deliver import Deliver
from bot.pipeline.fan_out import FanOut
from bot.rules.measures import Price
from bot.rules.threshold import Threshold
from bot.store import alerts as stored
from bot.store import chats, heard, lease, outbox, own, requests, schema
from bot.store.link import Link, Place, connect
from bot.store.pace import Budget
from bot.store.page import StoredPage
from tests.cast import ALICE, CHANNEL, NOW, alert
from tests.dispatching import dispatch_of
from tests.store.releases.stored import load
from tests.store.servers import asked, cluster, free_ports, server, until, watched_pair

NAMESPACE = "live"
RELEASES = Path(__file__).parent / "releases"
FAST = Budget(interval=0.1, burst=10_000, reserved=1)
# The masters' shares, so that what is raised, what chats hold and a bot's pace are on three of them.
BOUNDS = (8192, 13_000)


@dataclass(slots=True)
class Shown:
    """A platform that takes everything, and remembers what."""

    route: str
    told: list[tuple[ChatId, str]] = field(default_factory=list)

    async def send(self, chat: ChatId, message: Message, delivery: str) -> Outcome:
        del delivery
        self.told.append((chat, plain(message)))
        return Sent(str(len(self.told)))

    async def replace(self, chat: ChatId, message_id: str, message: Message) -> Outcome:
        del chat, message_id, message
        return Broken("nothing is changed here")

    async def find(self, chat: ChatId, delivery: str) -> Outcome:
        del chat, delivery
        return Unknown("cannot tell")


@asynccontextmanager
async def linked(url: str) -> AsyncIterator[Link]:
    link = await connect(Place(url=url), NAMESPACE)
    try:
        yield link
    finally:
        await link.close()


async def test_a_cluster_of_three_masters_tells_each_chat_once_in_order(tmp_path: Path) -> None:
    people = [ChatId("telegram", "77", str(number)) for number in range(1, 301)]
    ports = free_ports(3)
    async with cluster(tmp_path, ports, BOUNDS) as url, linked(url) as link, linked(url) as other:
        for chat in people:
            await chats.subscribe(link, chat, EVERYTHING, NOW)
        made = [alert(step, before=step - 1, raised=machine_time()) for step in (1, 2, 3)]
        wire = Shown(ALICE.route)
        tasks = [
            asyncio.create_task(Deliver(dispatch_of(each, budget=FAST), {wire.route: wire}).run())
            for each in (link, other)
        ]
        epoch = await lease.hold(link, "me", machine_time(), machine_time() + 15_000)
        for each in made:
            answers = await stored.raise_together(link, epoch, each.fingerprint, each.raised, [each])
            assert [answer.verdict for answer in answers] == ["raised"]
            await FanOut(link, machine_time).work_off()
        book = StoredBook(link, (ALICE.route,), machine_time)

        async def all_are_sent() -> bool:
            return (await book.status()).ended.get("sent", 0) >= 3 * len(people)

        await until(all_are_sent)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        status = await book.status()
        assert (status.waiting, status.ended) == (0, {"sent": 3 * len(people)})
        for chat in people:
            assert [text for to, text in wire.told if to == chat] == [each.fingerprint for each in made]
        assert await heard.last_heard(link, people[0]) == made[-1]
        assert await heard.find(link, made[0].fingerprint[:8]) == made[0]
        assert (await heard.deliveries(link, made[0].fingerprint))["sent"] == len(people)
        # Each master has its part of it.
        kinds = [{re.sub(r"[^{]*{(.).*", r"\1", key) for key in await keys_of(port)} for port in ports]
        assert kinds == [{"r"}, {"c"}, {"b"}]


async def test_what_chats_set_and_ask_is_found_where_its_slot_has_moved_to(tmp_path: Path) -> None:
    ports = free_ports(3)
    async with cluster(tmp_path, ports, BOUNDS) as url, linked(url) as link:
        name = str(ALICE)
        mine = OwnRule("", name, name, "HSTECH price > 5000", NOW)
        await move_slot(ports, link.keys.chats, to=0)
        for topic in (EVERYTHING, instrument_topic("HSTECH")):
            assert await chats.subscribe(link, ALICE, topic, NOW)
        await move_slot(ports, link.keys.raised, to=2)
        kept = (await own.add(link, mine, Threshold(Price(), "up", 5000.0), ("HSTECH",))).rule
        assert await own.of_chat(link, name) == (kept,)
        assert len((await own.changes(link, 0)).changes) == 1
        assert [rows.first async for rows in own.thresholds(link)] == [0]
        assert await chats.unsubscribe(link, ALICE, EVERYTHING)
        assert not await chats.unsubscribe(link, ALICE, EVERYTHING)
        assert [each.topic for each in await chats.subscriptions(link, ALICE)] == [instrument_topic("HSTECH")]
        page = StoredPage(link)
        place = await page.show("page", "delivery", "<p>1</p>")
        assert [each.place for each in await page.after("page", "0")] == [place]


async def test_what_is_done_together_is_done_where_the_slot_has_moved_to(tmp_path: Path) -> None:
    ports = free_ports(3)
    async with cluster(tmp_path, ports, BOUNDS) as url, linked(url) as link:
        await link.client.exists(link.keys.wanted())
        await move_slot(ports, link.keys.raised, to=2)
        await requests.want(link, "AAPL")
        assert (await requests.wanted(link)).symbols == ("AAPL",)


async def test_what_the_first_release_left_on_a_cluster_is_brought_over(tmp_path: Path) -> None:
    sample = (RELEASES / "1.jsonl").read_text(encoding="utf-8").splitlines()
    async with cluster(tmp_path, free_ports(3), BOUNDS) as url, linked(url) as link:
        await load(link.client, sample)
        await schema.prepare(link, machine_time, lambda _event, **_facts: None)
        assert {each.topic for each in await chats.subscriptions(link, ALICE)} == {
            EVERYTHING,
            f"chat:{ALICE}",
        }
        assert await outbox.backlog(link, [ALICE.route, CHANNEL.route]) == {ALICE.route: 3, CHANNEL.route: 1}
        left = {key async for key in link.client.scan_iter(match="live:1:*")}
        assert left == {"live:1:{r0}:lease", "live:1:{r0}:epoch"}


async def keys_of(port: int) -> list[str]:
    async with asked(port) as client:
        return [key async for key in client.scan_iter()]


async def move_slot(ports: Sequence[int], key: str, to: int) -> None:
    """Give a slot that holds nothing yet to another master."""
    slot = key_slot(key.encode())
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(asked(port)) for port in ports]
        taker = await clients[to].execute_command("CLUSTER MYID")
        for client in (clients[to], *clients):
            await client.execute_command("CLUSTER SETSLOT", slot, "NODE", taker)


async def test_a_master_that_is_killed_is_followed_by_its_replica(tmp_path: Path) -> None:
    ports = free_ports(3)
    url = f"redis+sentinel://127.0.0.1:{ports[2]}/mymaster/0"
    async with watched_pair(tmp_path, ports) as master, linked(url) as link:
        await chats.subscribe(link, ALICE, EVERYTHING, NOW)
        await stored.raise_together(link, 1, "job", NOW, [alert(4)])
        assert await link.client.execute_command("WAIT", 1, 5000) == 1
        master.kill()
        with pytest.raises(Away):
            await chats.subscriptions(link, ALICE)
        answer = await when_there(link, alert(6, before=4))
        assert answer.verdict == "raised"
        assert [each.topic for each in await chats.subscriptions(link, ALICE)] == [EVERYTHING]


async def when_there(link: Link, *alerts: Alert) -> stored.Raised:
    async with asyncio.timeout(15):
        while True:
            try:
                (answer,) = await stored.raise_together(link, 1, "other", NOW, alerts)
            except Away:
                await asyncio.sleep(0.1)
            else:
                return answer


@pytest.mark.parametrize(
    "url",
    [
        "http://nowhere",
        "redis+cluster://",
        "redis+cluster://127.0.0.1:7001/3",
        "redis+sentinel://127.0.0.1:26379",
        "redis+sentinel://127.0.0.1:26379/mymaster/x",
        "redis+pool://127.0.0.1:6379",
        "redis+cluster://127.0.0.1:port",
    ],
)
async def test_what_is_no_address_is_answered_with_those_there_are(url: str) -> None:
    with pytest.raises(
        WrongServer, match=r"REDIS_URL is no address of a Redis: write it like redis://"
    ) as said:
        await connect(Place(url=url), NAMESPACE)
    assert "redis+sentinel://host:26379,host:26379/mymaster" in str(said.value)


async def test_a_cluster_that_refuses_the_password_is_no_use(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with server(tmp_path, port, "--cluster-enabled", "yes", "--requirepass", "right"):
        with pytest.raises(WrongServer, match="Redis refuses the password"):
            await connect(Place(url=f"redis+cluster://:wrong@127.0.0.1:{port}"), NAMESPACE)


@pytest.mark.parametrize(
    "kind,rest", [("redis", "/0"), ("redis+cluster", ""), ("redis+sentinel", "/mymaster")]
)
async def test_an_address_is_named_without_what_is_secret_in_it(kind: str, rest: str) -> None:
    url = f"{kind}://someone:secret@127.0.0.1:1{rest}?sentinel_password=secret"
    with pytest.raises(Away) as said:
        await connect(Place(url=url.partition("?")[0] if kind == "redis" else url), NAMESPACE)
    assert f"No Redis answers at {kind}://127.0.0.1:1{rest}: start one there" in str(said.value)
