"""Marketbell on a machine whose clock is wrong: ``python -m bench.delivery_skewed MILLISECONDS sender``.

Everything in the process reads the wrong clock, as it would there; only what the product itself does about it
may help.
"""

from __future__ import annotations

import runpy
import sys
import time


def main() -> None:
    """Put the clock forward by the first argument, then run Marketbell with the others."""
    ahead = int(sys.argv.pop(1)) * 1_000_000
    day, steady = time.time_ns, time.clock_gettime_ns
    time.time_ns = lambda: day() + ahead
    time.clock_gettime_ns = lambda clock: steady(clock) + ahead
    runpy.run_module("bot", run_name="__main__")


if __name__ == "__main__":
    main()
