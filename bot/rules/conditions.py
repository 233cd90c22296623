"""Conditions as values, their canonical text and their revision."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from bot.market.bars import Reference, Side
from bot.market.extremes import Window

_REVISION_LENGTH = 12

Trigger = Literal["touch", "close"]


def plain(number: float) -> str:
    """Write a step without needless zeros."""
    return f"{number:g}"


def _listed(steps: tuple[float, ...]) -> str:
    return "/".join(plain(each) for each in steps)


@dataclass(frozen=True, slots=True)
class FixedSteps:
    """Steps in per cent, the same on every day."""

    steps: tuple[float, ...]

    def __str__(self) -> str:
        return f"{_listed(self.steps)}%"

    def on(self, sigma: float | None) -> tuple[float, ...]:
        """Return the steps, whatever the volatility."""
        del sigma
        return self.steps


@dataclass(frozen=True, slots=True)
class AutoSteps:
    """Steps that follow the volatility: `times` sigma between `floor` and `cap`, rounded to 0.5%.

    Further steps are the multiples of the first. Where sigma is not known the cap holds.
    """

    times: float
    lookback: int
    floor: float
    cap: float
    multiples: tuple[float, ...]

    def __str__(self) -> str:
        return (
            f"auto({plain(self.times)}σ{self.lookback}, {plain(self.floor)}%, {plain(self.cap)}%)"
            f" ladder {_listed(self.multiples)}"
        )

    def on(self, sigma: float | None) -> tuple[float, ...]:
        """Return the steps in per cent for a day before which the volatility was `sigma`, a ratio."""
        first = self.cap
        if sigma is not None:
            first = min(max(round(sigma * 100 * self.times * 2) / 2, self.floor), self.cap)
        return tuple(first * multiple for multiple in self.multiples)


@dataclass(frozen=True, slots=True)
class DayMove:
    """A session's move against the previous close; upwards and downwards are two ladders."""

    ladder: FixedSteps | AutoSteps

    def __str__(self) -> str:
        return f"±{self.ladder}"

    @property
    def lookback(self) -> int | None:
        """The number of returns that the steps need, if any."""
        return self.ladder.lookback if isinstance(self.ladder, AutoSteps) else None


@dataclass(frozen=True, slots=True)
class FromExtreme:
    """A distance from an extreme: up from the low, or down from the peak, in positive steps of per cent."""

    side: Side
    steps: tuple[float, ...]
    reference: Reference
    trigger: Trigger
    window: Window

    def __str__(self) -> str:
        name = "off low" if self.side == "low" else "drawdown"
        return (
            f"{name} {_listed(self.steps)}% reference {self.reference}, trigger {self.trigger}, "
            f"window {self.window}, re-arm on new {self.side}"
        )


Condition = DayMove | FromExtreme


@dataclass(frozen=True)
class Rule:
    """A named condition and the instruments it looks at.

    What rules that are told `together` raise in one market, session and direction is one message.
    """

    name: str
    condition: Condition
    symbols: frozenset[str]
    together: bool = False

    @cached_property
    def revision(self) -> str:
        """The condition's identity: another canonical text is another revision."""
        text = f"{self.name}\n{self.condition}"
        return hashlib.sha256(text.encode()).hexdigest()[:_REVISION_LENGTH]
