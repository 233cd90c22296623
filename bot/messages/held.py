"""What was kept back for a chat, as one message: a line for each ladder as it stood last, oldest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

from bot.alerts.alert import Alert, Condition, Flood, Move, News, Notice, Seen, Sequel, Since, Upkeep
from bot.market.instrument import Market
from bot.messages.blocks import Line, Link, Message, Span, Words, line, strong
from bot.messages.compose import compose
from bot.messages.conditions import condition_headings, listed_condition
from bot.messages.folded import folded_lines, in_order, latest
from bot.messages.itself import itself_headings
from bot.messages.moves import headings
from bot.messages.notices import exchange_name
from bot.messages.provenance import delayed, remarks
from bot.messages.stories import listed_story
from bot.messages.words import (
    LONGEST_HEADING,
    MARKET_NAMES,
    and_so_on,
    clock,
    cut,
    fitting,
    near_day,
    one_line,
    percent,
)
from bot.rules.crossing import Rung

_ROOM = 3_600
"""How many characters the lines of one message may have, addresses included: every platform takes those."""

_LONGEST_LINE = 240
_LONGEST_NOTE = 60
_MOST_LINES = 48
_NAMED = 4

_Came = Mapping[Rung, tuple[Literal["retreat", "close"], Since]]

_WHILE: Mapping[str, str] = MappingProxyType(
    {"quiet": "While it was quiet", "muted": "While muted", "digest": "Digest", "group": "Since then"}
)


def compose_held(
    alerts: Sequence[Alert], why: str, zone: ZoneInfo | None = None, at: int | None = None
) -> Message:
    """Return the one message of alerts that were held for one reason; `why` is the hold's.

    `at` is when they were to be told, in machine milliseconds: a digest is named by it. One alert is told
    whole, several in a line each; where those do not fit, the oldest are counted and named.
    """
    told = sorted(latest([each for each in alerts if not isinstance(each.facts, Sequel)]), key=_at)
    sequels = [each for each in alerts if isinstance(each.facts, Sequel)]
    start = _start(told, why, zone, at)
    if len(told) == 1 and not sequels:
        return _whole(compose(alerts, zone), told[0], start)
    local = zone or ZoneInfo("UTC")
    lines = _fitted([_line(each, told, _came(sequels), local) for each in told], told)
    quiet = all(each.urgency == "quiet" for each in told)
    return Message(strong(_heading(told, start, why)), lines, _small(told, local), quiet=quiet)


def _at(alert: Alert) -> datetime:
    return alert.at


def _start(told: Sequence[Alert], why: str, zone: ZoneInfo | None, at: int | None) -> str:
    """Say what the alerts were kept back for."""
    if why == "digest" and at is not None:
        due = datetime.fromtimestamp(at / 1000, UTC).astimezone(zone or ZoneInfo("UTC"))
        return f"Digest of {due:%H:%M}"
    names = _names(told)
    if why == "muted" and len(names) == 1:
        return f"While {cut(names[0], LONGEST_HEADING // 2)} was muted"
    return _WHILE.get(why, "Held back")


def _heading(told: Sequence[Alert], start: str, why: str) -> str:
    count = f"{start}, {len(told)} {'alert' if len(told) == 1 else 'alerts'}"
    names = _names(told)
    if why == "muted" and len(names) == 1:
        return count
    shorter = (f"{count}: {and_so_on(names, most)}" for most in range(min(_NAMED, len(names)), 0, -1))
    return fitting((*shorter, count), LONGEST_HEADING)


def _whole(message: Message, alert: Alert, start: str) -> Message:
    """Return the message of one alert as it would have been told, with what it was kept back for."""
    heading = "".join(span.text for span in message.heading.spans)
    shorter: Iterator[str] = iter(())
    match alert.facts:
        case Move() as move:
            shorter = headings(move)
        case Condition() as condition:
            shorter = condition_headings(condition)
    for candidate in (heading, *shorter):
        if len(whole := f"{start}: {candidate}") <= LONGEST_HEADING:
            return replace(message, heading=strong(whole))
    blocks = (strong(heading), *message.blocks)
    return replace(message, heading=strong(f"{start}, 1 alert"), blocks=blocks)


def _fitted(lines: Sequence[Line], told: Sequence[Alert]) -> tuple[Line, ...]:
    """Return the newest lines that there is room for, after a line that counts and names the others."""
    kept, room = 0, _ROOM - _LONGEST_LINE
    for each in reversed(lines):
        room -= _length(each) + 1
        if room < 0 or kept == _MOST_LINES:
            break
        kept += 1
    earlier = len(lines) - kept
    if not earlier:
        return tuple(lines)
    names = cut(f"{earlier} earlier: {and_so_on(_names(told[:earlier]), 2 * _NAMED)}", _LONGEST_LINE)
    return (line(names), *lines[earlier:])


def _length(written: Line) -> int:
    return sum(_units(span.text) + (len(span.url) if isinstance(span, Link) else 0) for span in written.spans)


def _units(text: str) -> int:
    """Count a text as the strictest platform does: most emoji are two."""
    return len(text) + sum(sign > "\uffff" for sign in text)


def _line(alert: Alert, told: Sequence[Alert], came: _Came, zone: ZoneInfo) -> Line:
    """Say when something happened and what; then what became of it, and what its rule adds."""
    after = f"; note: {cut(one_line(alert.note), _LONGEST_NOTE)}" if alert.note else ""
    if isinstance(alert.facts, Move) and (became := came.get(alert.facts.crossing.rung)) is not None:
        after = f"; {_became(*became)}{after}"
    spans = _said(alert, zone, _LONGEST_LINE - len(after))
    return Line((Words(f"{_when(alert, told, zone)} "), *spans, *((Words(after),) if after else ())))


def _said(alert: Alert, zone: ZoneInfo, room: int) -> tuple[Span, ...]:
    match alert.facts:
        case Move() as move:
            late = frozenset([alert.fingerprint] if alert.reason == "seen late" else ())
            return (Words(cut(next(folded_lines([move], late)), room)),)
        case Condition() as condition:
            return (Words(cut(listed_condition(alert, condition), room)),)
        case News(story=story):
            return _cut(listed_story(story, zone).spans, room)
        case Notice() | Upkeep() | Flood() as said:
            return (Words(fitting(itself_headings(alert, said, zone), room)),)
        case Sequel():
            return ()


def _cut(spans: Sequence[Span], room: int) -> tuple[Span, ...]:
    """Shorten the first span so that all of them fit."""
    first, *others = spans
    left = room - sum(len(each.text) for each in others)
    return (replace(first, text=cut(first.text, left)), *others)


def _when(alert: Alert, told: Sequence[Alert], zone: ZoneInfo) -> str:
    """Write the time of day where the chat is, its day where there are several, and the market's session."""
    local = alert.at.astimezone(zone)
    days = {each.at.astimezone(zone).date() for each in told}
    time = f"{local:%H:%M}" if len(days) == 1 else f"{near_day(local.date(), max(days))} {local:%H:%M}"
    match alert.facts:
        case Move(market=market, crossing=raised) | Condition(market=market, met=raised):
            session = raised.session
            of = "" if session == local.date() else f", session of {near_day(session, local.date())}"
            return f"{time} ({_market(market)}{of}):"
    return f"{time}:"


