from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import MarketTime
from bot.config import read_settings
from bot.errors import UsageError
from bot.market.bars import Bar, Series
from bot.market.instrument import Instrument, bare_instrument
from bot.market.quote import Quote, look_between
from bot.market.sessions import settlement, trading_moments
from bot.news.story import Story
from bot.ports import FeedSource, QuoteSource
from bot.sources.calendars import load_schedule
from bot.sources.folder import Recorded, read_folder, sample_folder
from bot.sources.tape import Tape, path
from tests.conftest import ROOT

FIRST, LAST = date(2022, 3, 1), date(2022, 3, 23)
XIAOMI = bare_instrument("1810.HK")
PINDUODUO = bare_instrument("PDD")
CSI = bare_instrument("000300.SS")
WEDNESDAY = Bar(LAST, 14.78, 15.04, 15.48, 14.7)


@pytest.fixture(scope="module")
def sample() -> Recorded:
    return read_folder(sample_folder("march-2022"))


@pytest.fixture(scope="module")
def watched(sample: Recorded) -> tuple[Instrument, ...]:
    catalogue = read_settings(ROOT / "config.yaml").catalogue()
    return tuple(each for each in catalogue if each.symbol in sample.series)


def recorded(instrument: Instrument, *bars: Bar) -> Recorded:
    return Recorded({instrument.symbol: Series(instrument.symbol, bars)})


def tape_of(instrument: Instrument, *bars: Bar, pace: int = 5, first: date = FIRST) -> Tape:
    return Tape(recorded(instrument, *bars), [instrument], (first, LAST), MarketTime(), pace=pace)


def prints(quotes: Iterable[Quote]) -> list[Quote]:
    """Leave out the quotes that only repeat an older price."""
    found: dict[tuple[str, datetime], Quote] = {}
    for each in quotes:
        found.setdefault((each.symbol, each.time), each)
    return list(found.values())


def played(tape: Tape) -> list[Quote]:
    return prints(quote for moment in tape.moments() for quote in tape.quotes_at(moment))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize("pace", [5, 15, 60])
def test_every_session_goes_through_its_four_prices_once_and_in_order(
    sample: Recorded, watched: tuple[Instrument, ...], pace: int
) -> None:
    tape = Tape(sample, watched, (FIRST, LAST), MarketTime(), "seed", pace)
    quotes = played(tape)
    for instrument in watched:
        bars = sample.series[instrument.symbol].bars
        for before, bar in pairwise(bars):
            mine = [
                each for each in quotes if (each.symbol, each.session) == (instrument.symbol, bar.session)
            ]
            seen = [each.price for each in mine]
            assert bar.open is not None
            assert bar.high is not None
            assert bar.low is not None
            assert (seen[0], seen[-1]) == (bar.open, bar.close)
            assert all(bar.low <= each <= bar.high for each in seen)
            for price in {bar.open, bar.high, bar.low, bar.close}:
                assert seen.count(price) == (2 if price == bar.open == bar.close else 1)
            if len({bar.open, bar.high, bar.low, bar.close}) == 4:
                up_first = bar.high - before.close >= before.close - bar.low
                assert (seen.index(bar.high) < seen.index(bar.low)) is up_first
            assert [each.final for each in mine] == [False] * (len(mine) - 1) + [True]
            assert mine[-1].time == settlement(instrument.market, bar.session)
            assert {each.previous_close for each in mine} == {before.close}
            assert {each.open for each in mine} == {bar.open}
            assert [each.high for each in mine[:-1]] == list(accumulate(seen[:-1], max))
            assert [each.low for each in mine[:-1]] == list(accumulate(seen[:-1], min))
            assert mine[-1].bar == bar


def test_a_half_day_ends_with_its_own_auction_where_a_schedule_knows_it() -> None:
    eve, bar = date(2021, 12, 24), Bar(date(2021, 12, 24), 18.9, 19.0, 19.3, 18.7)
    schedule = load_schedule(["XHKG"], eve, eve)
    tape = Tape(recorded(XIAOMI, bar), [XIAOMI], (eve, eve), MarketTime(), schedule=schedule)
    assert tape.moments()[0] == at("2021-12-24T09:30+08:00")
    assert tape.moments()[-2:] == (at("2021-12-24T11:55+08:00"), at("2021-12-24T12:10+08:00"))
    *during, close = played(tape)
    assert {each.price for each in during} >= {19.0, 19.3, 18.7}
    assert (close.price, close.time, close.final) == (18.9, at("2021-12-24T12:10+08:00"), True)
    regular = Tape(recorded(XIAOMI, bar), [XIAOMI], (eve, eve), MarketTime())
    assert regular.moments()[-1] == at("2021-12-24T16:10+08:00")


