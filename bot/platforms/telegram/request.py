"""HTTP to the Bot API on aiohttp, and what became of a request in words that never hold the token.

The bot object does not know the token: its addresses say `<token>` where one belongs, and only this module
puts it in, at the last moment. Whatever else fails, logs or prints itself has nothing to give away.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from telegram import Bot
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData

from bot.alerts.outcome import asked_wait

TOKEN_GOES_HERE: Final = "<token>"  # noqa: S105 - the place of one

_CONNECT = 5.0
_READ = 10.0
_CONNECTIONS = 64
_OK = 200
_TOO_MANY = 429
_SERVER_FAULT = 500
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


class NotConnected(NetworkError):
    """No connection could be made, so nothing was sent."""


class CutOff(NetworkError):
    """The connection broke after the request may have left."""


class NoAnswer(NetworkError):
    """What answered is not the Bot API: a gateway's page, a server fault, or no JSON."""


class TooFast(TelegramError):
    """Telegram asks to wait `wait` milliseconds, or None where it does not say how long."""

    def __init__(self, wait: int | None) -> None:
        after = "" if wait is None else f": retry after {wait / 1000:g} s"
        super().__init__(f"Too Many Requests{after}")
        self.wait = wait


class AiohttpRequest(BaseRequest):
    """One pool of connections for one bot; python-telegram-bot's own costs several times the CPU."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._session: aiohttp.ClientSession | None = None
        self._proxies: dict[str, str | None] = {}

    def __repr__(self) -> str:
        return "AiohttpRequest()"

    @property
    def read_timeout(self) -> float:
        """How long an answer may be silent, in seconds."""
        return _READ

    async def initialize(self) -> None:
        """Open the pool."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS), headers={"User-Agent": "marketbell"}
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
        form, headers = _form(request_data)
        status, body = await self._exchange(method, url, form, headers, _limits(connect, read))
        _checked(status, body)
        return status, body

    async def ask(self, url: str, asked: Mapping[str, str]) -> Any:
        """Ask with parameters that are text already; return what the Bot API gives, as its JSON says it.

        What python-telegram-bot makes of an answer costs more than to send it, and a delivery needs no more
        than the message's id. What is refused raises what python-telegram-bot raises.
        """
        status, body = await self._exchange("POST", url, urlencode(asked).encode(), _FORM, _USUAL)
        answer = _checked(status, body)
        if status == _OK and answer.get("ok"):
            return answer["result"]
        return await _Answered(status, body).post(url)

    async def _exchange(
        self,
        method: str,
        url: str,
        form: aiohttp.FormData | bytes | None,
        headers: Mapping[str, str] | None,
        limits: aiohttp.ClientTimeout,
    ) -> tuple[int, bytes]:
        if self._session is None:
            raise NotConnected("The connection to Telegram is closed")
        proxy = self._proxy(url)
        address = url.replace(TOKEN_GOES_HERE, self._token)
        # In two turns the loop sees which of the open connections the server has closed: what is written to
        # such a one fails, and nobody could tell whether it arrived.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        try:
            async with self._session.request(
                method, address, data=form, headers=headers, timeout=limits, proxy=proxy
            ) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, OSError) as failure:
            told = _told(failure)
        # Raised out here because an exception remembers the one it was raised from, and that knows the URL.
        raise told

    def _proxy(self, url: str) -> str | None:
        """Return the proxy on the way to a server: who lives behind one says so in HTTPS_PROXY.

        aiohttp would read the environment and a file of passwords anew at each request, in threads.
        """
        server = url.partition(TOKEN_GOES_HERE)[0]
        if server not in self._proxies:
            at = urlsplit(server)
            passed_by = at.hostname is None or proxy_bypass(at.hostname)
            self._proxies[server] = None if passed_by else getproxies().get(at.scheme)
        return self._proxies[server]


class _Answered(BaseRequest):
    """A request that was answered: python-telegram-bot makes the errors that it stands for."""

    def __init__(self, status: int, body: bytes) -> None:
        self._answer = (status, body)

    @property
    def read_timeout(self) -> float:
        return 0

    async def initialize(self) -> None:
        """Nothing is opened."""

    async def shutdown(self) -> None:
        """Nothing was opened."""

    async def do_request(self, *_: Any, **__: Any) -> tuple[int, bytes]:
        return self._answer


async def ask(bot: Bot, method: str, asked: Mapping[str, str]) -> Any:
    """Ask the Bot API through the connection of `bot`; return its result as JSON says it."""
    request = bot.request
    if not isinstance(request, AiohttpRequest):
        raise TypeError(f"{request!r} is no connection of ours")
    return await request.ask(f"{bot.base_url}/{method}", asked)


def _limits(connect: float, read: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=connect + read, connect=connect, sock_connect=connect, sock_read=read)


_USUAL: Final = _limits(_CONNECT, _READ)


def _form(asked: RequestData | None) -> tuple[aiohttp.FormData | bytes | None, Mapping[str, str] | None]:
    """Write what is asked as a form with its headers, in parts where it holds a file."""
    if asked is None:
        return None, None
    if not asked.contains_files:
        return urlencode(asked.json_parameters).encode(), _FORM
    form = aiohttp.FormData(asked.json_parameters)
    for name, (file_name, content, kind) in asked.multipart_data.items():
        form.add_field(name, content, filename=file_name, content_type=kind)
    return form, None


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


def _checked(status: int, body: bytes) -> dict[str, Any]:
    """Return an answer that python-telegram-bot reads rightly; tell the rest in our own errors."""
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
    return answer


def _wait(answer: Any) -> int | None:
    """Read how long to wait, where Telegram says so in a way that can be meant."""
    try:
        seconds = answer["parameters"]["retry_after"]
    except (TypeError, KeyError):
        return None
    return asked_wait(seconds) if type(seconds) in {int, float} else None
