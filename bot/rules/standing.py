"""Where an instrument stands under a rule in the session of its last bar, without a row for each before."""

from __future__ import annotations

from bot.market.bars import Calendar, Series
from bot.market.extremes import last_standing
from bot.rules.conditions import DayMove, FromExtreme, Rule
from bot.rules.footing import Footing, day_move, from_extreme


def last_footing(rule: Rule, series: Series, calendar: Calendar, market: str) -> Footing | None:
    """Return what looks at the last bar's session are compared with: the last row of `footings`."""
    match rule.condition:
        case DayMove() as condition:
            return day_move(condition, series, len(series.bars) - 1, calendar, market)
        case FromExtreme() as condition:
            standing = last_standing(series, condition.reference, condition.window, condition.side)
            return None if standing is None else from_extreme(condition, standing)
