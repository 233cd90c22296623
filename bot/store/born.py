"""Born: a mark that goes with all of the data, by which its loss is noticed."""

from __future__ import annotations

import secrets

from bot.store.link import Link, reached


async def born(link: Link) -> str:
    """Return the mark of the data that Redis holds, made now where there was none.

    Whoever gets another one than before knows that everything in between was lost.
    """
    async with reached():
        await link.client.set(link.keys.born(), secrets.token_hex(8), nx=True)
        return str(await link.client.get(link.keys.born()))
