from __future__ import annotations

import csv
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter

from bot.errors import DataError, UsageError
from bot.market.instrument import bare_instrument
from bot.market.schedule import Schedule, SessionHours
from bot.sources.calendars import OVERRIDES, load_schedule
from tests.conftest import ROOT

HK = ZoneInfo("Asia/Hong_Kong")
NEW_YORK = ZoneInfo("America/New_York")
HEADING = "exchange,date,opens,closes,settled,why,note\n"
HONG_KONG_OPEN_SHANGHAI_SHUT, SHANGHAI_OPEN_HONG_KONG_SHUT = 18, 11
# What the bars call an instrument where its symbol does not tell its exchange.
INDICES = {"HSTECH": "XHKG", "^HSI": "XHKG", "^HSCE": "XHKG", "^GSPC": "XNYS"}
FIRST_BARS, LAST_BARS = date(2021, 1, 1), date(2022, 6, 30)


@pytest.fixture(scope="module")
def schedule() -> Schedule:
    mics = ("XHKG", "XSHG", "XSHE", "XNYS", "XNAS", "XTKS", "XLON", "nowhere")
    return load_schedule(mics, date(2020, 12, 1), date(2027, 12, 31))


@pytest.fixture(scope="module")
def traded(prices: Path) -> dict[str, set[date]]:
    """The days on which any instrument of an exchange has a close in the recorded bars."""
    found: dict[str, set[date]] = defaultdict(set)
    for table in sorted(prices.glob("*.csv")):
        for row in csv.DictReader(table.read_text(encoding="utf-8-sig").splitlines()):
            day = date.fromisoformat(row["date"])
            if row["close"] and FIRST_BARS <= day <= LAST_BARS:
                mic = INDICES.get(row["symbol"]) or bare_instrument(row["symbol"]).exchange
                found[mic].add(day)
    return found


def session(schedule: Schedule, mic: str, day: str) -> SessionHours:
    found = schedule.session_on(mic, date.fromisoformat(day))
    assert found is not None
    return found


def clocks(schedule: Schedule, mic: str, day: str, zone: ZoneInfo = HK) -> str:
    found = session(schedule, mic, day)
    stretches = " ".join(
        f"{start.astimezone(zone):%H:%M}–{end.astimezone(zone):%H:%M}" for start, end in found.stretches
    )
    return f"{found.begins.astimezone(zone):%H:%M} {stretches} {found.settled.astimezone(zone):%H:%M}"


def hk(day: str, clock: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(clock), HK).astimezone(UTC)


def days_of(sessions: Iterable[SessionHours]) -> set[date]:
    return {each.session for each in sessions}


@pytest.mark.parametrize("mic", ["XHKG", "XSHG", "XNYS"])
def test_the_calendars_have_the_very_sessions_of_the_recorded_bars(
    schedule: Schedule, traded: dict[str, set[date]], mic: str
) -> None:
    assert days_of(schedule.sessions_between(mic, FIRST_BARS, LAST_BARS)) == traded[mic]


def test_shanghai_was_shut_in_18_sessions_of_hong_kong_and_the_reverse_in_11(
    schedule: Schedule, traded: dict[str, set[date]]
) -> None:
    hong_kong, shanghai = (
        days_of(schedule.sessions_between(mic, FIRST_BARS, LAST_BARS)) for mic in ("XHKG", "XSHG")
    )
    assert len(hong_kong - shanghai) == HONG_KONG_OPEN_SHANGHAI_SHUT
    assert len(shanghai - hong_kong) == SHANGHAI_OPEN_HONG_KONG_SHUT
    assert hong_kong - shanghai == traded["XHKG"] - traded["XSHG"]
    assert shanghai - hong_kong == traded["XSHG"] - traded["XHKG"]


@pytest.mark.parametrize(
    "mic,day,expected",
    [
        ("XHKG", "2022-03-23", "09:20 09:30–12:00 13:00–16:00 16:10"),
        ("XHKG", "2026-02-16", "09:20 09:30–12:00 12:10"),
        ("XHKG", "2026-12-24", "09:20 09:30–12:00 12:10"),
        ("XHKG", "2026-12-31", "09:20 09:30–12:00 12:10"),
        ("XHKG", "2024-02-29", "09:20 09:30–12:00 13:00–16:00 16:10"),
        ("XSHG", "2022-03-23", "09:25 09:30–11:30 13:00–14:57 15:00"),
        ("XSHE", "2022-03-23", "09:25 09:30–11:30 13:00–14:57 15:00"),
    ],
)
def test_a_day_has_its_auctions_its_break_and_its_early_close(
    schedule: Schedule, mic: str, day: str, expected: str
) -> None:
    assert clocks(schedule, mic, day) == expected


