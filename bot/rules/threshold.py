"""A rule of one threshold: what very many alerts are, and what an index can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from bot.rules.conditions import DayMove, FixedSteps, FromBase, FromExtreme, Gate, Rule
from bot.rules.crossing import level_of
from bot.rules.gates import by_session
from bot.rules.measures import (
    ChangeSince,
    Day,
    Direction,
    Drawdown,
    FromCost,
    Measure,
    OffLow,
    Price,
    SinceTold,
)
from bot.rules.terms import Comparison

Again = Literal["back", "session", "extreme", "never"]
"""What arms an alert that was told: coming back by the slack, the next session, a new extreme, or nothing."""

# Beyond the errors of binary fractions that comparing allows for, in a measure's unit.
_DOUBT = 1e-8
_DOUBTFUL = 1e-12


class Key(NamedTuple):
    """What is measured on which instrument, and what arms again those that were told."""

    symbol: str
    measure: Measure
    again: Again = "back"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A condition of one threshold: reached at or over it (`up`), or at or under it (`down`)."""

    measure: Measure
    side: Direction
    threshold: float
    again: Again = "back"

    def on(self, symbol: str) -> Key:
        """Return where it stands on one instrument."""
        return Key(symbol, self.measure, self.again)


def threshold_of(rule: Rule) -> Threshold | None:  # noqa: PLR0911 - one line a kind
    """Return the one threshold that a rule waits for, or None where it takes more to tell.

    A move from one's own price is a price, a hair short of the exact one, so that instruments have no measure
    for each buyer: what reaches it is only proposed.
    """
    match rule.condition:
        case Gate(Comparison(measure, direction, float(threshold))) if not isinstance(measure, SinceTold):
            return Threshold(measure, direction, threshold, _again(rule))
        case DayMove(FixedSteps((step,), 0.0), (direction,), "touch"):
            return Threshold(Day(), direction, step if direction == "up" else -step, "session")
        case FromBase(ChangeSince() as base, FixedSteps((step,), 0.0), (direction,), "touch"):
            return Threshold(base, direction, step if direction == "up" else -step, "never")
        case FromBase(FromCost(cost), FixedSteps((step,), 0.0), (direction,), "touch"):
            short = 1 - _DOUBTFUL if direction == "up" else 1 + _DOUBTFUL
            return Threshold(Price(), direction, level_of(cost, step, direction) * short, "never")
        case FromExtreme("low", (step,), reference, "touch", window):
            return Threshold(OffLow(window, reference), "up", step, "extreme")
        case FromExtreme("peak", (step,), reference, "touch", window):
            return Threshold(Drawdown(window, reference), "up", step, "extreme")
    return None


def widened(low: float, high: float) -> tuple[float, float]:
    """Return the range of a computed measure, not a price, with what binary fractions may have lost.

    What is proposed for it is a superset of what the step function decides.
    """
    return low - _DOUBT - abs(low) * _DOUBTFUL, high + _DOUBT + abs(high) * _DOUBTFUL


def _again(rule: Rule) -> Again:
    if rule.telling.often == "once":
        return "never"
    return "session" if by_session(rule) else "back"
