"""Ending: own rules of chats whose last day is over, or that tell once and have told, are taken away."""

from __future__ import annotations

from datetime import date

from bot.rules.conditions import Rule
from bot.store import endings, own
from bot.store.link import Link


async def end_over(link: Link, today: date) -> int:
    """Take away the chats' own rules whose last day is before `today`, in the chats' zone; return how many.

    The chats stay subscribed to what their own rules tell: of what was told last something may be on its way.
    """
    ended = 0
    while names := await endings.over(link, today):
        for rule in (await own.rules(link, names)).values():
            ended += await own.remove(link, rule.chat, rule.id)
        await endings.forget(link, names)
    return ended


async def end_told(link: Link, rule: Rule) -> bool:
    """Take away a chat's own rule that has just told, if it is over with that; tell whether it was.

    One that tells once does so of each instrument that it looks at: it is over only where that is one.
    """
    if not rule.chat or rule.telling.often != "once" or len(rule.symbols) != 1:
        return False
    await endings.forget(link, [rule.name])
    return await own.remove(link, rule.chat, rule.name)
