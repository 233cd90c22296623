"""Numbers and dates as they stand in a line, read and bounded."""

from __future__ import annotations

from datetime import date

from lark import Token

from bot.rules.bounds import Misplaced

_LARGEST = 1e12
_LONGEST_COUNT = 10_000


def number_of(token: Token) -> float:
    """Return a number; `Misplaced` for one that nothing reaches."""
    number = float(str(token).replace(",", ""))
    if number > _LARGEST:
        raise Misplaced("That number is too large: write one that a price can reach.", place_of(token))
    return number


def whole_of(token: Token) -> int:
    """Return a whole number above 0; `Misplaced` for another."""
    number = number_of(token)
    if not number.is_integer() or not 0 < number <= _LONGEST_COUNT:
        raise Misplaced(f"Here a whole number from 1 to {_LONGEST_COUNT:,} is needed.", place_of(token))
    return int(number)


def date_of(token: Token) -> date:
    """Return a date; `Misplaced` for one that does not exist."""
    numbers = [int(each) for each in _split_date(str(token))]
    try:
        return date(*numbers)
    except ValueError as error:
        raise Misplaced(
            f"“{token}” is no date: write one that exists, as 2022-03-23.", place_of(token)
        ) from error


def _split_date(written: str) -> list[str]:
    return "".join(each if each.isdigit() else " " for each in written).split()


def place_of(token: Token) -> int:
    """Return where a token stands in the line."""
    return token.start_pos or 0
