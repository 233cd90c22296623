"""Deliver: claim a chat that is due, send what waits there, and settle what became of it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from bot.alerts.alert import Alert
from bot.alerts.outcome import Again, Broken, Gone, Moved, Outcome, Sent, Unknown
from bot.chats.chat_id import ChatId
from bot.clock import MachineTime
from bot.errors import Away
from bot.messages.blocks import Message
from bot.pipeline.moving import move_chat
from bot.pipeline.retry import backoff
from bot.pipeline.showing import Showing
from bot.ports import Sender
from bot.store import alerts as stored
from bot.store import outbox, pace
from bot.store.link import Link
from bot.store.outbox import Claim, Ending, Growing, Pace
from bot.store.pace import Budget

_AT_ONCE = 32
_IDLE_S = 2.0
_AWAY_S = 0.5

Report = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take, in milliseconds.

    `lease`: how long a sender may hold a chat, longer than its slowest send. `send`: when a send is given up
    as unknown. `doubt`: how long an unknown delivery waits before its one repeat. `oldest`: the age at which
    an alert is no longer worth telling.
    """

    lease: int = 60_000
    send: int = 30_000
    doubt: int = 30_000
    oldest: int = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Deliver:
    """Sends on every route that it has a connection for; no wait of one chat holds up another."""

    link: Link
    senders: Mapping[str, Sender]
    compose: Callable[[Sequence[Alert], ChatId], Message]
    budget_of: Callable[[str], Budget]
    pace_of: Callable[[ChatId], Pace]
    patience: Patience
    clock: MachineTime
    report: Report
    chance: Random = field(default_factory=Random)

    async def run(self) -> None:
        """Deliver until cancelled; what is on its way then is finished first."""
        async with asyncio.TaskGroup() as group:
            for sender in self.senders.values():
                group.create_task(self._serve(sender))

    async def _serve(self, sender: Sender) -> None:
        under_way: set[asyncio.Task[None]] = set()
        try:
            while True:
                try:
                    await self._round(sender, under_way)
                except Away as error:
                    self.report("delivery waits", route=sender.route, why=str(error))
                    await asyncio.sleep(_AWAY_S)
        finally:
            if under_way:
                await asyncio.wait(under_way, timeout=self.patience.send / 1000)

    async def _round(self, sender: Sender, under_way: set[asyncio.Task[None]]) -> None:
        """Claim what is due and set it going, or wait until something is."""
        if len(under_way) >= _AT_ONCE:
            await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            return
        now = self.clock()
        free = _AT_ONCE - len(under_way)
        # A token a claim: one that was given up by its lease can never settle for the one that took over.
        token = secrets.token_hex(8)
        claims = await outbox.claim(self.link, sender.route, token, now, now + self.patience.lease, free)
        if not claims:
            due = await outbox.next_due(self.link, sender.route)
            seconds = _IDLE_S if due is None else min(_IDLE_S, (due - self.clock()) / 1000)
            await outbox.wait_for_mail(self.link, sender.route, seconds)
            return
        budget = self.budget_of(sender.route)
        taken = await pace.take(self.link, sender.route, budget, budget.for_alerts, now, len(claims))
        for claim in claims[: taken.granted]:
            task = asyncio.create_task(self._deliver(sender, claim))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        for claim in claims[taken.granted :]:
            await outbox.release(self.link, claim, taken.next_at)

    async def _deliver(self, sender: Sender, claim: Claim) -> None:
        try:
            await self._send_head(sender, claim)
        except Away as error:
            # The lease runs out, and whoever claims the chat then finds how far this came.
            self.report("delivery left", chat=str(claim.chat), why=str(error))

    async def _send_head(self, sender: Sender, claim: Claim) -> None:
        """Send the oldest delivery of a chat, with those that fold into its message.

        1. A delivery whose alert cannot be read, or is too old to be worth telling, is dead.
        2. One that is in doubt is looked up; where that tells nothing, it waits for a while and is then
           repeated once.
        3. What is to be sent is marked so just before it is, and only what is still asked for.
        4. What the platform said is recorded after it said it, and never before.
        """
        showing = Showing(self.link, sender, self.compose, self.patience.send, self.report)
        alerts = await stored.alerts_of(self.link, [each.fingerprint for each in claim.pending])
        head, *rest = claim.pending
        first = alerts.get(head.fingerprint)
        if first is None or first.raised < self.clock() - self.patience.oldest:
            why = "its facts are gone" if first is None else "too old to tell"
            await self._settle(claim, Ending("dead", why), [head.fingerprint])
            return
        if head.in_doubt:
            outcome = await showing.look_up(claim.chat, head.fingerprint)
            left = [each.fingerprint for each in claim.pending if each.state == head.state]
            if isinstance(outcome, Sent) or (isinstance(outcome, Unknown) and head.state == "sending"):
                grown = showing.grown(first, outcome, left)
                await self._record(sender, claim, outcome, grown, head.attempt, left)
                return
        doubted = head.state == "unknown"
        folded = [
            alerts[each.fingerprint]
            for each in rest
            if each.fingerprint in alerts
            and alerts[each.fingerprint].fold == first.fold
            and (each.state == "unknown") == doubted
        ]
        begun = await outbox.begin(self.link, claim, self.clock(), [first, *folded])
        if begun is None:
            return
        attempt, wanted = begun
        if not wanted:
            await self._settle(claim, Ending("dropped", "unsubscribed"), [])
            return
        outcome, grown = await showing.show(claim.chat, [alerts[each] for each in wanted])
        await self._record(sender, claim, outcome, grown, attempt, wanted)

    async def _record(
        self,
        sender: Sender,
        claim: Claim,
        outcome: Outcome,
        grown: Growing | None,
        attempt: int,
        fingerprints: Sequence[str],
    ) -> None:
        now = self.clock()
        match outcome:
            case Sent(message_id):
                ending = Ending("sent", message_id, grown=grown)
            case Again(why, wait, scope):
                pause = backoff(attempt, self.chance) if wait is None else wait
                if scope == "route":
                    await pace.hold(self.link, sender.route, now + pause)
                ending = Ending("waiting", why, pause)
            case Unknown(why):
                ending = Ending("unknown", why, self.patience.doubt)
            case Gone(why):
                ending = Ending("gone", why)
            case Broken(why):
                ending = Ending("dead", why)
            case Moved(to):
                await move_chat(self.link, claim, to, now)
                self.report("chat moved", chat=str(claim.chat), to=str(to))
                return
        if ending.state != "sent":
            self.report("not delivered", chat=str(claim.chat), ended=ending.state, why=ending.word)
        await self._settle(claim, ending, fingerprints)

    async def _settle(self, claim: Claim, ending: Ending, fingerprints: Sequence[str]) -> None:
        """Record an ending, until Redis takes it or the lease is up: the script may be asked twice."""
        while True:
            try:
                await outbox.settle(
                    self.link, claim, self.clock(), ending, self.pace_of(claim.chat), fingerprints
                )
            except Away:
                if self.clock() > claim.deadline:
                    raise
                await asyncio.sleep(_AWAY_S)
            else:
                return
