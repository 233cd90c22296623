"""Every chat's mailbox: filled by fan-out in chunks, emptied by senders that claim a chat at a time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bot.alerts.alert import Alert
from bot.chats.chat_id import ChatId, parse_chat_id
from bot.errors import UsageError
from bot.store.alerts import KEPT_S, Job
from bot.store.growing import GROWS_S, Growing, written
from bot.store.link import Link, reached

CHUNK = 250
# What was held keeps its reason behind whatever became of it, until it ends.
_HELD = re.compile(r"(?:^| )held (\d+) (\w+)$")
_MOST_OF_A_CHAT = 64
_CLAIMS_REMEMBERED_S = 600
DONE = "done"
START = "1 0"


@dataclass(frozen=True, slots=True)
class Pending:
    """One delivery in a mailbox: the alert's fingerprint and how far it has come.

    `attempt` counts the times it was begun. A claimed delivery that stands as `sending` was left by a sender
    that did not come back: nobody knows whether it was shown. One that was `held` for a reason was so `until`
    a time in machine milliseconds.
    """

    fingerprint: str
    state: str
    attempt: int
    held: str = ""
    until: int = 0

    @property
    def told_for(self) -> str:
        """The reason that is told with it: what waited for its group is told as if it had just come."""
        return "" if self.held == "group" else self.held

    @property
    def in_doubt(self) -> bool:
        """Whether it may have been shown already."""
        return self.state in {"sending", "unknown"}


@dataclass(frozen=True, slots=True)
class Claim:
    """A chat that one sender holds until `deadline`, and what waits there, oldest first.

    `silent` says that it set when it wants to be left alone.
    """

    chat: ChatId
    token: str
    deadline: int
    pending: tuple[Pending, ...]
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended: in the ledger's word, with a message's id or a reason, and when to go on.

    `grown` are the messages as they stand then, where further alerts may join them; what was sent took
    `posts` messages of the platform's.
    """

    state: str
    word: str
    wait: int = 0
    grown: tuple[Growing, ...] = ()
    posts: int = 1


@dataclass(frozen=True, slots=True)
class Pace:
    """Milliseconds between two messages of a chat, and how many of them may come at once."""

    interval: int
    burst: int

    @property
    def ahead(self) -> int:
        """How many milliseconds' worth of messages may be sent before their time."""
        return self.interval * (self.burst - 1)


_ANY = Pace(0, 1)


async def fan_out_chunk(
    link: Link, job: Job, pairs: Sequence[tuple[str, str]], cursor: str, now: int, chunk: int = CHUNK
) -> str:
    """Fill the mailboxes of the next subscribers, at most `chunk`; return the cursor to go on from.

    `pairs` are topic and fingerprint, in the order in which a chat hears them, the topics of one alert side
    by side. Where another caller has come further, nothing happens and its cursor is answered; at the end it
    is `done`.
    """
    words = [word for pair in pairs for word in pair]
    arguments: list[str | float] = [link.keys.chats, cursor, job.name, job.raised, now, chunk, KEPT_S, *words]
    return str(await link.run("fan_out", [link.keys.fan(job.name)], arguments))


async def claim(link: Link, route: str, token: str, now: int, deadline: int, most: int) -> tuple[Claim, ...]:
    """Claim up to `most` chats of `route` that are due; asked again with the same token, it answers the same.

    A chat whose name cannot be read is taken out of the way, and what waited for it is counted as dropped.
    """
    keys = [link.keys.due(route), link.keys.claimed(token)]
    arguments: list[str | float] = [
        *(link.keys.chats, now, deadline, token, most),
        *(_MOST_OF_A_CHAT, _CLAIMS_REMEMBERED_S),
    ]
    claims: list[Claim] = []
    for name, silent, *entry in await link.run("claim", keys, arguments):
        try:
            chat = parse_chat_id(name)
        except UsageError:
            await _settle(link, _Lease(route, name, token), now, Ending("gone", "no chat is called so"))
        else:
            pending = tuple(map(_pending, entry[::2], entry[1::2]))
            claims.append(Claim(chat, token, deadline, pending, silent=bool(silent)))
    return tuple(claims)


