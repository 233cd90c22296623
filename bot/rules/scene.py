"""What a look is made in: an instrument's bars, the others beside it, and what only a live look knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from bot.market.bars import Calendar, Series
from bot.market.instrument import Instrument, Market
from bot.market.twins import Twin
from bot.rules.measures import PremiumKind
from bot.rules.truth import Value

Others = Callable[[str], tuple[Instrument, Series] | None]
"""An instrument and its bars, as far as they are known at that time; None where nothing is known of it."""

Members = Callable[[str, date], tuple[str, ...]]
"""The watched constituents of an index in a session."""

MembersThen = Callable[[str], tuple[str, ...]]
"""The watched constituents of an index on a day that is settled already."""


def no_members(*_: object) -> tuple[str, ...]:
    """Know of no constituents of any index, whenever it is."""
    return ()


@dataclass(frozen=True, slots=True)
class Now:
    """What only a live look knows.

    `price` is the last one, of `time`; `final` says that it is the official close. `trail` are prices of the
    last hours, oldest first; each stood until the next. `told` is the price at which the rule last told.
    `stories` are the times of the last story of each topic, `premiums` what is known of the instrument's
    own. `volume_share` is the part of a usual day's volume that is traded by this time of day, None where no
    profile of it is kept.
    """

    time: datetime
    price: float
    final: bool
    trail: Sequence[tuple[datetime, float]] = ()
    told: float | None = None
    stories: Mapping[str, datetime] = field(default_factory=dict)
    premiums: Mapping[PremiumKind, Value] = field(default_factory=dict)
    volume_share: float | None = None


@dataclass(frozen=True)
class Setting:
    """An instrument with its bars, and everything that its measures may ask for besides.

    `series` is what was known at the time: live, its last bar is the session so far, and closes with the
    last price. `now` is None where every bar is settled: then each row is the final look at its bar. `twins`
    are the companies with two lines, for premiums of the past.
    """

    instrument: Instrument
    series: Series
    calendar: Calendar
    others: Others
    members: Members
    now: Now | None = None
    twins: tuple[Twin, ...] = ()

    @property
    def market(self) -> Market:
        """The market whose sessions the instrument trades in."""
        return self.instrument.market