@pytest.mark.parametrize(
    "day,expected",
    [
        ("2026-11-25", "09:30 09:30–16:00 16:00"),
        ("2026-11-27", "09:30 09:30–13:00 13:00"),
        ("2026-12-24", "09:30 09:30–13:00 13:00"),
    ],
)
def test_new_york_closes_early_after_thanksgiving_and_before_christmas(
    schedule: Schedule, day: str, expected: str
) -> None:
    assert clocks(schedule, "XNYS", day, NEW_YORK) == expected
    assert clocks(schedule, "XNAS", day, NEW_YORK) == expected


@pytest.mark.parametrize(
    "day,closes",
    [
        ("2022-03-11", "2022-03-12 05:00"),
        ("2022-03-14", "2022-03-15 04:00"),
        ("2022-11-04", "2022-11-05 04:00"),
        ("2022-11-07", "2022-11-08 05:00"),
    ],
)
def test_new_york_closes_at_four_or_five_in_hong_kong_by_its_own_clock(
    schedule: Schedule, day: str, closes: str
) -> None:
    assert f"{session(schedule, 'XNYS', day).closes.astimezone(HK):%Y-%m-%d %H:%M}" == closes


def test_a_moment_of_the_hong_kong_night_belongs_to_the_session_of_the_day_before_in_new_york(
    schedule: Schedule,
) -> None:
    found = schedule.session_at("XNYS", hk("2022-03-23", "03:00"))
    assert found is not None
    assert found.session == date(2022, 3, 22)


def test_in_shanghai_s_longer_break_and_after_its_close_hong_kong_trades_alone(schedule: Schedule) -> None:
    for clock, shanghai in (("11:45", "break"), ("15:30", "after")):
        moment = hk("2022-03-23", clock)
        assert schedule.phase_at("XHKG", moment) == "open"
        assert schedule.phase_at("XSHG", moment) == shanghai
    assert schedule.phase_at("XSHG", hk("2022-03-23", "14:58")) == "auction"


@pytest.mark.parametrize(
    "day",
    ["2020-10-13", "2021-10-13", "2023-07-17", "2023-09-01", "2023-09-08", "2024-09-06"],
)
def test_hong_kong_was_shut_by_storms_all_day(day: str) -> None:
    closed = date.fromisoformat(day)
    schedule = load_schedule(["XHKG"], closed - timedelta(days=7), closed + timedelta(days=7))
    assert schedule.closed_because("XHKG", closed) == "storm"
    assert schedule.phase_at("XHKG", hk(day, "14:30")) == "closed"
    assert schedule.southbound_open(closed) is False


@pytest.mark.parametrize(
    "day,expected,said",
    [
        ("2021-06-28", "13:30 13:30–16:00 16:10", "13:30"),
        ("2022-08-25", "13:00 13:00–16:00 16:10", "13:00"),
        ("2022-11-02", "09:20 09:30–12:00 13:00–13:55 13:55", "not confirmed"),
        ("2023-10-09", "14:00 14:00–16:00 16:10", "14:00"),
    ],
)
def test_on_some_days_hong_kong_began_late_or_ended_early_and_the_note_says_so(
    schedule: Schedule, day: str, expected: str, said: str
) -> None:
    assert clocks(schedule, "XHKG", day) == expected
    assert said in session(schedule, "XHKG", day).note


def test_no_storm_has_closed_hong_kong_since_it_trades_through_them(schedule: Schedule) -> None:
    closures = schedule.exchanges["XHKG"].closures
    assert max(each.day for each in closures) == date(2024, 9, 6)


def test_over_lunar_new_year_the_next_opening_is_after_the_holidays(schedule: Schedule) -> None:
    eve = hk("2026-02-16", "12:00")
    assert schedule.next_open("XHKG", eve) == hk("2026-02-20", "09:30")
    assert schedule.next_open("XSHG", eve) == hk("2026-02-24", "09:30")
    assert schedule.closed_because("XHKG", date(2026, 2, 17)) == "holiday"
    assert schedule.phase_at("XSHG", hk("2026-02-16", "10:00")) == "holiday"


def test_the_holidays_of_2026_in_hong_kong_are_those_that_were_measured(schedule: Schedule) -> None:
    year = [date(2026, 1, 1) + timedelta(days=day) for day in range(365)]
    holidays = [f"{day:%m-%d}" for day in year if schedule.closed_because("XHKG", day) == "holiday"]
    measured = "01-01 02-17 02-18 02-19 04-03 04-06 04-07 05-01 05-25 06-19 07-01 10-01 10-19 12-25"
    assert holidays == measured.split()


