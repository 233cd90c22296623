"""Which of very many alerts on one threshold a look may change: an index that proposes, and decides nothing.

A look changes nothing here by itself: what `reached` proposes it proposes again until it is told or armed,
so nothing is lost where raising fails in between. After the decision `tell` and `arm` move what was decided;
what lies at the end of its pile, as all does that one look reached, is moved at once.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite

from bot.rules.levels import NOTHING, Levels, Reached
from bot.rules.measures import Direction
from bot.rules.slots import SLOTS, Slots
from bot.rules.threshold import Key

__all__ = ["SLOTS", "Thresholds"]

_GC_HEADER = 16
_SIDES: tuple[Direction, ...] = ("up", "down")
_EMPTY: Mapping[Key, Levels] = {}


class Thresholds:
    """The index: changed at any time, in microseconds whatever its size; 24 bytes an alert, and reserves.

    An alert's number carries its slot (`number % SLOTS`) and how often the slot was used before, so that no
    table leads from one to the other.
    """

    def __init__(self) -> None:
        self._levels: list[Levels] = []
        self._of: dict[str, dict[Key, Levels]] = {}
        self._slots = Slots()

    def of(self, symbol: str) -> Iterable[Levels]:
        """Return the levels of an instrument: one for each measure that alerts have, or had, on it."""
        return self._of.get(symbol, _EMPTY).values()

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._of

    def keys(self) -> Iterator[Key]:
        """Give what alerts have, or had, thresholds on."""
        return (each.key for each in self._levels)

    def reached(self, key: Key, low: float, high: float) -> Reached:
        """Return what a look proposes over which `key` went from `low` to `high`; nothing is moved."""
        levels = self._of.get(key.symbol, _EMPTY).get(key)
        return NOTHING if levels is None else levels.reached(low, high)

    def add(self, key: Key, side: Direction, threshold: float, number: int, *, told: bool = False) -> None:
        """Put an alert in, armed or told, in place of what was in its slot.

        Raises `ValueError` for a threshold that is no finite number.
        """
        _must_be_finite(threshold)
        levels = self.levels(key)
        self._note(number, _level(side, threshold), _mark(levels, side))
        levels.side(side).put(number, self._slots, told=told)
        levels.guard(side)

    def fill(self, key: Key, side: Direction, thresholds: Sequence[float], numbers: Sequence[int]) -> None:
        """Put in many thresholds and their numbers at once, armed, in place of what was in their slots.

        No two of the numbers have the same slot. Raises `ValueError` for a threshold that is no finite
        number, and puts nothing in.
        """
        for threshold in thresholds:
            _must_be_finite(threshold)
        levels = self.levels(key)
        mark, down = _mark(levels, side), side == "down"
        for threshold, number in zip(thresholds, numbers, strict=True):
            self._note(number, -threshold if down else threshold, mark)
        levels.side(side).fill(numbers, self._slots)
        levels.guard(side)

    def remove(self, number: int) -> bool:
        """Take an alert out; False where it is not in."""
        slot = self._slots.slot(number)
        if slot is None:
            return False
        self._free(slot, number)
        return True

    def change(self, number: int, threshold: float) -> bool:
        """Give an alert another threshold, for which it is armed; False where it is not in.

        Raises `ValueError` for a threshold that is no finite number.
        """
        slot = self._slots.slot(number)
        if slot is None:
            return False
        levels, side = self._where(slot)
        self.add(levels.key, side, threshold, number)
        return True

    def tell(self, numbers: Sequence[int]) -> None:
        """Note that alerts were told; what is not in, or told already, stays as it is.

        What one look reached on one side is moved at once, anything else one by one.
        """
        self._move(numbers, told=True)

    def arm(self, numbers: Sequence[int]) -> None:
        """Let told alerts wait for their thresholds again; what is not in, or armed, stays as it is."""
        self._move(numbers, told=False)

    def arm_all(self, key: Key) -> None:
        """Let all told alerts of a measure wait again: a new session, or another new episode, has begun."""
        levels = self.levels(key)
        for side in _SIDES:
            those = levels.side(side)
            those.arm(array("Q", those.told), self._slots)
            levels.guard(side)

    def find(self, number: int) -> tuple[Key, Direction, float] | None:
        """Return an alert's key, side and threshold; None where it is not in."""
        slot = self._slots.slot(number)
        if slot is None:
            return None
        levels, side = self._where(slot)
        return levels.key, side, _level(side, self._slots.level[slot])

    def is_told(self, number: int) -> bool:
        """Tell whether an alert is in, and told."""
        slot = self._slots.slot(number)
        if slot is None:
            return False
        levels, side = self._where(slot)
        return number in levels.side(side).told

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
        tables = (self, self._levels, self._of, *self._of.values())
        return (
            self._slots.bytes()
            + sum(sys.getsizeof(each) + _GC_HEADER for each in tables)
            + sum(each.bytes() for each in self._levels)
        )

    @property
    def mapped(self) -> int:
        """The part of its bytes that Python does not know to be its own: the columns by slot."""
        return self._slots.mapped

    def _note(self, number: int, level: float, mark: int) -> None:
        """Note in a number's slot what is in it now, in place of what was."""
        slots, slot = self._slots, number % SLOTS
        if slots.place[slot]:
            self._free(slot, slots.number(slot))
        slots.note(number, level, mark)

    def _free(self, slot: int, number: int) -> None:
        levels, side = self._where(slot)
        levels.side(side).take(number)
        self._slots.place[slot] = 0
        levels.guard(side)

    def _where(self, slot: int) -> tuple[Levels, Direction]:
        place, down = divmod(self._slots.place[slot] - 1, 2)
        return self._levels[place], "down" if down else "up"

    def _move(self, numbers: Sequence[int], *, told: bool) -> None:
        if numbers and self._moved(array("Q", numbers), told=told):
            return
        by_place: dict[int, list[int]] = {}
        for number in numbers:
            slot = self._slots.slot(number)
            if slot is not None:
                by_place.setdefault(self._slots.place[slot], []).append(number)
        for some in by_place.values():
            levels, side = self._where(some[0] % SLOTS)
            if not self._moved(array("Q", some), told=told):
                for number in some:
                    levels.side(side).move(number, self._slots, told=told)
                levels.guard(side)

    def _moved(self, numbers: array[int], *, told: bool) -> bool:
        """Move alerts at once if they are what one look reached on one side; else return False."""
        slot = self._slots.slot(numbers[0])
        if slot is None:
            return False
        levels, side = self._where(slot)
        those = levels.side(side)
        moved = those.tell(numbers, self._slots) if told else those.arm(numbers, self._slots)
        if moved:
            levels.guard(side)
        return moved


def _mark(levels: Levels, side: Direction) -> int:
    """Return what a slot's place says: twice that of its levels, one more for `down`, and one more."""
    return 2 * levels.place + (side == "down") + 1


def _level(side: Direction, threshold: float) -> float:
    return threshold if side == "up" else -threshold


def _must_be_finite(threshold: float) -> None:
    if not isfinite(threshold):
        raise ValueError(f"A threshold is a finite number, not {threshold}.")
