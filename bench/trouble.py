"""For how long two days of a troubled source hold the loop, with the servers that stand for the outside."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.figures import Figure
from bot.store.link import connect
from bot.store.server import embedded
from tests.acceptance.trouble import two_days

_HELD_MS, _THREADS = 250, 3


async def measured() -> list[Figure]:
    """Live through the two days of the acceptance test once more, and read what they cost."""
    with tempfile.TemporaryDirectory() as folder, embedded(Path(folder) / "redis") as place:
        link = await connect(place, "bench")
        try:
            seen = await two_days(link, Path(folder))
        finally:
            await link.close()
    return [
        Figure("two days of trouble: the loop held at most", seen.longest_hold * 1000, "ms", _HELD_MS),
        Figure(".. threads that waited for Yahoo", seen.threads, "", _THREADS),
        Figure(".. messages told, two of them true moves", len(seen.told), "", 5),
        Figure(".. requests for 1,022 looks", seen.requests, ""),
    ]
