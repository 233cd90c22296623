"""How long to wait before trying again."""

from __future__ import annotations

from random import Random

_FIRST_MS = 1_000
_LONGEST_MS = 5 * 60 * 1_000


def backoff(attempt: int, chance: Random) -> int:
    """Return the milliseconds to wait after the `attempt`-th failure: full jitter, 1 s to 5 min at most."""
    ceiling = min(_LONGEST_MS, _FIRST_MS * 2 ** min(attempt, 16))
    return chance.randint(_FIRST_MS, max(ceiling, _FIRST_MS))
