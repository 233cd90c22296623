"""Tasks that end together: none of them is of use without the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable


async def together(*work: Awaitable[None]) -> None:
    """Do all of it until one part ends, and end the others with it; what ended it is raised as it is."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
