"""Conditions as values, their canonical text and their revision.

A ladder has steps on one measure of an instrument's own price, and tells each once an episode. A gate is any
other condition, of one part or of many: it tells when it comes to hold.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import count, islice
from typing import Literal

from bot.market.bars import Reference, Side
from bot.market.extremes import Window
from bot.rules.measures import ChangeSince, Direction, FromCost, plain
from bot.rules.terms import Tree

OWN = "own:"
"""What the revision of a chat's own rule begins with; its name and a part of its own follow."""

_REVISION_LENGTH = 12
# Further steps are as many as anybody will live to see, and few enough to walk through.
_MOST_STEPS = 60
_BOTH: tuple[Direction, ...] = ("up", "down")

Trigger = Literal["touch", "close"]
Often = Literal["each episode", "once", "once a session"]
Urgency = Literal["normal", "quiet", "urgent"]


def _listed(steps: tuple[float, ...]) -> str:
    return "/".join(plain(each) for each in steps)


@dataclass(frozen=True, slots=True)
class FixedSteps:
    """Steps in per cent, the same on every day; beyond the last, one `every` further per cent, if not 0."""

    steps: tuple[float, ...]
    every: float = 0.0

    def __str__(self) -> str:
        return f"{_listed(self.steps)}%" + (f" every {plain(self.every)}%" if self.every else "")

    def on(self, sigma: float | None) -> tuple[float, ...]:
        """Return the steps, whatever the volatility."""
        del sigma
        if not self.every:
            return self.steps
        further = (self.steps[-1] + self.every * each for each in count(1))
        return (*self.steps, *islice(further, _MOST_STEPS - len(self.steps)))


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
    directions: tuple[Direction, ...] = _BOTH
    trigger: Trigger = "touch"

    def __str__(self) -> str:
        if self.directions == _BOTH:
            return f"±{self.ladder}{_at(self.trigger)}"
        return _one_sided("day", self.directions[0], self.ladder) + _at(self.trigger)

    @property
    def lookback(self) -> int | None:
        """The number of returns that the steps need, if any."""
        return self.ladder.lookback if isinstance(self.ladder, AutoSteps) else None


@dataclass(frozen=True, slots=True)
class FromBase:
    """The move from a price that stays as it is: one's own, or a close of the past; an episode never ends."""

    base: FromCost | ChangeSince
    ladder: FixedSteps
    directions: tuple[Direction, ...] = _BOTH
    trigger: Trigger = "touch"

    def __str__(self) -> str:
        if self.directions == _BOTH:
            return f"{self.base} ±{self.ladder}{_at(self.trigger)}"
        return _one_sided(str(self.base), self.directions[0], self.ladder) + _at(self.trigger)


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


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition that comes to hold, is told, and must cease to hold before it is told again.

    It ceases only beyond its measures' slack. Where a part of it is of the session, such as its move, each
    session is an episode of its own. A price alone is judged by touch, all else by the last price.
    """

    tree: Tree

    def __str__(self) -> str:
        return str(self.tree)


Ladder = DayMove | FromBase | FromExtreme
Condition = Ladder | Gate


@dataclass(frozen=True, slots=True)
class Telling:
    """How often a rule tells, up to which session, how loudly, and the note that it adds."""

    often: Often = "each episode"
    until: date | None = None
    urgency: Urgency = "normal"
    note: str = ""

    def __str__(self) -> str:
        words = (
            "" if self.often == "each episode" else self.often,
            "" if self.until is None else f"until {self.until.isoformat()}",
            "" if self.urgency == "normal" else self.urgency,
            f'note "{self.note}"' if self.note else "",
        )
        return " ".join(each for each in words if each)


_PLAINLY = Telling()


@dataclass(frozen=True)
class Rule:
    """A named condition and the instruments it looks at: the operator's, or one that a `chat` made.

    What rules that are told `together` raise in one market, session and direction is one message.
    """

    name: str
    condition: Condition
    symbols: frozenset[str]
    together: bool = False
    telling: Telling = _PLAINLY
    chat: str = ""

    @cached_property
    def revision(self) -> str:
        """The condition's identity: another canonical text, or another how-often, is another revision.

        That of a chat's own rule begins with `own:` and the rule's name, so that its records are found by it.
        """
        text = f"{self.name}\n{self.condition}"
        if self.telling.often != "each episode":
            text += f"\n{self.telling.often}"
        identity = hashlib.sha256(text.encode()).hexdigest()[:_REVISION_LENGTH]
        return f"{OWN}{self.name}:{identity}" if self.chat else identity


def _one_sided(measure: str, direction: Direction, ladder: FixedSteps | AutoSteps) -> str:
    return f"{measure} > {ladder}" if direction == "up" else f"{measure} < -{ladder}"


def _at(trigger: Trigger) -> str:
    return " at close" if trigger == "close" else ""
