"""Back-tests of ten years and two hundred instruments, beside the bare signals of two libraries."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from bench.figures import Figure
from bench.peers_backtest import Peers
from bench.synthetic import TODAY, histories, instruments, weekdays_before
from bot.market.bars import Calendar
from bot.market.catalogue import Catalogue
from bot.rules.arrays import arrays_of
from bot.rules.backtest import Past, fires_of
from bot.rules.conditions import DayMove, FixedSteps, FromExtreme, Ladder, Rule
from bot.rules.evaluate import Ladders, crossings

_SEED = 1810
_SESSIONS = 2520
_FEW = 6
_TIMES = 3


@dataclass(frozen=True, slots=True)
class _Question:
    """A ladder, its target in seconds, and how each library is asked; `alike` where all express the same."""

    name: str
    ladder: Ladder
    below: float
    bars: Callable[[Mapping[str, Any]], int]
    signals: Callable[[Mapping[str, Any]], int]
    alike: bool


def measured(*, quick: bool = False) -> list[Figure]:
    """Check that every way tells the same where it can, then time them all on the same bars.

    `AssertionError` where they do not agree, and `NoPeers` where the libraries are not installed.
    """
    peers = Peers.loaded()
    watched = instruments(_FEW if quick else 200)
    days = weekdays_before(TODAY, _SESSIONS)
    held = histories(watched, days, random.Random(_SEED))  # noqa: S311 - prices, not secrets
    past = Past(Catalogue.of(watched), held, Calendar({"HK": days}))
    # Steps at which the synthetic instruments fire some 160,000 times.
    steps, falls = (2.65, 4.0, 6.0), (20.0, 30.0, 40.0)
    questions = (
        _Question(
            "drawdown 20/30/40%",
            FromExtreme("peak", falls, "close", "touch", "all"),
            0.15,
            lambda frames: peers.drawdown_bars(frames, falls),
            lambda wide: peers.drawdown_signals(wide, falls),
            alike=False,
        ),
        _Question(
            "±2.65/4/6%",
            DayMove(FixedSteps(steps)),
            1.2,
            lambda frames: peers.day_bars(frames, steps[0]),
            lambda wide: peers.day_signals(wide, steps[0]),
            alike=True,
        ),
    )
    return [each for question in questions for each in _answers(question, past, days, peers)]


def _answers(question: _Question, past: Past, days: tuple[date, ...], peers: Peers) -> list[Figure]:
    """Time one question, from columns and frames that are made, and once more with making them."""
    few = dict(list(past.series.items())[:_FEW])
    _must_agree_with_live(question.ladder, replace(past, series=few))
    # What vectorbt compiles at its first use is no part of its time.
    question.signals(peers.wide(peers.frames(few, days)))
    made, frames = _timed(lambda: peers.frames(past.series, days))
    widened, wide = _timed(lambda: peers.wide(frames))
    columns, _ = _timed(lambda: [arrays_of(each) for each in past.series.values()])
    ours, told = min(_timed(lambda: _told(question.ladder, past)) for _ in range(_TIMES))
    signals, theirs = min(_timed(lambda: question.signals(wide)) for _ in range(_TIMES))
    bars, seen = _timed(lambda: question.bars(frames))
    if question.alike and not told == theirs == seen:
        raise AssertionError(
            f"{question.name}: told {told}, vectorbt {theirs}, backtesting.py {seen} times."
        )
    name = f"{question.name}, {len(past.series)} instruments x 10 years"
    return [
        Figure(f"{name}, from columns", ours, "s", below=question.below),
        Figure("  from bars, the columns made of them", ours + columns, "s"),
        Figure("  vectorbt's signals, from its frames", signals, "s"),
        Figure("  vectorbt's signals, from bars", signals + made + widened, "s"),
        Figure("  backtesting.py's signals, from its frames", bars, "s"),
        Figure("  backtesting.py's signals, from bars", bars + made, "s"),
        Figure("  vectorbt takes as many times as we do", signals / ours, "x"),
        Figure("  backtesting.py takes as many times as we do", bars / ours, "x"),
        Figure("  told by us, once an episode", told, "times"),
        Figure("  signals of vectorbt", theirs, "times"),
        Figure("  signals of backtesting.py", seen, "times"),
    ]


def _told(ladder: Ladder, past: Past) -> int:
    rule = Rule("bench", ladder, frozenset(past.series))
    return sum(len(fires_of(rule, instrument, series, past)) for _, instrument, series in past.of([rule]))


def _must_agree_with_live(ladder: Ladder, past: Past) -> None:
    rule = Rule("bench", ladder, frozenset(past.series))
    for _, instrument, series in past.of([rule]):
        found = fires_of(rule, instrument, series, past)
        seen = list(zip(found.days.tolist(), found.steps.tolist(), found.values.tolist(), strict=True))
        live = [
            (each.session.toordinal(), each.step, each.value)
            for each in crossings(rule, series, past.calendar, instrument.market, Ladders())
        ]
        if seen != live:
            raise AssertionError(f"{ladder}: a back-test and a look at every bar differ for {series.symbol}.")


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found
