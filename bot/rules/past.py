"""How far an episode had come before anybody listened: what history passed is known, not told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from bot.market.bars import Bar, Reference, Series, Side
from bot.market.extremes import extreme_since, last_standing, price_of, standings, window_start
from bot.rules.conditions import DayMove, FromExtreme, Gate, Rule
from bot.rules.crossing import Rung, reaches
from bot.rules.footing import Footing, episode_of
from bot.rules.measures import Direction


def passed_in_history(rule: Rule, footing: Footing, history: Series) -> dict[Rung, float]:
    """Return the furthest step of each of the footing's ladders that `history` had reached.

    A day move's episode is its session, so history has none of it, nor of any rule that tells once a session.
    From an extreme, the bars since the episode began are compared as a live look at each would have been; of
    the time before the first bar only its extremes are known. From a price that stays, only where it stands
    counts: what was reached and lost before anybody asked is still worth telling. The step is negative where
    the rule tells once: what was passed is not yet what was told.
    """
    if isinstance(rule.condition, DayMove | Gate) or rule.telling.often == "once a session":
        return {}
    passed: dict[Rung, float] = {}
    for direction in footing.directions:
        furthest = max(
            (_furthest(footing, base, prices, direction) for base, prices in _prices(rule, footing, history)),
            default=0.0,
        )
        if furthest:
            rung = Rung(rule.revision, history.symbol, footing.episode, direction)
            passed[rung] = -furthest if rule.telling.often == "once" else furthest
    return passed


def _prices(rule: Rule, footing: Footing, history: Series) -> Iterator[tuple[float, list[float]]]:
    if isinstance(rule.condition, FromExtreme):
        yield from _compared(rule.condition, footing, history)
        yield _known_before(footing, history)
    elif history.bars:
        yield footing.reference.value, [history.bars[-1].close]


def _furthest(footing: Footing, base: float, prices: Iterable[float], direction: Direction) -> float:
    """Return the furthest step that any of `prices` reached from `base`, 0 where there is none."""
    up = direction == "up"
    price = (max if up else min)(prices, default=None)
    if price is None:
        return 0.0
    reached = (each for each in footing.steps if reaches(price, base, each if up else -each))
    return max(reached, default=0.0)


def _compared(
    condition: FromExtreme, footing: Footing, history: Series
) -> Iterator[tuple[float, list[float]]]:
    """Give what the bars of the episode were compared with, and their prices that were.

    1. The bar that began the episode by its range may have gone far from it too; in which order is not known,
       so only its close is compared.
    2. While the extreme that began the episode is in the window, it is the reference of every bar.
    3. Once it has left the window, the reference of each bar is that of the sessions up to a year before it.
    """
    began = _began(footing)
    at = history.index_of(began)
    side: Side = "peak" if condition.side == "low" else "low"
    reference: Reference = "close" if condition.trigger == "close" else "intraday"
    if at is not None and condition.reference == "intraday" and _was_looked_at(condition, history, began):
        first = history.bars[at]
        yield price_of(first, "intraday", condition.side), [first.close]
    since = history.since(began + timedelta(days=1))
    if footing.counted or footing.episode == episode_of(condition.reference, footing.reference):
        yield footing.reference.value, [price_of(bar, reference, side) for bar in since]
        return
    for bar, base in _with_their_references(condition, history, since):
        yield base, [price_of(bar, reference, side)]


def _was_looked_at(condition: FromExtreme, history: Series, session: date) -> bool:
    """Tell whether a session had anything to be compared with."""
    held = history.until(session)
    return last_standing(held, condition.reference, condition.window, condition.side) is not None


def _with_their_references(
    condition: FromExtreme, history: Series, bars: Sequence[Bar]
) -> Iterator[tuple[Bar, float]]:
    """Give each bar with the extreme of its own window, where that holds a session."""
    if not bars:
        return
    start = window_start(condition.window, bars[0].session)
    before = tuple(each for each in history.before if each.session >= start)
    held = replace(history, bars=history.since(start), before=before)
    column = standings(held, condition.reference, condition.window, condition.side)
    rows = zip(bars, column[-len(bars) :], strict=True)
    yield from ((bar, standing.extreme.value) for bar, standing in rows if standing is not None)


def _began(footing: Footing) -> date:
    if footing.counted:
        return footing.reference.session
    return date.fromisoformat(footing.episode.split()[1])


def _known_before(footing: Footing, history: Series) -> tuple[float, list[float]]:
    """Return the reference, and the extremes after it that are known of the time before the first bar."""
    side: Side = "peak" if footing.measure == "off low" else "low"
    before = Series(history.symbol, (), history.before)
    after = footing.reference.session + timedelta(days=1)
    references: tuple[Reference, ...] = ("close", "intraday") if footing.trigger == "touch" else ("close",)
    found = (extreme_since(before, after, reference, side) for reference in references)
    return footing.reference.value, [each.value for each in found if each is not None]
