"""What dispatching rests on: the store, the clock, the paces, the words, and how patient it is."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from bot.alerts.alert import Alert
from bot.chats.chat_id import ChatId
from bot.chats.silence import Silence, Silenced
from bot.clock import MachineTime
from bot.messages.blocks import Message
from bot.store import alerts as stored
from bot.store.link import Link
from bot.store.outbox import Pace
from bot.store.pace import Budget

_REMEMBERED = 2_000

Report = Callable[..., None]


class Wishes(Protocol):
    """When chats want to be left alone, and by which clocks they go."""

    async def of(self, chat: ChatId) -> Silence:
        """Return what a chat set."""
        ...

    async def held_by(
        self, silence: Silence, chat: ChatId, alerts: Sequence[Alert], now: int
    ) -> Mapping[str, Silenced]:
        """Return what is not to be told now, by fingerprint; `now` is machine milliseconds."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take, in milliseconds.

    `lease`: how long a sender may hold a chat, longer than its slowest send. `send`: when a send is given up
    as unknown. `doubt`: how long an unknown delivery waits before its one repeat. `oldest`: the age at which
    an alert is no longer told as if it were new. `group_for`: for how long a message is open for what the
    same rule tells next; 0 where nothing waits for anything.
    """

    lease: int = 60_000
    send: int = 30_000
    doubt: int = 30_000
    oldest: int = 24 * 3_600_000
    group_for: int = 60_000


@dataclass(frozen=True, slots=True)
class Words:
    """What a chat is told: of alerts as they come, of some that were held for a reason, of missed ones.

    The last argument is the zone whose clocks the chat goes by, "" for the operator's. What was held was so
    until a time in machine milliseconds.
    """

    told: Callable[[Sequence[Alert], str], Message]
    held: Callable[[Sequence[Alert], str, int, str], Message]
    missed: Callable[[Sequence[Alert], str], Message]


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Everything that the turns of all chats share."""

    link: Link
    words: Words
    budget_of: Callable[[str], Budget]
    pace_of: Callable[[ChatId], Pace]
    patience: Patience
    clock: MachineTime
    report: Report
    wishes: Wishes
    chance: Random = field(default_factory=Random)
    _known: OrderedDict[str, Alert] = field(init=False, default_factory=OrderedDict)

    async def alerts_of(self, fingerprints: Iterable[str]) -> dict[str, Alert]:
        """Return stored alerts without those that cannot be read; as they never change, each is read once."""
        wanted = list(dict.fromkeys(fingerprints))
        missing = [each for each in wanted if each not in self._known]
        if missing:
            self._known.update(await stored.alerts_of(self.link, missing))
        found = {each: self._known[each] for each in wanted if each in self._known}
        for each in found:
            self._known.move_to_end(each)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return found
