"""The messages that the page was sent, in order."""

from __future__ import annotations

from dataclasses import dataclass

from bot.ports import Shown
from bot.store.alerts import KEPT_S
from bot.store.link import Link, reached

_KEPT = 100
_WAIT_MS = 2000


@dataclass(frozen=True, slots=True)
class StoredPage:
    """The page's feed in Redis; a delivery that is shown again stands there once."""

    link: Link

    async def show(self, session: str, delivery: str, html: str) -> str:
        """Add a message once, whatever is repeated; return its place."""
        keys = [self.link.keys.page(session), self.link.keys.page_marks(session)]
        return str(await self.link.run("show", keys, [delivery, html, _KEPT, KEPT_S]))

    async def replace(self, session: str, delivery: str, html: str) -> str | None:
        """Show a message anew; return its new place, or None where it is not there any more."""
        keys = [self.link.keys.page(session), self.link.keys.page_marks(session)]
        place = await self.link.run("replace", keys, [delivery, html, _KEPT])
        return None if place is None else str(place)

    async def recent(self, session: str) -> tuple[Shown, ...]:
        """Return the last hundred, oldest first."""
        async with reached():
            entries = await self.link.client.xrevrange(self.link.keys.page(session), count=_KEPT)
        return tuple(Shown(place, fields["html"]) for place, fields in reversed(entries))

    async def after(self, session: str, place: str) -> tuple[Shown, ...]:
        """Return what came after `place`, waiting up to two seconds for it."""
        async with reached():
            answer = await self.link.waiting.xread(
                {self.link.keys.page(session): place or "0"}, count=_KEPT, block=_WAIT_MS
            )
        return tuple(Shown(at, fields["html"]) for _, entries in answer or () for at, fields in entries)
