"""What a crowd and a long watch list cost at Yahoo, by the journal of the server that stands for it."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path

from bot.app.active import Active
from bot.app.parts import Parts
from bot.app.worker import Worker
from bot.clock import MarketTime
from bot.config import Secrets, Settings, read_settings
from bot.config.settings import InstrumentSetting, WorkerSetting
from bot.sources.calendars import load_schedule
from bot.sources.feeds import Feeds
from bot.sources.yahoo import Access, YahooSource
from bot.store.link import Link
from tests.acceptance.trouble import FIRST, Clock, at
from tests.conftest import ROOT
from tests.fakes.yahoo import FakeYahoo, quote

SYMBOLS = tuple(f"{number:04}.HK" for number in range(5001, 5501))
DELAY = timedelta(minutes=15)
CHATS = 10_000
AT_ONCE = 50


def watching(symbols: tuple[str, ...]) -> Settings:
    instruments = tuple(
        InstrumentSetting(symbol=each, kind="stock", exchange="XHKG", currency="HKD", short=each)
        for each in symbols
    )
    changed = {"instruments": instruments, "worker": WorkerSetting(lease=86_400)}
    return read_settings(ROOT / "config.yaml").model_copy(update=changed)


async def test_five_hundred_symbols_and_ten_thousand_chats_are_few_requests(
    link: Link, tmp_path: Path
) -> None:
    """A look a minute is five requests, bars come once, and whoever asks for what is fresh adds none."""
    clock = Clock(at(FIRST, "10:00"))
    schedule = load_schedule(("XHKG",), date(2021, 1, 1), date(2022, 12, 31))
    days = schedule.sessions_between("XHKG", FIRST - timedelta(days=60), FIRST - timedelta(days=1))
    async with FakeYahoo() as yahoo:
        for symbol in SYMBOLS:
            yahoo.put_history(symbol, [(each.session, 100.0) for each in days])
        secrets = Secrets(None, None, None, None)
        parts = Parts(watching(SYMBOLS), secrets, link, tmp_path, _ignored, clock.machine)
        source = YahooSource(Access(yahoo.url, 60, tmp_path / "yahoo"), schedule, clock.now, parts.report)
        feeds = Feeds(clock.now)
        worker = Worker(parts, MarketTime(clock.machine), source, feeds, (), schedule)
        asked: list[int] = []

        async def look_for(active: Active, minutes: int) -> None:
            for minute in range(minutes):
                made = clock.moment - DELAY
                yahoo.put(*(quote(each, 100 + minute % 2 / 10, made, previous=100.0) for each in SYMBOLS))
                before = len(yahoo.asked("/v7/finance/quote"))
                await active.look()
                asked.append(len(yahoo.asked("/v7/finance/quote")) - before)
                clock.moment += timedelta(minutes=1)

        async def drive(active: Active) -> None:
            await look_for(active, 40)
            journal = len(yahoo.journal)
            market = parts.market()
            for first in range(0, CHATS, AT_ONCE):
                symbols = (SYMBOLS[number % len(SYMBOLS)] for number in range(first, first + AT_ONCE))
                answers = await asyncio.gather(*(market.quote(each) for each in symbols))
                assert all(each.quote.price in {100.0, 100.1} for each in answers)
            assert len(yahoo.journal) == journal

        try:
            await worker.run(drive)
        finally:
            await source.close()
            await feeds.close()
        charts = [each.path for each in yahoo.asked("/v8/finance/chart/")]
        assert asked == [5] * 40
        assert len(charts) == len(set(charts)) == len(SYMBOLS)
        assert len(yahoo.journal) <= sum(asked) + len(charts) + 3


def _ignored(event: str, **facts: object) -> None:
    del event, facts
