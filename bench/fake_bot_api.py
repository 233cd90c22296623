"""A Bot API on loopback that costs next to nothing, so that what is measured is whoever asks it.

Run as ``python -m bench.fake_bot_api`` it is a process of its own. Its first line names the port; then it
takes a line and answers one: ``limits on|off``, ``slow CHAT SECONDS`` (the next message there is refused with
429), ``delay MILLISECONDS`` (between accepting and answering), ``count``, ``counts``, ``forget``, ``journal
FILE``.

The limits are Telegram's own, by GCRA: thirty messages a second in all with as many at once, one a second in
a private chat with three at once, twenty a minute in a group. `tests/fakes/telegram.py` is the stricter one.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import sys
import time
from array import array
from collections import Counter
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import cast
from urllib.parse import unquote_plus

TOKEN = "123456789:AAFakeFakeFakeFakeFakeFakeFakeFakeFak"  # noqa: S105 - opens nothing but this server

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHAT = re.compile(rb"(?:^|&)chat_id=(-?\d+|%2D\d+)")
_TEXT = re.compile(rb"(?:^|&)text=([^&]*)")
_MESSAGE = re.compile(rb"(?:^|&)message_id=(\d+)")
_TAG = re.compile(r"<[^>]*>")
_BOT = {
    "id": int(TOKEN.partition(":")[0]),
    "is_bot": True,
    "first_name": "Marketbell",
    "username": "marketbell_bot",
}
_ME = json.dumps({"ok": True, "result": _BOT}).encode()
_FROM = json.dumps(_BOT).encode()
_OK = 200
_LONGEST = 4096
_MOST_TEXTS = 4096
_HEAD = b"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


@dataclass(slots=True)
class Pace:
    """So many at once, then one an interval, for each key."""

    interval: float
    burst: int
    paid: dict[int, float] = field(default_factory=dict)

    def wait(self, key: int, now: float) -> float:
        """Return how many seconds are left until the next one may come."""
        return self.paid.get(key, 0.0) - (self.burst - 1) * self.interval - now

    def take(self, key: int, now: float) -> None:
        """Count one."""
        self.paid[key] = max(now, self.paid.get(key, 0.0)) + self.interval


@dataclass(slots=True)
class BotApi:
    """One bot's server: what it accepted, by chat and moment of the system's monotonic clock, and refused.

    `slow` are the chats whose next message is refused, and all others for so many seconds; `held` are those
    chats once it was. `delay` is what an answer takes on its way, in seconds.
    """

    limits: bool = True
    delay: float = 0.0
    slow: dict[int, int] = field(default_factory=dict)
    held: dict[int, float] = field(default_factory=dict)
    chats: array[int] = field(default_factory=lambda: array("q"))
    moments: array[float] = field(default_factory=lambda: array("d"))
    counts: Counter[str] = field(default_factory=Counter)
    texts: dict[bytes, bytes] = field(default_factory=dict)
    everybody: Pace = field(default_factory=lambda: Pace(1 / 30, 30))
    private: Pace = field(default_factory=lambda: Pace(1.0, 3))
    group: Pace = field(default_factory=lambda: Pace(3.0, 20))

    def forget(self) -> None:
        """Begin anew: nothing was ever accepted."""
        self.chats, self.moments = array("q"), array("d")
        self.counts.clear()
        self.texts.clear()
        self.slow.clear()
        self.held.clear()
        for each in (self.everybody, self.private, self.group):
            each.paid.clear()

    def answer(self, path: bytes, body: bytes) -> tuple[int, bytes]:
        """Return the status and the body that a request is answered with."""
        method = path.rpartition(b"/")[2]
        if method == b"sendMessage":
            return self._send(body)
        if method == b"editMessageText":
            return self._send(body, edited=True)
        if method == b"getMe":
            self.counts["asked who it is"] += 1
            return _OK, _ME
        return 404, b'{"ok":false,"error_code":404,"description":"Not Found"}'

    def _send(self, body: bytes, *, edited: bool = False) -> tuple[int, bytes]:
        found, text = _CHAT.search(body), _TEXT.search(body)
        if found is None or text is None:
            return _refused(400, "Bad Request: message text is empty")
        chat, now = int(found[1].replace(b"%2D", b"-")), time.monotonic()
        shown = self.texts.get(text[1]) or self._shown(text[1])
        if not shown:
            return _refused(400, "Bad Request: message is too long or empty")
        if seconds := self.slow.pop(chat, 0):
            self.held[chat] = now + seconds
        if self.held and (left := self.held.get(chat, 0) - now) > 0:
            return self._too_many(math.ceil(left))
        if self.limits:
            own = self.private if chat > 0 else self.group
            wait = max(self.everybody.wait(0, now), own.wait(chat, now))
            if wait > 0:
                return self._too_many(math.ceil(wait))
            self.everybody.take(0, now)
            own.take(chat, now)
        self.chats.append(chat)
        self.moments.append(now)
        self.counts["edited" if edited else "sent"] += 1
        message = _MESSAGE.search(body) if edited else None
        number = int(message[1]) if message else len(self.chats)
        return (
            _OK,
            b'{"ok":true,"result":{"message_id":%d,"from":%s,"chat":{"id":%d,"type":"%s"},"date":%d,%s}}'
            % (
                *(number, _FROM, chat, b"private" if chat > 0 else b"supergroup", int(time.time())),
                shown,
            ),
        )

    def _shown(self, written: bytes) -> bytes:
        """Return the text that a reader sees as Telegram answers it, or nothing where it cannot be shown."""
        text = unescape(_TAG.sub("", unquote_plus(written.decode()))).strip()
        if not text or len(text) > _LONGEST:
            return b""
        heading = len(text.split("\n", 1)[0])
        entities = [{"type": "bold", "offset": 0, "length": heading}]
        if len(self.texts) >= _MOST_TEXTS:
            self.texts.clear()
        shown = json.dumps({"text": text, "entities": entities})[1:-1].encode()
        self.texts[written] = shown
        return shown

    def _too_many(self, seconds: int) -> tuple[int, bytes]:
        self.counts["too many"] += 1
        return _refused(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def _refused(code: int, description: str, **parameters: int) -> tuple[int, bytes]:
    answer = {"ok": False, "error_code": code, "description": description}
    more = {"parameters": parameters} if parameters else {}
    return code, json.dumps(answer | more).encode()


class Wire(asyncio.Protocol):
    """One connection, kept open: requests come one after the other."""

    def __init__(self, api: BotApi) -> None:
        self._api = api
        self._come = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers go out by."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._come += data
        while self._transport is not None and (end := self._come.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._come, 0, end)
            until = end + 4 + (int(length[1]) if length else 0)
            if len(self._come) < until:
                return
            path = self._come[: self._come.index(b"\r\n")].split(b" ")[1]
            body, self._come = self._come[end + 4 : until], self._come[until:]
            status, answer = self._api.answer(path, body)
            whole = _HEAD % (status, b"OK" if status == _OK else b"Refused", len(answer)) + answer
            if self._api.delay:
                asyncio.get_running_loop().call_later(self._api.delay, self._transport.write, whole)
            else:
                self._transport.write(whole)


async def serve(port: int = 0) -> None:
    """Serve until standard input ends, taking orders there."""
    api, loop = BotApi(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Wire(api), "127.0.0.1", port, backlog=512)
    _say(server.sockets[0].getsockname()[1])
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async with server:
        async for order in orders:
            _say(_obeyed(api, order.decode().split()))


def _say(answer: object) -> None:
    sys.stdout.write(f"{answer}\n")
    sys.stdout.flush()


def _obeyed(api: BotApi, words: list[str]) -> str:
    match words:
        case ["limits", state]:
            api.limits = state == "on"
        case ["delay", milliseconds]:
            api.delay = float(milliseconds) / 1000
        case ["slow", chat, seconds]:
            api.slow[int(chat)] = int(seconds)
        case ["count"]:
            return str(len(api.chats))
        case ["counts"]:
            return json.dumps(api.counts)
        case ["forget"]:
            api.forget()
        case ["journal", file]:
            with Path(file).open("wb") as out:
                out.write(api.moments.tobytes() + api.chats.tobytes())
            return str(len(api.chats))
        case _:
            return f"unknown: {' '.join(words)}"
    return "done"


if __name__ == "__main__":
    asyncio.run(serve())
