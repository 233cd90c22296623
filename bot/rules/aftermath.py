"""What instruments did in the sessions after a rule told, beside what they did after any session."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from bot.rules.arrays import Days, Floats
from bot.rules.report import HORIZONS, Changes


@dataclass(slots=True)
class Aftermath:
    """Gathers, for each horizon in sessions, changes from close to close in per cent, of many instruments."""

    _changes: dict[int, list[Floats]] = field(default_factory=lambda: {each: [] for each in HORIZONS})

    def add(self, close: Floats, rows: Days) -> None:
        """Take note of what followed the bars of `rows`: each bar once, and only where all of it is held."""
        told = np.zeros(len(close), np.bool_)
        told[rows] = True
        once = np.flatnonzero(told)
        for horizon, found in self._changes.items():
            known = once[once < len(close) - horizon]
            found.append((close[known + horizon] / close[known] - 1) * 100)

    def summary(self) -> dict[str, Changes]:
        """Return how the changes are spread, by the horizon; one without any is left out."""
        spread = ((horizon, _spread(found)) for horizon, found in self._changes.items())
        return {str(horizon): changes for horizon, changes in spread if changes is not None}


def _spread(found: Iterable[Floats]) -> Changes | None:
    changes = np.concatenate([np.empty(0), *found])
    if not len(changes):
        return None
    q1, median, q3 = np.quantile(changes, (0.25, 0.5, 0.75)).tolist()
    return Changes(median, q1, q3, float(np.mean(changes > 0)), len(changes))
