"""What chats set of their quiet hours, mutes, digests and zones: a hash a chat, a field a setting."""

from __future__ import annotations

from bot.chats.chat_id import ChatId
from bot.chats.silence import Silence, silence_from_fields, silence_to_fields
from bot.store.link import Link, reached


async def silence_of(link: Link, chat: ChatId, zone: str) -> Silence:
    """Return what a chat set; its clocks are those of `zone` where it set none."""
    async with reached():
        fields = await link.client.hgetall(link.keys.silence(str(chat)))
    return silence_from_fields(fields, zone)


async def change_silence(link: Link, chat: ChatId, was: Silence, now: Silence) -> None:
    """Write the settings in which `now` differs from `was`, all or none; asked again, it does the same.

    What somebody else in the chat sets at the same time stays, unless it is the very same setting.
    """
    before, after = silence_to_fields(was), silence_to_fields(now)
    changed = {name: text for name, text in after.items() if before.get(name) != text}
    gone = [name for name in before if name not in after]
    if not changed and not gone:
        return
    key = link.keys.silence(str(chat))
    async with reached(), link.client.pipeline(transaction=True) as pipe:
        if changed:
            pipe.hset(key, mapping=changed)
        if gone:
            pipe.hdel(key, *gone)
        await pipe.execute()
