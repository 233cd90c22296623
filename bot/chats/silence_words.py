"""What a person writes to set a chat's silence: hours, times of day, how long a mute lasts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.errors import UsageError

OFF = frozenset({"off", "none", "never"})
"""The words that take a setting away."""

MOST_TIMES = 6
"""How many digests a day may have."""

_TIME = re.compile(r"(\d{1,2})(?:[:.](\d\d))?")
_DURATION = re.compile(r"(\d{1,6})(m|min|h|d|w)")
_UNITS = {"m": 1, "min": 1, "h": 60, "d": 24 * 60, "w": 7 * 24 * 60}
# What a mute holds is told when it ends, and no alert is kept for longer than thirty days.
_LONGEST_MINUTES = 28 * 24 * 60
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class MuteMeant:
    """What is to be muted, as it was called, and until when: machine milliseconds, None for no end."""

    name: str
    until: int | None


def hours_meant(text: str) -> tuple[time, time]:
    """Read quiet hours such as 23:00-07:00; `UsageError` with an example for anything else."""
    begins, dash, ends = re.sub(r"\s*(?:[-–—]|\bto\b)\s*", "-", text.strip()).partition("-")
    first, second = _time(begins), _time(ends)
    if not dash or first is None or second is None:
        raise UsageError(f"“{text[:40]}” are no quiet hours: write /quiet 23:00-07:00, or /quiet off.")
    if first == second:
        raise UsageError(
            f"Quiet hours from {begins} to {ends} have no length: write /quiet 23:00-07:00, or /quiet off."
        )
    return first, second


def times_meant(words: Sequence[str]) -> tuple[time, ...]:
    """Read the times of digests such as 09:00 16:30; `UsageError` with an example for anything else."""
    times: set[time] = set()
    for word in words:
        found = _time(word.strip(",;"))
        if found is None:
            raise UsageError(f"“{word[:40]}” is no time of day: write /digest 09:00 16:30, or /digest off.")
        times.add(found)
    return tuple(sorted(times))


def mute_meant(words: Sequence[str], now: int, zone: str) -> MuteMeant:
    """Read what to mute and for how long: HSTECH 2h, HSTECH until 2026-12-01, or HSTECH alone.

    A day that is named ends the mute as it begins in `zone`. `UsageError` with an example for what is no
    length of time, for what is over, and for more than 28 days.
    """
    *name, last = words
    if name and name[-1].casefold() == "until":
        return MuteMeant(_name(name[:-1]), _day_begins(last, now, zone))
    found = _DURATION.fullmatch(last.casefold())
    if found is None:
        return MuteMeant(_name(words), None)
    minutes = int(found[1]) * _UNITS[found[2]]
    if not 0 < minutes <= _LONGEST_MINUTES:
        raise UsageError(
            f"A mute lasts from 1m to 28d, which “{last}” does not: leave it out to mute until /unmute."
        )
    return MuteMeant(_name(name), now + minutes * _MINUTE_MS)


def _name(words: Sequence[str]) -> str:
    if not words:
        raise UsageError("Name what to mute: write /mute HSTECH 2h, or /mute buyback.")
    return " ".join(words)


def _day_begins(word: str, now: int, zone: str) -> int:
    try:
        day = date.fromisoformat(word)
        begins = datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"“{word[:40]}” is no day: write /mute HSTECH until 2026-12-01, or a length such as 2h or 3d."
        ) from error
    today = datetime.fromtimestamp(now / 1000, UTC)
    if begins <= today:
        raise UsageError(f"{word} has begun already: write a later day, or a length such as 2h.")
    if begins - today > timedelta(minutes=_LONGEST_MINUTES):
        raise UsageError(f"{word} is more than 28 days ahead: leave it out to mute until /unmute.")
    return round(begins.timestamp() * 1000)


def _time(text: str) -> time | None:
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    try:
        return time(int(found[1]), int(found[2] or 0))
    except ValueError:
        return None
