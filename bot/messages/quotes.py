"""What `/quote` answers. A line without data is left out."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from bot.market.beside import Beside, OtherLine, StandIn
from bot.market.freshness import Freshness
from bot.market.instrument import Instrument
from bot.market.measures import Distance, QuoteCard
from bot.market.quote import Quote
from bot.market.reference import Restated
from bot.messages.blocks import Message, line, strong
from bot.messages.freshness import not_believed, when_made
from bot.messages.given import adjusted_for, shares_became
from bot.messages.moves import ADJUSTED, by_fund
from bot.messages.words import day, difference, money, percent, price, sentence


def quote_message(
    card: QuoteCard, quote: Quote, state: Freshness, beside: Beside, zone: ZoneInfo | None = None
) -> Message:
    """Return the answer to `/quote`; `state` is what the quote is worth now, `zone` the chat's."""
    final = quote.final
    lines = [*_price(card), when_made(quote, card.instrument, state, zone)]
    if beside.held_back is not None:
        lines.append(not_believed(beside.held_back, card.instrument, state, zone))
    lines += [*_session(card), *_year(card)]
    lines += _distances(card, beside.stand_in, final=final)
    if card.volume_ratio is not None and final:
        lines.append(f"Volume {card.volume_ratio:.1f} times its 20-day average")
    lines += _against(card, beside)
    lines += _ahead(quote)
    lines += _other_line(card.instrument, beside.other_line)
    if quote.note:
        lines.append(sentence(quote.note))
    if card.bar.adjusted:
        lines.append(ADJUSTED)
    heading = strong(_name(card.instrument))
    return Message(heading, tuple(line(each) for each in lines), line(f"Source: {quote.source}"))


def _name(instrument: Instrument) -> str:
    chinese = instrument.names.get("zh-Hans", "")
    return " ".join(dict.fromkeys(each for each in (instrument.short, chinese, instrument.symbol) if each))


def _price(card: QuoteCard) -> Iterator[str]:
    bar, previous, change = card.bar, card.previous, card.day_change_pct
    is_index = card.instrument.kind == "index"
    now = money(bar.close, card.instrument.currency, is_index=is_index)
    if previous is None or change is None:
        if not bar.adjusted:
            yield now
        yield f"Day change not known: {card.not_known}"
    elif bar.adjusted:
        yield f"{percent(change)} on the day"
    elif card.as_traded_pct is not None:
        adjusted = adjusted_for(card.given, card.instrument.currency)
        yield f"{now} {percent(card.as_traded_pct)} (as traded), {percent(change)} {adjusted}"
    elif previous.adjusted:
        yield f"{now} {percent(change)}, against a close restated for a distribution since"
    else:
        yield f"{now} {difference(bar.close, previous.close)} {percent(change)}"


def _session(card: QuoteCard) -> Iterator[str]:
    bar = card.bar
    gap = "" if card.gap_pct is None else f"gap {percent(card.gap_pct)}"
    if bar.adjusted:
        if gap:
            yield f"At the open: {gap}"
        return
    opened = "" if bar.open is None else f"open {price(bar.open)}{f' ({gap})' if gap else ''}"
    reached = "" if bar.low is None or bar.high is None else f"{price(bar.low)}–{price(bar.high)}"
    if opened or reached:
        yield f"Day {', '.join(each for each in (reached, opened) if each)}"
    if card.reference is not None and card.reference.close is not None:
        yield ", ".join(_previous_close(card, card.reference, card.reference.close))


def _previous_close(card: QuoteCard, reference: Restated, close: float) -> Iterator[str]:
    """Give the close as traded, and what lies between it and the session."""
    yield f"Previous close {price(close)} ({day(reference.session)})"
    if reference.suspended:
        yield "last trade before the suspension"
    if became := shares_became(reference.given):
        yield became
    if adjusted := adjusted_for(reference.given, card.instrument.currency):
        yield f"{price(reference.value)} {adjusted}"


def _year(card: QuoteCard) -> Iterator[str]:
    year = card.year
    if year is None:
        return
    span = "52w" if year.since is None else f"Since {day(year.since)}:"
    by = " by close" if year.reference == "close" else ""
    low, high = year.low, year.high
    if card.bar.adjusted or low.adjusted or high.adjusted:
        held = f"low {day(low.session)}, high {day(high.session)}"
    else:
        held = f"{price(low.value)} ({day(low.session)}) – {price(high.value)} ({day(high.session)})"
    yield f"{span}{by} {held}, at {year.position_pct:.0f}% of range"


def _distances(card: QuoteCard, stand_in: StandIn | None, *, final: bool) -> Iterator[str]:
    peak, low = card.from_peak, card.off_low
    if card.since is None or card.since == card.bar.session:
        return
    history = f"history since {day(card.since)}"
    if stand_in is not None:
        yield by_fund(stand_in)
    if peak is not None:
        if peak.session < card.bar.session:
            yield f"From peak {percent(peak.change_pct)} ({_close(card, peak)}, {history})"
        else:
            yield f"{'The highest close' if final else 'Above every close'} of the {history}"
    if low is not None:
        if low.session < card.bar.session:
            yield f"Off low {percent(low.change_pct)} ({_close(card, low)})"
        else:
            span = "past year" if card.knows_a_year else history
            yield f"{'The lowest close' if final else 'Below every close'} of the {span}"


def _close(card: QuoteCard, extreme: Distance) -> str:
    hidden = card.bar.adjusted or extreme.adjusted
    return f"close{'' if hidden else f' {price(extreme.value)}'}, {day(extreme.session)}"


def _against(card: QuoteCard, beside: Beside) -> Iterator[str]:
    found, breadth = beside.against, beside.breadth
    if found is not None:
        yield f"vs {found.index.short} {_points(found.points)} on the day"
    if card.normal_day_pct is not None:
        yield f"A normal day's move: {card.normal_day_pct:.2f}% (60 sessions)"
    if breadth is not None:
        yield f"Members: {breadth.rose} of {breadth.watched} watched rose; {breadth.members} are known"


def _ahead(quote: Quote) -> Iterator[str]:
    if quote.results is not None:
        due = quote.results
        part = f", {due.part}" if due.part else ""
        yield f"Next: results {day(due.session)}{part}{' (estimated)' if due.estimated else ''}"


def _other_line(instrument: Instrument, found: OtherLine | None) -> Iterator[str]:
    if found is None:
        return
    pair, rate = found.pair, found.prices.rate
    in_new_york = instrument.symbol == pair.hong_kong.symbol
    other, quote = (
        (pair.new_york, found.prices.new_york) if in_new_york else (pair.hong_kong, found.prices.hong_kong)
    )
    last = money(quote.price, other.currency, is_index=False)
    implied = money(found.implied, instrument.currency, is_index=False)
    at = "" if rate is None else f", {pair.rate_name} {rate.price:.4f}"
    ratio = f"{pair.twin.ratio} for 1"
    yield f"{other.symbol} {last} ({day(quote.session)}) implies {implied} here, at {ratio}{at}"


def _points(value: float) -> str:
    """Write a difference of percentages with its sign."""
    written = percent(value).removesuffix("%")
    return f"{written} points"
