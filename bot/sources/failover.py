"""Two sources as one: the second answers where the first does not, and is asked whether it says the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from bot.errors import Away
from bot.market.agreement import agreement, moved_far
from bot.market.bars import Series
from bot.market.instrument import Instrument
from bot.market.quote import Quote
from bot.messages.words import price
from bot.ports import Found, QuoteSource

# How often indices are compared, and for how long a contradiction stands while nobody repeats it.
COMPARED_EVERY = timedelta(minutes=15)
# A first source's history of fewer bars is not taken for all that there is.
_SHORT = 20


class ClosableSource(QuoteSource, Protocol):
    """A source with a thread or connections of its own."""

    async def close(self) -> None:
        """Let go of them."""
        ...


class Failover:
    """The first source, with the second behind it; either may know what the other does not.

    The second answers while the first is `Away`, and for what the first leaves out. It is heard besides
    before a quote that moved far is passed on, and of every index each quarter of an hour. What it denies is
    left out until they agree again; where it cannot be heard, the first is believed. `report` is told once
    when the second takes over and once when the first is back, and of each contradiction with both figures,
    once until it is over.
    """

    def __init__(
        self,
        first: ClosableSource,
        second: ClosableSource,
        now: Callable[[], datetime],
        report: Callable[..., None],
    ) -> None:
        self.contradictions: Counter[str] = Counter()
        self._first = first
        self._second = second
        self._now = now
        self._report = report
        self._answering: QuoteSource = first
        self._filled_in: frozenset[str] = frozenset()
        self._compared: dict[str, datetime] = {}
        self._confirmed: dict[str, datetime] = {}
        self._doubted: dict[str, datetime] = {}

    @property
    def name(self) -> str:
        """What messages call the source that answers at present."""
        return self._answering.name

    async def quotes(self, instruments: Sequence[Instrument]) -> tuple[Quote, ...]:
        """Return what is known now; an instrument without a trustworthy price is left out."""
        try:
            told = _by_symbol(await self._first.quotes(instruments))
        except Away as away:
            return await self._instead(instruments, away)
        self._answers(self._first)
        heard = await self._hear([each for each in instruments if self._is_wanted(each, told)])
        for each in instruments:
            if each.symbol in told and each.symbol in heard:
                self._compare(told[each.symbol], heard[each.symbol], each)
        filled_in = {symbol: quote for symbol, quote in heard.items() if symbol not in told}
        self._fills_in(filled_in, {each.symbol for each in instruments})
        believed = {symbol: quote for symbol, quote in told.items() if not self._is_doubted(symbol)}
        known = filled_in | believed
        return tuple(known[each.symbol] for each in instruments if each.symbol in known)

    async def history(self, instrument: Instrument, until: date) -> Series:
        """Return the settled bars of the sessions before `until`; the second's where the first has few."""
        away: Away | None = None
        series = Series(instrument.symbol, ())
        try:
            series = await self._first.history(instrument, until)
        except Away as error:
            away = error
        if len(series.bars) < _SHORT:
            other = await self._history_of_second(instrument, until)
            if len(other.bars) > len(series.bars):
                return other
        if away is not None:
            raise away
        return series

    async def search(self, text: str) -> tuple[Found, ...]:
        """Return what the first source has for a name, the likeliest first."""
        return await self._first.search(text)

    async def close(self) -> None:
        """Let go of both."""
        await self._first.close()
        await self._second.close()

    async def _instead(self, instruments: Sequence[Instrument], away: Away) -> tuple[Quote, ...]:
        """Return what the second knows while the first is away; where it knows nothing, neither answers."""
        try:
            told = await self._second.quotes(instruments)
        except Away as also:
            raise Away(f"{away} {also}") from away
        if not told:
            raise away
        self._answers(self._second, str(away))
        return told

    async def _hear(self, instruments: Sequence[Instrument]) -> Mapping[str, Quote]:
        if not instruments:
            return {}
        try:
            heard = _by_symbol(await self._second.quotes(instruments))
        except Away:
            return {}
        now = self._now()
        self._compared |= {each.symbol: now for each in instruments}
        return heard

    async def _history_of_second(self, instrument: Instrument, until: date) -> Series:
        try:
            return await self._second.history(instrument, until)
        except Away:
            return Series(instrument.symbol, ())

    def _is_wanted(self, instrument: Instrument, told: Mapping[str, Quote]) -> bool:
        """Tell whether the second should be heard of an instrument."""
        symbol = instrument.symbol
        if symbol not in told:
            return True
        if told[symbol].time == self._confirmed.get(symbol):
            return False
        if symbol in self._doubted or moved_far(told[symbol]):
            return True
        compared = self._compared.get(symbol)
        return instrument.kind == "index" and (compared is None or self._now() - compared >= COMPARED_EVERY)

    def _compare(self, told: Quote, heard: Quote, instrument: Instrument) -> None:
        symbol, verdict = told.symbol, agreement(told, heard, instrument.kind)
        if verdict == "agree":
            self._confirmed[symbol] = told.time
            if self._doubted.pop(symbol, None) is not None:
                self._report("the sources agree again", symbol=symbol)
        elif verdict == "contradict":
            self.contradictions[symbol] += 1
            if symbol not in self._doubted:
                self._report(
                    "the sources contradict each other",
                    symbol=symbol,
                    said=f"{told.source} says {price(told.price)}, {heard.source} {price(heard.price)}",
                    times=self.contradictions[symbol],
                )
            self._doubted[symbol] = self._now()

    def _is_doubted(self, symbol: str) -> bool:
        since = self._doubted.get(symbol)
        if since is not None and self._now() - since >= COMPARED_EVERY:
            del self._doubted[symbol]
            return False
        return since is not None

    def _answers(self, source: QuoteSource, why: str = "") -> None:
        if source is not self._answering:
            self._answering = source
            self._report("another source answers", source=source.name, why=why or "it is back")

    def _fills_in(self, filled_in: Iterable[str], asked: set[str]) -> None:
        """Say for which of the instruments asked for the second newly stands in, and no longer does."""
        now = frozenset(filled_in)
        for symbol in sorted(now - self._filled_in):
            self._report("another source answers", source=self._second.name, symbol=symbol)
        for symbol in sorted((self._filled_in & asked) - now):
            self._report("another source answers", source=self._first.name, symbol=symbol)
        self._filled_in = (self._filled_in - asked) | now


def _by_symbol(quotes: Iterable[Quote]) -> dict[str, Quote]:
    return {each.symbol: each for each in quotes}
