"""HTTP to the Bot API on aiohttp, and what became of a request in words that never hold the token.

The bot object does not know the token: its addresses say `<token>` where one belongs, and only this module
puts it in, at the last moment. Whatever else fails, logs or prints itself has nothing to give away.
"""

from __future__ import annotations

import json
from typing import Any, Final

import aiohttp
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData

TOKEN_GOES_HERE: Final = "<token>"  # noqa: S105 - the place of one

_CONNECT = 5.0
_READ = 10.0
_CONNECTIONS = 64
_UNTOLD_WAIT = 5_000
_TOO_MANY = 429
_SERVER_FAULT = 500
_LEAST_WAIT = 1_000


class NotConnected(NetworkError):
    """No connection could be made, so nothing was sent."""


class CutOff(NetworkError):
    """The connection broke after the request may have left."""


class NoAnswer(NetworkError):
    """What answered is not the Bot API: a gateway's page, a server fault, or no JSON."""


class TooFast(TelegramError):
    """Telegram asks to wait `wait` milliseconds."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"Too Many Requests: retry after {wait / 1000:g} s")
        self.wait = wait


class AiohttpRequest(BaseRequest):
    """One pool of connections for one bot; python-telegram-bot's own costs several times the CPU."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return "AiohttpRequest()"

    @property
    def read_timeout(self) -> float:
        """How long an answer may be silent, in seconds."""
        return _READ

    async def initialize(self) -> None:
        """Open the pool."""
        if self._session is None:
            # trust_env: who lives behind a proxy says so in HTTPS_PROXY.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
                headers={"User-Agent": "marketbell"},
                trust_env=True,
            )

    async def shutdown(self) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002 - aiohttp has none: the total holds
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002 - part of the time to connect
    ) -> tuple[int, bytes]:
        """Ask once; return the status and the body of an answer that the Bot API gave."""
        read = _READ if read_timeout is BaseRequest.DEFAULT_NONE else read_timeout or 0
        connect = _CONNECT if connect_timeout is BaseRequest.DEFAULT_NONE else connect_timeout or 0
        limits = aiohttp.ClientTimeout(
            total=connect + read, connect=connect, sock_connect=connect, sock_read=read
        )
        status, body = await self._exchange(method, url, _form(request_data), limits)
        _check(status, body)
        return status, body

    async def _exchange(
        self, method: str, url: str, form: aiohttp.FormData | dict[str, str], limits: aiohttp.ClientTimeout
    ) -> tuple[int, bytes]:
        if self._session is None:
            raise NotConnected("The connection to Telegram is closed")
        try:
            async with self._session.request(
                method, url.replace(TOKEN_GOES_HERE, self._token), data=form, timeout=limits
            ) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, OSError) as failure:
            told = _told(failure)
        # Raised out here because an exception remembers the one it was raised from, and that knows the URL.
        raise told


def _form(asked: RequestData | None) -> aiohttp.FormData | dict[str, str]:
    """Write what is asked as a form, in parts where it holds a file."""
    if asked is None or not asked.contains_files:
        return asked.json_parameters if asked else {}
    form = aiohttp.FormData(asked.json_parameters)
    for name, (file_name, content, kind) in asked.multipart_data.items():
        form.add_field(name, content, filename=file_name, content_type=kind)
    return form


def _told(failure: aiohttp.ClientError | OSError) -> NetworkError:
    """Say what failed without the address that was asked."""
    name = type(failure).__name__
    match failure:
        case aiohttp.ClientConnectorError():
            return NotConnected(f"Telegram cannot be reached: {failure.strerror or name}")
        case aiohttp.ConnectionTimeoutError():
            return NotConnected("Telegram cannot be reached: no connection in time")
        case aiohttp.ClientHttpProxyError() | aiohttp.InvalidURL():
            return NotConnected(f"Telegram cannot be reached: {name}")
        case TimeoutError():
            return TimedOut("Telegram did not answer in time")
    return CutOff(f"The connection to Telegram broke: {name}")


def _check(status: int, body: bytes) -> None:
    """Let through what python-telegram-bot reads rightly; tell the rest in our own errors."""
    if status >= _SERVER_FAULT:
        raise NoAnswer(f"Telegram answers with {status}")
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if status == _TOO_MANY:
        raise TooFast(_wait(answer))
    if not isinstance(answer, dict) or ("result" if answer.get("ok") else "description") not in answer:
        raise NoAnswer(f"Telegram answers {status} with what is no answer of the Bot API")


def _wait(answer: Any) -> int:
    try:
        return max(_LEAST_WAIT, int(float(answer["parameters"]["retry_after"]) * 1000))
    except (TypeError, KeyError, ValueError, OverflowError):
        return _UNTOLD_WAIT
