"""What a gate that came to hold says: what holds now, and what each part of it was worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.alerts.alert import Alert, Condition
from bot.messages.moves import ADJUSTED, SEEN_LATE
from bot.messages.parts import headline, opposite_side, part_line
from bot.messages.provenance import RECORDED, delayed, exchange_clock, place_of
from bot.messages.words import cut, day, fitting, joined, money, percent, sentence

# Between a price and its receipt there is always a little: only more than this is told.
_PROMPT = timedelta(minutes=1)
_LONGEST_LINE = 200


def condition_headings(condition: Condition) -> Iterator[str]:
    """Give the heading of a gate, then shorter ones."""
    met = condition.met
    # Only a level alone is judged by the session's range, and then the last price does not hold it.
    touched = met.seen_by == "range"
    holding = [headline(each, touched=touched) for each in met.parts if each.holds or touched]
    change = "" if condition.day_change is None else f" ({percent(condition.day_change)} on the day)"
    at = "" if met.adjusted else f": {level(condition, met.price)}"
    if len(holding) == 1:
        yield from _shorter(f"{condition.short} {holding[0]}", at, change)
    for count in range(len(holding), 1, -1):
        rest = len(holding) - count
        listed = ", ".join(holding[:count]) + (f" and {rest} more" if rest else "")
        yield from _shorter(f"{condition.short}: {listed}", at, change)
    yield from _shorter(f"{condition.short}: {met.condition}", at, change)
    yield f"{condition.short}{at}{change}"


def _shorter(held: str, at: str, change: str) -> Iterator[str]:
    yield f"{held}{at}{change}"
    yield f"{held}{at}"


def condition_lines(alert: Alert, condition: Condition) -> Iterator[str]:
    """Give what stands below the heading of a gate that is told by itself."""
    met = condition.met
    if met.seen_by == "range":
        yield sentence(_back(condition))
    else:
        yield from (sentence(part_line(each, lambda value: level(condition, value))) for each in met.parts)
    if condition.previous_close is not None and not met.adjusted:
        yield f"Previous close {level(condition, condition.previous_close)}"
    if met.adjusted:
        yield ADJUSTED
    if alert.reason == "seen late":
        yield SEEN_LATE


def listed_condition(
    alert: Alert, condition: Condition, zone: ZoneInfo | None = None, *, timed: bool = False
) -> str:
    """Return a gate as one line among others, with the time of its price where it held more than once."""
    notes = []
    if timed and not condition.met.adjusted:
        notes = [f"at {exchange_clock(condition.met.time, place_of(condition.market), zone)}"]
    if alert.reason == "seen late":
        notes = [*notes, "seen late"]
    late = f" ({', '.join(notes)})" if notes else ""
    return f"{fitting(condition_headings(condition), _LONGEST_LINE - len(late))}{late}"


def level(condition: Condition, value: float) -> str:
    """Write a price of the instrument."""
    return money(value, condition.currency, is_index=condition.is_index)


def condition_provenance(conditions: Sequence[Condition], zone: ZoneInfo | None) -> str:
    """Say when the prices were made and received, by whom they are told, and what they are."""
    ordered = sorted(conditions, key=lambda each: each.met.time)
    last = ordered[-1]
    met, seen = last.met, last.seen
    notes = dict.fromkeys((each.short, each.seen.note) for each in ordered if each.seen.note)
    alone = len({each.short for each in ordered}) == 1
    told = [sentence(note) if alone else f"{short}: {note}" for short, note in notes]
    if not seen.reconstructed and seen.source == RECORDED:
        said = f"Session of {day(met.session)}, time of day unknown: recorded daily bars"
        return ". ".join((said, *told))
    place = place_of(last.market)
    parts = [f"Market time {exchange_clock(met.time, place, zone)}, {day(met.session)}"]
    if any(each.seen.reconstructed for each in ordered):
        parts.append("reconstructed from daily bars")
    elif seen.received - met.time > _PROMPT:
        parts.append(f"received {seen.received.astimezone(place.zone):%H:%M}")
    delay = max(each.seen.delay for each in ordered)
    if delay:
        parts.append(delayed(delay))
    parts.append(", ".join(dict.fromkeys(each.seen.source for each in ordered)))
    return ". ".join((", ".join(parts), *told))


def conditions_heading(conditions: Sequence[Condition], room: int) -> str:
    """Return the heading of several gates, or of one that came to hold more than once: as it holds now."""
    if len({(each.met.rule, each.met.symbol) for each in conditions}) == 1:
        return fitting(condition_headings(max(conditions, key=lambda each: each.met.time)), room)
    names = list(dict.fromkeys(each.short for each in conditions))
    count = f"{len(conditions)} conditions hold: "
    first = conditions[0]
    return fitting(
        (
            *(f"{count}{each}" for each in condition_headings(first)),
            cut(f"{count}{joined(names)}", room),
        ),
        room,
    )


def _back(condition: Condition) -> str:
    """Say where the last price stands, which does not hold the level that the session's range touched."""
    met = condition.met
    extreme = f"{'high' if met.price >= met.last else 'low'}{'' if met.final else ' so far'}"
    back = ", ".join(f"back {opposite_side(each)}" for each in met.parts)
    verb = "closed at" if met.final else "now"
    return f"seen by the session's {extreme}; {verb} {level(condition, met.last)}, {back}"
