"""Each alert reaches each chat once, whatever is killed on the way."""

from __future__ import annotations

import asyncio
import csv
import random
import re
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from html import unescape
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from bot.errors import Away
from bot.store import alerts as stored
from bot.store.link import Link
from bot.store.server import socket_of
from tests.acceptance.processes import (
    TOKENS,
    Process,
    addresses,
    looking_into,
    running,
    settings,
    start,
    start_valkey,
    until,
)
from tests.conftest import PRICES
from tests.fakes import slack as fake_slack
from tests.fakes import telegram as fake_telegram
from tests.fakes.slack import CHANNEL, FakeSlack
from tests.fakes.telegram import TOKEN, FakeTelegram

BOT = TOKEN.partition(":")[0]
GROUP, ALICE = -100500, 4242
OVER = "is over; Ctrl-C ends it"
KILLS = 20
TELEGRAM = {f"telegram:{BOT}:{chat}": chat for chat in (GROUP, ALICE)}
SLACK = f"slack:{fake_slack.TEAM}:{CHANNEL}"
NAMES = (*TELEGRAM, SLACK)


def recorded(folder: Path, last: str) -> Path:
    """Put recorded days of a few instruments into a folder, as real as the ones they are taken from."""
    folder.mkdir()
    wanted = {"HSTECH", "^HSI", "1810.HK", "0700.HK"}
    with (PRICES / "daily_2020-12_2022-06.csv").open() as file:
        rows = list(csv.reader(file))
    kept = [row for row in rows[1:] if row[1] in wanted and "2022-03-03" <= row[0] <= last]
    (folder / "bars.csv").write_text("\n".join(",".join(row) for row in (rows[0], *kept)) + "\n")
    return folder


@pytest.fixture
def days(tmp_path: Path) -> Path:
    return recorded(tmp_path / "days", "2022-03-22")


@dataclass(slots=True)
class Outside:
    """Telegram and Slack on loopback, and what their chats show."""

    telegram: FakeTelegram
    slack: FakeSlack
    folder: Path
    days: Path
    config: Path

    def words(self, speed: int = 400_000) -> list[object]:
        named = [word for chat in NAMES for word in ("--to", chat)]
        place = ("--data-dir", self.folder, "--config", self.config, "--port", "0")
        return ["run", "--replay", self.days, "--speed", speed, "--resume", "march", *place, *named]

    def shown(self, name: str) -> list[str]:
        """Return the ids of the messages that a chat shows."""
        if name == SLACK:
            return [each.ts for each in self.slack.messages[CHANNEL]]
        return [str(each.message_id) for each in self.telegram.messages[TELEGRAM[name]]]

    def texts(self, name: str) -> list[str]:
        if name == SLACK:
            return [each.text for each in self.slack.messages[CHANNEL]]
        return self.telegram.texts(TELEGRAM[name])


@pytest.fixture
async def outside(tmp_path: Path, days: Path) -> AsyncIterator[Outside]:
    async with FakeTelegram() as telegram, FakeSlack() as slack:
        config = settings(tmp_path, addresses(telegram, slack))
        yield Outside(telegram, slack, tmp_path / "data", days, config)


async def everything_is_settled(link: Link) -> bool:
    """Tell whether no chat waits for anything."""
    if await stored.next_job(link) is not None:
        return False
    keys = [key async for key in link.client.scan_iter(match=f"{link.keys.chats}due:*")]
    return not keys


async def said_where(link: Link, name: str) -> dict[str, str]:
    """Return the message that each alert is recorded to stand in, in one chat."""
    fingerprints = [each.fingerprint for each in await stored.recent(link, 2_000)]
    states = {each: await link.client.hget(link.keys.ledger(each), name) for each in fingerprints}
    assert all(state is not None and state.startswith("sent ") for state in states.values()), states
    return {each: state.split(" ")[1] for each, state in states.items()}


async def each_alert_stands_in_each_chat_once(outside: Outside, link: Link) -> set[str]:
    """Assert that what the chats show and what the ledger records are the same, one to one."""
    told: set[str] = set()
    for name in NAMES:
        recorded = await said_where(link, name)
        shown = outside.shown(name)
        assert len(shown) == len(set(shown))
        assert set(recorded.values()) == set(shown), (name, outside.texts(name))
        told |= recorded.keys()
    return told


async def over(process: Process, link: Link) -> bool:
    """Tell whether a process is gone, or has nothing more to replay and to send."""
    if not process.alive:
        return True
    with suppress(Away, RedisError):
        return OVER in process.said and await everything_is_settled(link)
    return False


async def replay_to_its_end(outside: Outside, process: Process) -> set[str]:
    async with looking_into(outside.folder / "replay", "replay-march") as link:
        await until(lambda: over(process, link), 60)
        assert process.alive, process.said
        return await each_alert_stands_in_each_chat_once(outside, link)


async def test_an_alert_reaches_telegram_slack_and_the_page_once_each_with_the_same_facts(
    outside: Outside,
) -> None:
    async with running(*outside.words(), environ=TOKENS) as process:
        told = await replay_to_its_end(outside, process)
        async with looking_into(outside.folder / "replay", "replay-march") as link:
            entries = await link.client.xrange(link.keys.page("page"))
        pages = [fields["html"] for _, fields in entries]
        assert await process.stop() == 0
    assert len(told) >= 12
    headings = {text.splitlines()[0] for text in outside.telegram.texts(ALICE) if " off its " in text}
    # the message grew until the session's close
    assert any(each.startswith("Replay of 16 Mar 2022: HSTECH closed ") for each in headings)
    for heading in headings:
        assert [heading in text for text in outside.texts(SLACK)].count(True) == 1
        assert [heading in text for text in outside.telegram.texts(GROUP)].count(True) == 1
        assert [heading in unescape(html) for html in pages].count(True) == 1
    assert "Traceback" not in process.said
    assert all(secret not in process.said for secret in TOKENS.values())


