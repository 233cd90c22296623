"""Histories: our own bars of what is watched, kept as official closes come and seldom asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from statistics import median

from bot.errors import Away
from bot.market.actions import Action
from bot.market.bars import Series, for_splits, with_actions
from bot.market.catalogue import Catalogue
from bot.market.instrument import Instrument, bare_instrument
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from bot.market.sessions import session_of
from bot.market.tracking import lacks_a_year, own, stood_in
from bot.ports import QuoteSource
from bot.store import market as published
from bot.store.link import Link

_A_DAY = timedelta(days=1)
_ASKED_AGAIN = timedelta(minutes=10)
_CHECKED_AGAIN = timedelta(days=7)
# A little less than one, for looks do not come to the second.
_A_MINUTE = timedelta(seconds=50)
# Charts a minute for what nobody waits for.
_UNHURRIED = 2
# From such a move on it matters whether the source knows of something that a holder was given today.
_MAY_BE_GIVEN = 0.03
_SAME_PRICE = 1e-4
_OTHER_LEVEL = 0.2
_COMPARED = 20


@dataclass(slots=True)
class Histories:
    """The settled bars that are held, by symbol.

    `most` is how many charts may be asked for in a minute, None where they cost nothing. A source that was
    silent once is not asked again in the same tick.
    """

    link: Link
    source: QuoteSource
    catalogue: Catalogue
    report: Callable[..., None]
    schedule: Schedule | None = None
    most: int | None = 40
    given: Mapping[str, tuple[Action, ...]] = field(default_factory=dict)
    held: dict[str, Series] = field(default_factory=dict)
    _checked: dict[str, date] = field(default_factory=dict)
    _asked: dict[str, datetime] = field(default_factory=dict)
    _lacking: dict[str, frozenset[date]] = field(default_factory=dict)
    _in_vain: dict[str, frozenset[date]] = field(default_factory=dict)
    _reach: dict[str, tuple[date, date]] = field(default_factory=dict)
    _left: float = math.inf
    _begun: datetime | None = None
    _fresh: bool = False
    _silent: bool = False
    _unsaid: bool = False

    async def load(self) -> None:
        """Take up what was known when the last worker stopped."""
        for series in (await published.histories(self.link)).values():
            self._hold(series)
        self._checked = await published.checked(self.link)

    def begin(self, now: datetime) -> None:
        """Begin a tick: the source may be asked again, and after a minute for as many charts."""
        self._silent = False
        self._fresh = self._begun is None or not self._begun <= now < self._begun + _A_MINUTE
        if self._fresh:
            self._begun = now
            self._left = math.inf if self.most is None else self.most

    def asked(self, symbol: str) -> datetime | None:
        """Return when an instrument's chart was last asked for, by the quote that made us ask."""
        return self._asked.get(symbol)

    async def before(
        self, instrument: Instrument, quote: Quote, last: Quote | None, *, asking: bool
    ) -> Series | None:
        """Return the settled bars before the session of `quote`, or None where they cannot be had now.

        What is kept goes back further than some sources do, and may have been imported meanwhile; where both
        have a session, the source is believed. There is no need of `asking` it where what is kept reaches the
        session before, as it does when we saw its official close ourselves, unless the price moved so far
        that something may have been given; `last` is the last quote that was believed.
        """
        kept = await published.history(self.link, instrument.symbol)
        until = quote.session - _A_DAY
        settled = kept.until(until)
        reaches = self._reaches(settled, instrument, quote.session)
        if reaches and not self._may_be_given(settled, quote):
            self._hold(kept)
            return settled
        if not asking:
            return None
        found = await self._refreshed(kept, instrument, quote)
        if found is not None:
            return found.until(until)
        if reaches:
            return settled
        if last is None or not last.final or last.session >= quote.session:
            return None
        return settled.joined(Series(instrument.symbol, (last.bar,)))

    async def again(self, instrument: Instrument, quote: Quote) -> bool:
        """Ask for the chart because `quote` contradicts the bars; tell whether it changed them.

        It is asked for once in ten minutes at most.
        """
        asked = self._asked.get(instrument.symbol)
        if asked is not None and asked <= quote.received < asked + _ASKED_AGAIN:
            return False
        kept = await published.history(self.link, instrument.symbol)
        found = await self._refreshed(kept, instrument, quote)
        return found is not None and found != kept

    async def settle(self, quotes: Iterable[Quote]) -> None:
        """Keep the bars of the official closes among `quotes`."""
        for quote in quotes:
            if quote.final:
                kept = await published.history(self.link, quote.symbol)
                await self._keep(kept, _joined(kept, Series(quote.symbol, (quote.bar,))))

    async def refill(self, now: datetime) -> tuple[str, ...]:
        """Ask for a few charts that nobody waits for: gaps, and what was not checked for a week.

        Returns the symbols whose bars changed.
        """
        changed: list[str] = []
        if self.schedule is not None and self._fresh:
            for instrument in self._overdue(now):
                kept = await published.history(self.link, instrument.symbol)
                session = session_of(instrument.market, now)
                found = await self._asked_for(kept, instrument, session, now)
                if found is None:
                    break
                if await self._keep(kept, self._without_vain_gaps(found, instrument)):
                    changed.append(instrument.symbol)
        if self._unsaid:
            await published.publish_checked(self.link, self._checked)
            self._unsaid = False
        return tuple(changed)

    def _overdue(self, now: datetime) -> list[Instrument]:
        found: list[Instrument] = []
        for symbol in self.held:
            if len(found) == _UNHURRIED:
                break
            if symbol not in self.catalogue:
                continue
            checked = self._checked.get(symbol)
            if checked is None or now.date() >= checked + _CHECKED_AGAIN or self._open_gaps(symbol):
                found.append(self.catalogue[symbol])
        return found

    def _open_gaps(self, symbol: str) -> bool:
        lacking = self._lacking.get(symbol, frozenset())
        return not lacking <= self._in_vain.get(symbol, frozenset())

    def _reaches(self, settled: Series, instrument: Instrument, session: date) -> bool:
        """Tell whether bars end with the very session before `session`, as far as the schedule knows it."""
        if self.schedule is None or not settled.bars or settled.bars[-1].adjusted:
            return False
        previous = self.schedule.previous(instrument.exchange, session)
        return previous is not None and previous.session == settled.bars[-1].session

    def _may_be_given(self, settled: Series, quote: Quote) -> bool:
        if self._checked.get(quote.symbol, date.min) >= quote.session:
            return False
        return abs(quote.price / settled.bars[-1].close - 1) >= _MAY_BE_GIVEN

    async def _refreshed(self, kept: Series, instrument: Instrument, quote: Quote) -> Series | None:
        """Return what is kept with what the source has, and keep it; None where it cannot be asked."""
        found = await self._asked_for(kept, instrument, quote.session, quote.received)
        if found is not None:
            found = self._suspended(found, instrument, quote)
            await self._keep(kept, found)
        return found

    async def _asked_for(
        self, kept: Series, instrument: Instrument, session: date, now: datetime
    ) -> Series | None:
        coming = await self._chart(instrument, session)
        if coming is None:
            return None
        self._asked[instrument.symbol] = now
        self._checked[instrument.symbol] = session
        self._unsaid = True
        if coming.bars:
            self._reach[instrument.symbol] = (coming.bars[0].session, coming.bars[-1].session)
        whole = _joined(kept, coming)
        if _at_another_level(kept, coming):
            self.report("history at another level", symbol=instrument.symbol, session=str(session))
            return kept
        for split in whole.actions:
            if kept.bars and split.kind == "split" and split not in kept.actions:
                self.report("a split", symbol=whole.symbol, session=str(split.session), factor=split.factor)
        if instrument.tracked_by and lacks_a_year(whole, session):
            return await self._tracked(whole, instrument, session)
        return whole

    async def _chart(self, instrument: Instrument, session: date) -> Series | None:
        if self._silent or self._left < 1:
            return None
        self._left -= 1
        try:
            found = await self.source.history(instrument, session)
        except Away as error:
            self._silent = True
            self.report("history not refreshed", symbol=instrument.symbol, why=str(error))
            return None
        return with_actions(found, self.given.get(instrument.symbol, ()), session)

    async def _tracked(self, whole: Series, instrument: Instrument, session: date) -> Series:
        """Let the first fund that tracks an instrument stand in for the bars that it lacks."""
        for symbol in instrument.tracked_by:
            known = symbol in self.catalogue
            fund = await self._chart(self.catalogue[symbol] if known else bare_instrument(symbol), session)
            if fund is None:
                return whole
            if not fund.bars:
                continue
            found = stood_in(whole, fund)
            if found.stand_in:
                return found
            self.report("a fund does not track", symbol=instrument.symbol, fund=symbol)
        return whole

    def _suspended(self, series: Series, instrument: Instrument, quote: Quote) -> Series:
        """Remember the sessions just before the quote's as untraded, where nothing traded in them.

        The source, asked again, has no bars of them, and calls our last close the one before this session.
        """
        settled = series.until(quote.session - _A_DAY)
        if self.schedule is None or not settled.bars or quote.previous_close is None:
            return series
        last = settled.bars[-1]
        if instrument.kind == "index" or not math.isclose(
            last.close, quote.previous_close, rel_tol=_SAME_PRICE
        ):
            return series
        between = self.schedule.sessions_between(
            instrument.exchange, last.session + _A_DAY, quote.session - _A_DAY
        )
        return _untraded(series, (each.session for each in between))

    def _without_vain_gaps(self, series: Series, instrument: Instrument) -> Series:
        """Take what the source lacks between its own bars as untraded; an index's gap stays one."""
        lacking = self._gaps(series, instrument)
        self._in_vain[series.symbol] = lacking
        first, last = self._reach.get(series.symbol, (date.max, date.min))
        if instrument.kind == "index":
            return series
        return _untraded(series, (each for each in lacking if first < each < last))

    def _gaps(self, series: Series, instrument: Instrument) -> frozenset[date]:
        real = own(series).sessions
        if self.schedule is None or not real:
            return frozenset()
        held = self.schedule.sessions_between(instrument.exchange, real[0], real[-1])
        return frozenset(each.session for each in held) - {*real, *series.untraded}

    async def _keep(self, kept: Series, series: Series) -> bool:
        """Hold a history, and write it down where it is another than what was kept; tell whether it is."""
        self._hold(series)
        if series == kept:
            return False
        await published.publish_history(self.link, series)
        return True

    def _hold(self, series: Series) -> None:
        self.held[series.symbol] = series
        if series.symbol in self.catalogue:
            self._lacking[series.symbol] = self._gaps(series, self.catalogue[series.symbol])


def _joined(kept: Series, coming: Series) -> Series:
    return _untraded(kept.joined(coming), kept.untraded)


def _untraded(series: Series, sessions: Iterable[date]) -> Series:
    found = {*series.untraded, *sessions} - {*series.sessions}
    return replace(series, untraded=tuple(sorted(found)))


def _at_another_level(kept: Series, coming: Series) -> bool:
    """Tell whether two histories of one instrument go by other shares, and no known split says why."""
    held = {each.session: each for each in for_splits(kept, coming).bars if not each.adjusted}
    ratios = [
        bar.close / held[bar.session].close
        for bar in coming.bars[-_COMPARED:]
        if bar.session in held and not bar.adjusted
    ]
    return bool(ratios) and abs(median(ratios) - 1) > _OTHER_LEVEL
