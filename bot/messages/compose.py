"""One message of one alert, or of several that reach a chat together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from zoneinfo import ZoneInfo

from bot.alerts.alert import Alert, Condition, Flood, Move, News, Notice
from bot.alerts.floods import is_flooded
from bot.messages.blocks import Line, Message, line, strong
from bot.messages.conditions import (
    condition_headings,
    condition_lines,
    condition_provenance,
    conditions_heading,
    listed_condition,
)
from bot.messages.floods import flood_headings, flood_lines, flooded_headings
from bot.messages.folded import folded_headings, folded_lines, in_order, latest
from bot.messages.moves import details, headings
from bot.messages.notices import notice_headings, notice_lines
from bot.messages.provenance import provenance
from bot.messages.stories import listed_story, story_heading, story_lines
from bot.messages.words import LONGEST_HEADING, cut, day, fitting, one_line


def compose(alerts: Sequence[Alert], zone: ZoneInfo | None = None) -> Message:
    """Return the message of one or more alerts, for a chat whose zone may be known.

    Alerts that climbed one ladder are told as its last. Where nothing is live, the heading says so. It makes
    no sound where every rule in it is quiet.
    """
    told = latest(alerts)
    replayed = next((each for each in told if each.replay_of is not None), None)
    prefix = "" if replayed is None else f"Replay of {day(_session(replayed, zone))}: "
    room = LONGEST_HEADING - len(prefix)
    alone = _alone(told[0], room, zone) if len(told) == 1 else _together(told, room, zone)
    quiet = all(each.urgency == "quiet" for each in told)
    return Message(strong(f"{prefix}{alone.heading}"), alone.lines, alone.small, quiet=quiet)


@dataclass(frozen=True, slots=True)
class _Told:
    """A message before its heading is headed."""

    heading: str
    lines: tuple[Line, ...]
    small: Line | None = None


def _alone(alert: Alert, room: int, zone: ZoneInfo | None) -> _Told:
    """Return the message of one alert."""
    match alert.facts:
        case Move() as move:
            lines = (*map(line, details(alert, move)), *_noted((alert,)))
            return _Told(fitting(headings(move), room), lines, line(provenance((move,), zone)))
        case Condition() as condition:
            lines = (*map(line, condition_lines(alert, condition)), *_noted((alert,)))
            small = line(condition_provenance((condition,), zone))
            return _Told(fitting(condition_headings(condition), room), lines, small)
        case News(story=story):
            heading = story_heading(story, room)
            return _Told(heading, story_lines(story, heading, zone))
        case Notice() as notice:
            heading = fitting(notice_headings((alert,), (notice,)), room)
            return _Told(heading, tuple(map(line, notice_lines((alert,), (notice,)))))
        case Flood() as flood:
            lines = tuple(map(line, flood_lines(flood, alert.at, zone)))
            return _Told(fitting(flood_headings(flood), room), lines)


def _together(told: Sequence[Alert], room: int, zone: ZoneInfo | None) -> _Told:
    """Return the message of several alerts."""
    notices = [each.facts for each in told if isinstance(each.facts, Notice)]
    if len(notices) == len(told):
        heading = fitting(notice_headings(told, notices), room)
        return _Told(heading, tuple(map(line, notice_lines(told, notices))))
    ordered = in_order([each.facts for each in told if isinstance(each.facts, Move)])
    gates = [(each, each.facts) for each in told if isinstance(each.facts, Condition)]
    late = frozenset(
        each.facts.crossing.fingerprint
        for each in told
        if isinstance(each.facts, Move) and each.reason == "seen late"
    )
    lines = tuple(map(line, folded_lines(ordered, late))) if ordered else ()
    lines = (*lines, *(line(listed_condition(*each)) for each in gates))
    lines = (*lines, *(listed_story(each.facts.story, zone) for each in told if isinstance(each.facts, News)))
    conditions = [each for _, each in gates]
    small = None
    if ordered:
        small = line(provenance(ordered, zone))
    elif conditions:
        small = line(condition_provenance(conditions, zone))
    heading = fitting(_headings(told, ordered, conditions, room), room)
    return _Told(heading, (*lines, *_noted(told)), small)


def _noted(told: Sequence[Alert]) -> tuple[Line, ...]:
    """Echo what the rules add to their messages, each note once."""
    return tuple(
        line(f"Note: {each}") for each in dict.fromkeys(one_line(each.note) for each in told) if each
    )


def _headings(
    told: Sequence[Alert], ordered: Sequence[Move], conditions: Sequence[Condition], room: int
) -> Iterable[str]:
    one_fold = len({(each.market, each.crossing.session, each.crossing.direction) for each in ordered}) == 1
    if all(is_flooded(each) for each in told):
        yield from flooded_headings(told)
        return
    if one_fold and len(ordered) == len(told):
        yield from folded_headings(ordered)
        return
    if conditions and len(conditions) == len(told):
        yield conditions_heading(conditions, room)
        return
    count = f"{len(told)} alerts: "
    if ordered:
        yield from (f"{count}{each}" for each in headings(ordered[0]))
        yield cut(f"{count}{ordered[0].short}", room)
    elif conditions:
        yield from (f"{count}{each}" for each in condition_headings(conditions[0]))
        yield cut(f"{count}{conditions[0].short}", room)
    else:
        stories = [each.facts.story for each in told if isinstance(each.facts, News)]
        count = f"{len(told)} {'stories' if len(stories) == len(told) else 'alerts'}: "
        yield f"{count}{story_heading(stories[0], room - len(count) - 1)}" if stories else count.rstrip(": ")


def _session(alert: Alert, zone: ZoneInfo | None) -> date:
    match alert.facts:
        case Move(crossing=crossing):
            return crossing.session
        case Condition(met=met):
            return met.session
    return alert.at.astimezone(zone or UTC).date()
