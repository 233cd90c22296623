"""What a condition compares, and how conditions are put together, as values; `str` is the canonical text."""

from __future__ import annotations

from dataclasses import dataclass

from bot.market.bars import Reference, Side
from bot.market.extremes import Window
from bot.rules.measures import Breadth, Direction, Measure, plain, suffix_of


@dataclass(frozen=True, slots=True)
class Comparison:
    """A measure at or over a threshold (`up`) or at or under it (`down`), which may be a measure too."""

    measure: Measure
    direction: Direction
    threshold: float | Measure

    def __str__(self) -> str:
        if isinstance(self.measure, Breadth) and isinstance(self.threshold, float):
            least = "" if self.direction == "up" else "at most "
            return f"{least}{plain(self.threshold)} {self.measure}"
        sign = ">" if self.direction == "up" else "<"
        if not isinstance(self.threshold, float):
            return f"{self.measure} {sign} {self.threshold}"
        return f"{self.measure} {sign} {plain(self.threshold)}{self.measure.unit}"


@dataclass(frozen=True, slots=True)
class NewExtreme:
    """The price goes beyond the low or the peak of a window that ended with the session before."""

    side: Side
    window: Window
    reference: Reference = "close"

    def __str__(self) -> str:
        return f"new {'low' if self.side == 'low' else 'high'} {self.window}{suffix_of(self.reference)}"


@dataclass(frozen=True, slots=True)
class Story:
    """A story that bears on a topic of news came in within the last `hours`."""

    topic: str
    hours: int

    def __str__(self) -> str:
        return f"news {self.topic} {self.hours}h"


@dataclass(frozen=True, slots=True)
class Both:
    """All of the parts hold at once."""

    parts: tuple[Tree, ...]

    def __str__(self) -> str:
        return " and ".join(_bracketed(each, Either) for each in self.parts)


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of the parts holds."""

    parts: tuple[Tree, ...]

    def __str__(self) -> str:
        return " or ".join(_bracketed(each) for each in self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Tree

    def __str__(self) -> str:
        return f"not {_bracketed(self.part, Both, Either)}"


@dataclass(frozen=True, slots=True)
class Lasting:
    """The part has held at `looks` looks in a row."""

    part: Tree
    looks: int

    def __str__(self) -> str:
        return f"({self.part} for {self.looks} looks)"


@dataclass(frozen=True, slots=True)
class AtClose:
    """The part holds at the official close; before it is known, nobody knows."""

    part: Tree

    def __str__(self) -> str:
        return f"({self.part} at close)"


Tree = Comparison | NewExtreme | Story | Both | Either | Not | Lasting | AtClose


def _bracketed(part: Tree, *looser: type) -> str:
    return f"({part})" if isinstance(part, looser) else str(part)
