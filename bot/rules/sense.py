"""What can never hold, or never be meant, in a condition that reads well."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from lark import Token

from bot.errors import GrammarError
from bot.rules.conditions import AutoSteps, Condition, DayMove, FixedSteps, FromBase, FromExtreme, Gate
from bot.rules.measures import (
    Average,
    Breadth,
    Change,
    ChangeSince,
    Day,
    Drawdown,
    FromCost,
    Gap,
    Measure,
    OffLow,
    Position,
    Premium,
    Price,
    Ratio,
    Rsi,
    Sigmas,
    SinceTold,
    Streak,
    Volume,
    plain,
)
from bot.rules.terms import AtClose, Both, Comparison, Either, Lasting, NewExtreme, Not, Story, Tree

MOST_SIGNS = 500
MOST_TERMS = 20
DEEPEST = 20

_WHOLE = 100.0
_MOST_PERCENT = 100_000.0
_MOST_LOOKS = 1_000
_MOST_HOURS = 24 * 30
_MOST_TIMES = 10_000.0
_FEWEST_SESSIONS = 2
_MOST_SESSIONS = 2_500
_MOST_OF_SPAN = {"m": 600, "h": 240, "sessions": _MOST_SESSIONS}
_FALLING = (Day, Change, ChangeSince, SinceTold, FromCost, Gap, Premium)

_Literal = tuple[Tree, bool]


def check_size(line: str, tokens: list[Token]) -> None:
    """Refuse a line that is longer or deeper than anybody writes, before it is read."""
    if len(line) > MOST_SIGNS:
        raise GrammarError(
            f"The line has {len(line):,} characters: write it in {MOST_SIGNS} at most, or as several rules."
        )
    depth = deepest = 0
    for token in tokens:
        depth += {"LPAR": 1, "RPAR": -1}.get(token.type, 0)
        deepest = max(deepest, depth)
    if deepest + sum(token.type == "NOT" for token in tokens) > DEEPEST:
        raise GrammarError(f"Brackets and nots are nested more than {DEEPEST} deep: write it more plainly.")


def check(condition: Condition) -> None:
    """Refuse what is impossible or never holds; `GrammarError` in one sentence."""
    if not isinstance(condition, Gate):
        _check_ladder(condition)
        return
    terms = list(_terms(condition.tree))
    if len(terms) > MOST_TERMS:
        raise GrammarError(f"There are {len(terms)} parts: write {MOST_TERMS} at most, or several rules.")
    for each in terms:
        _check_term(each)
    for looks in _looks(condition.tree):
        if not 1 < looks <= _MOST_LOOKS:
            raise GrammarError(
                f"For how many looks is a number from 2 to {_MOST_LOOKS:,}, as in for 3 looks."
            )
    _check_together(_without_nots(condition.tree, holds=True))


def _terms(tree: Tree) -> Iterator[Comparison | NewExtreme | Story]:
    match tree:
        case Both(parts) | Either(parts):
            for each in parts:
                yield from _terms(each)
        case Not(part) | Lasting(part) | AtClose(part):
            yield from _terms(part)
        case _:
            yield tree


def _looks(tree: Tree) -> Iterator[int]:
    match tree:
        case Both(parts) | Either(parts):
            for each in parts:
                yield from _looks(each)
        case Lasting(part, looks):
            yield looks
            yield from _looks(part)
        case Not(part) | AtClose(part):
            yield from _looks(part)
        case _:
            return


def _check_ladder(ladder: DayMove | FromBase | FromExtreme) -> None:
    if isinstance(ladder, FromExtreme):
        if ladder.side == "peak" and ladder.steps[-1] >= _WHOLE:
            raise GrammarError("A drawdown never reaches 100%: end its steps below that.")
        if ladder.steps[-1] > _MOST_PERCENT:
            raise GrammarError(f"No price is {plain(ladder.steps[-1])}% off its low: write smaller steps.")
        return
    if isinstance(ladder, FromBase):
        _check_measure(ladder.base)
    steps = ladder.ladder
    last = steps.steps[-1] if isinstance(steps, FixedSteps) else _furthest(steps)
    if last > _MOST_PERCENT:
        raise GrammarError(f"No price moves by {plain(last)}%: write smaller steps.")
    if "down" in ladder.directions and last >= _WHOLE:
        raise GrammarError("A price never falls by 100%: end the steps downwards below that.")
    if isinstance(steps, AutoSteps) and not _FEWEST_SESSIONS <= steps.lookback <= _MOST_SESSIONS:
        raise GrammarError(
            f"Deviations are of {_FEWEST_SESSIONS} to {_MOST_SESSIONS:,} sessions, as in 2σ60."
        )


def _furthest(steps: AutoSteps) -> float:
    return steps.cap * steps.multiples[-1]


def _check_term(term: Comparison | NewExtreme | Story) -> None:
    if isinstance(term, Story) and term.hours > _MOST_HOURS:
        raise GrammarError(f"News is looked for {_MOST_HOURS} hours back at most, as in news buyback 24h.")
    if not isinstance(term, Comparison):
        return
    _check_measure(term.measure)
    if isinstance(term.threshold, float):
        _check_threshold(term, term.threshold)
    else:
        _check_measure(term.threshold)


def _check_measure(measure: Measure) -> None:
    match measure:
        case Change(count, span) if count > _MOST_OF_SPAN[span]:
            most = f"{_MOST_OF_SPAN[span]:,}{' sessions' if span == 'sessions' else span}"
            raise GrammarError(f"A change is measured over {most} at most: write it since a date instead.")
        case Sigmas(sessions) | Rsi(sessions) | Average(_, sessions) if not (
            _FEWEST_SESSIONS <= sessions <= _MOST_SESSIONS
        ):
            raise GrammarError(f"“{measure}” needs {_FEWEST_SESSIONS} to {_MOST_SESSIONS:,} sessions.")
        case Volume(sessions) if sessions > _MOST_SESSIONS:
            raise GrammarError(f"“{measure}” is an average of {_MOST_SESSIONS:,} sessions at most.")
        case Breadth(_, direction, pct):
            if not 0 < pct <= _MOST_PERCENT or (direction == "down" and pct >= _WHOLE):
                raise GrammarError(f"No constituent is {direction} {plain(pct)}%: write down 3% or the like.")
        case _:
            return


def _check_threshold(term: Comparison, threshold: float) -> None:
    measure, shown = term.measure, f"{plain(threshold)}{term.measure.unit}"
    remedy = ""
    match measure:
        case Drawdown() if not 0 <= threshold < _WHOLE:
            remedy = "a drawdown is between 0 and 100%, as in drawdown > 20%"
        case OffLow() if threshold < 0:
            remedy = "a price is never below its low, so write off low > 20%"
        case Rsi() | Position() if not 0 <= threshold <= _WHOLE:
            remedy = "it runs from 0 to 100"
        case Price() | Average() | Ratio() | Volume() if threshold <= 0:
            remedy = "it is always above 0"
        case Breadth() if threshold <= 0:
            remedy = "at least one constituent must be counted"
        case Streak() if threshold == 0 or not threshold.is_integer():
            remedy = "a streak is a whole number of closes, as in streak > 3 or streak < -3"
        case _ if isinstance(measure, _FALLING) and threshold <= -_WHOLE:
            remedy = "no price falls by 100%"
        case Sigmas() | Volume() | Streak() if abs(threshold) > _MOST_TIMES:
            remedy = "nothing is that large; write a smaller number"
        case _ if measure.unit == "%" and abs(threshold) > _MOST_PERCENT:
            remedy = "nothing moves that far; write a smaller number"
        case _:
            return
    raise GrammarError(f"“{measure}” cannot be compared with {shown}: {remedy}.")


def _without_nots(tree: Tree, *, holds: bool) -> Tree:
    """Carry nots inwards, down to single parts."""
    match tree:
        case Not(part):
            return _without_nots(part, holds=not holds)
        case Both(parts) | Either(parts):
            kind = Both if isinstance(tree, Both) == holds else Either
            return kind(tuple(_without_nots(each, holds=holds) for each in parts))
        case Lasting(part) | AtClose(part) if holds:
            # What has lasted holds now, and what holds at the close does so at the look that knows it.
            return _without_nots(part, holds=True)
        case _:
            return tree if holds else Not(tree)


def _check_together(tree: Tree) -> None:
    """Refuse parts that are joined by and, at any depth, and never hold together."""
    if isinstance(tree, Either | Both):
        for each in tree.parts:
            _check_together(each)
    if not isinstance(tree, Both):
        return
    pair: tuple[_Literal, _Literal] | None = None
    for literals in _ways(tree):
        pair = _contradiction(literals)
        if pair is None:
            return
    one, other = map(_said, pair or ())
    raise GrammarError(f"“{one}” and “{other}” never hold together: join them by or, or change one.")


def _ways(tree: Tree) -> list[tuple[_Literal, ...]]:
    """Return the ways in which a tree can hold; of 20 parts they are 1,458 at most: 3 x 3 x ... x 2."""
    if isinstance(tree, Either):
        return [way for each in tree.parts for way in _ways(each)]
    if isinstance(tree, Both):
        found: list[tuple[_Literal, ...]] = [()]
        for each in tree.parts:
            found = [(*before, *way) for before in found for way in _ways(each)]
        return found
    return [((tree.part, False),)] if isinstance(tree, Not) else [((tree, True),)]


def _contradiction(literals: tuple[_Literal, ...]) -> tuple[_Literal, _Literal] | None:
    for one, other in combinations(literals, 2):
        if one[0] == other[0] and one[1] != other[1]:
            return one, other
        if _apart(one, other):
            return one, other
    return None


def _apart(one: _Literal, other: _Literal) -> bool:
    """Tell whether two bounds of one measure leave nothing between them."""
    here, there = one[0], other[0]
    if not isinstance(here, Comparison) or not isinstance(there, Comparison):
        return False
    if here.measure != there.measure:
        return False
    if not isinstance(here.threshold, float) or not isinstance(there.threshold, float):
        return here.threshold == there.threshold and here.direction == there.direction and one[1] != other[1]
    low, high = (one, other) if _is_floor(one) else (other, one)
    if not _is_floor(low) or _is_floor(high):
        return False
    floor, ceiling = _number(low[0]), _number(high[0])
    # A bound that is denied leaves out its own number.
    return floor > ceiling or (floor == ceiling and not (low[1] and high[1]))


def _is_floor(literal: _Literal) -> bool:
    term, holds = literal
    return isinstance(term, Comparison) and (term.direction == "up") == holds


def _number(term: object) -> float:
    return term.threshold if isinstance(term, Comparison) and isinstance(term.threshold, float) else 0.0


def _said(literal: _Literal) -> str:
    term, holds = literal
    return str(term) if holds else f"not {term}"
