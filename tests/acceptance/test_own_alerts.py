"""A chat's own alerts, said on Telegram to real processes: a worker beside measures what they cost."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.store.server import embedded, socket_of
from tests.acceptance.processes import TOKENS, addresses, running, settings, until
from tests.fakes import telegram as fake_telegram
from tests.fakes.telegram import FakeTelegram
from tests.fakes.yahoo import FakeYahoo, quote

BOT = fake_telegram.TOKEN.partition(":")[0]
ALICE, BOB, GROUP = 4242, 4343, -100500
ROUND_THE_CLOCK = """
  - {symbol: "BTC-USD", kind: index, exchange: CCCC, currency: USD, short: "Bitcoin", aliases: ["比特币"]}"""
# Falls by 2% below the threshold on five days, and comes back in between.
CLOSES = (4000.0, 3900.0) * 5


@dataclass(slots=True)
class House:
    """Telegram, Yahoo and Redis, and a worker and whoever answers on Telegram beside them."""

    telegram: FakeTelegram
    yahoo: FakeYahoo
    environ: dict[str, str]
    folder: Path

    def price(self, price: float) -> None:
        """Let Bitcoin be quoted at `price` now."""
        now, low, high = datetime.now(UTC), min(price, 4000.0), max(price, 4000.0)
        row = quote("BTC-USD", price, now, previous=CLOSES[-1], high=high, low=low)
        self.yahoo.put({**row, "currency": "USD"})

    async def told(self, price: float) -> str:
        """Let the price come in and return what Alice is told of it."""
        before = len(self.telegram.texts(ALICE))
        self.price(price)
        await until(lambda: len(self.telegram.texts(ALICE)) > before)
        return self.telegram.texts(ALICE)[-1]

    async def asked(self, line: str, chat: int = ALICE, user: int = ALICE) -> str:
        """Say a line on Telegram and return what is answered."""
        before = len(self.telegram.texts(chat))
        self.telegram.say(chat, user, line, "private" if chat > 0 else "supergroup")
        await until(lambda: len(self.telegram.texts(chat)) > before)
        return self.telegram.texts(chat)[-1]

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Start the processes, and wait for the first look."""
        async with (
            running("worker", environ=self.environ, cwd=self.folder) as worker,
            running("telegram", environ=self.environ, cwd=self.folder) as telegram,
            running("sender", environ=self.environ, cwd=self.folder) as sender,
        ):
            await until(lambda: len(self.yahoo.asked("/v7/finance/quote")) > 1)
            try:
                yield
            except BaseException as failure:
                failure.add_note(worker.said + telegram.said + sender.said)
                raise
        assert "Traceback" not in worker.said + telegram.said + sender.said


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    with embedded(tmp_path / "redis"):
        yield f"unix://{socket_of(tmp_path / 'redis')}"


@pytest.fixture
async def house(tmp_path: Path, redis: str) -> AsyncIterator[House]:
    async with FakeTelegram() as telegram, FakeYahoo() as yahoo:
        today = datetime.now(UTC).date()
        days = [(today - timedelta(days=len(CLOSES) - at), close) for at, close in enumerate(CLOSES)]
        yahoo.put_history("BTC-USD", days, currency="USD")
        settings(
            tmp_path,
            addresses(telegram, None, yahoo.url),
            instruments=ROUND_THE_CLOCK,
            schedule="{quotes: 1, feeds: 60, patience: 600}",
            access=f'{{owners: [], chats: ["telegram:{BOT}:{ALICE}", "telegram:{BOT}:{GROUP}"]}}',
            worker="{lease: 3}",
        )
        tokens = {"TELEGRAM_TOKEN": TOKENS["TELEGRAM_TOKEN"]}
        environ = {**tokens, "REDIS_URL": redis, "XDG_DATA_HOME": str(tmp_path / "home")}
        made = House(telegram, yahoo, environ, tmp_path)
        made.price(4000.0)
        yield made


async def test_an_alert_is_set_measured_listed_and_forgotten_on_telegram(house: House) -> None:
    async with house.at_work():
        answer = await house.asked("/alert 比特币 跌破 3950")
        assert answer.splitlines()[:2] == [
            "Alert #1 is set",
            "Tells when Bitcoin (BTC-USD) falls to 3,950 or below.",
        ]
        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        assert f"it last fired on {yesterday.day} {yesterday:%b %Y}" in answer
        assert "#1, not told lately" in await house.asked("/alerts")
        tried = await house.asked("/backtest BTC-USD below 3950")
        assert re.match(r"Bitcoin: 5 alerts from ", tried)
        assert [call.method for call in house.telegram.journal].count("sendPhoto") == 1
        assert (await house.asked("/forget 1")).startswith("Forgotten: alert #1, BTC-USD price < 3950")
        assert (await house.asked("/alerts")).startswith("This chat has no alerts of its own")


async def test_an_alert_rings_once_where_it_was_set_with_its_note_and_says_why(house: House) -> None:
    async with house.at_work():
        await house.asked('/alert 比特币 跌破 3950 note "look at it"')
        await house.asked("/alert BTC-USD below 3940 and day < 1%")
        await house.asked("/alert BTC-USD above 4100 once")
        told = await house.told(3945.0)
        assert told.splitlines()[0] == "Bitcoin below 3950: 3,945.00 (+1.15% on the day)"
        assert "look at it" in told
        joined = await house.told(3930.0)
        assert joined.startswith("Bitcoin: below 3940, the day's move +0.77%, under 1%: 3,930.00")
        why = await house.asked("/why")
        assert "day < 1%" in why
        assert "price < 3940" in why
        assert (await house.told(4150.0)).startswith("Bitcoin above 4100: 4,150.00")
        # what tells once is gone, and what may tell again so soon joins what it told before
        assert "4100" not in await house.asked("/alerts")
        house.price(3948.0)
        await until(lambda: bool(house.telegram.edits[ALICE]))
        assert house.telegram.edits[ALICE][0].text.startswith("Bitcoin below 3950: 3,948.00")
        assert sum(each.startswith("Bitcoin") for each in house.telegram.texts(ALICE)) == 3


async def test_a_mistake_is_shown_in_a_block_of_one_width(house: House) -> None:
    async with house.at_work():
        await house.asked("/alert BTC-USD day > > 2%")
        (sent,) = (each for each in house.telegram.journal if "day &gt;" in str(each))
    assert "<pre>BTC-USD day &gt; &gt; 2%\\n              ^</pre>" in str(sent)


async def test_strangers_and_readers_set_nothing(house: House) -> None:
    async with house.at_work():
        line = "/alert BTC-USD below 3950"
        assert (await house.asked(line, BOB, BOB)).startswith("/alert is for a member: ask the owner")
        assert (await house.asked(line, GROUP, BOB)).startswith("/alert is for a member: ask the owner")
        assert (await house.asked("/alerts", GROUP, BOB)).startswith("This chat has no alerts of its own")
