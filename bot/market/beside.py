"""What a reader of a quote asks for next: the other line, the index, what the history rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from bot.market.bars import Series
from bot.market.doubt import HeldBack
from bot.market.instrument import Instrument, Membership
from bot.market.measures import QuoteCard
from bot.market.premium import Pair, Prices, rate_of


@dataclass(frozen=True, slots=True)
class OtherLine:
    """The other line's last price, and what it comes to for one share of the line that was asked for."""

    pair: Pair
    prices: Prices
    rate: float
    implied: float


@dataclass(frozen=True, slots=True)
class Against:
    """A day's move beyond that of an index, in percentage points."""

    index: Instrument
    points: float


@dataclass(frozen=True, slots=True)
class Breadth:
    """How many of an index's members rose on the day, of those that are watched and traded.

    `members` is how many are known to belong to it; there may be more.
    """

    rose: int
    watched: int
    members: int


@dataclass(frozen=True, slots=True)
class StandIn:
    """Whose rescaled bars a history has before `until`."""

    symbol: str
    until: date


@dataclass(frozen=True, slots=True)
class Beside:
    """All of these; None where nothing is known."""

    other_line: OtherLine | None = None
    against: Against | None = None
    breadth: Breadth | None = None
    stand_in: StandIn | None = None
    held_back: HeldBack | None = None


NOTHING = Beside()


def other_line(instrument: Instrument, pair: Pair, prices: Prices) -> OtherLine | None:
    """Return the other line of `instrument`; None where the rate between the two is not known."""
    rate, _ = rate_of(pair, prices)
    if rate is None:
        return None
    ratio = pair.twin.ratio
    if instrument.symbol == pair.hong_kong.symbol:
        return OtherLine(pair, prices, rate, prices.new_york.price * rate / ratio)
    return OtherLine(pair, prices, rate, prices.hong_kong.price * ratio / rate)


def against(card: QuoteCard, index: QuoteCard) -> Against | None:
    """Return a day's move beyond that of an index; None where either is not known, or of another session."""
    if card.day_change_pct is None or index.day_change_pct is None or card.bar.session != index.bar.session:
        return None
    return Against(index.instrument, card.day_change_pct - index.day_change_pct)


def breadth(watched: Iterable[QuoteCard], members: int, session: date) -> Breadth | None:
    """Return how many members rose in `session`, of the watched whose day change is known; None of none."""
    changes = [
        each.day_change_pct
        for each in watched
        if each.bar.session == session and each.day_change_pct is not None
    ]
    return Breadth(sum(change > 0 for change in changes), len(changes), members) if changes else None


def indices_of(memberships: Iterable[Membership], symbol: str, day: date) -> tuple[str, ...]:
    """Return the indices to which an instrument is known to have belonged on `day`."""
    return tuple(each.index for each in memberships if each.symbol == symbol and each.holds_on(day))


def stand_in_of(series: Series) -> StandIn | None:
    """Return whose bars a series has before the first of its own; None where it has none."""
    own = next((each.session for each in series.bars if not each.adjusted), None)
    return StandIn(series.stand_in, own) if series.stand_in and own is not None else None
