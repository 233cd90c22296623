"""A connection's own pace: tokens that all its senders share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.chats.chat_id import ChatId
from bot.store.link import Link, reached

Held = Literal["chat", "route"]

_WITHOUT_END = 10**12


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


async def spend(link: Link, route: str, budget: Budget, now: int, tokens: int) -> None:
    """Count what was sent already beyond what was granted: whatever comes next waits for it."""
    await link.run("take", [link.keys.bucket(route)], [now, tokens, budget.interval, _WITHOUT_END])


async def give_back(link: Link, route: str, budget: Budget, now: int, tokens: int) -> None:
    """Give tokens back that nothing was sent for."""
    await link.run("take", [link.keys.bucket(route)], [now, -tokens, budget.interval, 0])


async def slow_down(link: Link, chat: ChatId, budget: Budget, now: int, until: int) -> Held:
    """Say that the platform asked for patience with a message to `chat`; return what is held `until` then.

    It does not say what it means. The first chat is held alone; where a second one is met by it within that
    time, or the connection's pace is nearly used up, everything on the connection is held.
    """
    arguments: list[str | float] = [now, str(chat), until, budget.interval, budget.for_answers]
    answer = await link.run("slow", [link.keys.bucket(chat.route)], arguments)
    return "route" if answer == "route" else "chat"


async def hold(link: Link, route: str, until: int) -> None:
    """Let nothing out on `route` before `until`."""
    async with reached():
        await link.client.hset(link.keys.bucket(route), "hold", str(until))
