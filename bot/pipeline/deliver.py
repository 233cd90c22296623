"""Deliver: claim the chats that are due as the connection's pace allows, and give each its turn."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.errors import Away
from bot.pipeline.dispatch import Dispatch
from bot.pipeline.showing import Showing
from bot.pipeline.turn import Turn
from bot.ports import Sender
from bot.store import outbox, pace
from bot.store.outbox import Claim

_AT_ONCE = 64
# Where all hands are full, what ends within so short a time is claimed for together.
_TOGETHER_S = 0.004
_IDLE_S = 2.0
_AWAY_S = 0.5


@dataclass(slots=True)
class _UnderWay:
    """The turns that go on at one time."""

    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def free(self) -> int:
        """How many more may."""
        return _AT_ONCE - len(self.tasks)

    def add(self, task: asyncio.Task[None]) -> None:
        self.tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self._ended.set()

    async def some_end(self) -> None:
        """Wait until one ends, and a moment for those that end with it."""
        self._ended.clear()
        await self._ended.wait()
        await asyncio.sleep(_TOGETHER_S)


@dataclass(frozen=True, slots=True)
class Deliver:
    """Sends on every route that it has a connection for; no wait of one chat holds up another."""

    dispatch: Dispatch
    senders: Mapping[str, Sender]
    _turns: dict[str, Turn] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Make ready to serve each connection."""
        for sender in self.senders.values():
            self._turns[sender.route] = Turn(self.dispatch, sender, Showing(self.dispatch, sender))

    async def run(self) -> None:
        """Deliver until cancelled; what is on its way then is finished first."""
        async with asyncio.TaskGroup() as group:
            for turn in self._turns.values():
                group.create_task(self._serve(turn))

    async def _serve(self, turn: Turn) -> None:
        under_way = _UnderWay()
        try:
            while True:
                try:
                    await self._round(turn, under_way)
                except Away as error:
                    self.dispatch.report("delivery waits", route=turn.sender.route, why=str(error))
                    await asyncio.sleep(_AWAY_S)
        finally:
            if under_way.tasks:
                await asyncio.wait(under_way.tasks, timeout=self.dispatch.patience.send / 1000)

    async def _round(self, turn: Turn, under_way: _UnderWay) -> None:
        """Claim what is due and set it going, or wait until something is."""
        if not under_way.free:
            await under_way.some_end()
        link, route, now = self.dispatch.link, turn.sender.route, self.dispatch.clock()
        due, first = await outbox.waiting(link, route, now, under_way.free)
        if not due:
            await self._idle(route, _IDLE_S if first is None else (first - now) / 1000)
            return
        budget = self.dispatch.budget_of(route)
        granted = due
        if budget.interval:
            taken = await pace.take(link, route, budget, budget.for_alerts, now, due)
            granted = taken.granted
            if not granted:
                await asyncio.sleep(min(_IDLE_S, max(taken.next_at - now, 1) / 1000))
                return
        claims = await self._claim(route, granted)
        if budget.interval and len(claims) < granted:
            await pace.give_back(link, route, budget, now, granted - len(claims))
        for claim in claims:
            under_way.add(asyncio.create_task(turn.take(claim)))

    async def _idle(self, route: str, seconds: float) -> None:
        await outbox.wait_for_mail(self.dispatch.link, route, min(_IDLE_S, seconds))

    async def _claim(self, route: str, most: int) -> tuple[Claim, ...]:
        """Claim chats that are due; where the answer is lost, the same ones are asked for again."""
        # A token a claim: one that was given up by its lease can never settle for the one that took over.
        token, now = secrets.token_hex(8), self.dispatch.clock()
        deadline = now + self.dispatch.patience.lease
        while True:
            try:
                return await outbox.claim(self.dispatch.link, route, token, now, deadline, most)
            except Away as error:
                self.dispatch.report("delivery waits", route=route, why=str(error))
                if self.dispatch.clock() >= deadline:
                    raise
                await asyncio.sleep(_AWAY_S)
