"""What a back-test says: how often a line would have told, at what cost, and what came after."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bot.messages.blocks import Block, Message, Table, line, strong
from bot.messages.words import LONGEST_HEADING, cut, day, joined, percent
from bot.rules.report import Cost, Fire, Report, Unjudged

SHOWN = 8
"""How many of the last fires a chat is shown."""

_NAMED = 3
_REASONS = 3
_WHOLE = 100
_SMALL = "One final look at each daily bar, its high and low included. By prices as traded, without dividends"

Called = Callable[[str], str]


def _itself(symbol: str) -> str:
    return symbol


def report_message(report: Report, called: Called = _itself, most: int = SHOWN) -> Message:
    """Return the answer to `/backtest`; `called` gives an instrument's short name.

    Of the fires it shows the last `most`.
    """
    count = len(report.fires)
    shown = report.fires[-most:] if most else ()
    blocks: list[Block] = [line(each) for each in (*report.lines, *_facts(report))]
    if shown:
        blocks.append(Table(tuple(_rows(shown, report, called))))
    if count > len(shown) > 0:
        blocks.append(line(f"and {count - len(shown)} before {day(shown[0].session)}"))
    if report.after:
        blocks.append(Table(tuple(_after(report))))
    blocks += (line(each) for each in _not_known(report.not_known, called))
    return Message(strong(cut(_heading(report, called), LONGEST_HEADING)), tuple(blocks), line(_SMALL))


def fire_lines(report: Report) -> Iterator[str]:
    """Write each fire as a line: its session, instrument, step and value."""
    signed = _goes_both_ways(report)
    for each in report.fires:
        parts = (each.session.isoformat(), each.symbol, _step(each, signed=signed), _value(each))
        yield "  ".join(part for part in parts if part)


def _heading(report: Report, called: Called) -> str:
    names = [called(each) for each in report.symbols]
    who = joined(names) if len(names) <= _NAMED else f"{len(names)} instruments"
    count = len(report.fires)
    told = f"{_counted(count, 'alert')}" if count else "no alert"
    often = "" if report.per_year is None or not count else f", {_number(report.per_year)} a year"
    return f"{who}: {told} from {day(report.first)} to {day(report.last)}{often}"


def _facts(report: Report) -> Iterator[str]:
    if report.fires:
        yield _messages(report.cost)
        yield f"Last {day(report.fires[-1].session)}"
    silence = report.longest_silence
    if silence.days:
        days = _counted(silence.days, "day")
        yield f"Longest silence {days}, from {day(silence.since)} to {day(silence.until)}"


def _messages(cost: Cost) -> str:
    return f"{_number(cost.a_month)} messages a month, at most {cost.busiest} on a day"


def _rows(fires: Sequence[Fire], report: Report, called: Called) -> Iterator[tuple[str, ...]]:
    several, signed = len(report.symbols) > 1, _goes_both_ways(report)
    yield ("Session", *(("instrument",) if several else ()), "step", "value")
    for each in fires:
        who = (called(each.symbol),) if several else ()
        yield (day(each.session), *who, _step(each, signed=signed), _value(each))


def _after(report: Report) -> Iterator[tuple[str, ...]]:
    yield "After", "median", "half between", "up", "of"
    for horizon, changes in report.after.items():
        sessions = _counted(int(horizon), "session")
        for name, each in ((sessions, changes), (f"{sessions}, any day", report.all_days.get(horizon))):
            if each is not None:
                half = f"{percent(each.q1)} and {percent(each.q3)}"
                yield name, percent(each.median), half, f"{each.share_up:.0%}", f"{each.n:,}"


def _not_known(found: Sequence[Unjudged], called: Called) -> Iterator[str]:
    for each in found[:_REASONS]:
        sessions = _counted(each.sessions, "session")
        yield f"Not known of {called(each.symbol)} in {sessions}: {each.part}, as {each.why}"
    if len(found) > _REASONS:
        rest = _counted(len(found) - _REASONS, "part")
        yield f"and {rest} more not known at times"


def _goes_both_ways(report: Report) -> bool:
    return len({each.direction for each in report.fires}) > 1


def _step(fire: Fire, *, signed: bool) -> str:
    """Write a step; its sign tells the directions apart where a ladder goes both ways."""
    if fire.step is None:
        return ""
    sign = ("+" if fire.direction == "up" else "−") if signed else ""
    return f"{sign}{fire.step:g}{fire.unit}"


def _value(fire: Fire) -> str:
    if fire.value is None:
        return ""
    if fire.unit == "%":
        return percent(fire.value)
    return f"{fire.value:,.2f}{fire.unit}".replace("-", "−")


def _number(number: float) -> str:
    return f"{number:.1f}" if number < _WHOLE else f"{number:,.0f}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