def _market(market: Market) -> str:
    return "another market" if market == "other" else MARKET_NAMES[market]


def _came(sequels: Sequence[Alert]) -> _Came:
    """Return what became last of each ladder."""
    found: dict[Rung, tuple[Literal["retreat", "close"], Since]] = {}
    for alert in sorted(sequels, key=_at):
        if isinstance(alert.facts, Sequel):
            found.update({each.rung: (alert.facts.what, each) for each in alert.facts.since})
    return found


def _became(what: Literal["retreat", "close"], since: Since) -> str:
    if what == "close":
        return f"closed {percent(since.change)}"
    return f"back at {percent(since.change)} since"


def _small(told: Sequence[Alert], zone: ZoneInfo) -> Line:
    """Say whose times these are, where the prices come from, and what to know of them."""
    moves = [each.facts for each in told if isinstance(each.facts, Move)]
    seen: list[Seen] = [each.facts.seen for each in told if isinstance(each.facts, Move | Condition)]
    name = clock(max(each.at for each in told), zone).partition(" ")[2]
    parts = [f"{'Market times' if seen else 'Times'}, {name}"]
    if any(each.reconstructed for each in seen):
        parts.append("reconstructed from daily bars")
    delay = max((each.delay for each in seen), default=0)
    if delay:
        parts.append(delayed(delay))
    told_by = ", ".join((*parts, *dict.fromkeys(each.source for each in seen)))
    return line(". ".join((told_by, *(remarks(moves) if moves else ()))))


def _names(told: Sequence[Alert]) -> list[str]:
    """Name what alerts are about, indices first and the furthest movers next."""
    moves = in_order([each.facts for each in told if isinstance(each.facts, Move)])
    return list(dict.fromkeys((*(each.short for each in moves), *map(name_of, told))))


def name_of(alert: Alert) -> str:
    """Name what an alert is about, in a word or two; a story by its title."""
    match alert.facts:
        case Move(short=short) | Condition(short=short):
            return short
        case News(story=story):
            return cut(one_line(story.title), _LONGEST_NOTE) or "a story"
        case Notice(exchange=exchange):
            return exchange_name(exchange)
        case Upkeep(subject=subject):
            return subject
        case Flood(rule=rule):
            return rule
        case Sequel(since=since):
            return ", ".join(dict.fromkeys(each.short for each in since))
