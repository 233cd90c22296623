"""What becomes of Yahoo's answers and of its silence, through the real yfinance."""

from __future__ import annotations

import asyncio
import stat
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bot.errors import Away
from bot.market.bars import Bar
from bot.market.instrument import Instrument, bare_instrument
from bot.market.schedule import Schedule
from bot.sources.yahoo import Access, YahooSource
from tests.fakes.yahoo import FakeYahoo, quote
from tests.sources.yahoo_stage import ALIBABA, BEFORE_NOW, HSTECH, MADE, NOW, XIAOMI, Clock, Make, Reports


async def test_a_hundred_symbols_are_one_request(fake: FakeYahoo, yahoo: YahooSource) -> None:
    instruments = [bare_instrument(f"{n:04}.HK") for n in range(1, 101)]
    fake.put(*(quote(each.symbol, 10.0, MADE) for each in instruments))
    quotes = await yahoo.quotes(instruments)
    assert [each.symbol for each in quotes] == [each.symbol for each in instruments]
    (asked,) = fake.asked("/v7/finance/quote")
    assert len(asked.symbols) == 100


async def test_one_more_is_a_second_request(fake: FakeYahoo, yahoo: YahooSource) -> None:
    instruments = [bare_instrument(f"{n:04}.HK") for n in range(1, 102)]
    fake.put(*(quote(each.symbol, 10.0, MADE) for each in instruments))
    assert len(await yahoo.quotes(instruments)) == 101
    assert [len(each.symbols) for each in fake.asked("/v7/finance/quote")] == [100, 1]


async def test_nothing_asked_is_no_request(fake: FakeYahoo, yahoo: YahooSource) -> None:
    assert await yahoo.quotes([]) == ()
    assert fake.journal == []


async def test_the_answer_bears_the_canonical_symbol(yahoo: YahooSource) -> None:
    (told,) = await yahoo.quotes([HSTECH])
    assert (told.symbol, told.price, told.previous_close) == ("HSTECH", 4753.59, 4653.77)
    assert (told.open, told.high, told.low) == (4753.59, 4760.0, 4710.96)
    assert (told.session, told.time, told.received) == (date(2022, 3, 23), MADE, NOW)
    assert (told.source, told.delay, told.volume, told.final) == ("Yahoo", 15, 1_000_000, False)


@pytest.mark.parametrize("said, delay", [(0, 0), (15, 15), (30, 30), (None, 0)])
async def test_the_delay_is_each_quotes_own(
    fake: FakeYahoo, yahoo: YahooSource, said: int | None, delay: int
) -> None:
    fake.put(quote("1810.HK", 14.78, MADE, delay=said))
    quotes = {each.symbol: each.delay for each in await yahoo.quotes([HSTECH, XIAOMI])}
    assert quotes == {"HSTECH": 15, "1810.HK": delay}


async def test_a_session_is_counted_in_the_exchanges_zone(
    fake: FakeYahoo, yahoo: YahooSource, clock: Clock
) -> None:
    clock.now = datetime(2022, 3, 24, 1, 0, tzinfo=UTC)
    fake.put(quote("BABA", 114.0, datetime(2022, 3, 24, 0, 30, tzinfo=UTC), delay=0))
    (told,) = await yahoo.quotes([ALIBABA])
    assert told.session == date(2022, 3, 23)


BAD = [
    (quote("1810.HK", None, MADE), "no price"),
    (quote("1810.HK", float("nan"), MADE, previous=14.2), "not a price"),
    (quote("1810.HK", float("inf"), MADE, previous=14.2), "not a price"),
    (quote("1810.HK", 0, MADE, previous=14.2), "not a price"),
    (quote("1810.HK", -14.78, MADE, previous=14.2), "not a price"),
    (quote("1810.HK", "14.78", MADE, previous=14.2), "not a price"),
    (quote("1810.HK", True, MADE, previous=14.2), "not a price"),
    (quote("1810.HK", {"raw": 14.78}, MADE, previous=14.2), "not a price"),
    (quote("1810.HK", 147.8, MADE, previous=14.2, opened=14.3), "beyond 10 times its previous close"),
    (quote("1810.HK", 1.4, MADE, previous=14.2, low=None, high=14.3), "beyond 10 times its previous close"),
    (quote("1810.HK", 1.4, MADE, previous=14.2, opened=0), "beyond 10 times its previous close"),
    (quote("1810.HK", 14.78, MADE, currency="USD"), "not in HKD"),
    (quote("1810.HK", 14.78, MADE, regularMarketTime=None), "no market time"),
    (quote("1810.HK", 14.78, MADE, regularMarketTime=0), "no market time"),
    (quote("1810.HK", 14.78, MADE, regularMarketTime=10**20), "no market time"),
    (quote("1810.HK", 14.78, NOW + timedelta(minutes=6)), "from the future"),
    (quote("1810.HK", 14.78, MADE, exchangeDataDelayedBy="soon"), "a delay that is no number"),
]


