"""What a condition measures, as values; `str` of each is its canonical text.

Percentages are numbers in per cent, as they are written. A measure has a `unit`, and a `slack`: how far it
must come back beyond a threshold before the same condition can be told again, so that a price that swings
about a threshold tells once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

from bot.market.bars import Reference
from bot.market.extremes import Window

Direction = Literal["up", "down"]
Unit = Literal["", "%", "x", "σ"]
Span = Literal["m", "h", "sessions"]
PremiumKind = Literal["premium", "implied gap", "premium at open"]
AverageKind = Literal["sma", "ema"]

_POINTS = 0.5
_SHARE = 0.01
_WHOLE = 100
_SHARE_OF_FAR = 0.002


def plain(number: float) -> str:
    """Write a number without needless zeros, and so that it reads back as the same."""
    short = f"{number:g}"
    return short if float(short) == number else repr(number)


def suffix_of(reference: Reference) -> str:
    """Write a reference where it is not the usual one, closes."""
    return "" if reference == "close" else f" {reference}"


@dataclass(frozen=True, slots=True)
class Price:
    """The last price, as traded, in the instrument's currency or in points."""

    unit: ClassVar[Unit] = ""

    def __str__(self) -> str:
        return "price"

    def slack(self, threshold: float) -> float:
        """One per cent of the level."""
        return abs(threshold) * _SHARE


class _InPerCent:
    """A measure in per cent; half a point back arms it again, or where that is little, part of the price."""

    __slots__ = ()
    unit: ClassVar[Unit] = "%"

    def slack(self, threshold: float) -> float:
        """Half a percentage point; beyond a change of 150% a fifth of a per cent of the price."""
        return max(_POINTS, (_WHOLE + threshold) * _SHARE_OF_FAR)


@dataclass(frozen=True, slots=True)
class Day(_InPerCent):
    """The session's move against its reference close."""

    def __str__(self) -> str:
        return "day"


@dataclass(frozen=True, slots=True)
class Change(_InPerCent):
    """The move over `count` minutes, hours or sessions."""

    count: int
    span: Span

    def __str__(self) -> str:
        return (
            f"change {self.count} sessions" if self.span == "sessions" else f"change {self.count}{self.span}"
        )


@dataclass(frozen=True, slots=True)
class ChangeSince(_InPerCent):
    """The move since the close of the last session up to `start`."""

    start: date

    def __str__(self) -> str:
        return f"change since {self.start.isoformat()}"


@dataclass(frozen=True, slots=True)
class SinceTold(_InPerCent):
    """The move since the price at which the rule last told; since the previous close where it never did."""

    def __str__(self) -> str:
        return "change since told"


@dataclass(frozen=True, slots=True)
class FromCost(_InPerCent):
    """The move from one's own price."""

    cost: float

    def __str__(self) -> str:
        return f"cost {plain(self.cost)}"


@dataclass(frozen=True, slots=True)
class OffLow(_InPerCent):
    """How far the price is above the low of a window."""

    window: Window
    reference: Reference = "close"

    def __str__(self) -> str:
        return f"off low {self.window}{suffix_of(self.reference)}"


@dataclass(frozen=True, slots=True)
class Drawdown(_InPerCent):
    """How far the price is below the peak of a window, as a positive number."""

    window: Window
    reference: Reference = "close"

    def __str__(self) -> str:
        return f"drawdown {self.window}{suffix_of(self.reference)}"


@dataclass(frozen=True, slots=True)
class Gap(_InPerCent):
    """The session's opening price against its reference close."""

    def __str__(self) -> str:
        return "gap"


@dataclass(frozen=True, slots=True)
class Streak:
    """Closes in a row on one side of the close before; falls count as a negative number."""

    unit: ClassVar[Unit] = ""

    def __str__(self) -> str:
        return "streak"

    def slack(self, threshold: float) -> float:
        """None: the next close that turns ends it."""
        del threshold
        return 0.0


@dataclass(frozen=True, slots=True)
class Volume:
    """The session's volume against the average of `sessions` before, at the same time of day."""

    sessions: int = 20
    unit: ClassVar[Unit] = "x"

    def __str__(self) -> str:
        return f"volume {self.sessions}d"

    def slack(self, threshold: float) -> float:
        """A tenth of the ratio."""
        return abs(threshold) / 10


@dataclass(frozen=True, slots=True)
class Position(_InPerCent):
    """Where the price stands between the low, 0, and the high, 100, of a window."""

    window: Window

    def __str__(self) -> str:
        return f"range {self.window}"

    def slack(self, threshold: float) -> float:
        """Five points of the range."""
        del threshold
        return 5.0


@dataclass(frozen=True, slots=True)
class Sigmas:
    """The session's move in deviations of the `sessions` daily log returns before it."""

    sessions: int = 60
    unit: ClassVar[Unit] = "σ"

    def __str__(self) -> str:
        return f"sigma {self.sessions}"

    def slack(self, threshold: float) -> float:
        """A quarter of a deviation."""
        del threshold
        return 0.25


@dataclass(frozen=True, slots=True)
class Against(_InPerCent):
    """The session's move less that of another instrument, in percentage points."""

    symbol: str

    def __str__(self) -> str:
        return f"vs {self.symbol}"


@dataclass(frozen=True, slots=True)
class Breadth:
    """How many of an index's watched constituents have moved by `pct`, which is positive, on the day."""

    index: str
    direction: Direction
    pct: float
    unit: ClassVar[Unit] = ""

    def __str__(self) -> str:
        return f"of {self.index} {self.direction} {plain(self.pct)}%"

    def slack(self, threshold: float) -> float:
        """One constituent."""
        del threshold
        return 1.0


@dataclass(frozen=True, slots=True)
class Ratio:
    """The price over that of another instrument."""

    symbol: str
    unit: ClassVar[Unit] = ""

    def __str__(self) -> str:
        return f"ratio {self.symbol}"

    def slack(self, threshold: float) -> float:
        """One per cent of the ratio."""
        return abs(threshold) * _SHARE


@dataclass(frozen=True, slots=True)
class Spread:
    """The price less that of another instrument."""

    symbol: str
    unit: ClassVar[Unit] = ""

    def __str__(self) -> str:
        return f"spread {self.symbol}"

    def slack(self, threshold: float) -> float:
        """A tenth of the spread."""
        return abs(threshold) / 10


@dataclass(frozen=True, slots=True)
class Premium(_InPerCent):
    """What the New York line costs over the Hong Kong line, as `market/premium` defines the three."""

    kind: PremiumKind = "premium"

    def __str__(self) -> str:
        return self.kind


@dataclass(frozen=True, slots=True)
class Rsi:
    """Wilder's relative strength index of the closes, the last price among them; from 0 to 100."""

    sessions: int = 14
    unit: ClassVar[Unit] = ""

    def __str__(self) -> str:
        return f"rsi {self.sessions}"

    def slack(self, threshold: float) -> float:
        """Two points."""
        del threshold
        return 2.0


@dataclass(frozen=True, slots=True)
class Average:
    """The simple or exponential moving average of the closes, the last price among them."""

    kind: AverageKind
    sessions: int
    unit: ClassVar[Unit] = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.sessions}"

    def slack(self, threshold: float) -> float:
        """Half a per cent of the level it is compared with."""
        return abs(threshold) * _SHARE / 2


Measure = (
    Price
    | Day
    | Change
    | ChangeSince
    | SinceTold
    | FromCost
    | OffLow
    | Drawdown
    | Gap
    | Streak
    | Volume
    | Position
    | Sigmas
    | Against
    | Breadth
    | Ratio
    | Spread
    | Premium
    | Rsi
    | Average
)
