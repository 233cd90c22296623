from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.chat.stored import StoredMarket
from bot.clock import machine_time
from bot.config import read_settings
from bot.errors import Away, NotKnown, UnknownSymbol
from bot.market.bars import Bar, Series
from bot.market.instrument import Instrument, bare_instrument
from bot.market.quote import Quote
from bot.pipeline.look_up import LookUp
from bot.ports import Found
from bot.store import requests
from bot.store.link import Link
from tests.conftest import ROOT

NOW = datetime(2022, 3, 23, 15, 0, tzinfo=UTC)
APPLE = Quote("AAPL", 170.0, NOW.date(), NOW, NOW, "Yahoo")
CATALOGUE = read_settings(ROOT / "config.yaml").catalogue()


@dataclass(slots=True)
class Source:
    """A source that knows one symbol, and counts how often it is asked."""

    quoted: list[tuple[str, ...]] = field(default_factory=list)
    charted: list[str] = field(default_factory=list)
    away: bool = False
    name: str = "Yahoo"

    async def quotes(self, instruments: Sequence[Instrument]) -> tuple[Quote, ...]:
        self.quoted.append(tuple(each.symbol for each in instruments))
        if self.away:
            raise Away("Yahoo limits our requests")
        return tuple(APPLE for each in instruments if each.symbol == "AAPL")

    async def search(self, text: str) -> tuple[Found, ...]:
        raise AssertionError(text)

    async def history(self, instrument: Instrument, until: date) -> Series:
        self.charted.append(instrument.symbol)
        return Series(instrument.symbol, (Bar(until - timedelta(days=1), 160.0),))


@asynccontextmanager
async def serving(link: Link, source: Source) -> AsyncIterator[StoredMarket]:
    look_up = LookUp(link, source, bare_instrument, machine_time, lambda _event, **_facts: None)
    task = asyncio.create_task(look_up.serve())
    try:
        yield StoredMarket(link, CATALOGUE, CATALOGUE, machine_time)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_symbol_that_nobody_watches_is_looked_up_and_its_day_change_known(link: Link) -> None:
    async with serving(link, Source()) as market:
        priced = await market.quote("aapl")
    assert priced.card.instrument.symbol == "AAPL"
    assert priced.card.day_change_pct == pytest.approx(6.25)


async def test_three_hundred_chats_that_ask_together_cost_one_request(link: Link) -> None:
    source = Source()
    async with serving(link, source) as market:
        await asyncio.gather(*(market.quote("AAPL") for _ in range(300)))
        await market.quote("AAPL")
    assert source.quoted == [("AAPL",)]
    assert source.charted == ["AAPL"]


async def test_an_answer_that_has_aged_is_asked_for_again_but_its_bars_are_not(link: Link) -> None:
    source = Source()
    async with serving(link, source) as market:
        await market.quote("AAPL")
        held = await requests.answered(link, "AAPL")
        assert held is not None
        await requests.answer(link, replace(held, at=held.at - 61_000))
        await market.quote("AAPL")
    assert source.quoted == [("AAPL",)] * 2
    assert source.charted == ["AAPL"]


async def test_a_symbol_that_the_source_does_not_know_gets_the_nearest_names(link: Link) -> None:
    async with serving(link, Source()) as market:
        with pytest.raises(UnknownSymbol, match=r"Nearest: 1810\.HK"):
            await market.quote("XIAOMO")


async def test_what_cannot_be_a_symbol_is_not_asked_for(link: Link) -> None:
    source = Source()
    async with serving(link, source) as market:
        with pytest.raises(UnknownSymbol):
            await market.quote("小米科技公司")
    assert source.quoted == []


async def test_where_the_source_is_away_what_is_known_is_told(link: Link) -> None:
    source = Source()
    async with serving(link, source) as market:
        await market.quote("AAPL")
        held = await requests.answered(link, "AAPL")
        assert held is not None
        await requests.answer(link, replace(held, at=held.at - 61_000))
        source.away = True
        priced = await market.quote("AAPL")
        assert priced.quote.time == NOW
        with pytest.raises(NotKnown, match="No price of MSFT"):
            await market.quote("MSFT")
