"""What a chat is told of a company's two lines, between Telegram's fake and prices in a real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bot.market.bars import Bar, Series
from bot.market.quote import Due, Quote
from bot.sources.calendars import load_schedule
from bot.store import market as published
from bot.store.link import Link, Place, connect
from bot.store.server import embedded, socket_of
from tests.acceptance.processes import TOKENS, addresses, running, settings, until
from tests.conftest import Marketbell
from tests.fakes.telegram import TOKEN, FakeTelegram

ALICE = 4242
MORNING = datetime(2022, 3, 24, 0, 0, tzinfo=UTC)
CLOSE = datetime(2022, 3, 23, 8, 8, tzinfo=UTC)
NEW_YORK = datetime(2022, 3, 23, 20, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Chat:
    """Alice's chat with the bot, and what its processes read."""

    telegram: FakeTelegram
    link: Link

    async def asked(self, line: str) -> list[str]:
        """Say a line and return the lines of the answer."""
        before = len(self.telegram.texts(ALICE))
        self.telegram.say(ALICE, ALICE, line, "private")
        await until(lambda: len(self.telegram.texts(ALICE)) > before)
        return [each for each in self.telegram.texts(ALICE)[-1].splitlines() if each]


def closed(symbol: str, price: float, time: datetime) -> Quote:
    return Quote(symbol, price, date(2022, 3, 23), time, time, "Yahoo", final=True)


QUOTES = (
    replace(closed("9988.HK", 117.6, CLOSE), results=Due(date(2022, 5, 26), "before the open")),
    closed("HSTECH", 4749.12, CLOSE),
    closed("1810.HK", 14.78, CLOSE),
    closed("PDD", 47.5, NEW_YORK),
    closed("BABA", 115.0, NEW_YORK),
    replace(closed("HKD=X", 7.83, NEW_YORK), final=False),
)
BEFORE = {"9988.HK": 110.2, "HSTECH": 4653.54, "1810.HK": 14.2}


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Chat]:
    settings_of = f'{{owners: [], chats: ["telegram:{TOKEN.partition(":")[0]}:{ALICE}"]}}'
    with embedded(tmp_path / "redis"):
        socket = socket_of(tmp_path / "redis")
        link = await connect(Place(socket=socket), "live")
        await published.publish_quotes(link, QUOTES)
        for symbol, before in BEFORE.items():
            await published.publish_history(link, Series(symbol, (Bar(date(2022, 3, 22), before),)))
        schedule = load_schedule(("XHKG", "XNYS"), date(2022, 3, 1), date(2022, 4, 1))
        await published.publish_schedule(link, schedule)
        await published.publish_position(link, MORNING)
        environ = {
            "TELEGRAM_TOKEN": TOKENS["TELEGRAM_TOKEN"],
            "REDIS_URL": f"unix://{socket}",
            "XDG_DATA_HOME": str(tmp_path),
        }
        async with FakeTelegram() as telegram:
            settings(tmp_path, addresses(telegram), access=settings_of)
            async with running("telegram", environ=environ, cwd=tmp_path):
                yield Chat(telegram, link)
        await link.close()


async def test_a_chat_is_told_the_premium_and_everything_it_rests_on(chat: Chat) -> None:
    told = await chat.asked("/premium BABA")
    assert told == [
        "Alibaba US BABA over 9988.HK: implied gap −4.29%",
        "New York: US$115.00, close of 23 Mar 2022",
        "Hong Kong: HK$117.60, close of 23 Mar 2022",
        "New York’s price amounts to HK$112.56 a Hong Kong share",
        "One BABA stands for 8 shares of 9988.HK (since 26 Nov 2019)",
        "USD/HKD 7.8300, 04:00 HKT, 24 Mar 2022",
        "Implied gap: New York’s last close against Hong Kong’s last close, until 09:30 HKT",
        "Source: Yahoo",
    ]
    assert await chat.asked("/premium 阿里巴巴") == told
    assert await chat.asked("/premium PDD") == ["PDD (PDD) has no Hong Kong line, so there is no premium."]
    assert await chat.asked("/premium") == ["Write /premium SYMBOL, as in /premium BABA."]

    opened = datetime(2022, 3, 24, 1, 31, tzinfo=UTC)
    today = Quote("9988.HK", 111.0, opened.date(), opened, opened, "Yahoo", open=112.0)
    await published.publish_quotes(chat.link, [today])
    await published.publish_position(chat.link, opened + timedelta(minutes=1))
    heading, _, here, *_ = await chat.asked("/premium 9988.HK")
    assert heading == "Alibaba US BABA over 9988.HK: premium at open +0.50%"
    assert here == "Hong Kong: opened at HK$112.00, 24 Mar 2022; last HK$111.00, 09:31 HKT, 24 Mar 2022"


async def test_a_quote_says_what_stands_beside_it(chat: Chat) -> None:
    told = await chat.asked("/quote 9988")
    assert told[:2] == ["Alibaba HK 阿里巴巴-W 9988.HK", "HK$117.60 +7.40 +6.72%"]
    assert "vs HSTECH +4.66 points on the day" in told
    assert "Next: results 26 May 2022, before the open (estimated)" in told
    assert "BABA US$115.00 (23 Mar 2022) implies HK$112.56 here, at 8 for 1, USD/HKD 7.8300" in told
    assert "Members: 2 of 2 watched rose; 28 are known" in await chat.asked("/quote HSTECH")
    slip = await chat.asked("/quote xiaomu")
    assert slip[:2] == ["Xiaomi 小米集团-W 1810.HK", "Took “xiaomu” for Xiaomi (1810.HK)"]


@pytest.mark.parametrize(
    "asked,why",
    [
        ("BABA", "The bars are dividend-adjusted, and their levels were not traded."),
        ("9626.HK", "USD/HKD is not known."),
    ],
)
def test_recorded_bars_say_why_there_is_no_figure(
    marketbell: Marketbell, prices: Path, asked: str, why: str
) -> None:
    said = marketbell("ask", f"/premium {asked}", "--data", prices, "--as-of", "2022-03-23")
    heading, second, *_ = said.out.splitlines()
    assert heading.endswith(": implied gap not defined")
    assert second == why
