"""One message of one alert, or of several that reach a chat together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date
from zoneinfo import ZoneInfo

from bot.alerts.alert import Alert, Move, News, Notice
from bot.messages.blocks import Line, Message, line, strong
from bot.messages.folded import folded_headings, folded_lines, in_order, latest
from bot.messages.moves import details, headings
from bot.messages.notices import notice_headings, notice_lines
from bot.messages.provenance import provenance
from bot.messages.stories import listed_story, story_heading, story_lines
from bot.messages.words import LONGEST_HEADING, cut, day, fitting


def compose(alerts: Sequence[Alert], zone: ZoneInfo | None = None) -> Message:
    """Return the message of one or more alerts, for a chat whose zone may be known.

    Alerts that climbed one ladder are told as its last. Where nothing is live, the heading says so.
    """
    told = latest(alerts)
    replayed = next((each for each in told if each.replay_of is not None), None)
    prefix = "" if replayed is None else f"Replay of {day(_session(replayed, zone))}: "
    room = LONGEST_HEADING - len(prefix)
    match told:
        case (Alert(facts=Move() as move) as alert,):
            heading = fitting(headings(move), room)
            lines = tuple(line(each) for each in details(alert, move))
            return _message(prefix, heading, lines, line(provenance((move,), zone)))
        case (Alert(facts=News() as news),):
            heading = story_heading(news.story, room)
            return _message(prefix, heading, story_lines(news.story, heading, zone), None)
    notices = [each.facts for each in told if isinstance(each.facts, Notice)]
    if len(notices) == len(told):
        heading = fitting(notice_headings(told, notices), room)
        return _message(prefix, heading, tuple(line(each) for each in notice_lines(told, notices)), None)
    moves = [each.facts for each in told if isinstance(each.facts, Move)]
    stories = [each.facts.story for each in told if isinstance(each.facts, News)]
    late = frozenset(
        each.facts.crossing.fingerprint
        for each in told
        if isinstance(each.facts, Move) and each.reason == "seen late"
    )
    ordered = in_order(moves)
    lines = tuple(line(each) for each in folded_lines(ordered, late)) if ordered else ()
    lines = (*lines, *(listed_story(each, zone) for each in stories))
    small = line(provenance(ordered, zone)) if ordered else None
    heading = fitting(_headings(told, ordered, room), room)
    return _message(prefix, heading, lines, small)


def _message(prefix: str, heading: str, lines: tuple[Line, ...], small: Line | None) -> Message:
    return Message(strong(f"{prefix}{heading}"), lines, small)


def _headings(told: Sequence[Alert], ordered: Sequence[Move], room: int) -> Iterable[str]:
    one_fold = len({(each.market, each.crossing.session, each.crossing.direction) for each in ordered}) == 1
    if one_fold and len(ordered) == len(told):
        yield from folded_headings(ordered)
        return
    first = told[0]
    count = f"{len(told)} alerts: "
    if isinstance(first.facts, News):
        kind = "stories" if not ordered else "alerts"
        yield f"{len(told)} {kind}: {story_heading(first.facts.story, room - len(count) - 1)}"
    else:
        yield from (f"{count}{each}" for each in headings(ordered[0]))
        yield cut(f"{count}{ordered[0].short}", room)


def _session(alert: Alert, zone: ZoneInfo | None) -> date:
    if isinstance(alert.facts, Move):
        return alert.facts.crossing.session
    return alert.at.astimezone(zone or UTC).date()
