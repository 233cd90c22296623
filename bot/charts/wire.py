"""What goes between a process and the child that draws for it: lengths, then bytes.

::

    to the child      4 bytes: how long what follows is    the facts as JSON
    from the child    4 bytes: how long what follows is    “P” and a PNG, or “E” and why there is none

The child draws until its standard input ends, which it also does when whoever started it is killed.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bot.errors import MarketbellError

HEAD: Final = struct.Struct(">I")
LONGEST: Final = 8 * 1024 * 1024
PICTURE, ERROR = b"P", b"E"

COMMAND: Final = (sys.executable, "-m", "bot.charts")
# Where `-m` finds this very code, wherever the process that asks was started.
PLACE: Final = Path(__file__).parents[2]

# All that a child needs of the environment: no token of ours is among it.
_KEPT = (
    "HOME",
    "LANG",
    "LC_ALL",
    "MPLCONFIGDIR",
    "PATH",
    "PYTHONPATH",
    "SYSTEMROOT",
    "TEMP",
    "TMPDIR",
    "USERPROFILE",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
)


class NotDrawn(MarketbellError):
    """A picture that could not be drawn, and why."""


def framed(body: bytes) -> bytes:
    """Put its length before what is sent; `NotDrawn` where it is longer than anything drawn here."""
    if len(body) > LONGEST:
        raise NotDrawn(f"a picture of {len(body):,} bytes of facts is larger than any that is drawn here")
    return HEAD.pack(len(body)) + body


def length_of(head: bytes) -> int:
    """Return how long the rest of a frame is; `NotDrawn` where that cannot be."""
    (length,) = HEAD.unpack(head)
    if not 0 < length <= LONGEST:
        raise NotDrawn("what the drawing process answers is no picture")
    return int(length)


def png_of(body: bytes) -> bytes:
    """Return the PNG in an answer; `NotDrawn` with the child's own reason where there is none."""
    kind, rest = body[:1], body[1:]
    if kind != PICTURE:
        raise NotDrawn(rest.decode(errors="replace"))
    return rest


def surroundings(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment that a child is started with."""
    held = os.environ if environment is None else environment
    return {name: held[name] for name in _KEPT if name in held}
