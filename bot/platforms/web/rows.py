"""The watched instruments as rows of the page: every word ready, nothing left to decide but the looks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from bot.market.bars import a_year_before
from bot.market.measures import Distance, QuoteCard
from bot.messages.freshness import when_made
from bot.messages.words import day, difference, money, percent
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

    `when` says when the price was made and what it is worth now, `source` who says so. `made` is the same
    moment for machines, and None where it is no news how long ago that was.
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
    source: str
    made: str | None


def row_of(watched: Watched, *, replayed: bool) -> Row:
    """Make the row of one instrument; in a replay no price is called old or new."""
    card, quote = watched.quote, watched.price
    instrument = card.instrument
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
        when=when_made(quote, instrument, watched.state, None),
        source=f"{quote.source}; {quote.note}" if quote.note else quote.source,
        made=quote.time.isoformat() if _is_new(watched) and not replayed else None,
    )


def _is_new(watched: Watched) -> bool:
    """Tell whether the price is of a session under way, and not called old already."""
    return not watched.price.final and watched.state.state in {"fresh", "delayed", "limit up", "limit down"}


def _day(card: QuoteCard) -> Change | None:
    if card.day_change_pct is None:
        return None
    restated = card.previous is None or card.previous.adjusted or card.as_traded_pct is not None
    hidden = card.bar.adjusted or restated
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