def test_looks_see_each_price_of_the_day_once_each(sample: Recorded) -> None:
    tape = Tape(sample, [XIAOMI], (LAST, LAST), MarketTime())
    before: Quote | None = None
    looks = []
    for moment in tape.moments():
        (now,) = tape.quotes_at(moment)
        looks.append(look_between(before, now))
        before = now
    assert None not in looks
    assert sum(each is not None and each.high == 15.48 for each in looks) == 1
    assert sum(each is not None and each.low == 14.7 for each in looks) == 1


@given(
    prices=st.lists(st.integers(100, 140), min_size=4, max_size=4),
    previous=st.one_of(st.none(), st.integers(90, 150)),
    looks=st.integers(4, 80),
    decimals=st.integers(0, 3),
    seed=st.integers(0, 1000),
)
def test_no_bar_however_narrow_is_left_or_visited_twice(
    prices: list[int], previous: int | None, looks: int, decimals: int, seed: int
) -> None:
    low, opened, close, high = (each / 10**decimals for each in _bar_shaped(prices))
    base = None if previous is None else previous / 10**decimals

    def chance(name: str) -> float:
        return int(hashlib.sha256(f"{seed}{name}".encode()).hexdigest()[:8], 16) / 2**32

    walked = path(Bar(LAST, close, opened, high, low), base, looks, chance)
    assert len(walked) == looks
    assert walked[0] == opened
    seen = [each for each in walked if each is not None]
    assert all(low <= each <= high for each in seen)
    for price in {opened, high, low}:
        assert seen.count(price) == (price != close or price == opened)


def _bar_shaped(prices: list[int]) -> tuple[int, int, int, int]:
    return min(prices), prices[0], prices[1], max(prices)


def test_prices_in_between_lie_on_the_tick_that_the_bar_shows() -> None:
    whole = Bar(date(2022, 3, 21), 102.0, 100.0, 110.0, 90.0)
    tenths = Bar(date(2022, 3, 22), 389.0, 391.4, 398.6, 385.0)
    quotes = played(tape_of(XIAOMI, whole, tenths, WEDNESDAY))
    shown = {(each.session.day, len(repr(each.price).partition(".")[2])) for each in quotes}
    assert {day: max(decimals for on, decimals in shown if on == day) for day, _ in shown} == {
        21: 2,
        22: 1,
        23: 2,
    }


def test_a_price_that_has_no_tick_to_move_to_stands_still() -> None:
    quotes = played(tape_of(XIAOMI, Bar(LAST, 14.71, 14.7, 14.71, 14.7)))
    assert [(each.price, each.final) for each in quotes] == [(14.7, False), (14.71, True)]
    tape = tape_of(XIAOMI, Bar(LAST, 14.7, 14.7, 14.7, 14.7))
    (later,) = tape.quotes_at(at("2022-03-23T15:00+08:00"))
    assert later.time == at("2022-03-23T09:30+08:00")
    assert later.received == at("2022-03-23T15:00+08:00")


@pytest.mark.parametrize(
    "bar",
    [
        Bar(LAST, 14.78),
        Bar(LAST, 14.78, open=15.04),
        Bar(LAST, 14.78, open=15.04, high=15.48),
        Bar(LAST, 14.78, high=15.48, low=14.7),
    ],
)
def test_a_bar_that_knows_less_than_four_prices_is_seen_once_when_it_has_settled(bar: Bar) -> None:
    tape = tape_of(XIAOMI, bar)
    (quote,) = played(tape)
    assert quote.final
    assert quote.time == quote.received == at("2022-03-23T16:10+08:00")
    assert quote.bar == bar
    assert tape.quotes_at(at("2022-03-23T16:09+08:00")) == ()


def test_before_such_a_bar_has_settled_the_close_before_it_stands() -> None:
    tape = tape_of(XIAOMI, Bar(date(2022, 3, 22), 14.2), Bar(LAST, 14.78))
    (quote,) = tape.quotes_at(at("2022-03-23T11:00+08:00"))
    assert (quote.price, quote.session, quote.final) == (14.2, date(2022, 3, 22), True)


def test_the_volume_of_a_day_is_told_when_the_day_is_over() -> None:
    *during, final = played(tape_of(XIAOMI, Bar(LAST, 14.78, 15.04, 15.48, 14.7, volume=8e8)))
    assert {each.volume for each in during} == {None}
    assert final.volume == 8e8
    assert {each.volume for each in played(tape_of(XIAOMI, WEDNESDAY))} == {None}


def test_a_dividend_adjusted_bar_stays_marked() -> None:
    quotes = played(tape_of(XIAOMI, Bar(LAST, 14.78, 15.04, 15.48, 14.7, adjusted=True)))
    assert all(each.adjusted for each in quotes)


