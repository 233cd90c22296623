"""The watched instruments as rows of the page: every word ready, nothing left to decide but the looks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from bot.market.bars import a_year_before
from bot.market.measures import Distance, QuoteCard
from bot.market.sessions import HOURS
from bot.messages.provenance import delayed
from bot.messages.words import clock, day, difference, money, percent
from bot.ports import Watched

Direction = Literal["up", "down", "none"]


@dataclass(frozen=True, slots=True)
class Change:
    """A percentage with its direction, and what it is measured against."""

    text: str
    direction: Direction
    note: str


@dataclass(frozen=True, slots=True)
class Row:
    """One instrument. What is not known is None, and `why` says the reason where there is one.

    `made` is when the price was made, for machines, and None where it is no news how long ago that was.
    """

    short: str
    chinese: str
    symbol: str
    price: str | None
    day: Change | None
    why: str
    from_peak: Change | None
    off_low: Change | None
    when: str
    state: str
    made: str | None


def row_of(watched: Watched, *, replayed: bool) -> Row:
    """Make the row of one instrument; in a replay no price is called old or new."""
    card, quote = watched.quote, watched.price
    instrument = card.instrument
    hours = HOURS[instrument.market]
    chinese = instrument.names.get("zh-Hans", "")
    return Row(
        short=instrument.short,
        chinese="" if chinese == instrument.short else chinese,
        symbol=instrument.symbol,
        price=None
        if card.bar.adjusted
        else money(card.bar.close, instrument.currency, is_index=instrument.kind == "index"),
        day=_day(card),
        why=card.not_known or "",
        from_peak=_distance(card, card.from_peak, "peak", since=_short_history(card)),
        off_low=_distance(card, card.off_low, "low"),
        when=f"{day(quote.session)}, {clock(quote.time, hours.zone, hours.zone_name)}",
        state=_state(watched),
        made=None if replayed or quote.final else quote.time.isoformat(),
    )


def _state(watched: Watched) -> str:
    quote = watched.price
    words = []
    if quote.final:
        words.append("official close")
    if quote.reconstructed:
        words.append("reconstructed")
    if quote.delay and not quote.final:
        words.append(delayed(quote.delay))
    return ", ".join((*words, quote.source))


def _day(card: QuoteCard) -> Change | None:
    if card.day_change_pct is None:
        return None
    hidden = card.bar.adjusted or card.previous is None or card.previous.adjusted
    note = "" if hidden or card.previous is None else difference(card.bar.close, card.previous.close)
    return _change(card.day_change_pct, note)


def _distance(
    card: QuoteCard, extreme: Distance | None, name: str, since: date | None = None
) -> Change | None:
    if extreme is None or card.since is None or card.since == card.bar.session:
        return None
    note = f"at its {name}" if extreme.session == card.bar.session else day(extreme.session)
    if since is not None:
        note += f", history since {day(since)}"
    return _change(extreme.change_pct, note)


def _short_history(card: QuoteCard) -> date | None:
    """Return when the history began, where it is too short for its peak to speak for itself."""
    short = card.since is not None and card.since > a_year_before(card.bar.session)
    return card.since if short else None


def _change(value: float, note: str) -> Change:
    text = percent(value)
    return Change(text, "up" if text[0] == "+" else "down" if text[0] == "−" else "none", note)
