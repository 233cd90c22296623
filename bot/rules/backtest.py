"""What rules would have told over recorded bars: the very steps that run live, with one final look a bar."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bot.errors import NotKnown
from bot.market.bars import Calendar, Series
from bot.market.catalogue import Catalogue
from bot.market.instrument import Instrument
from bot.market.twins import Twin
from bot.rules.aftermath import Aftermath
from bot.rules.arrays import Days, Floats, arrays_of
from bot.rules.conditions import Gate, Rule
from bot.rules.crossing import Crossing, fold_of
from bot.rules.fires import Fires, ladder_crossings, ladder_fires
from bot.rules.gate_fires import gate_fires, gate_mets
from bot.rules.gates import leaves_of
from bot.rules.measures import Unit
from bot.rules.met import Met
from bot.rules.report import Cost, Fire, Report, Unjudged, cost_of, longest_silence, per_year
from bot.rules.scene import Members, no_members
from bot.rules.terms import Comparison
from bot.rules.unjudged import unjudged_of_gate, unjudged_of_ladder

if TYPE_CHECKING:
    # It loads TA-Lib, which loads pandas and polars.
    from bot.rules.columns import Scene


@dataclass(frozen=True, slots=True)
class Past:
    """What is held: the instruments, their bars, their markets' sessions, who belongs to an index, twins."""

    catalogue: Catalogue
    series: Mapping[str, Series]
    calendar: Calendar
    members: Members = no_members
    twins: tuple[Twin, ...] = ()

    def until(self, last: date) -> Past:
        """Return what was held when `last` had settled."""
        series = {symbol: each.until(last) for symbol, each in self.series.items()}
        return replace(self, series=series)

    def of(self, rules: Iterable[Rule]) -> Iterator[tuple[Rule, Instrument, Series]]:
        """Go through the rules, and through the instruments of each whose bars are held."""
        for rule in rules:
            for instrument in self.catalogue:
                held = self.series.get(instrument.symbol)
                if held is not None and held.bars and instrument.symbol in rule.symbols:
                    yield rule, instrument, held

    def scene(self, instrument: Instrument, series: Series) -> Scene:
        """Return what the bars of an instrument can say."""
        from bot.rules.columns import Scene  # noqa: PLC0415 - TA-Lib loads pandas, and only gates ask for it

        return Scene(instrument, series, self.calendar, self._held, self.members, None, self.twins)

    def _held(self, symbol: str) -> tuple[Instrument, Series] | None:
        series = self.series.get(symbol)
        return None if series is None or not series.bars else (self.catalogue[symbol], series)


@dataclass(frozen=True, slots=True)
class ToldCrossing:
    """A crossing and the name of the message that it would have stood in."""

    crossing: Crossing
    fold: str


@dataclass(frozen=True, slots=True)
class Told:
    """What would have been told on `days`, the sessions of any market between two dates.

    What ladders told and the gates that came to hold are apart, each in the order of their times.
    """

    told: tuple[ToldCrossing, ...]
    days: tuple[date, ...]
    met: tuple[Met, ...] = ()

    def cost(self, symbol: str | None = None, rule: str | None = None) -> Cost:
        """Return what a chat that follows a symbol, a rule or everything would have received."""
        raised: list[tuple[Crossing | Met, str]] = [(each.crossing, each.fold) for each in self.told]
        raised += ((each, each.fingerprint) for each in self.met)
        folds = (
            (each.session, fold)
            for each, fold in raised
            if symbol in {None, each.symbol} and rule in {None, each.rule}
        )
        first, last = (self.days[0], self.days[-1]) if self.days else (date.min, date.min)
        return cost_of(folds, first, last)


def backtest(
    rules: Iterable[Rule],
    catalogue: Catalogue,
    series: Mapping[str, Series],
    calendar: Calendar,
    span: tuple[date, date],
    members: Members = no_members,
) -> Told:
    """Evaluate `rules` over every bar up to the end of `span`; what came before it is known, not told.

    Crossings are in order of time, then of the rules, then of the catalogue.
    """
    first, last = span
    past = Past(catalogue, series, calendar, members).until(last)
    found: list[ToldCrossing] = []
    met: list[Met] = []
    for rule, instrument, held in past.of(rules):
        market = instrument.market
        if isinstance(rule.condition, Gate):
            met += gate_mets(rule, rule.condition, held, partial(past.scene, instrument), market, first)
            continue
        found += (
            ToldCrossing(each, fold_of(each, market, together=rule.together))
            for each in ladder_crossings(rule, rule.condition, held, calendar, market, first)
        )
    found.sort(key=lambda each: each.crossing.time)
    met.sort(key=lambda each: each.time)
    days = {day for sessions in calendar.sessions.values() for day in sessions if first <= day <= last}
    return Told(tuple(found), tuple(sorted(days)), tuple(met))


