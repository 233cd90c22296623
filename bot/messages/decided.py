"""What was decided of an alert for one chat, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from bot.alerts.decided import Decided
from bot.messages.words import clock, day

_DECISIONS: Mapping[str, str] = MappingProxyType(
    {
        "first": "told at once, in a message of its own",
        "new step": "a further step of what was told here before",
        "seen late": "told as soon as it was seen, and marked as late",
        "joined": "it joined a message that was shown already",
        "folded": "told in the message of its index or market, as one of several",
        "retreat": "it changed the message of the move that fell back",
        "close": "it changed the message of the session that closed",
        "quiet": "kept back until the quiet hours were over, and told with the rest",
        "muted": "kept back until the mute was over, and told with the rest",
        "digest": "kept for the digest, and told in it",
        "group": "kept for a moment, and told in one message with what belongs to it",
        "missed": "too old when delivery came back, and named in one line with the others",
    }
)
_KEPT_FOR: Mapping[str, str] = MappingProxyType(
    {
        "quiet": "the quiet hours are over",
        "muted": "the mute is over",
        "digest": "the digest is told",
        "group": "what belongs to it is told too",
    }
)
_NOT_TOLD: Mapping[str, str] = MappingProxyType(
    {
        "muted": "not told, since its topic is muted here without an end",
        "missed": "not told, since it was too old when delivery came back",
        "unsubscribed": "not told, since nobody here was subscribed to it any more",
    }
)


def decided_lines(here: Decided | None, zone: ZoneInfo | None) -> Iterator[str]:
    """Say what was decided for the chat that asks, by its name; nothing where it has no part in it."""
    if here is None:
        return
    name = f"{here.name}: " if here.name else ""
    tries = f" after {here.attempt} {'try' if here.attempt == 1 else 'tries'}" if here.attempt else ""
    why = f", {here.why}" if here.why else ""
    match here.state:
        case "queued":
            said = "it waits for its turn"
        case "sending":
            said = "it is being sent"
        case "waiting":
            said = f"it waits to be tried again{tries}{why}"
        case "unknown":
            said = f"the platform never said whether it is shown{tries}{why}"
        case "held":
            said = f"held until {_until(here, zone)}, when {_KEPT_FOR.get(here.name, 'it may be told')}"
        case "sent":
            said = _DECISIONS.get(here.name, "told")
        case "dropped":
            said = _NOT_TOLD.get(here.why, f"not told{why}")
        case "dead":
            said = f"could not be told{why}"
    yield f"Decided for this chat: {name}{said}"


def _until(here: Decided, zone: ZoneInfo | None) -> str:
    there = zone or ZoneInfo("UTC")
    moment = datetime.fromtimestamp((here.until or 0) / 1000, UTC)
    return f"{clock(moment, there)} on {day(moment.astimezone(there).date())}"
