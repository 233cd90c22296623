"""What a look at one bar raises, and the ladder that remembers how far each episode was told."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from bot.errors import NotKnown
from bot.market.bars import Bar, Calendar, Series
from bot.market.extremes import Extreme, Reference, Standing, price_of, standings
from bot.market.measures import change_pct, day_change_pct
from bot.rules.conditions import DayMove, FromExtreme, Rule, Trigger

Direction = Literal["up", "down"]
Measure = Literal["day change", "off low", "drawdown"]
SeenBy = Literal["quote", "range"]

_FINGERPRINT_LENGTH = 20


@dataclass(frozen=True, slots=True)
class Crossing:
    """Steps of one ladder that one bar reached for the first time in their episode.

    `reference` is what the price is compared with, a close or an intraday extreme as `compared_with` says;
    `steps` are in per cent and positive, `passed` were told before; `value` is the change, in per cent, of
    `price` against `reference`; `level` is the price of the furthest step. A price seen by `range` is the
    bar's high or low, not a print.
    """

    rule: str
    revision: str
    symbol: str
    session: date
    measure: Measure
    direction: Direction
    episode: str
    compared_with: Reference
    reference: Extreme
    trigger: Trigger
    steps: tuple[float, ...]
    passed: tuple[float, ...]
    ahead: tuple[float, ...]
    level: float
    value: float
    price: float
    close: float
    seen_by: SeenBy
    adjusted: bool

    @property
    def step(self) -> float:
        """The furthest step reached."""
        return self.steps[-1]

    @property
    def fingerprint(self) -> str:
        """The crossing's identity: no price, time or text is in it."""
        parts = (self.revision, self.symbol, self.episode, self.direction, f"{self.step:g}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_FINGERPRINT_LENGTH]


def reaches(price: float, base: float, step: float) -> bool:
    """Tell whether `price` is `step` per cent or more from `base`, on the side of the step's sign.

    Compared as the decimals that prices are: 0.9 is 10% below 1, which binary fractions deny.
    """
    level = Decimal(repr(base)) * (100 + Decimal(repr(step)))
    moved = Decimal(repr(price)) * 100 - level
    return moved >= 0 if step > 0 else moved <= 0


@dataclass(slots=True)
class Ladders:
    """The furthest step told, by revision, symbol, episode and direction."""

    _told: dict[tuple[str, str, str, str], float] = field(default_factory=dict)

    def climb(self, rule: Rule, symbol: str, episode: str, direction: str, step: float) -> float:
        """Record `step` and return the furthest told before, 0 if none was."""
        key = (rule.revision, symbol, episode, direction)
        before = self._told.get(key, 0.0)
        self._told[key] = max(before, step)
        return before


def crossings(
    rule: Rule, series: Series, calendar: Calendar, market: str, ladders: Ladders
) -> Iterator[Crossing]:
    """Look once at every bar of `series`, in order, and give what each raises."""
    match rule.condition:
        case DayMove() as condition:
            for index in range(1, len(series.bars)):
                try:
                    day_change_pct(series, index, market, calendar)
                except NotKnown:
                    continue
                yield from _day_moves(rule, condition, series, index, ladders)
        case FromExtreme() as condition:
            column = standings(series, condition.reference, condition.window, condition.side)
            for bar, standing in zip(series.bars, column, strict=True):
                if standing is not None:
                    yield from _from_extreme(rule, condition, series.symbol, bar, standing, ladders)


def _day_moves(
    rule: Rule, condition: DayMove, series: Series, index: int, ladders: Ladders
) -> Iterator[Crossing]:
    bar, previous = series.bars[index], series.bars[index - 1]
    sigma = series.sigma(index, condition.lookback) if condition.lookback else None
    steps = condition.ladder.on(sigma)
    reference = Extreme(previous.close, previous.session)
    sides: list[tuple[Direction, float]] = [("up", bar.top), ("down", bar.bottom)]
    sides.sort(key=lambda side: -abs(side[1] - previous.close))
    for direction, furthest in sides:
        look = _Look("day change", direction, bar.session.isoformat(), reference, furthest)
        yield from _climb(rule, series.symbol, bar, look, steps, ladders)


def _from_extreme(
    rule: Rule, condition: FromExtreme, symbol: str, bar: Bar, standing: Standing, ladders: Ladders
) -> Iterator[Crossing]:
    low = condition.side == "low"
    furthest = bar.top if low else bar.bottom
    own = price_of(bar, "intraday", condition.side)
    old = standing.extreme.value
    # Whether the new extreme or the far price came first is unknown, so only the close is compared.
    order_unknown = condition.reference == "intraday" and (own < old if low else own > old)
    reference, episode = standing.extreme, standing.episode
    if order_unknown:
        reference = episode = Extreme(own, bar.session)
    if order_unknown or condition.trigger == "close":
        furthest = bar.close
    key = f"{condition.reference} {episode.session.isoformat()} {episode.value!r}"
    measure: Measure = "off low" if low else "drawdown"
    look = _Look(
        measure, "up" if low else "down", key, reference, furthest, condition.reference, condition.trigger
    )
    yield from _climb(rule, symbol, bar, look, condition.steps, ladders)


@dataclass(frozen=True, slots=True)
class _Look:
    measure: Measure
    direction: Direction
    episode: str
    reference: Extreme
    furthest: float
    compared_with: Reference = "close"
    trigger: Trigger = "touch"


def _climb(
    rule: Rule, symbol: str, bar: Bar, look: _Look, steps: tuple[float, ...], ladders: Ladders
) -> Iterator[Crossing]:
    sign = 1 if look.direction == "up" else -1
    base = look.reference.value

    def reached(price: float) -> tuple[float, ...]:
        return tuple(each for each in steps if reaches(price, base, sign * each))

    seen = reached(look.furthest)
    if not seen:
        return
    told = ladders.climb(rule, symbol, look.episode, look.direction, seen[-1])
    new = tuple(each for each in seen if each > told)
    if not new:
        return
    by_quote = reached(bar.close) == seen
    price = bar.close if by_quote else look.furthest
    yield Crossing(
        rule=rule.name,
        revision=rule.revision,
        symbol=symbol,
        session=bar.session,
        measure=look.measure,
        direction=look.direction,
        episode=look.episode,
        compared_with=look.compared_with,
        reference=look.reference,
        trigger=look.trigger,
        steps=new,
        passed=tuple(each for each in seen if each <= told),
        ahead=tuple(each for each in steps if each > seen[-1]),
        level=base * (1 + sign * seen[-1] / 100),
        value=change_pct(price, base),
        price=price,
        close=bar.close,
        seen_by="quote" if by_quote else "range",
        adjusted=bar.adjusted,
    )
