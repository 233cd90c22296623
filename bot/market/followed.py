"""What is settled and what is still to settle, read as one row without a copy of either."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar, overload

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, eq=False)
class Followed(Sequence[Item]):
    """A sequence with one more item behind it: every look has its own, and copying ten years takes longer."""

    settled: Sequence[Item]
    last: Item

    def __len__(self) -> int:
        return len(self.settled) + 1

    @overload
    def __getitem__(self, at: int) -> Item: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Item]: ...
    def __getitem__(self, at: int | slice) -> Item | Sequence[Item]:
        count = len(self.settled)
        if isinstance(at, slice):
            start, stop, step = at.indices(count + 1)
            if (start, stop, step) == (0, count + 1, 1):
                return self
            if step != 1:
                return tuple(self[each] for each in range(start, stop, step))
            return (*self.settled[start:stop], *((self.last,) if start <= count < stop else ()))
        if at in (-1, count):
            return self.last
        if at >= 0:
            return self.settled[at]
        return self.settled[at + 1]

    def __iter__(self) -> Iterator[Item]:
        yield from self.settled
        yield self.last

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))
