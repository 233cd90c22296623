"""What `/drawdown` answers. A line without data is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from zoneinfo import ZoneInfo

from bot.market.beside import Beside
from bot.market.extremes import Window
from bot.market.falls import Fall
from bot.market.freshness import Freshness
from bot.market.measures import Distance, DrawdownCard, change_pct
from bot.market.quote import Quote
from bot.messages.blocks import Block, Message, Table, line, strong
from bot.messages.freshness import not_believed, when_made
from bot.messages.moves import ADJUSTED, by_fund
from bot.messages.words import day, percent, price, sentence

_SPANS: Mapping[Window, str] = MappingProxyType(
    {"all": "History", "52w": "The past year,", "ytd": "This year,", "mtd": "This month,"}
)


def drawdown_message(
    card: DrawdownCard, quote: Quote, state: Freshness, beside: Beside, zone: ZoneInfo | None = None
) -> Message:
    """Return the answer to `/drawdown`; `state` is what the quote is worth now, `zone` the chat's."""
    bar, final = card.bar, quote.final
    at = "" if bar.adjusted else f" {price(bar.close)}"
    when = f"close of {day(bar.session)}" if final else f"{day(bar.session)}, before the close"
    blocks: list[Block] = [line(each) for each in (*_peaks(card), *_lows(card, final=final), *_ahead(card))]
    if card.falls:
        blocks.append(Table((("Worst", "peak", "lowest", "regained"), *(_fall(each) for each in card.falls))))
    blocks.append(line(_history(card)))
    if beside.held_back is not None:
        blocks.append(line(not_believed(beside.held_back, card.instrument, state, zone)))
    if beside.stand_in is not None:
        blocks.append(line(by_fund(beside.stand_in)))
    if quote.note:
        blocks.append(line(sentence(quote.note)))
    if bar.adjusted:
        blocks.append(line(ADJUSTED))
    # An official close is in the heading already.
    made = "" if state.state == "official close" else f"{when_made(quote, card.instrument, state, zone)}. "
    heading = strong(f"{card.instrument.short}{at}, {when}")
    return Message(heading, tuple(blocks), line(f"{made}Source: {quote.source}"))


def _peaks(card: DrawdownCard) -> Iterator[str]:
    peak, intraday, a_year = card.peak["close"], card.peak["intraday"], card.year_peak
    name = f"{_before_noun(card.window)}peak"
    if peak is not None and peak.session == card.bar.session:
        yield f"At its {name}: no close since {day(card.since)} is higher"
    elif peak is not None:
        days = (card.bar.session - peak.session).days
        sessions = "" if card.sessions is None else f" / {_counted(card.sessions, 'session')}"
        at = _named("close", card, peak)
        yield f"From {name} {percent(peak.change_pct)} ({at}), {_counted(days, 'day')}{sessions}"
    if intraday is not None:
        named = sentence(f"{_before_noun(card.window)}intraday peak")
        yield f"{_named(named, card, intraday)}: {percent(intraday.change_pct)}"
    if a_year is not None and peak is not None and a_year.session != peak.session:
        yield f"{_named('52w peak', card, a_year)}: {percent(a_year.change_pct)}"
    if card.worst is not None:
        yield f"Worst of this drawdown {percent(card.worst.change_pct)} ({day(card.worst.session)})"


def _lows(card: DrawdownCard, *, final: bool) -> Iterator[str]:
    low, intraday, high = card.low["close"], card.low["intraday"], card.bar.high
    if low is None:
        return
    if low.session == card.bar.session:
        yield f"{'The lowest close' if final else 'Below every close'} since the peak"
        return
    parts = [f"Off low {percent(low.change_pct)} ({_named('close', card, low)})"]
    if intraday is not None:
        parts.append(f"{_named('intraday', card, intraday)}: {percent(intraday.change_pct)}")
    if high is not None:
        reached = "day's high" if final else "high so far"
        parts.append(f"{reached} {percent(change_pct(high, low.value))}")
    yield "; ".join(parts)


def _ahead(card: DrawdownCard) -> Iterator[str]:
    peak, fall, rise = card.peak["close"], card.next_drawdown, card.next_off_low
    if peak is not None and peak.session < card.bar.session:
        yield f"To regain the peak {percent(change_pct(peak.value, card.bar.close))}"
    if card.bar.adjusted:
        return
    hidden = peak is not None and peak.adjusted
    low = card.low["close"]
    steps = [] if fall is None or hidden else [f"{fall.pct:g}% at {price(fall.level)}"]
    if rise is not None and low is not None and not low.adjusted:
        steps.append(f"{rise.pct:g}% off low at {price(rise.level)}")
    if steps:
        yield f"Next steps: {'; '.join(steps)}"


def _before_noun(window: Window) -> str:
    """Say whose peak it is: one since a date is that of the time that the last line names."""
    return "" if window == "all" or window.startswith("since ") else f"{window} "


def _span(window: Window) -> str:
    if window in _SPANS:
        return _SPANS[window]
    if window.startswith("since "):
        return "The time"
    return f"The past {_counted(int(window[:-1]), 'day' if window[-1] == 'd' else 'week')},"


def _fall(fall: Fall) -> tuple[str, ...]:
    recovery = "open" if fall.recovery is None else day(fall.recovery)
    return (percent(fall.depth_pct), day(fall.start), day(fall.trough), recovery)


def _history(card: DrawdownCard) -> str:
    held = f"{_span(card.window)} since {day(card.since)}"
    if not card.bar.adjusted:
        held += f", {'price index' if card.instrument.kind == 'index' else 'prices'}, no dividends"
    if card.falls_since is not None:
        held += f"; falls that were over before {day(card.falls_since)} are not known"
    return held


def _named(name: str, card: DrawdownCard, at: Distance) -> str:
    hidden = card.bar.adjusted or at.adjusted
    return f"{name}{'' if hidden else f' {price(at.value)}'}, {day(at.session)}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
