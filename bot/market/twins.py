"""One company's shares in Hong Kong and its depositary shares in New York."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Twin:
    """From `since` on, one `adr` stands for `ratio` shares of `symbol`, the Hong Kong line.

    A `believed` ratio has not been checked against the company's latest filing.
    """

    symbol: str
    adr: str
    ratio: int
    since: date
    believed: bool = False


def twin_on(twins: Iterable[Twin], symbol: str, day: date) -> Twin | None:
    """Return the twin of which `symbol` is either side, with the ratio of `day`; None where there is none."""
    held = [each for each in twins if symbol in {each.symbol, each.adr} and each.since <= day]
    return max(held, key=lambda each: each.since, default=None)
