"""What chats asked for, and the state of things, as Redis keeps them."""

from __future__ import annotations

from dataclasses import dataclass

from bot.chats.chat_id import ChatId
from bot.chats.measured import Measured, Suggestion
from bot.chats.silence import HONG_KONG, Silence
from bot.chats.subscription import Subscription, chat_topic, followed, instrument_topic
from bot.clock import MachineTime
from bot.ports import Status
from bot.rules.calmer import floods
from bot.store import backtests, chats, dead, outbox, shelf
from bot.store import market as published
from bot.store.link import Link
from bot.store.silence import change_silence, silence_of

_CALM = "calm"
_SUGGESTED = 2


@dataclass(frozen=True, slots=True)
class StoredBook:
    """Subscriptions, silences and the state of things, kept in Redis.

    `zone` is that of chats which set none.
    """

    link: Link
    routes: tuple[str, ...]
    clock: MachineTime
    watched: frozenset[str] = frozenset()
    preset: str = ""
    zone: str = HONG_KONG

    async def of(self, chat: ChatId) -> tuple[Subscription, ...]:
        """Return what a chat asked for, oldest first; its own alerts are no wish of that kind."""
        held = await chats.subscriptions(self.link, chat)
        return tuple(each for each in held if each.topic != chat_topic(str(chat)))

    async def add(self, chat: ChatId, topic: str) -> bool:
        """Subscribe a chat; False where it was subscribed already."""
        return await chats.subscribe(self.link, chat, topic, self.clock())

    async def remove(self, chat: ChatId, topic: str) -> bool:
        """Take a topic from a chat; False where it had not asked for it."""
        return await chats.unsubscribe(self.link, chat, topic)

    async def come_back(self, chat: ChatId) -> None:
        """Let a chat that was gone hear again."""
        await chats.come_back(self.link, chat)

    async def first(self, name: str) -> bool:
        """Tell whether `name` is met for the first time in the last quarter of an hour."""
        return await chats.first(self.link, name)

    async def following(self, chat: ChatId) -> frozenset[str]:
        """Return a chat's watchlist, as `followed` has it."""
        return followed(await self.of(chat), self.watched)

    async def rate(self, topic: str) -> Measured | None:
        """Return what a topic would have cost a chat, where there are bars to measure it on."""
        rate = (await published.rates(self.link)).get(topic)
        if rate is None:
            return None
        return Measured(rate, (await backtests.last_told(self.link)).get(topic))

    async def calmer(self, topic: str) -> tuple[Suggestion, ...]:
        """Return what a chat could ask for in place of a topic that floods it, the best first.

        For everything, and for a rule, it is the calm preset where another one is set, and the instruments
        that tell the most without flooding; for an instrument, an alert whose steps follow its volatility.
        """
        rates = await published.rates(self.link)
        rate = rates.get(topic)
        if rate is None or not floods(rate.a_month, rate.busiest):
            return ()
        if topic in map(instrument_topic, self.watched):
            return (Suggestion(f"/alert {topic.partition(':')[2]} ±auto"),)
        found = [] if self.preset == _CALM else [Suggestion("rules: calm in config.yaml, its owner's to set")]
        calm = [
            (each, cost)
            for symbol in self.watched
            if (cost := rates.get(each := instrument_topic(symbol))) is not None
            and cost.a_month > 0
            and not floods(cost.a_month, cost.busiest)
        ]
        calm.sort(key=lambda pair: (-pair[1].a_month, pair[0]))
        found += [
            Suggestion(f"/subscribe {each.partition(':')[2]}", cost) for each, cost in calm[:_SUGGESTED]
        ]
        return tuple(found)

    async def silence(self, chat: ChatId) -> Silence:
        """Return a chat's quiet hours, mutes, digests and zone."""
        return await silence_of(self.link, chat, self.zone)

    async def change_silence(self, chat: ChatId, was: Silence, now: Silence) -> None:
        """Set what `now` has otherwise than `was`; what is held for the chat is judged by it anew."""
        await change_silence(self.link, chat, was, now)
        await shelf.unshelve(self.link, chat, self.clock())

    def now(self) -> int:
        """Return the present machine time, by which silence goes."""
        return self.clock()

    async def status(self) -> Status:
        """Return how things stand."""
        worker = await published.worker(self.link)
        quotes = await published.quotes(self.link)
        waiting = await outbox.backlog(self.link, self.routes)
        return Status(
            now=self.clock(),
            ticked=worker.ticked if worker else None,
            watched=worker.watched if worker else 0,
            source=worker.source if worker else "",
            trouble=worker.trouble if worker else "",
            quoted=max((quote.time for quote in quotes.values()), default=None),
            waiting=sum(waiting.values()),
            ended=await outbox.counts(self.link),
            dark=await published.blind(self.link),
            held=worker.held if worker else {},
            dead=await dead.count(self.link),
        )
