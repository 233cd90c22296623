"""When a chat wants to be left alone: quiet hours, mutes and digests, and what they keep back until when.

Silence goes by machine time and counts for what is live alone: in a replay nothing is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from bot.chats.subscription import EVERYTHING, NOTICES

HONG_KONG = "Asia/Hong_Kong"

HeldWhy = Literal["quiet", "muted", "digest", "group"]

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
_FIELD_OF_A_MUTE = "mute "


@dataclass(frozen=True, slots=True)
class Hold:
    """A delivery is kept until a moment, in machine milliseconds, and told then with all that was kept so.

    What is held as a `group` waits for the rest of it, as the message that it would join cannot be changed.
    """

    until: int
    why: HeldWhy


@dataclass(frozen=True, slots=True)
class Drop:
    """A delivery is never told, as where its topic is muted without end; it is counted as dropped `why`."""

    why: str = "muted"


Silenced = Hold | Drop


class Bearing(Protocol):
    """What silence asks of an alert: its identity, what it bears on, how loud it is, when it was raised."""

    @property
    def fingerprint(self) -> str:
        """Its identity."""
        ...

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that it bears on."""
        ...

    @property
    def urgency(self) -> str:
        """How loudly it tells; `urgent` passes quiet hours and digests."""
        ...

    @property
    def raised(self) -> int:
        """When it was raised, in machine milliseconds."""
        ...

    @property
    def replay_of(self) -> str | None:
        """What it is a replay of, None where it is live."""
        ...


@dataclass(frozen=True, slots=True)
class Mute:
    """A topic that a chat wants to hear nothing of, until a machine time or, for None, until it says so."""

    topic: str
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """What a chat set for itself; its hours and times are those of the clocks in its `zone`.

    `quiet` are the hours from when until when, which may go past midnight; the second is no part of them.
    `digest` are the times of day at which everything is told together, in order; with none, all is told at
    once. No two mutes are of one topic.
    """

    zone: str = HONG_KONG
    quiet: tuple[time, time] | None = None
    mutes: tuple[Mute, ...] = ()
    digest: tuple[time, ...] = ()

    def muted(self, now: int) -> tuple[Mute, ...]:
        """Return the mutes that last."""
        return tuple(each for each in self.mutes if each.until is None or each.until > now)


def holds(silence: Silence, alerts: Iterable[Bearing], now: int) -> dict[str, Silenced]:
    """Return what is not to be told now, by fingerprint; what is not in there may be told.

    Where several hold an alert, the latest end counts, and where that falls into quiet hours, their end: what
    has come back once may be told, unless the chat has set something else meanwhile. A digest holds an alert
    until the first of its times after it was raised, so no digest holds it twice.
    """
    found: dict[str, Silenced] = {}
    for alert in alerts:
        held = None if alert.replay_of is not None else _held(silence, alert, now)
        if held is not None:
            found[alert.fingerprint] = held
    return found


def _held(silence: Silence, alert: Bearing, now: int) -> Silenced | None:
    candidates: list[Hold] = []
    for mute in silence.muted(now):
        if bears_on(alert, mute.topic):
            if mute.until is None:
                return Drop("muted")
            candidates.append(Hold(mute.until, "muted"))
    if alert.urgency == "urgent":
        return max(candidates, key=_until, default=None)
    digest = next_digest(silence, alert.raised)
    if digest is not None and digest > now:
        candidates.append(Hold(digest, "digest"))
    last = max(candidates, key=_until, default=None)
    quiet = quiet_until(silence, now if last is None else last.until)
    return last if quiet is None else Hold(quiet, "quiet")


def _until(hold: Hold) -> int:
    return hold.until


def bears_on(alert: Bearing, topic: str) -> bool:
    """Tell whether a mute of `topic` holds an alert: everything is held by a mute of all.

    A notice bears on whatever is watched where it comes from; whoever mutes one instrument of it still wants
    to know that the others are not seen, so only a mute of notices holds it.
    """
    if topic == EVERYTHING:
        return True
    return topic in alert.topics and (topic == NOTICES or NOTICES not in alert.topics)


def quiet_until(silence: Silence, now: int) -> int | None:
    """Return when the quiet hours end that `now` is in, None where it is in none.

    They begin when the clock shows their beginning for the first time on that day, and end when it shows
    their end for the last time: where an hour comes twice, the night is longer and not torn. A time that the
    clock jumps over is the moment of the jump.
    """
    if silence.quiet is None:
        return None
    begins, ends = silence.quiet
    zone = ZoneInfo(silence.zone)
    today = _local(now, zone).date()
    for day in (today - _DAY, today):
        begin = _moment(day, begins, zone)
        end = _moment(day if ends > begins else day + _DAY, ends, zone, last=True)
        if begin <= now < end:
            return end
    return None


def next_digest(silence: Silence, after: int) -> int | None:
    """Return the first time of a digest after a moment, None where a chat has no digests."""
    if not silence.digest:
        return None
    zone = ZoneInfo(silence.zone)
    today = _local(after, zone).date()
    times = (_moment(today + ahead * _DAY, each, zone) for ahead in range(-1, 4) for each in silence.digest)
    return min((each for each in times if each > after), default=None)


def _local(now: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(now / 1000, UTC).astimezone(zone)


def _moment(day: date, at: time, zone: ZoneInfo, *, last: bool = False) -> int:
    """Return when the clocks of a zone show a time of a day, the first or the last time, in milliseconds."""
    first = datetime.combine(day, at, zone).astimezone(UTC)
    second = datetime.combine(day, at.replace(fold=1), zone).astimezone(UTC)
    if second < first:
        return _in_ms(_jump(second, first, zone))
    return _in_ms(second if last else first)


def _jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment between two at which the clocks of a zone are put forward."""
    there = after.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == there:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


def _in_ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def silence_to_fields(silence: Silence) -> dict[str, str]:
    """Write a silence as it is stored, a field a setting; what is not set has none."""
    fields = {"zone": silence.zone}
    if silence.quiet is not None:
        fields["quiet"] = "-".join(map(written_time, silence.quiet))
    if silence.digest:
        fields["digest"] = " ".join(map(written_time, silence.digest))
    for mute in silence.mutes:
        fields[f"{_FIELD_OF_A_MUTE}{mute.topic}"] = "" if mute.until is None else str(mute.until)
    return fields


def silence_from_fields(fields: Mapping[str, str], zone: str = HONG_KONG) -> Silence:
    """Read a stored silence; `zone` counts where none is set.

    A setting that cannot be read is as one that is not set: then a chat hears too much, and never nothing.
    """
    own = fields.get("zone", "")
    return Silence(
        own if own and is_zone(own) else zone,
        _hours(fields.get("quiet", "")),
        tuple(_mutes(fields)),
        tuple(sorted({each for word in fields.get("digest", "").split() if (each := _time(word))})),
    )


def _hours(text: str) -> tuple[time, time] | None:
    begins, _, ends = text.partition("-")
    first, second = _time(begins), _time(ends)
    return None if first is None or second is None or first == second else (first, second)


def _mutes(fields: Mapping[str, str]) -> Iterator[Mute]:
    for name in sorted(fields):
        topic = name.removeprefix(_FIELD_OF_A_MUTE)
        until = fields[name]
        if topic != name and (not until or until.isdecimal()):
            yield Mute(topic, int(until) if until else None)


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text)
    except ValueError:
        return None


def written_time(at: time) -> str:
    """Write a time of day as 07:00."""
    return f"{at:%H:%M}"


def is_zone(name: str) -> bool:
    """Tell whether the clocks of a zone are known here."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True
