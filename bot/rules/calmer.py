"""Calmer relatives of a line that tells too often: what to propose in its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bot.rules.conditions import (
    AutoSteps,
    Condition,
    DayMove,
    FixedSteps,
    FromBase,
    FromExtreme,
    Gate,
)
from bot.rules.line import AutoOfKind, Line
from bot.rules.measures import (
    Against,
    Change,
    ChangeSince,
    Day,
    FromCost,
    Gap,
    OffLow,
    Premium,
    Sigmas,
    SinceTold,
    Volume,
)
from bot.rules.terms import AtClose, Both, Comparison, Either, Lasting, Not, Story, Tree

_TIMES = (2.0, 4.0)
# A message and a half on each market day: the calm preset's 24 of four indices and thirteen stocks stay below
# it, every fixed step of those is 248 (MARKET.md). Beyond ten on one day nobody reads which is the tenth.
MOST_A_MONTH = 30.0
MOST_A_DAY = 10
_DEEPEST = 100.0
# A threshold on these says how far, so that twice as much happens more seldom; a level's says where.
_SIZES = (Day, Change, ChangeSince, SinceTold, FromCost, OffLow, Gap, Volume, Sigmas, Against, Premium)


def floods(a_month: float, busiest: int) -> bool:
    """Tell whether so many messages a month, or at most on a day, are more than a chat can follow."""
    return a_month > MOST_A_MONTH or busiest > MOST_A_DAY


def calmer(line: Line, *, is_index: bool) -> Iterator[Line]:
    """Give lines that are likely to tell less than `line` of the same thing, the least changed first.

    `is_index` says whether it looks at indices, whose steps follow their volatility otherwise. That a line
    does tell less has to be measured.
    """
    condition = line.condition
    by_session = _once_a_session(line)
    larger = [each for times in _TIMES if (each := _times(condition, times, is_index=is_index)) is not None]
    if isinstance(condition, DayMove) and isinstance(condition.ladder, FixedSteps):
        larger.insert(0, replace(condition, ladder=AutoOfKind()))
    closing = _at_close(condition)
    if by_session is not None:
        yield by_session
    for each in larger:
        yield replace(line, condition=each)
    if closing is not None:
        yield replace(line, condition=closing)
    for each in larger:
        if by_session is not None:
            yield replace(by_session, condition=each)
        closed = _at_close(each)
        if closed is not None:
            yield replace(line, condition=closed)


def _once_a_session(line: Line) -> Line | None:
    if line.telling.often != "each episode":
        return None
    return replace(line, telling=replace(line.telling, often="once a session"))


def _at_close(condition: Condition) -> Condition | None:
    """Judge by the official close alone, which a price that comes and goes within the day does not move."""
    if isinstance(condition, Gate):
        tree = condition.tree
        return None if _holds_a_close(tree) else Gate(AtClose(tree))
    return None if condition.trigger == "close" else replace(condition, trigger="close")


def _times(condition: Condition, times: float, *, is_index: bool) -> Condition | None:
    """Ask for `times` as far; None where that cannot be, or would mean nothing."""
    match condition:
        case DayMove(ladder=AutoOfKind()):
            of_kind = AutoOfKind.of("index" if is_index else "stock")
            return replace(condition, ladder=_larger(of_kind, times))
        case DayMove(ladder=ladder):
            return replace(condition, ladder=_larger(ladder, times))
        case FromBase(ladder=ladder):
            return replace(condition, ladder=_larger_steps(ladder, times))
        case FromExtreme(side=side, steps=steps):
            wanted = tuple(each * times for each in steps)
            if side == "peak":
                wanted = tuple(each for each in wanted if each < _DEEPEST)
            return replace(condition, steps=wanted) if wanted else None
        case _:
            larger = _larger_tree(condition.tree, times)
            return None if larger == condition.tree else Gate(larger)


def _larger(ladder: FixedSteps | AutoSteps, times: float) -> FixedSteps | AutoSteps:
    if isinstance(ladder, FixedSteps):
        return _larger_steps(ladder, times)
    return replace(ladder, times=ladder.times * times, floor=ladder.floor * times, cap=ladder.cap * times)


def _larger_steps(ladder: FixedSteps, times: float) -> FixedSteps:
    return FixedSteps(tuple(each * times for each in ladder.steps), ladder.every * times)


def _larger_tree(tree: Tree, times: float) -> Tree:
    match tree:
        case Comparison(measure=measure, threshold=float() as threshold) if isinstance(measure, _SIZES):
            return replace(tree, threshold=threshold * times)
        case Both(parts) | Either(parts):
            return type(tree)(tuple(_larger_tree(each, times) for each in parts))
        case Lasting(part=part) | AtClose(part=part):
            return replace(tree, part=_larger_tree(part, times))
        case _:
            # What must not be is asked for more seldom by a smaller size, which is another wish.
            return tree


def _holds_a_close(tree: Tree) -> bool:
    """Tell whether a tree waits for the close already, or for looks and stories, of which a close has one."""
    match tree:
        case AtClose() | Lasting() | Story():
            return True
        case Both(parts) | Either(parts):
            return any(map(_holds_a_close, parts))
        case Not(part):
            return _holds_a_close(part)
        case _:
            return False
