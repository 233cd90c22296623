"""Steps of a ladder, made of what the grammar found."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from lark import Token, v_args

from bot.rules import bounds
from bot.rules.bounds import Misplaced, Steps
from bot.rules.conditions import AutoSteps
from bot.rules.line import AutoOfKind
from bot.rules.written import number_of, place_of, whole_of

_FEWEST_RETURNS = 2
_DOTS_AFTER = 2


class StepsBuilder:
    """Makes numbers and steps; see `Builder`."""

    def steps(self, children: list[Any]) -> Steps:
        """Numbers parted by strokes, with dots for those between, and how far apart further ones are."""
        every = children.pop()[1] if isinstance(children[-1], tuple) else None
        numbers = [each for each in children if isinstance(each, Steps)]
        units = {each.unit for each in numbers} - {""}
        at = numbers[0].at
        if len(units) > 1:
            raise Misplaced("All steps have one unit: write 2/3/5%.", at)
        found = _filled(children, at)
        width = 0.0
        if every is not None:
            width = every.one
            if width <= 0 or every.unit not in {"", "%"}:
                raise Misplaced("Further steps are so many per cent apart, as in every 1%.", every.at)
        return Steps(found, units.pop() if units else "", at, width)

    @v_args(inline=True)
    def further(self, step: Steps) -> tuple[str, Steps]:
        """How far apart further steps are."""
        return "every", step

    @v_args(inline=True)
    def bare_step(self, number: Token) -> Steps:
        """A number without a unit."""
        return Steps((number_of(number),), "", place_of(number))

    @v_args(inline=True)
    def percent_step(self, number: Token) -> Steps:
        """A number of per cent."""
        return Steps((number_of(number),), "%", place_of(number))

    @v_args(inline=True)
    def times_step(self, number: Token) -> Steps:
        """A number of times."""
        return Steps((number_of(number),), "x", place_of(number))

    @v_args(inline=True)
    def sigma_step(self, number: Token) -> Steps:
        """A number of deviations."""
        return Steps((number_of(number),), "σ", place_of(number))

    def auto_of_kind(self, _: list[Any]) -> AutoOfKind:
        """Steps that follow the volatility as suits the kind of instrument."""
        return AutoOfKind()

    def auto(self, children: list[Any]) -> AutoSteps:
        """Steps that follow the volatility as it is said."""
        times, lookback, floor, cap, *multiples = children
        steps = multiples[0] if multiples else (1.0, 1.5, 2.5)
        auto = AutoSteps(number_of(times), whole_of(lookback), number_of(floor), number_of(cap), steps)
        measurable = auto.times > 0 and auto.lookback >= _FEWEST_RETURNS
        if not measurable or not 0 < auto.floor <= auto.cap or steps[0] != 1:
            raise Misplaced(
                "auto needs a factor above 0, 2 or more sessions, a floor up to its cap, a ladder from 1.",
                place_of(times),
            )
        return auto

    def multiples(self, children: list[Token]) -> tuple[float, ...]:
        """The multiples of the first step."""
        return Steps(tuple(map(number_of, children)), "", place_of(children[0])).fixed().steps


def _filled(children: list[Any], at: int) -> tuple[float, ...]:
    """Return the numbers of steps, with those that dots stand for."""
    dots = [position for position, each in enumerate(children) if isinstance(each, Token)]
    if not dots:
        return tuple(each.numbers[0] for each in children)
    if len(dots) > 1 or dots[0] < _DOTS_AFTER or dots[0] != len(children) - 2:
        raise Misplaced("Dots stand before the last step, as in 10/20/../90%.", at)
    *before, first, second, _, last = (
        Decimal(0) if isinstance(each, Token) else Decimal(repr(each.numbers[0])) for each in children
    )
    return (*map(float, before), *bounds.evenly(first, second, last, at))
