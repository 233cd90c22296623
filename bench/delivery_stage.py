"""What deliveries are measured on: a real server, a Bot API in a process of its own, and real senders."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from array import array
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.fake_bot_api import TOKEN
from bot.alerts.alert import Alert, Move
from bot.chats.chat_id import ChatId
from bot.chats.subscription import instrument_topic
from bot.clock import MachineTime, machine_time
from bot.market.measures import Distance
from bot.pipeline.fan_out import FanOut
from bot.store import alerts as stored
from bot.store import chats as stored_chats
from bot.store import outbox
from bot.store.keys import LIVE
from bot.store.link import Link, Place, connect
from bot.store.server import embedded, socket_of
from tests.cast import alert

ROOT = Path(__file__).parents[1]
BOT = TOKEN.partition(":")[0]
ROUTE = f"telegram:{BOT}"
UNLIMITED = "{a_second: 1000000, at_once: 100000, seconds_a_chat: 0, at_once_a_chat: 1, seconds_a_group: 0}"
"""A pace that holds nothing up."""

_FIRST = 10_000_000
_TOGETHER = 1000
_LOOKED = 0.1


@dataclass(frozen=True, slots=True)
class Journal:
    """What was accepted: the moment by the system's monotonic clock, and the chat."""

    accepted: tuple[tuple[float, int], ...]

    @property
    def rate(self) -> float:
        """Messages a second between the first and the last."""
        moments = [at for at, _ in self.accepted]
        return (len(moments) - 1) / (max(moments) - min(moments))


@dataclass(slots=True)
class FakeApi:
    """The Bot API's process, and how it is spoken to."""

    process: asyncio.subprocess.Process
    said: asyncio.StreamReader
    told: asyncio.StreamWriter
    port: int
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    async def order(self, *words: object) -> str:
        """Give an order and return what is said to it."""
        async with self._turn:
            self.told.write(" ".join(map(str, words)).encode() + b"\n")
            return (await self.said.readline()).decode().strip()

    async def counts(self) -> Counter[str]:
        """Return how many requests ended in which way."""
        return Counter(json.loads(await self.order("counts")))

    async def journal(self, folder: Path) -> Journal:
        """Return what was accepted since it was told to forget."""
        file = folder / "journal"
        count = int(await self.order("journal", file))
        moments, chats = array("d"), array("q")
        raw = await asyncio.to_thread(file.read_bytes)
        moments.frombytes(raw[: 8 * count])
        chats.frombytes(raw[8 * count :])
        return Journal(tuple(zip(moments, chats, strict=True)))


