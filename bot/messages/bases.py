"""What a move from a price that stays says: from one's own price, or from a close of the past."""

from __future__ import annotations

from collections.abc import Iterator

from bot.alerts.alert import Move
from bot.messages.given import shares_became
from bot.messages.words import day, money, percent


def is_from_base(move: Move) -> bool:
    """Tell whether a move is measured from a price that stays."""
    return move.crossing.measure in {"from cost", "since date"}


def base_headings(move: Move, *, past: bool = False) -> Iterator[str]:
    """Give the heading of such a move, then a shorter one; one that is `past` says nothing of the present."""
    crossing = move.crossing
    by_range = crossing.seen_by == "range"
    verb = "touched" if by_range else "closed" if crossing.final else "reached" if past else "now"
    side = "above" if crossing.direction == "up" else "below"
    start = f"{move.short} {verb} {crossing.step:g}% {side} {base_named(move)}"
    change = percent(crossing.value)
    if not crossing.adjusted:
        yield f"{start}: {_written(move, crossing.price)} ({change})"
    yield f"{start} ({change})"


def base_named(move: Move) -> str:
    """Name the price that such a move is measured from."""
    crossing = move.crossing
    if crossing.measure == "from cost":
        return f"your {_written(move, crossing.reference.value)}"
    return f"its close of {day(crossing.reference.session)}"


def base_line(move: Move) -> str:
    """Say what such a move is measured from."""
    crossing = move.crossing
    hidden = crossing.adjusted or move.reference_adjusted
    if crossing.measure == "from cost":
        return f"From a price of one's own: {_written(move, crossing.reference.value)}"
    value = "" if hidden else f" {_written(move, crossing.reference.value)}"
    line = f"From the close{value} of {day(crossing.reference.session)}"
    became = shares_became(move.given)
    return f"{line}, {became}" if became else line


def _written(move: Move, value: float) -> str:
    return money(value, move.currency, is_index=move.is_index)