@pytest.mark.parametrize("row, why", BAD, ids=[f"{why}-{n}" for n, (_, why) in enumerate(BAD)])
async def test_a_quote_that_cannot_be_true_is_left_out_alone(
    fake: FakeYahoo, yahoo: YahooSource, reports: Reports, row: dict[str, object], why: str
) -> None:
    fake.put(row)
    assert [each.symbol for each in await yahoo.quotes([XIAOMI, HSTECH])] == ["HSTECH"]
    assert ("1810.HK", "quote", why) in reports.reasons


async def test_a_symbol_that_is_not_in_the_answer_is_left_out(
    fake: FakeYahoo, yahoo: YahooSource, reports: Reports
) -> None:
    assert [each.symbol for each in await yahoo.quotes([ALIBABA, XIAOMI])] == ["1810.HK"]
    assert await yahoo.quotes([bare_instrument("NOPE")]) == ()
    assert reports.reasons == [("BABA", "quote", "not in the answer"), ("NOPE", "quote", "not in the answer")]


async def test_what_was_not_asked_for_is_not_passed_on(fake: FakeYahoo, yahoo: YahooSource) -> None:
    fake.quotes["1810.HK"] = quote("0700.HK", 389.0, MADE)
    assert [each.symbol for each in await yahoo.quotes([XIAOMI, HSTECH])] == ["HSTECH"]


async def test_a_reason_is_reported_once_and_again_after_it_was_gone(
    fake: FakeYahoo, yahoo: YahooSource, reports: Reports
) -> None:
    good, bad = fake.quotes["1810.HK"], quote("1810.HK", None, MADE)
    for row, told in ((bad, 1), (bad, 1), (good, 1), (bad, 2)):
        fake.put(row)
        await yahoo.quotes([XIAOMI])
        assert len(reports.told) == told


async def test_on_the_morning_of_a_split_a_previous_close_of_before_it_silences_nothing(
    fake: FakeYahoo, yahoo: YahooSource
) -> None:
    fake.put(quote("1810.HK", 0.72, MADE, previous=14.2, opened=0.7, high=0.74, low=0.69))
    (told,) = await yahoo.quotes([XIAOMI])
    assert (told.price, told.previous_close) == (0.72, 14.2)


async def test_prices_that_are_no_numbers_are_left_out_and_never_no_move(
    fake: FakeYahoo, yahoo: YahooSource, reports: Reports
) -> None:
    fake.trouble("quote", "nan", times=1)
    assert await yahoo.quotes([XIAOMI, HSTECH]) == ()
    assert reports.reasons == [("1810.HK", "quote", "not a price"), ("HSTECH", "quote", "not a price")]
    assert len(await yahoo.quotes([XIAOMI, HSTECH])) == 2


async def test_each_row_is_taken_for_the_symbol_that_it_names(fake: FakeYahoo, yahoo: YahooSource) -> None:
    """Only who holds their bars can see that two symbols have each other's numbers."""
    fake.trouble("quote", "swapped", times=1)
    told = {each.symbol: (each.price, each.previous_close) for each in await yahoo.quotes([XIAOMI, HSTECH])}
    assert told == {"1810.HK": (4753.59, 4653.77), "HSTECH": (14.78, 14.2)}


async def test_order_case_and_repetition_of_the_rows_do_not_matter(
    fake: FakeYahoo, yahoo: YahooSource
) -> None:
    first, second = fake.quotes["1810.HK"], fake.quotes["HSTECH.HK"]
    fake.put(quote("BABA", 114.0, MADE))
    fake.quotes |= {"1810.HK": second | {"symbol": "hstech.hk"}, "HSTECH.HK": first}
    fake.quotes["BABA"] = first | {"regularMarketPrice": 99.0}
    told = {each.symbol: each.price for each in await yahoo.quotes([XIAOMI, HSTECH, ALIBABA])}
    assert told == {"1810.HK": 14.78, "HSTECH": 4753.59}


