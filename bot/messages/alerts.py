"""What a crossing says: the first line stands alone, the rest gives its numbers and where they come from."""

from __future__ import annotations

from bot.market.instrument import Instrument
from bot.market.measures import change_pct
from bot.messages.words import day, listed, percent, price
from bot.rules.crossing import Crossing


def told(crossing: Crossing, instrument: Instrument, source: str) -> str:
    """Return the text of a crossing seen in one session's bar; no cause is asserted."""
    lines = [_first(crossing, instrument.short)]
    if crossing.measure == "day change" and crossing.steps[1:]:
        lines.append(f"Steps passed together: {listed(crossing.steps)}")
    lines.append(_compared(crossing))
    if crossing.seen_by == "range":
        lines.append(_closed(crossing))
    if crossing.ahead:
        lines.append(f"Next: {crossing.ahead[0]:g}%")
    if crossing.adjusted:
        lines.append("Percentages only: the bars are dividend-adjusted, their levels were not traded")
    lines.append(f"Session of {day(crossing.session)}, time of day unknown: daily bar, {source}")
    return "\n".join(lines)


def _first(crossing: Crossing, short: str) -> str:
    change = percent(crossing.value)
    seen = change if crossing.adjusted else f"{price(crossing.price)} ({change})"
    extreme = "high" if crossing.direction == "up" else "low"
    at = seen if crossing.seen_by == "quote" else f"day's {extreme} {seen}"
    verb = "is" if crossing.seen_by == "quote" else "touched"
    match crossing.measure:
        case "day change":
            moved = "up" if crossing.direction == "up" else "down"
            return f"{short} {moved} {crossing.step:g}% or more on the day: {at}"
        case "off low":
            return f"{short} {verb} {crossing.step:g}% off its {day(crossing.reference.session)} low: {at}"
        case "drawdown":
            return f"{short} {verb} {crossing.step:g}% below its peak: {at}"


def _compared(crossing: Crossing) -> str:
    when = day(crossing.reference.session)
    level = "" if crossing.adjusted else f" {price(crossing.reference.value)}"
    if crossing.measure == "day change":
        return f"Previous close{level}, {when}" if level else f"Against the close of {when}"
    name = "Low" if crossing.measure == "off low" else "Peak"
    return f"{name}: {crossing.compared_with}{level}, {when}"


def _closed(crossing: Crossing) -> str:
    change = percent(change_pct(crossing.last, crossing.reference.value))
    if crossing.adjusted:
        return f"Closed {change}: back from the {crossing.step:g}% level"
    level = price(crossing.level)
    return f"Closed at {price(crossing.last)}, {change}: back from the {crossing.step:g}% level of {level}"
