"""Deliveries a second where no platform holds anything up, beside python-telegram-bot."""

from __future__ import annotations

import asyncio
import sys

from bench.delivery_stage import (
    ROOT,
    UNLIMITED,
    Stage,
    alert_of,
    each_once,
    private_chats,
    processor_seconds,
    staged,
)
from bench.figures import Figure
from bot.clock import machine_time

_ALONE, _IN_ALL, _TIMES_STOCK = 1_500, 2_500, 2
_ALERTS, _CHATS = 60, 200
_STOCK = 3_000
_AT_ONCE = (1, 8, 32)
_ROUNDS = 2
_SOON_MS = 1_500
_PATIENCE_S = 120


async def fast(*, quick: bool = False) -> list[Figure]:
    """Let one, two and four senders work off the same, and python-telegram-bot in between."""
    alerts, chats, stock, rounds = (4, 25, 100, 1) if quick else (_ALERTS, _CHATS, _STOCK, _ROUNDS)
    ours: dict[int, float] = {}
    theirs: dict[int, float] = {}
    costs: list[Figure] = []
    for _ in range(rounds):
        for senders in (1, 2, 4):
            async with staged() as stage:
                rate, cost = await _ours(stage, senders, alerts, chats)
            if rate > ours.get(senders, 0):
                ours[senders] = rate
                costs = cost if senders == 1 else costs
            if senders == 1:
                for at_once in _AT_ONCE:
                    theirs[at_once] = max(theirs.get(at_once, 0), await _theirs(at_once, stock))
    at_once, best = max(theirs.items(), key=lambda each: each[1])
    return [
        Figure("deliveries a second from 1 sender, nothing held up", ours[1], "", least=_ALONE),
        *costs,
        Figure(".. from 2 senders on this machine", ours[2], "", least=_IN_ALL),
        Figure(".. from 4 senders", ours[4], "", least=_IN_ALL),
        *(Figure(f"python-telegram-bot, {each} at once", rate, "") for each, rate in theirs.items()),
        Figure(f"ours beside its best, {at_once} at once", ours[1] / best, "x", least=_TIMES_STOCK),
    ]


async def _ours(stage: Stage, number: int, alerts: int, chats: int) -> tuple[float, list[Figure]]:
    """Return the rate, and what a delivery costs which process."""
    await stage.api.order("limits", "off")
    count = alerts * chats
    everybody = private_chats(count)
    made = [alert_of(f"{number:04}.HK") for number in range(1, alerts + 1)]
    for at, each in enumerate(made):
        await stage.subscribe(everybody[at * chats : (at + 1) * chats], each.topics[0])
    await stage.start_senders([0] * number, UNLIMITED)
    due = machine_time() + _SOON_MS + count // 10
    await stage.tell(made, lambda: due)
    await asyncio.sleep(max(due - machine_time() - 100, 0) / 1000)
    redis = int((await stage.link.client.info("server"))["process_id"])
    senders = [each.pid for each in stage.senders]
    parts = {"sender": senders, "Redis": [redis], "Bot API": [stage.api.process.pid]}
    before = {part: sum(map(processor_seconds, pids)) for part, pids in parts.items()}
    await stage.settled(count, _PATIENCE_S)
    after = {part: sum(map(processor_seconds, pids)) for part, pids in parts.items()}
    journal = await stage.api.journal(stage.folder)
    each_once(journal, everybody)
    return journal.rate, [
        Figure(f".. the {part}'s processor time a delivery", (after[part] - before[part]) / count * 1e6, "us")
        for part in parts
    ]


async def _theirs(at_once: int, count: int) -> float:
    """Let python-telegram-bot send the same words with nothing besides; return messages a second."""
    async with staged() as stage:
        await stage.api.order("limits", "off")
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.delivery_stock"),
            *map(str, (stage.api.url, at_once, count)),
            cwd=ROOT,
        )
        if await child.wait():
            raise RuntimeError("python-telegram-bot could not send.")
        journal = await stage.api.journal(stage.folder)
        each_once(journal, private_chats(count))
        return journal.rate