async def test_a_redis_that_is_killed_and_comes_back_repeats_none_and_loses_none(outside: Outside) -> None:
    # what was sent is recorded when Redis is back, as long as the lease lasts
    outside.config.write_text(outside.config.read_text().replace("lease: 1.5", "lease: 20"))
    redis = outside.folder.with_name("redis")
    await asyncio.to_thread(redis.mkdir)
    valkey = await start_valkey(redis)
    environ = {**TOKENS, "REDIS_URL": f"unix://{socket_of(redis)}"}
    async with running(*outside.words(100_000), environ=environ) as process:
        await until(lambda: len(outside.telegram.messages[ALICE]) >= 2)
        valkey.kill()
        await valkey.wait()
        await asyncio.sleep(1)
        valkey = await start_valkey(redis)
        async with looking_into(redis, "replay-march") as link:
            await until(lambda: over(process, link), 60)
            assert process.alive, process.said
            told = await each_alert_stands_in_each_chat_once(outside, link)
        assert await process.stop() == 0
    valkey.terminate()
    await valkey.wait()
    assert len(told) >= 12
    assert "Traceback" not in process.said


@dataclass(slots=True)
class Killer:
    """Kills the process at a request that then never arrives, `KILLS` times.

    A second unknown ending of one delivery would be its last, as promised; so after each start every chat is
    let through once, which settles what the kill before had left in doubt.
    """

    outside: Outside
    chance: random.Random
    process: Process | None = None
    killed: list[str] = field(default_factory=list)
    let_through: set[str] = field(default_factory=set)
    settled_at: float = 0.0
    countdown: int = 1
    slack_alone: bool = False
    starts: int = 0

    def started(self, process: Process) -> None:
        self.process = process
        self.let_through.clear()
        self.starts += 1
        # Slack's channel is sent to more seldom: now and then it is waited for.
        self.slack_alone = self.starts % 5 == 1
        self.countdown = 1 if self.slack_alone else self.chance.randint(1, 2)

    def shown(self, chat: str) -> None:
        self.let_through.add(chat)
        self.settled_at = time.monotonic()

    def met(self, call: fake_telegram.Call | fake_slack.Call, server: FakeTelegram | FakeSlack) -> None:
        if call.method not in {"sendMessage", "chat.postMessage"} or self.process is None:
            return
        quiet = time.monotonic() - self.settled_at > 0.05
        is_meant = quiet and len(self.let_through) == 3
        is_meant = is_meant and (isinstance(server, FakeSlack) or not self.slack_alone)
        if self.process.alive and is_meant and len(self.killed) < KILLS:
            self.countdown -= 1
            if self.countdown <= 0:
                self.process.kill()
                self.killed.append(call.method)
        if not self.process.alive:
            if isinstance(server, FakeTelegram):
                server.script(fake_telegram.DropBefore())
            else:
                server.script(fake_slack.DropBefore())


def paced(settings: str, seconds: float) -> str:
    """Let each chat be sent a message after so many seconds."""
    return re.sub(r"seconds_a_(chat|group): [\d.]+", rf"seconds_a_\1: {seconds}", settings)


@pytest.mark.timeout(300)
async def test_killed_at_twenty_requests_and_started_again_it_repeats_none_and_loses_none(
    outside: Outside, tmp_path: Path
) -> None:
    # A kill takes a day or two of what is replayed, and more of them where processes are slow to start.
    outside.days = recorded(tmp_path / "weeks", "2022-05-06")
    killer = Killer(outside, random.Random(20220316))
    for server in (outside.telegram, outside.slack):
        server.limits = False
    outside.telegram.on_request = lambda call: killer.met(call, outside.telegram)
    outside.slack.on_request = lambda call: killer.met(call, outside.slack)
    outside.telegram.on_accepted = lambda message: killer.shown(str(message.chat))
    outside.slack.on_accepted = lambda message: killer.shown(message.channel)
    # every step rings by itself: more messages, none of them folded
    text = outside.config.read_text().replace("\nrules: calm", "\nrules: loud")
    text = re.sub(r'when: "([^"]+)"', r'when: "\1 urgent"', text)
    outside.config.write_text(paced(text, 0.3))
    speed = 25_000
    for _ in range(2 * KILLS):
        if len(killer.killed) == KILLS:
            speed = 400_000
            outside.config.write_text(paced(text, 0.03))
        process = await start(*outside.words(speed), environ=TOKENS)
        killer.started(process)
        async with looking_into(outside.folder / "replay", "replay-march") as link:
            await until(partial(over, process, link), 120)
            if process.alive:
                told = await each_alert_stands_in_each_chat_once(outside, link)
                break
        assert await process.ended() == -signal.SIGKILL, process.said
    process.kill()
    await process.ended()
    assert len(killer.killed) == KILLS
    assert set(killer.killed) == {"sendMessage", "chat.postMessage"}
    killer.process = None
    for server in (outside.telegram, outside.slack):
        server.messages.clear()
    undisturbed = replace(outside, folder=outside.folder / "other")
    async with running(*undisturbed.words(), environ=TOKENS) as other:
        assert await replay_to_its_end(undisturbed, other) == told
    assert len(told) > KILLS
