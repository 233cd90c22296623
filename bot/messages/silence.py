"""What a chat is answered about its quiet hours, mutes, digests and zone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.chats.silence import Mute, Silence, written_time
from bot.messages.blocks import Message, line, message_of, strong
from bot.messages.words import clock, day, joined

_NOTHING_HELD = "Nothing is held back here: no quiet hours, no digests, no mutes"
_TO_SET = "/quiet 23:00-07:00, /digest 09:00 16:30 and /mute HSTECH 2h set them"
_RE_JUDGED = "What was held until now is looked at anew"

Titles = Callable[[str], str]


def silence_shown(silence: Silence, titles: Titles, now: int) -> Message:
    """Return the answer to `/quiet`: everything that holds back what a chat is told."""
    first, *rest = (*silence_lines(silence, titles, now), _clocks(silence.zone, now))
    if not rest:
        return message_of(f"{_NOTHING_HELD}\n{first}\n{_TO_SET}")
    return Message(strong("What is held back here"), tuple(map(line, (first, *rest))))


def silence_lines(silence: Silence, titles: Titles, now: int) -> Iterator[str]:
    """Give a line for each setting that holds something back, none where none does."""
    if silence.quiet is not None:
        yield f"Quiet hours {_hours(silence)}: what is not urgent waits until they end"
    if silence.digest:
        yield f"Digests at {_times(silence)}: what is not urgent waits for the next"
    for mute in silence.muted(now):
        yield f"Muted {_until(mute, silence.zone, now)}: {titles(mute.topic)}"


def quiet_set(silence: Silence) -> Message:
    """Return the answer to a change of the quiet hours."""
    if silence.quiet is None:
        return message_of(f"No quiet hours any more\n{_RE_JUDGED}")
    return Message(
        strong(f"Quiet hours {_hours(silence)}, {silence.zone}"),
        (line("What is not urgent waits until they end, and is then told in one message"),),
        line("/quiet off ends them, /zone changes the clocks they go by"),
    )


def digest_set(silence: Silence) -> Message:
    """Return the answer to `/digest`."""
    if not silence.digest:
        return message_of("No digests: all is told as it comes\n/digest 09:00 16:30 sets some")
    return Message(
        strong(f"Digests at {_times(silence)}, {silence.zone}"),
        (line("What is not urgent waits for the next of them, and is then told in one message"),),
        line("/digest off ends them, /zone changes the clocks they go by"),
    )


def muted(mute: Mute, title: str, zone: str, now: int) -> Message:
    """Return the answer to `/mute`."""
    below = "What it would have told is told then, in one message"
    if mute.until is None:
        below = "What it would have told until then is left out and counted, not told later"
    return Message(
        strong(f"Muted {_until(mute, zone, now)}: {title}"),
        (line(below),),
        line("/unmute ends it, /quiet shows all that is held back"),
    )


def unmuted(ended: Sequence[str], title: str) -> Message:
    """Return the answer to `/unmute`; `ended` are the titles of what was muted."""
    if not ended:
        return message_of(f"Not muted: {title}\n/quiet shows all that is held back")
    return message_of(f"Muted no more: {joined(ended)}\n{_RE_JUDGED}")


def zone_set(silence: Silence, now: int) -> Message:
    """Return the answer to `/zone`."""
    return message_of(
        f"{_clocks(silence.zone, now)}\nQuiet hours, digests and the days that mutes end on go by them"
    )


def _clocks(zone: str, now: int) -> str:
    local = _local(now, zone)
    return f"The clocks here are those of {zone}, where it is {local:%H:%M} on {day(local.date())}"


def _hours(silence: Silence) -> str:
    return " to ".join(map(written_time, silence.quiet or ()))


def _times(silence: Silence) -> str:
    return joined([written_time(each) for each in silence.digest])


def _until(mute: Mute, zone: str, now: int) -> str:
    if mute.until is None:
        return "until /unmute"
    ends, today = _local(mute.until, zone), _local(now, zone)
    at = clock(ends, ZoneInfo(zone))
    return f"until {at}" if ends.date() == today.date() else f"until {day(ends.date())}, {at}"


def _local(moment: int, zone: str) -> datetime:
    return datetime.fromtimestamp(moment / 1000, UTC).astimezone(ZoneInfo(zone))
