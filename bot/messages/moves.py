"""What one crossing says: its heading stands alone, no cause is asserted, a fall is never called a gain."""

from __future__ import annotations

from collections.abc import Iterator

from bot.alerts.alert import Alert, Move
from bot.market.beside import StandIn
from bot.market.measures import Distance, change_pct
from bot.market.sessions import opening
from bot.messages.bases import base_headings, base_line, is_from_base
from bot.messages.given import adjusted_for, changes, shares_became, since_suspension
from bot.messages.words import day, difference, in_a_row, listed, money, near_day, percent, sentence
from bot.rules.crossing import level_of

ADJUSTED = "Percentages only: the bars are dividend-adjusted, their levels were not traded"
SEEN_LATE = "Seen late: it was reached while nobody was looking"

_LEAST_STREAK = 2


def headings(move: Move, *, past: bool = False) -> Iterator[str]:
    """Give the heading of a move, then shorter ones; one that is `past` says nothing of the present."""
    if is_from_base(move):
        yield from base_headings(move, past=past)
    elif move.crossing.measure == "day change":
        yield from _day_headings(move, past=past)
    else:
        yield from _extreme_headings(move, past=past)


def details(alert: Alert, move: Move, retreat: str = "") -> Iterator[str]:
    """Give the lines below the heading of a move that is told by itself.

    `retreat` says that it fell back since, which is newer than where the price was when it was told.
    """
    crossing = move.crossing
    if retreat:
        yield retreat
    elif crossing.seen_by == "range":
        yield sentence(back(move))
    if is_from_base(move):
        yield base_line(move)
        yield from filter(None, (_together(_day(move), _from_peak(move)),))
        yield from filter(None, (_together(_steps(move), _passed(move), next_step(move)),))
    elif crossing.measure == "day change":
        yield _together(_steps(move) or f"Step passed: {crossing.step:g}%", _passed(move), next_step(move))
        yield _previous_close(move)
        yield from filter(None, (_together(_from_peak(move), sentence(_streak(move))),))
    else:
        yield _reference(move)
        if move.moved_from is not None:
            side = "low" if crossing.measure == "off low" else "peak"
            yield f"Reference moved: the {day(move.moved_from)} {side} is now older than 52 weeks"
        own_peak = crossing.measure == "drawdown" and _is_all_time(move)
        yield from filter(None, (_together(_day(move), "" if own_peak else _from_peak(move)),))
        yield from filter(None, (_together(_steps(move), _passed(move), next_step(move)),))
    if crossing.adjusted:
        yield ADJUSTED
    if move.stand_in is not None:
        yield by_fund(move.stand_in)
    if alert.reason == "seen late":
        yield SEEN_LATE


def by_fund(fund: StandIn) -> str:
    """Say whose bars stand in for those that an instrument lacks."""
    return f"Before {day(fund.until)} by {fund.symbol}, its tracking fund, rescaled"


def level(move: Move, value: float) -> str:
    """Write a price of the instrument."""
    return money(value, move.currency, is_index=move.is_index)


def touched(move: Move, *, past: bool = False) -> str:
    """Name the extreme that a range was seen by, with a space after it; nothing names one that is `past`."""
    extreme = "high" if move.crossing.direction == "up" else "low"
    if move.crossing.final:
        return f"day's {extreme} "
    return "" if past else f"{extreme} so far "


def back(move: Move, *, past: bool = False) -> str:
    """Say where the last price stands, or stood, that does not hold the step it touched."""
    crossing = move.crossing
    change = percent(change_pct(crossing.last, crossing.reference.value))
    step = f"under +{crossing.step:g}%" if crossing.direction == "up" else f"above −{crossing.step:g}%"
    verb = "closed" if crossing.final else "then" if past else "now"
    if crossing.adjusted:
        return f"{verb} {change}: back {step}"
    at = f"at {level(move, crossing.last)}" if crossing.final else level(move, crossing.last)
    there = "" if move.reference_adjusted else f" ({level(move, crossing.level)})"
    return f"{verb} {at}, {change}: back {step}{there}"


