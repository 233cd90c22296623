from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter

from bot.market.schedule import Closure, Exchange, Phase, Schedule, SessionHours, trades_through_storms
from tests.conftest import ROOT

HK = ZoneInfo("Asia/Hong_Kong")
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = (date(2024, 3, 4 + day) for day in range(7))
NEXT_MONDAY = date(2024, 3, 11)


def hk(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), HK).astimezone(UTC)


def full_day(day: date) -> SessionHours:
    return SessionHours(
        day,
        hk(day, "09:30"),
        ((hk(day, "12:00"), hk(day, "13:00")),),
        hk(day, "16:00"),
        hk(day, "16:10"),
        priced=hk(day, "09:20"),
    )


def half_day(day: date) -> SessionHours:
    return SessionHours(
        day, hk(day, "09:30"), (), hk(day, "12:00"), hk(day, "12:10"), priced=hk(day, "09:20")
    )


def late_day(day: date) -> SessionHours:
    return SessionHours(day, hk(day, "13:30"), (), hk(day, "16:00"), hk(day, "16:10"), "Black rainstorm")


def week(*held: SessionHours, last: date = SUNDAY, closures: tuple[Closure, ...] = ()) -> Exchange:
    return Exchange("Asia/Hong_Kong", MONDAY, last, held, closures)


# Tuesday is a half day, Wednesday a holiday, Thursday begins late and on Friday there is a storm.
HONG_KONG = week(
    full_day(MONDAY),
    half_day(TUESDAY),
    late_day(THURSDAY),
    closures=(Closure(FRIDAY, "storm", "Typhoon Talim"),),
)
SHANGHAI = week(full_day(TUESDAY), full_day(WEDNESDAY))
SCHEDULE = Schedule({"XHKG": HONG_KONG, "XSHG": SHANGHAI})


@pytest.mark.parametrize(
    "day,clock,phase",
    [
        (MONDAY, "00:00", "before"),
        (MONDAY, "09:29:59", "before"),
        (MONDAY, "09:30", "open"),
        (MONDAY, "11:59:59", "open"),
        (MONDAY, "12:00", "break"),
        (MONDAY, "12:59:59", "break"),
        (MONDAY, "13:00", "open"),
        (MONDAY, "15:59:59", "open"),
        (MONDAY, "16:00", "auction"),
        (MONDAY, "16:09:59", "auction"),
        (MONDAY, "16:10", "after"),
        (MONDAY, "23:59:59", "after"),
        (TUESDAY, "11:59:59", "open"),
        (TUESDAY, "12:00", "auction"),
        (TUESDAY, "12:10", "after"),
        (TUESDAY, "14:00", "after"),
        (WEDNESDAY, "10:00", "holiday"),
        (THURSDAY, "10:00", "before"),
        (THURSDAY, "13:29:59", "before"),
        (THURSDAY, "13:30", "open"),
        (FRIDAY, "10:00", "closed"),
        (SATURDAY, "10:00", "closed"),
        (SUNDAY, "23:59:59", "closed"),
        (NEXT_MONDAY, "10:00", "unknown"),
        (MONDAY - timedelta(days=3), "10:00", "unknown"),
        (MONDAY + timedelta(days=12), "10:00", "closed"),
    ],
)
def test_each_moment_has_its_phase(day: date, clock: str, phase: Phase) -> None:
    assert SCHEDULE.phase_at("XHKG", hk(day, clock)) == phase


@pytest.mark.parametrize(
    "day,clock,belongs",
    [
        (MONDAY, "09:19:59", False),
        (MONDAY, "09:20", True),
        (MONDAY, "12:30", True),
        (MONDAY, "15:58", True),
        (MONDAY, "16:08", True),
        (MONDAY, "16:10:30", True),
        (MONDAY, "16:11:01", False),
        (TUESDAY, "12:08", True),
        (TUESDAY, "13:30", False),
        (THURSDAY, "09:25", False),
        (THURSDAY, "13:30", True),
        (FRIDAY, "10:00", False),
        (NEXT_MONDAY, "10:00", False),
    ],
)
def test_a_price_belongs_to_a_session_from_the_opening_auction_to_the_last_print_of_the_closing_one(
    day: date, clock: str, belongs: bool
) -> None:
    session = SCHEDULE.session_at("XHKG", hk(day, clock))
    assert (session and session.session) == (day if belongs else None)


def test_a_delayed_price_of_15_58_belongs_to_its_session_however_late_it_is_seen() -> None:
    made, seen = hk(MONDAY, "15:58"), hk(MONDAY, "16:13")
    assert SCHEDULE.session_at("XHKG", made) == full_day(MONDAY)
    assert SCHEDULE.phase_at("XHKG", seen) == "after"


