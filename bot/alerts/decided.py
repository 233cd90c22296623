"""What was decided of one alert for one chat, read from the ledger's text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

from bot.alerts.alert import Alert

# What was held keeps the reason for it behind whatever became of it, until it ends.
_HELD = re.compile(r" held \d+ (\w+)$")

State = Literal["queued", "sending", "waiting", "held", "unknown", "sent", "dropped", "dead"]


@dataclass(frozen=True, slots=True)
class Decided:
    """How a delivery ended or stands, and the name of the decision behind it.

    `name` is one such as first, new step, folded, joined, quiet, muted, digest, missed or seen late, and
    empty as long as nothing was decided. `why` is what the platform said, or for what it was dropped; `until`
    is when what is held is told, in machine milliseconds, and `attempt` counts its tries.
    """

    state: State
    name: str = ""
    why: str = ""
    until: int | None = None
    attempt: int = 0


def decided(alert: Alert, text: str | None) -> Decided | None:
    """Read a delivery's state; None where the chat has nothing to do with it, or it is none that is known.

    What was sent without a word was told as it came: as the first of its episode, as a further step of it, or
    late.
    """
    word, _, rest = (text or "").partition(" ")
    return _read(cast("State", word), rest, alert) if word in get_args(State) else None


def _read(state: State, rest: str, alert: Alert) -> Decided:
    first, _, after = rest.partition(" ")
    # Behind a stroke stands how often it was in doubt, or refused in words that nobody knows.
    counted = first.partition("/")[0]
    number = int(counted) if counted.isdecimal() else 0
    held = _HELD.search(rest)
    match state:
        case "sent":
            told = alert.reason if alert.reason in {"new step", "seen late"} else "first"
            return Decided(state, after or told)
        case "held":
            return Decided(state, after, until=number)
        case "dropped" | "dead":
            return Decided(state, rest if rest in {"muted", "missed"} else "", rest)
        case "waiting" | "unknown":
            # What ended as unknown has no number: it is not tried again.
            why = _HELD.sub("", after if number else rest)
            return Decided(state, held[1] if held else "", why, attempt=number)
        case "queued" | "sending":
            return Decided(state, held[1] if held else "", attempt=number)
