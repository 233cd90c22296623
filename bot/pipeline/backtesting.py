"""Back-testing: lines that chats try or set are computed over the history held, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.clock import MachineTime
from bot.errors import MarketbellError
from bot.pipeline.judging import Ground, judged, reported
from bot.store import backtests
from bot.store.backtests import Answer, Wanted
from bot.store.link import Link

# What holds at present is worth little after it, and a crowd that sets the same alert comes within it.
_JUDGED_FOR_MS = 60_000
_LONGEST_MS = 24 * 3_600_000
# Without hours nobody knows when there is something new.
_WITHOUT_HOURS_MS = 60_000


@dataclass(frozen=True, slots=True)
class Backtesting:
    """Answers what is asked for; a thread computes, so that looks go on, and never more than one."""

    link: Link
    ground: Callable[[], Ground]
    clock: MachineTime
    report: Callable[..., None]

    async def serve(self) -> None:
        """Answer until cancelled."""
        while True:
            wanted = await backtests.wanted(self.link, self.clock())
            if wanted is not None and not await self._is_answered(wanted):
                await backtests.answer(self.link, wanted, await self._answer(wanted))

    async def _is_answered(self, wanted: Wanted) -> bool:
        """Tell whether it was answered while this one waited."""
        known = await backtests.answered(self.link, wanted)
        return known is not None and self.clock() < known.until

    async def _answer(self, wanted: Wanted) -> Answer:
        ground, begun = self.ground(), self.clock()
        try:
            if wanted.kind == "report":
                found = await asyncio.to_thread(reported, wanted.line, ground, wanted.following)
                return Answer(self.clock(), self._until(ground, begun), report=found)
            cost = await asyncio.to_thread(judged, wanted.line, ground, wanted.following)
            return Answer(self.clock(), begun + _JUDGED_FOR_MS, judged=cost)
        except MarketbellError as error:
            return Answer(self.clock(), begun + _WITHOUT_HOURS_MS, refused=str(error))
        except Exception as error:  # noqa: BLE001 - whoever asked gets an answer, and the operator the cause
            self.report("a back-test failed", line=wanted.line[:80], why=repr(error))
            return Answer(self.clock(), begun, refused="That went wrong here, and the operator can see why.")

    def _until(self, ground: Ground, now: int) -> int:
        """Return until when nothing new is known: the next time that an exchange which is watched opens."""
        if ground.schedule is None:
            return now + _WITHOUT_HOURS_MS
        exchanges = {each.exchange for each in ground.held.catalogue}
        opens = (ground.schedule.next_open(each, ground.now) for each in exchanges)
        soonest = min((each for each in opens if each is not None), default=None)
        if soonest is None:
            return now + _WITHOUT_HOURS_MS
        return now + min(_milliseconds(ground.now, soonest), _LONGEST_MS)


def _milliseconds(start: datetime, end: datetime) -> int:
    return round((end - start).total_seconds() * 1000)
