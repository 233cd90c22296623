"""Raise: what a look or a feed brought becomes an alert, once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.alerts.alert import Alert
from bot.clock import MachineTime
from bot.errors import MarketbellError
from bot.pipeline.flooding import Flooding
from bot.store import alerts as stored
from bot.store.link import Link

_JOB_LENGTH = 20


class Fenced(MarketbellError):
    """Another worker holds the lease now: this one must stop and stand by."""


@dataclass(slots=True)
class Raiser:
    """Raises in the name of one epoch of the worker's lease, and folds what would flood a chat."""

    link: Link
    epoch: int
    clock: MachineTime
    _flooding: Flooding = field(init=False)

    def __post_init__(self) -> None:
        """Begin to count what each rule tells."""
        self._flooding = Flooding(self.link)

    async def raise_all(self, alerts: Sequence[Alert]) -> tuple[stored.Raised, ...]:
        """Raise alerts together, as one job; raises `Fenced` where a later worker has taken over.

        Where a rule begins to flood, its owner is told by one alert more than was asked for.
        """
        if not alerts:
            return ()
        to_raise = await self._flooding.folded(alerts)
        name = hashlib.sha256("\n".join(each.fingerprint for each in to_raise).encode()).hexdigest()
        job = f"{self.clock()}-{name[:_JOB_LENGTH]}"
        answers = await stored.raise_together(self.link, self.epoch, job, self.clock(), to_raise)
        if any(answer.verdict == "fenced" for answer in answers):
            raise Fenced("Another worker has taken over.")
        self._flooding.raised(each.alert for each in answers if each.verdict in {"raised", "again"})
        return answers
