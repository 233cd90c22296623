"""A connection's own pace: tokens that all its senders share."""

from __future__ import annotations

from dataclasses import dataclass

from bot.store.link import Link, reached


@dataclass(frozen=True, slots=True)
class Budget:
    """What a platform lets one connection send: milliseconds a message, and how many may come at once.

    `reserved` of those are for answers to commands: alerts may not take them.
    """

    interval: float
    burst: int
    reserved: int

    @property
    def for_alerts(self) -> float:
        """How many milliseconds alerts may take ahead."""
        return self.interval * (self.burst - self.reserved)

    @property
    def for_answers(self) -> float:
        """How many milliseconds answers may take ahead."""
        return self.interval * self.burst


@dataclass(frozen=True, slots=True)
class Taken:
    """How many tokens were granted, and when the next one will be."""

    granted: int
    next_at: int


async def take(link: Link, route: str, budget: Budget, ahead: float, now: int, wanted: int) -> Taken:
    """Take up to `wanted` tokens of `route`, as far `ahead` of their time as milliseconds allow."""
    granted, next_at = await link.run(
        "take", [link.keys.bucket(route)], [now, wanted, budget.interval, ahead]
    )
    return Taken(int(granted), int(next_at))


async def hold(link: Link, route: str, until: int) -> None:
    """Let nothing out on `route` before `until`."""
    async with reached():
        await link.client.hset(link.keys.bucket(route), "hold", str(until))
