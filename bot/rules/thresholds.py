"""Which of very many alerts on one threshold a look may change: an index that proposes, and decides nothing.

A look changes nothing here by itself: what `reached` proposes it proposes again until it is told or armed,
so nothing is lost where raising fails in between. After the decision `tell` and `arm` move what was decided;
what lies on top of its pile, as all does that one look reached, is moved at once.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import repeat
from math import inf, isfinite

from bot.rules.levels import NOTHING, Levels, Reached
from bot.rules.terms import Direction
from bot.rules.threshold import Key

SLOTS = 1 << 24
"""How many alerts there can be: a number is a slot, and so many times how often the slot was used before."""
_GC_HEADER = 16
_SIDES: tuple[Direction, ...] = ("up", "down")
_EMPTY: Mapping[Key, Levels] = {}


class Thresholds:
    """The index: changed at any time, in microseconds whatever its size; 32 bytes an alert, and reserves.

    An alert's number carries its slot (`number % SLOTS`) and how often the slot was used before, so that no
    table leads from one to the other.
    """

    def __init__(self) -> None:
        self._levels: list[Levels] = []
        self._of: dict[str, dict[Key, Levels]] = {}
        # By slot: the threshold, how often the slot was used before, and where it is: twice the place of its
        # levels, one more for `down`, and one more, so that 0 is nowhere.
        self._threshold = array("d")
        self._use = array("I")
        self._place = array("I")

    def of(self, symbol: str) -> Iterable[Levels]:
        """Return the levels of an instrument: one for each measure that alerts have, or had, on it."""
        return self._of.get(symbol, _EMPTY).values()

    def reached(self, key: Key, low: float, high: float) -> Reached:
        """Return what a look proposes over which `key` went from `low` to `high`; nothing is moved."""
        levels = self._of.get(key.symbol, _EMPTY).get(key)
        return NOTHING if levels is None else levels.reached(low, high)

    def add(self, key: Key, side: Direction, threshold: float, number: int, *, told: bool = False) -> None:
        """Put an alert in, armed or told, in place of what was in its slot.

        Raises `ValueError` for a threshold that is no finite number.
        """
        levels = self.levels(key)
        level = self._note(levels, side, threshold, number)
        levels.side(side).put(level, number, told=told)
        levels.guard()

    def fill(self, key: Key, side: Direction, entries: Iterable[tuple[float, int]]) -> None:
        """Put in many thresholds and numbers at once, armed: quicker than one by one where nothing is yet.

        Raises `ValueError` for a threshold that is no finite number.
        """
        levels = self.levels(key)
        noted = [(self._note(levels, side, threshold, number), number) for threshold, number in entries]
        levels.side(side).fill(noted)
        levels.guard()

    def remove(self, number: int) -> bool:
        """Take an alert out; False where it is not in."""
        if not self._is_in(number):
            return False
        slot = number % SLOTS
        levels, side = self._where(slot)
        levels.side(side).take(_level(side, self._threshold[slot]), number)
        self._place[slot] = 0
        levels.guard()
        return True

    def change(self, number: int, threshold: float) -> bool:
        """Give an alert another threshold, for which it is armed; False where it is not in."""
        if not self._is_in(number):
            return False
        levels, side = self._where(number % SLOTS)
        self.add(levels.key, side, threshold, number)
        return True

    def tell(self, numbers: Sequence[int]) -> None:
        """Note that alerts were told; what is not in, or told already, stays as it is."""
        for levels, side, some in self._apart(numbers):
            levels.side(side).tell(some, partial(self._level_of, side))
            levels.guard()

    def arm(self, numbers: Sequence[int]) -> None:
        """Let told alerts wait for their thresholds again; what is not in, or armed, stays as it is."""
        for levels, side, some in self._apart(numbers):
            levels.side(side).arm(some, partial(self._level_of, side))
            levels.guard()

    def arm_all(self, key: Key) -> None:
        """Let all told alerts of a measure wait again: a new session, or another new episode, has begun."""
        for side in _SIDES:
            self.arm(self.levels(key).side(side).told.reached(-inf))

    def find(self, number: int) -> tuple[Key, Direction, float] | None:
        """Return an alert's key, side and threshold; None where it is not in."""
        if not self._is_in(number):
            return None
        slot = number % SLOTS
        levels, side = self._where(slot)
        return levels.key, side, self._threshold[slot]

    def is_told(self, number: int) -> bool:
        """Tell whether an alert is in, and told."""
        if not self._is_in(number):
            return False
        levels, side = self._where(number % SLOTS)
        return (self._level_of(side, number), number) in levels.side(side).told

    def levels(self, key: Key) -> Levels:
        """Return the levels of a key, which may be empty; they stay the same ones for good."""
        of = self._of.setdefault(key.symbol, {})
        levels = of.get(key)
        if levels is None:
            levels = of[key] = Levels(key, len(self._levels))
            self._levels.append(levels)
        return levels

    def bytes(self) -> int:
        """Return what all of it takes, with what its columns have in reserve."""
        columns = (self._threshold, self._use, self._place)
        tables = (self._levels, self._of, *self._of.values())
        return (
            sum(map(sys.getsizeof, columns))
            + sum(sys.getsizeof(each) + _GC_HEADER for each in tables)
            + sum(each.bytes() for each in self._levels)
        )

    def _note(self, levels: Levels, side: Direction, threshold: float, number: int) -> float:
        """Note in a slot what is in it now, and return its level."""
        if not isfinite(threshold):
            raise ValueError(f"A threshold is a finite number, not {threshold}.")
        use, slot = divmod(number, SLOTS)
        place = self._place
        if slot >= len(place):
            for column in (self._threshold, self._use, place):
                column.extend(repeat(0, slot + 1 - len(column)))
        elif place[slot]:
            self.remove(self._use[slot] * SLOTS + slot)
        self._threshold[slot] = threshold
        self._use[slot] = use
        place[slot] = 2 * levels.place + (side == "down") + 1
        return _level(side, threshold)

    def _is_in(self, number: int) -> bool:
        use, slot = divmod(number, SLOTS)
        return slot < len(self._place) and bool(self._place[slot]) and self._use[slot] == use

    def _where(self, slot: int) -> tuple[Levels, Direction]:
        place, down = divmod(self._place[slot] - 1, 2)
        return self._levels[place], "down" if down else "up"

    def _level_of(self, side: Direction, number: int) -> float:
        return _level(side, self._threshold[number % SLOTS])

    def _apart(self, numbers: Sequence[int]) -> Iterator[tuple[Levels, Direction, Sequence[int]]]:
        """Give the alerts that are in by their levels and side, in their order."""
        place, size = self._place, len(self._place)
        found: dict[int, list[int]] = {}
        for number in numbers:
            slot = number % SLOTS
            if slot < size:
                found.setdefault(place[slot], []).append(number)
        found.pop(0, None)
        for some in found.values():
            yield (*self._where(some[0] % SLOTS), some)


def _level(side: Direction, threshold: float) -> float:
    return threshold if side == "up" else -threshold
