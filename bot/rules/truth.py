"""What is known of a condition: that it holds, that it does not, or why nobody knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows, and why, as the end of a sentence: “fewer than 14 sessions are held”."""

    why: str


Truth = bool | Unknown
Value = float | Unknown


def all_of(truths: Iterable[Truth]) -> Truth:
    """One that does not hold decides; else one that nobody knows does (Kleene's strong logic)."""
    found: Truth = True
    for each in truths:
        if each is False:
            return False
        if isinstance(each, Unknown) and found is True:
            found = each
    return found


def any_of(truths: Iterable[Truth]) -> Truth:
    """One that holds decides; else one that nobody knows does (Kleene's strong logic)."""
    found: Truth = False
    for each in truths:
        if each is True:
            return True
        if isinstance(each, Unknown) and found is False:
            found = each
    return found


def opposite(truth: Truth) -> Truth:
    """What nobody knows stays unknown."""
    return truth if isinstance(truth, Unknown) else not truth
