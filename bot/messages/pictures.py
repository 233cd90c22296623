"""What a picture shows, as plain values: whoever has the facts hands them over, and somebody else draws."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import date
from typing import Any

from bot.messages.words import day, percent
from bot.rules.report import Changes, Fire, Report

_NUMBER = re.compile(r"([+−-]?)(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Marked:
    """One alert as it is marked: its session, and its step as a reader knows it.

    The step is “+4%” or “−4%” of a ladder that goes both ways, “40%” of one that goes one way, and empty
    where there is but one.
    """

    session: date
    step: str = ""


@dataclass(frozen=True, slots=True)
class After:
    """What an instrument did in the `sessions` after an alert, beside the same after every day."""

    sessions: int
    fired: Changes
    all_days: Changes


@dataclass(frozen=True, slots=True)
class BacktestPicture:
    """A back-test as a picture: the closes of `sessions`, oldest first, the alerts, and what came after them.

    `name` is what a chat calls the instrument, in any script; `rule` is the rule's text. The closes are in
    present shares, so that a split is no fall. `per_year` is how often the rule fired, where it is known.
    """

    symbol: str
    name: str
    rule: str
    sessions: tuple[date, ...]
    closes: tuple[float, ...]
    fires: tuple[Marked, ...] = ()
    after: tuple[After, ...] = ()
    per_year: float | None = None


def pictured(
    report: Report, symbol: str, name: str, sessions: Iterable[date], closes: Iterable[float]
) -> BacktestPicture:
    """Return what a picture shows of a report: one instrument, with the closes of the time reported of.

    What came after is of all instruments of a report, so it is shown where that is this one.
    """
    held = [pair for pair in zip(sessions, closes, strict=True) if report.first <= pair[0] <= report.last]
    alone = report.symbols == (symbol,)
    after = (
        tuple(
            After(int(each), fired, report.all_days[each])
            for each, fired in report.after.items()
            if each in report.all_days
        )
        if alone
        else ()
    )
    return BacktestPicture(
        symbol,
        name,
        "; ".join(report.lines),
        tuple(session for session, _ in held),
        tuple(close for _, close in held),
        marked(each for each in report.fires if each.symbol == symbol),
        after,
        report.per_year if alone else None,
    )


def marked(fires: Iterable[Fire]) -> tuple[Marked, ...]:
    """Return alerts with the steps that tell them apart; several steps are a ladder's, in per cent."""
    held = tuple(fires)
    both_ways = len({each.direction for each in held}) > 1
    if len({(each.direction, each.step) for each in held}) == 1:
        return tuple(Marked(each.session) for each in held)
    return tuple(Marked(each.session, _step(each, signed=both_ways)) for each in held)


def _step(fire: Fire, *, signed: bool) -> str:
    if fire.step is None:
        return ""
    sign = ("+" if fire.direction == "up" else "−") if signed else ""
    return f"{sign}{fire.step:g}%"


def counted(fires: tuple[Marked, ...]) -> tuple[tuple[str, int], ...]:
    """Return each step and how often it fired, from the furthest fall to the furthest rise.

    A step that is no number stands behind those that are.
    """
    counts = Counter(each.step for each in fires)
    return tuple(sorted(counts.items(), key=lambda each: (_size(each[0]), each[0])))


def _size(step: str) -> tuple[bool, float]:
    number = _NUMBER.search(step.replace(",", ""))
    if number is None:
        return True, 0.0
    return False, float(number[2]) * (1 if number[1] in {"", "+"} else -1)


def summary(picture: BacktestPicture) -> str:
    """Say how often the rule fired: “12 alerts from 1 Dec 2020 to 23 Mar 2022, 9.1 a year”."""
    count = len(picture.fires)
    said = f"{count or 'no'} alert{'' if count == 1 else 's'}"
    if picture.sessions:
        said += f" from {day(picture.sessions[0])} to {day(picture.sessions[-1])}"
    return said if picture.per_year is None or not count else f"{said}, {picture.per_year:.1f} a year"


def alt_of(picture: BacktestPicture) -> str:
    """Say in words what the picture shows, for whoever does not see it."""
    steps = [f"{step}, {count}" for step, count in counted(picture.fires) if step]
    by_step = f" By step: {'; '.join(steps)}." if steps else ""
    after = "".join(
        f" {each.sessions} session{'' if each.sessions == 1 else 's'} after: "
        f"median {percent(each.fired.median)}, of all days {percent(each.all_days.median)}."
        for each in picture.after
    )
    return f"Closes of {picture.name} and the alerts of “{picture.rule}”: {summary(picture)}.{by_step}{after}"


def written(picture: BacktestPicture) -> bytes:
    """Write the facts as JSON, the same for the same facts; `ValueError` where a number is none."""
    facts = {
        "symbol": picture.symbol,
        "name": picture.name,
        "rule": picture.rule,
        "sessions": [each.isoformat() for each in picture.sessions],
        "closes": picture.closes,
        "fires": [[each.session.isoformat(), each.step] for each in picture.fires],
        "after": [[each.sessions, astuple(each.fired), astuple(each.all_days)] for each in picture.after],
        "per_year": picture.per_year,
    }
    return json.dumps(facts, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def read_picture(text: bytes) -> BacktestPicture:
    """Read facts that `written` wrote."""
    facts: dict[str, Any] = json.loads(text)
    return BacktestPicture(
        facts["symbol"],
        facts["name"],
        facts["rule"],
        tuple(map(date.fromisoformat, facts["sessions"])),
        tuple(facts["closes"]),
        tuple(Marked(date.fromisoformat(session), step) for session, step in facts["fires"]),
        tuple(
            After(sessions, Changes(*fired), Changes(*all_days))
            for sessions, fired, all_days in facts["after"]
        ),
        facts["per_year"],
    )