async def test_two_instruments_that_yahoo_calls_the_same_get_one_row(
    fake: FakeYahoo, yahoo: YahooSource
) -> None:
    told = await yahoo.quotes([HSTECH, bare_instrument("HSTECH.HK")])
    assert [each.symbol for each in told] == ["HSTECH", "HSTECH.HK"]
    assert [each.symbols for each in fake.asked("/v7/finance/quote")] == [("HSTECH.HK",)]


async def test_what_is_in_no_currency_that_we_know_of_is_in_yahoos(
    fake: FakeYahoo, yahoo: YahooSource
) -> None:
    fake.put(quote("VOD.L", 130.0, MADE, currency="GBp"), quote("VUSD.L", 70.0, MADE, currency="USD"))
    assert len(await yahoo.quotes([bare_instrument("VOD.L"), bare_instrument("VUSD.L")])) == 2


async def test_what_some_requests_were_answered_is_told_without_the_others(
    fake: FakeYahoo, yahoo: YahooSource, reports: Reports
) -> None:
    instruments = [bare_instrument(f"{n:04}.HK") for n in range(1, 151)]
    fake.put(*(quote(each.symbol, 10.0, MADE) for each in instruments))
    fake.before_quotes = lambda: fake.trouble("quote", "503")
    assert len(await yahoo.quotes(instruments)) == 100
    assert reports.reasons[0] == ("0101.HK", "quote", "not answered")
    assert len(reports.reasons) == 50
    with pytest.raises(Away, match="error 503"):
        await yahoo.quotes(instruments)


async def test_a_spike_in_the_range_is_dropped_and_the_price_kept(
    fake: FakeYahoo, yahoo: YahooSource, reports: Reports
) -> None:
    fake.put(quote("1810.HK", 14.78, MADE, previous=14.2, high=147.0, low=0, opened=15.04))
    (told,) = await yahoo.quotes([XIAOMI])
    assert (told.price, told.open, told.high, told.low) == (14.78, 15.04, None, None)
    assert reports.reasons == [("1810.HK", "DayHigh", "not near the price")]


async def test_yesterdays_quote_keeps_yesterdays_session(fake: FakeYahoo, yahoo: YahooSource) -> None:
    fake.put(quote("1810.HK", 14.2, datetime(2022, 3, 22, 7, 30, tzinfo=UTC)))
    (told,) = await yahoo.quotes([XIAOMI])
    assert (told.session, told.final) == (date(2022, 3, 22), False)


async def test_a_crumb_that_is_refused_is_renewed(fake: FakeYahoo, yahoo: YahooSource) -> None:
    await yahoo.quotes([XIAOMI])
    fake.void_crumb()
    assert len(await yahoo.quotes([XIAOMI])) == 1
    assert len(fake.asked("getcrumb")) == 2


async def test_a_cookie_is_kept_for_the_next_start(fake: FakeYahoo, make: Make, tmp_path: Path) -> None:
    for _ in range(2):
        source = make()
        assert await source.quotes([XIAOMI])
        await source.close()
    assert len(fake.asked("getcrumb")) == 2
    assert [each.host for each in fake.journal].count("fc.yahoo.com") == 1
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700


async def test_a_cookie_that_gets_no_crumb_is_renewed_at_once(fake: FakeYahoo, make: Make) -> None:
    source = make()
    await source.quotes([XIAOMI])
    fake.void_cookie()
    assert await source.quotes([XIAOMI])
    assert [each.host for each in fake.journal].count("fc.yahoo.com") == 2


async def test_a_cookie_that_was_kept_too_long_is_renewed_at_once(fake: FakeYahoo, make: Make) -> None:
    first = make()
    await first.quotes([XIAOMI])
    await first.close()
    fake.void_cookie()
    assert await make().quotes([XIAOMI])


async def test_too_many_requests_open_the_breaker_and_nothing_is_asked_meanwhile(
    fake: FakeYahoo, yahoo: YahooSource, clock: Clock
) -> None:
    fake.trouble("quote", "429")
    with pytest.raises(Away, match=r"^Yahoo limits our requests; we ask again in \d+ (seconds|minutes)\.$"):
        await yahoo.quotes([XIAOMI])
    fake.calm()
    asked = len(fake.journal)
    for _ in range(3):
        with pytest.raises(Away, match="limits our requests"):
            await yahoo.quotes([XIAOMI])
        with pytest.raises(Away, match="limits our requests"):
            await yahoo.history(XIAOMI, BEFORE_NOW)
    assert len(fake.journal) == asked
    clock.go_on(minutes=4)
    assert len(await yahoo.quotes([XIAOMI])) == 1


