"""What is told in words, and told again in the same words: a message is composed once for all its chats."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from bot.alerts.alert import Alert
from bot.messages.blocks import Message
from bot.messages.compose import compose
from bot.messages.held import compose_held
from bot.messages.missed import compose_missed
from bot.pipeline.dispatch import Words

_REMEMBERED = 500


@dataclass(frozen=True, slots=True)
class Wording:
    """Words by the clocks of a chat, or of `zone` where it has none; chats have no language of their own yet.

    An alert's facts never change once it is raised, so the same fingerprints are the same message.
    """

    zone: str
    _composed: OrderedDict[tuple[str, ...], Message] = field(init=False, default_factory=OrderedDict)

    def words(self) -> Words:
        """Return them as deliveries use them."""
        return Words(self._told, self._held, self._missed)

    def _told(self, alerts: Sequence[Alert], zone: str) -> Message:
        key = (zone, *(each.fingerprint for each in alerts))
        message = self._composed.get(key)
        if message is None:
            message = self._composed[key] = compose(alerts, self._zone(zone))
            if len(self._composed) > _REMEMBERED:
                self._composed.popitem(last=False)
        return message

    def _held(self, alerts: Sequence[Alert], why: str, until: int, zone: str) -> Message:
        return compose_held(alerts, why, self._zone(zone), until)

    def _missed(self, alerts: Sequence[Alert], zone: str) -> Message:
        return compose_missed(alerts, self._zone(zone))

    def _zone(self, name: str) -> ZoneInfo:
        return ZoneInfo(name or self.zone)
