"""A socket that is replaced when it goes mute."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import MachineTime, machine_time
from bot.errors import Away, MarketbellError
from bot.platforms.slack.client import REFUSALS, UNHEARD, error_code
from bot.platforms.slack.socket import Socket


@dataclass(frozen=True, slots=True)
class Beat:
    """How often Slack is asked whether it is there, in seconds.

    After `misses` answers that did not come the socket is replaced, and so is one that was `quiet` for long:
    Slack is known to leave a socket open, answer its pings and send nothing over it. `patience` is the time
    that a new socket may take. A mute socket is replaced within two minutes, and none sooner than a minute
    after the one before, which is as often as Slack opens any.
    """

    every: float = 30.0
    misses: int = 2
    quiet: float = 75.0
    patience: float = 15.0


async def keep_open(
    opened: Callable[[], Awaitable[Socket]],
    client: AsyncWebClient,
    report: Callable[..., None],
    beat: Beat,
    now: MachineTime = machine_time,
) -> None:
    """Keep one socket open until cancelled; only the first one may be refused for good."""
    socket: Socket | None = None
    misses = beat.misses
    said = ""
    try:
        socket = await _first(opened, report)
        while True:
            await asyncio.sleep(beat.every)
            trouble = "there is no socket" if socket is None else await _trouble(socket, client)
            misses = misses + 1 if trouble else 0
            is_quiet = socket is not None and now() - socket.heard > beat.quiet * 1000
            if misses < beat.misses and not is_quiet:
                continue
            if trouble and not said:
                report("slack socket is mute", why=trouble)
                said = trouble
            try:
                # The new socket first: what comes in meanwhile comes over either.
                fresh = await opened()
            except MarketbellError as error:
                if str(error) != said:
                    report("slack socket does not open", why=str(error))
                    said = str(error)
                continue
            if socket is not None:
                await socket.close()
            socket, misses = fresh, 0
            if said:
                report("slack socket is open again")
                said = ""
    finally:
        if socket is not None:
            await socket.close()


async def _first(opened: Callable[[], Awaitable[Socket]], report: Callable[..., None]) -> Socket | None:
    try:
        return await opened()
    except Away as error:
        report("slack socket does not open", why=str(error))
        return None


async def _trouble(socket: Socket, client: AsyncWebClient) -> str:
    """Return why the bot does not hear Slack, or an empty text."""
    try:
        await client.auth_test()
    except UNHEARD as error:
        code = error_code(error)
        return f"Slack refuses the bot's token ({code})" if code in REFUSALS else "Slack does not answer"
    return await socket.trouble()
