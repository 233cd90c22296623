"""Floods: a rule that tells more messages than a chat can read has the rest of them folded into one.

Messages are counted, not steps: what is told together counts once. All times are market times, and what
counts can be taken up again from the alerts that were raised, so a restart changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.alerts.alert import Alert, Condition, Flood, Move
from bot.chats.subscription import NOTICES, chat_topic
from bot.market.instrument import Market

MOST = 15
WITHIN = timedelta(minutes=3)

_NAME = "flood "
_OWN_TOPIC = chat_topic("")
_FINGERPRINT_LENGTH = 20

Key = tuple[str, str]
"""Whose rule it is (a chat's own topic, or "" for the operator's), and its name."""


@dataclass(frozen=True, slots=True)
class Told:
    """One message that a rule began: what it is folded by, when, and of which instrument."""

    fold: str
    at: datetime
    short: str
    market: Market


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a rule told lately: the messages it began, when it told last, and the flood it is in, if any."""

    last: datetime
    messages: tuple[Told, ...] = ()
    flood: str = ""

    @property
    def folds(self) -> frozenset[str]:
        """The messages, by what they are folded by."""
        return frozenset(each.fold for each in self.messages)


Stretches = Mapping[Key, Stretch]


@dataclass(frozen=True, slots=True)
class _Now:
    """What was told lately, and what has changed of it since: of many rules few tell at once."""

    lately: Stretches
    changed: dict[Key, Stretch] = field(default_factory=dict)

    def get(self, key: Key) -> Stretch | None:
        return self.changed.get(key) or self.lately.get(key)


def is_flooded(alert: Alert) -> bool:
    """Tell whether an alert stands in the one message that a flood is folded into."""
    return alert.fold.startswith(_NAME)


def flood_fingerprint(owner: str, rule: str, began: datetime) -> str:
    """Return the identity of the word to the `owner` of a rule whose flood began then, "" the operator."""
    text = f"flood\n{owner}\n{rule}\n{began.isoformat()}"
    return hashlib.sha256(text.encode()).hexdigest()[:_FINGERPRINT_LENGTH]


def folded(alerts: Iterable[Alert], lately: Stretches) -> tuple[Alert, ...]:
    """Return `alerts`, in their order, as they are to be raised after what was told `lately`.

    A rule's sixteenth message within three minutes, and all that follow until it has been quiet for as long,
    are one message; whoever owns the rule is told once. What joins a message that is shown stays there.
    """
    present = _Now(lately)
    found: list[Alert] = []
    for alert in alerts:
        counted = _counted(alert)
        if counted is None:
            found.append(alert)
            continue
        before = _continued(present.get(counted.key), alert)
        name = _flood_of(before, alert, counted)
        to_raise = replace(alert, fold=name) if name else alert
        found.append(to_raise)
        if name and not before.flood:
            found.append(_word_to_the_owner(before, alert, counted, name))
        present.changed[counted.key] = _after(before, to_raise, counted)
    return tuple(found)


def after(raised: Iterable[Alert], lately: Stretches) -> dict[Key, Stretch]:
    """Return what changes of what was told `lately` once `raised` were, in the order in which they were."""
    present = _Now(lately)
    for alert in raised:
        counted = _counted(alert)
        if counted is not None:
            present.changed[counted.key] = _after(_continued(present.get(counted.key), alert), alert, counted)
    return present.changed


@dataclass(frozen=True, slots=True)
class _Counted:
    """What of an alert counts: whose rule raised it and of which instrument; `stepped` as in a `Flood`."""

    owner: str
    rule: str
    short: str
    market: Market
    stepped: bool = False

    @property
    def key(self) -> Key:
        return self.owner, self.rule


def _counted(alert: Alert) -> _Counted | None:
    """Return what of an alert counts, None where no rule raised it."""
    match alert.facts:
        case Move(crossing=crossing) as move:
            stepped = crossing.measure == "day change" and crossing.sigma is None
            return _Counted(_owner(alert), crossing.rule, move.short, move.market, stepped)
        case Condition(met=met) as condition:
            return _Counted(_owner(alert), met.rule, condition.short, condition.market)
    return None


def _owner(alert: Alert) -> str:
    return next((each for each in alert.topics if each.startswith(_OWN_TOPIC)), "")


def _continued(stretch: Stretch | None, alert: Alert) -> Stretch:
    """Return the stretch that an alert falls into: a new one where the rule has been quiet.

    Sources are behind by different times, so what comes in later counts as told no earlier.
    """
    if stretch is None or alert.at - stretch.last >= WITHIN:
        return Stretch(alert.at)
    now = max(stretch.last, alert.at)
    if stretch.flood:
        return replace(stretch, last=now)
    return Stretch(now, tuple(each for each in stretch.messages if each.at > now - WITHIN))


def _flood_of(stretch: Stretch, alert: Alert, counted: _Counted) -> str:
    """Return the flood that an alert joins or begins, "" where it is told as it would be."""
    if alert.fold in stretch.folds:
        return ""
    if stretch.flood:
        return stretch.flood
    if len(stretch.messages) < MOST:
        return ""
    return f"{_NAME}{counted.rule} {stretch.last.isoformat()}"


def _after(stretch: Stretch, alert: Alert, counted: _Counted) -> Stretch:
    if is_flooded(alert):
        return replace(stretch, flood=alert.fold)
    if alert.fold in stretch.folds:
        return stretch
    told = Told(alert.fold, stretch.last, counted.short, counted.market)
    return replace(stretch, messages=(*stretch.messages, told))


def _word_to_the_owner(stretch: Stretch, alert: Alert, counted: _Counted, name: str) -> Alert:
    """Return the notice of the flood called `name`, which `alert` begins."""
    fingerprint = flood_fingerprint(counted.owner, counted.rule, stretch.last)
    told = stretch.messages
    facts = Flood(
        rule=counted.rule,
        condition=alert.condition,
        since=told[0].at,
        messages=len(told) + 1,
        minutes=round(WITHIN.total_seconds() / 60),
        shorts=tuple(dict.fromkeys((*(each.short for each in told), counted.short))),
        markets=tuple(dict.fromkeys((*(each.market for each in told), counted.market))),
        fold=name,
        own=bool(counted.owner),
        stepped=counted.stepped,
        together=not alert.is_alone,
    )
    return Alert(
        fingerprint=fingerprint,
        facts=facts,
        topics=(counted.owner or NOTICES,),
        reason="notice",
        at=stretch.last,
        raised=alert.raised,
        fold=fingerprint,
        replay_of=alert.replay_of,
    )
