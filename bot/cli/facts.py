"""Answers and alerts as facts for machines, at full precision."""

from __future__ import annotations

from datetime import date
from typing import Any

from bot.alerts.alert import Alert, Condition, Move
from bot.market.measures import Distance, DrawdownCard, QuoteCard
from bot.market.quote import Quote
from bot.rules.crossing import Crossing
from bot.rules.met import Met


def quote_facts(card: QuoteCard, quote: Quote) -> dict[str, Any]:
    """Return a quote as facts."""
    return {
        "symbol": card.instrument.symbol,
        "name": card.instrument.name,
        "price": card.bar.close,
        "previous_close": card.previous.close if card.previous and card.not_known is None else None,
        "day_change_pct": card.day_change_pct,
        "as_traded_pct": card.as_traded_pct,
        "not_known": card.not_known,
        "session": card.bar.session.isoformat(),
        "time": quote.time.isoformat(),
        "source": quote.source,
        "freshness": freshness(quote),
        "adjusted": card.bar.adjusted,
    }


def freshness(quote: Quote) -> str:
    """Say how a price stands: an official close, delayed by so many minutes, or as fresh as its source."""
    if quote.final:
        return "close"
    return f"delayed {quote.delay} min" if quote.delay else "current"


def drawdown_facts(card: DrawdownCard, quote: Quote) -> dict[str, Any]:
    """Return a drawdown as facts."""
    return {
        "symbol": card.instrument.symbol,
        "price": card.bar.close,
        "session": card.bar.session.isoformat(),
        "time": quote.time.isoformat(),
        "source": quote.source,
        "freshness": freshness(quote),
        "window": card.window,
        "since": card.since.isoformat(),
        "adjusted": card.bar.adjusted,
        "peak": {reference: _distance(each) for reference, each in card.peak.items()},
        "low": {reference: _distance(each) for reference, each in card.low.items()},
    }


def _distance(distance: Distance | None) -> dict[str, Any] | None:
    if distance is None:
        return None
    return {"value": distance.value, "date": distance.session.isoformat(), "change_pct": distance.change_pct}


def session_of(alert: Alert) -> date:
    """Return the session that an alert of a rule tells of."""
    return _raised(alert).session


def alert_facts(alert: Alert, text: str) -> dict[str, Any]:
    """Return an alert of a rule as facts, and what it says."""
    raised = _raised(alert)
    return _crossing_facts(raised, text) if isinstance(raised, Crossing) else _met_facts(raised, text)


def _raised(alert: Alert) -> Crossing | Met:
    match alert.facts:
        case Move(crossing=crossing):
            return crossing
        case Condition(met=met):
            return met
    raise TypeError(f"{alert.fingerprint} is no alert of a rule.")


def _met_facts(each: Met, text: str) -> dict[str, Any]:
    return {
        "time": each.time.isoformat(),
        "session": each.session.isoformat(),
        "rule": each.rule,
        "symbol": each.symbol,
        "condition": each.condition,
        "parts": [
            {"text": part.text, "value": part.value, "against": part.against, "holds": part.holds}
            for part in each.parts
        ],
        "price": each.price,
        "last": each.last,
        "seen_by": each.seen_by,
        "text": text,
        "fingerprint": each.fingerprint,
    }


def _crossing_facts(each: Crossing, text: str) -> dict[str, Any]:
    return {
        "time": each.time.isoformat(),
        "session": each.session.isoformat(),
        "rule": each.rule,
        "symbol": each.symbol,
        "measure": each.measure,
        "reference": each.compared_with,
        "reference_value": each.reference.value,
        "reference_date": each.reference.session.isoformat(),
        "trigger": each.trigger,
        "steps": each.steps,
        "step": each.step,
        "level": each.level,
        "value": each.value,
        "price": each.price,
        "seen_by": each.seen_by,
        "text": text,
        "fingerprint": each.fingerprint,
    }
