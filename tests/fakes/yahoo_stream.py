"""Yahoo's stream of prices on loopback, as yfinance's client speaks to it, and how such streams go wrong."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, Self

from aiohttp import web
from yfinance.pricing_pb2 import PricingData

Welcome = Literal["open", "silent", "deaf", "no answer", "429"]

_REGULAR = 1


def pricing(symbol: str, price: float, made: datetime | None = None, **more: object) -> str:
    """Make a frame as Yahoo sends it; anything in `more` is added or stands in its place."""
    fields: dict[str, Any] = {
        "id": symbol,
        "price": price,
        "time": round((made or datetime.now(UTC)).timestamp() * 1000),
        "market_hours": _REGULAR,
    }
    message = PricingData(**(fields | more))
    encoded = base64.b64encode(message.SerializeToString()).decode()
    return json.dumps({"type": "pricing", "message": encoded})


@dataclass(slots=True)
class Connection:
    """One socket; over a silent one nothing is sent."""

    socket: web.WebSocketResponse
    request: web.Request
    silent: bool = False


@dataclass(slots=True)
class FakeYahooStream:
    """A server for the length of an `async with`; `url` is what the source is given.

    `welcome` is how the next connections are met: "silent" ones are accepted and told nothing, "deaf" ones
    are not listened to either, not even when they say goodbye, "no answer" leaves them in the handshake.
    `journal` holds each subscription as it came, `met` counts connections.
    """

    welcome: Welcome = "open"
    url: str = ""
    journal: list[tuple[str, ...]] = field(default_factory=list)
    met: int = 0
    _connections: list[Connection] = field(default_factory=list)
    _waiting: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/", self._serve)
        # Whoever hangs up during the handshake ends the handler that waits there.
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"ws://127.0.0.1:{self._runner.addresses[0][1]}/?version=2"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def open(self) -> int:
        """How many sockets are open, the deaf and those in a handshake among them."""
        return len(self._connections) + self._waiting

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something is true of the journal or of the sockets."""
        async with self._changed:
            await self._changed.wait_for(holds)

    async def subscribed(self, times: int = 1) -> None:
        """Wait until so many subscriptions have come in all."""
        await self.until(lambda: len(self.journal) >= times)

    async def tell(self, *frames: str) -> None:
        """Send frames to whoever is connected and is not kept in silence."""
        for each in list(self._connections):
            if not each.silent:
                for frame in frames:
                    await each.socket.send_str(frame)

    def fall_silent(self) -> None:
        """Keep the sockets open, and send nothing over them any more."""
        for each in self._connections:
            each.silent = True

    async def cut(self) -> None:
        """Break off all connections without a word."""
        for each in self._connections:
            if each.request.transport is not None:
                each.request.transport.abort()
        await self.until(lambda: not self._connections)

    async def close(self) -> None:
        """Close all connections in good order."""
        for each in list(self._connections):
            await each.socket.close()
        await self.until(lambda: not self._connections)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.met += 1
        await self._tell_changed()
        if self.welcome == "429":
            return web.Response(status=429)
        if self.welcome == "no answer":
            await self._leave_waiting()
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if self.welcome == "deaf":
            await self._leave_waiting()
        connection = Connection(socket, request, silent=self.welcome == "silent")
        self._connections.append(connection)
        try:
            async for message in socket:
                asked = json.loads(message.data)
                self.journal.append(tuple(asked["subscribe"]))
                await self._tell_changed()
        finally:
            self._connections.remove(connection)
            await self._tell_changed()
        return socket

    async def _leave_waiting(self) -> None:
        self._waiting += 1
        await self._tell_changed()
        try:
            await asyncio.Event().wait()
        finally:
            self._waiting -= 1
            await self._tell_changed()

    async def _tell_changed(self) -> None:
        async with self._changed:
            self._changed.notify_all()
