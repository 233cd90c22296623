"""What a holder was given, in words, and since when a session's move is counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot.market.actions import Action
from bot.messages.words import joined, money, near_day


def adjusted_for(given: Sequence[Action], currency: str) -> str:
    """Say what a close is restated for, such as “adjusted for the JD.com distribution”; "" for nothing."""
    names = [_distribution(each, currency) for each in given if each.kind == "distribution"]
    return f"adjusted for {joined(names)}" if names else ""


def shares_became(given: Sequence[Action]) -> str:
    """Say what became of the shares that the previous close is restated in; "" where there was no split."""
    told = [each.note or _split(each.factor) for each in given if each.kind == "split"]
    return f"restated for the split: {joined(told)}" if told else ""


def since_suspension(since: date | None, session: date) -> str:
    """Say since when the move is counted, such as “since 14 Jan, last trade before the suspension”."""
    return "" if since is None else f"since {near_day(since, session)}, last trade before the suspension"


def _distribution(action: Action, currency: str) -> str:
    if action.note:
        return f"the {action.note}"
    return f"a distribution of {money(action.amount, currency, is_index=False)} a share"


def _split(factor: float) -> str:
    return f"each share became {1 / factor:.6g}" if factor < 1 else f"{factor:.6g} shares became one"
