"""Alerts are made of what a look raised: its surroundings, who hears of it, and why it is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.alerts.alert import Alert, Reason, Seen, own_fold
from bot.alerts.surroundings import condition_of, move_of
from bot.chats.subscription import EVERYTHING, chat_topic, instrument_topic, rule_topic
from bot.clock import MachineTime
from bot.market.bars import Calendar, Series
from bot.market.instrument import Instrument
from bot.market.quote import Quote
from bot.rules.conditions import Rule
from bot.rules.crossing import Crossing, fold_of
from bot.rules.met import Met

_LATE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Sight:
    """What was looked at: the quote, the one before it, and the bars with the session so far as the last.

    `first` says that this process looks for the first time.
    """

    instrument: Instrument
    quote: Quote
    before: Quote | None
    series: Series
    calendar: Calendar
    first: bool


def alert_of(
    rule: Rule, raised: Crossing | Met, sight: Sight, clock: MachineTime, replay_of: str | None
) -> Alert:
    """Return the alert that a rule's crossing, or a gate that came to hold, is."""
    quote, instrument = sight.quote, sight.instrument
    seen = Seen(quote.source, quote.received, quote.delay, quote.reconstructed, quote.note)
    around = (instrument, sight.series, sight.calendar, seen)
    facts = move_of(raised, *around) if isinstance(raised, Crossing) else condition_of(raised, *around)
    return Alert(
        fingerprint=raised.fingerprint,
        facts=facts,
        topics=topics_of(rule, raised.symbol),
        reason=_reason(raised, sight),
        at=quote.time,
        raised=clock(),
        fold=_fold(rule, raised, instrument),
        replay_of=replay_of,
        note=rule.telling.note,
        urgency=rule.telling.urgency,
        condition=str(rule.condition),
    )


def topics_of(rule: Rule, symbol: str) -> tuple[str, ...]:
    """Return the subscriptions that hear of what a rule tells of an instrument."""
    if rule.chat:
        return (chat_topic(rule.chat),)
    return (instrument_topic(symbol), rule_topic(rule.name), EVERYTHING)


def _fold(rule: Rule, raised: Crossing | Met, instrument: Instrument) -> str:
    if isinstance(raised, Met):
        return raised.fingerprint
    if rule.telling.urgency == "urgent":
        # What is urgent rings at each step: it joins no message that is shown already.
        return f"{own_fold(raised)} {raised.step:g}"
    if rule.together:
        return fold_of(raised, instrument.market, together=True)
    return own_fold(raised)


def _reason(raised: Crossing | Met, sight: Sight) -> Reason:
    before, quote = sight.before, sight.quote
    gap = before is not None and before.session == quote.session and quote.received - before.received
    if sight.first and gap and gap > _LATE:
        return "seen late"
    return "new step" if isinstance(raised, Crossing) and raised.before > 0 else "first"
