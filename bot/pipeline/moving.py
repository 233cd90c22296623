"""Moving: a chat goes by another name, and everything that it asked for goes with it."""

from __future__ import annotations

from bot.chats.chat_id import ChatId
from bot.chats.subscription import chat_topic
from bot.store import chats, outbox, own
from bot.store.link import Link
from bot.store.outbox import Claim


async def move_chat(link: Link, claim: Claim, to: ChatId, now: int) -> None:
    """Give what a claimed chat asked for, what waits for it, and its own rules to its new name.

    Whoever is killed in between leaves a chat that hears what its own rules tell under either name.
    """
    was = str(claim.chat)
    await outbox.move(link, claim, to, now)
    if await own.of_chat(link, was):
        await chats.subscribe(link, to, chat_topic(str(to)), now)
        await own.move(link, was, str(to))
    await chats.unsubscribe(link, to, chat_topic(was))
