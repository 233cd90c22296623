"""The processes of the Procfile on one Redis: a conversation, a live alert, two senders at once."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.store.server import embedded, socket_of
from tests.acceptance.processes import TOKENS, Process, addresses, running, settings, start, until
from tests.conftest import ROOT
from tests.fakes import telegram as fake_telegram
from tests.fakes.slack import CHANNEL, FakeSlack
from tests.fakes.telegram import FakeTelegram
from tests.fakes.yahoo import FakeYahoo, quote

BOT = fake_telegram.TOKEN.partition(":")[0]
ALICE, BOB, GROUP = 4242, 4343, -100500
# Something that trades whenever the tests run; the settings' own instruments stay below it.
ROUND_THE_CLOCK = """
  - {symbol: "BTC-USD", kind: index, exchange: CCCC, currency: USD, short: "Bitcoin"}"""


@dataclass(slots=True)
class House:
    """All the outside, one Redis, and the settings that name them."""

    telegram: FakeTelegram
    slack: FakeSlack
    yahoo: FakeYahoo
    environ: dict[str, str]
    folder: Path
    port: int

    def price(self, price: float) -> None:
        """Let Bitcoin be quoted at `price` now; its previous close is 4,000."""
        row = quote("BTC-USD", price, datetime.now(UTC), previous=4000.0, high=max(price, 4000.0), low=4000.0)
        self.yahoo.put({**row, "currency": "USD"})

    async def asked(self, chat: int, user: int, line: str) -> str:
        """Say a line on Telegram and return what is answered."""
        before = len(self.telegram.texts(chat))
        self.telegram.say(chat, user, line, "private" if chat > 0 else "supergroup")
        await until(lambda: len(self.telegram.texts(chat)) > before)
        return self.telegram.texts(chat)[-1]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    with embedded(tmp_path / "redis"):
        yield f"unix://{socket_of(tmp_path / 'redis')}"


@pytest.fixture
async def house(tmp_path: Path, redis: str) -> AsyncIterator[House]:
    async with FakeTelegram() as telegram, FakeSlack() as slack, FakeYahoo() as yahoo:
        today = datetime.now(UTC).date()
        days = [(today - timedelta(days=back), 4000.0) for back in (5, 4, 3, 2, 1)]
        yahoo.put_history("BTC-USD", days, currency="USD")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        settings(
            tmp_path,
            addresses(telegram, slack, yahoo.url),
            instruments=ROUND_THE_CLOCK,
            # The settings' own instruments have no prices here, which is not what is tried.
            schedule="{quotes: 1, feeds: 60, patience: 600}",
            web=f'{{host: "127.0.0.1", port: {port}, names: []}}',
            access=f'{{owners: [], chats: ["telegram:{BOT}:{ALICE}", "telegram:{BOT}:{GROUP}"]}}',
            worker="{lease: 3}",
            tell=f'{{"slack:{slack.team}:{CHANNEL}": [BTC-USD], "web:page": [all]}}',
        )
        environ = {**TOKENS, "REDIS_URL": redis, "XDG_DATA_HOME": str(tmp_path / "home")}
        made = House(telegram, slack, yahoo, environ, tmp_path, port)
        made.price(4000.0)
        yield made


@asynccontextmanager
async def procfile(house: House, **processes: int) -> AsyncIterator[list[str]]:
    """Start the Procfile's processes as honcho does, so many of each."""
    numbers = ",".join(f"{name}={number}" for name, number in processes.items())
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    child = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "honcho"),
        *("--no-colour", "-f", str(ROOT / "Procfile"), "start", "-c", numbers),
        env={**house.environ, "PATH": path, "HOME": str(house.folder), "PYTHONUNBUFFERED": "1"},
        cwd=house.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert child.stdout is not None
    lines: list[str] = []

    async def read(stream: asyncio.StreamReader) -> None:
        async for line in stream:
            lines.extend([line.decode()])

    reading = asyncio.create_task(read(child.stdout))
    try:
        yield lines
    except BaseException as failure:
        failure.add_note("".join(lines))
        raise
    finally:
        # honcho ends what it started; killed, it would leave them
        child.terminate()
        async with asyncio.timeout(20):
            await child.wait()
        await reading


