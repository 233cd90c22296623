"""A turn: what happens with a chat that a sender has claimed, from what waits there to what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from bot.alerts.alert import Alert
from bot.alerts.outcome import Again, Moved, Outcome, Sent, Slow, Unknown
from bot.chats.chat_id import ChatId
from bot.chats.silence import Drop, Hold, Silence
from bot.errors import Away
from bot.pipeline.batch import Batch, batch_of, by_age
from bot.pipeline.dispatch import Dispatch
from bot.pipeline.moving import move_chat
from bot.pipeline.recording import ending_of
from bot.pipeline.retry import backoff
from bot.pipeline.showing import Showing, Shown
from bot.ports import Sender
from bot.store import outbox, pace, shelf
from bot.store.outbox import Claim, Ending, Pending

_AWAY_S = 0.5

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Turn:
    """Gives the chats of one connection their turns."""

    dispatch: Dispatch
    sender: Sender
    showing: Showing

    async def take(self, claim: Claim) -> None:
        """Give a claimed chat its turn; whatever happens in it, the deliveries stand.

        1. What cannot be read is dead.
        2. What is in doubt is looked up; where that tells nothing it waits for a while, and is then repeated
           once.
        3. What the chat wants to be left alone with is held, and told when that is over.
        4. What is to be sent is marked so just before it is, and only what is still asked for.
        5. What the platform said is recorded after it said it, and never before.
        """
        try:
            await self._take(claim)
        except Away as error:
            # The lease runs out, and whoever claims the chat then finds how far this came.
            self.dispatch.report("delivery left", chat=str(claim.chat), why=str(error))
        except Exception as error:  # noqa: BLE001 - one delivery that breaks us must not stop those behind it
            self.dispatch.report("a turn failed", chat=str(claim.chat), why=repr(error))
            await self._left(claim, repr(error))

    async def _left(self, claim: Claim, why: str) -> None:
        """Count a try of the delivery at the head that broke its turn; the third is its last."""
        head = [each.fingerprint for each in claim.pending[:1]]
        try:
            await self._settle(claim, Ending("refused", why, backoff(1, self.dispatch.chance)), head)
        except Away as error:
            self.dispatch.report("delivery left", chat=str(claim.chat), why=str(error))

    async def _take(self, claim: Claim) -> None:
        fingerprints = [each.fingerprint for each in claim.pending]
        alerts = await self._insist(claim, partial(self.dispatch.alerts_of, fingerprints))
        unread = [each.fingerprint for each in claim.pending if each.fingerprint not in alerts]
        if unread:
            await self._settle(claim, Ending("dead", "its facts are gone"), unread)
            return
        silence = None
        if claim.silent:
            silence = await self._insist(claim, partial(self.dispatch.wishes.of, claim.chat))
        pending: Sequence[Pending] = by_age(claim.pending, alerts)
        doubted = [each for each in pending if each.in_doubt]
        if doubted:
            pending = await self._looked_up(claim, doubted, alerts)
        elif silence is not None:
            pending = await self._not_silenced(claim, silence, pending, alerts)
        if pending:
            patience = self.dispatch.patience
            oldest = self.dispatch.clock() - patience.oldest
            batch = batch_of(pending, alerts, oldest, patience.group_for)
            await self._tell(claim, batch, "" if silence is None else silence.zone)

    async def _looked_up(
        self, claim: Claim, doubted: Sequence[Pending], alerts: Mapping[str, Alert]
    ) -> Sequence[Pending]:
        """Ask the platform for deliveries that were sent together; return what is to be sent once more."""
        head = doubted[0]
        left = [each for each in doubted if each.state == head.state]
        outcome = await self.showing.look_up(claim.chat, head.fingerprint)
        if isinstance(outcome, Sent) or (isinstance(outcome, Unknown) and head.state == "sending"):
            batch = Batch(tuple(alerts[each.fingerprint] for each in left), head.told_for, head.until)
            await self._record(claim, self.showing.recorded(outcome, batch), head.attempt, batch)
            return ()
        return left

    async def _not_silenced(
        self, claim: Claim, silence: Silence, pending: Sequence[Pending], alerts: Mapping[str, Alert]
    ) -> Sequence[Pending]:
        """Hold or drop what the chat wants so; return what is left to tell now, if anything is."""
        asked = [alerts[each.fingerprint] for each in pending]
        now = self.dispatch.clock()
        ask = partial(self.dispatch.wishes.held_by, silence, claim.chat, asked, now)
        silenced = await self._insist(claim, ask)
        dropped = {each: why for each, why in silenced.items() if not isinstance(why, Hold)}
        if dropped:
            why = next(iter(dropped.values())).why
            await self._settle(claim, Ending("dropped", why), [*dropped])
            return ()
        holds = {each: hold for each, hold in silenced.items() if isinstance(hold, Hold)}
        if holds and not await self._insist(claim, partial(shelf.shelve, self.dispatch.link, claim, holds)):
            return ()
        left = [each for each in pending if each.fingerprint not in holds]
        if not left:
            await self._release(claim)
        return left

    async def _tell(self, claim: Claim, batch: Batch, zone: str) -> None:
        link, now = self.dispatch.link, self.dispatch.clock()
        begun = await self._insist(claim, partial(outbox.begin, link, claim, now, batch.alerts))
        if begun is None:
            return
        attempt, wanted = begun
        batch = batch.only(wanted)
        if not batch.alerts:
            await self._settle(claim, Ending("dropped", "unsubscribed"), [])
            return
        joined = await self._insist(claim, partial(self.showing.open, claim.chat, batch))
        match await self.showing.show(claim.chat, batch, joined, zone):
            case Hold() as hold:
                holds = dict.fromkeys(wanted, hold)
                if await self._insist(claim, partial(shelf.shelve, link, claim, holds)):
                    await self._release(claim)
            case Drop(why):
                await self._settle(claim, Ending("dropped", why), wanted)
            case Shown() as shown:
                await self._record(claim, shown, attempt, batch)

    async def _release(self, claim: Claim) -> None:
        await self._insist(claim, lambda: outbox.release(self.dispatch.link, claim, self.dispatch.clock()))

    async def _record(self, claim: Claim, shown: Shown, attempt: int, batch: Batch) -> None:
        now = self.dispatch.clock()
        if isinstance(shown.outcome, Moved):
            await self._insist(claim, partial(self._move, claim, shown.outcome, now))
            return
        patience, chance = self.dispatch.patience, self.dispatch.chance
        ending = ending_of(shown.outcome, shown.grown, attempt, patience, chance)
        await self._insist(claim, lambda: self._hold(claim.chat, shown.outcome, ending.wait, now))
        if ending.state != "sent":
            self.dispatch.report(
                "not delivered", chat=str(claim.chat), ended=ending.state, why=ending.word, tried=attempt
            )
        await self._settle(claim, ending, [each.fingerprint for each in batch.alerts], shown.decisions)

    async def _hold(self, chat: ChatId, outcome: Outcome, wait: int, now: int) -> None:
        """Hold what has to wait for more than this delivery, and count what it took beyond one message."""
        link, budget = self.dispatch.link, self.dispatch.budget_of(chat.route)
        match outcome:
            case Sent(posts=posts) if posts > 1:
                await pace.spend(link, chat.route, budget, now, posts - 1)
            case Slow():
                held = await pace.slow_down(link, chat, budget, now, now + wait)
                self.dispatch.report("asked to slow down", chat=str(chat), held=held, wait=wait)
            case Again(scope="route"):
                await pace.hold(link, chat.route, now + wait)

    async def _move(self, claim: Claim, moved: Moved, now: int) -> None:
        await move_chat(self.dispatch.link, claim, moved.chat, now)
        self.dispatch.report("chat moved", chat=str(claim.chat), to=str(moved.chat))

    async def _settle(
        self,
        claim: Claim,
        ending: Ending,
        fingerprints: Sequence[str],
        decisions: Mapping[str, str] | None = None,
    ) -> None:
        await self._insist(
            claim,
            lambda: outbox.settle(
                self.dispatch.link,
                claim,
                self.dispatch.clock(),
                ending,
                self.dispatch.pace_of(claim.chat),
                fingerprints,
                decisions,
            ),
        )

    async def _insist(self, claim: Claim, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask until Redis answers or the lease is up; what is asked may be asked twice."""
        while True:
            try:
                return await ask()
            except Away:
                if self.dispatch.clock() > claim.deadline:
                    raise
                await asyncio.sleep(_AWAY_S)
