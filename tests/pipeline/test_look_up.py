from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.chat.stored import StoredMarket
from bot.clock import MachineTime, machine_time
from bot.config import read_settings
from bot.errors import Away, NotKnown, UnknownSymbol, UsageError
from bot.market.bars import Bar, Series
from bot.market.catalogue import Catalogue
from bot.market.instrument import Instrument, bare_instrument
from bot.market.quote import Quote
from bot.market.schedule import Exchange, Schedule, SessionHours
from bot.pipeline.look_up import LookUp
from bot.ports import Found
from bot.sources.catalogue import load_catalogue, load_twins
from bot.store import market as published
from bot.store import requests
from bot.store.link import Link
from tests.conftest import ROOT

NOW = datetime(2022, 3, 23, 15, 0, tzinfo=UTC)
APPLE = Quote("AAPL", 170.0, NOW.date(), NOW, NOW, "Yahoo")
PALANTIR = Quote("PLTR", 13.0, NOW.date(), NOW, NOW, "Yahoo")
CLOSE = datetime(2022, 3, 23, 8, 8, tzinfo=UTC)
OPENS = datetime(2022, 3, 24, 1, 30, tzinfo=UTC)
XIAOMI = Quote("1810.HK", 14.78, NOW.date(), NOW, NOW, "Yahoo")
CATALOGUE = read_settings(ROOT / "config.yaml").catalogue()


@dataclass(slots=True)
class Source:
    """A source that knows a few symbols, and counts how often it is asked for what."""

    known: dict[str, Quote] = field(default_factory=lambda: {"AAPL": APPLE, "PLTR": PALANTIR})
    ended: dict[str, Bar] = field(default_factory=dict)
    quoted: list[tuple[str, ...]] = field(default_factory=list)
    charted: list[str] = field(default_factory=list)
    looked_for: list[str] = field(default_factory=list)
    away: bool = False
    name: str = "Yahoo"

    async def quotes(self, instruments: Sequence[Instrument]) -> tuple[Quote, ...]:
        self.quoted.append(tuple(each.symbol for each in instruments))
        if self.away:
            raise Away("Yahoo limits our requests")
        return tuple(self.known[each.symbol] for each in instruments if each.symbol in self.known)

    async def search(self, text: str) -> tuple[Found, ...]:
        self.looked_for.append(text)
        if self.away:
            raise Away("Yahoo limits our requests")
        return (Found("PLTR", "Palantir Technologies Inc.", "NYQ"),) if "palantir" in text else ()

    async def history(self, instrument: Instrument, until: date) -> Series:
        self.charted.append(instrument.symbol)
        if instrument.symbol in self.ended:
            return Series(instrument.symbol, (self.ended[instrument.symbol],))
        bars = (Bar(until - timedelta(days=1), 160.0),) if instrument.symbol in self.known else ()
        return Series(instrument.symbol, bars)


@asynccontextmanager
async def serving(
    link: Link, source: Source, clock: MachineTime = machine_time
) -> AsyncIterator[StoredMarket]:
    look_up = LookUp(link, source, bare_instrument, machine_time, lambda _event, **_facts: None)
    task = asyncio.create_task(look_up.serve())
    try:
        yield StoredMarket(link, CATALOGUE, CATALOGUE, clock)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def aged(link: Link, symbol: str, seconds: int) -> None:
    """Let an answer be so much older."""
    held = await requests.answered(link, symbol)
    assert held is not None
    await requests.answer(link, replace(held, at=held.at - seconds * 1000))


async def market_is_at(link: Link, moment: datetime) -> None:
    """Let the market's present be `moment`, between two sessions of Hong Kong."""
    days = [(CLOSE.date(), OPENS - timedelta(days=1)), (OPENS.date(), OPENS)]
    sessions = tuple(
        SessionHours(day, opens, (), opens + timedelta(hours=6.5), opens + timedelta(hours=6, minutes=40))
        for day, opens in days
    )
    exchange = Exchange("Asia/Hong_Kong", days[0][0], days[1][0], sessions)
    await published.publish_schedule(link, Schedule({"XHKG": exchange}))
    await published.publish_position(link, moment)


def hurried() -> MachineTime:
    """Return the clock of somebody whose three seconds are over in a fraction of one."""
    begun = machine_time()
    return lambda: begun + (machine_time() - begun) * 10


async def test_a_symbol_that_nobody_watches_is_looked_up_and_its_day_change_known(link: Link) -> None:
    async with serving(link, Source()) as market:
        priced = await market.quote("aapl")
    assert priced.card.instrument.symbol == "AAPL"
    assert priced.card.day_change_pct == pytest.approx(6.25)


async def test_a_thousand_chats_that_ask_together_cost_one_request(link: Link) -> None:
    source = Source()
    async with serving(link, source) as market:
        await asyncio.gather(*(market.quote("AAPL") for _ in range(1000)))
        await market.quote("AAPL")
    assert source.quoted == [("AAPL",)]
    assert source.charted == ["AAPL"]


async def test_an_answer_that_has_aged_is_asked_for_again_but_its_bars_are_not(link: Link) -> None:
    source = Source()
    async with serving(link, source) as market:
        await market.quote("AAPL")
        await aged(link, "AAPL", 61)
        await market.quote("AAPL")
    assert source.quoted == [("AAPL",)] * 2
    assert source.charted == ["AAPL"]


async def test_an_official_close_is_good_until_the_next_opening(link: Link) -> None:
    source = Source()
    source.known["1801.HK"] = replace(APPLE, symbol="1801.HK", final=True, time=CLOSE, received=CLOSE)
    await market_is_at(link, CLOSE + timedelta(hours=10))
    async with serving(link, source) as market:
        await market.quote("1801.HK")
        await aged(link, "1801.HK", 6 * 3600)
        await market.quote("1801.HK")
        assert source.quoted == [("1801.HK",)]
        await market_is_at(link, OPENS)
        await market.quote("1801.HK")
    assert source.quoted == [("1801.HK",)] * 2


