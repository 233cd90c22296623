"""The pictures of answers, kept for the browser that was just told where they are."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field

from bot.messages.blocks import Message

PATH = "/pictures/"

# As many answers as the page shows.
_MOST = 50


@dataclass(frozen=True, slots=True)
class Gallery:
    """The newest pictures, by a name that is made of what they show."""

    most: int = _MOST
    _held: OrderedDict[str, bytes] = field(default_factory=OrderedDict)

    def hang(self, message: Message) -> str:
        """Keep the picture of a message; return the path it is served under, empty where it has none."""
        if message.picture is None:
            return ""
        name = hashlib.sha256(message.picture.png).hexdigest()[:32]
        self._held[name] = message.picture.png
        self._held.move_to_end(name)
        while len(self._held) > self.most:
            self._held.popitem(last=False)
        return f"{PATH}{name}"

    def find(self, name: str) -> bytes | None:
        """Return a picture that is still kept."""
        return self._held.get(name)
