"""Values made of what the grammar found, from the innermost outwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lark import Token, Transformer, v_args

from bot.rules import bounds, measures, terms
from bot.rules.bounds import Bound, Misplaced, Part, Steps, as_tree, compared
from bot.rules.building_extremes import ExtremesBuilder, Piece
from bot.rules.building_measures import MeasuresBuilder
from bot.rules.building_steps import StepsBuilder
from bot.rules.conditions import AutoSteps, Condition, Telling
from bot.rules.measures import Direction, Measure
from bot.rules.terms import Comparison, Tree
from bot.rules.written import date_of, number_of, place_of, whole_of

_HOURS = {"h": 1, "days": 24}
_SPANS = frozenset({"m", "h", "days", "sessions"})
_DEFAULT_HOURS = 24

_SAID = {
    "often": "How often to tell",
    "until": "The last day",
    "urgency": "Quiet or urgent",
    "note": "The note",
}


class Builder(MeasuresBuilder, ExtremesBuilder, StepsBuilder, Transformer[Token, Any]):
    """Makes the values; raises `Misplaced` where what was written cannot be meant."""

    def line(self, children: list[Any]) -> tuple[Condition, Telling]:
        """The whole line but for its scope."""
        part, *told = children
        telling = Telling()
        seen: set[str] = set()
        for (name, value), at in told:
            if name in seen:
                raise Misplaced(f"{_SAID[name]} is said twice: keep one.", at)
            seen.add(name)
            telling = replace(telling, **{name: value})
        return bounds.condition_of(part), telling

    def both(self, children: list[Part]) -> Part:
        """Parts joined by and; those of a bracket that is itself joined by and are parts like the others."""
        return terms.Both(tuple(_flattened(children, terms.Both)))

    def either(self, children: list[Part]) -> Part:
        """Parts joined by or."""
        return terms.Either(tuple(_flattened(children, terms.Either)))

    @v_args(inline=True)
    def lasting(self, part: Part, looks: Token) -> Part:
        """A part for so many looks."""
        return terms.Lasting(as_tree(part), whole_of(looks))

    @v_args(inline=True)
    def at_close(self, part: Part) -> Part:
        """A part by the official close."""
        return bounds.at_close(part)

    @v_args(inline=True)
    def opposite(self, part: Part) -> Part:
        """A part that must not hold."""
        return terms.Not(as_tree(part))

    @v_args(inline=True)
    def bracket(self, part: Part) -> Part:
        """A part in brackets."""
        return part

    @v_args(inline=True)
    def compared(self, measure: Measure, bound: Bound) -> Part:
        """A measure and what it is compared with."""
        return compared(measure, bound)

    @v_args(inline=True)
    def bare(self, bound: Bound) -> Part:
        """A comparison whose measure goes without saying."""
        return bounds.alone(bound)

    @v_args(inline=True)
    def closes(self, bound: Bound) -> Part:
        """The same, by the official close."""
        return bounds.at_close(bounds.alone(bound))

    @v_args(inline=True)
    def moved_in(self, bound: Bound, change: Measure) -> Part:
        """A move within a span, as “up 3% in 30m”."""
        return compared(change, bound)

    def story(self, children: list[Any]) -> terms.Story:
        """News of a topic."""
        topic, *within = children
        if not within:
            return terms.Story(topic, _DEFAULT_HOURS)
        count, unit = within
        if unit not in _HOURS:
            raise Misplaced(
                "News is looked for within hours or days, as in news buyback 24h.", place_of(count)
            )
        return terms.Story(topic, whole_of(count) * _HOURS[unit])

    def breadth(self, children: list[Any]) -> Comparison:
        """How many of an index's constituents have moved."""
        sign: Direction = children.pop(0) if not isinstance(children[0], Token) else "up"
        count, index, direction, *_, step = children
        if step.unit not in {"", "%"}:
            raise Misplaced("How far constituents moved is written in per cent, as in down 3%.", step.at)
        return Comparison(measures.Breadth(index, direction, step.one), sign, float(whole_of(count)))

    def streak_of(self, children: list[Any]) -> Comparison:
        """Closes in a row, as “3 up in a row”."""
        (count,) = (each for each in children if isinstance(each, Token))
        unit = next((each for each in children if each in _SPANS), "days")
        if unit not in {"days", "sessions"}:
            raise Misplaced("A streak counts closes, one a session: write 3 up in a row.", place_of(count))
        direction: Direction = "up" if "up" in children else "down"
        number = float(whole_of(count))
        return Comparison(measures.Streak(), direction, number if direction == "up" else -number)

    @v_args(inline=True)
    def volume_alone(self, times: Token) -> Comparison:
        """Volume without a sign, as “volume 2x”."""
        return Comparison(measures.Volume(), "up", number_of(times))

    def golden_cross(self, _: list[Any]) -> Comparison:
        """The average of 50 sessions above that of 200."""
        return Comparison(measures.Average("sma", 50), "up", measures.Average("sma", 200))

    def death_cross(self, _: list[Any]) -> Comparison:
        """The average of 50 sessions below that of 200."""
        return Comparison(measures.Average("sma", 50), "down", measures.Average("sma", 200))

    # What follows a measure

    @v_args(inline=True)
    def over_or_under(self, sign: Direction, operand: Any) -> Bound:
        """A sign and a number, a ladder or a measure."""
        negative, operand = operand if isinstance(operand, tuple) else (False, operand)
        return Bound((sign,), operand, signed=True, negative=negative)

    @v_args(inline=True)
    def negative(self, ladder: Steps | AutoSteps) -> tuple[bool, Steps | AutoSteps]:
        """Numbers below zero."""
        return True, ladder

    @v_args(inline=True)
    def positive(self, ladder: Steps | AutoSteps) -> tuple[bool, Steps | AutoSteps]:
        """Numbers above zero."""
        return False, ladder

    @v_args(inline=True)
    def both_ways(self, ladder: Steps | AutoSteps) -> Bound:
        """A move of that size, up or down."""
        return Bound(("up", "down"), ladder)

    def one_way(self, children: list[Any]) -> Bound:
        """A move in words, as “down 3%”."""
        return Bound((children[0],), children[-1])

    @v_args(inline=True)
    def plus(self, ladder: Steps | AutoSteps) -> Bound:
        """A rise, as “+3%”."""
        return Bound(("up",), ladder)

    @v_args(inline=True)
    def minus(self, ladder: Steps | AutoSteps) -> Bound:
        """A fall, as “−3%”."""
        return Bound(("down",), ladder)

    @v_args(inline=True)
    def every_step(self, step: Steps) -> Bound:
        """Steps that are so far apart, up and down."""
        return Bound(("up", "down"), replace(step, every=step.one))

    def up(self, _: list[Any]) -> Direction:
        """Upwards."""
        return "up"

    def down(self, _: list[Any]) -> Direction:
        """Downwards."""
        return "down"

    # Telling

    def once(self, children: list[Token]) -> tuple[Piece, int]:
        """Told once in all."""
        return ("often", "once"), place_of(children[0])

    def once_a_session(self, children: list[Token]) -> tuple[Piece, int]:
        """Told once a session."""
        return ("often", "once a session"), place_of(children[0])

    @v_args(inline=True)
    def until(self, last: Token) -> tuple[Piece, int]:
        """Told until a date."""
        return ("until", date_of(last)), place_of(last)

    def quiet(self, children: list[Token]) -> tuple[Piece, int]:
        """Told without a sound."""
        return ("urgency", "quiet"), place_of(children[0])

    def urgent(self, children: list[Token]) -> tuple[Piece, int]:
        """Told at once, whatever the hour."""
        return ("urgency", "urgent"), place_of(children[0])

    @v_args(inline=True)
    def note(self, text: Token) -> tuple[Piece, int]:
        """A note that is echoed."""
        return ("note", str(text)), place_of(text)


def _flattened(parts: list[Part], kind: type[terms.Both | terms.Either]) -> list[Tree]:
    found: list[Tree] = []
    for tree in map(as_tree, parts):
        found += tree.parts if isinstance(tree, kind) else (tree,)
    return found
