"""`python -m tests.simulation`: a session for each of many seeds, weeks for a few, an hour of steady work.

A seed that fails is printed with what happened in it, and `--seed N` runs it alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.simulation.run import Told, server, told
from tests.simulation.steady import shown

_DAYS = 7
_AT_ONCE = 25
_HOUR_S, _RATE, _PEOPLE = 3600, 30, 3000
_SHARE = 0.97
_SAID = 40


def main() -> int:
    """Run what is asked for, and return 1 where something was not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sessions", type=int, default=1000, help="how many seeds have a session each")
    parser.add_argument("--weeks", type=int, default=5, help="how many seeds have seven sessions")
    parser.add_argument("--seed", type=int, help="one seed alone, with all that happened in it")
    parser.add_argument("--processes", type=int, default=2, help="how many seeds are run at a time")
    asked = parser.parse_args()
    if asked.seed is not None:
        with server() as place:
            return _say([told(place, asked.seed)], f"seed {asked.seed}", whole=True)
    failed = 0
    with ProcessPoolExecutor(asked.processes) as pool:
        seeds = list(in_lots(range(1, asked.sessions + 1)))
        failed |= _say(_flat(pool.map(partial(_run, days=1), seeds)), f"{asked.sessions} sessions")
        weeks = [(seed,) for seed in range(1, asked.weeks + 1)]
        failed |= _say(_flat(pool.map(partial(_run, days=_DAYS), weeks)), f"{asked.weeks} weeks")
    return failed | _steady()


def in_lots(seeds: range) -> Iterator[tuple[int, ...]]:
    """Give seeds in lots that share a server."""
    for first in range(0, len(seeds), _AT_ONCE):
        yield tuple(seeds[first : first + _AT_ONCE])


def _run(seeds: Iterable[int], days: int) -> list[Told]:
    with server() as place:
        return [told(place, seed, days) for seed in seeds]


def _flat(lots: Iterable[list[Told]]) -> Iterator[Told]:
    for lot in lots:
        yield from lot


def _say(results: Iterable[Told], name: str, *, whole: bool = False) -> int:
    """Say what came of seeds; return 1 where one of them failed."""
    started, seeds, alerts, posts, kills, failed = time.monotonic(), 0, 0, 0, 0, 0
    for each in results:
        seeds, alerts, posts = seeds + 1, alerts + each.alerts, posts + len(each.journal)
        kills += each.kills
        if each.wrong or whole:
            failed |= bool(each.wrong)
            print(f"seed {each.seed}: {'; '.join(each.wrong[:_SAID]) or 'all is well'}")
            print("\n".join(f"    {line}" for line in each.happened[: None if whole else _SAID]))
    seconds = time.monotonic() - started
    verdict = "FAILED" if failed else "ok"
    print(f"{name}: {alerts} alerts, {posts} posts, {kills} kills, {verdict}, {seconds:.0f} s")
    return failed


def _steady() -> int:
    """Send at the platform's full pace for an hour, and say what share of it was used and refused."""
    with server() as place:
        done = shown(place, _PEOPLE, every=_PEOPLE / _RATE, seconds=_HOUR_S)
    posts = [each for each in done.posts if not each.is_change]
    share = (len(posts) - 1) / (posts[-1].at - posts[0].at) * 1000 / _RATE
    failed = bool(done.too_fast) or share < _SHARE
    print(
        f"an hour at full pace: {len(posts)} posts, {share:.1%} of the permitted rate, "
        f"{len(done.too_fast)} answers of 429, {'FAILED' if failed else 'ok'}"
    )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
