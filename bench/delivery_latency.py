"""From a quote's arrival in the worker to its message's acceptance, nothing else going on."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from bench.delivery_stage import ROOT, UNLIMITED, Stage, private_chats, staged, until
from bench.figures import Figure, percentile
from bench.quotes import Market, NoSource
from bench.synthetic import TODAY, histories, instruments
from bot.chats.subscription import instrument_topic
from bot.clock import machine_time
from bot.config.reading import read_settings
from bot.market.catalogue import Catalogue
from bot.market.schedule import Schedule
from bot.pipeline.fan_out import FanOut
from bot.pipeline.following import Following
from bot.pipeline.raising import Raiser
from bot.pipeline.watch import Watch
from bot.rules.conditions import Rule
from bot.sources.calendars import load_schedule
from bot.store import lease
from bot.store import market as published

_SEED = 703
_SESSIONS = 300
_BACK, _AHEAD = timedelta(days=800), timedelta(days=370)
_JUMP = 0.025
"""Beyond the first step of the day, and not the second."""
_APART = timedelta(seconds=15)
"""Market time between two alerts of one rule, so that they are no flood."""
_IDLE_S = (0.05, 0.25)
_MEDIAN_MS, _P99_MS = 15, 75
_PATIENCE_S = 10


@dataclass(frozen=True, slots=True)
class _Worker:
    """What a worker does with a quote that comes in, without the source that it comes from."""

    watch: Watch
    raiser: Raiser
    following: Following
    fan_out: FanOut
    market: Market

    async def look(self, symbol: str, by: float) -> tuple[float, float]:
        """Look at the next quote of a symbol; return when it arrived and when it was fanned out."""
        self.market.moment += _APART
        quote = self.market.move(symbol, by)
        arrived = time.monotonic()
        raised = await self.watch.tick([quote], self.raiser)
        await self.following.look(self.watch.quotes, raised, quote.time, self.raiser)
        await self.fan_out.work_off()
        return arrived, time.monotonic()


async def soon(*, quick: bool = False) -> list[Figure]:
    """Let one instrument after the other reach a step, each for a chat of its own, while all is idle."""
    count = 8 if quick else 250
    chance = random.Random(_SEED)  # noqa: S311 - prices, not secrets
    async with staged() as stage:
        await stage.api.order("limits", "off")
        watched = Catalogue.of(instruments(count))
        chats = dict(zip(watched.by_symbol, private_chats(count), strict=True))
        for symbol, chat in chats.items():
            await stage.subscribe([chat], instrument_topic(symbol))
        worker = await _worker(stage, watched, chance)
        await stage.start_senders([0], UNLIMITED)
        looked: dict[int, tuple[float, float]] = {}
        for number, (symbol, chat) in enumerate(chats.items()):
            await asyncio.sleep(chance.uniform(*_IDLE_S))
            looked[int(chat.chat)] = await worker.look(symbol, _JUMP)
            await until(partial(_told, stage, number + 1), _PATIENCE_S)
        journal = await stage.api.journal(stage.folder)
    whole = [(at - looked[chat][0]) * 1000 for at, chat in journal.accepted]
    ours = [(fanned - arrived) * 1000 for arrived, fanned in looked.values()]
    if len(whole) != count:
        raise AssertionError(f"{len(whole)} of {count} were told.")
    name = f"a quote to the platform's acceptance, idle, median of {count}"
    return [
        Figure(name, percentile(whole, 50), "ms", _MEDIAN_MS),
        Figure(".. p99", percentile(whole, 99), "ms", _P99_MS),
        Figure(".. of it in the worker, until it is fanned out, median", percentile(ours, 50), "ms"),
    ]


async def _told(stage: Stage, number: int) -> bool:
    return int(await stage.api.order("count")) >= number


async def _worker(stage: Stage, watched: Catalogue, chance: random.Random) -> _Worker:
    """Return a worker that has looked at every instrument once this session, and told nothing."""
    whole = load_schedule({"XHKG"}, TODAY - _BACK, TODAY + _AHEAD)
    days = whole.sessions_between("XHKG", TODAY - _BACK, TODAY - timedelta(days=1))[-_SESSIONS:]
    for series in histories(watched, [each.session for each in days], chance).values():
        await published.publish_history(stage.link, series)
    schedule = Schedule({"XHKG": whole.exchanges["XHKG"]})
    watch = Watch(stage.link, NoSource(), _rules(watched), watched, machine_time, _silent, schedule)
    await watch.load()
    now = machine_time()
    raiser = Raiser(stage.link, await lease.hold(stage.link, "bench", now, now + 600_000), machine_time)
    market = Market.after(watch.histories, chance)
    await watch.tick([market.move(each, 0) for each in watched.by_symbol], raiser)
    following = Following(stage.link, machine_time)
    return _Worker(watch, raiser, following, FanOut(stage.link, machine_time), market)


def _rules(watched: Catalogue) -> Sequence[Rule]:
    """Return one rule of fixed steps of the day, each told by itself, for every instrument."""
    every = frozenset(watched.by_symbol)
    rules = read_settings(ROOT / "config.yaml").rules_of("loud")
    return tuple(replace(each, symbols=every) for each in rules if each.name == "index_day")


def _silent(event: str, **facts: object) -> None:
    """Keep the log out of what is measured."""
