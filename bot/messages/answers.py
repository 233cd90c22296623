"""What `/quote` and `/drawdown` answer. A line without data is left out."""

from __future__ import annotations

from bot.market.extremes import Reference
from bot.market.measures import DrawdownCard, QuoteCard
from bot.messages.words import day, percent, price

_ADJUSTED = "Levels are dividend-adjusted: the percentages hold, the levels were not traded"


def quote_text(card: QuoteCard, source: str) -> str:
    """Return the answer to `/quote` for a session that has settled."""
    bar, instrument = card.bar, card.instrument
    lines = [f"{instrument.name} ({instrument.symbol})"]
    if card.previous is not None and card.day_change_pct is not None:
        moved = bar.close - card.previous.close
        lines.append(f"{price(bar.close)} {moved:+,.2f} {percent(card.day_change_pct)}".replace("-", "−"))
        lines.append(f"Previous close {price(card.previous.close)}, {day(card.previous.session)}")
    else:
        lines.append(price(bar.close))
        lines.append(f"Day change not known: {card.not_known}")
    if bar.high is not None and bar.low is not None:
        lines.append(f"Day {price(bar.low)}–{price(bar.high)}")
    if bar.adjusted:
        lines.append(_ADJUSTED)
    lines.append(f"Close of {day(bar.session)}, {source}")
    return "\n".join(lines)


def drawdown_text(card: DrawdownCard, source: str) -> str:
    """Return the answer to `/drawdown` for a session that has settled."""
    bar = card.bar
    lines = [f"{card.instrument.short} {price(bar.close)}, close of {day(bar.session)}"]
    references: tuple[Reference, ...] = ("close", "intraday")
    for reference in references:
        peak, low = card.peak[reference], card.low[reference]
        if peak is not None:
            at = f"{reference} {price(peak.value)}, {day(peak.session)}"
            lines.append(f"From peak {percent(peak.change_pct)} ({at})")
        if low is not None:
            at = f"{reference} {price(low.value)}, {day(low.session)}"
            lines.append(f"Off low {percent(low.change_pct)} ({at})")
    if bar.adjusted:
        lines.append(_ADJUSTED)
    window = "All history held" if card.window == "all" else "The past year"
    lines.append(f"{window}, since {day(card.since)}; {source}")
    return "\n".join(lines)
