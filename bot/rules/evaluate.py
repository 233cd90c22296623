"""What a look raises, and the ladders that remember how far each episode was told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile

from bot.market.bars import Calendar, Series
from bot.market.instrument import Market
from bot.market.measures import change_pct
from bot.market.quote import Look, look_at_bar
from bot.market.sessions import settlement
from bot.rules.conditions import Rule
from bot.rules.crossing import Crossing, Direction, Rung, level_of, reaches
from bot.rules.footing import Footing, footings

Told = Callable[[Rung], float]


@dataclass(slots=True)
class Ladders:
    """The furthest step told of each ladder and episode, as this process knows it."""

    told: dict[Rung, float] = field(default_factory=dict)

    def furthest(self, rung: Rung) -> float:
        """Return the furthest step told, 0 if none was."""
        return self.told.get(rung, 0.0)

    def climb(self, crossing: Crossing) -> None:
        """Remember that `crossing` was raised."""
        self.told[crossing.rung] = crossing.step


def looked(rule: Rule, footing: Footing, look: Look, told: Told) -> tuple[Crossing, ...]:
    """Return what `look` raises, the further move first where both directions do.

    On a look that makes a new intraday extreme and also goes far from it, the order of the two is not
    known: only its last price is compared with that extreme.
    """
    if footing.trigger == "close" and not look.final:
        return ()
    current = footing.after(look)
    only_last = footing.trigger == "close" or current is not footing
    furthest: list[tuple[Direction, float]] = [
        (direction, look.price if only_last else look.high if direction == "up" else look.low)
        for direction in footing.directions
    ]
    if len(furthest) > 1:
        furthest.sort(key=lambda side: -abs(side[1] - current.reference.value))
    found = [_climb(rule, current, look, direction, price, told) for direction, price in furthest]
    return tuple([each for each in found if each is not None])


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
    base = footing.reference.value
    if not reaches(furthest, base, sign * footing.steps[0]):
        return None

    def reached(price: float) -> tuple[float, ...]:
        return tuple(takewhile(lambda each: reaches(price, base, sign * each), footing.steps))

    seen = reached(furthest)
    before = told(Rung(rule.revision, look.symbol, footing.episode, direction))
    new = tuple(each for each in seen if each > before)
    if not new:
        return None
    by_quote = reached(look.price) == seen
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
        steps=new,
        passed=tuple(each for each in seen if each <= before),
        before=before,
        ahead=tuple(each for each in footing.steps if each > seen[-1]),
        level=level_of(base, seen[-1], direction),
        value=change_pct(price, base),
        price=price,
        last=look.price,
        final=look.final,
        seen_by="quote" if by_quote else "range",
        adjusted=look.adjusted,
    )
