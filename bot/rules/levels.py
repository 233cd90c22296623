"""The alerts on one measure of one instrument, by what each of them waits for.

Armed, an alert waits for the measure to reach its threshold; told, for it to come back beyond its slack, or
for a new episode. So each side has two piles, and what a look reaches is on top of one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from math import inf, nextafter
from typing import NamedTuple

from bot.rules.sorted_columns import Pile
from bot.rules.terms import Direction
from bot.rules.threshold import Key

_GC_HEADER = 16
# two floats, two bound methods, an integer
_SMALL = 2 * 24 + 2 * 64 + 28


class Reached(NamedTuple):
    """The numbers of the alerts whose threshold a look reached, and of those told that it came back for."""

    fired: Sequence[int]
    back: Sequence[int]


NOTHING = Reached((), ())
_NONE = Pile()


class Side:
    """The alerts of one side. Inside, upwards is always towards the threshold: below, all is negated."""

    __slots__ = ("armed", "slack", "told")

    def __init__(self, key: Key) -> None:
        self.armed = _NONE
        self.told = _NONE
        self.slack = key.measure.slack if key.again == "back" else None

    def back(self, level: float) -> float:
        """Return what a told alert must come back beyond."""
        return -inf if self.slack is None else level - self.slack(level)

    @property
    def nearest_back(self) -> float:
        """The level beyond which the next told alert is armed again."""
        top = self.told.top
        return top if top == -inf else self.back(top)

    def reached(self, far: float) -> Sequence[int]:
        """Return the armed alerts that a look reached which went up to `far`."""
        return self.armed.reached(-far) if -far <= self.armed.top else ()

    def came_back(self, near: float) -> Sequence[int]:
        """Return the told alerts that a look came back beyond the slack of which went down to `near`."""
        return self.told.reached(nextafter(near, inf), self.back) if near < self.nearest_back else ()

    def put(self, level: float, number: int, *, told: bool) -> None:
        """Put in an alert that is not there."""
        if told:
            self.told = _own(self.told)
            self.told.add(level, number)
        else:
            self.armed = _own(self.armed)
            self.armed.add(-level, number)

    def fill(self, entries: Sequence[tuple[float, int]]) -> None:
        """Put in many levels and numbers at once, armed."""
        self.armed = _own(self.armed)
        turned = sorted([(-level, number) for level, number in entries])
        self.armed.extend([key for key, _ in turned], [number for _, number in turned])

    def take(self, level: float, number: int) -> bool:
        """Take an alert out of whichever pile it is in; False where it is in none."""
        return self.armed.discard(-level, number) or self.told.discard(level, number)

    def tell(self, numbers: Sequence[int], level: Callable[[int], float]) -> None:
        """Move armed alerts to the told; those that are not armed stay as they are."""
        self.told = _own(self.told)
        _move(self.armed, self.told, numbers, lambda number: -level(number))

    def arm(self, numbers: Sequence[int], level: Callable[[int], float]) -> None:
        """Move told alerts to the armed; those that are not told stay as they are."""
        self.armed = _own(self.armed)
        _move(self.told, self.armed, numbers, level)


def _own(pile: Pile) -> Pile:
    """Return a pile that may be changed: most never need one of their own."""
    return Pile() if pile is _NONE else pile


def _move(of: Pile, to: Pile, numbers: Sequence[int], key: Callable[[int], float]) -> None:
    """Move entries to the pile that counts the other way; those on top, which is the usual, all at once."""
    lifted = of.lift(numbers)
    if lifted is None:
        for number in numbers:
            if of.discard(key(number), number):
                to.add(-key(number), number)
        return
    turned = [-each for each in reversed(lifted)]
    moved = list(reversed(numbers))
    if len(set(turned)) < len(turned):
        # Equal keys lie in the order of their numbers in either pile.
        pairs = sorted(zip(turned, moved, strict=True))
        turned, moved = [each for each, _ in pairs], [number for _, number in pairs]
    to.extend(turned, moved)


class Levels:
    """The alerts on one measure of one instrument; `Thresholds` makes and changes them."""

    __slots__ = ("_above", "_below", "down", "key", "place", "up")

    def __init__(self, key: Key, place: int) -> None:
        self.key = key
        self.place = place
        self.up = Side(key)
        self.down = Side(key)
        self.guard()

    def reached(self, low: float, high: float) -> Reached:
        """Return what a look proposes over which the measure went from `low` to `high`; nothing is moved."""
        # Not-a-number reaches nothing.
        if not (high >= self._above or low <= self._below):
            return NOTHING
        up, down = self.up, self.down
        fired = _joined(up.reached(high), down.reached(-low))
        back = _joined(up.came_back(low), down.came_back(-high))
        return Reached(fired, back) if fired or back else NOTHING

    def side(self, side: Direction) -> Side:
        """Return the alerts of one side."""
        return self.up if side == "up" else self.down

    def bytes(self) -> int:
        """Return what they take."""
        own = sum(sys.getsizeof(each) + _GC_HEADER for each in (self, self.key, self.up, self.down))
        piles = (self.up.armed, self.up.told, self.down.armed, self.down.told)
        # the two numbers of the guard, its bound method for the slack, and the place
        return own + _SMALL + sum(each.bytes() for each in piles if each is not _NONE)

    def guard(self) -> None:
        """Note the nearest thresholds anew: those of both sides, in both directions, or a dip hides some."""
        up, down = self.up, self.down
        self._above = min(-up.armed.top, -down.nearest_back)
        self._below = max(down.armed.top, up.nearest_back)


def _joined(one: Sequence[int], other: Sequence[int]) -> Sequence[int]:
    return (*one, *other) if one and other else one or other