def step_reached(move: Move) -> str:
    """Write the step, as what the price has gone beyond unless it stands on it or merely touched it."""
    crossing = move.crossing
    there = crossing.seen_by == "range" or percent(abs(crossing.value)) == percent(crossing.step)
    return f"{crossing.step:g}%" if there else f"more than {crossing.step:g}%"


def next_step(move: Move) -> str:
    """Name the step ahead with its level."""
    crossing = move.crossing
    if not crossing.ahead:
        return ""
    ahead = crossing.ahead[0]
    if crossing.adjusted or move.reference_adjusted:
        return f"Next: {ahead:g}%"
    at = level_of(crossing.reference.value, ahead, crossing.direction)
    return f"Next: {ahead:g}% ({level(move, at)})"


def _day_headings(move: Move, *, past: bool) -> Iterator[str]:
    crossing = move.crossing
    told = changes(move, crossing.value, crossing.price)
    when = _when(move)
    if crossing.seen_by == "range":
        yield from _touched_headings(move, told, past=past)
    elif crossing.adjusted:
        yield f"{move.short} {told[0]}{when or ' on the day'}"
    else:
        at = f": {level(move, crossing.price)}"
        if not move.reference_adjusted and not told[1:] and move.since is None:
            points = " points" if move.is_index else ""
            moved = difference(crossing.price, crossing.reference.value)
            yield f"{move.short} {told[0]}{when}{at}, {moved}{points}"
        for change in told:
            yield f"{move.short} {change}{when}{at}"
            yield f"{move.short} {change}{at}"


def _touched_headings(move: Move, told: tuple[str, ...], *, past: bool) -> Iterator[str]:
    crossing = move.crossing
    since = f" {since_suspension(move.since, crossing.session)}" if move.since else ""
    if crossing.adjusted:
        yield f"{move.short} touched {told[0]}{since or ' on the day'}"
        return
    price = level(move, crossing.price)
    for change in told:
        named = touched(move, past=past)
        yield f"{move.short} touched {change}{since}: {named}{price}"
        yield f"{move.short} touched {change}: {price}"


def _when(move: Move) -> str:
    crossing = move.crossing
    if move.since is not None:
        return f" {since_suspension(move.since, crossing.session)}"
    if crossing.final:
        return " at the close"
    return " at the open" if crossing.time == opening(move.market, crossing.session) else ""


def _extreme_headings(move: Move, *, past: bool) -> Iterator[str]:
    crossing = move.crossing
    by_range = crossing.seen_by == "range"
    verb = "touched" if by_range else "closed" if crossing.final else "reached" if past else "now"
    if crossing.measure == "off low":
        how, side = "off", "low"
        when = f"{near_day(crossing.reference.session, crossing.session)} "
    else:
        how, side = "below", "peak"
        when = "" if _is_all_time(move) else f"{day(crossing.reference.session)} "
    intraday = "intraday " if crossing.compared_with == "intraday" else ""
    step = step_reached(move)
    start = f"{move.short} {verb} {step} {how} its {when}{intraday}{side}"
    change = percent(crossing.value)
    if not crossing.adjusted:
        if by_range:
            yield f"{start}: {touched(move, past=past)}{level(move, crossing.price)} ({change})"
        yield f"{start}: {level(move, crossing.price)} ({change})"
    yield f"{start} ({change})"
    yield f"{move.short} {verb} {step} {how} its {side} ({change})"


def _is_all_time(move: Move) -> bool:
    peak, crossing = move.from_peak, move.crossing
    if crossing.compared_with == "intraday":
        return False
    return peak is not None and (peak.session, peak.value) == (
        crossing.reference.session,
        crossing.reference.value,
    )


def _steps(move: Move) -> str:
    steps = move.crossing.steps
    return f"Steps passed together: {listed(steps)}" if steps[1:] else ""


