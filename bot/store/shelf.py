"""What is held for a chat: it waits beside the mailbox, and comes back to its head when its time comes."""

from __future__ import annotations

from collections.abc import Mapping

from bot.chats.chat_id import ChatId
from bot.chats.silence import Hold
from bot.store.link import Link
from bot.store.outbox import Claim


async def shelve(link: Link, claim: Claim, holds: Mapping[str, Hold]) -> bool:
    """Hold deliveries of a claimed chat; False where another sender has taken the chat over."""
    keys = [link.keys.claims(), link.keys.shelf(str(claim.chat))]
    arguments: list[str | float] = [link.keys.chats, str(claim.chat), claim.token]
    for fingerprint, hold in holds.items():
        arguments += [fingerprint, hold.until, hold.why]
    return str(await link.run("shelve", keys, arguments)) == "held"


async def unshelve(link: Link, chat: ChatId, now: int) -> int:
    """Let what is held for a chat be judged anew, at once; return how much that is."""
    name, route = str(chat), chat.route
    keys = [link.keys.shelf(name), link.keys.due(route), link.keys.wake(route), link.keys.claims()]
    return int(await link.run("unshelve", keys, [link.keys.chats, name, now]))
