"""Judging: what a line would have done and would cost, computed over the history held."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.chats.measured import Calmer, Judged, Measured
from bot.chats.subscription import Rate
from bot.errors import MarketbellError, NotKnown
from bot.market.bars import Series
from bot.market.instrument import Instrument
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from bot.rules.backtest import Past, report
from bot.rules.calmer import calmer, floods
from bot.rules.conditions import FromBase, FromExtreme, Gate, Rule
from bot.rules.gate_columns import stood_before
from bot.rules.gates import by_session
from bot.rules.grammar import parse_line
from bot.rules.line import Line
from bot.rules.measures import plain
from bot.rules.past import passed_in_history
from bot.rules.report import Report
from bot.rules.scope import rules_of
from bot.rules.standing import last_footing
from bot.rules.terms import Comparison

# Beyond it the sentences say no more than that there are many.
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Ground:
    """What lines are judged on: the history held, the last quotes, and the hours where they are known."""

    held: Past
    now: datetime
    quotes: Mapping[str, Quote] = field(default_factory=dict)
    schedule: Schedule | None = None


def reported(text: str, ground: Ground, following: Collection[str] = ()) -> Report:
    """Return what a line with resolved names would have told; `following` is what the asker's watchlist has.

    Raises `GrammarError` for a line that cannot be read, and `NotKnown` where no bars of what it looks at are
    held.
    """
    return report(_bound(parse_line(text), ground, following), ground.held)


def judged(text: str, ground: Ground, following: Collection[str] = ()) -> Judged:
    """Return what a line with resolved names costs, and what would cost less where that is a flood.

    It says too what holds already, by the last quotes. `following` is as in `reported`.
    """
    line = parse_line(text)
    rules = _bound(line, ground, following)
    already = tuple(_already(rules, ground))[:_MOST_NAMED]
    try:
        found = report(rules, ground.held)
    except NotKnown as error:
        return Judged(Measured(None, why=_end_of_sentence(error)), None, already)
    rate = _rate(found)
    why = _never_known(found)
    if why:
        return Judged(Measured(None, why=why), None, already)
    measured = Measured(rate, found.last_fired)
    if not floods(rate.a_month, rate.busiest):
        return Judged(measured, None, already)
    return Judged(measured, _loudest_calm(line, rate, ground, following), already)


def _bound(line: Line, ground: Ground, following: Collection[str]) -> tuple[Rule, ...]:
    catalogue, today = ground.held.catalogue, ground.now.date()
    return rules_of(
        "tried",
        line,
        catalogue,
        lambda index: tuple(each for each in ground.held.members(index, today) if each in catalogue),
        lambda: frozenset(following),
    )


def _rate(found: Report) -> Rate:
    return Rate(found.cost.a_month, found.cost.busiest, found.sessions)


def _never_known(found: Report) -> str:
    """Say why nothing was told where nobody knew a part of the condition in any session."""
    if found.fires:
        return ""
    blind = {each.symbol for each in found.not_known if each.sessions >= found.sessions}
    if blind < set(found.symbols):
        return ""
    return next((f"{each.part}: {each.why}" for each in found.not_known), "")


def _loudest_calm(line: Line, rate: Rate, ground: Ground, following: Collection[str]) -> Calmer | None:
    """Return the relative that tells the most of those that do not flood a chat."""
    calm: list[Calmer] = []
    for each in calmer(line, is_index=_of_indices(line, ground, following)):
        try:
            # What is proposed is pasted, and must read.
            cost = _rate(report(_bound(parse_line(str(each)), ground, following), ground.held))
        except MarketbellError:
            continue
        if 0 < cost.a_month < rate.a_month and not floods(cost.a_month, cost.busiest):
            calm.append(Calmer(str(each), cost))
    return max(calm, key=lambda each: each.rate.a_month, default=None)


def _of_indices(line: Line, ground: Ground, following: Collection[str]) -> bool:
    symbols = {symbol for each in _bound(line, ground, following) for symbol in each.symbols}
    catalogue = ground.held.catalogue
    return all(each in catalogue and catalogue[each].kind == "index" for each in symbols)


def _already(rules: tuple[Rule, ...], ground: Ground) -> Iterator[str]:
    """Say of each instrument what holds at present, so that it is not told before it has ceased to."""
    for rule, instrument, history in ground.held.of(rules):
        quote = ground.quotes.get(instrument.symbol)
        series = history if quote is None else history.with_bar(quote.bar)
        match rule.condition:
            case Gate() as gate:
                yield from _holding(rule, gate, instrument, series, ground)
            case FromBase() | FromExtreme():
                yield from _passed(rule, instrument, series, ground)
            case _:
                # A day move begins anew with each session.
                pass


def _holding(rule: Rule, gate: Gate, instrument: Instrument, series: Series, ground: Ground) -> Iterator[str]:
    if by_session(rule) or not stood_before(gate.tree, ground.held.scene(instrument, series)):
        return
    if rule.telling.often == "once":
        again = "it tells once it has ceased to hold and holds again"
    elif isinstance(gate.tree, Comparison) and isinstance(gate.tree.threshold, float):
        measure, threshold = gate.tree.measure, gate.tree.threshold
        slack = measure.slack(threshold)
        back = threshold - slack if gate.tree.direction == "up" else threshold + slack
        side = "under" if gate.tree.direction == "up" else "above"
        again = f"it rings after it has been back {side} {plain(round(back, 6))}{measure.unit}"
    else:
        again = "it rings after it has ceased to hold"
    yield f"{instrument.short}: {gate} holds already; {again}"


def _passed(rule: Rule, instrument: Instrument, series: Series, ground: Ground) -> Iterator[str]:
    """Say which steps an episode has behind it: a rule that is made within one does not tell them."""
    footing = last_footing(rule, series, ground.held.calendar, instrument.market)
    if footing is None:
        return
    for rung, step in passed_in_history(rule, footing, series).items():
        furthest = abs(step)
        ahead = [each for each in footing.steps if each > furthest]
        way = f" {rung.direction}" if len(footing.directions) > 1 else ""
        what = f"{instrument.short}: {plain(furthest)}%{way} is reached already"
        yield f"{what}; the next step is {plain(ahead[0])}%" if ahead else f"{what}; there is no further step"


def _end_of_sentence(error: Exception) -> str:
    said = str(error).rstrip(".")
    return f"{said[:1].lower()}{said[1:]}"
