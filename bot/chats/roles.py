"""What somebody in a chat may do."""

from __future__ import annotations

from enum import IntEnum


class Role(IntEnum):
    """How far somebody is trusted; each may do what the ones before may."""

    STRANGER = 0
    READER = 1
    MEMBER = 2
    OWNER = 3
