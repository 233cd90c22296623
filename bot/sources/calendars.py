"""The exchanges' calendars, from the library that keeps them and our list of what it misses.

The library knows each day's opening, break and close. The auctions around them are ours to add, and so are
the days on which an exchange did something else; `calendar_overrides.csv` lists those.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from bot.errors import DataError, UsageError
from bot.market.schedule import Closure, Exchange, Schedule, SessionHours

OVERRIDES = Path(str(files("bot.sources").joinpath("calendar_overrides.csv")))

_HEADING = ["exchange", "date", "opens", "closes", "settled", "why", "note"]
_NONE = timedelta()
# The library refuses a span without a session, and the longest closure is shorter than this.
_MARGIN = timedelta(days=20)
# Exchanges that keep another one's days and hours.
_KEPT_AS: Mapping[str, str] = MappingProxyType({"XSHE": "XSHG", "XNAS": "XNYS", "ARCX": "XNYS"})


@dataclass(frozen=True, slots=True)
class _Auctions:
    """How long before the opening the first price is made, and how long the closing auction lasts.

    The library takes some closing auctions for trading: then the auction lies `within` its hours.
    """

    opening: timedelta = _NONE
    closing: timedelta = _NONE
    within: bool = False


_FIVE_AFTER = _Auctions(closing=timedelta(minutes=5))
_AUCTIONS: Mapping[str, _Auctions] = MappingProxyType(
    {
        # It ends at random from 16:08 to 16:10.
        "XHKG": _Auctions(opening=timedelta(minutes=10), closing=timedelta(minutes=10)),
        "XSHG": _Auctions(opening=timedelta(minutes=5), closing=timedelta(minutes=3), within=True),
        "XLON": _FIVE_AFTER,
        "XETR": _FIVE_AFTER,
        "XPAR": _FIVE_AFTER,
        "XAMS": _FIVE_AFTER,
    }
)


@dataclass(frozen=True, slots=True)
class _Override:
    """What an exchange did on one day, in its own time; without hours it was shut."""

    day: date
    hours: tuple[time, time, time] | None
    why: str
    note: str


def load_schedule(mics: Iterable[str], first: date, last: date, *, more: Path | None = None) -> Schedule:
    """Load the sessions of exchanges from `first` to `last`, as far as the library knows them.

    Our list of overrides comes after the library, and that of `more`, written in the same way, after ours. An
    exchange that the library does not know is left out. It takes a second or two and loads pandas: call it
    from a thread. Raises `DataError`, naming file and line, for an override that cannot be read.
    """
    if first > last:
        raise UsageError(f"The schedule would end before it begins: {first} is after {last}.")
    overrides = _read(OVERRIDES)
    for exchange, days in (_read(more) if more else {}).items():
        overrides.setdefault(exchange, {}).update(days)
    asked = {mic: _KEPT_AS.get(mic, mic) for mic in mics}
    loaded = {name: _load(name, first, last, overrides.get(name, {})) for name in set(asked.values())}
    return Schedule({mic: held for mic, name in asked.items() if (held := loaded[name]) is not None})


def _load(name: str, first: date, last: date, overrides: Mapping[date, _Override]) -> Exchange | None:
    from exchange_calendars import get_calendar, get_calendar_names  # noqa: PLC0415 - loads pandas

    if name not in get_calendar_names():
        return None
    start, end = first - _MARGIN, last + _MARGIN
    try:
        calendar = get_calendar(name, start=start, end=end)
    except ValueError:
        # Some calendars are known for certain years only, and only a calendar can say for which.
        bounds = get_calendar(name)
        start = max(start, _date(bounds.bound_min(), start))
        end = min(end, _date(bounds.bound_max(), end))
        calendar = get_calendar(name, start=start, end=end) if start < end else bounds
    first, last = max(first, start), min(last, end)
    held = {each.session: each for each in _sessions(calendar, _AUCTIONS.get(name, _Auctions()))}
    closures: list[Closure] = []
    for day, override in overrides.items():
        if override.hours is None:
            held.pop(day, None)
            closures.append(Closure(day, override.why, override.note))
        else:
            opens, closes, settled = (_utc(day, each, calendar.tz) for each in override.hours)
            held[day] = _held(held.get(day), SessionHours(day, opens, (), closes, settled, override.note))
    return Exchange(
        calendar.tz.key,
        first,
        last,
        tuple(held[day] for day in sorted(held) if first <= day <= last),
        tuple(each for each in closures if first <= each.day <= last),
    )


def _sessions(calendar: Any, auctions: _Auctions) -> Iterator[SessionHours]:
    for session, opens, pause, resumes, ends in calendar.schedule.itertuples(name=None):
        opened, ended = _moment(opens), _moment(ends)
        closed = ended - auctions.closing if auctions.within else ended
        yield SessionHours(
            session.date(),
            opened,
            # Not a time is the only thing that does not equal itself.
            ((_moment(pause), _moment(resumes)),) if pause == pause else (),  # noqa: PLR0124
            closed,
            closed + auctions.closing,
            priced=opened - auctions.opening if auctions.opening else None,
        )


def _held(usual: SessionHours | None, session: SessionHours) -> SessionHours:
    """Keep what an unusual day left of the usual one: breaks, and the auction before an opening in time."""
    if usual is None:
        return session
    breaks = tuple(each for each in usual.breaks if session.opens < each[0] and each[1] < session.closes)
    return replace(session, breaks=breaks, priced=usual.priced if usual.opens == session.opens else None)


def _utc(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC)


def _moment(stamp: Any) -> datetime:
    moment: datetime = stamp.to_pydatetime()
    return moment.astimezone(UTC)


def _date(stamp: Any, otherwise: date) -> date:
    found: date = otherwise if stamp is None else stamp.date()
    return found


def _read(file: Path) -> dict[str, dict[date, _Override]]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file} cannot be read as a list of overrides: {error}.") from error
    found: dict[str, dict[date, _Override]] = {}
    rows = csv.DictReader(lines, restkey="")
    if rows.fieldnames != _HEADING:
        raise DataError(f"{file.name}, line 1: the heading is not {','.join(_HEADING)}.")
    for row in rows:
        place = f"{file.name}, line {rows.line_num}"
        override = _override(row, place)
        days = found.setdefault(_KEPT_AS.get(row["exchange"], row["exchange"]), {})
        if override.day in days:
            raise DataError(f"{place}: {override.day} is there already.")
        days[override.day] = override
    return found


def _override(row: Mapping[str, str], place: str) -> _Override:
    if "" in row or None in row.values():
        raise DataError(f"{place}: the row has another number of cells than the heading.")
    try:
        day = date.fromisoformat(row["date"])
        hours = [time.fromisoformat(row[name]) for name in ("opens", "closes", "settled") if row[name]]
    except ValueError as error:
        raise DataError(f"{place}: write the date as 2026-02-17 and times as 09:30. {error}.") from error
    match hours:
        case []:
            if not row["why"]:
                raise DataError(f"{place}: say why the exchange is shut, as in storm, or when it trades.")
            return _Override(day, None, row["why"], row["note"])
        case [opens, closes, settled] if opens < closes <= settled:
            return _Override(day, (opens, closes, settled), row["why"], row["note"])
    raise DataError(
        f"{place}: give opens, closes and settled in this order, or none of them where it is shut."
    )
