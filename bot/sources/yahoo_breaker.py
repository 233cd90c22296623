"""When Yahoo may be asked: never while it has had enough of us, and never beyond our own budget."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock

from bot.sources.yahoo_failure import Spent

_MINUTE = timedelta(minutes=1)
_FIRST_MINUTES = 2
_KEPT = 3
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to leave Yahoo alone: at least `least`, and up to twice as long after each failure."""

    least: timedelta
    first: timedelta
    most: timedelta


# Yahoo bans whole addresses, and for longer the more they insist.
LIMITED = Pace(timedelta(minutes=1), timedelta(minutes=4), timedelta(minutes=15))
SILENT = Pace(timedelta(seconds=1), timedelta(seconds=10), timedelta(minutes=5))


@dataclass(slots=True)
class Breaker:
    """Stays open for a random time after a failure, and for longer after each one that follows."""

    chance: random.Random
    why: str = ""
    _failures: int = 0
    _since: datetime = _LONG_AGO
    _until: datetime = _LONG_AGO

    def left(self, now: datetime) -> timedelta | None:
        """Return how long nothing may be asked, or None if the breaker is closed.

        A clock that was set back closes it: one request too early does less harm than an hour of blindness.
        """
        return self._until - now if self._since <= now < self._until else None

    def failed(self, now: datetime, pace: Pace, why: str) -> timedelta:
        """Open, and return for how long."""
        # Beyond this many doublings every pace is at its most.
        span = min(pace.most, pace.first * 2 ** min(self._failures, 10))
        wait = timedelta(seconds=self.chance.uniform(pace.least.total_seconds(), span.total_seconds()))
        self.why = why
        self._failures += 1
        self._since, self._until = now, now + wait
        return wait

    def worked(self) -> None:
        """Forget what went wrong before."""
        self._failures = 0
        self._until = _LONG_AGO


@dataclass(slots=True)
class Budget:
    """The requests that may leave within any one minute; every one counts, also those for cookies.

    The last third of them is kept for what cannot wait.
    """

    per_minute: int
    now: Callable[[], datetime]
    _sent: deque[datetime] = field(default_factory=deque)
    _lock: Lock = field(default_factory=Lock)

    def spend(self, *, can_wait: bool = False) -> None:
        """Take one request; raises `Spent` when there is none left, or none for what `can_wait`."""
        most = self.per_minute - self.per_minute // _KEPT if can_wait else self.per_minute
        with self._lock:
            now = self.now()
            # What a clock set back puts into the future is over as well.
            while self._sent and not self._sent[0] <= now < self._sent[0] + _MINUTE:
                self._sent.popleft()
            if len(self._sent) >= most:
                wait = in_words(self._sent[len(self._sent) - most] + _MINUTE - now)
                kept = " for what can wait" if can_wait else ""
                raise Spent(f"was asked {most} times within a minute, our own limit{kept}; again in {wait}")
            self._sent.append(now)


def in_words(wait: timedelta) -> str:
    """Say a wait as a person would: "40 seconds", "3 minutes"."""
    seconds = max(int(wait.total_seconds()) + 1, 1)
    if seconds < _FIRST_MINUTES * 60:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"