async def test_who_insists_waits_longer_but_never_beyond_a_quarter_of_an_hour(
    fake: FakeYahoo, yahoo: YahooSource, clock: Clock
) -> None:
    fake.trouble("quote", "429")
    waits = []
    for _ in range(8):
        began = clock.now
        with pytest.raises(Away):
            await yahoo.quotes([XIAOMI])
        asked = len(fake.journal)
        while len(fake.journal) == asked:
            clock.go_on(seconds=20)
            with pytest.raises(Away):
                await yahoo.quotes([XIAOMI])
        waits.append(clock.now - began)
    assert min(waits) >= timedelta(minutes=1)
    assert max(waits) > timedelta(minutes=4)
    assert max(waits) <= timedelta(minutes=15, seconds=20)


async def test_a_clock_set_back_does_not_hold_the_breaker_open(
    fake: FakeYahoo, yahoo: YahooSource, clock: Clock
) -> None:
    fake.trouble("quote", "429", times=1)
    with pytest.raises(Away):
        await yahoo.quotes([XIAOMI])
    clock.go_on(hours=-1)
    fake.put(quote("1810.HK", 14.78, clock.now))
    assert await yahoo.quotes([XIAOMI])


@pytest.mark.parametrize("fault", ["429", "401"])
async def test_a_crumb_that_is_not_given_is_a_limit(fake: FakeYahoo, yahoo: YahooSource, fault: str) -> None:
    fake.trouble("crumb", "429" if fault == "429" else "401")
    with pytest.raises(Away, match="limits our requests"):
        await yahoo.quotes([XIAOMI])


@pytest.mark.parametrize(
    "fault, words",
    [
        ("html", "not JSON"),
        ("changed", "without the quoteResponse"),
        ("empty", "none of the 2 instruments"),
        ("503", "error 503"),
    ],
)
async def test_an_answer_that_is_none_says_so_and_is_never_no_move(
    fake: FakeYahoo, yahoo: YahooSource, clock: Clock, fault: str, words: str
) -> None:
    fake.trouble("quote", fault)  # type: ignore[arg-type]
    with pytest.raises(Away, match=words):
        await yahoo.quotes([XIAOMI, HSTECH])
    fake.calm()
    clock.go_on(seconds=11)
    assert len(await yahoo.quotes([XIAOMI, HSTECH])) == 2


async def test_a_closed_port_is_away(clock: Clock, reports: Reports, tmp_path: Path) -> None:
    access = Access("http://127.0.0.1:9", 100, tmp_path / "cache")
    source = YahooSource(access, Schedule({}), clock, reports)
    with pytest.raises(Away, match="Yahoo does not answer"):
        await source.quotes([XIAOMI])
    await source.close()


async def test_the_budget_is_never_overdrawn(fake: FakeYahoo, make: Make, clock: Clock) -> None:
    source = make(budget=5)
    answers = 0
    for _ in range(30):
        with suppress(Away):
            answers += len(await source.quotes([XIAOMI]))
        clock.go_on(seconds=1)
    assert (answers, len(fake.journal)) == (3, 5)
    with pytest.raises(Away, match="5 times within a minute, our own limit; again in 31 seconds"):
        await source.quotes([XIAOMI])
    clock.go_on(seconds=40)
    assert await source.quotes([XIAOMI])


