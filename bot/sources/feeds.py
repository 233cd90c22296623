"""Feeds over HTTP: asked for only what is new, and never waited or paid for without end."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

import aiohttp

from bot.errors import Away, GoneForGood
from bot.news.story import Story
from bot.sources.feed_parse import NoFeed, read_feed

_MEGABYTE = 1_000_000
_MOST_REDIRECTS = 3
_MOST_AT_ONCE = 8
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 64 * 1024
_GZIP = zlib.MAX_WBITS | 16
_ASKING = {
    "Accept": "application/rss+xml, application/atom+xml, application/feed+json, */*;q=0.5",
    "Accept-Encoding": "gzip",
    "User-Agent": "Marketbell (a feed reader)",
}


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A feed's answer: where it came from in the end, and what tells next time that it is still the same."""

    place: str
    body: bytes
    charset: str | None
    marks: dict[str, str]


class Feeds:
    """Stories from RSS, Atom and JSON feeds.

    A feed has `connect` seconds to take the connection and `total` for everything, being read included; its
    text may have `max_bytes`, however small it was packed. What it said last is remembered while this lives,
    so that an unchanged feed costs one short answer.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        max_bytes: int = 2 * _MEGABYTE,
        connect: float = 5.0,
        total: float = 15.0,
    ) -> None:
        self._now = now
        self._max_bytes = max_bytes
        self._connect = connect
        self._total = total
        self._marks: dict[str, dict[str, str]] = {}
        # Many threads that read at once would take the loop its turns.
        self._reading = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

    async def stories(self, address: str) -> tuple[Story, ...] | None:
        """Return what a feed holds now, or None if it is as it was when last asked.

        Raises `Away` when the feed does not answer, or answers with what is no feed, and `GoneForGood` where
        its server says that it is no more.
        """
        host = _host(address)
        try:
            async with asyncio.timeout(self._total):
                fetched = await self._fetch(address)
                if fetched is None:
                    return None
                async with self._reading:
                    stories = await asyncio.to_thread(
                        read_feed, fetched.body, fetched.charset, address, fetched.place, self._now()
                    )
        except NoFeed as error:
            raise Away(f"The feed at {host} {error}.") from error
        except TimeoutError as error:
            raise Away(f"The feed at {host} did not answer in time.") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # What aiohttp says holds the whole address, and that may hold a key.
            raise Away(f"The feed at {host} cannot be reached ({type(error).__name__}).") from error
        self._marks[address] = fetched.marks
        return stories

    def forget(self, address: str) -> None:
        """Ask for the whole feed next time, as when what it held was lost on the way."""
        self._marks.pop(address, None)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _fetch(self, address: str) -> _Fetched | None:
        marks = self._marks.get(address, {})
        asked = address
        for _ in range(_MOST_REDIRECTS + 1):
            if urlsplit(asked).scheme not in {"http", "https"}:
                raise NoFeed("leads to an address that is not http or https")
            async with self._get(asked, marks) as answer:
                if answer.status in _REDIRECTS and (target := answer.headers.get("Location")):
                    asked = urljoin(asked, target)
                    continue
                if answer.status == HTTPStatus.NOT_MODIFIED and marks:
                    return None
                if answer.status == HTTPStatus.GONE:
                    raise GoneForGood(f"The feed at {_host(address)} is gone for good (410).")
                if answer.status != HTTPStatus.OK:
                    raise NoFeed(f"answered with status {answer.status}")
                return _Fetched(asked, await self._body(answer), answer.charset, _marks_of(answer))
        raise NoFeed(f"leads on more than {_MOST_REDIRECTS} times")

    @asynccontextmanager
    async def _get(self, address: str, marks: dict[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_MOST_AT_ONCE, limit_per_host=1),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect),
                # Unpacked here, where it can be stopped.
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        async with self._session.get(address, headers=_ASKING | marks, allow_redirects=False) as answer:
            yield answer

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        unpack = _Unpacking(answer.headers.get("Content-Encoding", ""), self._max_bytes)
        async for chunk in answer.content.iter_chunked(_CHUNK):
            unpack.take(chunk)
        return unpack.all()


class _Unpacking:
    """Unpacks an answer as it comes, never more of it than `most`."""

    def __init__(self, encoding: str, most: int) -> None:
        packing = encoding.strip().lower()
        if packing not in {"", "identity", "gzip", "x-gzip"}:
            raise NoFeed("answered in a packing that was not asked for")
        self._unpack = None if packing in {"", "identity"} else zlib.decompressobj(_GZIP)
        self._most = most
        self._came = 0
        self._taken = bytearray()

    def take(self, chunk: bytes) -> None:
        """Add what came next; raises `NoFeed` where it is too much or damaged."""
        self._came += len(chunk)
        if self._unpack is None:
            self._taken += chunk
        else:
            try:
                # One byte beyond the cap tells that there is more, without unpacking it.
                self._taken += self._unpack.decompress(chunk, self._most + 1 - len(self._taken))
            except zlib.error as error:
                raise NoFeed("answered with a damaged packing") from error
        if max(self._came, len(self._taken)) > self._most:
            raise NoFeed(f"is larger than {self._most / _MEGABYTE:g} MB")

    def all(self) -> bytes:
        """Return everything; raises `NoFeed` where the end is missing."""
        if self._unpack is not None and not self._unpack.eof:
            raise NoFeed("broke off in the middle")
        return bytes(self._taken)


def _marks_of(answer: aiohttp.ClientResponse) -> dict[str, str]:
    marks = {"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"}
    return {ours: said for ours, theirs in marks.items() if (said := answer.headers.get(theirs))}


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or "no address"
    except ValueError:
        return "no address"
