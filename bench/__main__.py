"""`python -m bench market`: measure, print a table, and end with 1 where a target is missed."""

from __future__ import annotations

import argparse
import asyncio
import sys

from bench import measures, memory, quotes, trouble
from bench.figures import as_json, table


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="What Marketbell costs.")
    parser.add_argument("what", choices=["market"])
    parser.add_argument("--json", action="store_true", help="print one flat line of JSON")
    parser.add_argument(
        "--quick", action="store_true", help="a few instruments, no processes, no targets: that results agree"
    )
    asked = parser.parse_args()
    # First, so that loading what the worker needs is among what may hold the loop.
    troubled = [] if asked.quick else asyncio.run(trouble.measured())
    figures = [
        *measures.measured(quick=asked.quick),
        *asyncio.run(quotes.measured(quick=asked.quick)),
        *troubled,
        *([] if asked.quick else asyncio.run(memory.measured())),
    ]
    print(as_json(figures) if asked.json else table(figures))  # noqa: T201
    return int(not asked.quick and any(each.missed for each in figures))


if __name__ == "__main__":
    sys.exit(main())
