"""The cells of a folder's tables: dates, prices and numbers, refused with their place where they are none."""

from __future__ import annotations

import math
from datetime import date

from bot.errors import DataError


def a_date(cell: str, place: str) -> date:
    """Read a date; `DataError` for what is none."""
    try:
        return date.fromisoformat(cell)
    except ValueError as error:
        raise DataError(f"{place}: “{cell}” is no date; write it as 2022-03-23.") from error


def a_price(cell: str, name: str, place: str) -> float | None:
    """Read a price, None where the cell is empty; `DataError` for what is none."""
    price = a_number(cell, name, place)
    if price == 0:
        raise DataError(f"{place}: {name} is 0; leave the cell empty where no price is known.")
    return price


def a_number(cell: str, name: str, place: str) -> float | None:
    """Read a number of 0 or more, None where the cell is empty; `DataError` for what is none."""
    if not cell.strip():
        return None
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise DataError(f"{place}: {name} is “{cell}”, which is no price; write a number such as 14.78.")
    return number
