"""What a look raises, and the ladders that remember how far each episode was told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bot.market.bars import Calendar, Series
from bot.market.instrument import Market
from bot.market.measures import change_pct
from bot.market.quote import Look, look_at_bar
from bot.market.sessions import settlement
from bot.rules.conditions import Rule
from bot.rules.crossing import Crossing, Rung, climbed, level_of, reaches
from bot.rules.footing import Footing, footings
from bot.rules.measures import Direction
from bot.rules.met import Met

Told = Callable[[Rung], float]


@dataclass(slots=True)
class Ladders:
    """The furthest step told of each ladder and episode, as this process knows it."""

    told: dict[Rung, float] = field(default_factory=dict)

    def furthest(self, rung: Rung) -> float:
        """Return the furthest step told, 0 if none was."""
        return self.told.get(rung, 0.0)

    def climb(self, raised: Crossing | Met) -> None:
        """Remember that something was raised."""
        self.told[raised.rung] = raised.step


def looked(rule: Rule, footing: Footing, look: Look, told: Told) -> tuple[Crossing, ...]:
    """Return what `look` raises, the further move first where both directions do.

    On a look that makes a new intraday extreme and also goes far from it, the order of the two is not
    known: only its last price is compared with that extreme.
    """
    if footing.trigger == "close" and not look.final:
        return ()
    if not applies(rule, footing, look, told):
        return ()
    current = footing.after(look)
    only_last = footing.trigger == "close" or current is not footing
    furthest: list[tuple[Direction, float]] = [
        (direction, look.price if only_last else look.high if direction == "up" else look.low)
        for direction in footing.directions
    ]
    if len(furthest) > 1:
        furthest.sort(key=lambda side: -abs(side[1] - current.reference.value))
    found: list[Crossing] = []
    for direction, price in furthest:
        crossing = _climb(rule, current, look, direction, price, told)
        if crossing is not None:
            found.append(crossing)
            if rule.telling.often == "once":
                break
    return tuple(found)


def applies(rule: Rule, footing: Footing, look: Look, told: Told) -> bool:
    """Tell whether a rule still tells: one that tells once has not, and its last day is not over."""
    telling = rule.telling
    if telling.until is not None and look.session > telling.until:
        return False
    if telling.often != "once":
        return True
    rungs = (Rung(rule.revision, look.symbol, footing.episode, each) for each in footing.directions)
    return all(told(rung) <= 0 for rung in rungs)


def crossings(
    rule: Rule, series: Series, calendar: Calendar, market: Market, ladders: Ladders
) -> Iterator[Crossing]:
    """Look once at every bar of `series`, in order, and give what each raises."""
    column = footings(rule, series, calendar, market)
    for bar, footing in zip(series.bars, column, strict=True):
        if footing is None:
            continue
        look = look_at_bar(series.symbol, bar, settlement(market, bar.session))
        for each in looked(rule, footing, look, ladders.furthest):
            ladders.climb(each)
            yield each


def _climb(
    rule: Rule, footing: Footing, look: Look, direction: Direction, furthest: float, told: Told
) -> Crossing | None:
    sign = 1 if direction == "up" else -1
    base, steps = footing.reference.value, footing.steps
    # Most looks reach nothing, and most of a look's time would go into asking what was told.
    if not reaches(furthest, base, sign * steps[0]):
        return None
    before = told(Rung(rule.revision, look.symbol, footing.episode, direction))
    # What a rule that tells once was silent about is kept as a negative step.
    reached = climbed(base, steps, sign, furthest, abs(before))
    if not reached:
        return None
    level = level_of(base, steps[reached - 1], direction)
    by_quote = reaches(look.price, base, sign * steps[reached - 1])
    price = look.price if by_quote else furthest
    return Crossing(
        rule=rule.name,
        revision=rule.revision,
        symbol=look.symbol,
        session=look.session,
        time=look.time,
        measure=footing.measure,
        direction=direction,
        episode=footing.episode,
        compared_with=footing.compared_with,
        reference=footing.reference,
        trigger=footing.trigger,
        steps=tuple([each for each in steps[:reached] if each > abs(before)]),
        passed=tuple([each for each in steps[:reached] if each <= before]),
        before=before,
        ahead=steps[reached:],
        level=level,
        value=change_pct(price, base),
        price=price,
        last=look.price,
        final=look.final,
        seen_by="quote" if by_quote else "range",
        adjusted=look.adjusted,
        sigma=footing.sigma,
    )
