"""Whole lines, conditions, trees and tellings, each in the form in which it is read."""

from __future__ import annotations

from datetime import date
from typing import get_args

from hypothesis import strategies as st

from bot.errors import GrammarError
from bot.market.bars import Reference, Side
from bot.rules.conditions import (
    AutoSteps,
    Condition,
    DayMove,
    FixedSteps,
    FromBase,
    FromExtreme,
    Gate,
    Often,
    Telling,
    Trigger,
    Urgency,
)
from bot.rules.line import AutoOfKind, Line, Scope
from bot.rules.measures import (
    Against,
    Average,
    Breadth,
    Change,
    ChangeSince,
    Day,
    Direction,
    Drawdown,
    FromCost,
    Gap,
    OffLow,
    Position,
    Premium,
    PremiumKind,
    Price,
    Ratio,
    Rsi,
    Sigmas,
    SinceTold,
    Spread,
    Streak,
    Volume,
)
from bot.rules.sense import check
from bot.rules.terms import AtClose, Both, Comparison, Either, Lasting, NewExtreme, Not, Story, Tree

SYMBOLS = (
    *("HSTECH", "^HSI", "000300.SS", "0700.HK", "1810.HK", "BABA", "BRK-B", "EURUSD=X", "BTC-USD"),
    # Symbols that are words of the language as well.
    *("GAP", "COST", "ALL", "UP", "LOW", "MA", "IT", "X", "MOVE"),
)

symbols = st.sampled_from(SYMBOLS)
directions: st.SearchStrategy[Direction] = st.sampled_from(get_args(Direction))
references: st.SearchStrategy[Reference] = st.sampled_from(get_args(Reference))
triggers: st.SearchStrategy[Trigger] = st.sampled_from(get_args(Trigger))
sides: st.SearchStrategy[Side] = st.sampled_from(get_args(Side))
dates = st.dates(date(1990, 1, 1), date(2039, 12, 31))
sessions = st.integers(2, 400)
windows = st.one_of(
    st.sampled_from(("all", "52w", "ytd", "mtd")),
    st.integers(1, 10_000).map("{}d".format),
    st.integers(1, 1_500).map("{}w".format),
    dates.map("since {}".format),
)
percents = st.integers(1, 6_000).map(lambda number: number / 100)
levels = st.one_of(
    st.integers(1, 10_000_000).map(lambda number: number / 1000),
    st.floats(1e-6, 1e11, allow_nan=False, allow_infinity=False),
)


def _rising(most: int = 6) -> st.SearchStrategy[tuple[float, ...]]:
    return st.lists(percents, min_size=1, max_size=most, unique=True).map(lambda steps: tuple(sorted(steps)))


both_or_one: st.SearchStrategy[tuple[Direction, ...]] = st.sampled_from((("up", "down"), ("up",), ("down",)))
fixed_steps = st.builds(FixedSteps, _rising(), st.one_of(st.just(0.0), percents))
auto_steps = st.builds(
    lambda times, lookback, floor, more, further: AutoSteps(
        times, lookback, floor, floor + more, (1.0, *(1 + each for each in further))
    ),
    st.integers(1, 60).map(lambda number: number / 10),
    sessions,
    st.integers(1, 10).map(float),
    st.integers(0, 10).map(float),
    st.lists(st.integers(1, 12).map(lambda number: number / 4), max_size=3, unique=True).map(sorted),
)

own_bases = st.one_of(st.builds(FromCost, levels), st.builds(ChangeSince, dates))
day_moves = st.builds(
    DayMove,
    st.one_of(fixed_steps, auto_steps, st.just(AutoOfKind())),
    both_or_one,
    triggers,
)
from_bases = st.builds(FromBase, own_bases, fixed_steps, both_or_one, triggers)
from_extremes = st.builds(FromExtreme, sides, _rising(), references, triggers, windows)
ladders = st.one_of(day_moves, from_bases, from_extremes)

kinds_of_premium: st.SearchStrategy[PremiumKind] = st.sampled_from(get_args(PremiumKind))
spans = st.one_of(
    st.builds(Change, st.integers(1, 600), st.just("m")),
    st.builds(Change, st.integers(1, 240), st.just("h")),
    st.builds(Change, sessions, st.just("sessions")),
)
moves = st.one_of(
    st.just(Day()),
    spans,
    own_bases,
    st.just(SinceTold()),
    st.just(Gap()),
    st.builds(Against, symbols),
    st.builds(Premium, kinds_of_premium),
)
averages = st.builds(Average, st.sampled_from(("sma", "ema")), sessions)
signed = st.one_of(percents, percents.map(lambda number: -number), st.just(0.0))

