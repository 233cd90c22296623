"""What deliveries cost, and how soon they go on when something was killed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from bench.delivery_latency import soon
from bench.delivery_many import many
from bench.delivery_pace import held, paced
from bench.delivery_recovery import recovered
from bench.delivery_speed import fast
from bench.figures import Figure, table

PARTS = {each.__name__: each for each in (soon, fast, many, held, paced, recovered)}


def measured(only: Sequence[str] = (), *, quick: bool = False) -> list[Figure]:
    """Measure delivery, or `only` some parts of it, one after another: each has the machine for itself.

    It takes long: what is known of each part is said on standard error as soon as it is.
    """
    figures: list[Figure] = []
    for name in only or PARTS:
        found = asyncio.run(PARTS[name](quick=quick))
        print(f"{name}\n{table(found)}", file=sys.stderr, flush=True)  # noqa: T201
        figures += found
    return figures
