"""What a crossing says: the first line stands alone, the rest gives its numbers and where they come from."""

from __future__ import annotations

from bot.market.instrument import Instrument
from bot.messages.words import day, listed, percent, price
from bot.rules.evaluate import Crossing


def told(crossing: Crossing, instrument: Instrument, source: str) -> str:
    """Return the text of a crossing seen in one session's bar; no cause is asserted."""
    lines = [_first(crossing, instrument.short)]
    if crossing.measure == "day change":
        if crossing.steps[1:]:
            lines.append(f"Steps passed together: {listed(crossing.steps)}")
        lines.append(f"Previous close {price(crossing.reference.value)}, {day(crossing.reference.session)}")
    else:
        name = "Low" if crossing.measure == "off low" else "Peak"
        kind = crossing.compared_with
        lines.append(f"{name}: {kind} {price(crossing.reference.value)}, {day(crossing.reference.session)}")
    if crossing.seen_by == "range":
        lines.append(_closed(crossing))
    if crossing.ahead:
        lines.append(f"Next: {crossing.ahead[0]:g}%")
    if crossing.adjusted:
        lines.append("Levels are dividend-adjusted: the percentages hold, the levels were not traded")
    lines.append(f"Session of {day(crossing.session)}, time of day unknown: daily bar, {source}")
    return "\n".join(lines)


def _first(crossing: Crossing, short: str) -> str:
    seen = f"{price(crossing.price)} ({percent(crossing.value)})"
    extreme = "high" if crossing.direction == "up" else "low"
    at = seen if crossing.seen_by == "quote" else f"day's {extreme} {seen}"
    match crossing.measure:
        case "day change":
            moved = "up" if crossing.direction == "up" else "down"
            return f"{short} {moved} {crossing.step:g}% or more on the day: {at}"
        case "off low":
            verb = "is" if crossing.seen_by == "quote" else "touched"
            return f"{short} {verb} {crossing.step:g}% off its {day(crossing.reference.session)} low: {at}"
        case "drawdown":
            verb = "is" if crossing.seen_by == "quote" else "touched"
            return f"{short} {verb} {crossing.step:g}% below its peak: {at}"


def _closed(crossing: Crossing) -> str:
    base = crossing.reference.value
    change = percent((crossing.close / base - 1) * 100)
    return (
        f"Closed at {price(crossing.close)}, {change}: "
        f"back from the {crossing.step:g}% level of {price(crossing.level)}"
    )
