"""Why an alert is told as it is, in one word for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from bot.alerts.alert import Alert, Move, Sequel

Decision = Literal["first", "new step", "joined", "folded", "seen late", "retreat", "close"]

_STANDS_OUT = 2.0


def decision_of(alert: Alert, message_alerts: Sequence[Alert]) -> Decision:
    """Say why an alert stands where it does in a message that holds `message_alerts`, itself among them.

    The first is told, and whatever else comes joins it. A further step of a ladder that the message tells of
    is a new step. What an index folds, it stands behind: see `is_folded`. A sequel is what it tells of.
    """
    if isinstance(alert.facts, Sequel):
        return alert.facts.what
    if alert.reason == "seen late":
        return "seen late"
    if _climbed_here(alert, message_alerts):
        return "new step"
    if is_folded(alert, message_alerts):
        return "folded"
    earliest = min(message_alerts, key=lambda each: (each.raised, each.at), default=alert)
    return "first" if earliest.fingerprint == alert.fingerprint else "joined"


def is_folded(alert: Alert, message_alerts: Iterable[Alert]) -> bool:
    """Tell whether an index of the message moved the same way, and this name less than twice as far."""
    if not isinstance(alert.facts, Move):
        return False
    index = _index_beside(alert.facts, moves_of(message_alerts))
    return 0 < abs(alert.facts.crossing.value) < _STANDS_OUT * index


def stands_out(move: Move, moves: Iterable[Move]) -> bool:
    """Tell whether an index of the same message moved the same way, and this name at least twice as far."""
    index = _index_beside(move, moves)
    return 0 < _STANDS_OUT * index <= abs(move.crossing.value)


def moves_of(alerts: Iterable[Alert]) -> list[Move]:
    """Return the moves that alerts tell of."""
    return [each.facts for each in alerts if isinstance(each.facts, Move)]


def _index_beside(move: Move, moves: Iterable[Move]) -> float:
    """Return how far the index moved that went furthest with a name on the day, 0 where none did."""
    if move.is_index or move.crossing.measure != "day change":
        return 0.0
    indices = (each for each in moves if each.is_index and _goes_with(each, move))
    return max((abs(each.crossing.value) for each in indices), default=0.0)


def _goes_with(index: Move, move: Move) -> bool:
    one, other = index.crossing, move.crossing
    return (index.market, one.measure, one.session, one.direction) == (
        move.market,
        other.measure,
        other.session,
        other.direction,
    )


def _climbed_here(alert: Alert, message_alerts: Sequence[Alert]) -> bool:
    if not isinstance(alert.facts, Move):
        return False
    crossing = alert.facts.crossing
    return crossing.before > 0 and any(
        isinstance(each.facts, Move)
        and each.facts.crossing.rung == crossing.rung
        and each.facts.crossing.step < crossing.step
        for each in message_alerts
    )
