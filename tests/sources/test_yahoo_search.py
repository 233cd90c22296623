"""What Yahoo's search has for a name, and what it does not know."""

from __future__ import annotations

from datetime import date

import pytest

from bot.errors import Away
from bot.ports import Found
from bot.sources.yahoo import YahooSource
from tests.fakes.yahoo import FakeYahoo, Fault
from tests.sources.yahoo_stage import BEFORE_NOW, HSTECH, XIAOMI, Clock, Make, Reports

PALANTIR = Found("PLTR", "Palantir Technologies Inc.", "NYSE")
IN_FRANKFURT = Found("PTX.DE", "Palantir Technologies Inc.", "XETRA")


async def test_a_name_is_searched_for_the_likeliest_first(fake: FakeYahoo, yahoo: YahooSource) -> None:
    fake.put_search("palantir", PALANTIR, IN_FRANKFURT)
    assert await yahoo.search("palantir") == (PALANTIR, IN_FRANKFURT)
    (asked,) = fake.asked("/v1/finance/search")
    assert (asked.query["q"], asked.query["quotesCount"], asked.query["newsCount"]) == ("palantir", "6", "0")


async def test_what_yahoo_does_not_have_is_nothing_and_no_failure(yahoo: YahooSource) -> None:
    assert await yahoo.search("小来 & co?") == ()


async def test_only_what_can_be_asked_for_is_found_and_once(fake: FakeYahoo, yahoo: YahooSource) -> None:
    fake.put_search(
        "p",
        {"name": "Palantir, a firm on Crunchbase", "permalink": "palantir", "isYahooFinance": False},
        {"symbol": "PLTR240119C00015000", "shortname": "PLTR Jan 2024 15 call"},
        {"symbol": "PL TR", "shortname": "two words"},
        {"symbol": 5, "shortname": "a number"},
        {"symbol": "pltr", "shortname": " Palantir ", "exchange": "NYQ"},
        {"symbol": "PLTR", "shortname": "again"},
    )
    fake.put_search("q", {"symbol": "PLTR", "shortname": None})
    assert await yahoo.search("p") == (Found("PLTR", "Palantir", "NYQ"),)
    assert await yahoo.search("q") == (Found("PLTR", "PLTR", ""),)


@pytest.mark.parametrize(
    "fault, words", [("changed", "a search in a form that we do not know"), ("html", "JSON"), ("503", "503")]
)
async def test_a_search_that_fails_says_so_and_keeps_nobody_else_waiting(
    fake: FakeYahoo, yahoo: YahooSource, clock: Clock, fault: Fault, words: str
) -> None:
    fake.put_search("palantir", PALANTIR)
    fake.trouble("search", fault)
    with pytest.raises(Away, match=rf"{words}.*; we ask again in \d+ seconds?\."):
        await yahoo.search("palantir")
    assert len(await yahoo.quotes([XIAOMI, HSTECH])) == 2
    fake.calm()
    asked = len(fake.journal)
    with pytest.raises(Away, match=words):
        await yahoo.search("palantir")
    assert len(fake.journal) == asked
    clock.go_on(seconds=11)
    assert await yahoo.search("palantir") == (PALANTIR,)


async def test_too_many_searches_hold_up_everything(fake: FakeYahoo, yahoo: YahooSource) -> None:
    fake.trouble("search", "429")
    for asking in (lambda: yahoo.search("palantir"), lambda: yahoo.quotes([XIAOMI])):
        with pytest.raises(Away, match="limits our requests"):
            await asking()
    assert fake.asked("/v7/finance/quote") == []


async def test_an_unknown_symbol_has_an_empty_history_at_the_cost_of_one_request(
    fake: FakeYahoo, yahoo: YahooSource, reports: Reports
) -> None:
    await yahoo.quotes([XIAOMI])
    asked = len(fake.journal)
    assert (await yahoo.history(HSTECH, BEFORE_NOW)).bars == ()
    assert len(fake.journal) == asked + 1
    assert reports.reasons == [("HSTECH", "history", "none there")]
    # Nothing was wrong with our crumb, so none is asked for again.
    assert await yahoo.quotes([XIAOMI])
    assert len(fake.asked("getcrumb")) == 1


async def test_what_is_delisted_has_the_bars_of_before(
    fake: FakeYahoo, yahoo: YahooSource, reports: Reports
) -> None:
    fake.put({"symbol": "1810.HK", "quoteType": "NONE", "currency": None, "marketState": "CLOSED"})
    fake.put_history("1810.HK", [(date(2021, 1, 4), 33.0), (date(2021, 1, 5), 35.3)])
    fake.charts["1810.HK"]["meta"]["currency"] = None
    assert await yahoo.quotes([XIAOMI]) == ()
    assert reports.reasons == [("1810.HK", "quote", "no price")]
    assert (await yahoo.history(XIAOMI, BEFORE_NOW)).sessions == (date(2021, 1, 4), date(2021, 1, 5))


async def test_an_address_that_yahoo_gave_up_is_a_failure_and_no_unknown_symbol(
    fake: FakeYahoo, make: Make
) -> None:
    source = make()
    for place in ("quote", "chart", "search"):
        fake.trouble(place, "gone")
    for asking in (
        lambda: source.quotes([XIAOMI]),
        lambda: source.history(XIAOMI, BEFORE_NOW),
        lambda: source.search("palantir"),
    ):
        with pytest.raises(Away, match="answered with status 404"):
            await asking()
