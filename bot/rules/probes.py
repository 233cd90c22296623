"""How far a look took what thresholds are on: what an index of thresholds is asked with.

What a ladder compares with is the same for all its steps, so one footing answers for every threshold on it.
The range is a superset: it may propose what the step function denies, and never leaves out what it takes.
"""

from __future__ import annotations

from math import nan

from bot.errors import GrammarError
from bot.market.measures import change_pct
from bot.market.quote import Look
from bot.rules.conditions import DayMove, FixedSteps, FromBase, FromExtreme, Gate, Rule
from bot.rules.footing import Footing
from bot.rules.grammar import parse_line
from bot.rules.measures import ChangeSince, Day, Drawdown, Measure, OffLow, Price
from bot.rules.terms import Comparison, Not
from bot.rules.threshold import Key, widened

_ANY_STEP = (1.0,)


def read_measure(text: str) -> Measure | None:
    """Read a measure's canonical text; None where nothing reads like it any more."""
    whole = f"10 {text}" if text.startswith("of ") else f"{text} > 5"
    try:
        condition = parse_line(f"X not ({whole})").condition
    except GrammarError:
        return None
    match condition:
        case Gate(Not(Comparison(measure))) if str(measure) == text:
            return measure
        case _:
            return None


def probe_of(key: Key) -> Rule | None:
    """Return a rule with the footing that all thresholds of a key share; None for what has no footing."""
    steps = FixedSteps(_ANY_STEP)
    match key.measure:
        case Day():
            condition: DayMove | FromBase | FromExtreme = DayMove(steps)
        case ChangeSince() as base:
            condition = FromBase(base, steps)
        case OffLow(window, reference):
            condition = FromExtreme("low", _ANY_STEP, reference, "touch", window)
        case Drawdown(window, reference):
            condition = FromExtreme("peak", _ANY_STEP, reference, "touch", window)
        case _:
            return None
    return Rule(str(key.measure), condition, frozenset((key.symbol,)))


def range_of_price(look: Look) -> tuple[float, float]:
    """Return the prices that a look spans."""
    return widened(look.low, look.high)


def range_from(footing: Footing | None, look: Look) -> tuple[float, float]:
    """Return the changes from a footing's reference that a look spans, in per cent; not-a-number without one.

    Off a low it counts upwards, and a drawdown downwards, as thresholds on them do. Where the look made a new
    extreme, its far end is counted from that.
    """
    if footing is None:
        return nan, nan
    base = footing.reference.value
    if footing.measure == "drawdown":
        peak = max(base, look.high)
        return widened(0 - change_pct(look.high, base), 0 - change_pct(look.low, peak))
    if footing.measure == "off low":
        return widened(change_pct(look.low, base), change_pct(look.high, min(base, look.low)))
    return widened(change_pct(look.low, base), change_pct(look.high, base))


def range_of_value(value: float | None) -> tuple[float, float]:
    """Return the range of a measure that is known by its last value alone; nothing where it is not known."""
    return (nan, nan) if value is None else widened(value, value)


def is_of_price(key: Key) -> bool:
    """Tell whether a key's thresholds are levels of the price."""
    return isinstance(key.measure, Price)
