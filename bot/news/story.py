"""A story as a feed tells it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

_IDENTITY_LENGTH = 20


@dataclass(frozen=True, slots=True)
class Bearing:
    """Why a story bears on a topic: the phrases found in its title, and what its summary adds to them."""

    topic: str
    title: tuple[str, ...] = ()
    summary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """One story: where it stands, who tells it, and the topics that it bears on.

    `guid` is the feed's own name of it, `link` its canonical address. `published` is what the feed says, None
    where it says nothing. `bearings` say why it bears on its topics, where that is known.
    """

    feed: str
    guid: str
    link: str
    title: str
    summary: str
    published: datetime | None
    topics: tuple[str, ...] = ()
    bearings: tuple[Bearing, ...] = ()

    @property
    def identity(self) -> str:
        """What two feeds that carry the same story agree on: its address, or else its guid."""
        return hashlib.sha256((self.link or self.guid).encode()).hexdigest()[:_IDENTITY_LENGTH]
