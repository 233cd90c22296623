"""A figure that was measured, and the table it stands in."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, and below what it must stay, or what it must reach.

    Both are None where it is told for comparison only.
    """

    name: str
    value: float
    unit: str
    below: float | None = None
    least: float | None = None

    @property
    def missed(self) -> bool:
        """Tell whether a target was missed."""
        too_much = self.below is not None and not self.value < self.below
        return too_much or (self.least is not None and not self.value >= self.least)

    @property
    def target(self) -> str:
        """The target as a person reads it, or an empty text."""
        if self.least is not None:
            return f">= {self.least:g} {self.unit}"
        return "" if self.below is None else f"< {self.below:g} {self.unit}"


def percentile(values: Iterable[float], of: float) -> float:
    """Return the least of `values` that so many per cent of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * of / 100) - 1, 0)]


def table(figures: Sequence[Figure]) -> str:
    """Set the figures out for a person."""
    rows = [("figure", "measured", "target", "")]
    for each in figures:
        verdict = "" if not each.target else "missed" if each.missed else "ok"
        rows.append((each.name, f"{each.value:,.2f} {each.unit}", each.target, verdict))
    widths = [max(len(row[at]) for row in rows) for at in range(4)]
    lines = (
        f"{name:<{widths[0]}}  {value:>{widths[1]}}  {target:>{widths[2]}}  {verdict}"
        for name, value, target, verdict in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def as_json(figures: Sequence[Figure]) -> str:
    """Write the figures as one flat line."""
    written: dict[str, float | bool] = {f"{each.name}, {each.unit}": round(each.value, 4) for each in figures}
    return json.dumps(written | {"missed": any(each.missed for each in figures)}, ensure_ascii=False)
