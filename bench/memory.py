"""What each process of the Procfile keeps in memory once it has worked, beside loopback servers."""

from __future__ import annotations

import random
import socket
import tempfile
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from bench.figures import Figure
from bench.synthetic import histories, instruments, weekdays_before
from bot.market.bars import Series
from bot.store import market as published
from bot.store.server import embedded, socket_of
from tests.acceptance.processes import TOKENS, Process, addresses, looking_into, running, settings, until
from tests.fakes import telegram as fake_telegram
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeTelegram
from tests.fakes.yahoo import FakeYahoo, quote
from tests.fakes.yahoo_stream import FakeYahooStream

# besides the 24 that config.yaml comes with, of which some exchange may be shut now
_MADE_UP, _WATCHED = 476, 500
# Charts that the worker asks for in its first minute.
_LOOKED_AT = 40
_TWO_YEARS = 504
_SEED = 9988
_WORKER_MIB, _OTHER_MIB = 250, 90
_OTHERS = ("sender", "telegram", "slack", "web")
_ALICE = 4242
_PATIENCE_S = 60
_HEAVY = ("pandas", "numpy")


async def measured() -> list[Figure]:
    """Start every part, let each do its work, and read what the system says of it."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(embedded(folder / "redis"))
        telegram = await stack.enter_async_context(FakeTelegram())
        slack = await stack.enter_async_context(FakeSlack())
        yahoo = await stack.enter_async_context(FakeYahoo())
        stream = await stack.enter_async_context(FakeYahooStream())
        port = _free_port()
        held, watched = _fill(yahoo)
        await _keep(folder / "redis", held)
        bot = fake_telegram.TOKEN.partition(":")[0]
        settings(
            folder,
            addresses(telegram, slack, yahoo.url, stream.url),
            instruments=watched,
            schedule="{quotes: 1, feeds: 60, requests: 600}",
            web=f'{{host: "127.0.0.1", port: {port}, names: []}}',
            access=f'{{owners: [], chats: ["telegram:{bot}:{_ALICE}"]}}',
            tell='{"web:page": [all]}',
        )
        environ = {
            **TOKENS,
            "REDIS_URL": f"unix://{socket_of(folder / 'redis')}",
            "XDG_DATA_HOME": str(folder / "home"),
        }
        parts = {
            part: await stack.enter_async_context(running(part, environ=environ, cwd=folder))
            for part in ("worker", *_OTHERS)
        }
        try:
            await _worked(parts, folder / "redis", slack, telegram, port)
        except BaseException as failure:
            failure.add_note("".join(each.said[-2000:] for each in parts.values()))
            raise
        return _figures(parts)


async def _keep(redis: Path, held: Iterable[Series]) -> None:
    """Keep bars where the worker finds them: it asks for no more than some charts a minute."""
    async with looking_into(redis, "live") as link:
        for series in held:
            await published.publish_history(link, series)


def _fill(yahoo: FakeYahoo) -> tuple[list[Series], str]:
    """Let Yahoo know instruments that trade round the clock; return their bars, and them as settings."""
    chance = random.Random(_SEED)  # noqa: S311 - prices, not secrets
    now = datetime.now(UTC)
    held: list[Series] = []
    lines: list[str] = []
    for number, each in enumerate(instruments(_MADE_UP)):
        symbol, kind = f"{each.symbol[:4]}-USD", "stock" if number % 2 else "index"
        lines.append(
            f'\n  - {{symbol: "{symbol}", kind: {kind}, exchange: CCCC, currency: USD, short: "{symbol}"}}'
        )
        (series,) = histories([each], weekdays_before(now.date(), _TWO_YEARS), chance).values()
        close = series.bars[-1].close
        held.append(replace(series, symbol=symbol))
        yahoo.put_history(symbol, series.bars, currency="USD")
        row = quote(symbol, close * 1.001, now, previous=close, high=close * 1.002, low=close, opened=close)
        yahoo.put({**row, "currency": "USD"})
    return held, "".join(lines)


async def _worked(
    parts: dict[str, Process], redis: Path, slack: FakeSlack, telegram: FakeTelegram, port: int
) -> None:
    """Wait until the worker has looked and every other part has answered."""
    async with looking_into(redis, "live") as link:

        async def has_looked() -> bool:
            if ended := [part for part, each in parts.items() if each.child.returncode is not None]:
                raise RuntimeError(f"Ended too early: {', '.join(ended)}.")
            return len(await published.quotes(link)) >= _LOOKED_AT and bool(await published.rates(link))

        await until(has_looked, _PATIENCE_S)
        telegram.say(_ALICE, _ALICE, "/quote 0001-USD")
        await until(lambda: any("0001-USD" in text for text in telegram.texts(_ALICE)))
        await slack.slash("/drawdown", "0002-USD")
        async with aiohttp.ClientSession() as session:
            for _ in range(3):
                async with session.get(f"http://127.0.0.1:{port}/") as page:
                    await page.read()
        worker = await published.worker(link)
        looked = 0 if worker is None else worker.ticked

        async def looked_again() -> bool:
            now = await published.worker(link)
            return now is not None and now.ticked > looked + 2000

        await until(looked_again)


def _figures(parts: dict[str, Process]) -> list[Figure]:
    found = []
    for part, process in parts.items():
        below = _WORKER_MIB if part == "worker" else _OTHER_MIB
        status = _status(process)
        watching = f", {_WATCHED} symbols x 2 years" if part == "worker" else ""
        found.append(Figure(f"{part}, resident{watching}", status["VmRSS"], "MiB", below=below))
        if part == "worker":
            found.append(Figure("  at its most", status["VmHWM"], "MiB"))
    heavy = sum(_loads_heavy(parts[part]) for part in _OTHERS)
    return [*found, Figure("parts besides the worker with pandas or numpy", heavy, "of 4", below=1)]


def _status(process: Process) -> dict[str, float]:
    """Return what the system says of a process's memory, in MiB."""
    lines = Path(f"/proc/{process.child.pid}/status").read_text().splitlines()
    return {
        name: int(value.split()[0]) / 1024
        for name, _, value in (line.partition(":") for line in lines)
        if name in {"VmRSS", "VmHWM"}
    }


def _loads_heavy(process: Process) -> bool:
    maps = Path(f"/proc/{process.child.pid}/maps").read_text()
    return any(f"/{name}/" in maps for name in _HEAVY)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port
