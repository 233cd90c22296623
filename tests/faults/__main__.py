"""``python -m tests.faults``: play the matrix, a line a row, and fail where anything did not hold."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from tests.faults.invariants import Tally
from tests.faults.matrix import MATRIX, play_all

MANY_KILLS, MANY_ALERTS = 200, 10_000


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(seed: int, only: str, beside: int, *, short: bool) -> int:
    """Play what is wanted; return how many things did not hold."""
    rows = [row for row in MATRIX if not only or row.name.partition(",")[0] in only.split(",")]
    sized = [(row, row.short if short else row.whole) for row in rows]
    wanted = [(row, size) for row, size in sized if size is not None]
    total, began = Tally(), time.monotonic()
    say(f"Seed {seed}: {len(wanted)} rows")
    async for played in play_all(wanted, seed, beside):
        say(str(played))
        total.add(played.tally)
    if not short and not only:
        total.must(total.kills >= MANY_KILLS, f"only {total.kills} kills")
        total.must(total.alerts >= MANY_ALERTS, f"only {total.alerts} alerts")
    rate = total.repeated_unknown / max(total.deliveries, 1)
    say(
        f"In all: {total.kills} kills, {total.alerts:,} alerts, {total.deliveries:,} deliveries, "
        f"{total.lost} lost, {total.repeated} repeated outside unknown outcomes, {total.unknown} in doubt "
        f"of which {total.repeated_unknown} repeated ({rate:.3%} of all), {time.monotonic() - began:.0f} s"
    )
    ended = ", ".join(f"{number:,} {word}" for word, number in total.ended.most_common())
    say(f"Ended: {ended}")
    say(f"{len(total.problems)} things did not hold; seed {seed}" if total.problems else "Everything held.")
    return len(total.problems)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--only", default="", help="rows by name, as F9 or F1,F2")
    parser.add_argument("--short", action="store_true", help="what the ordinary test run plays")
    parser.add_argument("--beside", type=int, default=3, help="rows side by side")
    given = parser.parse_args()
    sys.exit(bool(asyncio.run(main(given.seed, given.only, given.beside, short=given.short))))
