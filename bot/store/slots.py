"""The slots of what the worker does again and again: each is claimed in the name of its lease's epoch."""

from __future__ import annotations

from dataclasses import dataclass

from bot.store.link import Link


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of time in which a job is done once; machine milliseconds.

    It is `claimed` by who asked, and done already otherwise; the next one begins at `end`.
    """

    claimed: bool
    start: int
    end: int


async def claim(
    link: Link, epoch: int, job: str, now: int, period: int, *, anew: bool = False
) -> Slot | None:
    """Claim the present slot of a job that is due every `period` milliseconds; None for who is fenced.

    A slot that was claimed and never done is claimed again by whoever comes next. One that is done is claimed
    `anew` only in the name of a later epoch, which so looks for itself when it begins.
    """
    keys = [link.keys.epoch(), link.keys.slots()]
    arguments: list[str | float] = ["claim", epoch, job, now, period, int(anew)]
    verdict, *times = await link.run("slot", keys, arguments)
    return None if verdict == "fenced" else Slot(verdict == "claimed", *map(int, times))


async def done(link: Link, epoch: int, job: str, slot: Slot) -> None:
    """Say that a claimed slot is done; who is fenced by now says nothing."""
    keys = [link.keys.epoch(), link.keys.slots()]
    await link.run("slot", keys, ["done", epoch, job, slot.start, slot.end - slot.start])
