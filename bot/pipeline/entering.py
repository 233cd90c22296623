"""Entering: what a new session's looks are compared with, and how far its ladders were told already."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
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
from bot.rules.gates import waits_for_the_close
from bot.rules.past import passed_in_history
from bot.rules.standing import last_footing
from bot.store import alerts as stored
from bot.store.link import Link

_KEPT = timedelta(days=30)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Entered:
    """A session as it is entered: the quote, the bars before it, and the last quote looked at before."""

    quote: Quote
    history: Series
    before: Quote | None

    @property
    def today(self) -> Series:
        """The bars with one of the session behind them."""
        return self.history.with_bar(Bar(self.quote.session, self.quote.price))

    @property
    def is_resumed(self) -> bool:
        """Tell whether some of the session was looked at before."""
        return self.before is not None and self.before.session == self.quote.session

    def after_looks(self, footing: Footing) -> Footing:
        """Return a footing as the looks of the session so far have left it."""
        if self.before is None or not self.is_resumed:
            return footing
        yesterday = self.history.bars[-1] if self.history.bars else None
        return footing.after(look_so_far(self.before, yesterday))

    def seen(self, *, at_close: bool) -> Series:
        """Return what was looked at: the session so far too, but where only its close would count."""
        if self.before is None or not self.is_resumed or (at_close and not self.before.final):
            return self.history
        return self.history.with_bar(self.before.bar)


@dataclass(slots=True)
class Session:
    """One instrument's present session: its history, each ladder's footing there, and its gates."""

    day: date
    history: Series
    footings: list[tuple[Rule, Footing]] = field(default_factory=list)
    gates: tuple[Rule, ...] = ()


@dataclass(slots=True)
class Entering:
    """Makes ready for sessions; `ladders` are filled with what was told of them."""

    link: Link
    catalogue: Catalogue
    report: Callable[..., None]
    calendar: Callable[[], Calendar]
    ladders: Ladders
    gates: Gates

    async def session(self, entered: Entered, rules: Iterable[Rule]) -> Session:
        """Return the session of what is entered, for the rules that look at the instrument."""
        session = Session(entered.quote.session, entered.history)
        for rule in rules:
            told = await stored.ladders(self.link, rule.revision, entered.quote.symbol)
            if isinstance(rule.condition, Gate):
                await self.take_up_gate(rule, entered, told)
                session.gates += (rule,)
                continue
            footing = await self.take_up(rule, entered, told)
            if footing is not None:
                session.footings.append((rule, footing))
        return session

    async def take_up_gate(self, rule: Rule, entered: Entered, told: Mapping[Rung, float]) -> None:
        """Take up how a gate stands, and forget the sessions that are long over."""
        over = [rung for rung in told if is_over(rung, entered.quote.session)]
        await stored.forget(self.link, over)
        self.ladders.told.update({rung: step for rung, step in told.items() if rung not in over})
        seen = entered.seen(at_close=waits_for_the_close(rule))
        await self.gates.enter(rule, self.catalogue[entered.quote.symbol], seen)

    async def take_up(self, rule: Rule, entered: Entered, told: Mapping[Rung, float]) -> Footing | None:
        """Return a ladder's footing, with what was told of it, and what history passed, taken up.

        None where what it is compared with is not known.
        """
        quote, history = entered.quote, entered.history
        footing = last_footing(rule, entered.today, self.calendar(), self.catalogue[quote.symbol].market)
        if footing is None:
            self.report("not compared", rule=rule.name, symbol=quote.symbol, session=str(quote.session))
            return None
        if names := renamed(told, footing, history):
            await stored.rename(self.link, names)
            self.report("ladder renamed", rule=rule.name, symbol=quote.symbol, episode=footing.episode)
            told = await stored.ladders(self.link, rule.revision, quote.symbol)
        passed = passed_in_history(rule, footing, entered.seen(at_close=footing.trigger == "close"))
        behind = {rung: step for rung, step in passed.items() if _is_behind(told.get(rung, 0.0), step)}
        await stored.record(self.link, behind.items())
        over = [rung for rung in told if is_over(rung, quote.session)]
        await stored.forget(self.link, over)
        self.ladders.told.update({**told, **behind})
        for rung in over:
            self.ladders.told.pop(rung, None)
        return entered.after_looks(footing)


def _is_behind(told: float, passed: float) -> bool:
    """Tell whether history passed more than is recorded; a rule that tells once and has told stays so."""
    return passed > told if told > 0 else abs(passed) > abs(told)


def is_over(rung: Rung, session: date) -> bool:
    """Tell whether a session's record has outlived it by the time that records are kept."""
    day = _DAY.match(rung.episode)
    return day is not None and date.fromisoformat(day[0]) < session - _KEPT
