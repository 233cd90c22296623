"""Steps of a ladder that a look reached for the first time in their episode."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from bot.market.bars import Reference
from bot.market.extremes import Extreme
from bot.market.instrument import Market
from bot.rules.conditions import Trigger
from bot.rules.measures import Direction

Measure = Literal["day change", "off low", "drawdown", "from cost", "since date"]
SeenBy = Literal["quote", "range"]

_FINGERPRINT_LENGTH = 20
# Some thousand times the error of three operations on binary fractions.
_DOUBTFUL = 1e-12


@dataclass(frozen=True, slots=True)
class Rung:
    """The name of one ladder in one episode: what its furthest told step is kept under."""

    revision: str
    symbol: str
    episode: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class Crossing:
    """Steps of one ladder that one look reached for the first time in their episode.

    `reference` is what the price is compared with, a close or an intraday extreme as `compared_with` says;
    `steps` are in per cent and positive, `passed` were told before, up to `before`, which
    is 0 where none was; `value` is the change, in per cent, of
    `price` against `reference`; `level` is the price of the furthest step. A price seen by `range` is the
    high or low of what was looked at, not a print; `last` is the last price, the official close if `final`.
    `sigma` is the volatility that the steps rest on, a ratio, where they follow it.
    """

    rule: str
    revision: str
    symbol: str
    session: date
    time: datetime
    measure: Measure
    direction: Direction
    episode: str
    compared_with: Reference
    reference: Extreme
    trigger: Trigger
    steps: tuple[float, ...]
    passed: tuple[float, ...]
    before: float
    ahead: tuple[float, ...]
    level: float
    value: float
    price: float
    last: float
    final: bool
    seen_by: SeenBy
    adjusted: bool
    sigma: float | None = None

    @property
    def step(self) -> float:
        """The furthest step reached."""
        return self.steps[-1]

    @property
    def rung(self) -> Rung:
        """The ladder and episode whose record this moves on."""
        return Rung(self.revision, self.symbol, self.episode, self.direction)

    @property
    def fingerprint(self) -> str:
        """The crossing's identity: no price, time or text is in it."""
        parts = (self.revision, self.symbol, self.episode, self.direction, f"{self.step:g}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_FINGERPRINT_LENGTH]


def level_of(base: float, step: float, direction: Direction) -> float:
    """Return the price that stands `step` per cent from `base` in `direction`."""
    return base * (1 + (step if direction == "up" else -step) / 100)


def reaches(price: float, base: float, step: float) -> bool:
    """Tell whether `price` is `step` per cent or more from `base`, on the side of the step's sign.

    Compared as the decimals that prices are: 0.9 is 10% below 1, which binary fractions deny. Where the two
    are further apart than binary fractions err, those tell the same, and a hundred times as fast.
    """
    about = base * (100 + step)
    if abs(price * 100 - about) > abs(about) * _DOUBTFUL:
        return (price * 100 > about) == (step > 0)
    level = Decimal(repr(base)) * (100 + Decimal(repr(step)))
    moved = Decimal(repr(price)) * 100 - level
    return moved >= 0 if step > 0 else moved <= 0


def climbed(base: float, steps: tuple[float, ...], sign: int, price: float, told: float) -> int:
    """Return how many of `steps` from `base` a price has reached, or 0 where none of them is beyond `told`.

    `sign` is 1 for steps upwards and -1 for steps downwards. This is the one step of every ladder: a live
    look takes it, and a back-test.
    """
    if not reaches(price, base, sign * steps[0]):
        return 0
    reached, many = 1, len(steps)
    while reached < many and reaches(price, base, sign * steps[reached]):
        reached += 1
    return reached if steps[reached - 1] > told else 0


def fold_of(crossing: Crossing, market: Market, *, together: bool) -> str:
    """Name what a crossing is told with: its market, session and direction, or nothing but itself."""
    if not together:
        return crossing.fingerprint
    return f"{market} {crossing.session.isoformat()} {crossing.direction}"
