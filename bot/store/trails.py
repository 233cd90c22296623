"""Trails: the prices of the last hours, of the instruments that a rule follows by the minute."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from bot.store.link import Link, reached

Point = tuple[datetime, float]
"""When a price was made, and the price."""


class Grown(NamedTuple):
    """What a trail has grown by, and how many of its oldest points are needed no more."""

    point: Point
    dropped: int


async def trail(link: Link, symbol: str) -> tuple[Point, ...]:
    """Return the prices that are kept of an instrument, oldest first."""
    async with reached():
        held: list[str] = await link.client.lrange(link.keys.trail(symbol), 0, -1)
    pairs = (each.split(" ") for each in held)
    return tuple((datetime.fromisoformat(time), float(price)) for time, price in pairs)


async def extend(link: Link, grown: Mapping[str, Grown]) -> None:
    """Let trails grow."""
    if not grown:
        return
    async with reached(), link.client.pipeline(transaction=True) as pipe:
        for symbol, each in grown.items():
            time, price = each.point
            pipe.rpush(link.keys.trail(symbol), f"{time.isoformat()} {price!r}")
            if each.dropped:
                pipe.ltrim(link.keys.trail(symbol), each.dropped, -1)
        await pipe.execute()
