"""Every chat's mailbox: filled by fan-out in chunks, emptied by senders that claim a chat at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bot.alerts.alert import Alert
from bot.chats.chat_id import ChatId, parse_chat_id
from bot.store.alerts import KEPT_S, Job
from bot.store.link import Link, reached

CHUNK = 250
_MOST_OF_A_CHAT = 64
_GROWS_S = 3 * 24 * 3600
DONE = "done"
START = "1 0"


@dataclass(frozen=True, slots=True)
class Pending:
    """One delivery in a mailbox: the alert's fingerprint and how far it has come.

    `attempt` counts the times it was begun. A claimed delivery that stands as `sending` was left by a sender
    that did not come back: nobody knows whether it was shown.
    """

    fingerprint: str
    state: str
    attempt: int

    @property
    def in_doubt(self) -> bool:
        """Whether it may have been shown already."""
        return self.state in {"sending", "unknown"}


@dataclass(frozen=True, slots=True)
class Claim:
    """A chat that one sender holds until `deadline`, and what waits there, oldest first."""

    chat: ChatId
    token: str
    deadline: int
    pending: tuple[Pending, ...]


@dataclass(frozen=True, slots=True)
class Growing:
    """A message that alerts of one fold have joined so far, and its id on the platform."""

    fold: str
    message_id: str
    alerts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended: in the ledger's word, with a message's id or a reason, and when to go on.

    `grown` is the message as it stands then, where further alerts may join it.
    """

    state: str
    word: str
    wait: int = 0
    grown: Growing | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """Milliseconds between two messages of a chat, and how many of them may come at once."""

    interval: int
    burst: int

    @property
    def ahead(self) -> int:
        """How many milliseconds' worth of messages may be sent before their time."""
        return self.interval * (self.burst - 1)


async def fan_out_chunk(
    link: Link, job: Job, pairs: Sequence[tuple[str, str]], cursor: str, now: int, chunk: int = CHUNK
) -> str:
    """Fill the mailboxes of the next subscribers, at most `chunk`; return the cursor to go on from.

    `pairs` are topic and fingerprint, in the order in which a chat hears them. Where another caller has come
    further, nothing happens and its cursor is answered; at the end it is `done`.
    """
    words = [word for pair in pairs for word in pair]
    arguments: list[str | float] = [link.keys.chats, cursor, job.name, job.raised, now, chunk, KEPT_S, *words]
    return str(await link.run("fan_out", [link.keys.fan(job.name)], arguments))


async def claim(link: Link, route: str, token: str, now: int, deadline: int, most: int) -> tuple[Claim, ...]:
    """Claim up to `most` chats of `route` that are due."""
    arguments: list[str | float] = [link.keys.chats, now, deadline, token, most, _MOST_OF_A_CHAT]
    answers = await link.run("claim", [link.keys.due(route)], arguments)
    return tuple(
        Claim(parse_chat_id(chat), token, deadline, tuple(map(_pending, entry[::2], entry[1::2])))
        for chat, *entry in answers
    )


def _pending(fingerprint: str, written: str) -> Pending:
    state, _, rest = written.partition(" ")
    number = rest.partition(" ")[0]
    return Pending(fingerprint, state, int(number) if number.isdecimal() else 0)


async def begin(
    link: Link, held: Claim, now: int, alerts: Sequence[Alert]
) -> tuple[int, tuple[str, ...]] | None:
    """Mark deliveries as being sent; return the attempt's number and those that are still wanted.

    None when the chat was taken over by another sender.
    """
    arguments: list[str | float] = [link.keys.chats, str(held.chat), held.token, now]
    for alert in alerts:
        arguments += [alert.fingerprint, len(alert.topics), *alert.topics]
    attempt, *wanted = await link.run("begin", [link.keys.claims()], arguments)
    return None if attempt == "lost" else (int(attempt), tuple(wanted))


async def settle(
    link: Link, held: Claim, now: int, ending: Ending, pace: Pace, fingerprints: Sequence[str]
) -> None:
    """Record how an attempt ended; a chat that another sender has taken over is left to it."""
    arguments: list[str | float] = [
        *(link.keys.chats, str(held.chat), held.token, now),
        *(ending.state, ending.word, ending.wait, pace.interval, pace.ahead),
        *_written(ending.grown),
        *fingerprints,
    ]
    route, chat = held.chat.route, str(held.chat)
    keys = [link.keys.claims(), link.keys.due(route), link.keys.wake(route), link.keys.growing(chat)]
    await link.run("settle", keys, arguments)


async def growing(link: Link, chat: ChatId, fold: str) -> Growing | None:
    """Return the message of a chat that alerts of `fold` may join, or None where there is none yet."""
    async with reached():
        text = await link.client.hget(link.keys.growing(str(chat)), fold)
    if text is None:
        return None
    message_id, *alerts = json.loads(text)
    return Growing(fold, message_id, tuple(alerts))


async def pay(link: Link, chat: ChatId, now: int, pace: Pace) -> int:
    """Count a message that is sent beside the mailbox towards the pace of its chat; return when it may go."""
    return int(await link.run("pay", [link.keys.pace()], [str(chat), now, pace.interval, pace.ahead]))


def _written(grown: Growing | None) -> tuple[str, str, int]:
    if grown is None:
        return ("", "", 0)
    return (grown.fold, json.dumps([grown.message_id, *grown.alerts]), _GROWS_S)


async def release(link: Link, held: Claim, due: int) -> None:
    """Give a chat back untouched, due at `due`."""
    keys = [link.keys.claims(), link.keys.due(held.chat.route)]
    await link.run("release", keys, [str(held.chat), held.token, due])


async def move(link: Link, held: Claim, to: ChatId, now: int) -> None:
    """Give everything of a claimed chat to its new name."""
    keys = [link.keys.claims(), link.keys.due(held.chat.route), f"{link.keys.chats}joins"]
    await link.run("move", keys, [link.keys.chats, str(held.chat), str(to), held.token, now])


async def next_due(link: Link, route: str) -> int | None:
    """Return when the next chat of `route` is due, or None when none is."""
    async with reached():
        found = await link.client.zrange(link.keys.due(route), 0, 0, withscores=True)
    return int(found[0][1]) if found else None


async def wait_for_mail(link: Link, route: str, seconds: float) -> None:
    """Return when something new is due on `route`, or after `seconds`, at most two."""
    async with reached():
        await link.waiting.blpop([link.keys.wake(route)], timeout=min(max(seconds, 0.01), 2.0))


async def backlog(link: Link, routes: Sequence[str]) -> dict[str, int]:
    """Return how many chats have deliveries waiting, by route."""
    async with reached():
        return {route: int(await link.client.zcard(link.keys.due(route))) for route in routes}


async def counts(link: Link) -> dict[str, int]:
    """Return how many deliveries ended in which way."""
    async with reached():
        held = await link.client.hgetall(link.keys.counts())
    return {ended: int(number) for ended, number in held.items()}
