"""What was too old to be told when delivery came back: one line, so that nothing is dropped silently."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from bot.alerts.alert import Alert, Move, Sequel
from bot.messages.blocks import Message, strong
from bot.messages.folded import in_order, latest
from bot.messages.held import name_of
from bot.messages.words import and_so_on, clock, cut, fitting, near_day, percent

# Slack's longest heading; on a lock screen its beginning is seen.
_LONGEST = 150


def compose_missed(alerts: Sequence[Alert], zone: ZoneInfo | None = None) -> Message:
    """Return the one line of alerts that were missed: how many, of when, and the names that fit."""
    told = [each for each in alerts if not isinstance(each.facts, Sequel)] or list(alerts)
    count = f"{len(told)} {'alert' if len(told) == 1 else 'alerts'}"
    start = f"Missed while delivery was down: {count}, {_span(told, zone or ZoneInfo('UTC'))}"
    names = list(dict.fromkeys(_named(told)))
    shorter = [f"{start}: {and_so_on(names, most)}" for most in range(len(names), 0, -1)]
    return Message(strong(fitting((*shorter, cut(shorter[-1], _LONGEST)), _LONGEST)))


def _span(alerts: Sequence[Alert], zone: ZoneInfo) -> str:
    """Write from when to when they happened, on whose clocks."""
    moments = sorted(each.at.astimezone(zone) for each in alerts)
    first, last = moments[0], moments[-1]
    began = f"{near_day(first.date(), last.date())} {first:%H:%M}"
    if (first.date(), f"{first:%H:%M}") == (last.date(), f"{last:%H:%M}"):
        return f"{began} {clock(last, zone).partition(' ')[2]}"
    day = "" if first.date() == last.date() else f"{near_day(last.date(), last.date())} "
    return f"{began} to {day}{clock(last, zone)}"


def _named(alerts: Sequence[Alert]) -> Iterator[str]:
    """Give the movers of a day with how far they went, then everything else by its name, each once."""
    told = latest(alerts)
    moves = in_order([each.facts for each in told if isinstance(each.facts, Move)])
    furthest: dict[str, Move] = {}
    for each in moves:
        if each.crossing.measure == "day change":
            furthest.setdefault(each.short, each)
    yield from (f"{short} {percent(each.crossing.value)}" for short, each in furthest.items())
    yield from (name for name in map(name_of, told) if name not in furthest)
