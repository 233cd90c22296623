"""Messages that are shown and may grow: what each of them holds, and under what name it is found."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bot.chats.chat_id import ChatId
from bot.store.link import Link

GROWS_S = 3 * 24 * 3600
"""For how long a shown message is remembered."""


@dataclass(frozen=True, slots=True)
class Growing:
    """A message that alerts of one name have joined so far, its id on the platform, and when it was told.

    A name is a fold, which a message keeps to its end, or a group, which is left open for a short while only.
    Times are machine milliseconds.
    """

    name: str
    message_id: str
    told: int
    alerts: tuple[str, ...]


async def growing(link: Link, chat: ChatId, names: tuple[str, ...]) -> dict[str, Growing]:
    """Return the messages of a chat that go by one of `names`."""
    found = await link.read("HMGET", link.keys.growing(str(chat)), *names)
    return {name: _read(name, text) for name, text in zip(names, found, strict=True) if text is not None}


def written(message: Growing) -> str:
    """Write a message as it is kept under its name."""
    return json.dumps([message.message_id, message.told, *message.alerts])


def _read(name: str, text: str) -> Growing:
    message_id, told, *alerts = json.loads(text)
    return Growing(name, message_id, told, tuple(alerts))