def test_the_previous_close_is_not_said_where_a_session_between_is_missing() -> None:
    other = bare_instrument("3690.HK")
    days = [date(2022, 3, day) for day in (21, 22, 23)]
    series = {
        "1810.HK": Series("1810.HK", (Bar(days[0], 14.0), Bar(days[2], 14.78))),
        "3690.HK": Series("3690.HK", tuple(Bar(day, 150.0) for day in days)),
    }
    tape = Tape(Recorded(series), [XIAOMI, other], (LAST, LAST), MarketTime())
    known = {each.symbol: each.previous_close for each in tape.quotes_at(tape.moments()[-1])}
    assert known == {"1810.HK": None, "3690.HK": 150.0}


def test_a_first_bar_has_no_previous_close() -> None:
    assert {each.previous_close for each in played(tape_of(XIAOMI, WEDNESDAY))} == {None}


def test_moments_are_those_of_all_markets_in_order(sample: Recorded) -> None:
    tape = Tape(sample, [XIAOMI, CSI, PINDUODUO], (date(2022, 3, 22), LAST), MarketTime(), pace=30)
    moments = tape.moments()
    expected = {
        moment
        for market in ("HK", "CN", "US")
        for day in (date(2022, 3, 22), LAST)
        for moment in (
            *trading_moments(market, day, timedelta(minutes=30)),
            settlement(market, day),
        )
    }
    assert list(moments) == sorted(expected)
    assert all(each.tzinfo is UTC for each in moments)


def test_only_markets_that_are_watched_have_moments(sample: Recorded) -> None:
    tape = Tape(sample, [PINDUODUO], (LAST, LAST), MarketTime(), pace=60)
    assert tape.moments()[0] == at("2022-03-23T09:30-04:00")
    assert tape.moments()[-1] == at("2022-03-23T16:00-04:00")


def test_between_sessions_the_last_close_is_what_is_known(sample: Recorded) -> None:
    tape = Tape(sample, [XIAOMI, CSI, PINDUODUO], (date(2022, 3, 22), LAST), MarketTime())
    quotes = {each.symbol: each for each in tape.quotes_at(at("2022-03-23T15:30+08:00"))}
    assert not quotes["1810.HK"].final
    assert (quotes["000300.SS"].final, quotes["000300.SS"].session) == (True, LAST)
    assert (quotes["PDD"].final, quotes["PDD"].session) == (True, date(2022, 3, 22))
    assert {each.received for each in quotes.values()} == {at("2022-03-23T15:30+08:00")}
    assert {each.source for each in quotes.values()} == {"recorded bars"}


def test_what_is_outside_the_span_is_not_quoted(sample: Recorded) -> None:
    tape = Tape(sample, [XIAOMI, PINDUODUO], (date(2022, 3, 16), date(2022, 3, 16)), MarketTime())
    assert [each.symbol for each in tape.quotes_at(at("2022-03-16T11:00+08:00"))] == ["1810.HK"]
    assert tape.quotes_at(at("2022-03-16T09:00+08:00")) == ()
    (first, second) = tape.quotes_at(at("2022-03-23T16:10+08:00"))
    assert first.session == second.session == date(2022, 3, 16)


def test_nothing_that_it_says_is_from_the_future(sample: Recorded, watched: tuple[Instrument, ...]) -> None:
    tape = Tape(sample, watched, (FIRST, LAST), MarketTime(), pace=60)
    newest: dict[str, datetime] = {}
    for moment in tape.moments():
        for quote in tape.quotes_at(moment):
            assert quote.time <= moment == quote.received
            assert quote.time >= newest.get(quote.symbol, quote.time)
            newest[quote.symbol] = quote.time


def test_looks_asked_for_in_any_order_are_the_same(sample: Recorded) -> None:
    forward = Tape(sample, [XIAOMI, PINDUODUO], (FIRST, LAST), MarketTime(), pace=60)
    back = Tape(sample, [XIAOMI, PINDUODUO], (FIRST, LAST), MarketTime(), pace=60)
    moments = forward.moments()
    expected = {moment: forward.quotes_at(moment) for moment in moments}
    assert {moment: back.quotes_at(moment) for moment in reversed(moments)} == expected


PLAY = """
import sys
from datetime import date
from bot.clock import MarketTime
from bot.market.instrument import bare_instrument
from bot.sources.folder import read_folder, sample_folder
from bot.sources.tape import Tape

instruments = [bare_instrument(each) for each in ("1810.HK", "000300.SS", "PDD")]
span = date(2022, 3, 14), date(2022, 3, 16)
tape = Tape(read_folder(sample_folder("march-2022")), instruments, span, MarketTime(), sys.argv[1])
for moment in tape.moments():
    print(moment, tape.quotes_at(moment))
"""


