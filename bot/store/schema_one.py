"""From schema 1 to 2: every key is renamed, and what is kept in another form is put into it.

A mailbox was a list of its own, and so was what is known of a chat; now all are one hash. What was queued
stood in the ledger chat by chat; now it is counted there. The dead were a list; now each has a name. What
grows says when it was told. Each thread of a group had a pace of its own; now they share one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from redis.exceptions import ResponseError

from bot.store.keys import Keys
from bot.store.link import Link, reached

_AT_ONCE = 200
_QUEUED = "queued"
_KINDS = {
    "box": "list", "chat": "hash", "dead": "list", "growing": "hash", "ledger": "hash", "pace": "hash"
}  # fmt: skip
_TAKEN_APART = frozenset({"box", "chat", "dead"})
_NAMED = 12

Keep = Callable[[], Awaitable[None]]


async def from_one_to_two(link: Link, new: Keys, old: Keys, keep: Keep) -> None:
    """Bring everything of `old` over to `new`, a few keys at a time; whoever was killed in it goes on.

    `keep` renews the right to do it, and raises where somebody else has it. Each key is either as it was or
    brought over, and what was brought over is not touched again: whoever was held up in it spoils nothing.
    """
    await _epoch(link, new, old)
    async for keys in _keys(link, old):
        await keep()
        apart = [await _changed(link, new, old, key, keep) for key in keys]
        await _rename(link, new, old, [key for key, is_gone in zip(keys, apart, strict=True) if not is_gone])


async def _changed(link: Link, new: Keys, old: Keys, key: str, keep: Keep) -> bool:
    """Give what is kept in another form that form; return whether it was taken apart, and is gone.

    What is not of the kind that it should be is let be: whoever reads it next finds that nobody can.
    """
    kind, _, rest = key.removeprefix(old.chats).partition(":")
    if not key.startswith(old.chats) or kind not in _KINDS:
        return False
    async with reached():
        if await link.client.type(key) != _KINDS[kind]:
            return False
    match kind:
        case "box":
            await link.run("bring", [key, new.boxes()], ["box", rest])
        case "chat":
            await link.run("bring", [key, new.gone()], ["gone", rest])
        case "dead":
            await _dead(link, new, old)
        case "growing":
            await _growing(link, key)
        case "ledger":
            await _ledger(link, key, keep)
        case "pace":
            await _paces(link, key)
    return kind in _TAKEN_APART


async def _keys(link: Link, old: Keys) -> AsyncIterator[list[str]]:
    """Give the keys that are still to be brought over, a few at a time, until none is left."""
    stay = {old.lease(), old.epoch()}
    found = True
    while found:
        found = False
        some: list[str] = []
        scan = aiter(link.client.scan_iter(match=f"{old.namespace}:{old.schema}:*", count=1000))
        while True:
            async with reached():
                key = await anext(scan, None)
            if key is not None and key not in stay:
                some.append(key)
            if some and (key is None or len(some) >= _AT_ONCE):
                # A walk may meet a key twice.
                yield sorted(set(some))
                some, found = [], True
            if key is None:
                break


async def _epoch(link: Link, new: Keys, old: Keys) -> None:
    """Let the new workers' epochs go on from the old ones; the old key stays, and fences who has it."""
    async with reached():
        epoch = await link.client.get(old.epoch())
        await link.client.set(new.epoch(), epoch or 0, nx=True)


async def _paces(link: Link, key: str) -> None:
    """Let the threads of a group share the pace that is the furthest ahead."""
    async with reached():
        paces: dict[str, str] = await link.client.hgetall(key)
        for thread, pace in tuple(paces.items()):
            chat = ":".join(thread.split(":")[:3])
            if chat != thread and thread.startswith("telegram:"):
                ahead = max(pace, paces.get(chat, ""), key=_ahead)
                paces[chat] = ahead
                await link.client.hset(key, chat, ahead)
                await link.client.hdel(key, thread)


def _ahead(pace: str) -> int:
    paid = pace.partition(" ")[0]
    return int(paid) if paid.isdecimal() else 0


async def _dead(link: Link, new: Keys, old: Keys) -> None:
    """Give each dead delivery its name. When it died was not kept: not before its alert was raised."""
    async with reached():
        written: list[str] = await link.client.lrange(old.dead(), 0, -1)
    for text in written:
        try:
            each = json.loads(text)
            field, ended, why = f"{each['chat']} {each['alert']}", each["ended"], each["why"]
            at = await _raised(link, (new, old), each["alert"])
        except (ValueError, TypeError, KeyError):
            name = hashlib.sha256(text.encode()).hexdigest()[:_NAMED]
            field, ended, why, at = f"job {name}", "dead", "a record that cannot be read", 0
        letter = json.dumps({"ended": ended, "why": why, "at": at})
        async with reached():
            await link.client.hsetnx(new.dead(), field, letter)
    async with reached():
        await link.client.delete(old.dead())


async def _raised(link: Link, both: Sequence[Keys], fingerprint: str) -> int:
    for keys in both:
        async with reached():
            facts = await link.client.get(keys.alert(fingerprint))
        if facts is not None:
            return int(json.loads(facts)["raised"])
    return 0


async def _growing(link: Link, key: str) -> None:
    """Say of each message when it was told: long ago, so that only its own fold still joins it."""
    async with reached():
        held: dict[str, str] = await link.client.hgetall(key)
        for fold, text in held.items():
            try:
                message_id, *rest = json.loads(text)
            except (ValueError, TypeError):
                await link.client.hdel(key, fold)
                continue
            if not rest or not isinstance(rest[0], int):
                await link.client.hset(key, fold, json.dumps([message_id, 0, *rest]))


async def _ledger(link: Link, key: str, keep: Keep) -> None:
    """Count what was queued, and leave out what still is: a delivery that has no word yet waits."""
    async with reached():
        await link.client.hsetnx(key, _QUEUED, await link.client.hlen(key))
    cursor = 0
    while True:
        async with reached():
            cursor, held = await link.client.hscan(key, cursor, count=1000)
            waits = [chat for chat, state in held.items() if state == _QUEUED]
            if waits:
                await link.client.hdel(key, *waits)
        if not cursor:
            return
        await keep()


async def _rename(link: Link, new: Keys, old: Keys, keys: Sequence[str]) -> None:
    was, now = (f"{each.namespace}:{each.schema}:" for each in (old, new))
    async with reached(), link.client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.execute_command("RENAMENX", key, now + key.removeprefix(was))
        answers: list[Any] = await pipe.execute(raise_on_error=False)
    for key, answer in zip(keys, answers, strict=True):
        if isinstance(answer, ResponseError) and "no such key" in str(answer):
            continue
        if isinstance(answer, Exception):
            async with reached():
                raise answer
        if not answer:
            # It was brought over, and somebody who was held up wrote to the old one since.
            async with reached():
                await link.client.delete(key)
