"""What a line would have done, asked of the worker: only it holds the history and what computes over it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.clock import MachineTime
from bot.errors import Away, NotKnown
from bot.rules.report import Report
from bot.store import backtests
from bot.store.backtests import Answer, Wanted
from bot.store.link import Link

# Whoever sets an alert is answered soon, with its cost or without; a back-test is all that is asked for.
JUDGED_WITHIN_MS = 4_000
REPORTED_WITHIN_MS = 15_000

# A short line is there at once; a crowd that waits for a long one must not keep the server busy by asking.
_FIRST_STEP_S, _LONGEST_STEP_S = 0.05, 0.8


@dataclass(frozen=True, slots=True)
class Trying:
    """Asks the worker at most once for what is not known freshly."""

    link: Link
    clock: MachineTime

    async def report(self, wanted: Wanted) -> Report:
        """Return what a line would have done; `Away` where no worker says, or `NotKnown`."""
        found = await self.answer(wanted, REPORTED_WITHIN_MS)
        if found is None:
            raise Away(
                "The worker does not answer, and only it holds the history: /status says how it is doing."
            )
        if found.report is None:
            raise NotKnown(found.refused)
        return found.report

    async def answer(self, wanted: Wanted, patience: int) -> Answer | None:
        """Return what the worker finds within `patience` milliseconds, or found before; None if it is silent.

        `Away` where more is asked for than can be, and nothing is known.
        """
        known = await backtests.answered(self.link, wanted)
        now = self.clock()
        if known is not None and now < known.until:
            return known
        deadline = now + patience
        await backtests.want(self.link, wanted, deadline)
        step = _FIRST_STEP_S
        while self.clock() < deadline:
            await asyncio.sleep(step)
            step = min(step * 2, _LONGEST_STEP_S)
            found = await backtests.answered(self.link, wanted)
            if found is not None and (known is None or found.at > known.at):
                return found
        return known
