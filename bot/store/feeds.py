"""The stories that each feed is known to have held."""

from __future__ import annotations

from collections.abc import Iterable

from bot.store.link import Link, reached

_SEEN_AT_ALL = ""


async def known(link: Link, address: str) -> frozenset[str] | None:
    """Return the names of the stories that a feed has held, or None where it was never read."""
    async with reached():
        held = await link.client.hkeys(link.keys.feed(address))
    return frozenset(held) if held else None


async def remember(link: Link, address: str, names: Iterable[str], now: int) -> None:
    """Take stories as known, and the feed as read."""
    async with reached():
        mapping = {_SEEN_AT_ALL: now, **dict.fromkeys(names, now)}
        await link.client.hset(link.keys.feed(address), mapping=mapping)


async def forget_before(link: Link, address: str, moment: int) -> None:
    """Forget the stories that the feed has not held since `moment`."""
    async with reached():
        held = await link.client.hgetall(link.keys.feed(address))
        old = [name for name, seen in held.items() if name != _SEEN_AT_ALL and int(seen) < moment]
        if old:
            await link.client.hdel(link.keys.feed(address), *old)
