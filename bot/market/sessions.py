"""The regular hours of three markets: for recorded bars, which carry dates only, and without a schedule.

Half days, late openings and holidays are not in it: what has a `Schedule` asks that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from bot.market.instrument import Market
from bot.market.schedule import SessionHours

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Hours:
    """A market's regular day in its own zone.

    `stretches` are the spans of continuous trading; `settled` is when the official close is known, after
    the closing auction.
    """

    zone: ZoneInfo
    zone_name: str
    stretches: tuple[tuple[time, time], ...]
    settled: time

    @property
    def opens(self) -> time:
        """The start of continuous trading."""
        return self.stretches[0][0]

    @property
    def closes(self) -> time:
        """The end of continuous trading."""
        return self.stretches[-1][1]


_NEW_YORK = Hours(ZoneInfo("America/New_York"), "New York", ((time(9, 30), time(16)),), time(16))

HOURS: Mapping[Market, Hours] = MappingProxyType(
    {
        "HK": Hours(
            ZoneInfo("Asia/Hong_Kong"),
            "HKT",
            ((time(9, 30), time(12)), (time(13), time(16))),
            time(16, 10),
        ),
        "CN": Hours(
            ZoneInfo("Asia/Shanghai"),
            "Shanghai",
            ((time(9, 30), time(11, 30)), (time(13), time(15))),
            time(15),
        ),
        "US": _NEW_YORK,
        "other": _NEW_YORK,
    }
)


def session_of(market: Market, moment: datetime) -> date:
    """Return the session date that `moment` falls on, counted in the exchange's zone."""
    return moment.astimezone(HOURS[market].zone).date()


def regular_hours(market: Market, session: date) -> SessionHours:
    """Return the hours of `session` if it was a day like any other."""
    hours = HOURS[market]
    starts, ends = (
        tuple(datetime.combine(session, each, hours.zone).astimezone(UTC) for each in clocks)
        for clocks in zip(*hours.stretches, strict=True)
    )
    breaks = tuple(zip(ends[:-1], starts[1:], strict=True))
    return SessionHours(session, starts[0], breaks, ends[-1], settlement(market, session))


def opening(market: Market, session: date) -> datetime:
    """Return the moment in UTC at which continuous trading of `session` starts."""
    hours = HOURS[market]
    return datetime.combine(session, hours.opens, hours.zone).astimezone(UTC)


def settlement(market: Market, session: date) -> datetime:
    """Return the moment in UTC at which the official close of `session` is known."""
    hours = HOURS[market]
    return datetime.combine(session, hours.settled, hours.zone).astimezone(UTC)


def trading_moments(market: Market, session: date, step: timedelta) -> tuple[datetime, ...]:
    """Return the moments in UTC, `step` apart, at which continuous trading of `session` can be looked at."""
    return regular_hours(market, session).trading_moments(step)


def first_weekday(day: date) -> date:
    """Return `day`, or the Monday after it if it falls on a weekend."""
    while day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
    return day
