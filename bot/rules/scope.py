"""What a line looks at: its names made canonical, and the rules that it then is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from bot.errors import GrammarError, UnknownSymbol, UsageError
from bot.market.catalogue import Catalogue
from bot.rules.conditions import Condition, DayMove, Gate, Rule
from bot.rules.grammar import parse_line, reads
from bot.rules.line import AutoOfKind, Line, Scope
from bot.rules.measures import Against, Breadth, Measure, Ratio, Spread
from bot.rules.mistakes import nearest_words, shown
from bot.rules.scene import MembersThen
from bot.rules.terms import AtClose, Both, Comparison, Either, Lasting, Not, Tree

Resolve = Callable[[str], str]

_JOINED = re.compile(r" and | & |和|与|與|及", re.IGNORECASE)


def read(text: str, resolve: Resolve) -> Line:
    """Read a whole line and resolve its names; `GrammarError` also where nothing is called that."""
    line = parse_line(text)
    unknown: list[str] = []

    def found(name: str) -> str:
        try:
            return resolve(name)
        except (UnknownSymbol, UsageError):
            unknown.append(name)
            raise

    try:
        return resolved(line, found, text)
    except GrammarError:
        raise
    except (UnknownSymbol, UsageError) as error:
        raise shown(text, max(text.find(unknown[-1]), 0), str(error)) from error


def resolved(line: Line, resolve: Resolve, text: str = "") -> Line:
    """Return the line with the canonical symbol in the place of every name.

    `resolve` returns a name's symbol, and `text` is the line as it was written, for a mistake to be shown in.
    Raises what it raises, `UnknownSymbol` with the nearest; and `GrammarError` where what stands behind a
    known name is no condition.
    """
    scope = line.scope if line.scope is None else _scope(line.scope, resolve, text or str(line))
    return replace(line, scope=scope, condition=_condition(line.condition, resolve))


def rules_of(
    name: str,
    line: Line,
    catalogue: Catalogue,
    members: MembersThen,
    watchlist: Callable[[], frozenset[str]],
    *,
    together: bool = False,
    chat: str = "",
) -> tuple[Rule, ...]:
    """Return the rules that a resolved line is: one, or one a kind where the kind decides its steps.

    `catalogue` holds what is watched: kinds of instrument are looked for in it. `members` returns the watched
    constituents of an index, `watchlist` what the chat follows. A count of constituents that looks at nothing
    else looks at its index. Raises `GrammarError` where a line says of nothing what it looks at.
    """
    symbols = _symbols(line, catalogue, members, watchlist)
    condition = line.condition
    if not isinstance(condition, DayMove) or not isinstance(condition.ladder, AutoOfKind):
        return (Rule(name, condition, symbols, together, line.telling, chat),)
    indices = frozenset(each for each in symbols if each in catalogue and catalogue[each].kind == "index")
    found = (
        (AutoOfKind.of("index"), indices),
        (AutoOfKind.of("stock"), symbols - indices),
    )
    return tuple(
        Rule(name, replace(condition, ladder=ladder), of_kind, together, line.telling, chat)
        for ladder, of_kind in found
        if of_kind
    ) or (
        Rule(name, replace(condition, ladder=AutoOfKind.of("stock")), symbols, together, line.telling, chat),
    )


def names_in(line: Line) -> Iterator[str]:
    """Give every instrument that a line names, as it does."""
    if line.scope is not None and line.scope.kind in {"named", "each of"}:
        yield from line.scope.names
    if isinstance(line.condition, Gate):
        for measure in _measures(line.condition.tree):
            if isinstance(measure, Against | Ratio | Spread):
                yield measure.symbol
            elif isinstance(measure, Breadth):
                yield measure.index


def _symbols(
    line: Line,
    catalogue: Catalogue,
    members: MembersThen,
    watchlist: Callable[[], frozenset[str]],
) -> frozenset[str]:
    scope = line.scope
    if scope is None:
        tree = line.condition.tree if isinstance(line.condition, Gate) else None
        measures = () if tree is None else _measures(tree)
        indices = [each.index for each in measures if isinstance(each, Breadth)]
        if not indices:
            raise GrammarError(
                f"The line does not say what to look at: begin with a name, as in HSTECH {line.condition}."
            )
        return frozenset(indices[:1])
    match scope.kind:
        case "named":
            return frozenset(scope.names)
        case "each of":
            return frozenset(members(scope.names[0]))
        case "watchlist":
            return watchlist()
        case _:
            return frozenset(each.symbol for each in catalogue if each.kind in scope.names)


def _scope(scope: Scope, resolve: Resolve, text: str) -> Scope:
    if scope.kind not in {"named", "each of"}:
        return scope
    symbols: list[str] = []
    for name in scope.names:
        symbols += _resolved_names(name, resolve, text)
    return Scope(scope.kind, tuple(dict.fromkeys(symbols)))


def _resolved_names(name: str, resolve: Resolve, text: str) -> Iterator[str]:
    try:
        yield resolve(name)
    except (UnknownSymbol, UsageError) as error:
        parts = [each.strip() for each in _JOINED.split(name) if each.strip()]
        if len(parts) > 1:
            for each in parts:
                yield from _resolved_names(each, resolve, text)
            return
        _no_condition_behind(name, resolve, text)
        raise error from None


def _no_condition_behind(name: str, resolve: Resolve, text: str) -> None:
    """Raise where a name begins with one that is known: what follows was meant to be a measure."""
    words = name.split()
    for count in range(len(words) - 1, 0, -1):
        try:
            resolve(" ".join(words[:count]))
        except (UnknownSymbol, UsageError):
            continue
        rest = " ".join(words[count:])
        meant = next((each for each in nearest_words(rest) if reads(text.replace(rest, each, 1))), "")
        said = f": write {meant}" if meant else "; one is day, drawdown or rsi"
        nearest = text.replace(rest, meant, 1) if meant else ""
        raise shown(text, max(text.find(rest), 0), f"“{rest}” is no measure{said}.", nearest)


def _condition(condition: Condition, resolve: Resolve) -> Condition:
    return Gate(_tree(condition.tree, resolve)) if isinstance(condition, Gate) else condition


def _tree(tree: Tree, resolve: Resolve) -> Tree:
    match tree:
        case Both(parts) | Either(parts):
            return replace(tree, parts=tuple(_tree(each, resolve) for each in parts))
        case Not(part) | Lasting(part) | AtClose(part):
            return replace(tree, part=_tree(part, resolve))
        case Comparison(measure, direction, threshold):
            compared = threshold if isinstance(threshold, float) else _measure(threshold, resolve)
            return Comparison(_measure(measure, resolve), direction, compared)
        case _:
            return tree


def _measure(measure: Measure, resolve: Resolve) -> Measure:
    match measure:
        case Against(symbol) | Ratio(symbol) | Spread(symbol):
            return type(measure)(resolve(symbol))
        case Breadth(index, direction, pct):
            return Breadth(resolve(index), direction, pct)
        case _:
            return measure


def _measures(tree: Tree) -> Iterator[Measure]:
    match tree:
        case Both(parts) | Either(parts):
            for each in parts:
                yield from _measures(each)
        case Not(part) | Lasting(part) | AtClose(part):
            yield from _measures(part)
        case Comparison(measure, _, threshold):
            yield measure
            if not isinstance(threshold, float):
                yield threshold
        case _:
            return
