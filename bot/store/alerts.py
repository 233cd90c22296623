"""Raised alerts, the ladders they moved on, and the jobs that fan them out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from bot.alerts.alert import (
    Alert,
    Condition,
    Flood,
    Move,
    News,
    Notice,
    Sequel,
    Upkeep,
    alert_from_json,
    alert_to_json,
)
from bot.chats.own import is_own, own_part, own_revision
from bot.rules.crossing import Rung
from bot.rules.measures import Direction, plain
from bot.store.link import Link, reached

KEPT_S = 30 * 24 * 3600
_STORIES_KEPT_S = 90 * 24 * 3600
_RECENT = 2_000
_OWN_AT_ONCE = 1000
_JOB_NAMED = 12
_JOB_SHOWN = 500

Verdict = Literal["raised", "again", "told", "fenced"]


@dataclass(frozen=True, slots=True)
class Raised:
    """What became of raising one alert: `told` names the step that was found instead of the expected one."""

    alert: Alert
    verdict: Verdict
    told: float = 0.0


@dataclass(frozen=True, slots=True)
class Job:
    """Alerts that were raised together and are still to be fanned out."""

    name: str
    raised: int
    alerts: tuple[str, ...]
    written: str


async def raise_together(
    link: Link, epoch: int, job: str, now: int, alerts: Sequence[Alert]
) -> tuple[Raised, ...]:
    """Raise alerts in one step; asked again after a lost reply, it answers `again`, and tells nothing twice.

    Raises `Away` when the server does not answer.
    """
    keys = [link.keys.epoch(), link.keys.jobs(), link.keys.recent()]
    arguments: list[str | float] = [epoch, job, now, KEPT_S, _RECENT]
    for alert in alerts:
        keys += [_ladder_key(link, alert), link.keys.alert(alert.fingerprint)]
        arguments += [*_rung(alert), alert.fingerprint, alert_to_json(alert)]
    answers = await link.run("raise", keys, arguments)
    if answers == ["fenced"]:
        return tuple(Raised(alert, "fenced") for alert in alerts)
    return tuple(_raised(alert, answer) for alert, answer in zip(alerts, answers, strict=True))


def _raised(alert: Alert, answer: str) -> Raised:
    match answer:
        case "raised":
            return Raised(alert, "raised")
        case "again":
            return Raised(alert, "again")
        case step:
            return Raised(alert, "told", float(step))


def _ladder_key(link: Link, alert: Alert) -> str:
    match alert.facts:
        case Move(crossing=crossing):
            return _key(link, crossing.rung)
        case Condition(met=met):
            return _key(link, met.rung)
        case News(story=story):
            return link.keys.told_story(story.identity)
        case Notice() | Upkeep() | Flood() | Sequel():
            return link.keys.told_notice(alert.fingerprint)


def _rung(alert: Alert) -> tuple[str, str, str, int]:
    """Return the ladder's field, the step expected there, the new one, and how long the ladder is kept."""
    match alert.facts:
        case Move(crossing=crossing):
            return _field(crossing.rung), plain(crossing.before), plain(crossing.step), 0
        case Condition(met=met):
            return _field(met.rung), plain(met.before), plain(met.step), 0
        case News():
            return "told", "0", "1", _STORIES_KEPT_S
        case Notice() | Upkeep() | Flood() | Sequel():
            return "told", "0", "1", KEPT_S


def _key(link: Link, rung: Rung) -> str:
    """Return where a rung's record is; chats' own rules are so many that they share one an instrument."""
    if is_own(rung.revision):
        return link.keys.own_ladder(rung.symbol)
    return link.keys.ladder(rung.revision, rung.symbol)


def _field(rung: Rung) -> str:
    field = f"{rung.direction} {rung.episode}"
    return f"{own_part(rung.revision)} {field}" if is_own(rung.revision) else field


def _own_rung(symbol: str, field: str) -> Rung:
    part, direction, episode = field.split(" ", 2)
    return Rung(own_revision(part), symbol, episode, _direction(direction))


def _direction(word: str) -> Direction:
    return "up" if word == "up" else "down"


async def ladders(link: Link, revision: str, symbol: str) -> dict[Rung, float]:
    """Return how far a rule was told on an instrument, by episode and direction.

    For a rule of a chat's own it walks all that was told there of any; `told_of` and `own_told` are quicker.
    """
    if is_own(revision):
        own = own_told(link, symbol, f"{own_part(revision)} *")
        return {rung: step async for some in own for rung, step in some}
    async with reached():
        held = await link.client.hgetall(link.keys.ladder(revision, symbol))
    told: dict[Rung, float] = {}
    for field, step in held.items():
        direction, _, episode = field.partition(" ")
        told[Rung(revision, symbol, episode, _direction(direction))] = float(step)
    return told


