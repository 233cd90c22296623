"""Numbers and dates as messages write them, each formatted once from the raw number."""

from __future__ import annotations

from datetime import date


def price(value: float) -> str:
    """Write a price or a level."""
    return f"{value:,.2f}"


def percent(value: float) -> str:
    """Write a change in per cent with its sign; a change that rounds to nothing has none."""
    written = f"{value:+.2f}%"
    return "0.00%" if written in {"+0.00%", "-0.00%"} else written.replace("-", "−")


def day(when: date) -> str:
    """Write a date as 23 Mar 2022."""
    return f"{when.day} {when:%b %Y}"


def listed(numbers: tuple[float, ...]) -> str:
    """Write steps as “4, 6 and 10%”."""
    written = [f"{each:g}" for each in numbers]
    return f"{', '.join(written[:-1])} and {written[-1]}%" if written[1:] else f"{written[0]}%"
