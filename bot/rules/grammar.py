"""The words a condition is written in, read into values."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, cast

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, VisitError

from bot.errors import GrammarError
from bot.market.bars import Reference
from bot.market.extremes import Window
from bot.rules.conditions import AutoSteps, Condition, DayMove, FixedSteps, FromExtreme, Trigger

_GRAMMAR = r"""
start: day | off_low | drawdown
day: "±" (auto | fixed)
auto: "auto(" NUMBER "σ" WHOLE "," NUMBER "%" "," NUMBER "%" ")" "ladder" multiples
multiples: NUMBER ("/" NUMBER)*
fixed: steps
off_low: "off" "low" steps _pair "re-arm" "on" "new" "low"
drawdown: "drawdown" steps _pair "re-arm" "on" "new" "peak"
_pair: "reference" REFERENCE "," "trigger" TRIGGER "," "window" WINDOW ","
steps: NUMBER "/" NUMBER "/../" NUMBER "%"      -> evenly
     | NUMBER ("/" NUMBER)* "%"                 -> given
REFERENCE: "close" | "intraday"
TRIGGER: "touch" | "close"
WINDOW: "52w" | "all"
NUMBER.2: /\d+(\.\d+)?/
WHOLE.1: /\d+/
%ignore /\s+/
"""
_EXAMPLES = (
    "“±2/3/5%” or “drawdown 10/20/../90% reference close, trigger touch, window all, re-arm on new peak”"
)
_STEEPEST_DRAWDOWN = 100
_FEWEST_RETURNS = 2


@v_args(inline=True)
class _Reader(Transformer[Token, Condition]):
    def start(self, condition: Condition) -> Condition:
        return condition

    def day(self, ladder: FixedSteps | AutoSteps) -> DayMove:
        return DayMove(ladder)

    def auto(
        self, times: str, lookback: str, floor: str, cap: str, multiples: tuple[float, ...]
    ) -> AutoSteps:
        auto = AutoSteps(float(times), int(lookback), float(floor), float(cap), multiples)
        measurable = auto.times > 0 and auto.lookback >= _FEWEST_RETURNS
        if not measurable or not 0 < auto.floor <= auto.cap or multiples[0] != 1:
            raise GrammarError(
                "auto needs a factor above 0, 2 or more sessions, a floor up to its cap, a ladder from 1."
            )
        return auto

    def multiples(self, *numbers: str) -> tuple[float, ...]:
        return _rising(numbers)

    def fixed(self, steps: tuple[float, ...]) -> FixedSteps:
        return FixedSteps(steps)

    def given(self, *numbers: str) -> tuple[float, ...]:
        return _rising(numbers)

    def evenly(self, first: str, second: str, last: str) -> tuple[float, ...]:
        steps = list(_rising((first, second)))
        width = steps[1] - steps[0]
        while steps[-1] + width <= float(last):
            steps.append(steps[-1] + width)
        if steps[-1] != float(last):
            raise GrammarError(f"Steps of {width:g} from {first} never reach {last}.")
        return tuple(steps)

    def off_low(self, steps: tuple[float, ...], reference: str, trigger: str, window: str) -> FromExtreme:
        return _from_extreme("low", steps, reference, trigger, window)

    def drawdown(self, steps: tuple[float, ...], reference: str, trigger: str, window: str) -> FromExtreme:
        if steps[-1] >= _STEEPEST_DRAWDOWN:
            raise GrammarError("A drawdown never reaches 100%: end its steps below that.")
        return _from_extreme("peak", steps, reference, trigger, window)


def _from_extreme(
    side: Literal["low", "peak"], steps: tuple[float, ...], reference: str, trigger: str, window: str
) -> FromExtreme:
    return FromExtreme(
        side,
        steps,
        cast("Reference", str(reference)),
        cast("Trigger", str(trigger)),
        cast("Window", str(window)),
    )


def _rising(numbers: tuple[str, ...]) -> tuple[float, ...]:
    steps = tuple(float(each) for each in numbers)
    if steps[0] <= 0 or any(before >= after for before, after in pairwise(steps)):
        raise GrammarError("Steps are written above 0 and in rising size, as in 10/20/30%.")
    return steps


_PARSER = Lark(_GRAMMAR, parser="earley", lexer="dynamic")


def parse(text: str) -> Condition:
    """Read a condition; `str` of the answer is its canonical text.

    Raises `GrammarError` with the place of the mistake, or with what its numbers lack.
    """
    try:
        return _Reader().transform(_PARSER.parse(text))
    except UnexpectedInput as error:
        column = getattr(error, "column", 0)
        where = f"at “{text[column - 1 : column + 11]}”" if 0 < column <= len(text) else "at its end"
        raise GrammarError(f"“{text}” is no condition, {where}; write it like {_EXAMPLES}.") from error
    except VisitError as error:
        if isinstance(error.orig_exc, GrammarError):
            raise error.orig_exc from error
        raise
