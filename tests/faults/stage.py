"""A stage: one Redis, Telegram and Slack on loopback, the chats that listen, and the parts that are tried."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.chats.chat_id import ChatId
from bot.clock import machine_time
from bot.pipeline.fan_out import FanOut
from bot.pipeline.raising import Raiser
from bot.store import alerts as stored
from bot.store import chats
from bot.store.link import Link
from tests.acceptance.processes import TOKENS, until
from tests.conftest import ROOT
from tests.fakes import slack as fake_slack
from tests.fakes import telegram as fake_telegram
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeTelegram
from tests.faults.processes import Part, Redis
from tests.faults.proxy import Commands, Proxy, requests
from tests.faults.stories import DESKS, desk, story

BOT = fake_telegram.TOKEN.partition(":")[0]
PAST_DUE_S = 120

FAST = "{a_second: 5000, at_once: 500, for_answers: 2, seconds_a_chat: 0, seconds_a_group: 0}"
"""A platform without limits."""
REAL = "{a_second: 30, at_once: 5, for_answers: 2, seconds_a_chat: 1, at_once_a_chat: 2, seconds_a_group: 3}"
"""Telegram's own limits."""
REAL_SLACK = "{a_second: 20, at_once: 5, for_answers: 2, seconds_a_chat: 1, at_once_a_chat: 1}"
"""Slack's own limits."""


def telegram_chat(number: int) -> ChatId:
    """Return one of the people on Telegram."""
    return ChatId("telegram", BOT, str(10_000 + number))


def group_chat(number: int) -> ChatId:
    """Return one of the groups on Telegram."""
    return ChatId("telegram", BOT, str(-100_000 - number))


def slack_channel(number: int) -> ChatId:
    """Return one of the channels on Slack."""
    return ChatId("slack", fake_slack.TEAM, f"C0ROOM{number}")


@dataclass(frozen=True, slots=True)
class Patience:
    """Delivery's patience on a stage, in seconds."""

    lease: float = 1.5
    send: float = 1.0
    doubt: float = 0.3
    oldest: float = 86_400
    telegram: str = FAST
    slack: str = FAST


QUICK = Patience()


