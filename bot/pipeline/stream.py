"""Stream: ticks become quotes between two looks, where looks bear them out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from bot.market.instrument import Instrument
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from bot.market.ticks import Refusal, Tick, Trust
from bot.pipeline.together import together
from bot.ports import TickSource

Look = Callable[[Sequence[Quote]], Awaitable[None]]


class Stream:
    """Hands over the newest believed tick of each instrument, at most once every so many seconds.

    However many ticks come in, only the newest of an instrument is kept and judged. `name` is what messages
    call the source; without it they call a tick's source what they call that of the looks.
    """

    def __init__(
        self,
        source: TickSource,
        instruments: Iterable[Instrument],
        schedule: Schedule | None,
        report: Callable[..., None],
        *,
        name: str = "",
        every: float = 1.0,
    ) -> None:
        self._source = source
        self._instruments = tuple(instruments)
        self._report = report
        self._name = name
        self._every = every
        known = schedule or Schedule({})
        self._trusts = {each.symbol: Trust(each, known) for each in self._instruments}
        self._pending: dict[str, Tick] = {}
        self._come = asyncio.Event()
        self._refused: Counter[Refusal] = Counter()

    @property
    def refused(self) -> Mapping[Refusal, int]:
        """How many of the ticks that were judged were left to the next look, by reason."""
        return self._refused

    def polled(self, quotes: Iterable[Quote]) -> None:
        """Take up what a look said: by it ticks are believed, or not if it contradicts the stream.

        To be called with quotes that were believed: what is held back must not be borne out by ticks.
        """
        for quote in quotes:
            trust = self._trusts.get(quote.symbol)
            if trust is None:
                continue
            was = trust.contradicted
            tick = trust.look(quote)
            if tick is not None and not was:
                said, told = f"{quote.price!r} at {quote.time}", f"{tick.price!r} at {tick.time}"
                self._report("the stream is contradicted", symbol=quote.symbol, looked=said, streamed=told)
            elif was and not trust.contradicted:
                self._report("the stream is believed again", symbol=quote.symbol)

    def with_delays_of_looks(self, quotes: Mapping[str, Quote]) -> dict[str, Quote]:
        """Return `quotes` with the delays that looks have, for whoever counts since when nothing came.

        When the stream ends after a prompt tick, delayed looks take their delay to come up to it: until then
        nothing newer can come, and that is no blindness.
        """
        return {symbol: self._delayed(quote) for symbol, quote in quotes.items()}

    async def serve(self, look: Look) -> None:
        """Hand quotes to `look` until cancelled; whatever it raises ends this."""
        await together(self._source.follow(self._instruments, self._take), self._hand_over(look))

    def _take(self, tick: Tick) -> None:
        held = self._pending.get(tick.symbol)
        if held is None or tick.time >= held.time:
            self._pending[tick.symbol] = tick
            self._come.set()

    async def _hand_over(self, look: Look) -> None:
        while True:
            await self._come.wait()
            self._come.clear()
            ticks, self._pending = self._pending, {}
            quotes = [quote for tick in ticks.values() if (quote := self._judged(tick)) is not None]
            if quotes:
                await look(quotes)
            # What comes in meanwhile is handed over together.
            await asyncio.sleep(self._every)

    def _judged(self, tick: Tick) -> Quote | None:
        trust = self._trusts.get(tick.symbol)
        if trust is None:
            return None
        found = trust.believe(tick)
        if not isinstance(found, Quote):
            self._refused[found] += 1
            return None
        return replace(found, source=self._name or found.source)

    def _delayed(self, quote: Quote) -> Quote:
        trust = self._trusts.get(quote.symbol)
        looked = trust.looked if trust is not None else None
        return quote if looked is None else replace(quote, delay=max(quote.delay, looked.delay))
