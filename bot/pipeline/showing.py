"""Show: alerts become a message of their own, or join the one of their fold that grows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.alerts.alert import Alert
from bot.alerts.outcome import Again, Broken, Outcome, Sent, Unknown
from bot.chats.chat_id import ChatId
from bot.messages.blocks import Message
from bot.ports import Sender
from bot.store import alerts as stored
from bot.store import outbox
from bot.store.link import Link
from bot.store.outbox import Growing


@dataclass(frozen=True, slots=True)
class Showing:
    """Shows alerts through one sender; a send that takes longer than `patience` milliseconds is unknown."""

    link: Link
    sender: Sender
    compose: Callable[[Sequence[Alert], ChatId], Message]
    patience: int
    report: Callable[..., None]

    async def show(self, chat: ChatId, alerts: Sequence[Alert]) -> tuple[Outcome, Growing | None]:
        """Show alerts of one fold; return what the platform said, and the message as it stands then.

        Where a message of their fold is shown already, it grows: a chat sees one a market, session and
        direction. Where it cannot be changed any more, they get another.
        """
        first = alerts[0]
        growing = None
        if first.fold != first.fingerprint:
            growing = await outbox.growing(self.link, chat, first.fold)
        if growing is not None:
            outcome, grown = await self._grow(chat, growing, alerts)
            if not isinstance(outcome, Broken):
                return outcome, grown
        message = self.compose(alerts, chat)
        outcome = await self._asked(chat, self.sender.send(chat, message, first.fingerprint))
        return outcome, self.grown(first, outcome, [each.fingerprint for each in alerts])

    async def look_up(self, chat: ChatId, delivery: str) -> Outcome:
        """Ask the platform for a delivery whose sending was never heard of again."""
        return await self._asked(chat, self.sender.find(chat, delivery))

    def grown(self, first: Alert, outcome: Outcome, fingerprints: Sequence[str]) -> Growing | None:
        """Return the message that later alerts of the fold may join, or None where none may."""
        if not isinstance(outcome, Sent) or first.fold == first.fingerprint:
            return None
        return Growing(first.fold, outcome.message_id, tuple(fingerprints))

    async def _grow(
        self, chat: ChatId, growing: Growing, alerts: Sequence[Alert]
    ) -> tuple[Outcome, Growing | None]:
        told = await stored.alerts_of(self.link, growing.alerts)
        joined = {each.fingerprint: each for each in (*told.values(), *alerts)}
        message = self.compose(tuple(joined.values()), chat)
        outcome = await self._asked(chat, self.sender.replace(chat, growing.message_id, message))
        if isinstance(outcome, Unknown):
            # A change may be made twice: it stays one message.
            outcome = Again(outcome.why)
        return outcome, self.grown(alerts[0], outcome, tuple(joined))

    async def _asked(self, chat: ChatId, asking: Awaitable[Outcome]) -> Outcome:
        try:
            async with asyncio.timeout(self.patience / 1000):
                return await asking
        except TimeoutError:
            return Unknown("no answer in time")
        except Exception as error:  # noqa: BLE001 - whatever a platform's client throws, the delivery stands
            self.report("sending failed", chat=str(chat), why=repr(error))
            return Unknown(type(error).__name__)
