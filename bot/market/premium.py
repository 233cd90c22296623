"""What a depositary share costs above or below the Hong Kong shares that it stands for.

A premium compares two prices of one company that were made at different times. It is a number only where one
side has traded after the other; elsewhere it is not defined, and never zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot.errors import NotKnown
from bot.market.catalogue import Catalogue
from bot.market.instrument import Instrument
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from bot.market.sessions import first_weekday, opening, session_of, settlement
from bot.market.twins import Twin, twin_on

Measure = Literal["implied gap", "premium at open", "premium"]
"""The last New York close against the last Hong Kong close, told until Hong Kong opens; the same against
Hong Kong's opening price, told for a quarter of an hour; any other price against the other side's last close.
"""

AT_OPEN = timedelta(minutes=15)

_A_DAY = timedelta(days=1)
# Currencies are traded from Monday to Friday: over a weekend their last price ages with those of the shares.
_RATE_LASTS = timedelta(days=1)
# Hong Kong keeps its dollar between 7.75 and 7.85; prints come a little beyond, and nothing comes this far.
_LEAST_PEG, _MOST_PEG = 7.7, 7.9


@dataclass(frozen=True, slots=True)
class Pair:
    """One company's two lines, and what one depositary share stands for."""

    twin: Twin
    hong_kong: Instrument
    new_york: Instrument

    @property
    def rate_symbol(self) -> str | None:
        """The rate that brings New York's price into Hong Kong's currency; None where both are in one."""
        currency = self.hong_kong.currency
        return None if currency == self.new_york.currency else f"{currency}=X"

    @property
    def rate_name(self) -> str:
        """What the rate is called: USD/HKD."""
        return f"{self.new_york.currency}/{self.hong_kong.currency}"


@dataclass(frozen=True, slots=True)
class Prices:
    """The last quotes of both lines, and of the rate between their currencies where that is known."""

    hong_kong: Quote
    new_york: Quote
    rate: Quote | None = None


@dataclass(frozen=True, slots=True)
class Premium:
    """A pair's premium in per cent, with everything that it rests on.

    `pct` is None where it is not defined, and `why_not` says why. `hong_kong_price` is what New York's price
    is compared with: the opening price for the premium at the open, the last one else. `implied` is New
    York's price in Hong Kong's currency for one Hong Kong share. `until` is when the measure ends.
    """

    pair: Pair
    prices: Prices
    measure: Measure
    pct: float | None
    hong_kong_price: float
    why_not: str = ""
    implied: float | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Moment:
    """What the two prices amount to at a time, before any rate: the measure, or why there is none."""

    measure: Measure
    hong_kong_price: float
    until: datetime | None = None
    why_not: str = ""


def pair_of(
    twins: Iterable[Twin], catalogue: Catalogue, instrument: Instrument, moment: datetime
) -> Pair | None:
    """Return the lines of which `instrument` is one, with the ratio of the day; None where it is alone."""
    twin = twin_on(twins, instrument.symbol, session_of("US", moment))
    if twin is None or twin.symbol not in catalogue or twin.adr not in catalogue:
        return None
    return Pair(twin, catalogue[twin.symbol], catalogue[twin.adr])


def has_no_twin(instrument: Instrument, *, known: bool) -> NotKnown:
    """Return what is said to whoever asks for the premium of something that is listed once.

    `known` says that the catalogue describes it, and so would know of a Hong Kong line.
    """
    named = f"{instrument.short} ({instrument.symbol})"
    if instrument.kind != "stock":
        return NotKnown(f"{named} is no company’s share, and only those have a premium.")
    if instrument.market == "HK":
        return NotKnown(f"No New York line of {named} is known here, so there is no premium.")
    if known and instrument.market == "US":
        return NotKnown(f"{named} has no Hong Kong line, so there is no premium.")
    return NotKnown(f"No Hong Kong line of {named} is known here, so there is no premium.")


def change_over(hong_kong: float, new_york: float, rate: float, ratio: int) -> float:
    """Return the depositary share's premium over `ratio` Hong Kong shares in per cent."""
    return (new_york * rate / (ratio * hong_kong) - 1) * 100


