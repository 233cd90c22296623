"""Several moves of one market, session and direction as one message."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

from bot.alerts.alert import Alert, Move
from bot.market.measures import change_pct
from bot.messages.aftermath import NOTHING_YET, Aftermath, close_in_short, closed_line, fallen_back
from bot.messages.bases import base_named
from bot.messages.given import changes, since_suspension
from bot.messages.moves import back, by_fund, headings, level, step_reached, touched
from bot.messages.words import MARKET_NAMES, day, fitting, listed, percent
from bot.rules.crossing import Rung

_NAMED = 2
# Prices that come in together were made a little apart.
_SAME_LOOK = timedelta(minutes=1)
_LONGEST_LINE = 200


def latest(alerts: Sequence[Alert]) -> tuple[Alert, ...]:
    """Make one alert of those that climbed one ladder: the last, with the steps of all."""
    climbs: dict[Rung, tuple[Alert, Move]] = {}
    others: list[Alert] = []
    for alert in sorted(alerts, key=lambda each: each.at):
        if not isinstance(alert.facts, Move):
            others.append(alert)
            continue
        move = alert.facts
        before = climbs.get(move.crossing.rung)
        climbs[move.crossing.rung] = (alert, move if before is None else _joined(before[1], move))
    return (*(replace(alert, facts=move) for alert, move in climbs.values()), *others)


def _joined(before: Move, now: Move) -> Move:
    steps = tuple(sorted({*before.crossing.steps, *now.crossing.steps}))
    passed = tuple(each for each in now.crossing.passed if each not in steps)
    return replace(now, crossing=replace(now.crossing, steps=steps, passed=passed))


def in_order(moves: Sequence[Move], became: Aftermath = NOTHING_YET) -> list[Move]:
    """Return the indices first, then the others, each by how far it went, or closed where that is known."""

    def far(move: Move) -> float:
        crossing = move.crossing
        if not became.has_closed(move):
            return abs(crossing.value)
        change = change_pct(crossing.last, crossing.reference.value)
        return change if crossing.direction == "up" else -change

    return sorted(moves, key=lambda each: (not each.is_index, -far(each)))


def folded_headings(ordered: Sequence[Move], became: Aftermath = NOTHING_YET) -> Iterator[str]:
    """Give the heading of several moves, then shorter ones: the market, its direction, who leads.

    Once all of them closed, it names the closes.
    """
    first = ordered[0]
    closed = any(map(became.has_closed, ordered)) and all(each.crossing.final for each in ordered)
    where = f"{MARKET_NAMES[first.market]} {'at the close' if closed else first.crossing.direction}"
    written: tuple[Callable[[Move], str], ...] = (_in_short,)
    if closed:
        written = (close_in_short, partial(close_in_short, touched=False))
    others = [each for each in ordered[1:] if each.short != first.short]
    second = next((each for each in others if not each.is_index), others[0] if others else None)
    names = {each.short for each in ordered}
    leaders = [first] if second is None else [first, second]
    for count in range(len(leaders), 0, -1):
        rest = len(names) - count
        for write in written:
            named = ", ".join(write(each) for each in leaders[:count])
            yield f"{where}: {named}{f', {rest} more' if rest else ''}"


def folded_lines(
    ordered: Sequence[Move],
    late: frozenset[str],
    became: Aftermath = NOTHING_YET,
    zone: ZoneInfo | None = None,
) -> Iterator[str]:
    """Give a line for each move, then what they are all compared with; `late` are fingerprints.

    The moves are as they stand by what `became` of them. What was told before the last of them is past.
    """
    newest = max(each.crossing.time for each in ordered)
    for each in ordered:
        since, past = became.retreat(each), newest - each.crossing.time > _SAME_LOOK
        written = _line(each, past=past or since is not None)
        if became.has_closed(each) and each.crossing.measure == "day change":
            written = closed_line(each)
        elif since is not None:
            written = f"{written}; {fallen_back(each, since, zone)}"
        elif each.crossing.seen_by == "range":
            written = f"{written}; {_last(each, past=past)}"
        yield f"{written}{' (seen late)' if each.crossing.fingerprint in late else ''}"
    days = [each for each in ordered if each.crossing.measure == "day change" and each.since is None]
    closes = {each.crossing.reference.session for each in days}
    if closes:
        yield f"Day moves against the close of {' or '.join(day(each) for each in sorted(closes))}"
    for each in {each.short: each for each in ordered if each.stand_in is not None}.values():
        if each.stand_in is not None:
            yield f"{each.short}: {by_fund(each.stand_in)}"
    adjusted = [each.short for each in ordered if each.crossing.adjusted]
    if adjusted:
        names = ", ".join(dict.fromkeys(adjusted))
        yield f"Percentages only for {names}: dividend-adjusted bars, whose levels were not traded"


def _in_short(move: Move) -> str:
    crossing = move.crossing
    seen = f"{move.short} touched" if crossing.seen_by == "range" else move.short
    match crossing.measure:
        case "day change":
            return f"{seen} {changes(move, crossing.value, crossing.price)[-1]}"
        case "off low":
            return f"{seen} {step_reached(move)} off its low"
        case "drawdown":
            return f"{seen} {step_reached(move)} below its peak"
        case "from cost" | "since date":
            return f"{seen} {percent(crossing.value)} from {base_named(move)}"


def _line(move: Move, *, past: bool) -> str:
    crossing = move.crossing
    if crossing.measure != "day change":
        return fitting(headings(move, past=past), _LONGEST_LINE)
    steps = f"passed {listed(crossing.steps)}"
    if crossing.ahead:
        steps += f", next {crossing.ahead[0]:g}%"
    change = changes(move, crossing.value, crossing.price)[0]
    since = since_suspension(move.since, crossing.session)
    changed = f"{change} {since}" if since else change
    if crossing.seen_by == "quote":
        at = "" if crossing.adjusted else f", {level(move, crossing.price)}"
        return f"{move.short} {changed}{at}: {steps}"
    at = "" if crossing.adjusted else f", {touched(move, past=past)}{level(move, crossing.price)}"
    return f"{move.short} touched {changed}{at}: {steps}"


def _last(move: Move, *, past: bool) -> str:
    """Say where the price was when a touch was told."""
    crossing = move.crossing
    if crossing.measure != "day change":
        return back(move, past=past)
    change = percent(change_pct(crossing.last, crossing.reference.value))
    verb = "closed" if crossing.final else "then" if past else "now"
    return f"{verb} {change}" if crossing.adjusted else f"{verb} {change}, {level(move, crossing.last)}"
