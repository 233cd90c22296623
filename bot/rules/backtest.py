"""What rules would have told over recorded bars: the very evaluation, one final look a bar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from bot.market.bars import Calendar, Series
from bot.market.catalogue import Catalogue
from bot.rules.conditions import Rule
from bot.rules.crossing import Crossing, fold_of
from bot.rules.evaluate import Ladders, crossings

_DAYS_A_MONTH = 365.25 / 12


@dataclass(frozen=True, slots=True)
class ToldCrossing:
    """A crossing and the name of the message that it would have stood in."""

    crossing: Crossing
    fold: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What a chat would have received: messages in all and a month, and the most on one day."""

    messages: int
    a_month: float
    busiest: int


@dataclass(frozen=True, slots=True)
class Told:
    """What would have been told on `days`, the sessions of any market between two dates."""

    told: tuple[ToldCrossing, ...]
    days: tuple[date, ...]

    def cost(self, symbol: str | None = None, rule: str | None = None) -> Cost:
        """Return what a chat that follows a symbol, a rule or everything would have received."""
        folds = {
            (each.crossing.session, each.fold)
            for each in self.told
            if symbol in {None, each.crossing.symbol} and rule in {None, each.crossing.rule}
        }
        a_day = Counter(session for session, _ in folds)
        months = (self.days[-1] - self.days[0]).days / _DAYS_A_MONTH if self.days[1:] else 1.0
        return Cost(len(folds), len(folds) / months, max(a_day.values(), default=0))


def backtest(
    rules: Iterable[Rule],
    catalogue: Catalogue,
    series: Mapping[str, Series],
    calendar: Calendar,
    span: tuple[date, date],
) -> Told:
    """Evaluate `rules` over every bar up to the end of `span`; what came before it is known, not told.

    Crossings are in order of time, then of the rules, then of the catalogue.
    """
    first, last = span
    found: list[ToldCrossing] = []
    for rule in rules:
        for instrument in catalogue:
            held = series.get(instrument.symbol)
            if held is None or instrument.symbol not in rule.symbols:
                continue
            found += (
                ToldCrossing(each, fold_of(each, instrument.market, together=rule.together))
                for each in crossings(rule, held.until(last), calendar, instrument.market, Ladders())
                if each.session >= first
            )
    found.sort(key=lambda each: each.crossing.time)
    days = {day for sessions in calendar.sessions.values() for day in sessions if first <= day <= last}
    return Told(tuple(found), tuple(sorted(days)))
