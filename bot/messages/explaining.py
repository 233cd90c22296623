"""A rule's line said back in plain words: what is told, of what, how often, and when it can be told again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.messages.clauses import (
    Names,
    comparison_clause,
    extreme_clause,
    extreme_of,
    level,
    moved,
    over,
    story_clause,
)
from bot.messages.words import day, joined, listed
from bot.rules.conditions import (
    AutoSteps,
    Condition,
    DayMove,
    FixedSteps,
    FromBase,
    FromExtreme,
    Gate,
    Rule,
    Telling,
)
from bot.rules.gates import by_session
from bot.rules.line import AutoOfKind, Line, Scope
from bot.rules.measures import plain
from bot.rules.terms import Both, Comparison, Either, Lasting, NewExtreme, Not, Story, Tree

_ONE_OF = {"index": "index", "stock": "stock", "fund": "fund", "other": "other instrument"}


def explained(line: Line, names: Names) -> tuple[str, ...]:
    """Say a line back, a sentence each; `names` gives what to call an instrument: Xiaomi (1810.HK)."""
    who = _who(line.scope, names)
    return (
        f"Tells when {_condition(line.condition, who, names)}.",
        *_steps(line.condition),
        *_again(line.condition, line.telling),
        *_telling(line.telling),
    )


def _who(scope: Scope | None, names: Names) -> str:
    if scope is None:
        return "it"
    match scope.kind:
        case "watchlist":
            return "an instrument on the watchlist"
        case "each of":
            return f"a constituent of {names(scope.names[0])}"
        case "kinds":
            return f"a watched {_either([_ONE_OF[each] for each in scope.names])}"
        case _:
            return _either([names(each) for each in scope.names])


def _condition(condition: Condition, who: str, names: Names) -> str:
    match condition:
        case Gate(tree):
            return _clause(tree, who, names)
        case FromExtreme(side, steps, reference, _, window):
            where = "above" if side == "low" else "below"
            return f"{who} is {listed(steps)} {where} its {extreme_of(side, window, reference)}"
        case DayMove(ladder, directions):
            return f"{who} is {moved(directions)} {_sizes(ladder)} on the day"
        case _:
            base, sizes = over(condition.base, names), _sizes(condition.ladder)
            return f"{who} is {moved(condition.directions)} {sizes} {base}"


def _sizes(ladder: FixedSteps | AutoSteps) -> str:
    if isinstance(ladder, AutoSteps):
        return "by steps that follow its volatility"
    every = f" and every further {plain(ladder.every)}%" if ladder.every else ""
    return f"{listed(ladder.steps)}{every}"


def _clause(tree: Tree, who: str, names: Names) -> str:
    match tree:
        case Comparison():
            said = comparison_clause(tree, who, names)
        case NewExtreme():
            said = extreme_clause(tree, who)
        case Story():
            said = story_clause(tree)
        case Both(parts):
            said = ", and ".join(_each(parts, who, names))
        case Either(parts):
            said = ", or ".join(_each(parts, who, names))
        case Not(part):
            said = f"it is not so that {_bracketed(part, who, names)}"
        case Lasting(part, looks):
            said = f"{_bracketed(part, who, names)} at {looks} looks in a row"
        case _:
            said = f"{_bracketed(tree.part, who, names)} by the official close"
    return said


def _bracketed(tree: Tree, who: str, names: Names) -> str:
    said = _clause(tree, who, names)
    return f"({said})" if isinstance(tree, Both | Either) else said


def _each(parts: Sequence[Tree], who: str, names: Names) -> Iterator[str]:
    """Say each part; the first that is about the instrument names it."""
    named = False
    for each in parts:
        yield _bracketed(each, "it" if named else who, names)
        named = named or not isinstance(each, Story)


def _steps(condition: Condition) -> Iterator[str]:
    """Say what the steps are where they follow something, and by what they are judged."""
    match condition:
        case DayMove(AutoOfKind()):
            yield f"Of an index, {_auto(AutoOfKind.of('index'))}"
            yield f"Of anything else, {_auto(AutoOfKind.of('stock'))}"
        case DayMove(AutoSteps() as ladder):
            said = _auto(ladder)
            yield f"{said[:1].upper()}{said[1:]}"
        case FromExtreme(_, _, _, _, window) if window in {"ytd", "mtd"}:
            yield f"What is compared with begins anew with each {'year' if window == 'ytd' else 'month'}."
        case _:
            pass
    if not isinstance(condition, Gate):
        by = "the official close alone" if condition.trigger == "close" else "any price of the session"
        yield f"A step counts as reached by {by}."


def _auto(steps: AutoSteps) -> str:
    further = [plain(each) for each in steps.multiples[1:]]
    behind = f", further steps {joined(further)} times that" if further else ""
    return (
        f"the first step is {plain(steps.times)} deviations of {steps.lookback} sessions, at least "
        f"{plain(steps.floor)}% and at most {plain(steps.cap)}%{behind}."
    )


def _again(condition: Condition, telling: Telling) -> Iterator[str]:
    if telling.often == "once":
        yield "Told once, then never again."
        return
    if telling.often == "once a session" and isinstance(condition, Gate):
        yield "Told once a session at most."
        return
    match condition:
        case DayMove(_, directions):
            apart = ", upwards and downwards apart" if directions[1:] else ""
            yield f"Each step is told once a session{apart}."
        case FromBase() | FromExtreme() if telling.often == "once a session":
            yield "Each step is told once a session, also where it was told in one before."
        case FromBase():
            yield "Each step is told once."
        case FromExtreme(side):
            yield f"Each step is told once; only a new {side} begins anew."
        case _:
            yield _again_of(condition, condition.tree, telling)


def _again_of(gate: Gate, tree: Tree, telling: Telling) -> str:
    if by_session(Rule("", gate, frozenset(), telling=telling)):
        return "Told once a session."
    match tree:
        case NewExtreme(side):
            return f"Told once; again only after 20 sessions without a new {side}."
        case Comparison(measure, direction, float() as threshold):
            slack = measure.slack(threshold)
            armed = threshold - slack if direction == "up" else threshold + slack
            written = f"{level(armed)}{measure.unit}".replace("-", "−")
            back = "below" if direction == "up" else "above"
            return f"Told once; again only after it has been {back} {written}."
        case _:
            return "Told once; again only after it has clearly ceased to hold."


def _telling(telling: Telling) -> Iterator[str]:
    if telling.until is not None:
        yield f"Ends with {day(telling.until)}."
    if telling.urgency == "quiet":
        yield "Told quietly, without a sound."
    if telling.urgency == "urgent":
        yield "Told as urgent: every further step is a message of its own, which rings."
    if telling.note:
        yield f"Adds your note: “{telling.note}”."


def _either(names: Sequence[str]) -> str:
    *before, last = names
    return f"{', '.join(before)} or {last}" if before else last
