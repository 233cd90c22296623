"""One web socket to Yahoo through yfinance's client.

Loading this module loads yfinance and pandas, two seconds and 100 MB.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable
from typing import Any

from yfinance import AsyncWebSocket

from bot.sources.yahoo_failure import Limited, Silent, YahooFailure

_CLOSING = 0.5
_REFUSED = frozenset({401, 403, 429, 999})


class YahooSocket(AsyncWebSocket):  # type: ignore[misc]
    """yfinance's client: its address, its subscription and its repeating, and its reading of a message.

    Its own `listen` cannot be used. It swallows its cancellation; after an error it goes on with the socket
    that broke; and when Yahoo closes the connection in good order it spins without ever giving way, which
    holds everything else in the process for ever. So messages are `received` one by one, and the end is told.
    """

    def __init__(self, url: str | None) -> None:
        super().__init__(**({} if url is None else {"url": url}), verbose=False)
        # It writes a traceback at every failure; whoever holds this reports it once.
        self.logger = _muted()

    async def open(self, symbols: Iterable[str]) -> None:
        """Connect and subscribe; raises a `YahooFailure`."""
        try:
            await self.subscribe(list(symbols))
        except Exception as error:
            raise _failure_of(error, "does not open its stream") from error

    async def received(self) -> dict[str, Any] | None:
        """Return the next message, None for one that cannot be read; raises a `YahooFailure` at the end."""
        try:
            frame = await self._ws.recv()
        except Exception as error:
            raise _failure_of(error, "ended its stream") from error
        return self._read(frame)

    async def close(self) -> None:
        """Let go of the connection, without waiting long for an answer that a dead one does not give."""
        repeating, connection = self._heartbeat_task, self._ws
        if repeating is not None:
            repeating.cancel()
        if connection is not None:
            try:
                async with asyncio.timeout(_CLOSING):
                    await connection.close()
            except TimeoutError:
                pass
            finally:
                connection.transport.abort()
        if repeating is not None:
            await asyncio.wait((repeating,))

    def _read(self, frame: str | bytes) -> dict[str, Any] | None:
        try:
            said: dict[str, Any] = self._decode_message(json.loads(frame)["message"])
        except (ValueError, KeyError, TypeError):
            return None
        # So yfinance says that it could not read a message.
        return None if "error" in said else said


def _failure_of(error: Exception, what: str) -> YahooFailure:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in _REFUSED:
        return Limited(f"refuses its stream with status {status}")
    return Silent(f"{what} ({type(error).__name__})")


def _muted() -> logging.Logger:
    """Return a logger that says nothing and belongs to no tree, so no setting elsewhere can open it."""
    logger = logging.Logger("yahoo_socket")  # noqa: LOG001 - the tree would reach it
    logger.disabled = True
    logger.propagate = False
    return logger
