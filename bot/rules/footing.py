"""What a session's looks at an instrument are compared with under one rule: known before the first look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import assert_never

from bot.errors import NotKnown
from bot.market.bars import Calendar, Reference, Series, Side
from bot.market.extremes import Extreme, Standing, beyond, standings
from bot.market.quote import Look
from bot.market.reference import day_reference
from bot.rules.conditions import DayMove, FromBase, FromExtreme, Gate, Rule, Trigger
from bot.rules.crossing import Measure
from bot.rules.measures import Direction, FromCost


@dataclass(frozen=True, slots=True)
class Footing:
    """The reference, its episode and the steps of one session, in the directions that have a ladder.

    `sigma` is the volatility that the steps follow, if they do. An episode is `counted` where the rule says
    how often it tells: then no new extreme begins another.
    """

    measure: Measure
    directions: tuple[Direction, ...]
    episode: str
    reference: Extreme
    steps: tuple[float, ...]
    compared_with: Reference = "close"
    trigger: Trigger = "touch"
    sigma: float | None = None
    counted: bool = False

    def after(self, look: Look) -> Footing:
        """Return the footing of the looks that follow `look`: a new intraday extreme is the new reference."""
        if self.compared_with == "close" or self.measure not in {"off low", "drawdown"}:
            return self
        side: Side = "low" if self.measure == "off low" else "peak"
        price = look.low if side == "low" else look.high
        if not beyond(price, self.reference.value, side):
            return self
        extreme = Extreme(price, look.session)
        if self.counted:
            return replace(self, reference=extreme)
        return replace(self, reference=extreme, episode=episode_of(self.compared_with, extreme))


def episode_of(reference: Reference, extreme: Extreme) -> str:
    """Name the episode that `extreme` began."""
    return f"{reference} {extreme.session.isoformat()} {extreme.value!r}"


def footings(rule: Rule, series: Series, calendar: Calendar, market: str) -> tuple[Footing | None, ...]:
    """Return for each bar of `series` what its looks are compared with; None where that is not known.

    The footing of a bar rests on the bars before it and on its own date, so a live session is the last row
    of its history with a bar of today behind it.
    """
    rows = range(len(series.bars))
    found: Iterable[Footing | None]
    match rule.condition:
        case DayMove() as condition:
            found = (day_move(condition, series, index, calendar, market) for index in rows)
        case FromBase() as condition:
            found = (from_base(condition, series, index) for index in rows)
        case FromExtreme() as condition:
            column = standings(series, condition.reference, condition.window, condition.side)
            found = (None if standing is None else from_extreme(condition, standing) for standing in column)
        case Gate():
            return (None,) * len(series.bars)
        case _:
            assert_never(rule.condition)
    sessions = (each.session for each in series.bars)
    return tuple(counted(rule, each, session) for each, session in zip(found, sessions, strict=True))


def counted(rule: Rule, footing: Footing | None, session: date) -> Footing | None:
    """Return a footing whose episode is as long as the rule says, where it says how often it tells."""
    match rule.telling.often:
        case "each episode":
            return footing
        case "once":
            episode = "once"
        case "once a session":
            episode = session.isoformat()
        case _:
            assert_never(rule.telling.often)
    return None if footing is None else replace(footing, episode=episode, counted=True)


def from_base(condition: FromBase, series: Series, index: int) -> Footing | None:
    """Return the footing of a move from a price that stays; None where no close of its date is known."""
    if isinstance(condition.base, FromCost):
        reference = Extreme(condition.base.cost, series.bars[index].session)
    else:
        held = series.until(condition.base.start).bars
        if not held or len(held) > index:
            return None
        reference = Extreme(held[-1].close, held[-1].session)
    return Footing(
        measure="from cost" if isinstance(condition.base, FromCost) else "since date",
        directions=condition.directions,
        episode=str(condition.base),
        reference=reference,
        steps=condition.ladder.on(None),
        trigger=condition.trigger,
    )


def from_extreme(condition: FromExtreme, standing: Standing) -> Footing:
    """Return the footing of a distance from the extreme of `standing`."""
    low = condition.side == "low"
    return Footing(
        measure="off low" if low else "drawdown",
        directions=("up",) if low else ("down",),
        episode=episode_of(condition.reference, standing.episode),
        reference=standing.extreme,
        steps=condition.steps,
        compared_with=condition.reference,
        trigger=condition.trigger,
    )


def day_move(
    condition: DayMove, series: Series, index: int, calendar: Calendar, market: str
) -> Footing | None:
    """Return the footing of a day's move at bar `index`; None where what it is compared with is not known."""
    try:
        compared = day_reference(series, index, market, calendar)
    except NotKnown:
        return None
    sigma = series.sigma(index, condition.lookback) if condition.lookback else None
    return Footing(
        measure="day change",
        directions=condition.directions,
        episode=series.bars[index].session.isoformat(),
        reference=Extreme(compared.value, compared.session),
        steps=condition.ladder.on(sigma),
        trigger=condition.trigger,
        sigma=sigma,
    )
