"""A million alerts: what a tick costs with an add, a removal and an edit every fourth, beside other ways."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import random
import statistics
import tempfile
import time
import tracemalloc
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bench.alerts import Alert, Alerts, Tick, ticks
from bench.figures import Figure, percentile
from bench.growth import growth
from bench.laps import Lap, best_lap, one_lap
from bench.numpy_rules import Columns
from bench.peers_rules import BySymbol, Ours, Scanned, Way
from bench.polars_rules import Frame, load_polars
from bench.rules_plain import compared
from bench.rules_seed import seed
from bot.rules.measures import Measure, Price
from bot.rules.threshold import Key
from bot.rules.thresholds import Thresholds
from bot.store import own
from bot.store.link import connect
from bot.store.server import embedded

_SEED = 1_000_000
_TIMES = 3
_US, _MS = 1e6, 1e3
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class _Size:
    """How much is measured: alerts, instruments, ticks, those of each slow way, and looks compared."""

    alerts: int
    symbols: int
    ticks: int
    by_symbol: int
    frame: int
    scanned: int
    looks: int


_WHOLE = _Size(1_000_000, 3_000, 100_000, 1_000, 100, 30, 100_000)
_QUICK = _Size(3_000, 30, 2_000, 300, 50, 60, 1_500)


def measured(*, quick: bool = False) -> list[Figure]:
    """Check that every way answers each tick alike, then tell what they took.

    `AssertionError` where two differ, and `NoPolars` where polars is not installed, without which only a
    quick run goes on.
    """
    with_polars = not quick or importlib.util.find_spec("polars") is not None
    if with_polars:
        load_polars()
    size = _QUICK if quick else _WHOLE
    # First, on a heap that nothing has torn up yet: what it tells is the distance of memory.
    grown = growth((300 if quick else 1_000, size.alerts), size.symbols, looks=60 if quick else 3_000)
    alerts = Alerts.made(size.alerts, size.symbols, _chance())
    script = ticks(alerts, size.ticks, _chance())
    ours, kept = best_lap(Ours, alerts, script)
    figures = _ours(alerts, ours)
    figures += _beside(alerts, script, ours, size, with_polars=with_polars)
    figures += _memory(alerts, kept.index, with_polars=with_polars)
    del ours, kept, script
    gc.collect()
    figures += grown
    figures += _on_one(size)
    figures += asyncio.run(_start(alerts))
    agreed = compared(size.looks)
    return [
        *figures,
        Figure(f"mismatches against brute force, {size.looks:,} looks", agreed.mismatches, "", below=1),
        Figure("  fired in them", agreed.fired, "times"),
        Figure("  armed again in them", agreed.back, "times"),
    ]


def _chance() -> random.Random:
    return random.Random(_SEED)  # noqa: S311 - prices, not secrets


def _ours(alerts: Alerts, lap: Lap) -> list[Figure]:
    of = f"{len(alerts):,} alerts on {len(alerts.symbols):,} symbols"
    return [
        Figure(f"a tick, {of}, what fired collected, median", _of(lap.look, 50), "us", below=5),
        Figure("  its p99", _of(lap.look, 99), "us", below=25),
        Figure("  fired a tick", statistics.fmean(lap.fired), "alerts"),
        Figure("  fired a tick, p99", percentile(lap.fired, 99), "alerts"),
        Figure("  armed again a tick", statistics.fmean(lap.back), "alerts"),
        Figure("  the tick with telling and arming these, median", _of(lap.tick, 50), "us"),
        Figure("  .. p99", _of(lap.tick, 99), "us"),
        Figure("an alert added, on average", statistics.fmean(lap.add) * _US, "us", below=20),
        Figure("an alert removed", statistics.fmean(lap.remove) * _US, "us", below=20),
        Figure("an alert edited", statistics.fmean(lap.edit) * _US, "us", below=20),
        Figure("  the longest change", max(lap.changes) * _MS, "ms", below=1),
    ]


def _beside(
    alerts: Alerts, script: Sequence[Tick], ours: Lap, size: _Size, *, with_polars: bool
) -> list[Figure]:
    """Let the other ways go through the same ticks, as many of them as they can in some seconds."""
    ways: list[tuple[str, Callable[[Alerts], Way], int]] = [
        ("numpy columns with an overlay", Columns, size.ticks),
        ("a dict by symbol", BySymbol, size.by_symbol),
        ("a list that is scanned", Scanned, size.scanned),
    ]
    if with_polars:
        ways.append(("polars", Frame, size.frame))
    found = []
    for name, way, count in ways:
        whole = count == len(script)
        lap = best_lap(way, alerts, script)[0] if whole else one_lap(way(alerts), script[:count])
        if lap.found != ours.found[:count]:
            raise AssertionError(f"We and {name} answer the same ticks differently.")
        share = statistics.median(ours.look[:count]) / statistics.median(lap.look)
        settled = statistics.median(ours.tick[:count]) / statistics.median(lap.tick)
        found += [
            Figure(f"{name}, a tick, median of {count:,}", _of(lap.look, 50), "us"),
            Figure(f"  p99 of {name}", _of(lap.look, 99), "us"),
            Figure(f"  {name}, with telling and arming, on average", statistics.fmean(lap.tick) * _US, "us"),
            Figure(
                f"  .. where ours takes in the same {count:,}",
                statistics.fmean(ours.tick[:count]) * _US,
                "us",
            ),
            Figure(f"  our share of the median of {name}", share, "x", below=1),
            Figure(f"  .. with telling and arming, of {name}", settled, "x", below=1),
            Figure(f"  the longest change of {name}", max(lap.changes) * _MS, "ms"),
        ]
    return found


def _memory(alerts: Alerts, churned: Thresholds, *, with_polars: bool) -> list[Figure]:
    """Count what each way takes an alert: Python's by what it allocates, polars by its layout."""
    index, traced = _traced(lambda: Ours(alerts).index, len(alerts))
    traced += index.mapped / len(alerts)
    counted = index.bytes() / len(alerts)
    after = churned.bytes() / len(alerts)
    walked = _walked(lambda: Ours(alerts))
    del index
    found = [
        Figure("the index, counted", counted, "B an alert", below=50),
        Figure("  after all these changes", after, "B an alert", below=50),
        Figure("  as allocated and mapped", traced, "B an alert", below=50),
        Figure("  a full collection of garbage that walks the index alone", walked * _MS, "ms"),
        Figure("  numpy columns, memory", _traced(lambda: Columns(alerts), len(alerts))[1], "B an alert"),
    ]
    others = [
        ("a dict by symbol", _traced(lambda: BySymbol(alerts), len(alerts))[1]),
        ("a list", _traced(lambda: Scanned(alerts), len(alerts))[1]),
    ]
    if with_polars:
        others.append(("polars", Frame.bytes_each))
    for name, each in others:
        found += [
            Figure(f"  {name}, memory", each, "B an alert"),
            Figure(f"  .. our share of that of {name}", max(traced, after) / each, "x", below=1),
        ]
    if with_polars:
        found.append(
            Figure("  polars with symbols as categories", Frame.bytes_each_by_category, "B an alert")
        )
    return found


