"""A replay: recorded days walk through the very parts that watch the live market, at a chosen speed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bot.clock import MarketTime
from bot.config import Settings
from bot.errors import UsageError
from bot.messages.words import day
from bot.sources.calendars import load_schedule
from bot.sources.folder import read_folder, sample_folder
from bot.sources.tape import Tape
from bot.store import market as published
from bot.store.link import Link

if TYPE_CHECKING:
    # It loads what only the worker needs.
    from bot.app.active import Active

# A night is passed over: whoever watches a replay waits for sessions, not for sleep.
_LONGEST_GAP = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Replay:
    """What is replayed, how fast, and what messages call it."""

    tape: Tape
    present: MarketTime
    speed: float
    name: str

    @property
    def span(self) -> str:
        """The days that are replayed, in words."""
        first, last = self.tape.span
        return f"{day(first)} to {day(last)}"

    def drive(self, link: Link, said: Callable[[str], None]) -> Callable[[Active], Awaitable[None]]:
        """Return what walks an active worker through the tape, on from where the last one came to."""

        async def walk(active: Active) -> None:
            position = await published.position(link)
            moments = [each for each in self.tape.moments() if position is None or each > position]
            for at, moment in enumerate(moments):
                self.present.move(moment)
                await active.read_feeds()
                await active.look()
                await published.publish_position(link, moment)
                if at + 1 < len(moments):
                    gap = min(moments[at + 1] - moment, _LONGEST_GAP)
                    await asyncio.sleep(gap.total_seconds() / self.speed)
            said(f"The replay of {self.span} is over; Ctrl-C ends it.")

        return walk


def replay_of(settings: Settings, name: str, speed: float) -> Replay:
    """Make ready to replay a sample by its name, or the bars of a folder.

    Raises `UsageError` for a speed that leads nowhere, and `DataError` for a folder that cannot be read.
    """
    if speed <= 0:
        raise UsageError(f"A replay at speed {speed:g} never moves: choose one above 0, as in --speed 7200.")
    folder = Path(name)
    recorded = read_folder(folder if folder.is_dir() else sample_folder(name))
    instruments = tuple(each for each in settings.catalogue() if each.symbol in recorded.series)
    if not instruments:
        raise UsageError(f"Nothing in {name} is watched: config.yaml describes none of its symbols.")
    present = MarketTime()
    bars = [bar for each in instruments for bar in recorded.series[each.symbol].bars if bar.high is not None]
    span = (min(bar.session for bar in bars), max(bar.session for bar in bars))
    # The sample that comes along has no unusual day, and starts sooner without a library of calendars.
    exchanges = {each.exchange for each in instruments} if folder.is_dir() else ()
    tape = Tape(recorded, instruments, span, present, schedule=load_schedule(exchanges, *span))
    present.move(tape.moments()[0])
    return Replay(tape, present, speed, name)
