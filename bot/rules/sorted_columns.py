"""Numbers in the order of their levels, as typed columns in blocks: no change moves more than a block."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from itertools import chain, islice
from math import inf
from operator import itemgetter

_MOST = 1024
_FEW = _MOST // 4
_GC_HEADER = 16
_NEAR, _FURTHER = 4, 8
_first = itemgetter(0)


class Pile:
    """Numbers sorted by level and then by themselves, taken from either end.

    A number is an unsigned 64-bit integer. `level` gives its level, which must stay the same while it is in:
    8 bytes an entry, and what the columns have in reserve. They are cut into blocks of at most 1024 numbers.
    `bottom` and `top` are the least and the greatest level.
    """

    __slots__ = ("_blocks", "_heads", "_level", "bottom", "top")

    def __init__(self, level: Callable[[int], float]) -> None:
        self._level = level
        self._blocks: list[array[int]] = []
        # the first level of each block, once there are several
        self._heads: array[float] | None = None
        self.bottom = inf
        self.top = -inf

    def __len__(self) -> int:
        return sum(map(len, self._blocks))

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(self._blocks)

    def __contains__(self, number: int) -> bool:
        if not self._blocks:
            return False
        block = self._blocks[self._block(number)]
        place = self._place(block, number)
        return place < len(block) and block[place] == number

    def add(self, number: int) -> None:
        """Put in a number that is not there."""
        level = self._level(number)
        if self._blocks:
            at = self._block(number)
            block = self._blocks[at]
            place = self._place(block, number)
            block.insert(place, number)
            if place == 0 and self._heads is not None:
                self._heads[at] = level
            if len(block) > _MOST:
                self._cut(at)
        else:
            self._blocks.append(array("Q", (number,)))
        self.bottom = min(self.bottom, level)
        self.top = max(self.top, level)

    def discard(self, number: int) -> bool:
        """Take a number out; False where it is not there."""
        if not self._blocks:
            return False
        at = self._block(number)
        block = self._blocks[at]
        place = self._place(block, number)
        if place == len(block) or block[place] != number:
            return False
        del block[place]
        self._tidy(at)
        self._mark()
        return True

    def below(self, bound: float) -> array[int]:
        """Return the numbers whose level is at most `bound`, from the bottom up.

        What it takes goes by how many these are, not by how many lie above.
        """
        level, found = self._level, array("Q")
        for block in self._blocks:
            size = len(block)
            if level(block[-1]) > bound:
                start, end = 0, _NEAR
                while end < size and level(block[end]) <= bound:
                    start, end = end, end * _FURTHER
                found.extend(block[: bisect_right(block, bound, start, min(end, size), key=level)])
                break
            found.extend(block)
        return found

    def above(self, bound: float, by: Callable[[float], float]) -> array[int]:
        """Return the numbers for whose level `by`, which must not decrease, gives more than `bound`."""
        level, blocks = self._level, self._blocks

        def key(number: int) -> float:
            return by(level(number))

        at = len(blocks) - 1
        while at >= 0 and key(blocks[at][0]) > bound:
            at -= 1
        found = array("Q")
        if at >= 0:
            block = blocks[at]
            end, back = len(block), _NEAR
            while back < len(block) and key(block[-back]) > bound:
                end, back = len(block) - back, back * _FURTHER
            found.extend(block[bisect_right(block, bound, max(len(block) - back, 0), end, key=key) :])
        for each in islice(blocks, at + 1, None):
            found.extend(each)
        return found

    def take_bottom(self, numbers: array[int]) -> bool:
        """Take the lowest numbers out if they are exactly these, in this order; else return False."""
        blocks, whole, left = self._blocks, 0, len(numbers)
        while whole < len(blocks) and len(blocks[whole]) <= left:
            left -= len(blocks[whole])
            whole += 1
        if left and whole == len(blocks):
            return False
        lowest = array("Q", chain.from_iterable(islice(blocks, whole)))
        if left:
            lowest.extend(blocks[whole][:left])
        if lowest != numbers:
            return False
        del blocks[:whole]
        if self._heads is not None:
            del self._heads[:whole]
        if left:
            del blocks[0][:left]
        self._tidy(0)
        # What lies at the other end stays as it is, and need not be asked for.
        self.bottom = self._level(blocks[0][0]) if blocks else inf
        self.top = self.top if blocks else -inf
        return True

    def take_top(self, numbers: array[int]) -> bool:
        """Take the highest numbers out if they are exactly these, in this order; else return False."""
        blocks, at, left = self._blocks, len(self._blocks), len(numbers)
        while at > 0 and len(blocks[at - 1]) <= left:
            at -= 1
            left -= len(blocks[at])
        if left and at == 0:
            return False
        highest = blocks[at - 1][-left:] if left else array("Q")
        for each in islice(blocks, at, None):
            highest.extend(each)
        if highest != numbers:
            return False
        del blocks[at:]
        if self._heads is not None:
            del self._heads[at:]
        if left:
            del blocks[at - 1][-left:]
        self._tidy(max(at - 1, 0))
        self.top = self._level(blocks[-1][-1]) if blocks else -inf
        self.bottom = self.bottom if blocks else inf
        return True

    def extend(self, numbers: array[int]) -> None:
        """Put in numbers in their order that are not there: at once above or below all others."""
        if not numbers:
            return
        lowest, highest = self._level(numbers[0]), self._level(numbers[-1])
        if lowest > self.top:
            if not self._blocks:
                self._blocks.append(array("Q"))
            self._insert(len(self._blocks) - 1, len(self._blocks[-1]), numbers)
        elif highest < self.bottom:
            self._insert(0, 0, numbers)
        else:
            self._merge(numbers)
        self.bottom = min(self.bottom, lowest)
        self.top = max(self.top, highest)

    def bytes(self) -> int:
        """Return what the pile takes, with what its columns have in reserve."""
        columns = [*self._blocks, *([] if self._heads is None else [self._heads])]
        held = sum(sys.getsizeof(each) + _GC_HEADER for each in (self, self._blocks))
        # its least and its greatest level are floats of their own
        return held + sum(map(sys.getsizeof, columns)) + 2 * sys.getsizeof(0.0)

    def _block(self, number: int) -> int:
        """Return the block that a number belongs in; equal levels may lie across several, by numbers."""
        heads = self._heads
        if heads is None:
            return 0
        level = self._level(number)
        after = bisect_right(heads, level)
        if after and heads[after - 1] == level:
            first = bisect_left(heads, level, 0, after)
            after = bisect_right(self._blocks, number, first, after, key=_first)
        return max(after - 1, 0)

    def _place(self, block: array[int], number: int) -> int:
        """Return where in sorted numbers one is, or goes."""
        level = self._level
        wanted = level(number)
        place = bisect_left(block, wanted, key=level)
        if place < len(block) and block[place] != number and level(block[place]) == wanted:
            place = bisect_left(block, number, place, bisect_right(block, wanted, place, key=level))
        return place

    def _merge(self, numbers: array[int]) -> None:
        """Put in numbers in their order, those at once that nothing lies between."""
        start, count = 0, len(numbers)
        while start < count:
            at = self._block(numbers[start])
            place = self._place(self._blocks[at], numbers[start])
            end = self._end(at, place, numbers)
            self._insert(at, place, numbers[start:end])
            start = end

    def _insert(self, at: int, place: int, numbers: array[int]) -> None:
        block = self._blocks[at]
        block[place:place] = numbers
        if place == 0 and self._heads is not None:
            self._heads[at] = self._level(block[0])
        if len(block) > _MOST:
            self._cut(at)

    def _end(self, at: int, place: int, numbers: array[int]) -> int:
        """Return how many of sorted numbers come before what is at a place now, or would be next there."""
        if place == len(self._blocks[at]):
            at, place = at + 1, 0
        if at == len(self._blocks):
            return len(numbers)
        return self._place(numbers, self._blocks[at][place])

    def _cut(self, at: int) -> None:
        """Cut a block that has grown too long: in halves, or a very long one into less than full ones."""
        block = self._blocks[at]
        step = len(block) // 2 + 1 if len(block) < 2 * _MOST else _MOST * 3 // 4
        parts = [block[start : start + step] for start in range(0, len(block), step)]
        self._blocks[at : at + 1] = parts
        heads = array("d", map(self._level, map(_first, parts)))
        if self._heads is None:
            self._heads = heads
        else:
            self._heads[at : at + 1] = heads

    def _tidy(self, at: int) -> None:
        """Keep what is known of the blocks true after one lost numbers, and few blocks small."""
        blocks, heads = self._blocks, self._heads
        if at < len(blocks):
            block = blocks[at]
            small = len(block) < _FEW and at > 0 and len(blocks[at - 1]) < _MOST - 2 * _FEW
            if small:
                blocks[at - 1].extend(block)
            if small or not block:
                del blocks[at]
                if heads is not None:
                    del heads[at]
            elif heads is not None:
                heads[at] = self._level(block[0])
        if len(blocks) < 2:  # noqa: PLR2004 - one block needs no heads
            self._heads = None

    def _mark(self) -> None:
        if self._blocks:
            self.bottom, self.top = self._level(self._blocks[0][0]), self._level(self._blocks[-1][-1])
        else:
            self.bottom, self.top = inf, -inf
