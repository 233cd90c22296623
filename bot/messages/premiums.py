"""What `/premium` answers: the figure, and every number that it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from bot.market.instrument import Instrument
from bot.market.premium import Premium
from bot.market.quote import Quote
from bot.market.sessions import HOURS
from bot.messages.blocks import Message, line, strong
from bot.messages.provenance import delayed
from bot.messages.words import clock, day, money, percent, sentence


def premium_message(told: Premium, zone: ZoneInfo | None = None) -> Message:
    """Return the answer to `/premium`; `zone` is the chat's."""
    pair = told.pair
    figure = f"{told.measure} not defined" if told.pct is None else f"{told.measure} {percent(told.pct)}"
    heading = f"{pair.new_york.short} {pair.new_york.symbol} over {pair.hong_kong.symbol}: {figure}"
    lines = [*_why(told), *_prices(told), *_rate(told), *_meaning(told, zone)]
    sources = dict.fromkeys(
        each.source
        for each in (told.prices.new_york, told.prices.hong_kong, told.prices.rate)
        if each is not None
    )
    return Message(strong(heading), tuple(map(line, lines)), line(f"Source: {', '.join(sources)}"))


def _why(told: Premium) -> Iterator[str]:
    if told.why_not:
        yield f"{sentence(told.why_not)}."


def _prices(told: Premium) -> Iterator[str]:
    pair, there, here = told.pair, told.prices.new_york, told.prices.hong_kong
    yield f"New York: {_at(pair.new_york, there)}"
    if told.measure == "premium at open" and told.pct is not None:
        opened = _priced(pair.hong_kong, told.hong_kong_price)
        yield f"Hong Kong: opened at {opened}, {day(here.session)}; last {_at(pair.hong_kong, here)}"
    else:
        yield f"Hong Kong: {_at(pair.hong_kong, here)}"
    if told.implied is not None:
        yield f"New York’s price amounts to {_priced(pair.hong_kong, told.implied)} a Hong Kong share"


def _rate(told: Premium) -> Iterator[str]:
    pair, twin, rate = told.pair, told.pair.twin, told.prices.rate
    shares = "share" if twin.ratio == 1 else "shares"
    unchecked = ", not checked against the latest filing" if twin.believed else ""
    stands = f"One {twin.adr} stands for {twin.ratio} {shares} of {twin.symbol}"
    yield f"{stands} (since {day(twin.since)}{unchecked})"
    if rate is not None and pair.rate_symbol is not None:
        made = rate.time.astimezone(HOURS["HK"].zone)
        at = clock(rate.time, HOURS["HK"].zone, HOURS["HK"].zone_name)
        yield f"{pair.rate_name} {rate.price:.4f}, {at}, {day(made.date())}"


def _meaning(told: Premium, zone: ZoneInfo | None) -> Iterator[str]:
    if told.pct is None:
        return
    until = "" if told.until is None else f", until {clock(told.until, HOURS['HK'].zone, 'HKT')}"
    if zone is not None and told.until is not None:
        chats = told.until.astimezone(zone)
        if chats.utcoffset() != told.until.astimezone(HOURS["HK"].zone).utcoffset():
            until += f" ({clock(told.until, zone)})"
    there, here = told.prices.new_york, told.prices.hong_kong
    match told.measure:
        case "implied gap":
            yield f"Implied gap: New York’s last close against Hong Kong’s last close{until}"
        case "premium at open":
            yield f"Premium at open: New York’s last close against Hong Kong’s opening price{until}"
        case "premium" if there.time > here.time:
            yield "New York’s price so far against Hong Kong’s last close"
        case "premium":
            last = "close" if here.final else "last price"
            yield f"Hong Kong’s {last} against the New York close before it"
            yield "There is no implied gap before New York has closed again"


def _at(instrument: Instrument, quote: Quote) -> str:
    made = _made(instrument, quote)
    return f"no level, {made}" if quote.adjusted else f"{_priced(instrument, quote.price)}, {made}"


def _priced(instrument: Instrument, value: float) -> str:
    return money(value, instrument.currency, is_index=False)


def _made(instrument: Instrument, quote: Quote) -> str:
    if quote.final:
        return f"close of {day(quote.session)}"
    hours = HOURS[instrument.market]
    late = f", {delayed(quote.delay)}" if quote.delay else ""
    return f"{clock(quote.time, hours.zone, hours.zone_name)}, {day(quote.session)}{late}"