def _passed(move: Move) -> str:
    passed = move.crossing.passed
    if not passed:
        return ""
    return f"{listed(passed)} {'were' if passed[1:] else 'was'} passed before"


def _previous_close(move: Move) -> str:
    crossing = move.crossing
    when = f"{crossing.reference.session:%a} {day(crossing.reference.session)}"
    low = move.off_low
    lowest = low is not None and low.session == crossing.reference.session
    note = " (the lowest close of the past year)" if lowest else ""
    if crossing.adjusted or (move.reference_adjusted and move.previous_close is None):
        restated = ", restated for a distribution since"
        if crossing.adjusted or move.stand_in is not None:
            restated = ""
        return f"Against the close of {when}{restated}{note}"
    close = crossing.reference.value if move.previous_close is None else move.previous_close
    said = [f"Previous close {level(move, close)}, {when}{note}"]
    if move.since is not None:
        said.append("last trade before the suspension")
    if became := shares_became(move.given):
        said.append(became)
    if adjusted := adjusted_for(move.given, move.currency):
        said.append(f"{level(move, crossing.reference.value)} {adjusted}")
    return ", ".join(said)


def _reference(move: Move) -> str:
    crossing = move.crossing
    name = "Low" if crossing.measure == "off low" else "Peak"
    hidden = crossing.adjusted or move.reference_adjusted
    value = "" if hidden else f" {level(move, crossing.reference.value)}"
    line = f"{name}: {crossing.compared_with}{value}, {day(crossing.reference.session)}"
    if crossing.measure == "drawdown":
        if move.reference_age is not None:
            line += f", {move.reference_age} session{'' if move.reference_age == 1 else 's'} ago"
        return _together(
            line, f"To regain it: {percent(change_pct(crossing.reference.value, crossing.last))}"
        )
    return _together(line, _other_low(move))


def _other_low(move: Move) -> str:
    """Say how far the price is from the low of the other reference."""
    crossing = move.crossing
    intraday = crossing.compared_with == "close"
    other = move.off_intraday_low if intraday else move.off_low
    if other is None or (other.session, other.value) == (
        crossing.reference.session,
        crossing.reference.value,
    ):
        return ""
    name = "intraday low" if intraday else "closing low"
    value = "" if crossing.adjusted or other.adjusted else f" {level(move, other.value)}"
    when = "" if other.session == crossing.reference.session else f", {day(other.session)}"
    at = " at the close" if crossing.final else ""
    return f"From the {name}{value}{when}: {percent(other.change_pct)}{at}"


def _from_peak(move: Move) -> str:
    peak = move.from_peak
    if peak is None:
        return ""
    at = f"close{_level_of(move, peak)}, {day(peak.session)}"
    if peak.change_pct >= 0:
        return f"Not below the peak before ({at})"
    return f"From peak: {percent(peak.change_pct)} ({at})"


def _level_of(move: Move, distance: Distance) -> str:
    return "" if move.crossing.adjusted or distance.adjusted else f" {level(move, distance.value)}"


def _day(move: Move) -> str:
    if move.day_change is None:
        return ""
    changed = changes(move, move.day_change, move.crossing.last)[0]
    since = since_suspension(move.since, move.crossing.session)
    return ", ".join(each for each in (f"Day {changed}", since, _streak(move)) if each)


def _streak(move: Move) -> str:
    """Place the day in its streak; before the close only what it would be."""
    change = move.day_change
    if change is None or change * move.streak <= 0:
        return ""
    count = abs(move.streak) + (0 if move.crossing.final else 1)
    if count < _LEAST_STREAK:
        return ""
    gain = "gain" if move.crossing.direction == "up" else "rise"
    placed = in_a_row(count, gain if move.streak > 0 else "fall")
    return placed if move.crossing.final else f"would be the {placed}"


def _together(*sentences: str) -> str:
    return ". ".join(each for each in sentences if each)
