"""What a holder was given, in words, and since when a session's move is counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot.alerts.alert import Move
from bot.market.actions import Action
from bot.market.measures import change_pct
from bot.messages.words import joined, money, near_day, percent


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


def changes(move: Move, value: float, price: float) -> tuple[str, ...]:
    """Write a day's change as a holder had it, with the one as traded and what parts the two; then shorter.

    It is the plain change alone where nothing large was distributed.
    """
    change, adjusted = percent(value), adjusted_for(move.given, move.currency)
    if not adjusted or move.crossing.adjusted:
        return (change,)
    before = ""
    if move.previous_close is not None:
        before = f"{percent(change_pct(price, move.previous_close))} (as traded), "
    both = f"{before}{change}"
    return f"{both} {adjusted}", f"{both} adjusted for a distribution", f"{change} adjusted"


def _distribution(action: Action, currency: str) -> str:
    if action.note:
        return f"the {action.note}"
    return f"a distribution of {money(action.amount, currency, is_index=False)} a share"


def _split(factor: float) -> str:
    return f"each share became {1 / factor:.6g}" if factor < 1 else f"{factor:.6g} shares became one"