@dataclass(eq=False, slots=True)
class Stage:
    """What a fault is tried on; `listeners` are the desks that each chat hears.

    Of the stories, so many are `told` by the stage itself, and some numbers are `skipped`. What a process
    that `stood_still` was sending may go out when it goes on, whoever has looked for it meanwhile.
    """

    folder: Path
    redis: Redis
    telegram: FakeTelegram
    slack: FakeSlack
    link: Link
    chance: random.Random
    patience: Patience
    listeners: dict[ChatId, frozenset[int]] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    told: int = 0
    skipped: set[int] = field(default_factory=set)
    stood_still: set[tuple[str, str]] = field(default_factory=set)
    scripted_429: bool = False
    exits: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def kills(self) -> int:
        """How many processes were killed so far."""
        return self.redis.kills + sum(each.kills for each in self.parts)

    @property
    def doubted(self) -> set[tuple[str, str]]:
        """The deliveries whose outcome was unknown at some time, each by its chat and its alert."""
        return {each for part in self.parts for each in part.doubted} | self.stood_still

    @property
    def accepted(self) -> int:
        """How many messages the platforms have taken so far."""
        telegram, slack = self.telegram.messages.values(), self.slack.messages.values()
        return sum(map(len, telegram)) + sum(map(len, slack))

    @property
    def book(self) -> Path:
        """Where the raisers write how far they came."""
        return self.folder / "book"

    async def listen(self, *listening: ChatId, desks: Sequence[int] | None = None) -> None:
        """Subscribe chats: to `desks`, or each to one, taking turns."""
        for index, chat in enumerate(listening):
            wanted = frozenset([index % DESKS] if desks is None else desks)
            self.listeners[chat] = self.listeners.get(chat, frozenset()) | wanted
            for each in wanted:
                await chats.subscribe(self.link, chat, desk(each), machine_time())
            if chat.platform == "slack":
                self.slack.channels[chat.chat] = ""

    async def listen_all(self, people: int = 12, groups: int = 4, channels: int = 8) -> None:
        """Subscribe people and groups on Telegram and channels on Slack."""
        await self.listen(
            *(telegram_chat(each) for each in range(people)),
            *(group_chat(each) for each in range(groups)),
            *(slack_channel(each) for each in range(channels)),
        )

    async def part(self, name: str, *words: object, started: bool = True) -> Part:
        """Make a part of Marketbell with proxies of its own, and start it."""
        redis = await self._proxy(Proxy(self.redis.socket, Commands()))
        telegram = await self._proxy(Proxy(_address(self.telegram.url), requests))
        slack = await self._proxy(Proxy(_address(self.slack.url), requests))
        home = self.folder / f"{name}-{len(self.parts)}"
        home.mkdir()
        (home / "config.yaml").write_text(self._settings(telegram.port, slack.port))
        environ = {
            **TOKENS,
            "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
            "XDG_DATA_HOME": str(home),
        }
        part = Part(name, words, environ, home, redis, (telegram, slack))
        self.parts.append(part)
        self.exits.push_async_callback(part.close)
        if started:
            await part.start()
        return part

    async def sender(self, *, started: bool = True) -> Part:
        """Start a sender."""
        return await self.part("sender", "-m", "bot", "sender", started=started)

    async def raiser(
        self, last: int, *, together: int = 1, pause: float = 0.0, lease: float = 0.5, started: bool = True
    ) -> Part:
        """Start a process that raises the stories before `last`."""
        words = ("--last", last, "--together", together, "--pause", pause, "--lease", lease)
        return await self.part("raiser", "-m", "tests.faults.raiser", self.book, *words, started=started)

    async def tell(self, number: int, together: int = 4) -> None:
        """Raise so many more stories and fan them out, without a process of its own."""
        epoch = int(await self.link.client.get(self.link.keys.epoch()) or 0)
        raiser, fan_out = Raiser(self.link, epoch, machine_time), FanOut(self.link, machine_time)
        last = self.told + number
        while self.told < last:
            numbers = range(self.told, min(self.told + together, last))
            await raiser.raise_all([story(each, machine_time()) for each in numbers])
            self.told = numbers.stop
        await fan_out.work_off()

    async def more(self, number: int = 1, seconds: float = PAST_DUE_S) -> float:
        """Wait until the platforms have taken so many more messages; return the seconds that took."""
        before, began = self.accepted, time.monotonic()
        await until(lambda: self.accepted >= before + number, seconds)
        return time.monotonic() - began

    async def raised(self, last: int, seconds: float = PAST_DUE_S) -> None:
        """Wait until every story before `last` is raised and fanned out."""
        await until(lambda: self.book.exists() and int(self.book.read_text()) >= last, seconds)

        async def all_fanned_out() -> bool:
            return await stored.next_job(self.link) is None

        await until(all_fanned_out, seconds)

    async def rest(self, seconds: float = PAST_DUE_S) -> None:
        """Wait until nothing waits for anything."""
        try:
            await until(self.at_rest, seconds)
        except TimeoutError as error:
            error.add_note(await self.standing())
            raise

    async def at_rest(self) -> bool:
        """Tell whether every job is fanned out and no chat has anything due."""
        if await stored.next_job(self.link) is not None:
            return False
        async for _ in self.link.client.scan_iter(match=f"{self.link.keys.chats}due:*", count=1000):
            return False
        return True

    async def standing(self) -> str:
        """Say what is not at rest."""
        keys, client = self.link.keys, self.link.client
        lines = [f"jobs: {await client.llen(keys.jobs())}", f"claims: {await client.hgetall(keys.claims())}"]
        async for key in client.scan_iter(match=f"{keys.chats}due:*"):
            found = await client.zrange(key, 0, 3, withscores=True)
            lines.append(f"{key}: {[(chat, round(due - time.time() * 1000)) for chat, due in found]}")
        lines += [f"{each.name}: {''.join(each.said.splitlines(keepends=True)[-5:])}" for each in self.parts]
        return "\n".join(lines)

    async def doubt(self) -> set[tuple[str, str]]:
        """Return which deliveries stand as being sent: just after a kill, those that nobody knows about."""
        keys, client = self.link.keys, self.link.client
        claimed = await client.hgetall(keys.claims())
        if not claimed:
            return set()
        boxes = await client.hmget(keys.boxes(), list(claimed))
        waiting = [
            (chat, each) for chat, box in zip(claimed, boxes, strict=True) if box for each in box.split("\n")
        ]
        states = await self.states(waiting)
        return {each for each, state in zip(waiting, states, strict=True) if state.startswith("sending ")}

    async def states(self, deliveries: Iterable[tuple[str, str]]) -> list[str]:
        """Return what the ledger has of deliveries, each named by its chat and its alert."""
        async with self.link.client.pipeline(transaction=False) as pipe:
            for chat, fingerprint in deliveries:
                pipe.hget(self.link.keys.ledger(fingerprint), chat)
            return [state or "" for state in await pipe.execute()]

    async def ended(self, deliveries: Iterable[tuple[str, str]]) -> None:
        """Wait until the ledger has an end of every one of these deliveries."""
        wanted = list(deliveries)

        async def all_ended() -> bool:
            return all(state.startswith(("sent", "dead", "dropped")) for state in await self.states(wanted))

        if wanted:
            await until(all_ended, 30)

    async def _proxy(self, proxy: Proxy) -> Proxy:
        return await self.exits.enter_async_context(proxy)

    def _settings(self, telegram: int, slack: int) -> str:
        patience = self.patience
        text = (ROOT / "config.yaml").read_text().split("\n# Delivery's patience")[0]
        return text + (
            f"\ndelivery:\n  lease: {patience.lease}\n  send: {patience.send}\n  doubt: {patience.doubt}\n"
            f"  oldest: {patience.oldest}\n  telegram: {patience.telegram}\n  slack: {patience.slack}\n"
            "worker: {lease: 1}\n"
            f'addresses:\n  telegram: "http://127.0.0.1:{telegram}"\n'
            f'  slack: "http://127.0.0.1:{slack}/api/"\n'
        )


def _address(url: str) -> tuple[str, int]:
    return "127.0.0.1", int(url.split(":")[2].split("/", maxsplit=1)[0])


@asynccontextmanager
async def stage(
    chance: random.Random, patience: Patience = QUICK, *, limits: bool = False, redis: tuple[str, ...] = ()
) -> AsyncIterator[Stage]:
    """Set a stage up, and take everything down that was started on it."""
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        folder = Path(name)
        (folder / "redis").mkdir()
        server = Redis(folder / "redis", redis)
        await server.start()
        link = await server.reached()
        async with FakeTelegram(limits=limits) as telegram, FakeSlack(limits=limits) as slack:
            made = Stage(folder, server, telegram, slack, link, chance, patience)
            try:
                async with made.exits:
                    yield made
            finally:
                await made.link.close()
                await server.close()
