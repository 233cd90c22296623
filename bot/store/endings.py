"""The last days of the chats' own rules, so that those which are over are found without reading any line."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from bot.store.link import Link, reached

_AT_ONCE = 500


async def end_with(link: Link, name: str, last: date | None) -> None:
    """Keep the last day of the rule of this id; None for one that has none."""
    async with reached():
        if last is None:
            await link.client.zrem(_key(link), name)
        else:
            await link.client.zadd(_key(link), {name: last.toordinal()})


async def over(link: Link, today: date) -> tuple[str, ...]:
    """Return the ids of up to 500 rules whose last day is before `today`."""
    async with reached():
        found: list[str] = await link.client.zrangebyscore(
            _key(link), "-inf", f"({today.toordinal()}", start=0, num=_AT_ONCE
        )
    return tuple(found)


async def forget(link: Link, names: Collection[str]) -> None:
    """Forget the last days of rules that are gone."""
    if names:
        async with reached():
            await link.client.zrem(_key(link), *names)


def _key(link: Link) -> str:
    return f"{link.keys.own()}ends"
