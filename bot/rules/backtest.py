"""What rules would have told over recorded bars: the very evaluation, one final look a bar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from bot.market.bars import Calendar, Series
from bot.market.catalogue import Catalogue
from bot.market.sessions import settlement
from bot.rules.conditions import Rule
from bot.rules.evaluate import Crossing, Ladders, crossings


@dataclass(frozen=True, slots=True)
class Told:
    """What would have been told between two dates, both included, and over how many sessions.

    `messages` counts what a chat subscribed to everything would have received.
    """

    crossings: tuple[Crossing, ...]
    messages: int
    days: int
    busiest: int


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
    found: list[Crossing] = []
    groups: dict[tuple[str, ...], date] = {}
    for rule in rules:
        for instrument in catalogue:
            held = series.get(instrument.symbol)
            if held is None or instrument.symbol not in rule.symbols:
                continue
            for each in crossings(rule, held.until(last), calendar, instrument.market, Ladders()):
                if each.session < first:
                    continue
                found.append(each)
                together = (instrument.market, each.session.isoformat(), each.direction)
                groups[together if rule.together else (each.fingerprint,)] = each.session
    found.sort(key=lambda each: settlement(catalogue[each.symbol].market, each.session))
    days = {day for sessions in calendar.sessions.values() for day in sessions if first <= day <= last}
    per_day = [list(groups.values()).count(day) for day in days]
    return Told(tuple(found), len(groups), len(days), max(per_day, default=0))
