"""Show: alerts become a message of their own, or join one that is shown and grows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.alerts.alert import Alert, Sequel
from bot.alerts.decisions import decision_of
from bot.alerts.outcome import Again, Broken, Outcome, Refused, Sent, Unknown
from bot.chats.chat_id import ChatId
from bot.chats.silence import Drop, Hold, Silenced
from bot.errors import Away
from bot.messages.blocks import Message
from bot.pipeline.batch import MISSED, Batch
from bot.pipeline.dispatch import Dispatch
from bot.ports import Sender
from bot.store import outbox, pace
from bot.store.growing import Growing, growing


@dataclass(frozen=True, slots=True)
class Shown:
    """What the platform said, the messages as they stand then, and why each alert was told as it was."""

    outcome: Outcome
    grown: tuple[Growing, ...] = ()
    decisions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Joined:
    """A message that is shown and that a batch joins, with all alerts that stand in it then."""

    shown: Growing
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class Showing:
    """Shows alerts through one sender; a send that takes longer than it may is unknown."""

    dispatch: Dispatch
    sender: Sender

    async def open(self, chat: ChatId, batch: Batch) -> Joined | None:
        """Return the message that a batch joins: of its fold, or of its rule where that is still open.

        None where there is none, or where it could not be changed before. Raises `Away` when Redis does not
        answer.
        """
        if batch.why or batch.until or not batch.names:
            return None
        found = await growing(self.dispatch.link, chat, batch.names)
        since = self.dispatch.clock() - self.dispatch.patience.group_for
        lately = (each for each in found.values() if each.told > since)
        shown = found.get(batch.alerts[0].fold) or next(lately, None)
        if shown is None:
            return None
        known = await self.dispatch.alerts_of(shown.alerts)
        whole = {each.fingerprint: each for each in (*known.values(), *batch.alerts)}
        return Joined(shown, tuple(whole.values()))

    async def show(self, chat: ChatId, batch: Batch, joined: Joined | None, zone: str) -> Shown | Silenced:
        """Show a batch by the clocks of `zone`; return what the platform said, or until when it waits.

        A message that it joins grows. Where that cannot be changed, the batch waits for the time that it
        would have been open and until the chat may be sent another one, and is then a message of its own.
        What only changes a message never makes one.
        """
        if joined is not None:
            grown = await self._grow(chat, joined, batch, zone)
            if not isinstance(grown.outcome, Broken):
                return grown
            until = max(joined.shown.told + self.dispatch.patience.group_for, await self._count(chat))
            if self.dispatch.clock() < until:
                return Hold(until, "group")
        if all(isinstance(each.facts, Sequel) for each in batch.alerts):
            return Drop("no message to change")
        message = self._composed(chat, lambda: self._message(batch, zone))
        if not isinstance(message, Message):
            return Shown(message)
        outcome = await self._asked(chat, self.sender.send(chat, message, batch.alerts[0].fingerprint))
        return self.recorded(outcome, batch)

    async def _count(self, chat: ChatId) -> int:
        """Count a change that was refused: to the platform it was a message like any other.

        Returns when the chat may be sent another one.
        """
        link, now = self.dispatch.link, self.dispatch.clock()
        try:
            _, free = await outbox.pay(link, chat, now, self.dispatch.pace_of(chat))
            await pace.spend(link, chat.route, self.dispatch.budget_of(chat.route), now, 1)
        except Away as error:
            self.dispatch.report("a refused change was not counted", chat=str(chat), why=str(error))
            return now
        return free

    async def look_up(self, chat: ChatId, delivery: str) -> Outcome:
        """Ask the platform for a delivery whose sending was never heard of again."""
        return await self._asked(chat, self.sender.find(chat, delivery))

    def recorded(self, outcome: Outcome, batch: Batch, before: Growing | None = None) -> Shown:
        """Return what is recorded of a batch of which the platform said `outcome`."""
        return self._recorded(outcome, batch, before, batch.alerts)

    def _recorded(
        self, outcome: Outcome, batch: Batch, before: Growing | None, among: Sequence[Alert]
    ) -> Shown:
        if not isinstance(outcome, Sent):
            return Shown(outcome)
        told = before.told if before else self.dispatch.clock()
        whole = tuple(
            dict.fromkeys((*(before.alerts if before else ()), *(each.fingerprint for each in among)))
        )
        names = () if batch.why else batch.names
        grown = tuple(Growing(name, outcome.message_id, told, whole) for name in names)
        decisions = {each.fingerprint: batch.why or decision_of(each, among) for each in batch.alerts}
        if batch.until:
            # What could not join its message by a change does so by another message.
            decisions = {each: "joined" if why == "first" else why for each, why in decisions.items()}
        return Shown(outcome, grown, {each: why for each, why in decisions.items() if why != "first"})

    async def _grow(self, chat: ChatId, joined: Joined, batch: Batch, zone: str) -> Shown:
        told = self._composed(chat, lambda: self.dispatch.words.told(joined.alerts, zone))
        if not isinstance(told, Message):
            return Shown(told)
        outcome = await self._asked(chat, self._replace(chat, joined.shown.message_id, told))
        return self._recorded(outcome, batch, joined.shown, joined.alerts)

    def _composed(self, chat: ChatId, compose: Callable[[], Message]) -> Message | Refused:
        try:
            return compose()
        except Exception as error:  # noqa: BLE001 - facts that no words are found for must not stop what is behind
            self.dispatch.report("composing failed", chat=str(chat), why=repr(error))
            return Refused(f"no words are found for it ({type(error).__name__})")

    async def _replace(self, chat: ChatId, message_id: str, message: Message) -> Outcome:
        outcome = await self.sender.replace(chat, message_id, message)
        # A change may be made twice: it stays one message.
        return Again(outcome.why) if isinstance(outcome, Unknown) else outcome

    def _message(self, batch: Batch, zone: str) -> Message:
        words = self.dispatch.words
        if batch.why == MISSED:
            return words.missed(batch.alerts, zone)
        if batch.why:
            return words.held(batch.alerts, batch.why, batch.until, zone)
        return words.told(batch.alerts, zone)

    async def _asked(self, chat: ChatId, asking: Awaitable[Outcome]) -> Outcome:
        try:
            async with asyncio.timeout(self.dispatch.patience.send / 1000):
                return await asking
        except TimeoutError:
            return Unknown("no answer in time")
        except Exception as error:  # noqa: BLE001 - whatever a platform's client throws, the delivery stands
            self.dispatch.report("sending failed", chat=str(chat), why=repr(error))
            return Unknown(type(error).__name__)
