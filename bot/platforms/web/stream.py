"""The page's messages as server-sent events: an open answer that a browser takes up again by itself.

::

    id: 1648022400000-0          the place of the message, which comes back as Last-Event-ID
    event: alert
    data: <article class="message">...

    event: beat                  every two seconds or so, so that a dead connection can be told from silence
    data:

    event: trouble               the store does not answer; the sentence that says so
    data: Redis at ... does not answer.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from bot.errors import Away
from bot.platforms.web.leaving import unless
from bot.platforms.web.text import clean
from bot.ports import PageFeed

_PLACE = re.compile(r"\d{1,19}(?:-\d{1,19})?", re.ASCII)
_RETRY_MS = 1000


@dataclass(frozen=True, slots=True)
class Events:
    """The messages of one session, as streams.

    Whoever ends the page sets `leaving`; every open stream then ends as it should. `pause` is the time in
    seconds until a store that was away is asked again.
    """

    feed: PageFeed
    session: str
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    pause: float = 2.0

    async def after(self, place: str) -> AsyncIterator[str]:
        """Give what comes after `place`, for as long as anybody listens."""
        yield f"retry: {_RETRY_MS}\n\n"
        while not self.leaving.is_set():
            try:
                shown = await unless(self.leaving, self.feed.after(self.session, place))
            except Away as error:
                yield event("trouble", clean(str(error)))
                await unless(self.leaving, asyncio.sleep(self.pause))
                continue
            if shown is None:
                return
            for each in shown:
                yield event("alert", each.html, each.place)
                place = each.place
            yield event("beat", "")


def event(name: str, data: str, place: str = "") -> str:
    """Write one event."""
    named = f"id: {place}\n" if place else ""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or ("",))
    return f"{named}event: {name}\n{lines}\n"


def read_place(*told: str | None) -> str:
    """Return the first place that a client told and that can be one; empty is the beginning."""
    return next((each for each in told if each and _PLACE.fullmatch(each)), "")
