"""What the operator is told: what is broken, what it means, and what can be done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.alerts.alert import Upkeep
from bot.messages.words import clock, sentence

_UTC = ZoneInfo("UTC")


def upkeep_headings(upkeep: Upkeep, at: datetime, zone: ZoneInfo | None) -> Iterator[str]:
    """Give the heading, then shorter ones."""
    match upkeep.event:
        case "state lost":
            yield f"Redis has lost everything: noticed at {clock(at, zone or ZoneInfo('UTC'))}"
            yield "Redis has lost everything"
        case "feed gone":
            yield sentence(f"the feed at {upkeep.subject} is gone for good")
            yield "A feed is gone for good"


def upkeep_lines(upkeep: Upkeep) -> Iterator[str]:
    """Give what stands below the heading."""
    match upkeep.event:
        case "state lost":
            yield "Gone are subscriptions, chats' own alerts, mutes, and the record of what was told"
            yield "Chats that the settings name hear again from now on; any other has to /subscribe again"
            yield "What holds now may be told once more, for nobody knows any longer that it was"
        case "feed gone":
            yield "It answered 410 (gone), and is not read again until Marketbell is restarted"
            yield "Take it out of the settings, or write its new address there"
