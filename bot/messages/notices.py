"""What Marketbell says of itself: which exchanges it has ceased to see, or sees again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from bot.alerts.alert import Alert, Notice
from bot.messages.words import and_so_on, clock, day, joined, near_day, sentence

_EXCHANGES: Mapping[str, str] = MappingProxyType(
    {
        "XHKG": "Hong Kong",
        "XSHG": "Shanghai",
        "XSHE": "Shenzhen",
        "XNYS": "New York",
        "XNAS": "Nasdaq",
        "XLON": "London",
        "XTKS": "Tokyo",
        "XTAI": "Taipei",
        "XSES": "Singapore",
        "XKRX": "Seoul",
    }
)
_NAMED = 4


def exchange_name(mic: str) -> str:
    """Return what messages call an exchange: its city where it is well known, its code otherwise."""
    return _EXCHANGES.get(mic, mic)


def notice_headings(alerts: Sequence[Alert], notices: Sequence[Notice]) -> Iterator[str]:
    """Give the heading of notices of one kind, then shorter ones."""
    where = joined([exchange_name(each.exchange) for each in notices])
    first = notices[0]
    if first.event == "blind":
        began = min(notices, key=lambda each: each.since)
        yield f"Blind: no new price from {where} since {_moment(began.since, began, first.since)}"
        yield f"Blind: no new price from {where}"
        yield f"Blind: no new prices from {len(notices)} exchanges"
        return
    at = min(alerts, key=lambda each: each.at).at
    yield f"{where}: prices come in again, from {_moment(at, first, at)}"
    yield f"{where}: prices come in again"
    yield f"Prices of {len(notices)} exchanges come in again"


def notice_lines(alerts: Sequence[Alert], notices: Sequence[Notice]) -> Iterator[str]:
    """Give what stands below the heading."""
    for alert, notice in zip(alerts, notices, strict=True):
        yield from _blind(notice) if notice.event == "blind" else _again(alert, notice)
    first = notices[0]
    if first.event == "blind":
        why = next((each.why for each in notices if each.why), "")
        if why:
            yield f"{first.source}: {why}" if first.source not in why else sentence(why)
        yield "Until prices come in again nothing can be told of them; you will hear once when they do"
    else:
        yield "A level that the present session touched meanwhile is still told, by the session's high or low"


def _blind(notice: Notice) -> Iterator[str]:
    name = exchange_name(notice.exchange)
    late = f", and {notice.source} is {notice.delay} min behind as a rule" if notice.delay else ""
    yield f"{name}: {notice.minutes:.0f} minutes of trading without a new price{late}"
    yield f"Watched there: {and_so_on(notice.watched, _NAMED)}"
    if notice.weather:
        yield f"{name} may also be closed for the weather: then it has no prices to see"


def _again(alert: Alert, notice: Notice) -> Iterator[str]:
    name = exchange_name(notice.exchange)
    span = f"{_moment(notice.since, notice, alert.at)} to {_moment(alert.at, notice, alert.at)}"
    yield f"{name}, not seen: {span}, {notice.minutes:.0f} minutes of trading"
    if notice.missed:
        days = joined([near_day(each, alert.at.date()) for each in notice.missed])
        yield f"Missed whole: {days}. What was crossed then is on record and is not told late"


def _moment(moment: datetime, notice: Notice, now: datetime) -> str:
    zone = ZoneInfo(notice.zone)
    name = "HKT" if notice.exchange == "XHKG" else None
    local, present = moment.astimezone(zone), now.astimezone(zone)
    at = clock(moment, zone, name)
    return at if local.date() == present.date() else f"{at} on {day(local.date())}"
