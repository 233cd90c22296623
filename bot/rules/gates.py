"""Gates: when a condition comes to hold, is told, and may be told again.

A gate is judged twice at a look: as it is written, and loosened by its measures' slack. It tells when it
holds as written, and may tell again once it does not hold even loosened. What nobody knows does neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal, Protocol, assert_never

from bot.market.quote import Look
from bot.rules.conditions import Gate, Rule
from bot.rules.crossing import Rung
from bot.rules.measures import Against, Breadth, Day, Gap, Measure, Premium, Price, Sigmas, SinceTold, Volume
from bot.rules.met import Met, Part
from bot.rules.terms import AtClose, Both, Comparison, Either, Lasting, NewExtreme, Not, Story, Tree
from bot.rules.truth import Truth, Unknown, Value, all_of, any_of, opposite

Lean = Literal[-1, 0, 1]
"""Whether thresholds are judged tightened, as written, or loosened."""

# The error of a few operations on binary fractions, in a measure's unit: far below what any source prints.
_ERROR = 1e-9
_OF_A_SESSION = (Day, Gap, Volume, Sigmas, Against, Breadth, Premium)


class Reading(Protocol):
    """What one look can say of measures and of what merely holds or does not."""

    def value(self, measure: Measure) -> Value:
        """Return a measure's value at the last price."""

    def holds(self, atom: NewExtreme | Story, *, loose: bool) -> Truth:
        """Tell whether an extreme is new or a story came in; loosely also where it was one lately."""


@dataclass(frozen=True, slots=True)
class Stand:
    """What is remembered of a gate and an instrument.

    `record` is even while the gate may tell, and odd once it has or was found to hold; it is -1 where it held
    before anybody asked. `runs` are the looks in a row at which each lasting part has held, up to the look of
    `counted`.
    """

    record: float = 0.0
    runs: tuple[int, ...] = ()
    counted: datetime | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What a look makes of a gate: what it raises, if anything, and how the gate stands afterwards."""

    stand: Stand
    met: Met | None = None


def by_session(rule: Rule) -> bool:
    """Tell whether each session is an episode of its own."""
    if rule.telling.often == "once a session":
        return True
    return rule.telling.often == "each episode" and any(_is_of_a_session(each) for each in leaves_of(rule))


def rung_of(rule: Rule, symbol: str, session: date) -> Rung:
    """Return the record that a look in `session` moves on."""
    return Rung(rule.revision, symbol, session.isoformat() if by_session(rule) else "gate", "up")


def moved_on(record: float, strict: Truth, loose: Truth, *, anew: bool) -> tuple[float, bool]:
    """Return the record after a look, and whether the look tells: the one step of every gate.

    Where it may tell `anew`, a condition that does not hold even loosened arms it again, at the very look
    that told if need be: a touch tells, and the last price may have come back.
    """
    tells = strict is True and record % 2 == 0
    if tells:
        record += 1
    if anew and record % 2 == 1 and loose is False:
        record += 1
    return record, tells


def judged(rule: Rule, look: Look, reading: Reading, stand: Stand) -> Judged:
    """Judge a rule's gate at a look; what it raises counts only once it is raised."""
    tree, telling = _tree(rule), rule.telling
    if telling.until is not None and look.session > telling.until:
        return Judged(stand)
    if telling.often == "once" and stand.record > 0:
        return Judged(stand)
    judge = _Judge(reading, look, _counted(tree, look, reading, stand))
    price, strict = judge.touched(tree)
    runs, anew = tuple(judge.runs.values()), not by_session(rule)
    after_it = judge
    if strict is True and stand.record % 2 == 0 and remembers(tree):
        after_it = replace(judge, reading=_JustTold(reading))
    record, tells = moved_on(stand.record, strict, after_it.truth(tree, 1), anew=anew)
    after = Stand(record, runs, look.time if runs else None)
    if not tells:
        return Judged(after)
    rung = rung_of(rule, look.symbol, look.session)
    return Judged(
        after,
        Met(
            rule=rule.name,
            revision=rule.revision,
            symbol=look.symbol,
            session=look.session,
            time=look.time,
            condition=str(tree),
            parts=tuple(judge.part(each) for each in _leaves(tree)),
            episode=rung.episode,
            before=stand.record,
            step=stand.record + 1,
            price=price,
            last=look.price,
            final=look.final,
            seen_by="quote" if price == look.price else "range",
            adjusted=look.adjusted,
        ),
    )


def leaves_of(rule: Rule) -> Iterator[Comparison | NewExtreme | Story]:
    """Give the comparisons and atoms of a rule's gate, as they are written; none of a ladder."""
    if isinstance(rule.condition, Gate):
        yield from _leaves(rule.condition.tree)


def lastings(tree: Tree) -> Iterator[Lasting]:
    """Give the parts that must last, the inner before the outer."""
    match tree:
        case Both(parts) | Either(parts):
            for each in parts:
                yield from lastings(each)
        case Not(part) | AtClose(part):
            yield from lastings(part)
        case Lasting(part):
            yield from lastings(part)
            yield tree
        case _:
            return


def waits_for_the_close(rule: Rule) -> bool:
    """Tell whether a part of a rule's gate is judged at the close alone."""
    return isinstance(rule.condition, Gate) and _is_at_close(rule.condition.tree)


def remembers(tree: Tree) -> bool:
    """Tell whether what a look says depends on what was told before."""
    return any(isinstance(each, Comparison) and _asks(each, SinceTold) for each in _leaves(tree))


