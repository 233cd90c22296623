"""How a person's words become an instrument: one chain, from the exact symbol to a search at the source."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.chat.on_demand import OnDemand, Present
from bot.errors import UnknownSymbol
from bot.market.catalogue import Catalogue, folded, likely_symbol
from bot.market.instrument import SYMBOL, Instrument, bare_instrument
from bot.messages.words import cut, one_line

_LONGEST_TICKER = 5
_LONGEST_SHORT = 24


@dataclass(frozen=True, slots=True)
class Meant:
    """The instrument that is meant; `taken` tells the reader where it was not called by its own name."""

    instrument: Instrument
    taken: str = ""


@dataclass(frozen=True, slots=True)
class Naming:
    """Finds what is meant among everything that has a name, then by asking the worker."""

    named: Catalogue
    on_demand: OnDemand

    async def meant(self, asked: str, present: Present, until: int) -> Meant:
        """Return the instrument that a person means, taking the first of these that holds.

        1. It is a symbol, a code or a name of the catalogue.
        2. It is such a name but for a slip, and no other is nearly as near.
        3. It has the form of a symbol, and the source knows it; of one that has not answered by `until`
           nothing better is known.
        4. It comes near no name, and the source's search has something for it.

        Raises `UnknownSymbol` with the three nearest names, and `UsageError` for what can be no name at all.
        """
        try:
            return Meant(self.named.resolve(asked))
        except UnknownSymbol as error:
            unknown = error
        slip, symbol = self.named.slip(asked), likely_symbol(asked)
        meant = None if slip is None else Meant(slip, _took(asked, slip))
        if meant is not None and (symbol is None or len(symbol) > _LONGEST_TICKER):
            return meant
        if symbol is not None:
            bare = self._described(symbol)
            answer = await self.on_demand.answer(bare, present, until)
            if answer is None or answer.known:
                return Meant(bare)
        if meant is None and not self.named.comes_close(asked):
            meant = await self._searched(asked, until)
        if meant is None:
            raise unknown
        return meant

    async def _searched(self, asked: str, until: int) -> Meant | None:
        for found in await self.on_demand.search(folded(asked), until) or ():
            if not SYMBOL.fullmatch(found.symbol):
                continue
            name = cut(one_line(found.name) or found.symbol, _LONGEST_SHORT)
            instrument = self._described(found.symbol)
            if instrument.short == found.symbol:
                instrument = replace(instrument, short=name)
            return Meant(instrument, _took(asked, instrument))
        return None

    def _described(self, symbol: str) -> Instrument:
        try:
            return self.named.resolve(symbol)
        except UnknownSymbol:
            return bare_instrument(symbol)


def _took(asked: str, instrument: Instrument) -> str:
    return f"Took “{one_line(asked)}” for {instrument.short} ({instrument.symbol})"
