"""Which session a price of Yahoo's belongs to, and when it is the session's last word."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.market.instrument import Instrument
from bot.market.schedule import Exchange, Schedule
from bot.sources.yahoo import YahooSource
from bot.sources.yahoo_hours import floor_of
from tests.fakes.yahoo import FakeYahoo, quote
from tests.sources.yahoo_stage import ALIBABA, SAP, TOYOTA, XIAOMI, Clock, Make, Reports, hong_kong

TUESDAY, WEDNESDAY, THURSDAY = "2022-03-22", "2022-03-23", "2022-03-24"
EVE = "2021-12-24"

FINAL = [
    (WEDNESDAY, "16:08:11", "CLOSED", WEDNESDAY, "16:27", True),
    (WEDNESDAY, "16:08:11", "POST", WEDNESDAY, "16:27", True),
    (WEDNESDAY, "16:08:11", "POSTPOST", WEDNESDAY, "20:00", True),
    (WEDNESDAY, "16:08:11", "REGULAR", WEDNESDAY, "16:27", False),
    (WEDNESDAY, "16:08:11", None, WEDNESDAY, "16:27", False),
    (WEDNESDAY, "16:08:11", ["CLOSED"], WEDNESDAY, "16:27", False),
    # The delay has not passed: the auction may be still to come.
    (WEDNESDAY, "16:00:02", "CLOSED", WEDNESDAY, "16:16", False),
    (WEDNESDAY, "15:59:58", "CLOSED", WEDNESDAY, "16:27", False),
    # A late print of continuous trading, until no other comes.
    (WEDNESDAY, "16:05:00", "CLOSED", WEDNESDAY, "16:54", False),
    (WEDNESDAY, "16:05:00", "CLOSED", WEDNESDAY, "16:55", True),
    # Nothing was dealt in the auction.
    (WEDNESDAY, "16:00:00", "CLOSED", WEDNESDAY, "16:27", True),
    # The next morning speaks of the next session.
    (WEDNESDAY, "16:08:11", "PREPRE", THURSDAY, "08:00", True),
    (WEDNESDAY, "16:08:11", "PRE", THURSDAY, "09:10", True),
    (WEDNESDAY, "16:08:11", "REGULAR", THURSDAY, "09:35", True),
    (WEDNESDAY, "15:20:00", "REGULAR", THURSDAY, "09:35", False),
    # A feed that went blind at lunch, on a day without an auction there.
    (WEDNESDAY, "12:00:00", "CLOSED", WEDNESDAY, "16:27", False),
    (WEDNESDAY, "12:08:30", "CLOSED", WEDNESDAY, "16:27", False),
    # A price of before the morning's first is no close of the day before.
    (THURSDAY, "09:05:00", "PRE", THURSDAY, "09:21", False),
]


@pytest.mark.parametrize(
    "made, state, seen, final", [((row[0:2]), row[2], row[3:5], row[5]) for row in FINAL]
)
async def test_a_price_is_final_when_the_auction_is_known(
    fake: FakeYahoo,
    knowing: YahooSource,
    clock: Clock,
    made: tuple[str, str],
    state: object,
    seen: tuple[str, str],
    final: bool,
) -> None:
    clock.now = hong_kong(*seen)
    fake.put(quote("1810.HK", 14.78, hong_kong(*made), marketState=state))
    (told,) = await knowing.quotes([XIAOMI])
    assert told.final is final


@pytest.mark.parametrize(
    "made, state, seen, final", [row[1:3] + row[4:] for row in FINAL if row[3] == row[0]]
)
async def test_without_a_calendar_the_regular_hours_are_taken(
    fake: FakeYahoo, yahoo: YahooSource, clock: Clock, made: str, state: object, seen: str, final: bool
) -> None:
    clock.now = hong_kong(WEDNESDAY, seen)
    fake.put(quote("1810.HK", 14.78, hong_kong(WEDNESDAY, made), marketState=state))
    (told,) = await yahoo.quotes([XIAOMI])
    assert told.final is final


@pytest.mark.parametrize(
    "made, seen, final",
    [
        ("12:08:30", "12:24", False),
        ("12:08:30", "12:27", True),
        # Nothing was dealt in the auction, so the last price of the morning is the close.
        ("12:00:00", "12:27", True),
        ("11:59:58", "12:27", False),
    ],
)
async def test_a_half_day_ends_with_its_own_auction(
    fake: FakeYahoo, knowing: YahooSource, clock: Clock, made: str, seen: str, final: bool
) -> None:
    clock.now = hong_kong(EVE, seen)
    fake.put(quote("1810.HK", 14.78, hong_kong(EVE, made), state="CLOSED"))
    (told,) = await knowing.quotes([XIAOMI])
    assert told.final is final


@pytest.mark.parametrize(
    "made, session",
    [
        ("09:05", TUESDAY),
        ("09:19", TUESDAY),
        # The auction's price is the session's first.
        ("09:20", WEDNESDAY),
        ("15:58", WEDNESDAY),
        ("16:09", WEDNESDAY),
    ],
)
async def test_a_price_of_before_the_sessions_first_is_not_the_sessions(
    fake: FakeYahoo, knowing: YahooSource, clock: Clock, made: str, session: str
) -> None:
    clock.now = hong_kong(WEDNESDAY, made) + timedelta(minutes=15)
    fake.put(quote("1810.HK", 14.78, hong_kong(WEDNESDAY, made)))
    (told,) = await knowing.quotes([XIAOMI])
    assert told.session == date.fromisoformat(session)


async def test_on_a_holiday_the_last_price_is_still_of_the_session_before(
    fake: FakeYahoo, knowing: YahooSource, clock: Clock
) -> None:
    clock.now = hong_kong("2022-04-05", "11:00")
    fake.put(quote("1810.HK", 14.78, hong_kong("2022-04-05", "10:40"), state="CLOSED"))
    (told,) = await knowing.quotes([XIAOMI])
    assert (told.session, told.final) == (date(2022, 4, 4), False)


async def test_new_york_closes_without_a_delay(fake: FakeYahoo, make: Make, clock: Clock) -> None:
    source = make()
    fake.put(quote("BABA", 114.0, datetime(2022, 3, 23, 20, 0, 1, tzinfo=UTC), state="POST", delay=0))
    finals = []
    for clock.now in (datetime(2022, 3, 23, 20, minute, 2, tzinfo=UTC) for minute in (0, 1)):
        finals += [each.final for each in await source.quotes([ALIBABA])]
    assert finals == [False, True]


async def test_new_yorks_evening_in_hong_kongs_night_is_one_session(
    fake: FakeYahoo, knowing: YahooSource, clock: Clock
) -> None:
    clock.now = hong_kong(THURSDAY, "09:00")
    fake.put(quote("BABA", 114.0, hong_kong(THURSDAY, "04:00:01"), state="PREPRE", delay=0))
    (told,) = await knowing.quotes([ALIBABA])
    assert (told.session, told.final) == (date(2022, 3, 23), True)


async def test_frankfurt_has_hours_of_its_own(fake: FakeYahoo, knowing: YahooSource, clock: Clock) -> None:
    # The auction of 17:30 ends five minutes later, and New York trades on.
    made = datetime(2022, 3, 23, 16, 35, 20, tzinfo=UTC)
    fake.put(quote("SAP.DE", 101.0, made, state="POST"))
    finals = []
    for clock.now in (made + timedelta(minutes=14), made + timedelta(minutes=16)):
        finals += [each.final for each in await knowing.quotes([SAP])]
    assert finals == [False, True]


async def test_where_no_calendar_is_known_the_answer_tells_the_exchanges_zone(
    fake: FakeYahoo, knowing: YahooSource, clock: Clock
) -> None:
    # Half past nine in the morning of Tokyo is the evening before in New York.
    clock.now = datetime(2022, 3, 24, 0, 50, tzinfo=UTC)
    fake.put(quote("7203.T", 2_200.0, datetime(2022, 3, 24, 0, 30, tzinfo=UTC), delay=20))
    (told,) = await knowing.quotes([TOYOTA])
    assert told.session == date(2022, 3, 24)


@pytest.mark.parametrize("zone", [None, "", "Mars/Olympus", "../etc/passwd", "Asia", 9, "x" * 300])
async def test_a_zone_that_is_none_makes_the_table_do(
    fake: FakeYahoo, yahoo: YahooSource, clock: Clock, zone: object
) -> None:
    clock.now = hong_kong(WEDNESDAY, "16:27")
    made = hong_kong(WEDNESDAY, "16:08")
    fake.put(quote("1810.HK", 14.78, made, state="CLOSED", exchangeTimezoneName=zone))
    (told,) = await yahoo.quotes([XIAOMI])
    assert (told.session, told.final) == (date(2022, 3, 23), True)


async def test_without_hours_nothing_surely_is_an_official_close(
    fake: FakeYahoo, knowing: YahooSource, clock: Clock
) -> None:
    clock.now = datetime(2022, 3, 25, 12, 0, tzinfo=UTC)
    fake.put(quote("7203.T", 2_200.0, datetime(2022, 3, 24, 6, 0, tzinfo=UTC), state="CLOSED"))
    (told,) = await knowing.quotes([TOYOTA])
    assert told.final is False


@pytest.mark.parametrize(
    "day, clock_at, bars",
    [(WEDNESDAY, "17:09", 1), (WEDNESDAY, "17:10", 2), (EVE, "13:09", 1), (EVE, "13:10", 2)],
)
async def test_a_bar_settles_an_hour_after_its_sessions_auction(
    fake: FakeYahoo, knowing: YahooSource, clock: Clock, day: str, clock_at: str, bars: int
) -> None:
    today = date.fromisoformat(day)
    fake.put_history("1810.HK", [(today - timedelta(days=1), 14.2), (today, 14.78)])
    clock.now = hong_kong(day, clock_at)
    series = await knowing.history(XIAOMI, today + timedelta(days=1))
    assert len(series.bars) == bars


async def test_a_bar_of_unknown_hours_settles_when_its_day_is_over(
    fake: FakeYahoo, knowing: YahooSource, clock: Clock
) -> None:
    fake.put_history("7203.T", [(date(2022, 3, 23), 2_150.0), (date(2022, 3, 24), 2_200.0)])
    found = []
    for clock.now in (datetime(2022, 3, 24, hour, 59, tzinfo=UTC) for hour in (14, 15)):
        found.append((await knowing.history(TOYOTA, date(2022, 3, 25))).sessions[-1])
    assert found == [date(2022, 3, 23), date(2022, 3, 24)]


async def test_a_close_repeated_on_a_holiday_is_no_bar(
    fake: FakeYahoo, knowing: YahooSource, reports: Reports, clock: Clock
) -> None:
    clock.now = hong_kong("2022-04-07", "12:00")
    days = [date(2022, 4, day) for day in (4, 5, 6)]
    fake.put_history("1810.HK", [(day, 14.0) for day in days])
    assert (await knowing.history(XIAOMI, date(2022, 4, 7))).sessions == (days[0], days[2])
    assert reports.reasons == [("1810.HK", "bar", "of a day without a session")]
    assert reports.told[0]["said"] == "2022-04-05"


@given(st.integers(0, 120 * 24 * 60))
def test_every_moment_belongs_to_the_last_session_that_had_begun(hours: Schedule, minute: int) -> None:
    moment = hong_kong("2021-12-20", "00:00") + timedelta(minutes=minute)
    exchange: Exchange = hours.exchanges["XHKG"]
    instrument = Instrument("^HSI", "index", "XHKG", "HKD", "HSI")
    session = floor_of(instrument, hours, None).session_of(moment)
    begun = [each for each in exchange.sessions if each.begins <= moment]
    assert session == begun[-1].session
    held = hours.session_at("XHKG", moment)
    assert held is None or held.session == session
