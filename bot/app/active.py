"""The active worker: what it does when its time comes, while it holds the lease."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.app.beside import Beside
from bot.app.trying import last_of
from bot.chats.subscription import EVERYTHING, Rate, instrument_topic, rule_topic
from bot.errors import Away
from bot.market.instrument import Instrument
from bot.market.quote import Quote
from bot.pipeline.blindness import Blindness
from bot.pipeline.ending import end_over
from bot.pipeline.fan_out import FanOut
from bot.pipeline.following import Following
from bot.pipeline.raising import Raiser
from bot.pipeline.read import Read
from bot.pipeline.stream import Stream
from bot.pipeline.watch import Watch
from bot.rules.backtest import backtest
from bot.store import backtests
from bot.store import market as published

if TYPE_CHECKING:
    from bot.app.worker import Worker


@dataclass(slots=True)
class Active:
    """A worker that holds the lease: what it does when its time comes."""

    worker: Worker
    watch: Watch
    beside: Beside
    read: Read
    raiser: Raiser
    fan_out: FanOut
    following: Following
    blindness: Blindness | None = None
    stream: Stream | None = None
    _rated: date | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look(self) -> None:
        """Look at every quote once; a source that does not answer is said, and asked again next time."""
        worker, trouble = self.worker, ""
        await self._heed_chats()
        try:
            quotes = await self._quotes()
        except Away as error:
            trouble = str(error)
            worker.parts.report("no quotes", why=trouble)
        else:
            await self._look_at(quotes)
        if self.blindness is not None:
            now, source = worker.present.now(), worker.quotes.name
            seen = self.watch.quotes
            if self.stream is not None:
                seen = self.stream.with_delays_of_looks(seen)
            await self.blindness.look(seen, now, source, trouble, self.raiser, self.watch.waiting)
        await self.fan_out.work_off()
        await worker.publish(self.watch, trouble=trouble)
        if not trouble:
            await self._rate()

    async def _heed_chats(self) -> None:
        """Take up what chats have changed of their own rules, and take away what is over."""
        parts = self.worker.parts
        today = self.worker.present.now().astimezone(ZoneInfo(parts.settings.zone)).date()
        await end_over(parts.link, today)
        async with self._turn:
            await self.watch.refresh()

    async def _quotes(self) -> tuple[Quote, ...]:
        """Return the quotes of what is watched; those that rules need besides are put aside."""
        watched = self.worker.parts.catalogue
        beside: tuple[Instrument, ...] = ()
        if self.watch.asks_for_premiums:
            beside = self.beside.wanted(self.worker.present.now())
        quotes = await self.worker.quotes.quotes((*watched, *beside))
        self.beside.quotes |= {each.symbol: each for each in quotes if each.symbol not in watched}
        return tuple(each for each in quotes if each.symbol in watched)

    async def look_between(self, quotes: Sequence[Quote]) -> None:
        """Look at what a stream says between two looks."""
        try:
            async with self._turn:
                await self._tick(quotes)
            await self.fan_out.work_off()
        except Away as error:
            self.worker.parts.report("ticks were lost", why=str(error))

    async def _look_at(self, quotes: Sequence[Quote]) -> None:
        """Look at what was asked for, where the stream has not told later prices already."""
        async with self._turn:
            if self.stream is None:
                await self._tick(quotes)
                return
            behind = {each.symbol for each in quotes if self._is_behind(each)}
            await self._tick([each for each in quotes if each.symbol not in behind])
            self.stream.polled(each for each in quotes if each.symbol in behind or self._is_believed(each))

    async def _tick(self, quotes: Sequence[Quote]) -> None:
        """Look at quotes, and follow what was told before and just now."""
        try:
            raised = await self.watch.tick(quotes, self.raiser)
            await self.following.look(self.watch.quotes, raised, self.worker.present.now(), self.raiser)
        except Away:
            self.following.forget()
            raise

    def _is_behind(self, quote: Quote) -> bool:
        known = self.watch.quotes.get(quote.symbol)
        return known is not None and known.session == quote.session and quote.time < known.time

    def _is_believed(self, quote: Quote) -> bool:
        known = self.watch.quotes.get(quote.symbol)
        return known is not None and (known.time, known.price) == (quote.time, quote.price)

    async def read_feeds(self) -> None:
        """Read every feed once."""
        await self.read.tick(self.worker.present.now(), self.raiser)
        await self.fan_out.work_off()

    async def _rate(self) -> None:
        """Measure once a day what each topic would have cost a chat."""
        today = self.worker.present.now().date()
        if self._rated == today or not self.watch.histories:
            return
        self._rated = today
        parts, series, calendar = self.worker.parts, self.watch.histories, self.watch.held_calendar()
        rules = parts.rules()
        days = [day for sessions in calendar.sessions.values() for day in sessions]
        if not days:
            return
        told = await asyncio.to_thread(
            backtest,
            rules,
            parts.catalogue,
            series,
            calendar,
            (min(days), max(days)),
            self.beside.members,
        )
        costs = {EVERYTHING: told.cost()}
        costs |= {instrument_topic(symbol): told.cost(symbol=symbol) for symbol in series}
        costs |= {rule_topic(rule.name): told.cost(rule=rule.name) for rule in rules}
        rates = {topic: Rate(cost.a_month, cost.busiest, len(told.days)) for topic, cost in costs.items()}
        await published.publish_rates(parts.link, rates)
        await backtests.publish_last(parts.link, last_of(told))
