"""Gates over whole columns of bars: what each bar's one final look would judge, without looking bar by bar.

Truth is a small number here, so that Kleene's logic is arithmetic: the lesser of two is both, the greater
either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bot.rules.gates import Lean, Reading, is_of_price, lastings, limit_of, moved_on
from bot.rules.measures import Measure
from bot.rules.terms import AtClose, Both, Comparison, Either, Lasting, NewExtreme, Not, Story, Tree
from bot.rules.truth import Truth, Unknown

FALSE, UNKNOWN, TRUE = 0, 1, 2
_TRUTHS: tuple[Truth, ...] = (False, Unknown("it is not known on this bar"), True)

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.int8]
Mask = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]


class Columns(Protocol):
    """What bars say of measures, a row a bar; one that is not known is NaN, and -1 for what holds or not."""

    def column(self, measure: Measure) -> Floats:
        """Return a measure's value at each bar's close."""

    def held_column(self, atom: NewExtreme | Story, *, loose: bool) -> Truths:
        """Tell of each bar whether an extreme is new: 1, 0, or -1 where nobody knows."""

    def touch_column(self, *, up: bool) -> Floats:
        """Return the highest or the lowest price of each bar, as far as its levels were traded."""


class Scene(Columns, Reading, Protocol):
    """What bars say of measures, in columns and for the last of them."""


@dataclass(frozen=True, slots=True)
class Counting:
    """From which bar on looks in a row are counted anew, and whether each bar is an episode `alone`."""

    since: int = 0
    alone: bool = False


_ALL = Counting()


def judged_columns(tree: Tree, columns: Columns, counting: Counting = _ALL) -> tuple[Truths, Truths]:
    """Return for each bar whether a gate holds as written, and whether it does loosened."""
    loose = _truths(tree, columns, 1, counting)
    if isinstance(tree, Comparison) and is_of_price(tree):
        touched = columns.touch_column(up=tree.direction == "up")
        return _compared(tree, touched, _thresholds(tree, columns, len(touched)), 0), loose
    return _truths(tree, columns, 0, counting), loose


def runs_of(tree: Tree, columns: Columns, counting: Counting = _ALL) -> list[Counts]:
    """Return for each lasting part at how many bars in a row it has held by each, up to those it needs."""
    parts = dict.fromkeys(lastings(tree))
    return [_runs(_truths(each.part, columns, 0, counting), each.looks, counting) for each in parts]


def may_change(strict: Truths, loose: Truths, *, anew: bool) -> Mask:
    """Mark the bars at which the record of a gate may move: no other can change what is told.

    Where each session is an episode, these are the bars that hold. Else, of bars that follow one another and
    are judged alike, only the first can move the record, unless it both tells and arms again.
    """
    if not anew:
        return np.equal(strict, TRUE)
    first = np.ones(len(strict), dtype=np.bool_)
    first[1:] = (strict[1:] != strict[:-1]) | (loose[1:] != loose[:-1])
    tells, arms = np.equal(strict, TRUE), np.equal(loose, FALSE)
    return (first & (tells | arms)) | (tells & arms)


def _truths(  # noqa: PLR0911 - one of each kind of part
    tree: Tree, columns: Columns, lean: Lean, counting: Counting
) -> Truths:
    match tree:
        case Both(parts):
            return _folded(np.minimum, [_truths(each, columns, lean, counting) for each in parts])
        case Either(parts):
            return _folded(np.maximum, [_truths(each, columns, lean, counting) for each in parts])
        case Not(part):
            turned: Lean = 0 if lean == 0 else -1 if lean == 1 else 1
            return (TRUE - _truths(part, columns, turned, counting)).astype(np.int8)
        case AtClose(part):
            return _truths(part, columns, lean, counting)
        case Lasting(part, looks):
            now = _truths(part, columns, lean, counting)
            if lean == 1:
                return now
            return _lasted(now, _truths(part, columns, 0, counting), looks, counting)
        case NewExtreme() | Story():
            held = columns.held_column(tree, loose=lean == 1)
            return np.where(held < 0, UNKNOWN, np.where(held > 0, TRUE, FALSE)).astype(np.int8)
        case _:
            value = columns.column(tree.measure)
            return _compared(tree, value, _thresholds(tree, columns, len(value)), lean)


def _thresholds(asked: Comparison, columns: Columns, rows: int) -> Floats:
    if isinstance(asked.threshold, float):
        return np.full(rows, asked.threshold)
    return columns.column(asked.threshold)


def _compared(asked: Comparison, value: Floats, against: Floats, lean: Lean) -> Truths:
    if isinstance(asked.threshold, float):
        limits: Floats | float = limit_of(asked, asked.threshold, lean)
    else:
        limits = np.array([limit_of(asked, each, lean) for each in against.tolist()])
    with np.errstate(invalid="ignore"):
        reached = value >= limits if asked.direction == "up" else value <= limits
    unknown = np.isnan(value) | np.isnan(against)
    return np.where(unknown, UNKNOWN, np.where(reached, TRUE, FALSE)).astype(np.int8)


def _folded(fold: Callable[[Truths, Truths], Truths], columns: list[Truths]) -> Truths:
    first, *others = columns
    for each in others:
        first = fold(first, each)
    return first


def _lasted(now: Truths, strict: Truths, looks: int, counting: Counting) -> Truths:
    """Return whether a part holds and has at so many looks in a row."""
    lasted = _runs(strict, looks, counting) >= looks
    return np.where(lasted | (now == UNKNOWN), now, FALSE).astype(np.int8)


def _runs(strict: Truths, looks: int, counting: Counting) -> Counts:
    """Count the bars in a row that hold, `looks` at most; what nobody knows neither counts nor ends a run."""
    runs = np.zeros(len(strict), np.int64)
    run = 0
    for row, truth in enumerate(strict.tolist()):
        if counting.alone or row == counting.since:
            run = 0
        run = min(run + 1, looks) if truth == TRUE else 0 if truth == FALSE else run
        runs[row] = run
    return runs


def moved_at(
    row: int, record: float, strict: Truths, loose: Truths, *, anew: bool = True
) -> tuple[float, bool]:
    """Return a gate's record after a bar's one look, and whether that tells; `moved_on` takes the step."""
    return moved_on(record, _TRUTHS[strict[row]], _TRUTHS[loose[row]], anew=anew)


def stood_after(rows: Iterable[int], strict: Truths, loose: Truths) -> float:
    """Return the record of a gate that has looked at some bars and told nobody: -1 where it holds, else 0."""
    record = 0.0
    for row in rows:
        record, _ = moved_at(row, record, strict, loose)
    return -1.0 if record % 2 else 0.0


def stood_before(tree: Tree, columns: Columns) -> float | None:
    """Return the record of a gate that has looked at every bar and told nobody: -1 where it holds, else 0.

    None where nobody knows of the last bar, and it did not hold before.
    """
    strict, loose = judged_columns(tree, columns)
    stood = stood_after(np.flatnonzero(may_change(strict, loose, anew=True)).tolist(), strict, loose)
    if not stood and (not len(strict) or strict[-1] == UNKNOWN):
        return None
    return stood
