from __future__ import annotations

from array import array
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.market.schedule import SessionHours
from bot.market.sessions import regular_hours
from bot.market.volumes import LEAST_SESSIONS, PARTS, elapsed, row_of, usual_share

SESSION = date(2022, 3, 23)
HK = regular_hours("HK", SESSION)
EVENLY = [(part / PARTS, part * 100.0) for part in range(1, PARTS)]


def at(hour: int, minute: int = 0) -> datetime:
    """Return a time of the session, in Hong Kong."""
    return datetime(2022, 3, 23, hour, minute, tzinfo=UTC) - timedelta(hours=8)


@pytest.mark.parametrize(
    "moment, share",
    [
        (at(9), 0.0),
        (at(9, 30), 0.0),
        (at(10, 45), 1.25 / 5.5),
        (at(12), 2.5 / 5.5),
        (at(12, 30), 2.5 / 5.5),
        (at(14, 30), 4 / 5.5),
        (at(16), 1.0),
        (at(18), 1.0),
    ],
)
def test_time_passes_while_there_is_trading_and_not_at_lunch(moment: datetime, share: float) -> None:
    assert elapsed(HK, moment) == pytest.approx(share)


def test_half_a_half_day_is_half_a_day() -> None:
    half = SessionHours(SESSION, at(9, 30), (), at(12), at(12, 10))
    assert elapsed(half, at(10, 45)) == 0.5


def test_a_session_seen_whole_gives_the_share_after_each_part() -> None:
    row = row_of(EVENLY, 2500.0)
    assert row is not None
    assert list(row) == pytest.approx([part * 100 / 2500 for part in range(1, PARTS)] + [1.0])


def test_what_the_closing_auction_adds_belongs_to_no_part() -> None:
    row = row_of([*EVENLY, (1.0, 2400.0)], 3000.0)
    assert row is not None
    assert row[-1] == pytest.approx(0.8)


@pytest.mark.parametrize(
    "points, total",
    [
        ([], 100.0),
        (EVENLY, 0.0),
        (EVENLY[8:], 2500.0),
        (EVENLY[:8] + EVENLY[14:], 2500.0),
        (EVENLY[:15], 2500.0),
    ],
)
def test_a_session_of_which_too_little_was_seen_is_no_measure(
    points: list[tuple[float, float]], total: float
) -> None:
    assert row_of(points, total) is None


def test_the_usual_share_is_the_mean_of_the_sessions_between_the_marks_too() -> None:
    slow = array("f", [part / PARTS / 2 for part in range(1, PARTS + 1)])
    fast = array("f", [min(part / PARTS * 2, 1.0) for part in range(1, PARTS + 1)])
    assert usual_share([slow, fast] * 3, 0.25) == pytest.approx((0.125 + 0.5) / 2)
    assert usual_share([slow] * 5, 0.51) == pytest.approx(0.255)


def test_a_few_sessions_are_no_measure_and_nothing_is_usual_before_the_open() -> None:
    row = array("f", [1.0] * PARTS)
    assert usual_share([row] * (LEAST_SESSIONS - 1), 0.5) is None
    assert usual_share([row] * LEAST_SESSIONS, 0.5) == 1.0
    assert usual_share([row] * LEAST_SESSIONS, 0.0) is None


@given(st.lists(st.floats(0.0, 1000.0), min_size=PARTS, max_size=PARTS), st.floats(0.01, 1.0))
def test_more_is_usual_the_later_it_is(traded: list[float], share: float) -> None:
    sums = [sum(traded[: part + 1]) + part + 1 for part in range(PARTS)]
    row = row_of([((part + 1) / PARTS, each) for part, each in enumerate(sums)], sums[-1] * 1.1)
    assert row is not None
    profile = [row] * LEAST_SESSIONS
    earlier, later = usual_share(profile, share / 2), usual_share(profile, share)
    assert earlier is not None
    assert later is not None
    assert 0 < earlier <= later <= 1
