"""Raise: what a look or a feed brought becomes an alert, once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from bot.alerts.alert import Alert
from bot.clock import MachineTime
from bot.errors import MarketbellError
from bot.store import alerts as stored
from bot.store.link import Link

_JOB_LENGTH = 20


class Fenced(MarketbellError):
    """Another worker holds the lease now: this one must stop and stand by."""


@dataclass(frozen=True, slots=True)
class Raiser:
    """Raises in the name of one epoch of the worker's lease."""

    link: Link
    epoch: int
    clock: MachineTime

    async def raise_all(self, alerts: Sequence[Alert]) -> tuple[stored.Raised, ...]:
        """Raise alerts together, as one job; raises `Fenced` where a later worker has taken over."""
        if not alerts:
            return ()
        name = hashlib.sha256("\n".join(each.fingerprint for each in alerts).encode()).hexdigest()
        job = f"{self.clock()}-{name[:_JOB_LENGTH]}"
        answers = await stored.raise_together(self.link, self.epoch, job, self.clock(), alerts)
        if any(answer.verdict == "fenced" for answer in answers):
            raise Fenced("Another worker has taken over.")
        return answers