@dataclass(slots=True)
class Stage:
    """One server, one Bot API, and the senders that were started."""

    folder: Path
    place: Place
    link: Link
    api: FakeApi
    senders: list[asyncio.subprocess.Process] = field(default_factory=list)
    _jobs: int = 0

    async def start_senders(self, ahead: Sequence[int], delivery: str = "") -> None:
        """Start a real sender for each of these clocks, in milliseconds ahead; return when all are ready."""
        known = (await self.api.counts())["asked who it is"]
        paced = {"  telegram": delivery} if delivery else {}
        config = written(self.folder, {"telegram": self.api.url}, **paced)
        for each in ahead:
            self.senders.append(
                await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "bench.delivery_skewed", str(each)),
                    *("sender", "--config", str(config)),
                    cwd=ROOT,
                    env=environment(self.folder, TELEGRAM_TOKEN=TOKEN),
                    stdin=asyncio.subprocess.DEVNULL,
                    stderr=(self.folder / "sender.log").open("ab"),
                )
            )
        await until(lambda: self._asked(known + len(ahead)))
        await asyncio.sleep(1)

    async def _asked(self, times: int) -> bool:
        if ended := [each.pid for each in self.senders if each.returncode is not None]:
            raise RuntimeError(f"Senders ended: {ended}\n{(self.folder / 'sender.log').read_text()[-2000:]}")
        return (await self.api.counts())["asked who it is"] >= times

    async def stop_senders(self) -> None:
        """Ask every sender to end, and wait until it has."""
        for each in self.senders:
            if each.returncode is None:
                each.send_signal(signal.SIGTERM)
        for each in self.senders:
            await each.wait()
        self.senders.clear()

    async def subscribe(self, chats: Sequence[ChatId], topic: str) -> None:
        """Let chats ask for a topic."""
        for at in range(0, len(chats), _TOGETHER):
            some = chats[at : at + _TOGETHER]
            await asyncio.gather(*(stored_chats.subscribe(self.link, each, topic, 1) for each in some))

    async def tell(self, alerts: Sequence[Alert], due: MachineTime = machine_time) -> None:
        """Raise alerts, each by itself, and fan them out; what they fill is due at `due`."""
        # Workers may have taken over from each other meanwhile.
        epoch = int(await self.link.client.get(self.link.keys.epoch()) or 1)
        for each in alerts:
            self._jobs += 1
            job = f"bench-{self._jobs}"
            raised = await stored.raise_together(self.link, epoch, job, machine_time(), [each])
            if [told.verdict for told in raised] != ["raised"]:
                raise AssertionError(raised)
        await FanOut(self.link, due).work_off()

    async def settled(self, number: int, patience: float) -> None:
        """Wait until so many deliveries have ended, all of them sent."""
        before = sum((await outbox.counts(self.link)).values())

        async def ended() -> bool:
            return sum((await outbox.counts(self.link)).values()) >= number

        try:
            await until(ended, patience)
        except TimeoutError as late:
            late.add_note(f"{before} had ended at first, {await outbox.counts(self.link)} of {number} now")
            raise
        counts = await outbox.counts(self.link)
        if counts != {"sent": number}:
            raise AssertionError(f"Deliveries ended as {counts}, and {number} were to be sent.")


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    """Have a fresh server and a Bot API for as long as the context lasts."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        place = stack.enter_context(embedded(folder / "redis"))
        api = await stack.enter_async_context(fake_api())
        link = await connect(place, LIVE)
        stack.push_async_callback(link.close)
        stage = Stage(folder, place, link, api)
        stack.push_async_callback(stage.stop_senders)
        yield stage


@asynccontextmanager
async def fake_api() -> AsyncIterator[FakeApi]:
    """Have a Bot API in a process of its own for as long as the context lasts."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.fake_bot_api"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        said, told = process.stdout, process.stdin
        if said is None or told is None:
            raise RuntimeError("The Bot API cannot be spoken to.")
        yield FakeApi(process, said, told, int(await said.readline()))
    finally:
        process.kill()
        await process.wait()


def environment(folder: Path, **secrets: str) -> dict[str, str]:
    """Return what a process needs to work on the server in `folder`."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        "REDIS_URL": f"unix://{socket_of(folder / 'redis')}",
        "PYTHONPATH": str(ROOT),
        "XDG_DATA_HOME": str(folder / "home"),
        **secrets,
    }


def written(folder: Path, addresses: Mapping[str, str], **changed: str) -> Path:
    """Write the settings that come along, with the outside at `addresses` and some lines `changed`."""
    lines = (ROOT / "config.yaml").read_text().splitlines()
    for name, value in changed.items():
        lines = [f"{name}: {value}" if line.startswith(f"{name}: ") else line for line in lines]
    lines += ["addresses:", *(f'  {name}: "{url}"' for name, url in addresses.items())]
    file = folder / "config.yaml"
    file.write_text("\n".join((*lines, "")))
    return file


def private_chats(count: int, first: int = 0) -> list[ChatId]:
    """Return so many private chats of the bot."""
    return [ChatId("telegram", BOT, str(_FIRST + first + number)) for number in range(count)]


def alert_of(symbol: str) -> Alert:
    """Return a first alert of an instrument, with the numbers that a reader asks for next."""
    plain = alert(4, symbol=symbol, raised=machine_time())
    move = plain.facts
    if not isinstance(move, Move):
        raise TypeError(move)
    session = move.crossing.reference.session
    told = replace(
        move,
        short=symbol,
        day_change=4.0,
        previous_close=100.0,
        streak=3,
        from_peak=Distance(152.4, session, -31.76),
        off_low=Distance(81.2, session, 28.08),
        is_index=True,
        reference_age=1,
    )
    return replace(plain, facts=told, topics=(instrument_topic(symbol),))


def each_once(journal: Journal, chats: Iterable[ChatId]) -> None:
    """See that each of `chats` was sent one message, and nobody else any."""
    told, wanted = Counter(chat for _, chat in journal.accepted), {int(each.chat) for each in chats}
    if told.keys() != wanted or set(told.values()) != {1}:
        often = {chat: times for chat, times in told.items() if times > 1}
        raise AssertionError(f"{len(wanted - told.keys())} were not told, {len(often)} more than once.")


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - what is waited for is in other processes
            await asyncio.sleep(_LOOKED)


def processor_seconds(pid: int) -> float:
    """Return what a process has had of the processors."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
