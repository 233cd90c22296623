"""The limits that platforms put on whoever sends to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

_ROUNDING = 1e-6


@dataclass(slots=True)
class Pace:
    """So many at once, then one an interval in seconds, for each key; `name` is what a journal calls it."""

    name: str
    interval: float
    burst: int
    _free_at: dict[Hashable, float] = field(default_factory=lambda: defaultdict(float))

    def wait(self, key: Hashable, now: float) -> float:
        """Return how many seconds too early it is, nothing where it is not."""
        late = self._free_at[key] - (self.burst - 1) * self.interval - now
        return late if late > _ROUNDING else 0.0

    def take(self, key: Hashable, now: float) -> None:
        self._free_at[key] = max(now, self._free_at[key]) + self.interval


def over(limits: Iterable[tuple[Pace, Hashable]], now: float) -> tuple[str, float]:
    """Take one of each limit and return no name, or the name of the one that lasts longest, and its wait."""
    held = tuple(limits)
    wait, name = max((pace.wait(key, now), pace.name) for pace, key in held)
    if wait > 0:
        return name, wait
    for pace, key in held:
        pace.take(key, now)
    return "", 0.0


def busiest(times: Iterable[float], seconds: float) -> int:
    """Return how many of these times lie within so many seconds of each other, at the most."""
    ordered = sorted(times)
    most = first = 0
    for last, time in enumerate(ordered):
        while time - ordered[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most
