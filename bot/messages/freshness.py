"""When a price was made, and what it is worth now, in one line."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from bot.market.doubt import HeldBack
from bot.market.freshness import STALE_AFTER, Freshness
from bot.market.instrument import Instrument
from bot.market.quote import Quote
from bot.messages.provenance import delayed, exchange_clock, place_of
from bot.messages.words import day, money, sentence

# A share that has stood still for so long is hardly waiting for its next trade.
_NO_TRADE_AFTER = 30
_AN_HOUR, _A_DAY = 60, 24 * 60
# Minutes say more than hours up to here.
_SHORT = 120


def when_made(quote: Quote, instrument: Instrument, state: Freshness, zone: ZoneInfo | None) -> str:
    """Say when a price was made and how fresh it is; `zone` is the chat's."""
    place = place_of(instrument.market, state.zone)
    at = exchange_clock(quote.time, place, zone)
    on = day(quote.time.astimezone(place.zone).date())
    late = f", {delayed(state.delay)}" if state.delay else ""
    made = f"{at}, {on}{', reconstructed' if quote.reconstructed else ''}{late}"
    # A price that was never printed has not come in at any time either.
    unjudged = "" if quote.reconstructed else _unjudged(state)
    match state.state:
        case "official close":
            said = f"Closed, official close {on}, {at}"
        case "closed":
            said = f"Closed, last seen {made}, not the official close"
        case "before the open":
            said = f"No price of this session yet: {'official close' if quote.final else 'last'} {on}, {at}"
        case "halted":
            said = f"No trade since {on}, {at}"
        case "stale":
            said = _stale(quote, instrument, state, at, f"{on}{late}")
        case ("limit up" | "limit down") as limit if quote.final:
            said = f"Closed {limit}, official close {on}, {at}"
        case "limit up" | "limit down":
            said = f"{sentence(state.state)}, {made}{unjudged}"
        case "fresh" | "delayed":
            said = f"{made}{unjudged}"
    return said


def not_believed(held: HeldBack, instrument: Instrument, state: Freshness, zone: ZoneInfo | None) -> str:
    """Say that a newer price than the one told is held back, and why."""
    now = money(held.price, instrument.currency, is_index=instrument.kind == "index")
    at = exchange_clock(held.time, place_of(instrument.market, state.zone), zone)
    return f"Held back until it is borne out: {now} of {at} ({held.why}: {held.said})"


def _stale(quote: Quote, instrument: Instrument, state: Freshness, at: str, rest: str) -> str:
    """Say how old a price is; only a share that stands still for long may be said to have no trade."""
    old = f"{_minutes(state.delay + state.behind)} of trading"
    if instrument.kind == "index" or quote.final or state.behind <= _NO_TRADE_AFTER:
        return f"Stale: {at} is {old} old ({rest})"
    return f"No trade since {at}, {old} ago ({rest})"


def _unjudged(state: Freshness) -> str:
    if state.unjudged is None or state.unjudged <= STALE_AFTER:
        return ""
    return f", received {_minutes(state.unjudged)} ago, trading hours not known"


def _minutes(minutes: float) -> str:
    whole = int(minutes)
    if whole < _SHORT:
        return f"{whole} minute{'' if whole == 1 else 's'}"
    return f"{whole // _AN_HOUR} hours" if whole < 2 * _A_DAY else f"{whole // _A_DAY} days"