def spoken(seed: str, hash_seed: str) -> bytes:
    return subprocess.run(
        [sys.executable, "-c", PLAY, seed],
        cwd=ROOT,
        env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout


def test_the_same_seed_says_the_same_bytes_in_every_process() -> None:
    said = spoken("bell", "1")
    assert len(said) > 10_000
    assert said == spoken("bell", "2")
    assert said != spoken("chime", "1")


def test_a_session_is_the_same_whatever_span_it_is_played_in(sample: Recorded) -> None:
    whole = Tape(sample, [XIAOMI], (FIRST, LAST), MarketTime())
    one = Tape(sample, [XIAOMI], (LAST, LAST), MarketTime())
    assert [each for each in played(whole) if each.session == LAST] == played(one)


async def test_as_a_source_it_says_what_is_known_at_the_present(sample: Recorded) -> None:
    present = MarketTime()
    tape = Tape(sample, [XIAOMI, CSI], (LAST, LAST), present)
    source: QuoteSource = tape
    assert source.name == "recorded bars"
    present.move(at("2022-03-23T10:00+08:00"))
    (quote,) = await source.quotes([XIAOMI])
    assert quote == tape.quotes_at(present.now())[0]
    present.move(at("2022-03-23T16:10+08:00"))
    assert [each.final for each in await source.quotes([XIAOMI, CSI])] == [True, True]


async def test_its_history_ends_before_the_session_asked_for(sample: Recorded) -> None:
    source: QuoteSource = Tape(sample, [XIAOMI], (LAST, LAST), MarketTime())
    held = await source.history(XIAOMI, LAST)
    assert held.sessions[0] == date(2022, 2, 28)
    assert held.sessions[-1] == date(2022, 3, 22)
    assert held.before == sample.series["1810.HK"].before != ()
    assert await source.history(bare_instrument("9999.HK"), LAST) == Series("9999.HK", ())


def slugs(stories: Sequence[Story] | None) -> list[str]:
    return [each.link.rpartition("/")[2] for each in stories or ()]


def test_stories_appear_in_order_when_their_time_has_come(sample: Recorded) -> None:
    tape = Tape(sample, [XIAOMI, PINDUODUO], (FIRST, LAST), MarketTime())
    heard: list[Story] = []
    for moment in tape.moments():
        told = tape.stories_until(moment)
        assert list(told[: len(heard)]) == heard
        assert all(each.published is not None and each.published <= moment for each in told)
        heard = list(told)
    assert heard == list(sample.stories)
    assert len({each.identity for each in heard}) == len(heard)


def test_stories_of_before_the_span_are_not_news(sample: Recorded) -> None:
    tape = Tape(sample, [XIAOMI], (date(2022, 3, 16), LAST), MarketTime())
    assert slugs(tape.stories_until(at("2022-03-16T13:19+08:00"))) == []
    assert slugs(tape.stories_until(at("2022-03-16T13:20+08:00"))) == ["financial-committee"]


async def test_as_a_feed_it_answers_only_when_there_is_something_new(sample: Recorded) -> None:
    present = MarketTime()
    feed: FeedSource = Tape(sample, [XIAOMI], (LAST, LAST), present)
    present.move(at("2022-03-23T09:45+08:00"))
    assert slugs(await feed.stories("sample")) == []
    present.move(at("2022-03-23T09:50+08:00"))
    assert slugs(await feed.stories("sample")) == ["xiaomi-opens-higher"]
    assert await feed.stories("sample") is None
    assert slugs(await feed.stories("another")) == ["xiaomi-opens-higher"]


@pytest.mark.parametrize(
    "first,last,pace,said",
    [
        (LAST, FIRST, 5, "would end before it begins"),
        (date(2022, 3, 19), date(2022, 3, 20), 5, "Nothing is recorded between 2022-03-19 and 2022-03-20"),
        (FIRST, LAST, 0, "choose 1 to 60 minutes"),
        (FIRST, LAST, 61, "choose 1 to 60 minutes"),
    ],
)
def test_what_cannot_be_played_is_refused(
    sample: Recorded, first: date, last: date, pace: int, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        Tape(sample, [XIAOMI], (first, last), MarketTime(), pace=pace)


def test_the_whole_of_the_full_data_can_be_played(prices: Path) -> None:
    full = read_folder(prices)
    instruments = [bare_instrument(each) for each in ("0700.HK", "KWEB", "HSTECH")]
    tape = Tape(full, instruments, (date(2022, 1, 3), date(2022, 6, 30)), MarketTime(), pace=60)
    quotes = played(tape)
    assert {each.symbol for each in quotes} == {"0700.HK", "KWEB", "HSTECH"}
    assert all(each.final for each in quotes if each.symbol == "KWEB")
