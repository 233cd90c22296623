"""Numbers in the order of their keys, as typed columns in blocks: no change moves more than a block."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from math import inf
from operator import itemgetter

_MOST = 1024
_FEW = _MOST // 4
_GC_HEADER = 16
_first = itemgetter(0)


class Pile:
    """A pile of (key, number), sorted by both, whose top is its greatest key: what is reached lies on top.

    Keys are 64-bit floats and numbers unsigned 64-bit integers, in two columns: 16 bytes an entry, and what
    the columns have in reserve. A column is cut into blocks of at most 1024 entries.
    """

    __slots__ = ("_heads", "_keys", "_numbers", "top")

    def __init__(self) -> None:
        self._keys: list[array[float]] = []
        self._numbers: list[array[int]] = []
        # the first key of each block, once there are several
        self._heads: array[float] | None = None
        self.top = -inf

    def __len__(self) -> int:
        return sum(map(len, self._keys))

    def add(self, key: float, number: int) -> None:
        """Put in an entry that is not there."""
        if not self._keys:
            self._keys.append(array("d", (key,)))
            self._numbers.append(array("Q", (number,)))
            self.top = key
            return
        at = self._block(key, number)
        keys, numbers = self._keys[at], self._numbers[at]
        place = bisect_right(keys, key)
        if place and keys[place - 1] == key:
            place = bisect_left(numbers, number, bisect_left(keys, key), place)
        keys.insert(place, key)
        numbers.insert(place, number)
        self.top = max(self.top, key)
        if place == 0 and self._heads is not None:
            self._heads[at] = key
        if len(keys) > _MOST:
            self._split(at)

    def discard(self, key: float, number: int) -> bool:
        """Take an entry out; False where it is not there."""
        if not self._keys:
            return False
        at = self._block(key, number)
        keys, numbers = self._keys[at], self._numbers[at]
        left = bisect_left(keys, key)
        right = bisect_right(keys, key, left)
        place = bisect_left(numbers, number, left, right)
        if place == right or numbers[place] != number:
            return False
        del keys[place]
        del numbers[place]
        self._tidy(at)
        return True

    def __contains__(self, entry: tuple[float, int]) -> bool:
        if not self._keys:
            return False
        key, number = entry
        at = self._block(key, number)
        keys, numbers = self._keys[at], self._numbers[at]
        left = bisect_left(keys, key)
        right = bisect_right(keys, key, left)
        place = bisect_left(numbers, number, left, right)
        return place < right and numbers[place] == number

    def reached(self, bound: float, by: Callable[[float], float] | None = None) -> array[int]:
        """Return the numbers whose key, or `by` of it, is at least `bound`; the topmost is the last.

        `by` must not decrease.
        """
        blocks = self._keys
        at = len(blocks) - 1
        while at >= 0 and (blocks[at][0] if by is None else by(blocks[at][0])) >= bound:
            at -= 1
        if at < 0:
            found = array("Q")
        else:
            keys = blocks[at]
            place = bisect_left(keys, bound) if by is None else bisect_left(keys, bound, key=by)
            found = self._numbers[at][place:]
        for each in islice(self._numbers, at + 1, None):
            found.extend(each)
        return found

    def lift(self, numbers: Sequence[int]) -> array[float] | None:
        """Take the topmost entries off if they are exactly these and return their keys; else return None."""
        count = len(numbers)
        at, left = len(self._keys), count
        while at > 0 and left > 0:
            at -= 1
            left -= len(self._keys[at])
        if left > 0 or not count:
            return None
        # -left entries of block `at` stay
        top = self._numbers[at][-left:]
        for each in islice(self._numbers, at + 1, None):
            top.extend(each)
        if top.tolist() != list(numbers):
            return None
        keys = self._keys[at][-left:]
        for more in islice(self._keys, at + 1, None):
            keys.extend(more)
        del self._keys[at + 1 :], self._numbers[at + 1 :]
        del self._keys[at][-left:], self._numbers[at][-left:]
        if self._heads is not None:
            del self._heads[at + 1 :]
        self._tidy(at)
        return keys

    def extend(self, keys: Sequence[float], numbers: Sequence[int]) -> None:
        """Put in entries that are sorted by key and then by number; what goes on top goes there at once."""
        under = bisect_right(keys, self.top) if self._keys else 0
        for place in range(under):
            self.add(keys[place], numbers[place])
        if under == len(keys):
            return
        if self._keys and len(self._keys[-1]) + len(keys) - under <= _MOST:
            self._keys[-1].extend(array("d", keys[under:]))
            self._numbers[-1].extend(array("Q", numbers[under:]))
        else:
            step = _MOST * 3 // 4
            for start in range(under, len(keys), step):
                end = min(start + step, len(keys))
                self._keys.append(array("d", keys[start:end]))
                self._numbers.append(array("Q", numbers[start:end]))
            self._number_heads()
        self.top = self._keys[-1][-1]

    def entries(self) -> Iterable[tuple[float, int]]:
        """Give all entries, the topmost last."""
        for keys, numbers in zip(self._keys, self._numbers, strict=True):
            yield from zip(keys, numbers, strict=True)

    def bytes(self) -> int:
        """Return what the pile takes, with what its columns have in reserve."""
        held = (self, self._keys, self._numbers)
        columns = [*self._keys, *self._numbers, *([] if self._heads is None else [self._heads])]
        return sum(sys.getsizeof(each) + _GC_HEADER for each in held) + sum(map(sys.getsizeof, columns))

    def _block(self, key: float, number: int) -> int:
        """Return the block that an entry belongs in; equal keys may lie across several, by their numbers."""
        heads = self._heads
        if heads is None:
            return 0
        after = bisect_right(heads, key)
        if after and heads[after - 1] == key:
            after = bisect_right(self._numbers, number, bisect_left(heads, key, 0, after), after, key=_first)
        return max(after - 1, 0)

    def _split(self, at: int) -> None:
        half = len(self._keys[at]) // 2
        self._keys.insert(at + 1, self._keys[at][half:])
        self._numbers.insert(at + 1, self._numbers[at][half:])
        del self._keys[at][half:], self._numbers[at][half:]
        if self._heads is None:
            self._number_heads()
        else:
            self._heads.insert(at + 1, self._keys[at + 1][0])

    def _tidy(self, at: int) -> None:
        """Keep what is known of the blocks true after entries of one were taken out, and few blocks small."""
        keys = self._keys[at]
        if not keys:
            del self._keys[at], self._numbers[at]
            if self._heads is not None:
                del self._heads[at]
        else:
            if self._heads is not None:
                self._heads[at] = keys[0]
            if len(keys) < _FEW and at and len(self._keys[at - 1]) < _MOST - 2 * _FEW:
                self._keys[at - 1].extend(keys)
                self._numbers[at - 1].extend(self._numbers[at])
                del self._keys[at], self._numbers[at]
                if self._heads is not None:
                    del self._heads[at]
        if len(self._keys) < 2:  # noqa: PLR2004 - one block needs no heads
            self._heads = None
        self.top = self._keys[-1][-1] if self._keys else -inf

    def _number_heads(self) -> None:
        self._heads = array("d", map(_first, self._keys)) if len(self._keys) > 1 else None