def _pending(fingerprint: str, text: str) -> Pending:
    state, _, rest = text.partition(" ")
    number = rest.partition(" ")[0].partition("/")[0]
    attempt = int(number) if number.isdecimal() and state != "held" else 0
    held = _HELD.search(text)
    if held is None:
        return Pending(fingerprint, state, attempt)
    return Pending(fingerprint, state, attempt, held[2], int(held[1]))


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
    link: Link,
    held: Claim,
    now: int,
    ending: Ending,
    pace: Pace,
    fingerprints: Sequence[str],
    decisions: Mapping[str, str] | None = None,
) -> None:
    """Record how an attempt ended; a chat that another sender has taken over is left to it.

    `decisions` say of what was sent why it was told as it was, where it was not simply the first of its kind.
    """
    lease = _Lease(held.chat.route, str(held.chat), held.token)
    decided = {each: (decisions or {}).get(each, "") for each in fingerprints}
    await _settle(link, lease, now, ending, pace, decided)


@dataclass(frozen=True, slots=True)
class _Lease:
    """A claimed chat by its name, which may be none."""

    route: str
    chat: str
    token: str


async def _settle(
    link: Link,
    lease: _Lease,
    now: int,
    ending: Ending,
    pace: Pace = _ANY,
    decided: Mapping[str, str] = MappingProxyType({}),
) -> None:
    arguments: list[str | float] = [
        *(link.keys.chats, lease.chat, lease.token, now),
        *(ending.state, ending.word, ending.wait, pace.interval * ending.posts, pace.ahead),
        len(ending.grown),
        *(word for each in ending.grown for word in (each.name, written(each))),
        GROWS_S,
        *(word for pair in decided.items() for word in pair),
    ]
    keys = [link.keys.claims(), link.keys.due(lease.route), link.keys.wake(lease.route)]
    await link.run("settle", [*keys, link.keys.growing(lease.chat)], arguments)


async def pay(link: Link, chat: ChatId, now: int, pace: Pace) -> tuple[int, int]:
    """Count a message that is sent beside the mailbox towards the pace of its chat.

    Returns when it may go, and from when on another one may.
    """
    words: list[str | float] = [chat.paced, now, pace.interval, pace.ahead]
    turn, free = await link.run("pay", [link.keys.pace()], words)
    return int(turn), int(free)


async def release(link: Link, held: Claim, due: int) -> None:
    """Give a chat back untouched, due at `due`."""
    chat, route = str(held.chat), held.chat.route
    keys = [link.keys.claims(), link.keys.due(route), link.keys.shelf(chat), link.keys.boxes()]
    await link.run("release", [*keys, link.keys.wake(route)], [chat, held.token, due])


async def move(link: Link, held: Claim, to: ChatId, now: int) -> None:
    """Give everything of a claimed chat to its new name."""
    route = held.chat.route
    keys = [link.keys.claims(), link.keys.due(route), f"{link.keys.chats}joins", link.keys.wake(route)]
    await link.run("move", keys, [link.keys.chats, str(held.chat), str(to), held.token, now])


async def waiting(link: Link, route: str, now: int, most: int) -> tuple[int, int | None]:
    """Return how many chats of `route` are due, `most` at the most, and when the first one is or was.

    None where no chat of the route has anything.
    """
    key = link.keys.due(route)
    async with reached():
        found = await link.client.zrange(key, 0, most - 1, withscores=True)
    due = [int(score) for _, score in found]
    return sum(each <= now for each in due), (due[0] if due else None)


async def next_due(link: Link, route: str) -> int | None:
    """Return when the next chat of `route` is due, or None when none is."""
    return (await waiting(link, route, 0, 1))[1]


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