def test_a_calendar_that_ends_before_it_was_asked_to_says_where(schedule: Schedule) -> None:
    last = schedule.exchanges["XSHG"].last
    beyond = load_schedule(["XSHG"], date(2100, 1, 1), date(2100, 12, 31))
    assert beyond.closed_because("XSHG", date(2100, 1, 4)) == f"not known beyond {last}"
    assert beyond.is_session("XSHG", date(2100, 1, 4)) is None
    assert beyond.exchanges["XSHG"].sessions == ()
    assert load_schedule(["XSHG"], date(2026, 1, 1), date(2100, 1, 1)).exchanges["XSHG"].last == last


def test_an_exchange_without_a_calendar_is_left_out(schedule: Schedule) -> None:
    assert "nowhere" not in schedule.exchanges


def test_london_settles_after_its_auction_and_tokyo_has_its_lunch(schedule: Schedule) -> None:
    assert clocks(schedule, "XLON", "2026-07-01", ZoneInfo("Europe/London")) == "08:00 08:00–16:30 16:35"
    tokyo = ZoneInfo("Asia/Tokyo")
    assert clocks(schedule, "XTKS", "2026-07-01", tokyo) == "09:00 09:00–11:30 12:30–15:30 15:30"


def test_a_single_day_can_be_loaded_even_one_without_a_session() -> None:
    sunday = date(2026, 2, 15)
    schedule = load_schedule(["XHKG"], sunday, sunday)
    assert schedule.exchanges["XHKG"].sessions == ()
    assert schedule.closed_because("XHKG", sunday) == "weekend"


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(UsageError, match="before it begins"):
        load_schedule(["XHKG"], date(2026, 1, 2), date(2026, 1, 1))


def test_what_the_library_gave_comes_back_from_json(schedule: Schedule) -> None:
    adapter = TypeAdapter(Schedule)
    assert adapter.validate_json(adapter.dump_json(schedule)) == schedule


def test_an_operator_s_own_list_comes_after_ours(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text(
        f"{HEADING}XNAS,2026-07-01,,,,mourning,A day of mourning\n"
        "XSHE,2026-02-14,09:30,15:00,15:00,,A Saturday\n"
    )
    schedule = load_schedule(["XNYS", "XSHG"], date(2026, 1, 1), date(2026, 12, 31), more=own)
    assert schedule.closed_because("XNYS", date(2026, 7, 1)) == "mourning"
    assert schedule.phase_at("XNYS", datetime(2026, 7, 1, 15, tzinfo=UTC)) == "closed"
    assert clocks(schedule, "XSHG", "2026-02-14") == "09:30 09:30–15:00 15:00"
    assert [each.note for each in schedule.exchanges["XNYS"].closures] == ["A day of mourning"]


@pytest.mark.parametrize(
    "text,said",
    [
        ("date,exchange\n", "line 1: the heading"),
        (f"{HEADING}XHKG,2026-02-30,,,,storm,\n", "line 2: write the date"),
        (f"{HEADING}XHKG,2026-02-20,noon,,,storm,\n", "line 2: write the date"),
        (f"{HEADING}XHKG,2026-02-20,,,,,\n", "line 2: say why"),
        (f"{HEADING}XHKG,2026-02-20,09:30,12:00,,,\n", "line 2: give opens"),
        (f"{HEADING}XHKG,2026-02-20,12:00,09:30,16:10,,\n", "line 2: give opens"),
        (f"{HEADING}XHKG,2026-02-20,,,,storm\n", "line 2: the row has"),
        (f"{HEADING}XHKG,2026-02-20,,,,storm,a,b\n", "line 2: the row has"),
        (f"{HEADING}XHKG,2026-02-20,,,,storm,\nXHKG,2026-02-20,,,,storm,\n", "line 3: 2026-02-20 is there"),
    ],
)
def test_an_override_that_cannot_be_read_is_refused_with_file_and_line(
    tmp_path: Path, text: str, said: str
) -> None:
    own = tmp_path / "own.csv"
    own.write_text(text)
    with pytest.raises(DataError, match=f"own.csv, {said}"):
        load_schedule(["XHKG"], date(2026, 1, 1), date(2026, 12, 31), more=own)


def test_a_list_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.csv cannot be read"):
        load_schedule(["XHKG"], date(2026, 1, 1), date(2026, 12, 31), more=tmp_path / "nowhere.csv")


def test_our_list_gives_a_reason_or_hours_for_every_day_and_always_a_note() -> None:
    rows = list(csv.DictReader(OVERRIDES.read_text(encoding="utf-8").splitlines()))
    assert rows
    assert all((row["why"] or row["opens"]) and row["note"] for row in rows)


def test_pandas_is_loaded_with_the_calendars_and_not_with_the_module() -> None:
    check = "import bot.sources.calendars, bot.market.schedule, sys; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False, timeout=60).returncode == 0
