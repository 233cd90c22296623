"""Very many alerts in sorted numpy columns, with an overlay of what was added since they were sorted."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from math import inf

import numpy as np
from numpy.typing import NDArray

from bench.alerts import Alert, Alerts, Edit
from bot.rules.levels import Reached

_MERGED_AT = 512
_ARMED, _TOLD, _GONE = 0, 1, 2


class Column:
    """One side of an instrument: sorted arrays, and a sorted list of what was added since; up is towards."""

    __slots__ = (
        "_back", "_first", "_keys", "_last", "_numbers", "_state", "_to_arm", "_to_tell", "added", "aside",
    )  # fmt: skip

    def __init__(self, keys: NDArray[np.float64], numbers: NDArray[np.int64]) -> None:
        order = np.lexsort((numbers, keys))
        self._set(keys[order], numbers[order], np.zeros(len(keys), np.int8))
        # what was added since, and what of it was told
        self.added: list[tuple[float, float]] = []
        self.aside: list[tuple[float, float]] = []
        self._to_tell, self._to_arm = (0, 0), (0, 0)

    def _set(self, keys: NDArray[np.float64], numbers: NDArray[np.int64], state: NDArray[np.int8]) -> None:
        self._keys, self._numbers, self._state = keys, numbers, state
        self._back = keys - np.abs(keys) * 0.01
        # no told one lies from `last` on, and no armed one before `first`
        armed, told = np.flatnonzero(state == _ARMED), np.flatnonzero(state == _TOLD)
        self._first = int(armed[0]) if len(armed) else len(keys)
        self._last = int(told[-1]) + 1 if len(told) else 0

    def look(self, near: float, far: float) -> tuple[list[int], list[int]]:
        """Return what a look reached that went up to `far`, and came back for that went down to `near`."""
        fired: list[int] = []
        back: list[int] = []
        first, end = self._first, int(self._keys.searchsorted(far, "right"))
        if end > first:
            fired = self._numbers[first:end][self._state[first:end] == _ARMED].tolist()
        start, last = int(self._back.searchsorted(near, "right")), self._last
        if last > start:
            back = self._numbers[start:last][self._state[start:last] == _TOLD].tolist()
        self._to_tell, self._to_arm = (first, end), (start, last)
        if self.added and self.added[0][0] <= far:
            fired += [int(number) for _, number in self.added[: bisect_right(self.added, (far, inf))]]
        if self.aside:
            back += [int(number) for key, number in self.aside if key - abs(key) * 0.01 > near]
        return fired, back

    def settle(self, fired: set[int], back: set[int]) -> None:
        """Note what the last look found, whole, as told and armed."""
        (first, end), (start, last) = self._to_tell, self._to_arm
        if last > start:
            some = self._state[start:last]
            # what was told before is armed, but nothing that this look reached
            some[some == _TOLD] = _ARMED
            self._first, self._last = min(self._first, start), start
        if end > first:
            numbers, state = self._numbers[first:end], self._state[first:end]
            if back:
                # an edited alert's number is also where it was
                state[(state == _ARMED) & np.isin(numbers, list(fired))] = _TOLD
            else:
                state[state == _ARMED] = _TOLD
                self._first = end
            self._last = max(self._last, end)
        told = [each for each in self.added if each[1] in fired] if fired else []
        armed = [each for each in self.aside if each[1] in back] if back else []
        for each in told:
            self.added.remove(each)
            insort(self.aside, each)
        for each in armed:
            self.aside.remove(each)
            insort(self.added, each)

    def add(self, key: float, number: int) -> None:
        """Put one in beside the arrays, and all of these into them once they are many."""
        insort(self.added, (key, number))
        if len(self.added) + len(self.aside) > _MERGED_AT:
            stay = self._state != _GONE
            keys, numbers = zip(*self.added, *self.aside, strict=True)
            told = [_ARMED] * len(self.added) + [_TOLD] * len(self.aside)
            joined = np.concatenate((self._keys[stay], keys))
            order = np.argsort(joined, kind="stable")
            named = np.concatenate((self._numbers[stay], np.array(numbers, np.int64)))
            state = np.concatenate((self._state[stay], np.array(told, np.int8)))
            self.added, self.aside = [], []
            self._set(joined[order], named[order], state[order])

    def remove(self, key: float, number: int) -> None:
        """Take one out of the lists, or mark its place in the arrays as empty."""
        for some in (self.added, self.aside):
            at = bisect_left(some, (key, number))
            if at < len(some) and some[at] == (key, number):
                del some[at]
                return
        start = int(self._keys.searchsorted(key, "left"))
        while self._numbers[start] != number or self._state[start] == _GONE:
            start += 1
        self._state[start] = _GONE

    @property
    def nbytes(self) -> int:
        """Return what the arrays take."""
        return sum(each.nbytes for each in (self._keys, self._back, self._numbers, self._state))


class Columns:
    """numpy: sorted arrays for each side of an instrument, searched at every look, with an overlay."""

    def __init__(self, alerts: Alerts) -> None:
        self._of: dict[tuple[str, bool], Column] = {}
        levels = np.frombuffer(alerts.level)
        for (symbol, up), slots in alerts.by_side().items():
            numbers = np.array(slots, np.int64)
            self._of[symbol, up] = Column(levels[numbers] if up else -levels[numbers], numbers)

    def look(self, symbol: str, low: float, high: float) -> Reached:
        """Search both sides."""
        fired: list[int] = []
        back: list[int] = []
        for up, near, far in ((True, low, high), (False, -high, -low)):
            column = self._of.get((symbol, up))
            if column is not None:
                told, armed = column.look(near, far)
                fired += told
                back += armed
        return Reached(fired, back)

    def settle(self, symbol: str, found: Reached) -> None:
        """Note it in both sides."""
        if found.fired or found.back:
            fired, back = set(found.fired), set(found.back)
            for up in (True, False):
                column = self._of.get((symbol, up))
                if column is not None:
                    column.settle(fired, back)

    def add(self, alert: Alert) -> None:
        """Put it in."""
        column = self._of.get((alert.symbol, alert.up))
        if column is None:
            column = self._of[alert.symbol, alert.up] = Column(np.empty(0), np.empty(0, np.int64))
        column.add(alert.level if alert.up else -alert.level, alert.number)

    def remove(self, alert: Alert) -> None:
        """Take it out."""
        key = alert.level if alert.up else -alert.level
        self._of[alert.symbol, alert.up].remove(key, alert.number)

    def edit(self, edit: Edit) -> None:
        """Change it."""
        self.remove(edit.before)
        self.add(edit.before._replace(level=edit.level))
