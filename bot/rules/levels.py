"""The alerts on one measure of one instrument, by what each of them waits for.

Armed, an alert waits for the measure to reach its threshold; told, for it to come back beyond its slack, or
for a new episode. So each side has two piles: what a look reaches is at the bottom of the armed, and what it
came back for is on top of the told.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from math import inf
from typing import NamedTuple

from bot.rules.measures import Direction
from bot.rules.slots import Slots
from bot.rules.sorted_columns import Pile
from bot.rules.threshold import Key

_GC_HEADER = 16
# the four numbers of the guard, and the place
_SMALL = 4 * 24 + 28
# a bound method, which each side has where it has a slack
_METHOD = 64 + _GC_HEADER


class Reached(NamedTuple):
    """The numbers of the alerts whose threshold a look reached, and of those told that it came back for."""

    fired: Sequence[int]
    back: Sequence[int]


NOTHING = Reached((), ())
_NONE = Pile(abs)
_NO_NUMBERS = array("Q")


class Side:
    """The alerts of one side, by levels: upwards is always towards the threshold; for down all is negated."""

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

    def came_back(self, near: float) -> array[int]:
        """Return the told alerts that a look came back beyond the slack of which went down to `near`."""
        return self.told.above(near, self.back)

    def put(self, number: int, slots: Slots, *, told: bool) -> None:
        """Put in an alert that is not there."""
        self._own(slots, told=told).add(number)

    def fill(self, numbers: Iterable[int], slots: Slots) -> None:
        """Put in many alerts at once, armed."""
        ordered = sorted(numbers)
        ordered.sort(key=slots.level_of)
        self._own(slots, told=False).extend(array("Q", ordered))

    def take(self, number: int) -> bool:
        """Take an alert out of whichever pile it is in; False where it is in none."""
        return self.armed.discard(number) or self.told.discard(number)

    def tell(self, numbers: array[int], slots: Slots) -> bool:
        """Move the armed alerts that one look reached to the told; False where they are not these."""
        if not self.armed.take_bottom(numbers):
            return False
        self._own(slots, told=True).extend(numbers)
        return True

    def arm(self, numbers: array[int], slots: Slots) -> bool:
        """Move the told alerts that one look came back for to the armed; False where they are not these."""
        if not self.told.take_top(numbers):
            return False
        self._own(slots, told=False).extend(numbers)
        return True

    def move(self, number: int, slots: Slots, *, told: bool) -> None:
        """Move one alert to the told, or to the armed; it stays where it is if it is there already."""
        if (self.armed if told else self.told).discard(number):
            self._own(slots, told=told).add(number)

    def _own(self, slots: Slots, *, told: bool) -> Pile:
        """Return a pile that may be changed: most never need one of their own."""
        pile = self.told if told else self.armed
        if pile is _NONE:
            pile = Pile(slots.level_of)
            if told:
                self.told = pile
            else:
                self.armed = pile
        return pile


class Levels:
    """The alerts on one measure of one instrument; `Thresholds` makes and changes them."""

    __slots__ = ("_down", "_down_back", "_up", "_up_back", "down", "key", "place", "up")

    def __init__(self, key: Key, place: int) -> None:
        self.key = key
        self.place = place
        self.up = Side(key)
        self.down = Side(key)
        self.guard("up")
        self.guard("down")

    def reached(self, low: float, high: float) -> Reached:
        """Return what a look proposes over which the measure went from `low` to `high`; nothing is moved."""
        # Not-a-number reaches nothing.
        rose, fell = high >= self._up, low <= self._down
        up_back, down_back = low < self._up_back, high > self._down_back
        if not (rose or fell or up_back or down_back):
            return NOTHING
        fired = back = _NO_NUMBERS
        if rose:
            fired = self.up.armed.below(high)
        if fell:
            fired = fired + self.down.armed.below(-low)
        if up_back:
            back = self.up.came_back(low)
        if down_back:
            back = back + self.down.came_back(-high)
        return Reached(fired, back)

    @property
    def is_idle(self) -> bool:
        """Tell whether no look can reach anything here: then what is measured need not be worked out."""
        return self._up == self._down_back == inf and self._down == self._up_back == -inf

    def side(self, side: Direction) -> Side:
        """Return the alerts of one side."""
        return self.up if side == "up" else self.down

    def bytes(self) -> int:
        """Return what they take."""
        sides = (self.up, self.down)
        own = sum(sys.getsizeof(each) + _GC_HEADER for each in (self, self.key, *sides))
        piles = (pile for side in sides for pile in (side.armed, side.told) if pile is not _NONE)
        methods = sum(_METHOD for side in sides if side.slack is not None)
        return own + _SMALL + methods + sum(each.bytes() for each in piles)

    def guard(self, side: Direction) -> None:
        """Note the nearest thresholds of a side anew, in both directions: or a dip hides some."""
        if side == "up":
            self._up, self._up_back = self.up.armed.bottom, self.up.nearest_back
        else:
            self._down, self._down_back = -self.down.armed.bottom, -self.down.nearest_back
