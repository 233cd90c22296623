"""The market and the book as chats ask them: read from what the worker keeps in Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from bot.chats.chat_id import ChatId
from bot.chats.subscription import Rate, Subscription
from bot.clock import MachineTime
from bot.errors import NotKnown, UnknownSymbol
from bot.market.bars import Calendar, Series, calendar_of
from bot.market.catalogue import Catalogue, folded
from bot.market.extremes import window_named
from bot.market.instrument import SYMBOL, Instrument, bare_instrument
from bot.market.measures import DrawdownCard, QuoteCard, drawdown_card, quote_card
from bot.market.quote import Quote
from bot.ports import Priced, Status, Watched
from bot.store import chats, outbox, requests
from bot.store import market as published
from bot.store.link import Link

_FRESH_MS = 60_000
_PATIENCE_MS = 3_000
_STEP_S = 0.1


@dataclass(frozen=True, slots=True)
class StoredMarket:
    """The last quote of each watched instrument, behind its settled bars; others are asked of the worker."""

    link: Link
    catalogue: Catalogue
    named: Catalogue
    clock: MachineTime

    async def quote(self, asked: str) -> Priced[QuoteCard]:
        """Return the quote of an instrument."""
        instrument, series, quote = await self._held(asked)
        calendar = await self._calendar(await published.histories(self.link))
        return Priced(quote_card(instrument, series, quote.session, calendar), quote)

    async def drawdown(self, asked: str, window: str) -> Priced[DrawdownCard]:
        """Return an instrument's drawdown from the peak of `window`."""
        chosen = window_named(window)
        instrument, series, quote = await self._held(asked)
        return Priced(drawdown_card(instrument, series, quote.session, chosen), quote)

    async def watched(self) -> tuple[Watched, ...]:
        """Return every instrument that has a price."""
        quotes = await published.quotes(self.link)
        histories = await published.histories(self.link)
        calendar = await self._calendar(histories)
        found: list[Watched] = []
        for instrument in self.catalogue:
            quote = quotes.get(instrument.symbol)
            if quote is None:
                continue
            series = histories.get(instrument.symbol, Series(instrument.symbol, ())).with_bar(quote.bar)
            found.append(
                Watched(
                    quote_card(instrument, series, quote.session, calendar),
                    drawdown_card(instrument, series, quote.session, "all"),
                    quote,
                )
            )
        return tuple(found)

    async def _held(self, asked: str) -> tuple[Instrument, Series, Quote]:
        instrument = self._meant(asked)
        quote = (await published.quotes(self.link)).get(instrument.symbol)
        if quote is not None:
            history = await published.history(self.link, instrument.symbol)
            return instrument, history.with_bar(quote.bar), quote
        answer = await self._asked_for(instrument.symbol)
        if answer is None:
            raise NotKnown(
                f"No price of {instrument.symbol} ({instrument.short}) has come in yet: "
                "/status says how the worker is doing."
            )
        if answer.quote is None:
            self.named.resolve(asked)
            raise NotKnown(f"The source has no price of {instrument.symbol} ({instrument.short}).")
        return instrument, answer.history.with_bar(answer.quote.bar), answer.quote

    def _meant(self, asked: str) -> Instrument:
        """Find the instrument that is meant; what looks like a symbol may be one that no catalogue has."""
        try:
            return self.named.resolve(asked)
        except UnknownSymbol:
            symbol = folded(asked).upper()
            if not SYMBOL.fullmatch(symbol):
                raise
            return bare_instrument(symbol)

    async def _asked_for(self, symbol: str) -> requests.Answer | None:
        """Return what the worker finds out about a symbol within three seconds, or what is known of it."""
        until = self.clock() + _PATIENCE_MS
        known = await requests.answered(self.link, symbol)
        if known is not None and known.at > self.clock() - _FRESH_MS:
            return known
        await requests.want(self.link, symbol)
        while self.clock() < until:
            await asyncio.sleep(_STEP_S)
            found = await requests.answered(self.link, symbol)
            if found is not None and (known is None or found.at > known.at):
                return found
        return known

    async def _calendar(self, histories: Mapping[str, Series]) -> Calendar:
        """Return the sessions that the worker says there were, or those that the bars held know of."""
        said = await published.calendar(self.link)
        if said is not None:
            return said
        watched = (each for symbol, each in histories.items() if symbol in self.catalogue)
        return calendar_of(watched, lambda symbol: self.catalogue[symbol].market)


@dataclass(frozen=True, slots=True)
class StoredBook:
    """Subscriptions and the state of things, kept in Redis."""

    link: Link
    routes: tuple[str, ...]
    clock: MachineTime

    async def of(self, chat: ChatId) -> tuple[Subscription, ...]:
        """Return what a chat asked for, oldest first."""
        return await chats.subscriptions(self.link, chat)

    async def add(self, chat: ChatId, topic: str) -> bool:
        """Subscribe a chat; False where it was subscribed already."""
        return await chats.subscribe(self.link, chat, topic, self.clock())

    async def remove(self, chat: ChatId, topic: str) -> bool:
        """Take a topic from a chat; False where it had not asked for it."""
        return await chats.unsubscribe(self.link, chat, topic)

    async def come_back(self, chat: ChatId) -> None:
        """Let a chat that was gone hear again."""
        await chats.come_back(self.link, chat)

    async def first(self, name: str) -> bool:
        """Tell whether `name` is met for the first time in the last quarter of an hour."""
        return await chats.first(self.link, name)

    async def rate(self, topic: str) -> Rate | None:
        """Return what a topic would have cost a chat, where there are bars to measure it on."""
        return (await published.rates(self.link)).get(topic)

    async def status(self) -> Status:
        """Return how things stand."""
        worker = await published.worker(self.link)
        quotes = await published.quotes(self.link)
        waiting = await outbox.backlog(self.link, self.routes)
        return Status(
            now=self.clock(),
            ticked=worker.ticked if worker else None,
            watched=worker.watched if worker else 0,
            source=worker.source if worker else "",
            trouble=worker.trouble if worker else "",
            quoted=max((quote.time for quote in quotes.values()), default=None),
            waiting=sum(waiting.values()),
            ended=await outbox.counts(self.link),
        )
