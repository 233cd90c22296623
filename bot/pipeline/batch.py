"""A batch: the deliveries of a chat that are told as one message, and why they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.alerts.alert import Alert, Sequel
from bot.store.outbox import Pending

MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Batch:
    """Alerts for one message, oldest first.

    `why` is the reason for which they were held `until` a time in machine milliseconds, `missed` where they
    are too old to be told as if they were new, and empty where they are told as they come. What had to wait
    for the rest of its group was held too, and is told as it comes.
    """

    alerts: tuple[Alert, ...]
    why: str = ""
    until: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which a message is found that these may join; none where each stands alone."""
        first = self.alerts[0]
        return tuple(dict.fromkeys(each for each in (first.fold, first.group) if each != first.fingerprint))

    def only(self, fingerprints: Sequence[str]) -> Batch:
        """Return the same batch with no other alerts than these."""
        return replace(self, alerts=tuple(each for each in self.alerts if each.fingerprint in fingerprints))


def by_age(pending: Sequence[Pending], alerts: Mapping[str, Alert]) -> list[Pending]:
    """Return deliveries in the order in which their alerts were raised, as they are to be told."""
    return sorted(pending, key=lambda each: alerts[each.fingerprint].raised)


def batch_of(pending: Sequence[Pending], alerts: Mapping[str, Alert], oldest: int, group_for: int) -> Batch:
    """Return what the first of `pending` is told with: what was held with it, is as old, or goes with it.

    What was raised before `oldest`, in machine milliseconds, is too old. A sequel is never told by itself, so
    it cannot be. What is of one group goes together where it was raised within `group_for` milliseconds.
    """
    head = alerts[pending[0].fingerprint]
    late = [each for each in pending if _too_old(each, alerts[each.fingerprint], oldest)]
    if pending[0] in late:
        return Batch(tuple(alerts[each.fingerprint] for each in late), MISSED)
    why = pending[0].held
    doubted = pending[0].in_doubt
    alike = [alerts[each.fingerprint] for each in pending if (each.held, each.in_doubt) == (why, doubted)]
    if why and why != "group":
        return Batch(tuple(alike), why, pending[0].until)
    others = (each for each in alike if each is not head and _together(head, each, group_for))
    return Batch((head, *others), until=pending[0].until)


def _together(head: Alert, alert: Alert, group_for: int) -> bool:
    if head.fold == alert.fold:
        return True
    return head.group == alert.group and alert.raised - head.raised < group_for


def _too_old(pending: Pending, alert: Alert, oldest: int) -> bool:
    # What a chat had held back is as old as it is due.
    return max(alert.raised, pending.until) < oldest and not isinstance(alert.facts, Sequel)
