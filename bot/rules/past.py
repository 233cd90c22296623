"""How far an episode had come before anybody listened: what history passed is known, not told."""

from __future__ import annotations

from datetime import timedelta

from bot.market.bars import Calendar, Series, Side
from bot.market.extremes import extreme_since
from bot.market.instrument import Market
from bot.rules.conditions import DayMove, Rule
from bot.rules.crossing import Rung, reaches
from bot.rules.evaluate import Ladders, crossings
from bot.rules.footing import Footing


def passed_in_history(
    rule: Rule, footing: Footing, history: Series, calendar: Calendar, market: Market
) -> dict[Rung, float]:
    """Return the furthest step of each of the footing's ladders that `history` had reached.

    A day move's episode is its session, so history has none of it. For the others the bars are looked at as
    they would have been live; of the time before the first bar only its extremes are known.
    """
    if isinstance(rule.condition, DayMove):
        return {}
    rungs = [
        Rung(rule.revision, history.symbol, footing.episode, direction) for direction in footing.directions
    ]
    ladders = Ladders()
    for _ in crossings(rule, history, calendar, market, ladders):
        pass
    told = {rung: max(ladders.furthest(rung), _known_before(footing, history)) for rung in rungs}
    return {rung: step for rung, step in told.items() if step > 0}


def _known_before(footing: Footing, history: Series) -> float:
    up = footing.measure == "off low"
    side: Side = "peak" if up else "low"
    before = Series(history.symbol, (), history.before)
    after = footing.reference.session + timedelta(days=1)
    furthest = 0.0
    for reference in ("close", "intraday") if footing.trigger == "touch" else ("close",):
        extreme = extreme_since(before, after, "close" if reference == "close" else "intraday", side)
        if extreme is None:
            continue
        for step in footing.steps:
            if reaches(extreme.value, footing.reference.value, step if up else -step):
                furthest = max(furthest, step)
    return furthest
