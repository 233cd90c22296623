"""What was raised and who heard it: an alert by the beginning of its fingerprint, and its deliveries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bot.alerts.alert import Alert
from bot.chats.chat_id import ChatId
from bot.errors import NotKnown, UsageError
from bot.store import alerts as stored
from bot.store.link import Link, reached

SHORTEST = 6

_AT_ONCE = 1_000
_LOOKED_BACK = 200
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
    """Return how many chats an alert's deliveries ended or stand in each way: sent, waiting, dropped."""
    states: dict[str, str] = {}
    cursor = 0
    while True:
        async with reached():
            cursor, held = await link.client.hscan(link.keys.ledger(fingerprint), cursor, count=_AT_ONCE)
        # What is walked through while it changes may come twice.
        states |= held
        if not cursor:
            return Counter(state.partition(" ")[0] for state in states.values())


async def last_heard(link: Link, chat: ChatId) -> Alert | None:
    """Return the last alert that was sent to a chat, among the last that were raised; None where none was."""
    latest = await stored.recent(link, _LOOKED_BACK)
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
