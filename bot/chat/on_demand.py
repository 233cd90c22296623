"""What nobody watches, asked of the worker: within three seconds an answer, or what is known."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from bot.clock import MachineTime
from bot.errors import Away
from bot.market.instrument import Instrument
from bot.market.schedule import Schedule
from bot.ports import Found
from bot.store import requests
from bot.store.link import Link

PATIENCE_MS = 3_000

_FRESH_MS = 60_000
_STEP_S = 0.1

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Present:
    """The market's present, and the hours by which a price grows old."""

    now: datetime
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class OnDemand:
    """Asks the worker at most once for what is not known freshly; `until` is a deadline in machine time."""

    link: Link
    clock: MachineTime

    def deadline(self, patience: int = PATIENCE_MS) -> int:
        """Return when whoever asks now has waited long enough."""
        return self.clock() + patience

    async def answer(self, instrument: Instrument, present: Present, until: int) -> requests.Answer | None:
        """Return what is found out about a symbol, or what was found out before; None where nothing was.

        `Away` where more is asked for than can be, and nothing is known.
        """
        symbol = instrument.symbol
        known = await requests.answered(self.link, symbol)
        if known is not None and self._is_good(known, instrument, present):
            return known

        async def newer() -> requests.Answer | None:
            found = await requests.answered(self.link, symbol)
            return found if found is not None and (known is None or found.at > known.at) else None

        if self.clock() < until:
            try:
                await requests.want(self.link, symbol)
            except Away:
                if known is None:
                    raise
                return known
        return await self._wait(newer, until) or known

    async def search(self, name: str, until: int) -> tuple[Found, ...] | None:
        """Return what the source has for a name, at most a day old; None where it has not said."""
        known = await requests.searched(self.link, name)
        if known is not None or self.clock() >= until:
            return known
        await requests.want_search(self.link, name)
        return await self._wait(lambda: requests.searched(self.link, name), until)

    async def _wait(self, look: Callable[[], Awaitable[Result | None]], until: int) -> Result | None:
        while self.clock() < until:
            await asyncio.sleep(_STEP_S)
            found = await look()
            if found is not None:
                return found
        return None

    def _is_good(self, known: requests.Answer, instrument: Instrument, present: Present) -> bool:
        """Tell whether an answer still holds: for a minute, and an official close until the next opening."""
        if known.at > self.clock() - _FRESH_MS:
            return True
        quote = known.quote
        if quote is None or not quote.final or not known.whole:
            return False
        opens = present.schedule.next_open(instrument.exchange, quote.time)
        return opens is not None and present.now < opens