comparisons = st.one_of(
    st.builds(Comparison, moves, directions, signed),
    st.builds(Comparison, st.builds(Sigmas, sessions), directions, signed),
    st.builds(Comparison, st.builds(OffLow, windows, references), directions, percents),
    st.builds(Comparison, st.builds(Drawdown, windows, references), directions, percents),
    st.builds(
        Comparison, st.one_of(st.just(Price()), averages, st.builds(Ratio, symbols)), directions, levels
    ),
    st.builds(Comparison, st.builds(Spread, symbols), directions, signed),
    st.builds(Comparison, st.builds(Volume, sessions), directions, percents),
    st.builds(Comparison, st.builds(Position, windows), directions, percents),
    st.builds(Comparison, st.builds(Rsi, sessions), directions, percents),
    st.builds(Comparison, st.just(Streak()), directions, st.integers(-9, 9).filter(bool).map(float)),
    st.builds(
        Comparison,
        st.builds(Breadth, symbols, directions, percents),
        directions,
        st.integers(1, 90).map(float),
    ),
    st.builds(Comparison, st.just(Price()), directions, averages),
    st.builds(Comparison, averages, directions, st.just(Price())),
    st.builds(Comparison, st.just(Day()), directions, st.just(Gap())),
)
atoms = st.one_of(
    comparisons,
    st.builds(NewExtreme, sides, windows, references),
    st.builds(Story, st.sampled_from(("buyback", "adr_audit", "policy", "day")), st.integers(1, 720)),
)


def _joined(kind: type[Both | Either], parts: list[Tree]) -> Tree:
    flat: list[Tree] = []
    for each in parts:
        flat += each.parts if isinstance(each, kind) else (each,)
    return kind(tuple(flat))


def _closing(part: Tree) -> Tree:
    return part if isinstance(part, AtClose) else AtClose(part)


trees: st.SearchStrategy[Tree] = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: _joined(Both, parts)),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: _joined(Either, parts)),
        st.builds(Not, inner),
        st.builds(Lasting, inner, st.integers(2, 9)),
        inner.map(_closing),
    ),
    max_leaves=6,
)


def is_ladder(tree: Tree) -> bool:
    """Tell whether a tree by itself is read as a ladder of one step."""
    part = tree.part if isinstance(tree, AtClose) else tree
    if not isinstance(part, Comparison) or not isinstance(part.threshold, float):
        return False
    match part.measure:
        case Day() | FromCost() | ChangeSince():
            return part.threshold > 0 if part.direction == "up" else part.threshold < 0
        case OffLow() | Drawdown():
            return part.direction == "up"
        case _:
            return False


def makes_sense(condition: Condition) -> bool:
    """Tell whether a condition is possible and short enough to be written."""
    try:
        check(condition)
    except GrammarError:
        return False
    return len(str(condition)) < 380


gates = trees.filter(lambda tree: not is_ladder(tree)).map(Gate)
conditions: st.SearchStrategy[Condition] = st.one_of(ladders, gates).filter(makes_sense)

notes = st.text(
    st.characters(categories=("L", "N", "P", "S", "Zs"), exclude_characters='"＂'), max_size=30
).map(lambda text: " ".join(text.split()))
oftens: st.SearchStrategy[Often] = st.sampled_from(get_args(Often))
urgencies: st.SearchStrategy[Urgency] = st.sampled_from(get_args(Urgency))
tellings = st.builds(Telling, oftens, st.one_of(st.none(), dates), urgencies, notes)

scopes = st.one_of(
    st.none(),
    st.lists(symbols, min_size=1, max_size=3, unique=True).map(lambda names: Scope("named", tuple(names))),
    st.sampled_from(("Li Auto", "小米", "阿里巴巴(美股)", "The Trade Desk", "B站", "沪深300", "CSI 300")).map(
        lambda name: Scope("named", (name,))
    ),
    symbols.map(lambda name: Scope("each of", (name,))),
    st.just(Scope("watchlist")),
    st.lists(st.sampled_from(("index", "stock", "fund", "other")), min_size=1, unique=True).map(
        lambda kinds: Scope("kinds", tuple(kinds))
    ),
)
lines = st.builds(Line, scopes, conditions, tellings)
