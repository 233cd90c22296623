"""An alert that a chat made for itself, and the number that its id stands for."""

from __future__ import annotations

from dataclasses import dataclass

from bot.rules.conditions import OWN

MOST_A_CHAT = 500
"""How many alerts of its own a chat may have."""

# No letter that is taken for a digit, nor one that makes words of them.
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_LONGEST = 11


@dataclass(frozen=True, slots=True)
class OwnRule:
    """A rule of a chat's own: who made it there, its canonical line, and when, in machine milliseconds.

    `id` is short and lower-case, and empty until the store gives one. No two rules ever have the same.
    """

    id: str
    chat: str
    owner: str
    text: str
    created: int


def id_of(number: int) -> str:
    """Write a rule's number as its id."""
    digits = ""
    while number or not digits:
        number, last = divmod(number, len(_DIGITS))
        digits = _DIGITS[last] + digits
    return digits


def number_of(id: str) -> int | None:  # noqa: A002 - it is the rule's id
    """Return the number that an id stands for; None where no id is written like this."""
    if not 0 < len(id) <= _LONGEST or not _VALUES.keys() >= set(id):
        return None
    number = 0
    for digit in id:
        number = number * len(_DIGITS) + _VALUES[digit]
    return number


def is_own(revision: str) -> bool:
    """Tell whether a revision is that of a rule of a chat's own: `own:`, its id, and what else may follow."""
    return revision.startswith(OWN)


def own_part(revision: str) -> str:
    """Return what tells a chat's own revision from others: its id, and what else may follow."""
    return revision.removeprefix(OWN)


def own_revision(part: str) -> str:
    """Return the revision that `own_part` was taken of."""
    return f"{OWN}{part}"