def premium(pair: Pair, prices: Prices, schedule: Schedule, now: datetime) -> Premium:
    """Return a pair's premium at `now`, or why it is not defined.

    Where `schedule` does not know Hong Kong's sessions, its regular hours on weekdays stand in for them.
    """
    at = _moment(pair, prices, schedule, now)
    rate, no_rate = rate_of(pair, prices)
    implied = None if rate is None else prices.new_york.price * rate / pair.twin.ratio
    why_not = at.why_not or no_rate
    pct = None
    if rate is not None and not why_not:
        pct = change_over(at.hong_kong_price, prices.new_york.price, rate, pair.twin.ratio)
    return Premium(pair, prices, at.measure, pct, at.hong_kong_price, why_not, implied, at.until)


def rate_of(pair: Pair, prices: Prices) -> tuple[float | None, str]:
    """Return the rate that makes the two prices comparable, or None and why there is none."""
    name, rate = pair.rate_name, prices.rate
    if prices.hong_kong.adjusted or prices.new_york.adjusted:
        return None, "the bars are dividend-adjusted, and their levels were not traded"
    if pair.rate_symbol is None:
        return 1.0, ""
    if rate is None:
        return None, f"{name} is not known"
    if rate.time < max(prices.hong_kong.time, prices.new_york.time) - _RATE_LASTS:
        return None, f"the last {name} is older than the prices by more than a day"
    if name == "USD/HKD" and not _LEAST_PEG <= rate.price <= _MOST_PEG:
        return None, f"{name} is said to be {rate.price:g}, far from where Hong Kong keeps it"
    return rate.price, ""


def _moment(pair: Pair, prices: Prices, schedule: Schedule, now: datetime) -> _Moment:
    """Tell which side traded last, and what that makes of their prices.

    1. New York closed after Hong Kong did: the implied gap, until Hong Kong opens. While New York still
       trades, its price is compared, and is no close.
    2. Hong Kong has opened since New York's close: the premium at the open, then any later price.
    3. What lies a whole session of the other side back is compared with nothing.
    """
    here, there = prices.hong_kong, prices.new_york
    if there.time == here.time:
        return _Moment("premium", here.price, why_not="neither side has traded after the other")
    last = _new_york_last if there.time > here.time else _hong_kong_last
    return last(pair, prices, schedule, now)


def _new_york_last(pair: Pair, prices: Prices, schedule: Schedule, now: datetime) -> _Moment:
    here, there = prices.hong_kong, prices.new_york
    measure: Measure = "implied gap" if there.final else "premium"
    if not here.final:
        return _Moment(measure, here.price, why_not="Hong Kong’s official close is not here yet")
    opens = _next_open(pair, here, schedule)
    opened = now >= opens or there.time >= opens
    why_not = "Hong Kong has opened since its last price here" if opened else ""
    return _Moment(measure, here.price, opens, why_not)


def _hong_kong_last(pair: Pair, prices: Prices, schedule: Schedule, now: datetime) -> _Moment:
    here, there = prices.hong_kong, prices.new_york
    if there.time <= _settled_before(pair, here, schedule):
        why_not = "New York has not traded since the Hong Kong close before this session"
        return _Moment("premium", here.price, why_not=why_not)
    if not there.final:
        return _Moment("premium", here.price, why_not="New York’s official close is not here yet")
    ends = _opens(pair, here, schedule) + AT_OPEN
    if here.time > ends or now > ends + timedelta(minutes=here.delay + 1):
        return _Moment("premium", here.price)
    if here.open is None:
        return _Moment("premium at open", here.price, ends, "Hong Kong’s opening price is not known")
    return _Moment("premium at open", here.open, ends)


def _opens(pair: Pair, quote: Quote, schedule: Schedule) -> datetime:
    """Return when the Hong Kong session of `quote` opens."""
    held = schedule.session_on(pair.hong_kong.exchange, quote.session)
    return opening(pair.hong_kong.market, quote.session) if held is None else held.opens


def _next_open(pair: Pair, close: Quote, schedule: Schedule) -> datetime:
    """Return when the Hong Kong session after an official close opens."""
    mic, after = pair.hong_kong.exchange, close.session + _A_DAY
    held = schedule.exchanges.get(mic)
    known = () if held is None else held.between(after, held.last).sessions
    if known and schedule.knows(mic, after):
        return known[0].opens
    return opening(pair.hong_kong.market, first_weekday(after))


def _settled_before(pair: Pair, quote: Quote, schedule: Schedule) -> datetime:
    """Return when the Hong Kong session before that of `quote` had its official close."""
    held = schedule.previous(pair.hong_kong.exchange, quote.session)
    if held is not None:
        return held.settled
    day = quote.session - _A_DAY
    while first_weekday(day) != day:
        day -= _A_DAY
    return settlement(pair.hong_kong.market, day)
