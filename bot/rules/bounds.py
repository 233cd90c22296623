"""What a measure is compared with, as it was written, and what that makes of the two.

A move of the price with steps ahead of it is a ladder as long as it stands by itself; joined with anything,
it is a comparison like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from bot.market.bars import Side
from bot.rules.conditions import (
    AutoSteps,
    Condition,
    DayMove,
    FixedSteps,
    FromBase,
    FromExtreme,
    Gate,
    Trigger,
)
from bot.rules.measures import (
    Against,
    Average,
    Change,
    ChangeSince,
    Day,
    Direction,
    Drawdown,
    FromCost,
    Gap,
    Measure,
    OffLow,
    Premium,
    Price,
    Sigmas,
    SinceTold,
    plain,
)
from bot.rules.terms import AtClose, Comparison, Either, Tree

MOST_STEPS = 60
_NORMAL = 60
_MOVES = (Day, Change, ChangeSince, SinceTold, FromCost, Gap, Against, Premium, Sigmas)
_PRICES = (Price, Average)
_IN_UNIT = {"": "a bare number, as 15", "%": "per cent, as 2%", "x": "times, as 2x", "σ": "deviations, as 2σ"}
_WHOLE_FALL = 100


class Misplaced(Exception):
    """A mistake in what a line means: one sentence, and its place in the line where it has one."""

    def __init__(self, sentence: str, at: int | None = None) -> None:
        super().__init__(sentence)
        self.at = at


@dataclass(frozen=True, slots=True)
class Steps:
    """Numbers as they were written, their unit, and how far apart further ones are."""

    numbers: tuple[float, ...]
    unit: str
    at: int
    every: float = 0.0

    @property
    def one(self) -> float:
        """The only number; `Misplaced` where there are more."""
        if len(self.numbers) > 1 or self.every:
            raise Misplaced("Only a move of the price has a ladder here: write one number.", self.at)
        return self.numbers[0]

    def fixed(self) -> FixedSteps:
        """Return them as a ladder; `Misplaced` where they do not rise."""
        rising = self.numbers[0] > 0 and all(before < after for before, after in pairwise(self.numbers))
        if not rising or len(self.numbers) > MOST_STEPS:
            raise Misplaced("Steps are written above 0 and in rising size, as in 10/20/30%.", self.at)
        return FixedSteps(self.numbers, self.every)


@dataclass(frozen=True, slots=True)
class Bound:
    """What follows a measure: directions, and numbers, steps that follow the volatility, or another measure.

    `signed` says that a number carries its own sign, as after `<`; else a fall of 2% is written “down 2%”.
    """

    directions: tuple[Direction, ...]
    operand: Steps | AutoSteps | Measure
    signed: bool = False
    negative: bool = False

    @property
    def at(self) -> int | None:
        """Its place in the line, where it is a number."""
        return self.operand.at if isinstance(self.operand, Steps) else None


@dataclass(frozen=True, slots=True)
class Laddered:
    """A move that is a ladder if it stands by itself."""

    measure: Day | FromCost | ChangeSince | OffLow | Drawdown
    directions: tuple[Direction, ...]
    ladder: FixedSteps | AutoSteps
    at: int | None
    trigger: Trigger = "touch"


Part = Laddered | Tree


def compared(measure: Measure, bound: Bound) -> Part:
    """Put a measure and what follows it together."""
    operand = bound.operand
    if isinstance(operand, AutoSteps):
        if not isinstance(measure, Day | FromCost | ChangeSince):
            raise Misplaced("Only the day's move takes auto steps: write ±auto.", bound.at)
        return Laddered(measure, bound.directions, operand, bound.at)
    if not isinstance(operand, Steps):
        return _with_measure(measure, bound, operand)
    if isinstance(measure, Day) and operand.unit == "σ":
        measure = Sigmas(_NORMAL)
    if operand.unit not in {"", measure.unit}:
        raise Misplaced(f"“{measure}” is compared with {_IN_UNIT[measure.unit]}.", operand.at)
    if not bound.signed and not isinstance(measure, _MOVES):
        raise Misplaced(f"“{measure}” is compared by > or <.", operand.at)
    if isinstance(measure, Day | FromCost | ChangeSince) and _is_ahead(bound, operand):
        return Laddered(measure, bound.directions, operand.fixed(), operand.at)
    parts = tuple(Comparison(measure, each, _signed(each, bound, operand.one)) for each in bound.directions)
    return Either(parts) if parts[1:] else parts[0]


def alone(bound: Bound) -> Part:
    """Say what is compared where no measure is named: the day's move in per cent, else the price."""
    operand = bound.operand
    if isinstance(operand, Steps) and operand.unit in {"%", "σ"}:
        if bound.signed and bound.directions == ("down",) and not bound.negative and operand.unit == "%":
            shown = plain(operand.numbers[0])
            raise Misplaced(f"Below {shown}% of what? Write down {shown}%, or day < {shown}%.", operand.at)
        return compared(Day(), bound)
    if isinstance(operand, AutoSteps):
        return compared(Day(), bound)
    if not bound.signed:
        if isinstance(operand, Steps) and len(bound.directions) > 1:
            return compared(Day(), bound)
        raise Misplaced("A move is written in per cent, as in up 3%; a level as in above 15.", bound.at)
    return compared(Price(), bound)