async def own_told(link: Link, symbol: str, like: str = "*") -> AsyncIterator[tuple[tuple[Rung, float], ...]]:
    """Give what was told of the chats' own rules on an instrument, a thousand at a time; some come twice."""
    cursor = 0
    while True:
        async with reached():
            cursor, held = await link.client.hscan(
                link.keys.own_ladder(symbol), cursor, match=like, count=_OWN_AT_ONCE
            )
        yield tuple((_own_rung(symbol, field), float(step)) for field, step in held.items())
        if not cursor:
            return


async def told_of(link: Link, rungs: Sequence[Rung]) -> dict[Rung, float]:
    """Return how far each of these was told; one that never was is left out."""
    async with reached(), link.client.pipeline(transaction=False) as pipe:
        for rung in rungs:
            pipe.hget(_key(link, rung), _field(rung))
        steps = await pipe.execute()
    return {rung: float(step) for rung, step in zip(rungs, steps, strict=True) if step is not None}


async def record(link: Link, told: Iterable[tuple[Rung, float]]) -> None:
    """Write down steps that history has passed, beyond what was told, and what gates remember."""
    async with reached(), link.client.pipeline(transaction=False) as pipe:
        for rung, step in told:
            pipe.hset(_key(link, rung), _field(rung), plain(step))
        await pipe.execute()


async def forget(link: Link, rungs: Iterable[Rung]) -> None:
    """Drop the records of episodes that are over."""
    async with reached(), link.client.pipeline(transaction=False) as pipe:
        for rung in rungs:
            pipe.hdel(_key(link, rung), _field(rung))
        await pipe.execute()


async def rename(link: Link, names: Mapping[Rung, Rung]) -> int:
    """Let episodes go by their new names, with what was told of them; asked again, it does nothing.

    Each name is changed in one step: whoever is killed in between leaves a ladder whole. Returns how many
    were renamed.
    """
    fields: dict[str, list[str]] = {}
    for was, now in names.items():
        fields.setdefault(_key(link, was), []).extend((_field(was), _field(now)))
    return sum([int(await link.run("rename", [key], pairs)) for key, pairs in fields.items()])


async def next_job(link: Link) -> Job | None:
    """Return the oldest job that is not done, or None; one that cannot be read is put aside with the dead."""
    while True:
        async with reached():
            written = await link.client.lindex(link.keys.jobs(), 0)
        if written is None:
            return None
        try:
            job = json.loads(written)
            return Job(str(job["job"]), int(job["raised"]), tuple(map(str, job["alerts"])), written)
        except (ValueError, TypeError, KeyError):
            await _put_aside(link, written)


async def _put_aside(link: Link, written: str) -> None:
    """Take a job off the list that nobody can read; whoever is killed in between does it again."""
    name = hashlib.sha256(written.encode()).hexdigest()[:_JOB_NAMED]
    why = json.dumps({"ended": "dead", "why": "a job that cannot be read", "job": written[:_JOB_SHOWN]})
    async with reached():
        await link.client.hset(link.keys.dead(), f"job {name}", why)
    async with reached():
        await link.client.lrem(link.keys.jobs(), 1, written)


async def finish_job(link: Link, job: Job) -> None:
    """Take a job that is fanned out off the list; asked again, it does nothing."""
    async with reached():
        await link.client.lrem(link.keys.jobs(), 1, job.written)


async def alerts_of(link: Link, fingerprints: Sequence[str]) -> dict[str, Alert]:
    """Return the stored alerts of these fingerprints; one that is not kept, or is no alert, is left out."""
    if not fingerprints:
        return {}
    async with reached():
        stored = await link.client.mget([link.keys.alert(each) for each in fingerprints])
    found: dict[str, Alert] = {}
    for fingerprint, text in zip(fingerprints, stored, strict=True):
        with suppress(ValueError):
            found[fingerprint] = alert_from_json(text or "")
    return found


async def recent_fingerprints(link: Link, most: int) -> list[str]:
    """Return the fingerprints of the last alerts, newest first."""
    async with reached():
        found: list[str] = await link.client.lrange(link.keys.recent(), 0, most - 1)
    return found


async def recent(link: Link, most: int) -> tuple[Alert, ...]:
    """Return the last alerts, oldest first."""
    fingerprints = await recent_fingerprints(link, most)
    found = await alerts_of(link, fingerprints)
    return tuple(found[each] for each in reversed(fingerprints) if each in found)
