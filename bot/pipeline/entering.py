"""Entering: what a new session's looks are compared with, and how far its ladders were told already."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bot.market.bars import Bar, Calendar, Series
from bot.market.catalogue import Catalogue
from bot.market.quote import Quote, look_so_far
from bot.pipeline.gates import Gates
from bot.rules.conditions import Gate, Rule
from bot.rules.crossing import Rung
from bot.rules.episodes import renamed
from bot.rules.evaluate import Ladders
from bot.rules.footing import Footing
from bot.rules.past import passed_in_history
from bot.rules.standing import last_footing
from bot.store import alerts as stored
from bot.store.link import Link

_KEPT = timedelta(days=30)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(slots=True)
class Session:
    """One instrument's present session: its history, each ladder's footing there, and its gates."""

    day: date
    history: Series
    footings: list[tuple[Rule, Footing]]
    gates: tuple[Rule, ...] = ()


@dataclass(slots=True)
class Entering:
    """Makes ready for sessions; `ladders` are filled with what was told of them."""

    link: Link
    rules: Sequence[Rule]
    catalogue: Catalogue
    report: Callable[..., None]
    calendar: Callable[[], Calendar]
    ladders: Ladders
    gates: Gates

    async def session(self, quote: Quote, history: Series, before: Quote | None) -> Session:
        """Return the quote's session: `history` has the bars before it, `before` is the last quote."""
        calendar = self.calendar()
        market = self.catalogue[quote.symbol].market
        today = history.with_bar(Bar(quote.session, quote.price))
        yesterday = history.bars[-1] if history.bars else None
        found: list[tuple[Rule, Footing]] = []
        gates: list[Rule] = []
        for rule in self.rules:
            if quote.symbol not in rule.symbols:
                continue
            if isinstance(rule.condition, Gate):
                await self._take_up_gate(rule, history, quote.session)
                gates.append(rule)
                continue
            footing = last_footing(rule, today, calendar, market)
            if footing is None:
                self.report("not compared", rule=rule.name, symbol=quote.symbol, session=str(quote.session))
                continue
            await self._take_up(rule, footing, history, quote.session)
            if before is not None and before.session == quote.session:
                footing = footing.after(look_so_far(before, yesterday))
            found.append((rule, footing))
        return Session(quote.session, history, found, tuple(gates))

    async def _take_up_gate(self, rule: Rule, history: Series, session: date) -> None:
        """Take up how a gate stands, and forget the sessions that are long over."""
        told = await stored.ladders(self.link, rule.revision, history.symbol)
        over = [rung for rung in told if _is_over(rung, session)]
        await stored.forget(self.link, over)
        self.ladders.told.update({rung: step for rung, step in told.items() if rung not in over})
        await self.gates.enter(rule, self.catalogue[history.symbol], history)

    async def _take_up(self, rule: Rule, footing: Footing, history: Series, session: date) -> None:
        """Take up a footing's ladders, as told and as history passed them."""
        symbol = history.symbol
        told = await stored.ladders(self.link, rule.revision, symbol)
        if names := renamed(told, footing, history):
            await stored.rename(self.link, names)
            self.report("ladder renamed", rule=rule.name, symbol=symbol, episode=footing.episode)
            told = await stored.ladders(self.link, rule.revision, symbol)
        passed = passed_in_history(rule, footing, history)
        behind = {rung: step for rung, step in passed.items() if step > told.get(rung, 0.0)}
        await stored.record(self.link, behind.items())
        over = [rung for rung in told if _is_over(rung, session)]
        await stored.forget(self.link, over)
        self.ladders.told.update(told | behind)
        for rung in over:
            self.ladders.told.pop(rung)


def _is_over(rung: Rung, session: date) -> bool:
    """Tell whether a session's record has outlived it by the time that records are kept."""
    day = _DAY.match(rung.episode)
    return day is not None and date.fromisoformat(day[0]) < session - _KEPT
