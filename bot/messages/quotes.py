"""What `/quote` answers. A line without data is left out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.market.instrument import Instrument
from bot.market.measures import Distance, QuoteCard
from bot.market.sessions import HOURS
from bot.messages.blocks import Message, line, strong
from bot.messages.moves import ADJUSTED
from bot.messages.provenance import delayed
from bot.messages.words import clock, day, difference, money, percent, price


def quote_message(
    card: QuoteCard,
    source: str,
    *,
    time: datetime | None = None,
    delay: int = 0,
    final: bool = True,
    zone: ZoneInfo | None = None,
) -> Message:
    """Return the answer to `/quote`.

    `time` is when the price was made, where that is known, and `delay` what the source says of itself, in
    minutes; `final` says that the price is the session's official close. `zone` is the chat's.
    """
    lines = [*_price(card), _when(card, time, delay, zone, final=final), *_session(card), *_year(card)]
    lines += _distances(card, final=final)
    if card.volume_ratio is not None and final:
        lines.append(f"Volume {card.volume_ratio:.1f} times its 20-day average")
    if card.normal_day_pct is not None:
        lines.append(f"A normal day's move: {card.normal_day_pct:.2f}% (60 sessions)")
    if card.bar.adjusted:
        lines.append(ADJUSTED)
    heading = strong(_name(card.instrument))
    return Message(heading, tuple(line(each) for each in lines), line(f"Source: {source}"))


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
    elif previous.adjusted:
        yield f"{now} {percent(change)}, against a close restated for a distribution since"
    else:
        yield f"{now} {difference(bar.close, previous.close)} {percent(change)}"


def _when(card: QuoteCard, time: datetime | None, delay: int, zone: ZoneInfo | None, *, final: bool) -> str:
    session = day(card.bar.session)
    if time is None:
        return f"Close of {session}" if final else f"{session}, before the close"
    hours = HOURS[card.instrument.market]
    at = clock(time, hours.zone, hours.zone_name)
    if zone is not None and time.astimezone(zone).utcoffset() != time.astimezone(hours.zone).utcoffset():
        at += f" ({clock(time, zone)})"
    if final:
        return f"Closed, official close {session}, {at}"
    return ", ".join((at, session, *([delayed(delay)] if delay else [])))


def _session(card: QuoteCard) -> Iterator[str]:
    bar, previous = card.bar, card.previous
    gap = "" if card.gap_pct is None else f"gap {percent(card.gap_pct)}"
    if bar.adjusted:
        if gap:
            yield f"At the open: {gap}"
        return
    opened = "" if bar.open is None else f"open {price(bar.open)}{f' ({gap})' if gap else ''}"
    reached = "" if bar.low is None or bar.high is None else f"{price(bar.low)}–{price(bar.high)}"
    if opened or reached:
        yield f"Day {', '.join(each for each in (reached, opened) if each)}"
    if previous is not None and card.day_change_pct is not None and not previous.adjusted:
        yield f"Previous close {price(previous.close)} ({day(previous.session)})"


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


def _distances(card: QuoteCard, *, final: bool) -> Iterator[str]:
    peak, low = card.from_peak, card.off_low
    if card.since is None or card.since == card.bar.session:
        return
    history = f"history since {day(card.since)}"
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
