"""Silence: what a chat wants to be left alone with now, as it has set it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.alerts.alert import Alert, Condition, Move, Sequel
from bot.chats.chat_id import ChatId
from bot.chats.silence import Silence, Silenced, holds
from bot.chats.subscription import instrument_topic
from bot.store.growing import growing
from bot.store.link import Link
from bot.store.silence import silence_of


@dataclass(frozen=True, slots=True)
class Silences:
    """Says what is held for a chat; its clocks are those of `zone` where the chat set none.

    It reads what the chat set each time it is asked, one small command, so whoever sets something is heeded
    at once.
    """

    link: Link
    zone: str

    async def __call__(self, chat: ChatId, alerts: Sequence[Alert], now: int) -> Mapping[str, Silenced]:
        """Return what is not to be told now, by fingerprint: until when it is held, or why it is dropped.

        `now` is machine milliseconds. In a replay nothing is held, so nothing is asked for either.
        """
        if all(each.replay_of is not None for each in alerts):
            return {}
        return await self.held_by(await self.of(chat), chat, alerts, now)

    async def held_by(
        self, silence: Silence, chat: ChatId, alerts: Sequence[Alert], now: int
    ) -> Mapping[str, Silenced]:
        """Return the same for what a chat is known to have set.

        What only changes a message that the chat sees makes no sound, and is not held.
        """
        if silence == Silence(silence.zone):
            return {}
        seen = await self._seen(chat, alerts)
        return holds(silence, (_bearing(each) for each in alerts if each.fingerprint not in seen), now)

    async def of(self, chat: ChatId) -> Silence:
        """Return what a chat set."""
        return await silence_of(self.link, chat, self.zone)

    async def _seen(self, chat: ChatId, alerts: Iterable[Alert]) -> frozenset[str]:
        """Return the sequels of what the chat is shown; the others wait with what they follow."""
        folds = {each.fingerprint: each.fold for each in alerts if isinstance(each.facts, Sequel)}
        if not folds:
            return frozenset()
        shown = await growing(self.link, chat, tuple(dict.fromkeys(folds.values())))
        return frozenset(fingerprint for fingerprint, fold in folds.items() if fold in shown)


def _bearing(alert: Alert) -> Alert:
    """Return an alert that bears on its instrument too: one of a chat's own rules names that chat alone."""
    match alert.facts:
        case Move(crossing=crossing):
            topic = instrument_topic(crossing.symbol)
        case Condition(met=met):
            topic = instrument_topic(met.symbol)
        case _:
            return alert
    return alert if topic in alert.topics else replace(alert, topics=(*alert.topics, topic))