def fires_of(rule: Rule, instrument: Instrument, series: Series, held: Past, first: date = date.min) -> Fires:
    """Return what a rule would have told of one instrument from the session of `first` on."""
    market = instrument.market
    if isinstance(rule.condition, Gate):
        return gate_fires(rule, rule.condition, series, held.scene(instrument, series), market, first)
    return ladder_fires(rule, rule.condition, series, held.calendar, market, first)


def report(rules: Iterable[Rule], held: Past, span: tuple[date, date] = (date.min, date.max)) -> Report:
    """Return when rules would have told from one session to another, what it costs, and what came after.

    What came before is known, not told, and what came after is not looked at. Fires are in order of sessions,
    then of the rules, then of the catalogue. Raises `NotKnown` where no bars of that time are held.
    """
    first, last = span
    wanted, past = tuple(rules), held.until(last)
    fires: list[Fire] = []
    messages: list[tuple[date, str]] = []
    not_known: list[Unjudged] = []
    judged: dict[str, tuple[Series, Days]] = {}
    told: dict[str, list[Days]] = defaultdict(list)
    for rule, instrument, series in past.of(wanted):
        days = arrays_of(series).days
        rows = np.flatnonzero(days >= first.toordinal())
        if not len(rows):
            continue
        found = fires_of(rule, instrument, series, past, first)
        judged[instrument.symbol] = series, rows
        told[instrument.symbol].append(found.rows)
        listed = tuple(_listed(found, instrument.symbol, _unit(rule)))
        fires += listed
        messages += _messages(rule, instrument, listed)
        not_known += _unjudged(rule, instrument, series, past, int(rows[0]))
    if not judged:
        raise NotKnown(_nothing_held(wanted, span))
    fired, always = Aftermath(), Aftermath()
    for symbol, (series, rows) in judged.items():
        fired.add(arrays_of(series).close, np.concatenate(told[symbol]))
        always.add(arrays_of(series).close, rows)
    sessions = sorted(set().union(*(series.sessions[rows[0] :] for series, rows in judged.values())))
    fires.sort(key=lambda each: each.session)
    return Report(
        lines=tuple(dict.fromkeys(str(each.condition) for each in wanted)),
        symbols=tuple(judged),
        first=sessions[0],
        last=sessions[-1],
        sessions=len(sessions),
        fires=tuple(fires),
        per_year=per_year(len(fires), sessions[0], sessions[-1]),
        longest_silence=longest_silence((each.session for each in fires), sessions[0], sessions[-1]),
        cost=cost_of(messages, sessions[0], sessions[-1]),
        after=fired.summary(),
        all_days=always.summary(),
        not_known=tuple(not_known),
    )


def _unjudged(
    rule: Rule, instrument: Instrument, series: Series, past: Past, start: int
) -> Iterator[Unjudged]:
    if isinstance(rule.condition, Gate):
        return unjudged_of_gate(rule, series, partial(past.scene, instrument), start)
    return unjudged_of_ladder(rule, rule.condition, series, past.calendar, instrument.market, start)


def _unit(rule: Rule) -> Unit:
    """Return what a rule's values are in: a ladder's in per cent, a gate's as its first comparison's."""
    if not isinstance(rule.condition, Gate):
        return "%"
    compared = (each.measure.unit for each in leaves_of(rule) if isinstance(each, Comparison))
    return next(compared, "")


def _listed(fires: Fires, symbol: str, unit: Unit) -> Iterator[Fire]:
    sessions = map(date.fromordinal, fires.days.tolist())
    values, steps = _numbers(fires.values), _numbers(fires.steps)
    for session, value, step, up in zip(sessions, values, steps, fires.ups.tolist(), strict=True):
        yield Fire(session, value, step, symbol, "up" if up else "down", unit)


def _messages(rule: Rule, instrument: Instrument, fires: Iterable[Fire]) -> Iterator[tuple[date, str]]:
    """Give the session of each message, and what it is folded with, as `fold_of` has it."""
    if rule.together and not isinstance(rule.condition, Gate):
        yield from ((each.session, f"{instrument.market} {each.direction}") for each in fires)
        return
    alone = f"{rule.revision} {instrument.symbol}"
    yield from ((each.session, f"{alone} {number}") for number, each in enumerate(fires))


def _numbers(column: Floats) -> list[float | None]:
    return [None if math.isnan(each) else each for each in column.tolist()]


def _nothing_held(rules: Iterable[Rule], span: tuple[date, date]) -> str:
    symbols = ", ".join(sorted({symbol for each in rules for symbol in each.symbols}))
    first, last = span
    within = "" if span == (date.min, date.max) else f" from {first} to {last}"
    return f"No bars of {symbols or 'any instrument'} are held{within}."
