"""Who may ask the page anything, and what a browser may do with its answers.

A page without a password on a person's own machine has two enemies in their browser: a foreign site that
points its own name at this address, and a foreign site that posts here. The first is known by the Host
header, the second by Origin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.platforms.web.text import clean

_ALWAYS = frozenset({"localhost", "127.0.0.1", "::1"})
_READING = frozenset({"GET", "HEAD"})
_LONGEST_NAME = 253
_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        # Kept copies are asked about before they are shown: the page and its script belong together.
        "cache-control": "no-cache",
        "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
        "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
)


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets through what comes from this machine's own page, and puts the safety headers on every answer.

    `names` are the hosts that the page is called by besides localhost, on any port.
    """

    app: ASGIApp
    names: frozenset[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with a sentence."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope))
        await (refusal or self.app)(scope, receive, send_safely)

    def _refusal(self, method: str, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "")
        if host_name(host) not in self.names | _ALWAYS:
            called = clean(host)[:_LONGEST_NAME]
            return _refused(421, f"This page is not called “{called}”: to let it be, add that to web.names.")
        if method not in _READING and not _is_own(headers.get("origin", ""), host):
            return _refused(403, "Only the page itself may ask here: the Origin of this request is another.")
        return None


def host_name(host: str) -> str:
    """Return the name in a Host header or a setting, without port and brackets; empty where there is none."""
    bare_v6 = host.count(":") > 1 and not host.startswith("[")
    try:
        parts = urlsplit(f"//[{host}]" if bare_v6 else f"//{host}")
        name = parts.hostname or ""
        # Reading a port is what checks it.
        _ = parts.port
    except ValueError:
        return ""
    return name if parts.netloc and "@" not in host and not (parts.path or parts.query) else ""


def names_of(hosts: Iterable[str]) -> frozenset[str]:
    """Return the names that are meant by what was configured."""
    return frozenset(filter(None, map(host_name, hosts)))


def _is_own(origin: str, host: str) -> bool:
    scheme, between, own = origin.partition("://")
    return scheme in {"http", "https"} and between == "://" and own.casefold() == host.casefold()


def _refused(status: int, sentence: str) -> PlainTextResponse:
    return PlainTextResponse(f"{sentence}\n", status)
