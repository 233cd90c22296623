"""A dispatch as tests need it: patient for moments only, at no pace, silent to its operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.alerts.alert import Alert
from bot.clock import MachineTime, machine_time
from bot.messages.blocks import Message, message_of
from bot.pipeline.dispatch import Dispatch, Patience, Wishes, Words
from bot.pipeline.silence import Silences
from bot.store.link import Link
from bot.store.outbox import Pace
from bot.store.pace import Budget

QUICK = Patience(lease=2_000, send=500, doubt=60, group_for=0)
FREE = Budget(interval=0, burst=1, reserved=0)
UNPACED = Pace(0, 1)

Told = Callable[[Sequence[Alert], str], Message]


def named(alerts: Sequence[Alert], zone: str) -> Message:
    """Tell alerts by their fingerprints."""
    del zone
    return message_of(" ".join(each.fingerprint for each in alerts))


def held(alerts: Sequence[Alert], why: str, until: int, zone: str) -> Message:
    """Tell alerts that were held by the reason and their fingerprints."""
    del until, zone
    return message_of(f"{why}: {' '.join(each.fingerprint for each in alerts)}")


def missed(alerts: Sequence[Alert], zone: str) -> Message:
    """Tell alerts that were missed by their fingerprints."""
    return held(alerts, "missed", 0, zone)


def dispatch_of(
    link: Link,
    told: Told = named,
    *,
    patience: Patience = QUICK,
    budget: Budget = FREE,
    pace: Pace = UNPACED,
    clock: MachineTime = machine_time,
    wishes: Wishes | None = None,
) -> Dispatch:
    """Return a dispatch on a real server."""
    return Dispatch(
        link,
        Words(told, held, missed),
        lambda _route: budget,
        lambda _chat: pace,
        patience,
        clock,
        lambda _event, **_facts: None,
        Silences(link, "Asia/Hong_Kong") if wishes is None else wishes,
    )