def _traced(make: Callable[[], _Made], count: int) -> tuple[_Made, float]:
    """Make something, and return it with the bytes an alert that Python has allocated for it."""
    gc.collect()
    tracemalloc.start()
    made = make()
    gc.collect()
    bytes_now, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return made, bytes_now / count


def _walked(make: Callable[[], object]) -> float:
    """Return the seconds that a full collection takes for one thing alone."""
    gc.collect()
    gc.freeze()
    made = make()
    start = time.perf_counter()
    gc.collect()
    took = time.perf_counter() - start
    gc.unfreeze()
    del made
    return took


def _on_one(size: _Size) -> list[Figure]:
    """Put all alerts on one instrument: one by one, and then with ticks and changes going on."""
    alerts = Alerts.made(size.alerts, 1, _chance())
    best = array("d", [1.0]) * len(alerts)
    for _ in range(_TIMES):
        index = Thresholds()
        best = array("d", map(min, best, _added(index, alerts)))
    del index
    lap, _ = best_lap(Ours, alerts, ticks(alerts, size.ticks // 5, _chance()))
    return [
        Figure(
            f"{len(alerts):,} added to one instrument, on average", statistics.fmean(best) * _US, "us", 20
        ),
        Figure("  the longest add there", max(best) * _MS, "ms", below=1),
        Figure("an add, removal or edit there, on average", statistics.fmean(lap.changes) * _US, "us", 20),
        Figure("  the longest change there", max(lap.changes) * _MS, "ms", below=1),
        Figure("  a tick there, median", _of(lap.look, 50), "us"),
        Figure("  a tick there, p99", _of(lap.look, 99), "us"),
        Figure("  fired a tick there", statistics.fmean(lap.fired), "alerts"),
    ]


def _added(index: Thresholds, alerts: Alerts) -> array[float]:
    took = array("d")
    key = Key(alerts.symbols[0], Price())
    now = time.perf_counter
    for each in alerts:
        start = now()
        index.add(key, "up" if each.up else "down", each.level, each.number)
        took.append(now() - start)
    return took


async def _start(alerts: Alerts) -> list[Figure]:
    """Make the index of what a server holds; every alert must be where it was put."""
    measures: dict[str, Measure] = {str(Price()): Price()}
    took = []
    with tempfile.TemporaryDirectory() as folder, embedded(Path(folder)) as place:
        link = await connect(place, "bench")
        try:
            await seed(link, alerts)
            for _ in range(_TIMES):
                start = time.perf_counter()
                index, _ = await own.index(link, measures.get)
                took.append(time.perf_counter() - start)
        finally:
            await link.close()
    for each in alerts:
        if index.find(each.number + 1) != _found(each):
            raise AssertionError(f"{each} is not in the index as it was put into the server.")
    return [Figure(f"a start from Redis with {len(alerts):,} alerts", statistics.median(took), "s", below=4)]


def _found(alert: Alert) -> tuple[Key, str, float]:
    return Key(alert.symbol, Price()), "up" if alert.up else "down", alert.level


def _of(values: Iterable[float], percent: float) -> float:
    return percentile(values, percent) * _US
