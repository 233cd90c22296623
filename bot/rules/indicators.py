"""TA-Lib's indicators, behind one door: functions of all closes that are held, the oldest first.

What the recursive ones remember begins with the first close, so the same closes always give the same number,
and fewer of them another. Rows that an indicator does not reach yet are NaN.
"""

from __future__ import annotations

import numpy as np
import talib
from numpy.typing import NDArray

from bot.rules.measures import AverageKind

Floats = NDArray[np.float64]


def average(closes: Floats, kind: AverageKind, sessions: int) -> Floats:
    """Return the moving average that ends with each close.

    The exponential one begins with the simple average of the first `sessions` closes and then gives each
    close a weight of 2 / (`sessions` + 1).
    """
    if sessions == 1 or not len(closes):
        return closes.copy()
    work = talib.SMA if kind == "sma" else talib.EMA
    return work(np.ascontiguousarray(closes), sessions)


def rsi(closes: Floats, sessions: int) -> Floats:
    """Return the relative strength index as J. Welles Wilder defined it, from 0 to 100.

    His book is “New Concepts in Technical Trading Systems” of 1978. It begins with the plain averages of the
    first `sessions` rises and falls, and keeps (`sessions` - 1) / `sessions` of them with each close that
    follows. It is NaN as long as no close has differed from the one before it.
    """
    moves = np.diff(closes, prepend=closes[:1])
    if sessions == 1:
        # TA-Lib begins with two.
        return np.where(moves > 0, 100.0, np.where(moves < 0, 0.0, np.nan))
    found = talib.RSI(np.ascontiguousarray(closes), sessions) if len(closes) else closes.copy()
    # TA-Lib says 0, as if all had fallen, where nothing moved.
    nothing = (found == 0) & ~((np.cumsum(moves < 0) > 0) & (np.cumsum(moves > 0) == 0))
    found[nothing] = np.nan
    return found
