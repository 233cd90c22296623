"""Deliveries at the pace that Telegram permits, from one sender and from several with clocks that differ."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

from bench.delivery_stage import UNLIMITED, Stage, alert_of, each_once, private_chats, staged
from bench.figures import Figure
from bot.clock import machine_time

_PERMITTED = 30
_AHEAD = 200
"""Milliseconds between one clock and the next."""
_AT_FIRST = 5
"""What our own pace lets out at once: it is no part of the steady rate."""
_PAIRS = 5
_ROUND_TRIP = 100
"""Milliseconds, as Telegram takes: then the platform and not the processor is what is waited for."""
_HELD_S = 2
_SOON_MS = 2_000


async def paced(*, quick: bool = False) -> list[Figure]:
    """Work off one alert to many private chats, by one, two and four senders."""
    count, numbers = (60, (2,)) if quick else (3_000, (1, 2, 4))
    found: list[Figure] = []
    for senders in numbers:
        async with staged() as stage:
            found += await _paced(stage, senders, count)
    return found


async def _paced(stage: Stage, senders: int, count: int) -> list[Figure]:
    chats = private_chats(count)
    alert = alert_of("HSTECH")
    await stage.subscribe(chats, alert.topics[0])
    # One alone is ahead, too: the others' clocks are right, and it must not matter which one is not.
    await stage.start_senders([_AHEAD * (each + (senders == 1)) for each in range(senders)])
    await stage.tell([alert])
    await stage.settled(count, count / _PERMITTED * 1.5 + 30)
    journal = await stage.api.journal(stage.folder)
    each_once(journal, chats)
    moments = sorted(at for at, _ in journal.accepted)
    rate = (len(moments) - 1 - _AT_FIRST) / (moments[-1] - moments[_AT_FIRST])
    refused = (await stage.api.counts())["too many"]
    by = f"{senders} sender{'s' * (senders > 1)}"
    return [
        Figure(f"{count:,} chats told by {by}, of 30 a second", rate / _PERMITTED * 100, "%", least=97),
        Figure(f".. answers of 429, {by}", refused, "", below=1),
    ]


async def held(*, quick: bool = False) -> list[Figure]:
    """Compare how soon chats are told while one of them is held with how soon they are told otherwise."""
    count, pairs = (40, 1) if quick else (640, _PAIRS)
    times: dict[bool, list[float]] = {False: [], True: []}
    async with staged() as stage:
        await stage.api.order("limits", "off")
        await stage.api.order("delay", _ROUND_TRIP)
        await stage.start_senders([0], UNLIMITED)
        for pair in range(pairs):
            for turn in (pair % 2 == 0, pair % 2 == 1):
                number = 2 * pair + turn
                times[turn].append(await _told_in(stage, number, count, hold=turn))
    medians = {turn: statistics.median(each) * 1000 for turn, each in times.items()}
    return [
        Figure("a chat to its message while none is held, median", medians[False], "ms"),
        Figure(".. while another one is", medians[True], "ms"),
        Figure(".. differs by", abs(medians[True] / medians[False] - 1) * 100, "%", below=5),
    ]


async def _told_in(stage: Stage, number: int, count: int, *, hold: bool) -> float:
    """Tell `count` chats that nobody told before; return the median of how long that takes, in seconds.

    With `hold` one among the first is refused with 429 once, and is not counted.
    """
    chats = private_chats(count, first=number * count)
    alert = alert_of(f"{number:04}.HK")
    await stage.subscribe(chats, alert.topics[0])
    slow = chats[count // 8]
    if hold:
        await stage.api.order("slow", slow.chat, _HELD_S)
    before = len((await stage.api.journal(stage.folder)).accepted)
    due = machine_time() + _SOON_MS
    start = time.monotonic() + _SOON_MS / 1000
    await stage.tell([alert], lambda: due)
    await stage.settled(before + count, 60)
    journal = await stage.api.journal(stage.folder)
    told = _told_after(journal.accepted[before:], start)
    if len(told) != count or hold != (told[int(slow.chat)] > _HELD_S):
        raise AssertionError(f"{len(told)} of {count} were told, the one after {told.get(int(slow.chat))} s.")
    del told[int(slow.chat)]
    return statistics.median(told.values())


def _told_after(accepted: Sequence[tuple[float, int]], start: float) -> dict[int, float]:
    return {chat: at - start for at, chat in accepted}
