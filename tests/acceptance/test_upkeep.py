"""What an operator does and has to hear: settings that are read anew, a Redis that has lost everything."""

from __future__ import annotations

import re
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis

from bot.store.server import embedded, socket_of
from tests.acceptance.processes import TOKENS, Process, addresses, running, settings, until
from tests.fakes import telegram as fake_telegram
from tests.fakes.telegram import FakeTelegram
from tests.fakes.yahoo import FakeYahoo, quote

BOT = fake_telegram.TOKEN.partition(":")[0]
ALICE, BOB = 4242, 4343
LOST = "Redis has lost everything"
ROUND_THE_CLOCK = """
  - {symbol: "BTC-USD", kind: index, exchange: CCCC, currency: USD, short: "Bitcoin"}"""


@dataclass(slots=True)
class House:
    """Telegram, Yahoo and Redis, and the settings that name them."""

    telegram: FakeTelegram
    yahoo: FakeYahoo
    socket: Path
    config: Path
    seen: list[float] = field(default_factory=list)

    def price(self, price: float) -> None:
        """Let Bitcoin be quoted at `price` now; its previous close is 4,000."""
        self.seen.append(price)
        now, low, high = datetime.now(UTC), min(self.seen), max(self.seen)
        row = quote("BTC-USD", price, now, previous=4000.0, high=high, low=low)
        self.yahoo.put({**row, "currency": "USD"})

    def tell(self, chats: str) -> None:
        """Write into the settings whom to tell."""
        text = re.sub(r"(?m)^tell: .*$", f"tell: {chats}", self.config.read_text())
        self.config.write_text(text)

    def headings(self, chat: int) -> list[str]:
        return [each.splitlines()[0] for each in self.telegram.texts(chat)]

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[Process]:
        """Start a sender and a worker, and return the worker once it has looked."""
        environ = {
            "TELEGRAM_TOKEN": TOKENS["TELEGRAM_TOKEN"],
            "REDIS_URL": f"unix://{self.socket}",
            "XDG_DATA_HOME": str(self.config.parent / "home"),
        }
        folder = self.config.parent
        async with (
            running("worker", environ=environ, cwd=folder) as worker,
            running("sender", environ=environ, cwd=folder) as sender,
        ):
            await until(lambda: len(self.yahoo.asked("/v7/finance/quote")) > 1)
            yield worker
            assert await worker.stop() == 0
            assert await sender.stop() == 0
        assert "Traceback" not in worker.said + sender.said


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[Path]:
    with embedded(tmp_path / "redis"):
        yield socket_of(tmp_path / "redis")


@pytest.fixture
async def house(tmp_path: Path, socket: Path) -> AsyncIterator[House]:
    async with FakeTelegram() as telegram, FakeYahoo() as yahoo:
        today = datetime.now(UTC).date()
        days = [(today - timedelta(days=back), 4000.0) for back in (5, 4, 3, 2, 1)]
        yahoo.put_history("BTC-USD", days, currency="USD")
        config = settings(
            tmp_path,
            addresses(telegram, None, yahoo.url),
            instruments=ROUND_THE_CLOCK,
            schedule="{quotes: 1, feeds: 60, patience: 600}",
            worker="{lease: 3}",
            tell=f'{{"telegram:{BOT}:{ALICE}": [all]}}',
        )
        made = House(telegram, yahoo, socket, config)
        made.price(4000.0)
        yield made


async def test_that_everything_is_lost_is_told_once_and_what_comes_is_told(house: House) -> None:
    async with house.at_work():
        house.price(4210.0)
        await until(lambda: any(each.startswith("Bitcoin +5") for each in house.headings(ALICE)))
        with Redis(unix_socket_path=str(house.socket)) as redis:
            redis.flushall()
        await until(lambda: any(each.startswith(LOST) for each in house.headings(ALICE)))
        house.price(3820.0)
        await until(lambda: any(each.startswith("Bitcoin −4") for each in house.headings(ALICE)))
    assert sum(each.startswith(LOST) for each in house.headings(ALICE)) == 1
    # nobody can know any more that this was told
    assert sum(each.startswith("Bitcoin +5") for each in house.headings(ALICE)) <= 2
    assert sum(each.startswith("Bitcoin −4") for each in house.headings(ALICE)) == 1


async def test_a_worker_reads_its_settings_anew_when_it_is_asked_and_keeps_the_old_where_it_cannot(
    house: House,
) -> None:
    async with house.at_work() as worker:
        house.tell(f'{{"telegram:{BOT}:{BOB}": [NO-SUCH-NAME]}}')
        worker.child.send_signal(signal.SIGHUP)
        await until(lambda: "the settings stay as they were" in worker.said)
        assert "NO-SUCH-NAME" in worker.said
        house.tell(f'{{"telegram:{BOT}:{ALICE}": [all], "telegram:{BOT}:{BOB}": [all]}}')
        for _ in range(20):
            worker.child.send_signal(signal.SIGHUP)
        await until(lambda: worker.said.count("the worker is active") == 2)
        assert worker.said.count("begins anew") == 1
        house.price(4210.0)
        await until(lambda: all(len(house.headings(chat)) == 1 for chat in (ALICE, BOB)))
        for chat in (ALICE, BOB):
            assert house.headings(chat)[0].startswith("Bitcoin +5")