def test_the_session_begun_last_is_known_until_the_next_one_begins() -> None:
    assert SCHEDULE.session_begun("XHKG", hk(MONDAY, "20:00")) == full_day(MONDAY)
    assert SCHEDULE.session_begun("XHKG", hk(TUESDAY, "09:19")) == full_day(MONDAY)
    assert SCHEDULE.session_begun("XHKG", hk(TUESDAY, "09:20")) == half_day(TUESDAY)
    assert SCHEDULE.session_begun("XHKG", hk(SUNDAY, "10:00")) == late_day(THURSDAY)
    assert SCHEDULE.session_begun("XHKG", hk(MONDAY, "09:00")) is None
    assert SCHEDULE.session_begun("XHKG", hk(NEXT_MONDAY, "09:00")) is None


@pytest.mark.parametrize(
    "day,why",
    [
        (MONDAY, None),
        (WEDNESDAY, "holiday"),
        (THURSDAY, None),
        (FRIDAY, "storm"),
        (SATURDAY, "weekend"),
        (NEXT_MONDAY, "not known beyond 2024-03-10"),
        (date(2024, 3, 1), "not known before 2024-03-04"),
    ],
)
def test_a_closed_day_has_its_reason_and_an_unknown_one_says_so(day: date, why: str | None) -> None:
    assert SCHEDULE.closed_because("XHKG", day) == why


def test_whether_a_day_is_a_session_is_not_guessed() -> None:
    answers = [SCHEDULE.is_session("XHKG", day) for day in (MONDAY, FRIDAY, SATURDAY, NEXT_MONDAY)]
    assert answers == [True, False, False, None]


def test_of_an_exchange_that_is_not_there_nothing_is_known() -> None:
    moment = hk(MONDAY, "10:00")
    assert SCHEDULE.phase_at("XTKS", moment) == "unknown"
    assert SCHEDULE.closed_because("XTKS", MONDAY) == "not known"
    assert SCHEDULE.is_session("XTKS", MONDAY) is None
    assert SCHEDULE.session_on("XTKS", MONDAY) is None
    assert SCHEDULE.session_at("XTKS", moment) is None
    assert SCHEDULE.previous("XTKS", MONDAY) is None
    assert SCHEDULE.next_open("XTKS", moment) is None
    assert SCHEDULE.sessions_between("XTKS", MONDAY, SUNDAY) == ()


def test_the_session_before_skips_closed_days_and_is_not_known_past_the_edges() -> None:
    assert SCHEDULE.previous("XHKG", TUESDAY) == full_day(MONDAY)
    assert SCHEDULE.previous("XHKG", THURSDAY) == half_day(TUESDAY)
    assert SCHEDULE.previous("XHKG", NEXT_MONDAY) == late_day(THURSDAY)
    assert SCHEDULE.previous("XHKG", NEXT_MONDAY + timedelta(days=1)) is None
    assert SCHEDULE.previous("XHKG", MONDAY) is None
    assert SCHEDULE.previous("XSHG", TUESDAY) is None


@pytest.mark.parametrize(
    "day,clock,opens",
    [
        (MONDAY, "08:00", (MONDAY, "09:30")),
        (MONDAY, "09:29:59", (MONDAY, "09:30")),
        (MONDAY, "09:30", (MONDAY, "13:00")),
        (MONDAY, "12:30", (MONDAY, "13:00")),
        (MONDAY, "13:00", (TUESDAY, "09:30")),
        (TUESDAY, "12:00", (THURSDAY, "13:30")),
        (WEDNESDAY, "12:00", (THURSDAY, "13:30")),
    ],
)
def test_trading_next_starts_after_a_break_or_at_the_next_session(
    day: date, clock: str, opens: tuple[date, str]
) -> None:
    assert SCHEDULE.next_open("XHKG", hk(day, clock)) == hk(*opens)


def test_the_next_opening_is_not_known_past_the_last_session() -> None:
    assert SCHEDULE.next_open("XHKG", hk(THURSDAY, "16:00")) is None
    assert SCHEDULE.next_open("XHKG", hk(NEXT_MONDAY, "08:00")) is None
    assert SCHEDULE.next_open("XHKG", hk(date(2024, 3, 1), "08:00")) is None


@pytest.mark.parametrize(
    "start,end,minutes",
    [
        ((MONDAY, "09:20"), (MONDAY, "09:45"), 15),
        ((MONDAY, "11:50"), (MONDAY, "13:05"), 15),
        ((MONDAY, "12:10"), (MONDAY, "12:50"), 0),
        ((MONDAY, "15:58"), (MONDAY, "16:13"), 2),
        ((MONDAY, "15:50"), (TUESDAY, "09:40"), 20),
        ((TUESDAY, "11:45"), (THURSDAY, "13:40"), 25),
        ((MONDAY, "00:00"), (SUNDAY, "00:00"), 330 + 150 + 150),
        ((MONDAY, "10:00"), (MONDAY, "10:00"), 0),
        ((MONDAY, "11:00"), (MONDAY, "10:00"), 0),
    ],
)
def test_only_continuous_trading_counts_between_two_moments(
    start: tuple[date, str], end: tuple[date, str], minutes: float
) -> None:
    assert SCHEDULE.open_minutes("XHKG", hk(*start), hk(*end)) == minutes