async def test_a_symbol_that_the_source_does_not_know_gets_the_nearest_names(link: Link) -> None:
    source = Source()
    async with serving(link, source) as market:
        with pytest.raises(UnknownSymbol, match=r"Nearest: 1810\.HK"):
            await market.quote("XIAOMO")
    assert source.looked_for == []


async def test_a_slip_in_a_name_is_taken_for_it_and_told(link: Link) -> None:
    source = Source()
    await published.publish_quotes(link, [XIAOMI])
    async with serving(link, source) as market:
        priced = await market.quote("xiaomu")
    assert priced.card.instrument.symbol == "1810.HK"
    assert priced.taken == "Took “xiaomu” for Xiaomi (1810.HK)"
    assert source.quoted == []


async def test_a_code_alone_is_looked_for_where_such_codes_are_traded(link: Link) -> None:
    source = Source()
    source.known["0466.HK"] = replace(APPLE, symbol="0466.HK")
    source.known["601008.SS"] = replace(APPLE, symbol="601008.SS")
    async with serving(link, source) as market:
        hong_kong, shanghai = await asyncio.gather(market.quote("466"), market.quote("601008"))
    assert [each.card.instrument.symbol for each in (hong_kong, shanghai)] == ["0466.HK", "601008.SS"]


async def test_what_is_no_symbol_and_near_no_name_is_searched_once(link: Link) -> None:
    source = Source()
    async with serving(link, source) as market:
        answers = await asyncio.gather(*(market.quote("Palantir Technologies") for _ in range(20)))
    assert {each.card.instrument.symbol for each in answers} == {"PLTR"}
    assert answers[0].taken.startswith("Took “Palantir Technologies” for ")
    assert source.looked_for == ["palantir technologies"]


async def test_a_word_that_is_no_known_symbol_is_searched(link: Link) -> None:
    source = Source()
    async with serving(link, source) as market:
        priced = await market.quote("palantir")
    assert (priced.card.instrument.symbol, source.quoted) == ("PLTR", [("PALANTIR",), ("PLTR",)])


async def test_where_the_search_finds_nothing_the_nearest_names_are_told(link: Link) -> None:
    async with serving(link, Source()) as market:
        with pytest.raises(UnknownSymbol, match="Nearest: "):
            await market.quote("volkswagen works")


async def test_a_delisted_symbol_gets_its_last_bar_and_its_bars_are_asked_for_once(link: Link) -> None:
    source = Source(ended={"0466.HK": Bar(date(2021, 11, 4), 0.123)})
    async with serving(link, source) as market:
        for _ in range(2):
            with pytest.raises(
                NotKnown, match=r"^0466\.HK .* has no price now: last traded 4 Nov 2021 at HK\$0\.123\.$"
            ):
                await market.quote("0466.HK")
            await aged(link, "0466.HK", 61)
    assert source.charted == ["0466.HK"]
    assert source.quoted == [("0466.HK",)] * 2


async def test_both_lines_of_a_company_and_their_rate_are_asked_for_together(link: Link) -> None:
    source = Source()
    source.known |= {
        "1179.HK": Quote("1179.HK", 28.0, NOW.date(), CLOSE, CLOSE, "Yahoo", final=True),
        "HTHT": Quote("HTHT", 36.0, NOW.date(), NOW, NOW, "Yahoo"),
        "HKD=X": Quote("HKD=X", 7.83, NOW.date(), NOW, NOW, "Yahoo"),
    }
    await market_is_at(link, NOW)
    async with serving(link, source) as market:
        knowing = replace(market, named=Catalogue.of(load_catalogue()), twins=load_twins())
        compared = await knowing.premium("Huazhu")
    assert source.quoted == [("1179.HK", "HKD=X", "HTHT")]
    assert compared.premium.pct == pytest.approx((36 * 7.83 / (10 * 28) - 1) * 100)


async def test_what_cannot_be_a_symbol_is_not_asked_for(link: Link) -> None:
    source = Source()
    async with serving(link, source) as market:
        with pytest.raises(UnknownSymbol):
            await market.quote("小米科技公司")
        with pytest.raises(UsageError, match="is no symbol: write 1 to 15 of"):
            await market.quote("<script>")
    assert (source.quoted, source.looked_for) == ([], [])


async def test_more_than_can_be_asked_for_is_refused_in_a_sentence(link: Link) -> None:
    for number in range(requests.MOST_WANTED):
        await requests.want(link, f"A{number}")
    market = StoredMarket(link, CATALOGUE, CATALOGUE, machine_time)
    with pytest.raises(Away, match="More is asked than the source can be asked for at once"):
        await market.quote("AAPL")
    with pytest.raises(NotKnown, match="No price of A0"):
        await replace(market, clock=hurried()).quote("A0")


async def test_looking_up_leaves_the_watch_its_requests(link: Link) -> None:
    source = Source(known={f"A{each}": replace(APPLE, symbol=f"A{each}") for each in range(30)})
    async with serving(link, source) as market:
        found = await asyncio.gather(*(market.quote(symbol) for symbol in source.known))
    assert len(found) == 30
    assert len(source.charted) == 20


async def test_where_the_source_is_away_what_is_known_is_told(link: Link) -> None:
    source = Source()
    async with serving(link, source, hurried()) as market:
        await market.quote("AAPL")
        await aged(link, "AAPL", 61)
        source.away = True
        priced = await market.quote("AAPL")
        assert priced.quote.time == NOW
        with pytest.raises(NotKnown, match="No price of MSFT"):
            await market.quote("MSFT")
