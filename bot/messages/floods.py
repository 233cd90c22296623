"""What is said of a rule that told more than a chat can read, and of the one message that holds the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.alerts.alert import Alert, Condition, Flood, Move
from bot.messages.folded import in_order
from bot.messages.provenance import exchange_clock, place_of
from bot.messages.words import MARKET_NAMES, and_so_on, cut, day, joined

_NAMED = 6
_LONGEST_NAME = 30


def flood_headings(flood: Flood) -> Iterator[str]:
    """Give the heading of the word to a rule's owner, then shorter ones."""
    name = _quoted(flood.condition) if flood.own and flood.condition else flood.rule
    told = f"{name} told {flood.messages} messages in {flood.minutes} minutes"
    yield f"{told}; the rest is one message"
    yield told


def flood_lines(flood: Flood, at: datetime, zone: ZoneInfo | None) -> Iterator[str]:
    """Give what stands below: where they came from, what became of the rest, and how to calm the rule."""
    where = joined([MARKET_NAMES[each] for each in flood.markets])
    place = place_of(flood.markets[0])
    since, until = exchange_clock(flood.since, place, zone), exchange_clock(at, place, zone)
    span = f"at {until}" if since == until else f"from {since} to {until}"
    session = day(at.astimezone(place.zone).date())
    yield f"{where}, {span}, {session}: {and_so_on(flood.shorts, _NAMED)}"
    yield (
        f"Nothing is left out: until it has been quiet for {flood.minutes} minutes, all that it tells joins "
        "one message, which grows"
    )
    yield f"To calm it: {'; or '.join(_remedies(flood))}"
    if flood.condition:
        yield f"It reads: {flood.condition}"


def flooded_headings(told: Sequence[Alert]) -> Iterator[str]:
    """Give the heading of the message that all the rest joins, then shorter ones."""
    rule = next((name for name in map(_rule, told) if name), "")
    moves = in_order([each.facts for each in told if isinstance(each.facts, Move)])
    gates = [each.facts.short for each in told if isinstance(each.facts, Condition)]
    names = list(dict.fromkeys((*(each.short for each in moves), *gates)))
    for most in range(min(len(names), _NAMED), 0, -1):
        yield f"{rule}, {len(told)} more: {and_so_on(names, most)}"
    yield f"{rule}, {len(told)} more"


def _rule(alert: Alert) -> str:
    """Call a rule by its name, or by what it reads where a chat made it for itself."""
    if alert.condition and not any(each.startswith("rule:") for each in alert.topics):
        return _quoted(alert.condition)
    match alert.facts:
        case Move(crossing=crossing):
            return crossing.rule
        case Condition(met=met):
            return met.rule
    return ""


def _quoted(condition: str) -> str:
    return f"“{cut(condition, _LONGEST_NAME)}”"


def _remedies(flood: Flood) -> Iterator[str]:
    """Give what would make the rule ring less, the gentlest first, as it would be written."""
    many = len(flood.shorts) > 1
    if many and not flood.own and not flood.together:
        yield "write together: true beside it, which makes one message a market and direction"
    if flood.stepped:
        yield "±auto in place of its steps, which follow what each instrument is used to"
        yield "a higher first step"
    else:
        yield "a threshold further away"
    if not many or flood.own:
        yield "once a session behind it"
    if flood.own:
        yield "fewer instruments" if many else "quiet behind it, which makes no sound"