def test_where_nothing_is_known_no_trading_is_counted() -> None:
    assert SCHEDULE.open_minutes("XTKS", hk(MONDAY, "09:00"), hk(FRIDAY, "09:00")) == 0
    assert SCHEDULE.open_minutes("XHKG", hk(NEXT_MONDAY, "09:00"), hk(NEXT_MONDAY, "16:00")) == 0


def test_what_is_published_around_a_day_knows_those_days_and_no_others() -> None:
    around = SCHEDULE.around(WEDNESDAY, 1)
    assert around.phase_at("XHKG", hk(TUESDAY, "11:00")) == "open"
    assert around.phase_at("XHKG", hk(MONDAY, "11:00")) == "unknown"
    assert around.closed_because("XHKG", FRIDAY) == "not known beyond 2024-03-07"
    assert SCHEDULE.around(WEDNESDAY, 2).closed_because("XHKG", FRIDAY) == "storm"


def test_sessions_between_two_days_include_both() -> None:
    found = SCHEDULE.sessions_between("XHKG", MONDAY, TUESDAY)
    assert [each.session for each in found] == [MONDAY, TUESDAY]


def test_a_session_is_looked_at_in_its_stretches_only() -> None:
    hour = timedelta(hours=1)
    clocks = [f"{each.astimezone(HK):%H:%M}" for each in full_day(MONDAY).trading_moments(hour)]
    assert clocks == ["09:30", "10:30", "11:30", "13:00", "14:00", "15:00"]
    assert half_day(TUESDAY).stretches == ((hk(TUESDAY, "09:30"), hk(TUESDAY, "12:00")),)


def test_a_missing_session_is_told_by_the_exchange_and_not_by_other_instruments() -> None:
    calendar = SCHEDULE.calendar()
    assert calendar.missing("HK", MONDAY, THURSDAY) == (TUESDAY,)
    assert calendar.missing("HK", TUESDAY, THURSDAY) == ()
    assert calendar.missing("CN", MONDAY, THURSDAY) == (TUESDAY, WEDNESDAY)
    assert calendar.missing("XSHG", MONDAY, THURSDAY) == (TUESDAY, WEDNESDAY)
    assert calendar.missing("US", MONDAY, THURSDAY) == ()
    assert calendar.missing("other", MONDAY, THURSDAY) == ()


def test_southbound_is_open_when_both_markets_trade() -> None:
    days = (MONDAY, TUESDAY, WEDNESDAY, FRIDAY, SATURDAY, NEXT_MONDAY)
    assert [SCHEDULE.southbound_open(day) for day in days] == [False, True, False, False, False, None]


def test_before_april_2023_southbound_is_known_shut_but_never_known_open() -> None:
    friday, monday = date(2023, 4, 21), date(2023, 4, 24)
    both = Exchange("Asia/Hong_Kong", friday, monday, (full_day(friday), full_day(monday)))
    schedule = Schedule({"XHKG": both, "XSHG": both})
    assert schedule.southbound_open(friday) is None
    assert schedule.southbound_open(date(2023, 4, 22)) is False
    assert schedule.southbound_open(monday) is True


def test_hong_kong_trades_through_storms_since_23_september_2024() -> None:
    assert not trades_through_storms("XHKG", date(2024, 9, 22))
    assert trades_through_storms("XHKG", date(2024, 9, 23))
    assert not trades_through_storms("XTAI", date(2026, 7, 1))
    assert trades_through_storms("XSHG", date(2021, 10, 13))


def test_a_schedule_comes_back_from_json_as_it_was() -> None:
    adapter = TypeAdapter(Schedule)
    written = adapter.dump_json(SCHEDULE)
    read = adapter.validate_json(written)
    assert read == SCHEDULE
    assert adapter.dump_json(read) == written
    assert read.phase_at("XHKG", hk(MONDAY, "12:30")) == "break"
    assert read.closed_because("XHKG", FRIDAY) == "storm"


def imported() -> Iterator[tuple[str, str]]:
    for path in (ROOT / "bot").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [each.name for each in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            yield from ((path.relative_to(ROOT).as_posix(), name.partition(".")[0]) for name in names)


def test_only_sources_import_pandas_and_only_calendars_the_library_of_calendars() -> None:
    pandas = {path for path, name in imported() if name == "pandas"}
    assert all(path.startswith("bot/sources/") for path in pandas)
    library = {path for path, name in imported() if name == "exchange_calendars"}
    assert library == {"bot/sources/calendars.py"}
