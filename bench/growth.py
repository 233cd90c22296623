"""What a tick costs with a thousand alerts and with a million, where it fires equally many."""

from __future__ import annotations

import gc
import random
import statistics
import time
from bisect import bisect_right
from collections.abc import Sequence

from bench.alerts import Alerts
from bench.figures import Figure
from bench.peers_rules import Ours

_SEED = 64
_FIRED = (0, 1, 16)
_TIMES = 9
_US = 1e6


def growth(sizes: tuple[int, int], symbols: int, looks: int) -> list[Figure]:
    """Look so that none, one or sixteen fire, at instruments as their alerts go, and settle it."""
    few, many = (_medians(size, symbols, looks) for size in sizes)
    found = []
    for count, less, more in zip(_FIRED, few, many, strict=True):
        name = f"a tick that fires {count}, from {sizes[0]:,} to {sizes[1]:,} alerts"
        found += [
            Figure(f"{name}, grows", more / less, "x", below=2),
            Figure(f"  {count} fired, from", less * _US, "us"),
            Figure(f"  {count} fired, to", more * _US, "us"),
        ]
    return found


def _medians(size: int, symbols: int, looks: int) -> list[float]:
    chance = random.Random(_SEED)  # noqa: S311 - prices, not secrets
    alerts = Alerts.made(size, symbols, chance)
    ours = Ours(alerts)
    upwards = {
        symbol: sorted(alerts.level[slot] for slot in slots)
        for (symbol, up), slots in alerts.by_side().items()
        if up
    }
    gc.collect()
    return [_median(ours, alerts, _chosen(upwards, count, looks, chance)) for count in _FIRED]


def _chosen(
    upwards: dict[str, list[float]], count: int, looks: int, chance: random.Random
) -> Sequence[tuple[str, float, int]]:
    """Choose instruments by how many alerts they have, and a price at which exactly so many fire."""
    highs: dict[str, float] = {}
    for symbol, levels in upwards.items():
        high = levels[0] - 0.005 if count == 0 else levels[count - 1] if count <= len(levels) else None
        if high is not None and bisect_right(levels, high) == count:
            highs[symbol] = high
    weights = [len(upwards[symbol]) for symbol in highs]
    return [(symbol, highs[symbol], count) for symbol in chance.choices(list(highs), weights, k=looks)]


def _median(ours: Ours, alerts: Alerts, chosen: Sequence[tuple[str, float, int]]) -> float:
    price = dict(zip(alerts.symbols, alerts.prices, strict=True))
    now = time.perf_counter
    medians = []
    for _ in range(_TIMES):
        took = []
        for symbol, high, count in chosen:
            low = min(price[symbol] + 0.001, high)
            start = now()
            found = ours.look(symbol, low, high)
            if found.fired:
                ours.settle(symbol, found)
            took.append(now() - start)
            if len(found.fired) != count:
                raise AssertionError(f"{len(found.fired)} fired, not {count}.")
            ours.index.arm(found.fired)
        medians.append(statistics.median(took))
    return min(medians)
