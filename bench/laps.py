"""One way of keeping alerts goes through ticks, and each operation is timed."""

from __future__ import annotations

import gc
import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeVar

from bench.alerts import Alerts, Tick
from bench.peers_rules import Way
from bot.rules.levels import NOTHING

Made = TypeVar("Made", bound=Way)
_TIMES = 3


@dataclass(slots=True)
class Lap:
    """What a way took for each operation, in seconds, and what it answered to each tick: how many, a hash.

    All of it is numbers in arrays, so that the collector of garbage finds nothing here to walk.
    """

    look: array[float] = field(default_factory=lambda: array("d"))
    settle: array[float] = field(default_factory=lambda: array("d"))
    add: array[float] = field(default_factory=lambda: array("d"))
    remove: array[float] = field(default_factory=lambda: array("d"))
    edit: array[float] = field(default_factory=lambda: array("d"))
    fired: array[int] = field(default_factory=lambda: array("q"))
    back: array[int] = field(default_factory=lambda: array("q"))
    found: array[int] = field(default_factory=lambda: array("q"))

    @property
    def tick(self) -> array[float]:
        """What a tick took with settling what it found."""
        return array("d", map(sum, zip(self.look, self.settle, strict=True)))

    @property
    def changes(self) -> Iterable[float]:
        """What every add, removal and edit took."""
        return chain(self.add, self.remove, self.edit)

    def shortest(self, other: Lap) -> Lap:
        """Return each operation by the shorter of two laps of the same: what another process took is none."""
        if self.found != other.found:
            raise AssertionError("The same ticks gave another answer.")
        return Lap(
            array("d", map(min, self.look, other.look)),
            array("d", map(min, self.settle, other.settle)),
            array("d", map(min, self.add, other.add)),
            array("d", map(min, self.remove, other.remove)),
            array("d", map(min, self.edit, other.edit)),
            self.fired,
            self.back,
            self.found,
        )


def best_lap(way: Callable[[Alerts], Made], alerts: Alerts, script: Sequence[Tick]) -> tuple[Lap, Made]:
    """Go through the same ticks three times, and return the shortest of each operation, and the last way."""
    made = way(alerts)
    best = one_lap(made, script)
    for _ in range(_TIMES - 1):
        made = way(alerts)
        best = best.shortest(one_lap(made, script))
    return best, made


def one_lap(way: Way, script: Sequence[Tick]) -> Lap:
    """Time each operation; the collector of garbage runs as it does in the worker."""
    lap = Lap()
    now = time.perf_counter
    gc.collect()
    for symbol, low, high, added, removed, edited in script:
        start = now()
        found = way.look(symbol, low, high)
        looked = now()
        if found is not NOTHING:
            way.settle(symbol, found)
        lap.look.append(looked - start)
        lap.settle.append(now() - looked)
        lap.fired.append(len(found.fired))
        lap.back.append(len(found.back))
        lap.found.append(hash((*sorted(found.fired), -1, *sorted(found.back))))
        if added is None or removed is None or edited is None:
            continue
        start = now()
        way.remove(removed)
        gone = now()
        way.add(added)
        there = now()
        way.edit(edited)
        lap.edit.append(now() - there)
        lap.add.append(there - gone)
        lap.remove.append(gone - start)
    return lap
