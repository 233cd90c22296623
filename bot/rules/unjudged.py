"""Which parts of a condition nobody knew over recorded bars, in how many sessions, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bot.errors import NotKnown
from bot.market.bars import Calendar, Series
from bot.market.reference import day_reference
from bot.rules.candidates import grounds
from bot.rules.conditions import DayMove, FromBase, Ladder, Rule
from bot.rules.gate_columns import Scene
from bot.rules.gates import leaves_of
from bot.rules.measures import Measure
from bot.rules.report import Unjudged
from bot.rules.terms import Comparison, NewExtreme, Story
from bot.rules.truth import Unknown


def unjudged_of_ladder(
    rule: Rule, ladder: Ladder, series: Series, calendar: Calendar, market: str, start: int
) -> Iterator[Unjudged]:
    """Give in how many bars from `start` on nobody knew what a ladder compares with."""
    ground, *_ = grounds(rule, ladder, series, calendar, market)
    lost = np.flatnonzero(np.isnan(ground.base[start:])) + start
    if len(lost):
        last = int(lost[-1])
        yield Unjudged(_named(ladder), series.symbol, len(lost), _why(ladder, series, last, calendar, market))


def unjudged_of_gate(
    rule: Rule, series: Series, scene_of: Callable[[Series], Scene], start: int
) -> Iterator[Unjudged]:
    """Give for each part of a gate in how many bars from `start` on nobody knew it; why, of the last one."""
    scene = scene_of(series)
    for part in dict.fromkeys(_parts(rule)):
        lost = np.flatnonzero(_lost(scene, part)[start:]) + start
        if len(lost):
            then = scene_of(replace(series, bars=series.bars[: int(lost[-1]) + 1]))
            yield Unjudged(str(part), series.symbol, len(lost), _reason(then, part))


def _named(ladder: Ladder) -> str:
    match ladder:
        case DayMove():
            return "day"
        case FromBase(base):
            return str(base)
        case _:
            return "off low" if ladder.side == "low" else "drawdown"


def _why(ladder: Ladder, series: Series, row: int, calendar: Calendar, market: str) -> str:
    match ladder:
        case DayMove():
            why = ""
            try:
                day_reference(series, row, market, calendar)
            except NotKnown as error:
                why = str(error).rstrip(".")
            return why
        case FromBase(base):
            return f"no close is held that a {base} could count from"
        case _:
            return f"no session of the window {ladder.window} is held before it"


def _parts(rule: Rule) -> Iterator[Measure | NewExtreme | Story]:
    for leaf in leaves_of(rule):
        if not isinstance(leaf, Comparison):
            yield leaf
            continue
        yield leaf.measure
        if not isinstance(leaf.threshold, float):
            yield leaf.threshold


def _lost(scene: Scene, part: Measure | NewExtreme | Story) -> NDArray[np.bool_]:
    if isinstance(part, NewExtreme | Story):
        return scene.held_column(part, loose=False) < 0
    return np.isnan(scene.column(part))


def _reason(scene: Scene, part: Measure | NewExtreme | Story) -> str:
    found = scene.holds(part, loose=False) if isinstance(part, NewExtreme | Story) else scene.value(part)
    return found.why if isinstance(found, Unknown) else "it was not known then"