async def test_who_gives_up_waiting_leaves_no_answer_for_the_next(
    fake: FakeYahoo, yahoo: YahooSource
) -> None:
    await yahoo.quotes([XIAOMI])
    fake.trouble("quote", "hang", times=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await yahoo.quotes([XIAOMI])
    assert [each.symbol for each in await yahoo.quotes([HSTECH])] == ["HSTECH"]


async def test_those_who_ask_together_are_answered_in_turn(fake: FakeYahoo, yahoo: YahooSource) -> None:
    fake.put_history("1810.HK", [(date(2022, 3, 22), 14.2)])
    quotes, series, others = await asyncio.gather(
        yahoo.quotes([XIAOMI]), yahoo.history(XIAOMI, BEFORE_NOW), yahoo.quotes([HSTECH])
    )
    assert (len(quotes), len(series.bars), len(others)) == (1, 1, 1)
    assert len(fake.asked("getcrumb")) == 1


async def test_history_is_the_settled_bars_before_a_day_with_gaps_where_no_close_is(
    fake: FakeYahoo, yahoo: YahooSource
) -> None:
    fake.put_history(
        "HSTECH.HK",
        [
            Bar(date(2022, 3, 18), 4478.41, 4300.0, 4500.5, 4280.25, 2e9),
            (date(2022, 3, 21), None),
            (date(2022, 3, 22), 4653.77),
            (date(2022, 3, 23), 4749.12),
        ],
    )
    series = await yahoo.history(HSTECH, BEFORE_NOW)
    assert series.symbol == "HSTECH"
    assert series.sessions == (date(2022, 3, 18), date(2022, 3, 22))
    assert series.bars[0] == Bar(date(2022, 3, 18), 4478.41, 4300.0, 4500.5, 4280.25, 2e9)
    (asked,) = fake.asked("/v8/finance/chart")
    assert asked.path.endswith("/HSTECH.HK")
    assert (asked.query["range"], asked.query["interval"]) == ("2y", "1d")


async def test_a_bar_keeps_only_what_can_be_true_of_it(fake: FakeYahoo, yahoo: YahooSource) -> None:
    wrong = Bar(date(2022, 3, 21), 14.0, 0.0, 13.0, 1_400.0)
    doubled = [(date(2022, 3, 22), 14.1), (date(2022, 3, 22), 14.2), (date(2022, 3, 22), None)]
    fake.put_history("1810.HK", [wrong, (date(2022, 3, 18), -1.0), *doubled])
    series = await yahoo.history(XIAOMI, BEFORE_NOW)
    assert series.bars[0] == Bar(date(2022, 3, 21), 14.0)
    assert [each.close for each in series.bars] == [14.0, 14.2]


async def test_a_bar_without_a_time_is_no_bar(fake: FakeYahoo, yahoo: YahooSource) -> None:
    fake.put_history(
        "1810.HK", [(date(2022, 3, 18), 14.0), (date(2022, 3, 21), 14.1), (date(2022, 3, 22), 14.2)]
    )
    fake.charts["1810.HK"]["timestamp"][:2] = [None, 10**20]
    assert (await yahoo.history(XIAOMI, BEFORE_NOW)).sessions == (date(2022, 3, 22),)


async def test_an_index_is_asked_for_by_its_own_sign(fake: FakeYahoo, yahoo: YahooSource) -> None:
    hsi = Instrument("^HSI", "index", "XHKG", "HKD", "HSI")
    fake.put_history("^HSI", [(date(2022, 3, 22), 21_889.28)])
    assert (await yahoo.history(hsi, BEFORE_NOW)).bars[0].close == 21_889.28


async def test_no_history_is_an_empty_series_and_no_failure(
    fake: FakeYahoo, yahoo: YahooSource, reports: Reports
) -> None:
    assert (await yahoo.history(HSTECH, BEFORE_NOW)).bars == ()
    assert reports.reasons == [("HSTECH", "history", "none there")]
    assert await yahoo.quotes([HSTECH])
    fake.charts["1810.HK"] = {"meta": {"currency": "HKD"}, "indicators": {"quote": [{}]}}
    assert (await yahoo.history(XIAOMI, BEFORE_NOW)).bars == ()


async def test_history_in_another_currency_is_none(
    fake: FakeYahoo, yahoo: YahooSource, reports: Reports
) -> None:
    fake.put_history("1810.HK", [(date(2022, 3, 22), 1.8)], currency="USD")
    assert (await yahoo.history(XIAOMI, BEFORE_NOW)).bars == ()
    assert reports.reasons == [("1810.HK", "history", "not in HKD")]


@pytest.mark.parametrize(
    "chart",
    [{}, {"meta": {}}, {"timestamp": [1], "meta": {"currency": "HKD"}, "indicators": {"quote": [{}]}}],
)
async def test_history_in_another_form_is_away(
    fake: FakeYahoo, yahoo: YahooSource, chart: dict[str, object]
) -> None:
    fake.charts["1810.HK"] = chart
    with pytest.raises(Away, match="bars in a form that we do not know"):
        await yahoo.history(XIAOMI, BEFORE_NOW)
