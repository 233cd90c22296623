"""A small worker, as a process: under the worker's lease it raises numbered stories and fans them out.

It is as the worker is in what matters here: it raises and fans out by the same code and the same lease,
writes down how far it came only after that, and looks again at what it may have looked at before. What it
lacks is a market, so that thousands of alerts come in seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from bot.clock import machine_time
from bot.errors import Away
from bot.pipeline.fan_out import FanOut
from bot.pipeline.raising import Fenced, Raiser
from bot.store import lease
from bot.store.link import Link, Place, connect
from tests.faults.stories import story

_AGAIN_S = 0.05


def said(word: str) -> None:
    """Say a line at once."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def position(book: Path) -> int:
    """Return the number of the first story that is not known to be raised."""
    return int(book.read_text()) if book.exists() else 0


def move(book: Path, number: int) -> None:
    """Write down, whole or not at all, that everything before `number` is raised."""
    beside = book.with_suffix(f".{os.getpid()}")
    beside.write_text(str(number))
    beside.replace(book)


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be raised: the stories before `last`, so many at a time, with seconds of `pause` between."""

    book: Path
    last: int
    together: int
    pause: float
    lease_ms: int
    token: str


async def hold(link: Link, work: Work) -> int:
    """Wait for the lease and return its epoch."""
    while True:
        now = machine_time()
        epoch = await lease.hold(link, work.token, now, now + work.lease_ms)
        if epoch:
            return epoch
        await asyncio.sleep(_AGAIN_S)


async def lead(link: Link, work: Work) -> None:
    """Raise and fan out until everything is, in the name of one epoch."""
    epoch = await hold(link, work)
    said(f"leads {epoch}")
    raiser, fan_out = Raiser(link, epoch, machine_time), FanOut(link, machine_time)
    await fan_out.work_off()
    while (first := position(work.book)) < work.last:
        numbers = range(first, min(first + work.together, work.last))
        await raiser.raise_all([story(number, machine_time()) for number in numbers])
        await fan_out.work_off()
        move(work.book, numbers.stop)
        now = machine_time()
        if await lease.hold(link, work.token, now, now + work.lease_ms) != epoch:
            raise Fenced("Another worker holds the lease.")
        await asyncio.sleep(work.pause)
    await fan_out.work_off()


async def main(work: Work) -> None:
    """Work until all is raised, whatever Redis does meanwhile."""
    link: Link | None = None
    while True:
        try:
            link = link or await connect(Place(url=os.environ["REDIS_URL"]), "live")
            await lead(link, work)
        except Away:
            await asyncio.sleep(_AGAIN_S)
        except Fenced:
            said("fenced")
        else:
            await link.close()
            said("done")
            return


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Raise numbered stories.")
    parser.add_argument("book", type=Path)
    parser.add_argument("--last", type=int, required=True)
    parser.add_argument("--together", type=int, default=1)
    parser.add_argument("--pause", type=float, default=0.0)
    parser.add_argument("--lease", type=float, default=1.0)
    given = parser.parse_args()
    asyncio.run(
        main(
            Work(
                given.book,
                given.last,
                given.together,
                given.pause,
                round(given.lease * 1000),
                secrets.token_hex(8),
            )
        )
    )
