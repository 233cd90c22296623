"""Back-tests of ten years and two hundred instruments, beside the bare signals of two libraries."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from bench.figures import Figure
from bench.peers_backtest import Peers
from bench.synthetic import TODAY, histories, instruments, weekdays_before
from bot.market.bars import Calendar
from bot.market.catalogue import Catalogue
from bot.rules.arrays import arrays_of
from bot.rules.backtest import Past, fires_of, report
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
    bars: Callable[[Peers, Mapping[str, Any]], int]
    signals: Callable[[Peers, Mapping[str, Any]], int]
    alike: bool


def measured(*, quick: bool = False) -> list[Figure]:
    """Check that every way tells the same where it can, then time them all on the same bars.

    `AssertionError` where they do not agree, and `NoPeers` where the libraries are not installed. A `quick`
    run does without them: it compares a back-test with a live worker's looks at every bar.
    """
    peers = None if quick else Peers.loaded()
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
            lambda peers, frames: peers.drawdown_bars(frames, falls),
            lambda peers, wide: peers.drawdown_signals(wide, falls),
            alike=False,
        ),
        _Question(
            "±2.65/4/6%",
            DayMove(FixedSteps(steps)),
            1.2,
            lambda peers, frames: peers.day_bars(frames, steps[0]),
            lambda peers, wide: peers.day_signals(wide, steps[0]),
            alike=True,
        ),
    )
    return [each for question in questions for each in _answers(question, past, days, peers)]


def _answers(
    question: _Question, past: Past, days: tuple[date, ...], peers: Peers | None
) -> Iterator[Figure]:
    """Time one question, from columns and frames that are made, and once more with making them."""
    few = dict(list(past.series.items())[:_FEW])
    _must_agree_with_live(question.ladder, replace(past, series=few))
    # Series that nothing was worked out of yet.
    past = replace(past, series={symbol: replace(each) for symbol, each in past.series.items()})
    columns, _ = _timed(lambda: [arrays_of(each) for each in past.series.values()])
    ours, told = min(_timed(lambda: _told(question.ladder, past)) for _ in range(_TIMES))
    rule = Rule("bench", question.ladder, frozenset(past.series))
    whole = min(_timed(lambda: len(report([rule], past).fires)) for _ in range(_TIMES))
    if whole[1] != told:
        raise AssertionError(f"{question.name}: {told} times told, {whole[1]} of them reported.")
    of = f"{question.name},"
    yield Figure(
        f"{of} {len(past.series)} instruments x 10 years, from columns", ours, "s", below=question.below
    )
    yield Figure(f"{of} from bars, the columns made of them", ours + columns, "s")
    yield Figure(f"{of} the whole report, what came after included, from columns", whole[0], "s")
    yield Figure(f"{of} told by us, once an episode", told, "times")
    if peers is not None:
        yield from _beside(question, past, days, peers, (ours, told))


def _beside(
    question: _Question, past: Past, days: tuple[date, ...], peers: Peers, own: tuple[float, int]
) -> Iterator[Figure]:
    """Put the same question to both libraries."""
    made, frames = _timed(lambda: peers.frames(past.series, days))
    widened, wide = _timed(lambda: peers.wide(frames))
    # What vectorbt compiles at its first use is no part of its time: the least of a few is told.
    signals, theirs = min(_timed(lambda: question.signals(peers, wide)) for _ in range(_TIMES))
    bars, seen = _timed(lambda: question.bars(peers, frames))
    ours, told = own
    of = f"{question.name},"
    if question.alike and not told == theirs == seen:
        raise AssertionError(f"{question.name}: told {told}, vectorbt {theirs}, backtesting.py {seen} times.")
    yield Figure(f"{of} vectorbt's signals, from its frames", signals, "s")
    yield Figure(f"{of} vectorbt's signals, from bars", signals + made + widened, "s")
    yield Figure(f"{of} backtesting.py's signals, from its frames", bars, "s")
    yield Figure(f"{of} backtesting.py's signals, from bars", bars + made, "s")
    yield Figure(f"{of} vectorbt takes as many times as we do", signals / ours, "x")
    yield Figure(f"{of} backtesting.py takes as many times as we do", bars / ours, "x")
    yield Figure(f"{of} signals of vectorbt", theirs, "times")
    yield Figure(f"{of} signals of backtesting.py", seen, "times")


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
