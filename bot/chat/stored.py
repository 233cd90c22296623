"""The market as chats ask it: read from what the worker keeps in Redis."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.chat.naming import Meant, Naming
from bot.chat.on_demand import OnDemand, Present
from bot.chat.trying import Trying
from bot.chat.understanding import Understanding, Understood
from bot.clock import MachineTime
from bot.errors import Away, NotKnown
from bot.market.bars import Calendar, Series, calendar_of
from bot.market.beside import Beside, against, breadth, indices_of, other_line, stand_in_of
from bot.market.catalogue import Catalogue
from bot.market.doubt import HeldBack
from bot.market.extremes import window_named
from bot.market.freshness import freshness
from bot.market.instrument import Instrument, Membership, bare_instrument, members_on
from bot.market.measures import DrawdownCard, QuoteCard, drawdown_card, quote_card
from bot.market.premium import Pair, Prices, has_no_twin, pair_of, premium
from bot.market.quote import Quote
from bot.market.twins import Twin
from bot.messages.own import Backtested
from bot.messages.pictures import pictured
from bot.messages.words import day, money
from bot.ports import Compared, Priced, Watched
from bot.store import market as published
from bot.store import requests
from bot.store.backtests import Wanted
from bot.store.link import Link

# What merely stands beside an answer is not waited for as long as the answer itself.
_SHORT_PATIENCE_MS = 1_000


@dataclass(frozen=True, slots=True)
class _Held:
    """What is held of an instrument: its settled bars with that of the last quote, and the quote."""

    instrument: Instrument
    series: Series
    quote: Quote


@dataclass(frozen=True, slots=True)
class StoredMarket:
    """The last quote of each watched instrument, behind its settled bars; others are asked of the worker."""

    link: Link
    catalogue: Catalogue
    named: Catalogue
    clock: MachineTime
    twins: tuple[Twin, ...] = ()
    memberships: tuple[Membership, ...] = ()
    news: tuple[str, ...] = ()

    async def quote(self, asked: str) -> Priced[QuoteCard]:
        """Return the quote of an instrument, and what stands beside it."""
        present, until = await self.present(), self._on_demand.deadline()
        meant = await self._meant(asked, present, until)
        held = await self._held(meant.instrument, present, until)
        card = quote_card(held.instrument, held.series, held.quote.session, await self._calendar())
        before = card.previous.close if card.previous else held.quote.previous_close
        state = freshness(held.quote, held.instrument, present.schedule, present.now, before)
        beside = await self._beside(held, card, present, until)
        return Priced(card, held.quote, state, beside, meant.taken)

    async def drawdown(self, asked: str, window: str) -> Priced[DrawdownCard]:
        """Return an instrument's drawdown from the peak of `window`."""
        chosen = window_named(window)
        present, until = await self.present(), self._on_demand.deadline()
        meant = await self._meant(asked, present, until)
        held = await self._held(meant.instrument, present, until)
        card = drawdown_card(held.instrument, held.series, held.quote.session, chosen)
        state = freshness(held.quote, held.instrument, present.schedule, present.now)
        waiting = await self._held_back(held.instrument)
        return Priced(
            card, held.quote, state, Beside(None, None, None, stand_in_of(held.series), waiting), meant.taken
        )

    async def premium(self, asked: str) -> Compared:
        """Return the premium between the two lines of which an instrument is one."""
        present, until = await self.present(), self._on_demand.deadline()
        meant = await self._meant(asked, present, until)
        pair = pair_of(self.twins, self.named, meant.instrument, present.now)
        if pair is None:
            raise has_no_twin(meant.instrument, known=meant.instrument.symbol in self.named)
        prices = await self._prices(pair, present, until)
        return Compared(premium(pair, prices, present.schedule, present.now), meant.taken)

    async def understood(self, line: str, following: frozenset[str], *, chat: str = "") -> Understood:
        """Return what a rule's line means; `following` is the chat's watchlist."""
        present, until = await self.present(), self._on_demand.deadline()
        reading = Understanding(self.named, self.catalogue, self.memberships, self.news, self._on_demand)
        return await reading.of(line, following, present, until, chat=chat)

    async def backtest(self, line: str, following: frozenset[str]) -> Backtested:
        """Return what a rule's line would have done, as the worker finds it."""
        understood = await self.understood(line, following)
        wanted = Wanted("report", str(understood.line), understood.following)
        report = await Trying(self.link, self.clock).report(wanted)
        shorts = {each: self.catalogue[each].short for each in report.symbols if each in self.catalogue}
        if len(report.symbols) != 1:
            return Backtested(report, shorts, understood.taken)
        (symbol,) = report.symbols
        held = await published.history(self.link, symbol)
        closes = (each.close for each in held.bars)
        picture = pictured(report, symbol, shorts.get(symbol, symbol), held.sessions, closes)
        return Backtested(report, shorts, understood.taken, picture)

    async def watched(self) -> tuple[Watched, ...]:
        """Return every instrument that has a price."""
        present, quotes = await self.present(), await published.quotes(self.link)
        calendar = await self._calendar()
        found: list[Watched] = []
        for instrument in self.catalogue:
            quote = quotes.get(instrument.symbol)
            if quote is None:
                continue
            # One after another: the bars of all of them at once would be most of what this process keeps.
            series = (await published.history(self.link, instrument.symbol)).with_bar(quote.bar)
            card = quote_card(instrument, series, quote.session, calendar)
            before = card.previous.close if card.previous else None
            found.append(
                Watched(
                    card,
                    drawdown_card(instrument, series, quote.session, "all"),
                    quote,
                    freshness(quote, instrument, present.schedule, present.now, before),
                )
            )
        return tuple(found)

    @property
    def _on_demand(self) -> OnDemand:
        return OnDemand(self.link, self.clock)

    async def present(self) -> Present:
        """Return the market's present: the wall clock's, or where a replay has come to."""
        position = await published.position(self.link)
        now = position or datetime.fromtimestamp(self.clock() / 1000, UTC)
        return Present(now, await published.schedule(self.link))

    async def _meant(self, asked: str, present: Present, until: int) -> Meant:
        return await Naming(self.named, self._on_demand).meant(asked, present, until)

    async def _held(self, instrument: Instrument, present: Present, until: int) -> _Held:
        quote = await published.quote(self.link, instrument.symbol)
        if quote is not None:
            history = await published.history(self.link, instrument.symbol)
            return _Held(instrument, history.with_bar(quote.bar), quote)
        answer = await self._on_demand.answer(instrument, present, until)
        if answer is None or answer.quote is None:
            raise _no_price(instrument, answer)
        return _Held(instrument, answer.history.with_bar(answer.quote.bar), answer.quote)

    async def _prices(self, pair: Pair, present: Present, until: int) -> Prices:
        """Return the prices of both lines and the rate between them, asked for together."""
        quotes = await published.quotes(self.link)

        async def of(instrument: Instrument) -> Quote | NotKnown:
            if (watched := quotes.get(instrument.symbol)) is not None:
                return watched
            answer = await self._on_demand.answer(instrument, present, until)
            return _no_price(instrument, answer) if answer is None or answer.quote is None else answer.quote

        lines = [pair.hong_kong, pair.new_york]
        if pair.rate_symbol is not None:
            lines.append(self.named.by_symbol.get(pair.rate_symbol) or bare_instrument(pair.rate_symbol))
        here, there, *rates = await asyncio.gather(*map(of, lines))
        if isinstance(here, NotKnown):
            raise here
        if isinstance(there, NotKnown):
            raise there
        return Prices(here, there, next((each for each in rates if isinstance(each, Quote)), None))

    async def _beside(self, held: _Held, card: QuoteCard, present: Present, until: int) -> Beside:
        """Return what stands beside a quote, as far as it is known or soon found out."""
        instrument, session = held.instrument, held.quote.session
        line = None
        pair = pair_of(self.twins, self.named, instrument, present.now)
        if pair is not None:
            try:
                soon = min(until, self._on_demand.deadline(_SHORT_PATIENCE_MS))
                prices = await self._prices(pair, present, soon)
                line = other_line(instrument, pair, prices)
            except (Away, NotKnown):
                line = None
        members = members_on(self.memberships, instrument.symbol, session)
        cards = await self._cards((*members, *indices_of(self.memberships, instrument.symbol, session)))
        indices = [cards[each] for each in cards if each not in members]
        return Beside(
            line,
            next((found for each in indices if (found := against(card, each)) is not None), None),
            breadth([cards[each] for each in members if each in cards], len(members), session),
            stand_in_of(held.series),
            await self._held_back(instrument),
        )

    async def _held_back(self, instrument: Instrument) -> HeldBack | None:
        worker = await published.worker(self.link)
        return None if worker is None else worker.waiting.get(instrument.symbol)

    async def _cards(self, symbols: tuple[str, ...]) -> dict[str, QuoteCard]:
        """Return the cards of those that are watched."""
        if not symbols:
            return {}
        quotes, calendar = await published.quotes(self.link), await self._calendar()
        found: dict[str, QuoteCard] = {}
        for symbol in symbols:
            quote = quotes.get(symbol)
            if quote is not None and symbol in self.catalogue:
                series = (await published.history(self.link, symbol)).with_bar(quote.bar)
                found[symbol] = quote_card(self.catalogue[symbol], series, quote.session, calendar)
        return found

    async def _calendar(self) -> Calendar:
        """Return the sessions that the worker says there were, or those that the bars held know of."""
        said = await published.calendar(self.link)
        if said is not None:
            return said
        held = await published.histories(self.link)
        watched = (each for symbol, each in held.items() if symbol in self.catalogue)
        return calendar_of(watched, lambda symbol: self.catalogue[symbol].market)


def _no_price(instrument: Instrument, answer: requests.Answer | None) -> NotKnown:
    """Return what is said where an instrument has no price: with its last bar, where the source has one."""
    named = f"{instrument.symbol} ({instrument.short})"
    if answer is None:
        return NotKnown(f"No price of {named} has come in yet: /status says how the worker is doing.")
    if not answer.bars:
        return NotKnown(f"The source has no price of {named}.")
    last = answer.bars[-1]
    price = money(last.close, instrument.currency, is_index=instrument.kind == "index")
    at = "" if last.adjusted else f" at {price}"
    return NotKnown(f"{named} has no price now: last traded {day(last.session)}{at}.")