async def test_the_parts_hold_a_conversation_and_tell_a_live_alert_once(house: House) -> None:
    async with procfile(house, worker=1, sender=2, telegram=1, slack=1, web=1) as said:
        start_answer = await house.asked(ALICE, ALICE, "/start")
        assert start_answer.startswith("Marketbell tells you once when something matters")
        assert f"telegram:{BOT}:{BOB}" in await house.asked(BOB, BOB, "/start")
        refused = await house.asked(BOB, BOB, "/subscribe HSTECH")
        assert refused.startswith("/subscribe is for a member: ask the owner of this bot")
        # only the worker can search, and it starts more slowly than those that answer
        await until(lambda: len(house.yahoo.asked("/v7/finance/quote")) > 1)
        assert "Nearest: 1810.HK (Xiaomi)" in await house.asked(ALICE, ALICE, "/quote XIAOMO")
        assert await house.asked(ALICE, ALICE, "/quote") == "Write /quote SYMBOL, as in /quote 1810.HK."
        subscribed = await house.asked(ALICE, ALICE, "/subscribe 恒生科指")
        assert subscribed.startswith("Subscribed to HSTECH (HSTECH)")
        assert "HSTECH (HSTECH)" in await house.asked(ALICE, ALICE, "/subscriptions")
        assert "Bitcoin" in await house.asked(ALICE, ALICE, "/subscribe BTC-USD")
        # what rings when the source fails has no cost that bars could tell
        noticed = await house.asked(ALICE, ALICE, "/subscribe notices")
        assert noticed.startswith("Subscribed to notices")
        assert "How often" not in noticed
        answer = await house.asked(ALICE, ALICE, "/quote BTC-USD")
        assert "4,000.00" in answer
        assert "15 min delayed" in answer
        assert "Yahoo" in answer
        acked = await house.slack.slash("/quote", "BTC-USD")
        assert acked.seconds < 3
        told = len(house.telegram.texts(ALICE))
        house.price(4170.0)
        await until(lambda: len(house.telegram.texts(ALICE)) == told + 1)
        assert house.telegram.texts(ALICE)[-1].startswith("Bitcoin +4.25%")
        # further steps of the session join the message; the rise off the low is another
        house.price(4250.0)
        await until(lambda: len(house.telegram.edits[ALICE]) == 1)
        house.price(4410.0)
        await until(lambda: len(house.telegram.edits[ALICE]) == 2)
        await until(lambda: len(house.telegram.texts(ALICE)) == told + 2)
        await until(lambda: len(house.slack.messages[CHANNEL]) == 2)
        await asyncio.sleep(2.5)
        assert len(house.telegram.texts(ALICE)) == told + 2
        grown, off_low = house.telegram.edits[ALICE][-1].text, house.telegram.texts(ALICE)[-1]
        assert grown.startswith("Bitcoin +10.25%")
        assert "10% off its" in off_low.splitlines()[0]
        headings = [grown.splitlines()[0], off_low.splitlines()[0]]
        assert [each.text.splitlines()[0] for each in house.slack.messages[CHANNEL]] == headings
        assert house.telegram.texts(BOB)[2:] == []
        status = await house.asked(ALICE, ALICE, "/status")
        assert status.startswith("All is well")
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{house.port}/") as page,
        ):
            shown = await page.text()
        for heading in headings:
            assert shown.count(heading) == 1
    log = "".join(said)
    assert "Traceback" not in log
    assert [call.code for call in house.telegram.journal if call.code == 429] == []
    assert all(secret not in log for secret in TOKENS.values())


async def test_a_standby_takes_over_from_a_worker_that_is_killed_and_tells_what_comes_once(
    house: House,
) -> None:
    async with AsyncExitStack() as stack:
        sender = running("sender", environ=house.environ, cwd=house.folder)
        await stack.enter_async_context(sender)
        first, second = [
            await stack.enter_async_context(running("worker", environ=house.environ, cwd=house.folder))
            for _ in range(2)
        ]
        await until(lambda: _is_active(first) or _is_active(second))
        await until(lambda: len(house.yahoo.asked("/v7/finance/quote")) > 1)
        leader, standby = (first, second) if _is_active(first) else (second, first)
        assert not _is_active(standby)
        leader.kill()
        house.price(4170.0)
        await until(lambda: _is_active(standby))
        await until(lambda: len(house.slack.messages[CHANNEL]) == 1)
        await asyncio.sleep(2)
        assert [each.text.startswith("Bitcoin +4.25%") for each in house.slack.messages[CHANNEL]] == [True]


def _is_active(process: Process) -> bool:
    return "the worker is active" in process.said


async def test_a_part_waits_for_a_redis_that_is_not_there_yet(house: House) -> None:
    away = {**house.environ, "REDIS_URL": "redis://127.0.0.1:1/0"}
    process = await start("sender", environ=away, cwd=house.folder)
    try:
        await until(lambda: "waiting for Redis" in process.said)
        assert process.alive
        assert await process.stop() == 0
    finally:
        process.kill()


@pytest.mark.parametrize(
    "part,changed,said",
    [
        (
            "telegram",
            {"TELEGRAM_TOKEN": "123456789:AAWrongWrongWrongWrongWrongWrongWro"},
            "Telegram refuses the token",
        ),
        ("telegram", {"TELEGRAM_TOKEN": ""}, "TELEGRAM_TOKEN is not set"),
        ("slack", {"SLACK_BOT_TOKEN": "xoxb-wrong"}, "Slack refuses the token in SLACK_BOT_TOKEN"),
        ("worker", {"REDIS_URL": "http://nowhere"}, "REDIS_URL is no address of a Redis"),
    ],
)
async def test_what_cannot_be_used_is_said_in_one_sentence(
    house: House, part: str, changed: dict[str, str], said: str
) -> None:
    process = await start(part, environ={**house.environ, **changed}, cwd=house.folder)
    try:
        assert await process.ended() == 2
    finally:
        process.kill()
    assert "Traceback" not in process.said
    last = process.err[-1]
    assert last.startswith(said)
    assert all(len(value) < 10 or value not in process.said for value in changed.values())


async def test_a_redis_that_is_not_there_is_one_sentence(house: House) -> None:
    environ = {**house.environ, "REDIS_URL": "redis://:sentinel-password@127.0.0.1:1/0"}
    process = await start("quote", "HSTECH", environ=environ, cwd=house.folder)
    assert await process.ended() == 1
    assert process.said == (
        "No Redis answers at redis://127.0.0.1:1/0: start one there, or set REDIS_URL to where it is.\n"
    )


async def test_without_a_running_marketbell_a_quote_says_what_to_start(house: House) -> None:
    environ = {name: value for name, value in house.environ.items() if name != "REDIS_URL"}
    process = await start("quote", "HSTECH", environ=environ, cwd=house.folder)
    assert await process.ended() == 1
    assert process.said.startswith("No Marketbell runs here: start marketbell run")
