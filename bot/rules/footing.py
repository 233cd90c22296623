"""What a session's looks at an instrument are compared with under one rule: known before the first look."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.errors import NotKnown
from bot.market.bars import Calendar, Reference, Series, Side
from bot.market.extremes import Extreme, Standing, beyond, standings
from bot.market.quote import Look
from bot.market.reference import day_reference
from bot.rules.conditions import DayMove, FromExtreme, Rule, Trigger
from bot.rules.crossing import Direction, Measure


@dataclass(frozen=True, slots=True)
class Footing:
    """The reference, its episode and the steps of one session, in the directions that have a ladder."""

    measure: Measure
    directions: tuple[Direction, ...]
    episode: str
    reference: Extreme
    steps: tuple[float, ...]
    compared_with: Reference = "close"
    trigger: Trigger = "touch"

    def after(self, look: Look) -> Footing:
        """Return the footing of the looks that follow `look`: a new intraday extreme is the new reference."""
        if self.compared_with == "close" or self.measure == "day change":
            return self
        side: Side = "low" if self.measure == "off low" else "peak"
        price = look.low if side == "low" else look.high
        if not beyond(price, self.reference.value, side):
            return self
        extreme = Extreme(price, look.session)
        return replace(self, reference=extreme, episode=episode_of(self.compared_with, extreme))


def episode_of(reference: Reference, extreme: Extreme) -> str:
    """Name the episode that `extreme` began."""
    return f"{reference} {extreme.session.isoformat()} {extreme.value!r}"


def footings(rule: Rule, series: Series, calendar: Calendar, market: str) -> tuple[Footing | None, ...]:
    """Return for each bar of `series` what its looks are compared with; None where that is not known.

    The footing of a bar rests on the bars before it and on its own date, so a live session is the last row
    of its history with a bar of today behind it.
    """
    match rule.condition:
        case DayMove() as condition:
            return tuple(
                day_move(condition, series, index, calendar, market) for index in range(len(series.bars))
            )
        case FromExtreme() as condition:
            column = standings(series, condition.reference, condition.window, condition.side)
            return tuple(
                None if standing is None else from_extreme(condition, standing) for standing in column
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
        directions=("up", "down"),
        episode=series.bars[index].session.isoformat(),
        reference=Extreme(compared.value, compared.session),
        steps=condition.ladder.on(sigma),
    )
