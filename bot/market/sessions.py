"""Exchanges' zones and hours: which session a moment belongs to, and whether it is open.

A table of the regular hours of three markets; holidays are known only by the absence of bars.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

from bot.market.instrument import Market

Phase = Literal["before", "open", "break", "auction", "after", "closed"]

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


def phase_at(market: Market, moment: datetime) -> Phase:
    """Tell what the market's regular day is doing at `moment`; holidays are not known here."""
    hours = HOURS[market]
    local = moment.astimezone(hours.zone)
    if local.weekday() >= _SATURDAY:
        return "closed"
    clock = local.time()
    if clock < hours.opens:
        return "before"
    if any(start <= clock < end for start, end in hours.stretches):
        return "open"
    if clock < hours.closes:
        return "break"
    return "auction" if clock < hours.settled else "after"


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
    hours = HOURS[market]
    moments: list[datetime] = []
    for start, end in hours.stretches:
        moment = datetime.combine(session, start, hours.zone)
        while moment.time() < end:
            moments.append(moment.astimezone(UTC))
            moment += step
    return tuple(moments)


def first_weekday(day: date) -> date:
    """Return `day`, or the Monday after it if it falls on a weekend."""
    while day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
    return day
