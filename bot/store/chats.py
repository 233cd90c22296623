"""Chats and what they asked for."""

from __future__ import annotations

from bot.chats.chat_id import ChatId
from bot.chats.subscription import Subscription
from bot.store.link import Link, reached

_REMEMBERED_S = 15 * 60


async def subscriptions(link: Link, chat: ChatId) -> tuple[Subscription, ...]:
    """Return what a chat asked for, oldest first."""
    async with reached():
        held = await link.client.hgetall(link.keys.subscriptions(str(chat)))
    found = (Subscription(topic, int(since)) for topic, since in held.items())
    return tuple(sorted(found, key=lambda each: (each.since, each.topic)))


async def subscribe(link: Link, chat: ChatId, topic: str, now: int) -> bool:
    """Subscribe a chat; False where it was subscribed already."""
    keys = [link.keys.subscriptions(str(chat)), f"{link.keys.chats}sub:{topic}", f"{link.keys.chats}joins"]
    return bool(await link.run("subscribe", keys, [str(chat), topic, now]))


async def unsubscribe(link: Link, chat: ChatId, topic: str) -> bool:
    """Take a topic from a chat; False where it had not asked for it."""
    async with reached(), link.client.pipeline(transaction=True) as pipe:
        pipe.hdel(link.keys.subscriptions(str(chat)), topic)
        pipe.zrem(f"{link.keys.chats}sub:{topic}", str(chat))
        removed, _ = await pipe.execute()
    return bool(removed)


async def come_back(link: Link, chat: ChatId) -> None:
    """Let a chat that was gone hear again."""
    async with reached():
        await link.client.hdel(link.keys.gone(), str(chat))


async def first(link: Link, name: str) -> bool:
    """Tell whether `name` is met for the first time in the last quarter of an hour."""
    async with reached():
        return bool(await link.client.set(link.keys.once(name), 1, nx=True, ex=_REMEMBERED_S))
