"""The matrix: which rows are played here, and how much of each in the whole run and in the shortened one."""

from __future__ import annotations

import asyncio
import random
import time
import traceback
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from tests.faults import outages, paces, rows, signals, troubles
from tests.faults.invariants import Tally
from tests.faults.rows import Play, Size


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it is played.

    `alone` says that it measures time, and nothing may run beside it, `kills` that as many processes are
    killed in it as its size says.
    """

    name: str
    play: Play
    whole: Size
    short: Size | None
    alone: bool = False
    kills: bool = False

    @property
    def injected(self) -> str:
        """What is done, in a few words."""
        return (self.play.__doc__ or "").strip().splitlines()[0]


MATRIX: tuple[Row, ...] = (
    Row("F1", rows.killed_raisers, Size(200, 4_000), Size(8, 240), kills=True),
    Row("F2", rows.killed_after_acceptance, Size(24, 600), Size(2, 48), kills=True),
    Row("F3", rows.killed_elsewhere, Size(60, 1_500), Size(3, 72), kills=True),
    Row("F3, at real paces", rows.killed_at_real_paces, Size(12, 96), None, kills=True),
    Row("F4", rows.asked_to_stop, Size(6, 200), Size(1, 24)),
    Row("F5", rows.stopped_leader, Size(10, 400), Size(2, 120), alone=True),
    Row("F5, a sender", rows.stopped_sender, Size(12, 240), None),
    Row("F6", rows.four_senders, Size(0, 2_600), Size(0, 200)),
    Row("F7", outages.killed_redis, Size(8, 800), Size(1, 80), alone=True, kills=True),
    Row("F8", outages.hanging_redis, Size(30, 100), None, alone=True),
    Row("F9", outages.lost_replies, Size(72, 600), Size(5, 30)),
    Row("F10", outages.forgetful_redis, Size(20, 300), Size(4, 60)),
    Row("F11", outages.refusing_redis, Size(2, 600), Size(1, 100)),
    Row("F12", outages.unusable_redis, Size(0, 0), None),
    Row("F13", paces.one_chat_asked_for_patience, Size(7, 40), Size(2, 6), alone=True),
    Row("F14", paces.everything_asked_for_patience, Size(0, 32), None, alone=True),
    Row("F15", troubles.failing_servers, Size(8, 200), Size(1, 24)),
    Row("F16", troubles.cut_connections, Size(20, 100), Size(2, 8)),
    Row("F17", troubles.nobody_there, Size(30, 200), None),
    Row("F17, past its age", troubles.too_old, Size(0, 30), None),
    Row("F17, bad lines", troubles.broken_lines, Size(10, 200), None),
    Row("F18", troubles.closed_chats, Size(0, 120), Size(0, 32)),
    Row("F19", troubles.unknown_refusals, Size(0, 40), None),
    Row("F20", troubles.migrated_group, Size(0, 200), Size(0, 30)),
    Row("F21", troubles.unreadable_markup, Size(12, 60), Size(3, 16)),
    Row("F22", signals.two_pollers, Size(0, 40), None),
    Row("F23", signals.mute_poll, Size(0, 40), None),
    Row("F31", signals.suspended, Size(5, 400), Size(1, 80)),
    Row("F33", signals.short_of_everything, Size(0, 240), None),
    Row("F34", signals.poison, Size(0, 300), Size(0, 40)),
    Row("F35", paces.burst, Size(0, 5_000), None, alone=True),
)


@dataclass(frozen=True, slots=True)
class Played:
    """A row that was played, what it came to, and in how many seconds."""

    row: Row
    tally: Tally
    seconds: float

    def __str__(self) -> str:
        """Write it as one line."""
        tally = self.tally
        said = (
            f"{self.row.name:<18} {self.row.injected} {tally.kills} kills, {tally.alerts} alerts, "
            f"{tally.deliveries} deliveries, {tally.lost} lost, {tally.repeated} repeated, "
            f"{tally.unknown} in doubt of which {tally.repeated_unknown} repeated, {self.seconds:.1f} s"
        )
        lines = [
            said,
            *(f"    {each}" for each in tally.notes),
            *(f"    WRONG: {each}" for each in tally.problems),
        ]
        return "\n".join(lines)


async def play(row: Row, size: Size, seed: int) -> Played:
    """Play a row; one that breaks off has its failure for a problem."""
    began = time.monotonic()
    try:
        tally = await row.play(random.Random(f"{seed} {row.name}"), size)
    except Exception as failure:  # noqa: BLE001 - a row that breaks off must not hide the others
        tally = Tally(problems=["".join(traceback.format_exception(failure))])
    return Played(row, tally, time.monotonic() - began)


async def play_all(wanted: Sequence[tuple[Row, Size]], seed: int, beside: int = 3) -> AsyncIterator[Played]:
    """Play rows, so many of them side by side where they do not measure time, and give each as it ends."""
    free = asyncio.Semaphore(beside)

    async def one(row: Row, size: Size) -> Played:
        async with free:
            return await play(row, size, seed)

    together = [one(row, size) for row, size in wanted if not row.alone]
    for ended in asyncio.as_completed(together):
        yield await ended
    for row, size in wanted:
        if row.alone:
            yield await play(row, size, seed)
