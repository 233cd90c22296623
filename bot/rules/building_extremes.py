"""Distances from extremes and their windows, made of what the grammar found."""

from __future__ import annotations

from typing import Any

from lark import Token, v_args

from bot.errors import UsageError
from bot.market.bars import Reference, Side
from bot.market.extremes import Window, window_named
from bot.rules import bounds, measures
from bot.rules.bounds import Bound, Misplaced, Part, Steps
from bot.rules.conditions import AutoSteps, Trigger
from bot.rules.measures import Direction
from bot.rules.terms import NewExtreme
from bot.rules.written import date_of, place_of, whole_of

Piece = tuple[str, Any]


class ExtremesBuilder:
    """Makes what is measured from a low or a peak; see `Builder`."""

    def from_extreme(self, children: list[Any]) -> Part:
        """A distance from an extreme, its pieces in any order."""
        side, *pieces = children
        return _extreme(side, pieces)

    def steps_first(self, children: list[Any]) -> Part:
        """The same with its steps first, as “40% off low”."""
        steps, side, *pieces = children
        return _extreme(side, [("bound", Bound(("up",), steps)), *pieces])

    def new_extreme(self, children: list[Any]) -> NewExtreme:
        """A new low or high."""
        side, *pieces = children
        return _new(side, pieces)

    def new_extreme_of(self, children: list[Any]) -> NewExtreme:
        """The same with its window before it, as “new 52w low”."""
        window, side, *pieces = children
        return _new(side, [("window", window), *pieces])

    window_first = new_extreme_of

    def off_low(self, _: list[Any]) -> Side:
        """Up from the low."""
        return "low"

    def drawdown(self, _: list[Any]) -> Side:
        """Down from the peak."""
        return "peak"

    low = off_low
    peak = drawdown

    @v_args(inline=True)
    def piece_steps(self, steps: Steps) -> Piece:
        """Steps without a sign."""
        return "bound", Bound(("up",), steps)

    @v_args(inline=True)
    def piece_bound(self, sign: Direction, ladder: Steps | AutoSteps) -> Piece:
        """A sign and a number."""
        return "bound", Bound((sign,), ladder, signed=True)

    @v_args(inline=True)
    def piece_negative(self, sign: Direction, ladder: Steps | AutoSteps) -> Piece:
        """A sign and a number below zero."""
        return "bound", Bound((sign,), ladder, signed=True, negative=True)

    @v_args(inline=True)
    def piece_minus(self, steps: Steps) -> Piece:
        """A number below zero, which a drawdown may be written as."""
        return "bound", Bound(("down",), steps, signed=True, negative=True)

    @v_args(inline=True)
    def piece_trigger(self, word: Token) -> Piece:
        """By touch or by the close."""
        return "trigger", word.type.lower()

    piece_touch = piece_trigger

    @v_args(inline=True)
    def piece_re_arm(self, word: Token) -> Piece:
        """What begins the ladder anew, which goes without saying."""
        return "re-arm", ("low" if word.type == "RE_ARM_LOW" else "peak", place_of(word))

    @v_args(inline=True)
    def piece_window(self, window: Window) -> Piece:
        """A window."""
        return "window", window

    @v_args(inline=True)
    def piece_reference(self, word: Token) -> Piece:
        """By closes or intraday."""
        return "reference", word.type.lower()

    @v_args(inline=True)
    def window_word(self, word: Token) -> Window:
        """A window by its name."""
        return word.type.lower()

    @v_args(inline=True)
    def window_days(self, count: Token) -> Window:
        """A number of days back."""
        return _window(f"{whole_of(count)}d", count)

    @v_args(inline=True)
    def window_weeks(self, count: Token) -> Window:
        """A number of weeks back."""
        return _window(f"{whole_of(count)}w", count)

    @v_args(inline=True)
    def window_since(self, start: Token) -> Window:
        """A window from a date on."""
        return f"since {date_of(start).isoformat()}"


def _extreme(side: Side, pieces: list[Piece]) -> Part:
    given = _given(side, pieces)
    if "bound" not in given:
        raise Misplaced(f"{'Off low' if side == 'low' else 'A drawdown'} needs its steps, as in 20/30/40%.")
    reference: Reference = given.get("reference", "close")
    trigger: Trigger = given.get("trigger", "touch")
    window: Window = given.get("window", "52w" if side == "low" else "all")
    measure = measures.OffLow(window, reference) if side == "low" else measures.Drawdown(window, reference)
    return bounds.from_extreme(measure, given["bound"], trigger)


def _new(side: Side, pieces: list[Piece]) -> NewExtreme:
    given = _given(side, pieces)
    return NewExtreme(side, given.get("window", "52w"), given.get("reference", "close"))


def _given(side: Side, pieces: list[Piece]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name, value in pieces:
        if name in given:
            noun, verb = ("steps", "are") if name == "bound" else (name, "is")
            raise Misplaced(
                f"The {noun} of a distance from an extreme {verb} said twice: keep one.", _place(value)
            )
        given[name] = value
        if name == "re-arm" and value[0] != side:
            raise Misplaced(f"This begins anew on a new {side}: write re-arm on new {side}.", value[1])
    return given


def _place(value: Any) -> int | None:
    return value.at if isinstance(value, Bound) else None


def _window(written: str, at: Token) -> Window:
    try:
        return window_named(written)
    except UsageError as error:
        raise Misplaced(str(error), place_of(at)) from error
