"""The alerts of the chats' own, kept in Redis, and what they cost, asked of the worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bot.alerts.alert import Alert, Condition, Move
from bot.chat.stored import StoredMarket
from bot.chat.stored_book import StoredBook
from bot.chat.trying import JUDGED_WITHIN_MS, Trying
from bot.chat.understanding import Understood
from bot.chats.chat_id import ChatId
from bot.chats.measured import Judged, Measured
from bot.chats.own import OwnRule
from bot.chats.subscription import chat_topic
from bot.errors import Away, UsageError
from bot.messages.words import day
from bot.rules.conditions import Telling
from bot.rules.threshold import Threshold, threshold_of
from bot.store import alerts as told
from bot.store import endings, own
from bot.store.backtests import Wanted

_RECENT = 200


@dataclass(frozen=True, slots=True)
class Held:
    """An alert of a chat's own, and the day it last told, if it is among the last alerts there were."""

    rule: OwnRule
    told: date | None = None


@dataclass(frozen=True, slots=True)
class StoredOwn:
    """The alerts of the chats' own; days count in `zone`."""

    market: StoredMarket
    book: StoredBook
    zone: ZoneInfo

    async def understood(self, line: str, chat: ChatId) -> Understood:
        """Return what a line means in a chat.

        Raises `GrammarError` where it does not read, `NotKnown` for what is not watched, and `UsageError` for
        what could never ring.
        """
        following = await self.book.following(chat)
        found = await self.market.understood(line, following, chat=str(chat))
        ends = found.line.telling.until
        today = await self.today()
        if ends is not None and is_over(found.line.telling, today):
            raise UsageError(
                f"{day(ends)} is over, so nothing would be told until then: write a day from "
                f"{today.isoformat()} on, or leave until out."
            )
        return found

    async def today(self) -> date:
        """Return the chat's present day: the wall clock's, or where a replay has come to."""
        now: datetime = (await self.market.present()).now
        return now.astimezone(self.zone).date()

    async def judged(self, understood: Understood) -> Judged | None:
        """Return what an alert would cost over the history held; None where nobody answers in time."""
        wanted = Wanted("judged", str(understood.line), understood.following)
        try:
            found = await Trying(self.market.link, self.market.clock).answer(wanted, JUDGED_WITHIN_MS)
        except Away:
            return None
        if found is None:
            return None
        if found.judged is None:
            return Judged(Measured(None, why=found.refused.rstrip(".")))
        return found.judged

    async def of(self, chat: ChatId) -> tuple[Held, ...]:
        """Return a chat's own alerts, oldest first."""
        held = await own.of_chat(self.market.link, str(chat))
        last = await self._last_told(chat) if held else {}
        return tuple(Held(each, last.get(each.id)) for each in held)

    async def keep(self, chat: ChatId, understood: Understood) -> tuple[str, bool]:
        """Keep an alert; return its id, and whether the chat had it already."""
        link, clock = self.market.link, self.market.clock
        # First, so that nothing it tells is missed; a topic of which nothing is told costs nothing.
        await self.book.add(chat, chat_topic(str(chat)))
        rule = OwnRule("", str(chat), str(chat), str(understood.line), clock())
        added = await own.add(link, rule, _threshold(understood), understood.symbols)
        await endings.end_with(link, added.rule.id, understood.line.telling.until)
        return added.rule.id, added.had

    async def change(self, chat: ChatId, name: str, understood: Understood) -> bool:
        """Put another line in the place of an alert's; False where the chat has no such alert."""
        rule = OwnRule(name, str(chat), str(chat), str(understood.line), self.market.clock())
        link = self.market.link
        edited = await own.edit(link, rule, _threshold(understood), understood.symbols)
        if edited:
            await endings.end_with(link, name, understood.line.telling.until)
        return edited

    async def forget(self, chat: ChatId, name: str) -> bool:
        """Take an alert away; False where the chat has no such alert."""
        link = self.market.link
        removed = await own.remove(link, str(chat), name)
        if removed:
            await endings.forget(link, [name])
            if not await own.of_chat(link, str(chat)):
                await self.book.remove(chat, chat_topic(str(chat)))
        return removed

    async def _last_told(self, chat: ChatId) -> Mapping[str, date]:
        topic, last = chat_topic(str(chat)), {}
        for each in await told.recent(self.market.link, _RECENT):
            if topic in each.topics and (name := _rule_of(each)):
                last[name] = each.at.astimezone(self.zone).date()
        return last


def is_over(telling: Telling, today: date) -> bool:
    """Tell whether a rule's last day has passed where its chat is."""
    return telling.until is not None and telling.until < today


def _threshold(understood: Understood) -> Threshold | None:
    """Return the one threshold that an alert on one instrument waits for; None for all others."""
    if len(understood.rules) != 1 or len(understood.symbols) != 1:
        return None
    return threshold_of(understood.rules[0])


def _rule_of(alert: Alert) -> str:
    match alert.facts:
        case Move(crossing=crossing):
            return crossing.rule
        case Condition(met=met):
            return met.rule
        case _:
            return ""
