"""The two clocks, given to whoever needs the time.

Market time is what quotes, sessions, rules and messages live in; a replay runs through it at its own
pace. Machine time is what leases, pacing, retries and due times live in; it is always the real one
outside a simulation. Nothing else in Marketbell asks the operating system for the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

MachineTime = Callable[[], int]
"""Milliseconds since 1970, UTC."""


def machine_time() -> int:
    """Return this machine's own time, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def steady_time() -> int:
    """Return milliseconds since a moment of their own, by a clock that nobody sets and that never sleeps."""
    return time.clock_gettime_ns(_STEADY) // 1_000_000


_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(slots=True)
class MarketTime:
    """The market's present: the wall clock, or the moment a replay has come to.

    `now` is always aware and in UTC. A replay moves it with `move`; it never goes back.
    """

    machine: MachineTime = machine_time
    _replayed: datetime | None = field(default=None, init=False)

    def now(self) -> datetime:
        """Return the present market moment in UTC."""
        if self._replayed is not None:
            return self._replayed
        return datetime.fromtimestamp(self.machine() / 1000, UTC)

    def move(self, moment: datetime) -> None:
        """Go on to `moment`; an earlier one is passed over."""
        if self._replayed is None or moment > self._replayed:
            self._replayed = moment.astimezone(UTC)
