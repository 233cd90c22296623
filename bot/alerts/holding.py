"""Whether a gate holds by the values that were measured: each part compared again, then the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.rules.conditions import Condition, Gate, Rule
from bot.rules.gates import is_of_price, leaves_of, limit_of
from bot.rules.met import Met, Part
from bot.rules.terms import AtClose, Both, Comparison, Either, Lasting, NewExtreme, Not, Story, Tree
from bot.rules.truth import Truth, Unknown, all_of, any_of, opposite

Leaf = Comparison | NewExtreme | Story


@dataclass(frozen=True, slots=True)
class PartAgain:
    """A part as it was measured, what it is compared with, and whether it holds now that this is done again.

    `again` is None where there is nothing to compare: a story, a new extreme, a value that was not known.
    """

    part: Part
    threshold: float | None = None
    again: bool | None = None


def again(met: Met, read: Condition | None) -> tuple[PartAgain, ...]:
    """Compare each part of a gate again; `read` is the condition, None where it cannot be read any more."""
    leaves: dict[str, Leaf] = {}
    if isinstance(read, Gate):
        leaves = {str(each): each for each in leaves_of(Rule(met.rule, read, frozenset()))}
    return tuple(_again(each, leaves.get(each.text)) for each in met.parts)


def holds_again(tree: Tree, met: Met, parts: tuple[PartAgain, ...]) -> bool | None:
    """Tell whether the whole of a condition holds by its parts; None where nobody knows.

    For how many looks a part has lasted is not among what an alert keeps: that it holds must do.
    """
    if isinstance(tree, Comparison) and is_of_price(tree) and isinstance(tree.threshold, float):
        # A level alone is judged by what touched it.
        return _holds(tree, met.price, tree.threshold)
    truth = _truth(tree, met, {each.part.text: _known(each) for each in parts})
    return None if isinstance(truth, Unknown) else truth


def _again(part: Part, leaf: Leaf | None) -> PartAgain:
    if not isinstance(leaf, Comparison):
        return PartAgain(part)
    threshold = leaf.threshold if isinstance(leaf.threshold, float) else part.against
    if part.value is None or threshold is None:
        return PartAgain(part, threshold)
    return PartAgain(part, threshold, _holds(leaf, part.value, threshold))


def _holds(asked: Comparison, value: float, threshold: float) -> bool:
    limit = limit_of(asked, threshold, 0)
    return value >= limit if asked.direction == "up" else value <= limit


def _known(part: PartAgain) -> Truth:
    if part.again is not None:
        return part.again
    return Unknown(part.part.unknown) if part.part.holds is None else part.part.holds


def _truth(tree: Tree, met: Met, known: Mapping[str, Truth]) -> Truth:
    match tree:
        case Both(parts):
            return all_of(_truth(each, met, known) for each in parts)
        case Either(parts):
            return any_of(_truth(each, met, known) for each in parts)
        case Not(part):
            return opposite(_truth(part, met, known))
        case AtClose(part):
            return _truth(part, met, known) if met.final else Unknown("the close is not known yet")
        case Lasting(part):
            return _truth(part, met, known)
    return known.get(str(tree), Unknown("it is not among the parts that were kept"))