def from_extreme(measure: OffLow | Drawdown, bound: Bound, trigger: Trigger) -> Part:
    """Put a distance from an extreme and its steps together."""
    operand = bound.operand
    if not isinstance(operand, Steps):
        raise Misplaced("A distance from an extreme takes steps in per cent, as in 10/20/30%.", bound.at)
    if operand.unit not in {"", "%"}:
        raise Misplaced("A distance from an extreme is written in per cent, as in 20%.", operand.at)
    (direction,) = bound.directions
    if bound.negative:
        if isinstance(measure, OffLow):
            raise Misplaced("A price is never below its low: write off low 20%.", operand.at)
        # What is written as −20% is a drawdown of 20%, and below it is deeper.
        direction = "down" if direction == "up" else "up"
    if direction == "up" and (operand.every or operand.numbers != (0.0,)):
        return Laddered(measure, ("up",), operand.fixed(), operand.at, trigger)
    part = Comparison(measure, direction, operand.one)
    return part if trigger == "touch" else AtClose(part)


def as_tree(part: Part) -> Tree:
    """Return what a part is among others; `Misplaced` for a ladder of several steps."""
    if not isinstance(part, Laddered):
        return part
    ladder = part.ladder
    if isinstance(ladder, AutoSteps) or ladder.steps[1:] or ladder.every:
        raise Misplaced("A ladder stands by itself: among other conditions write one step.", part.at)
    (step,) = ladder.steps
    found = tuple(
        Comparison(
            part.measure,
            each,
            -step if each == "down" else step,
        )
        for each in part.directions
    )
    tree = Either(found) if found[1:] else found[0]
    return AtClose(tree) if part.trigger == "close" else tree


def at_close(part: Part) -> Part:
    """Return a part that is judged by the official close alone."""
    return replace(part, trigger="close") if isinstance(part, Laddered) else AtClose(part)


def condition_of(part: Part) -> Condition:
    """Return a part that stands by itself."""
    if not isinstance(part, Laddered):
        return Gate(part)
    measure, ladder = part.measure, part.ladder
    if isinstance(measure, Day):
        return DayMove(ladder, part.directions, part.trigger)
    if isinstance(ladder, AutoSteps):
        raise Misplaced("Only the day's move takes auto steps: write ±auto.", part.at)
    if isinstance(measure, FromCost | ChangeSince):
        return FromBase(measure, ladder, part.directions, part.trigger)
    side: Side = "low" if isinstance(measure, OffLow) else "peak"
    steps = _spelt_out(ladder, below=None if side == "low" else _WHOLE_FALL)
    return FromExtreme(side, steps, measure.reference, part.trigger, measure.window)


def evenly(first: Decimal, second: Decimal, last: Decimal, at: int) -> tuple[float, ...]:
    """Return the steps of “10/20/../90”."""
    width = second - first
    if width <= 0 or (last - first) % width or last <= second:
        said = f"Steps of {_plainly(width)} from {_plainly(first)} never reach {_plainly(last)}."
        raise Misplaced(said, at)
    count = int((last - first) / width) + 1
    if count > MOST_STEPS:
        raise Misplaced(f"These would be {count} steps: write {MOST_STEPS} at most.", at)
    return tuple(float(first + width * each) for each in range(count))


def _plainly(number: Decimal) -> str:
    return plain(float(number))


def _spelt_out(ladder: FixedSteps, below: int | None) -> tuple[float, ...]:
    if not ladder.every:
        return ladder.steps
    last, width = Decimal(str(ladder.steps[-1])), Decimal(str(ladder.every))
    steps = list(ladder.steps)
    while len(steps) < MOST_STEPS and (below is None or last + width < below):
        last += width
        steps.append(float(last))
    return tuple(steps)


def _is_ahead(bound: Bound, steps: Steps) -> bool:
    """Tell whether the numbers are steps that the price moves towards, not a bound on the other side."""
    if steps.numbers == (0.0,) and not steps.every and bound.signed:
        return False
    return not bound.signed or bound.negative == (bound.directions == ("down",))


def _signed(direction: Direction, bound: Bound, number: float) -> float:
    falls = bound.negative if bound.signed else direction == "down"
    return -number if falls and number else number


def _with_measure(measure: Measure, bound: Bound, other: Measure) -> Comparison:
    levels = isinstance(measure, _PRICES) and isinstance(other, _PRICES)
    moves = isinstance(measure, _MOVES) and isinstance(other, _MOVES) and measure.unit == other.unit
    if not (levels or moves) or measure == other:
        raise Misplaced(f"“{measure}” cannot be compared with “{other}”: write a number.", bound.at)
    (direction,) = bound.directions
    return Comparison(measure, direction, other)
