"""Look up: symbols and names that a command asked for and nobody watches, many in one request."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from bot.clock import MachineTime
from bot.errors import Away
from bot.market.bars import Series
from bot.market.instrument import Instrument
from bot.market.quote import Quote
from bot.ports import QuoteSource
from bot.store import market as published
from bot.store import requests
from bot.store.link import Link

_PAUSE_S = 0.5
_MINUTE_MS = 60_000
# Whoever looked for an answer just before it came asks for it just after.
_JUST_NOW_MS = 10_000
# What chats ask must not use up the requests that the watch needs: bars and searches are one request each.
_MOST_A_MINUTE = 20


@dataclass(frozen=True, slots=True)
class LookUp:
    """Answers what is asked for; only the worker talks to the source, so a crowd costs one request."""

    link: Link
    source: QuoteSource
    instrument_of: Callable[[str], Instrument]
    clock: MachineTime
    report: Callable[..., None]
    _spent: deque[int] = field(default_factory=deque)

    async def serve(self) -> None:
        """Answer until cancelled; where the source does not answer, whoever asked is told what is known."""
        while True:
            wanted = await requests.wanted(self.link)
            if wanted.symbols:
                try:
                    await self._answer([self.instrument_of(symbol) for symbol in wanted.symbols])
                except Away as error:
                    self.report("not looked up", symbols=", ".join(wanted.symbols), why=str(error))
            if wanted.names:
                await self._search(wanted.names)
            if wanted.symbols or wanted.names:
                # What is asked for in the meantime goes together into the next request.
                await asyncio.sleep(_PAUSE_S)

    async def _answer(self, asked: Sequence[Instrument]) -> None:
        held = {each.symbol: await requests.answered(self.link, each.symbol) for each in asked}
        instruments = [each for each in asked if not self._just_answered(held[each.symbol])]
        if not instruments:
            return
        found = {quote.symbol: quote for quote in await self.source.quotes(instruments)}
        late: list[Instrument] = []
        for instrument in instruments:
            quote, before = found.get(instrument.symbol), held[instrument.symbol]
            if _has_bars(before, quote):
                await self._keep(instrument, quote, before.history if before else None, whole=True)
            else:
                late.append(instrument)
        # Whoever needs no bars is answered first.
        for instrument in late:
            await self._chart(instrument, found.get(instrument.symbol))

    async def _chart(self, instrument: Instrument, quote: Quote | None) -> None:
        """Answer with the bars before the quote's session, or with the last there are where it has none."""
        history = None
        try:
            self._spend()
            until = await self._tomorrow() if quote is None else quote.session
            history = await self.source.history(instrument, until)
        except Away as error:
            self.report("no bars looked up", symbols=instrument.symbol, why=str(error))
        if quote is not None or history is not None:
            await self._keep(instrument, quote, history, whole=history is not None)

    async def _keep(
        self, instrument: Instrument, quote: Quote | None, history: Series | None, *, whole: bool
    ) -> None:
        held = history or Series(instrument.symbol, ())
        answer = requests.Answer(
            instrument.symbol, self.clock(), quote, tuple(held.bars), held.before, held.actions, whole
        )
        await requests.answer(self.link, answer)

    async def _search(self, names: Sequence[str]) -> None:
        for name in names:
            if await requests.searched(self.link, name) is not None:
                continue
            try:
                self._spend()
                found = await self.source.search(name)
            except Away as error:
                self.report("not searched", name=name, why=str(error))
                continue
            await requests.answer_search(self.link, name, found)

    def _just_answered(self, before: requests.Answer | None) -> bool:
        return before is not None and before.at > self.clock() - _JUST_NOW_MS

    def _spend(self) -> None:
        now = self.clock()
        while self._spent and self._spent[0] <= now - _MINUTE_MS:
            self._spent.popleft()
        if len(self._spent) >= _MOST_A_MINUTE:
            raise Away("more is asked for than the watch can spare.")
        self._spent.append(now)

    async def _tomorrow(self) -> date:
        """Return the day after the market's present: a replay's own, so that it does not see ahead."""
        position = await published.position(self.link)
        present = position or datetime.fromtimestamp(self.clock() / 1000, UTC)
        return present.date() + timedelta(days=1)


def _has_bars(before: requests.Answer | None, quote: Quote | None) -> bool:
    """Tell whether the bars are known: asked for once a session, and once where there is no quote."""
    if before is None or not before.whole:
        return False
    if quote is None:
        return before.quote is None
    return before.quote is not None and before.quote.session == quote.session
