"""One web socket to Slack, and whether anything still comes through it."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from bot.clock import MachineTime, machine_time
from bot.errors import Away
from bot.platforms.slack.client import UNHEARD, muted, part_of, refusal

_CLOSING = 2.0


@dataclass(slots=True)
class Socket:
    """A socket that Slack has greeted. `heard` is when it last said something, in milliseconds."""

    handler: AsyncSocketModeHandler
    now: MachineTime = machine_time
    heard: int = 0
    _greeted: str = ""
    _pinged: float = 0.0
    _greeting: asyncio.Event = field(default_factory=asyncio.Event)

    async def trouble(self) -> str:
        """Return why nothing can come through, or an empty text, and ask Slack for a sign until next time.

        The library sees a socket that was closed, but a socket can also be open and dead, or open and never
        greeted by Slack, which then sends nothing over it.
        """
        client = self.handler.client
        if not await client.is_connected() or client.current_session is None:
            return "the socket is closed"
        if self._greeted != await client.session_id():
            return "Slack did not greet the socket"
        if (client.last_ping_pong_time or 0.0) < self._pinged:
            return "Slack does not answer pings"
        self._pinged = self.now() / 1000
        try:
            await client.current_session.ping(f"sdk-ping-pong:{self._pinged}".encode())
        except (aiohttp.ClientError, OSError):
            return "the socket is broken"
        return ""

    async def close(self) -> None:
        """Close it, without waiting long for an answer that a dead socket does not give."""
        client = self.handler.client
        client.closed = True
        client.auto_reconnect_enabled = False
        tasks = [client.message_processor, client.current_session_monitor, client.message_receiver]
        held = [task for task in tasks if task is not None]
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        with suppress(TimeoutError, aiohttp.ClientError, OSError):
            async with asyncio.timeout(_CLOSING):
                await client.disconnect()  # type: ignore[no-untyped-call]
        await client.aiohttp_client_session.close()

    async def _note(self, message: aiohttp.WSMessage) -> None:
        self.heard = self.now()
        with suppress(ValueError):
            if json.loads(message.data).get("type") == "hello":
                self._greeted = await self.handler.client.session_id()
                self._greeting.set()

    async def _greet(self) -> None:
        self.handler.client.on_message_listeners.append(self._note)
        await self.handler.connect_async()  # type: ignore[no-untyped-call]
        await self._greeting.wait()


async def open_socket(app: AsyncApp, app_token: str, *, patience: float) -> Socket:
    """Open a socket and wait until Slack greets it.

    Raises `WrongServer` when Slack refuses the token and `Away` when there is no socket within `patience`
    seconds.
    """
    try:
        # Asked here first because the library would try a token that is refused again and again.
        answer = await app.client.apps_connections_open(app_token=app_token)
        address = str(part_of(answer, "url"))
    except UNHEARD as error:
        raise refusal(error, "SLACK_APP_TOKEN") from None
    socket = Socket(AsyncSocketModeHandler(app, app_token, logger=muted()))
    socket.handler.client.wss_uri = address
    try:
        async with asyncio.timeout(patience):
            await socket._greet()  # noqa: SLF001 - a socket is one before it is handed out
    except BaseException as error:
        await socket.close()
        if isinstance(error, TimeoutError):
            raise Away("Slack opens no socket.") from None
        raise
    return socket
