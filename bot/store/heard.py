"""What was raised and who heard it: an alert by the beginning of its fingerprint, and its deliveries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bot.alerts.alert import Alert, Sequel
from bot.alerts.decided import decided
from bot.chats.chat_id import ChatId
from bot.errors import NotKnown, UsageError
from bot.store import alerts as stored
from bot.store.link import Link, reached

SHORTEST = 6

_AT_ONCE = 1_000
_LOOKED_BACK = 200
_QUEUED = "queued"
_BESIDES = frozenset(" :+-.")


async def find(link: Link, beginning: str) -> Alert:
    """Return the alert whose fingerprint begins so; it may be written whole.

    Raises `UsageError` for less than can name one, and `NotKnown` where none is kept or several are.
    """
    if len(beginning) < SHORTEST:
        raise UsageError(
            f"“{beginning}” is too little of a fingerprint: write its first {SHORTEST} characters, or more."
        )
    # Whatever else is written can be of no fingerprint, and might mean something to the server.
    written = all(each.isascii() and (each.isalnum() or each in _BESIDES) for each in beginning)
    names = await _beginning(link, beginning) if written else []
    found = await stored.alerts_of(link, names)
    if not found:
        raise NotKnown(f"No alert is kept whose fingerprint begins with “{beginning[:40]}”.")
    if len(found) > 1:
        raise NotKnown(f"More than one alert begins with “{beginning}”: write more of its fingerprint.")
    return next(iter(found.values()))


async def deliveries(link: Link, fingerprint: str) -> Mapping[str, int]:
    """Return how many chats an alert's deliveries ended or stand in each way: sent, waiting, dropped.

    Those that nobody has begun yet are `queued`.
    """
    states, queued = await _ledger(link, fingerprint)
    counted = Counter(state.partition(" ")[0] for state in states)
    # Each chat gets a state of its own once its delivery is begun.
    if queued > len(states):
        counted[_QUEUED] += queued - len(states)
    return counted


async def decisions(link: Link, alert: Alert) -> Mapping[str, int]:
    """Return for how many chats each decision was made on an alert, by its name: first, joined, quiet."""
    states, _ = await _ledger(link, alert.fingerprint)
    found = (decided(alert, state) for state in states)
    return Counter(each.name for each in found if each is not None and each.name)


async def _ledger(link: Link, fingerprint: str) -> tuple[list[str], int]:
    """Return the states of an alert's deliveries, a chat each, and how many chats it was queued for."""
    states: dict[str, str] = {}
    cursor = 0
    while True:
        async with reached():
            cursor, found = await link.client.hscan(link.keys.ledger(fingerprint), cursor, count=_AT_ONCE)
        # What is walked through while it changes may come twice.
        states |= found
        if not cursor:
            break
    queued = int(states.pop(_QUEUED, 0))
    return [*states.values()], queued


async def state_of(link: Link, fingerprint: str, chat: ChatId) -> str | None:
    """Return how an alert's delivery to a chat ended or stands, as the ledger has it.

    It is `queued` where it waits for its turn, and None where the chat has nothing to do with it.
    """
    async with reached(), link.client.pipeline(transaction=False) as pipe:
        pipe.hget(link.keys.ledger(fingerprint), str(chat))
        pipe.hget(link.keys.boxes(), str(chat))
        pipe.zscore(link.keys.shelf(str(chat)), fingerprint)
        state, box, shelved = await pipe.execute()
    if state is not None:
        return str(state)
    waits = shelved is not None or fingerprint in (box or "").split("\n")
    return _QUEUED if waits else None


async def last_heard(link: Link, chat: ChatId) -> Alert | None:
    """Return the last alert that was sent to a chat, among the last that were raised; None where none was.

    What only changed a message is none.
    """
    latest = [each for each in await stored.recent(link, _LOOKED_BACK) if not isinstance(each.facts, Sequel)]
    async with reached(), link.client.pipeline(transaction=False) as pipe:
        for each in latest:
            pipe.hget(link.keys.ledger(each.fingerprint), str(chat))
        states = await pipe.execute()
    heard = (each for each, state in zip(latest, states, strict=True) if (state or "").startswith("sent"))
    return next(iter(reversed(tuple(heard))), None)


async def _beginning(link: Link, beginning: str) -> list[str]:
    """Return the fingerprints that begin so, two at most unless one is written whole."""
    if await stored.alerts_of(link, [beginning]):
        return [beginning]
    prefix, found = link.keys.alert(""), set[str]()
    async with reached():
        keys = link.client.scan_iter(match=f"{_literal(prefix)}{beginning}*", count=_AT_ONCE)
        async for key in keys:
            found.add(key.removeprefix(prefix))
            if len(found) > 1:
                break
    return sorted(found)


def _literal(text: str) -> str:
    """Write a text so that a pattern matches it alone."""
    return "".join(f"\\{each}" if each in "*?[]\\^" else each for each in text)
