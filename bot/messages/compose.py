"""One message of one alert, or of several that reach a chat together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from zoneinfo import ZoneInfo

from bot.alerts.alert import Alert, Condition, Flood, Move, News, Notice, Sequel, Upkeep
from bot.alerts.decisions import moves_of, stands_out
from bot.alerts.floods import is_flooded
from bot.messages.aftermath import (
    Aftermath,
    as_it_stands,
    closed_headings,
    fallen_back,
    parted,
    sequel_heading,
)
from bot.messages.blocks import Line, Message, Strong, Words, line, strong
from bot.messages.conditions import (
    condition_headings,
    condition_lines,
    condition_provenance,
    conditions_heading,
    listed_condition,
)
from bot.messages.floods import flooded_headings
from bot.messages.folded import folded_headings, folded_lines, in_order, latest
from bot.messages.itself import itself_headings, itself_lines
from bot.messages.moves import details, headings
from bot.messages.notices import notice_headings, notice_lines
from bot.messages.provenance import provenance
from bot.messages.stories import listed_story, story_heading, story_lines
from bot.messages.words import LONGEST_HEADING, cut, day, fitting, one_line, sentence


def compose(alerts: Sequence[Alert], zone: ZoneInfo | None = None) -> Message:
    """Return the message of one or more alerts, for a chat whose zone may be known.

    Alerts that climbed one ladder are told as its last, and with what became of it since. Where nothing is
    live, the heading says so. It makes no sound where every rule in it is quiet.
    """
    of_moves, sequels = parted(alerts)
    told, became = as_it_stands(latest(of_moves or alerts), sequels)
    replayed = next((each for each in told if each.replay_of is not None), None)
    prefix = "" if replayed is None else f"Replay of {day(_session(replayed, zone))}: "
    room = LONGEST_HEADING - len(prefix)
    alone = _alone(told[0], became, room, zone) if len(told) == 1 else _together(told, became, room, zone)
    quiet = all(each.urgency == "quiet" for each in told)
    return Message(strong(f"{prefix}{alone.heading}"), alone.lines, alone.small, quiet=quiet)


@dataclass(frozen=True, slots=True)
class _Told:
    """A message before its heading is headed."""

    heading: str
    lines: tuple[Line, ...]
    small: Line | None = None


def _alone(alert: Alert, became: Aftermath, room: int, zone: ZoneInfo | None) -> _Told:
    """Return the message of one alert."""
    match alert.facts:
        case Move() as move:
            since = became.retreat(move)
            retreat = "" if since is None else sentence(fallen_back(move, since, zone))
            lines = (*map(line, details(alert, move, retreat)), *_noted((alert,)))
            started = headings(move, past=since is not None)
            heading = fitting(closed_headings(move) if became.has_closed(move) else started, room)
            return _Told(heading, lines, line(provenance((move,), zone)))
        case Condition() as condition:
            lines = (*map(line, condition_lines(alert, condition)), *_noted((alert,)))
            small = line(condition_provenance((condition,), zone))
            return _Told(fitting(condition_headings(condition), room), lines, small)
        case News(story=story):
            heading = story_heading(story, room)
            return _Told(heading, story_lines(story, heading, zone))
        case Notice() | Upkeep() | Flood() as said:
            heading = fitting(itself_headings(alert, said, zone), room)
            return _Told(heading, tuple(map(line, itself_lines(alert, said, zone))))
        case Sequel() as sequel:
            return _Told(cut(sequel_heading(sequel), room), ())


def _together(told: Sequence[Alert], became: Aftermath, room: int, zone: ZoneInfo | None) -> _Told:
    """Return the message of several alerts."""
    notices = [each.facts for each in told if isinstance(each.facts, Notice)]
    if len(notices) == len(told):
        heading = fitting(notice_headings(told, notices), room)
        return _Told(heading, tuple(map(line, notice_lines(told, notices))))
    ordered = in_order(moves_of(told), became)
    gates = [(each, each.facts) for each in told if isinstance(each.facts, Condition)]
    late = frozenset(
        each.facts.crossing.fingerprint
        for each in told
        if isinstance(each.facts, Move) and each.reason == "seen late"
    )
    lines = _moves(ordered, late, became, zone) if ordered else ()
    of = Counter((each.met.rule, each.met.symbol) for _, each in gates)
    lines = (
        *lines,
        *(
            line(listed_condition(alert, gate, zone, timed=of[gate.met.rule, gate.met.symbol] > 1))
            for alert, gate in gates
        ),
    )
    lines = (*lines, *(listed_story(each.facts.story, zone) for each in told if isinstance(each.facts, News)))
    conditions = [each for _, each in gates]
    small = None
    if ordered:
        small = line(provenance(ordered, zone))
    elif conditions:
        small = line(condition_provenance(conditions, zone))
    heading = fitting(_headings(told, ordered, conditions, became, room), room)
    return _Told(heading, (*lines, *_noted(told)), small)


def _moves(
    ordered: Sequence[Move], late: frozenset[str], became: Aftermath, zone: ZoneInfo | None
) -> tuple[Line, ...]:
    """Give the lines of several moves; a name that went twice as far as its index stands out."""
    lines = list(map(line, folded_lines(ordered, late, became, zone)))
    for at, move in enumerate(ordered):
        if stands_out(move, ordered):
            (words,) = lines[at].spans
            lines[at] = Line((Strong(move.short), Words(words.text.removeprefix(move.short))))
    return tuple(lines)


def _noted(told: Sequence[Alert]) -> tuple[Line, ...]:
    """Echo what the rules add to their messages, each note once."""
    return tuple(
        line(f"Note: {each}") for each in dict.fromkeys(one_line(each.note) for each in told) if each
    )


def _headings(
    told: Sequence[Alert],
    ordered: Sequence[Move],
    conditions: Sequence[Condition],
    became: Aftermath,
    room: int,
) -> Iterable[str]:
    one_fold = len({(each.market, each.crossing.session, each.crossing.direction) for each in ordered}) == 1
    if all(is_flooded(each) for each in told):
        yield from flooded_headings(told)
        return
    if one_fold and len(ordered) == len(told):
        yield from folded_headings(ordered, became)
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
