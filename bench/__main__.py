"""`python -m bench market`, `rules`, `backtest` or `delivery`: a table, and 1 where a target is missed."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from bench.figures import Figure, as_json, table
from bot.errors import MarketbellError


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="What Marketbell costs.")
    parser.add_argument("what", choices=["market", "rules", "backtest", "delivery"])
    parser.add_argument("--json", action="store_true", help="print one flat line of JSON")
    parser.add_argument(
        "--quick", action="store_true", help="a few instruments, no processes, no targets: that results agree"
    )
    parser.add_argument("--only", nargs="+", default=(), help="some parts of delivery, by name")
    asked = parser.parse_args()
    try:
        figures = _measured(asked.what, asked.only, quick=asked.quick)
    except MarketbellError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_status
    print(as_json(figures) if asked.json else table(figures))  # noqa: T201
    return int(not asked.quick and any(each.missed for each in figures))


def _measured(what: str, only: Sequence[str], *, quick: bool) -> list[Figure]:
    """Measure one thing; what it needs is loaded for it alone."""
    if what == "rules":
        from bench import rules  # noqa: PLC0415 - each loads what the others need not

        return rules.measured(quick=quick)
    if what == "backtest":
        from bench import backtest  # noqa: PLC0415 - each loads what the others need not

        return backtest.measured(quick=quick)
    if what == "delivery":
        from bench import delivery  # noqa: PLC0415 - each loads what the others need not

        return delivery.measured(only, quick=quick)
    from bench import measures, memory, quotes, trouble  # noqa: PLC0415 - each loads what the others need not

    # First, so that loading what the worker needs is among what may hold the loop.
    troubled = [] if quick else asyncio.run(trouble.measured())
    return [
        *measures.measured(quick=quick),
        *asyncio.run(quotes.measured(quick=quick)),
        *troubled,
        *([] if quick else asyncio.run(memory.measured())),
    ]


if __name__ == "__main__":
    sys.exit(main())
