"""Where an instrument stands under a rule in the session of its last bar, without a row for each before."""

from __future__ import annotations

from typing import assert_never

from bot.market.bars import Calendar, Series
from bot.market.extremes import last_standing
from bot.rules.conditions import DayMove, FromBase, FromExtreme, Gate, Rule
from bot.rules.footing import Footing, counted, day_move, from_base, from_extreme


def last_footing(rule: Rule, series: Series, calendar: Calendar, market: str) -> Footing | None:
    """Return what looks at the last bar's session are compared with: the last row of `footings`."""
    last = len(series.bars) - 1
    footing: Footing | None
    match rule.condition:
        case DayMove() as condition:
            footing = day_move(condition, series, last, calendar, market)
        case FromBase() as condition:
            footing = from_base(condition, series, last)
        case FromExtreme() as condition:
            standing = last_standing(series, condition.reference, condition.window, condition.side)
            footing = None if standing is None else from_extreme(condition, standing)
        case Gate():
            return None
        case _:
            assert_never(rule.condition)
    return counted(rule, footing, series.bars[last].session)