@dataclass(frozen=True, slots=True)
class _JustTold:
    """What a look says once it has told: nothing has moved since."""

    reading: Reading

    def value(self, measure: Measure) -> Value:
        return 0.0 if isinstance(measure, SinceTold) else self.reading.value(measure)

    def holds(self, atom: NewExtreme | Story, *, loose: bool) -> Truth:
        return self.reading.holds(atom, loose=loose)


@dataclass(frozen=True, slots=True)
class _Judge:
    reading: Reading
    look: Look
    runs: Mapping[Lasting, int]

    def truth(self, tree: Tree, lean: Lean) -> Truth:  # noqa: PLR0911 - one of each kind of part
        match tree:
            case Both(parts):
                return all_of(self.truth(each, lean) for each in parts)
            case Either(parts):
                return any_of(self.truth(each, lean) for each in parts)
            case Not(part):
                return opposite(self.truth(part, _turned(lean)))
            case AtClose(part):
                return self.truth(part, lean) if self.look.final else Unknown("the close is not known yet")
            case Lasting(part, looks):
                now = self.truth(part, lean)
                lasted = lean == 1 or self.runs[tree] >= looks
                return now if lasted or isinstance(now, Unknown) else False
            case NewExtreme() | Story():
                return self.reading.holds(tree, loose=lean == 1)
            case _:
                return self.compared(tree, self.reading.value(tree.measure), lean)

    def compared(self, asked: Comparison, value: Value, lean: Lean) -> Truth:
        threshold = asked.threshold
        against = threshold if isinstance(threshold, float) else self.reading.value(threshold)
        if isinstance(value, Unknown):
            return value
        if isinstance(against, Unknown):
            return against
        limit = limit_of(asked, against, lean)
        return value >= limit if asked.direction == "up" else value <= limit

    def touched(self, tree: Tree) -> tuple[float, Truth]:
        """Return what a gate is judged by as written: of a price alone, it is what touches the level."""
        if isinstance(tree, Comparison) and is_of_price(tree):
            price = self.look.high if tree.direction == "up" else self.look.low
            if self.compared(tree, self.look.price, 0) is True:
                price = self.look.price
            # Levels of bars that are adjusted were not traded: the reading says so.
            known = self.reading.value(tree.measure)
            return price, known if isinstance(known, Unknown) else self.compared(tree, price, 0)
        return self.look.price, self.truth(tree, 0)

    def part(self, leaf: Comparison | NewExtreme | Story) -> Part:
        if not isinstance(leaf, Comparison):
            found = self.truth(leaf, 0)
            unknown = found.why if isinstance(found, Unknown) else ""
            return Part(str(leaf), None, None if unknown else found is True, unknown)
        value = self.reading.value(leaf.measure)
        against = None if isinstance(leaf.threshold, float) else self.reading.value(leaf.threshold)
        found = self.truth(leaf, 0)
        return Part(
            str(leaf),
            None if isinstance(value, Unknown) else value,
            None if isinstance(found, Unknown) else found,
            found.why if isinstance(found, Unknown) else "",
            None if isinstance(against, Unknown) else against,
        )


def limit_of(asked: Comparison, against: float, lean: Lean) -> float:
    """Return what a value must reach, at or beyond, where it is compared `against` a number.

    It lies nearer by the error that computing the value may have had, and by the slack where it is loosened.
    """
    nearer = lean * asked.measure.slack(against) + _ERROR * min(max(abs(against), 1e-3), 1.0)
    return against - nearer if asked.direction == "up" else against + nearer


def is_of_price(tree: Tree) -> bool:
    """Tell whether a condition compares the price alone with a level: such a one is judged by touch."""
    return (
        isinstance(tree, Comparison) and isinstance(tree.measure, Price) and isinstance(tree.threshold, float)
    )


def _counted(tree: Tree, look: Look, reading: Reading, stand: Stand) -> dict[Lasting, int]:
    """Return at how many looks in a row each lasting part has held, this one included; a look counts once."""
    parts = tuple(dict.fromkeys(lastings(tree)))
    before = stand.runs if len(stand.runs) == len(parts) else (0,) * len(parts)
    runs = dict(zip(parts, before, strict=True))
    if stand.counted is not None and look.time <= stand.counted:
        return runs
    for part in parts:
        match _Judge(reading, look, runs).truth(part.part, 0):
            case True:
                # More than are needed tell nothing more.
                runs[part] = min(runs[part] + 1, part.looks)
            case False:
                runs[part] = 0
            case Unknown():
                pass
            case never:
                assert_never(never)
    return runs


def _is_at_close(tree: Tree) -> bool:
    match tree:
        case Both(parts) | Either(parts):
            return any(map(_is_at_close, parts))
        case Not(part) | Lasting(part):
            return _is_at_close(part)
        case _:
            return isinstance(tree, AtClose)


def _tree(rule: Rule) -> Tree:
    if not isinstance(rule.condition, Gate):
        raise TypeError(f"{rule.name} is a ladder, and no gate.")
    return rule.condition.tree


def _leaves(tree: Tree) -> Iterator[Comparison | NewExtreme | Story]:
    match tree:
        case Both(parts) | Either(parts):
            for each in parts:
                yield from _leaves(each)
        case Not(part) | AtClose(part) | Lasting(part):
            yield from _leaves(part)
        case _:
            yield tree


def _is_of_a_session(leaf: Comparison | NewExtreme | Story) -> bool:
    return isinstance(leaf, Comparison) and any(_asks(leaf, each) for each in _OF_A_SESSION)


def _asks(leaf: Comparison, kind: type) -> bool:
    return isinstance(leaf.measure, kind) or isinstance(leaf.threshold, kind)


def _turned(lean: Lean) -> Lean:
    return 0 if lean == 0 else -1 if lean == 1 else 1
