"""Look up: symbols that a command asked for and nobody watches, many in one request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.clock import MachineTime
from bot.errors import Away
from bot.market.bars import Series
from bot.market.instrument import Instrument
from bot.market.quote import Quote
from bot.ports import QuoteSource
from bot.store import requests
from bot.store.link import Link

_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class LookUp:
    """Answers what is asked for; only the worker talks to the source, so a crowd costs one request."""

    link: Link
    source: QuoteSource
    instrument_of: Callable[[str], Instrument]
    clock: MachineTime
    report: Callable[..., None]

    async def serve(self) -> None:
        """Answer until cancelled; where the source does not answer, whoever asked is told what is known."""
        while True:
            symbols = await requests.wanted(self.link)
            if symbols:
                try:
                    await self._answer([self.instrument_of(symbol) for symbol in symbols])
                except Away as error:
                    self.report("not looked up", symbols=", ".join(symbols), why=str(error))
                # What is asked for in the meantime goes together into the next request.
                await asyncio.sleep(_PAUSE_S)

    async def _answer(self, instruments: Sequence[Instrument]) -> None:
        found = {quote.symbol: quote for quote in await self.source.quotes(instruments)}
        for instrument in instruments:
            quote = found.get(instrument.symbol)
            history = (
                Series(instrument.symbol, ()) if quote is None else await self._history(instrument, quote)
            )
            answer = requests.Answer(instrument.symbol, self.clock(), quote, history.bars, history.before)
            await requests.answer(self.link, answer)

    async def _history(self, instrument: Instrument, quote: Quote) -> Series:
        """Return the bars before the quote's session, asked for once a session."""
        before = await requests.answered(self.link, instrument.symbol)
        if before is not None and before.quote is not None and before.quote.session == quote.session:
            return before.history
        return await self.source.history(instrument, quote.session)
