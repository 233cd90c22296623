"""One alert to a hundred thousand chats: how soon it is queued, and what it takes of memory."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from bench.delivery_stage import UNLIMITED, Stage, alert_of, each_once, private_chats, staged, until
from bench.figures import Figure
from bot.clock import machine_time
from bot.pipeline.fan_out import FanOut
from bot.store import alerts as stored

_QUEUED_S, _BYTES, _SCRIPT_MS, _GROWN_MIB = 1.5, 200, 10, 5
_SHARES = (10, 50, 90)
_PATIENCE_S = 300


async def many(*, quick: bool = False) -> list[Figure]:
    """Queue one alert for everybody, then let one sender work it off."""
    count = 2_000 if quick else 100_000
    async with staged() as stage:
        await stage.api.order("limits", "off")
        chats = private_chats(count)
        alert = alert_of("HSTECH")
        await stage.subscribe(chats, alert.topics[0])
        await stage.start_senders([0], UNLIMITED)
        await _count_anew(stage)
        before = await _used(stage)
        # What is due at once would be worked off while it is queued: it is due once it has been weighed.
        due = machine_time() + (2_000 if quick else 8_000)
        await stored.raise_together(stage.link, 1, "bench", machine_time(), [alert])
        start = time.perf_counter()
        await FanOut(stage.link, lambda: due).work_off()
        queued = time.perf_counter() - start
        held = (await _used(stage) - before) / count
        if machine_time() >= due:
            raise AssertionError(f"It took {queued} s to queue them: some are sent already.")
        longest_queuing = await _longest(stage)
        await _count_anew(stage)
        resident = [await _resident_at(stage, count * share // 100) for share in _SHARES]
        await stage.settled(count, _PATIENCE_S)
        longest_sending = await _longest(stage)
        journal = await stage.api.journal(stage.folder)
        each_once(journal, chats)
        left = (await _used(stage) - before) / count
    of = f"{count:,} chats"
    return [
        Figure(f"one alert queued for {of}", queued, "s", below=_QUEUED_S),
        Figure(".. Redis holds of a pending delivery", held, "bytes", below=_BYTES + 1),
        Figure(".. and of one that was made", left, "bytes"),
        Figure(".. the longest script while it is queued", longest_queuing, "ms", below=_SCRIPT_MS),
        Figure(".. the longest one while it is worked off", longest_sending, "ms", below=_SCRIPT_MS),
        Figure(".. worked off by one sender, a second", journal.rate, ""),
        *(
            Figure(f".. the sender with {share}% of it made, resident", mib, "MiB")
            for share, mib in zip(_SHARES, resident, strict=True)
        ),
        Figure(".. grown from the first to the last", resident[-1] - resident[0], "MiB", below=_GROWN_MIB),
    ]


async def _used(stage: Stage) -> int:
    return int((await stage.link.client.info("memory"))["used_memory"])


async def _count_anew(stage: Stage) -> None:
    """Let the server forget how long its commands took, and say from now on what the longest one did."""
    client = stage.link.client
    await client.config_set("latency-tracking-info-percentiles", "50 99 100")
    await client.config_resetstat()


async def _longest(stage: Stage) -> float:
    """Return the milliseconds that the longest script took since."""
    spread = (await stage.link.client.info("latencystats"))["latency_percentiles_usec_evalsha"]
    return float(spread["p100"]) / 1000


async def _resident_at(stage: Stage, number: int) -> float:
    """Return what the sender keeps in memory once so many have been accepted, in MiB."""
    await until(partial(_accepted, stage, number), _PATIENCE_S)
    return _resident(stage.senders[0].pid)


def _resident(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(each.split()[1]) / 1024 for each in lines if each.startswith("VmRSS:"))


async def _accepted(stage: Stage, number: int) -> bool:
    return int(await stage.api.order("count")) >= number
