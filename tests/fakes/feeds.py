"""Feeds on loopback: conditional answers, redirects, and everything that a feed can do to a reader.

By hand, `python -m tests.fakes.feeds --port 8902` serves `/market.xml` with a new story every minute.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from types import TracebackType
from typing import Self

from aiohttp import web
from multidict import CIMultiDict

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Item:
    """One entry; what is None is not written, what is text is written escaped."""

    title: str | None
    link: str | None = None
    guid: str | None = None
    summary: str | None = None
    published: datetime | str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """What stands at a path."""

    body: bytes
    content_type: str = "application/rss+xml"
    etag: str | None = None
    last_modified: str | None = None
    packed: bool = False
    headings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    path: str
    headings: Mapping[str, str]


def rss(*items: Item, charset: str = "utf-8", declared: str | None = None) -> bytes:
    """Write an RSS 2.0 document in `charset`, declared as it is or as something else."""
    entries = "".join(
        "<item>"
        + _part("title", each.title)
        + _part("link", each.link)
        + _part("guid", each.guid)
        + _part("description", each.summary)
        + _part("pubDate", _date(each.published))
        + "</item>"
        for each in items
    )
    head = f'<?xml version="1.0" encoding="{declared or charset}"?>'
    return f'{head}<rss version="2.0"><channel><title>A feed</title>{entries}</channel></rss>'.encode(charset)


def atom(*items: Item) -> bytes:
    """Write an Atom document."""
    entries = "".join(
        "<entry>"
        + _part("title", each.title, ' type="html"')
        + (f'<link rel="alternate" href="{escape(each.link)}"/>' if each.link else "")
        + _part("id", each.guid)
        + _part("summary", each.summary, ' type="html"')
        + _part("updated", each.published.isoformat() if isinstance(each.published, datetime) else None)
        + "</entry>"
        for each in items
    )
    head = '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
    return f"{head}<title>A feed</title>{entries}</feed>".encode()


def _part(name: str, text: str | None, attributes: str = "") -> str:
    return "" if text is None else f"<{name}{attributes}>{escape(text)}</{name}>"


def _date(moment: datetime | str | None) -> str | None:
    return format_datetime(moment) if isinstance(moment, datetime) else moment


class FakeFeeds:
    """A server for the length of an `async with`; `url` plus a path is a feed's address."""

    def __init__(self, port: int = 0) -> None:
        self.journal: list[Asked] = []
        self.url = ""
        self._port = port
        self._handlers: dict[str, Handler] = {}
        self._over = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def put(self, path: str, document: Document) -> str:
        """Let a document stand at `path`; return its address."""

        async def give(request: web.Request) -> web.StreamResponse:
            marks = {"ETag": document.etag, "Last-Modified": document.last_modified}
            headings = CIMultiDict(
                {name: mark for name, mark in marks.items() if mark} | dict(document.headings)
            )
            same_tag = document.etag and request.headers.get("If-None-Match") == document.etag
            same_date = document.last_modified and (
                request.headers.get("If-Modified-Since") == document.last_modified
            )
            if same_tag or same_date:
                return web.Response(status=304, headers=headings)
            body = document.body
            if document.packed:
                headings["Content-Encoding"] = "gzip"
                body = gzip.compress(body)
            headings["Content-Type"] = document.content_type
            return web.Response(body=body, headers=headings)

        return self._at(path, give)

    def put_status(self, path: str, status: int) -> str:
        """Answer at `path` with nothing but a status."""

        async def give(request: web.Request) -> web.StreamResponse:
            return web.Response(status=status, text="Nothing here.")

        return self._at(path, give)

    def put_redirect(self, path: str, target: str, status: int = 301) -> str:
        """Lead on from `path` to `target`."""

        async def give(request: web.Request) -> web.StreamResponse:
            return web.Response(status=status, headers={"Location": target})

        return self._at(path, give)

    def put_stream(self, path: str, chunk: bytes, every: float, *, packed: bool = False) -> str:
        """Send `chunk` again and again, `every` so many seconds, until the reader has gone."""

        async def give(request: web.Request) -> web.StreamResponse:
            answer = web.StreamResponse(headers={"Content-Type": "application/rss+xml"})
            packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16) if packed else None
            if packed:
                answer.headers["Content-Encoding"] = "gzip"
            await answer.prepare(request)
            while not self._over.is_set():
                try:
                    await answer.write(chunk if packer is None else packer.compress(chunk))
                except ConnectionError:
                    break
                await asyncio.sleep(every)
            return answer

        return self._at(path, give)

    def asked(self, path: str) -> list[Asked]:
        """Return the requests for `path`, oldest first."""
        return [each for each in self.journal if each.path == path]

    def _at(self, path: str, handler: Handler) -> str:
        self._handlers[path] = handler
        return self.url + path

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.journal.append(Asked(request.path, dict(request.headers)))
        handler = self._handlers.get(request.path)
        return await handler(request) if handler else web.Response(status=404, text="Nothing here.")


_BY_HAND = (
    "Xiaomi announces a buyback of up to HK$10bn",
    "Alibaba lifts its buyback to US$25bn",
    "腾讯控股公布季度业绩",
    "China asks US-listed firms to ready more audit disclosure",
    "Hang Seng Tech index extends its rebound",
)


async def _serve(port: int) -> None:
    async with FakeFeeds(port) as fake:
        print(f"Feeds stand at {fake.url}/market.xml until you press Ctrl-C.")  # noqa: T201
        items: list[Item] = []
        while True:
            number = len(items)
            title = f"{_BY_HAND[number % len(_BY_HAND)]} ({number})"
            link = f"https://news.example/{number}"
            items.insert(0, Item(title, link, f"story-{number}", published=datetime.now(UTC)))
            fake.put("/market.xml", Document(rss(*items[:50]), etag=f'"{number}"'))
            await asyncio.sleep(60)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Feeds on loopback, with a new story every minute.")
    parser.add_argument("--port", type=int, default=8902)
    asyncio.run(_serve(parser.parse_args().port))
