"""What an answer does that still waits for something when the page ends."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def unless(leaving: asyncio.Event, coming: Coroutine[Any, Any, Result]) -> Result | None:
    """Wait for what is coming, but not for longer than the page is served; None is the end."""
    work = asyncio.ensure_future(coming)
    end = asyncio.ensure_future(leaving.wait())
    try:
        await asyncio.wait({work, end}, return_when=asyncio.FIRST_COMPLETED)
        return work.result() if work.done() else None
    finally:
        work.cancel()
        end.cancel()
