"""All measures of two hundred instruments over ten years: what a look, a session and a start cost."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial

from bench.figures import Figure
from bench.plain import Measures, answered, worked_out
from bench.synthetic import TODAY, histories, instruments, weekdays_before
from bot.market.bars import Bar, Calendar, Series
from bot.market.instrument import Instrument
from bot.market.measures import drawdown_card, quote_card, streak

_SEED = 1810
_LOOKS = 25
_SESSIONS = 2520


def measured(*, quick: bool = False) -> list[Figure]:
    """Check that every way gives the same, then time them; `AssertionError` where they do not agree."""
    count, looks = (8, 3) if quick else (200, _LOOKS)
    chance = random.Random(_SEED)  # noqa: S311 - prices, not secrets
    watched = instruments(count)
    days = weekdays_before(TODAY, _SESSIONS)
    held = histories(watched, days, chance)
    calendar = Calendar({"HK": (*days, TODAY)})
    bars = [_next_bars(held, chance) for _ in range(looks)]

    def look(now: Mapping[str, Bar]) -> list[Measures]:
        return [_answer(each, held[each.symbol].with_bar(now[each.symbol]), calendar) for each in watched]

    def ask(now: Mapping[str, Bar]) -> None:
        for each in watched:
            series = held[each.symbol].with_bar(now[each.symbol])
            quote_card(each, series, TODAY, calendar)
            drawdown_card(each, series, TODAY, "all")
            streak(series, len(series.bars) - 1, each.market, calendar)

    def work_out(now: Mapping[str, Bar]) -> list[Measures]:
        return [worked_out(held[each.symbol].with_bar(now[each.symbol])) for each in watched]

    first = _ms(lambda: ask(bars[0]))
    plain = _ms(lambda: work_out(bars[0]))
    for now in bars[: len(bars) if quick else 2]:
        if look(now) != work_out(now):
            raise AssertionError("What is answered is not what every bar gives.")
    steady = statistics.median(_ms(partial(ask, now)) for now in bars)
    years = f"{count} instruments x 10 years"
    return [
        Figure(f"all measures, {years}, each further look", steady, "ms", below=20),
        Figure("  the first look of a session", first, "ms"),
        Figure("  bar by bar, as they are defined", plain, "ms"),
        Figure("  bar by bar takes as many times as a look", plain / steady, "x"),
    ]


def _answer(instrument: Instrument, series: Series, calendar: Calendar) -> Measures:
    quote = quote_card(instrument, series, TODAY, calendar)
    drawdown = drawdown_card(instrument, series, TODAY, "all")
    return answered(quote, drawdown, streak(series, len(series.bars) - 1, instrument.market, calendar))


def _next_bars(held: Mapping[str, Series], chance: random.Random) -> dict[str, Bar]:
    """Return a bar of today's for each, near its last close; now and then a new extreme."""
    found: dict[str, Bar] = {}
    for symbol, series in held.items():
        close = series.bars[-1].close
        price = round(close * (1 + chance.gauss(0, 0.03)), 2)
        found[symbol] = Bar(TODAY, price, close, max(price, close) * 1.01, min(price, close) * 0.99, 1e6)
    return found


def _ms(work: Callable[[], object]) -> float:
    gc.collect()
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000
