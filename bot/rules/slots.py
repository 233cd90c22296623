"""What is known of each alert by its slot: its level, where it is, and the number it answers to."""

from __future__ import annotations

import mmap
import sys

_BITS = 24
SLOTS = 1 << _BITS
"""How many alerts there can be: a number is a slot, and so many times how often the slot was used before."""
_MASK = SLOTS - 1
_PAGE = mmap.PAGESIZE
_WIDTHS = (8, 4, 4)


class Slots:
    """Three columns by slot: 16 bytes an alert.

    `level` is the threshold, negated on the side that is reached downwards: upwards is always towards it.
    `place` is 0 where no alert is; what else it says is for those who write it.

    All slots that can be have their addresses from the start, and memory comes with the first alert on each
    page of it: a column that grew would be copied now and then, for milliseconds.
    """

    __slots__ = ("_end", "_use", "level", "level_of", "place")

    def __init__(self) -> None:
        columns = map(_mapped, _WIDTHS)
        level = self.level = next(columns).cast("d")
        self.place = next(columns).cast("I")
        self._use = next(columns).cast("I")
        self._end = 0

        def level_of(number: int) -> float:
            return level[number & _MASK]

        self.level_of = level_of
        """The level of an alert, as the piles ask for it."""

    def slot(self, number: int) -> int | None:
        """Return the slot of the alert of this number; None where it is not in."""
        slot = number & _MASK
        return slot if self.place[slot] and self._use[slot] == number >> _BITS else None

    def number(self, slot: int) -> int:
        """Return the number of the alert that is in a slot, or was."""
        return self._use[slot] << _BITS | slot

    def note(self, number: int, level: float, place: int) -> None:
        """Note what is in a number's slot, which is free."""
        slot = number & _MASK
        self.level[slot] = level
        self.place[slot] = place
        self._use[slot] = number >> _BITS
        if slot >= self._end:
            self._end = slot + 1

    @property
    def mapped(self) -> int:
        """The bytes that the columns take up to the last slot that was used; Python does not count them."""
        return sum(-(-self._end * width // _PAGE) * _PAGE for width in _WIDTHS)

    def bytes(self) -> int:
        """Return what all of it takes."""
        held = (self, self.level, self.place, self._use, self.level_of)
        return self.mapped + sum(map(sys.getsizeof, held))


def _mapped(width: int) -> memoryview:
    return memoryview(mmap.mmap(-1, SLOTS * width, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
