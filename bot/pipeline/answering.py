"""Answers to commands: they go at once, at the shared pace, with tokens that alerts may not take."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from bot.alerts.outcome import Again, Outcome, Sent, Slow
from bot.chats.chat_id import ChatId
from bot.clock import MachineTime
from bot.messages.blocks import Message
from bot.ports import Sender
from bot.store import outbox, pace
from bot.store.link import Link
from bot.store.outbox import Pace
from bot.store.pace import Budget

_LONGEST_WAIT_MS = 10_000
_SHORT_WAIT_MS = 1_000


@dataclass(frozen=True, slots=True)
class Answering:
    """Sends the answers of one connection; whoever asked can ask again, so none is kept."""

    link: Link
    sender: Sender
    budget: Budget
    pace: Callable[[ChatId], Pace]
    clock: MachineTime
    report: Callable[..., None]

    async def say(self, chat: ChatId, message: Message) -> None:
        """Send an answer; where the platform asks for a short patience, once more."""
        await self._turn()
        outcome = await self._send(chat, message)
        if isinstance(outcome, Slow):
            until = self.clock() + (outcome.wait or _SHORT_WAIT_MS)
            await pace.slow_down(self.link, chat, self.budget, self.clock(), until)
        if isinstance(outcome, Again | Slow) and (outcome.wait or 0) <= _LONGEST_WAIT_MS:
            await asyncio.sleep((outcome.wait or _SHORT_WAIT_MS) / 1000)
            await self._turn()
            outcome = await self._send(chat, message)
        if not isinstance(outcome, Sent):
            self.report("not answered", chat=str(chat), why=repr(outcome))

    async def _send(self, chat: ChatId, message: Message) -> Outcome:
        now = self.clock()
        turn, _ = await outbox.pay(self.link, chat, now, self.pace(chat))
        await asyncio.sleep((turn - now) / 1000)
        return await self.sender.send(chat, message, f"answer-{secrets.token_hex(8)}")

    async def _turn(self) -> None:
        budget = self.budget
        while True:
            now = self.clock()
            taken = await pace.take(self.link, self.sender.route, budget, budget.for_answers, now, 1)
            if taken.granted:
                return
            await asyncio.sleep(min(taken.next_at - now, _LONGEST_WAIT_MS) / 1000)
