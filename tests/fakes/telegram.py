"""A Bot API on loopback: the real wire format, the real limits, and faults on demand.

In a test::

    async with FakeTelegram() as fake:
        bot = await connect(fake.token, fake.url)

By hand: ``python -m tests.fakes.telegram --port 8081``, then ``TELEGRAM_TOKEN`` as it is printed.

Stricter than Telegram in one thing: a bare ``&`` is refused, as the Bot API's text says it may be.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import re
import struct
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.fakes.pace import Pace, busiest, over

TOKEN = "123456789:AAFakeFakeFakeFakeFakeFakeFakeFakeFak"

_TAGS = re.compile("a|b|strong|i|em|s|strike|del|u|ins|tg-spoiler|tg-emoji|span|pre|code|blockquote")
_MARKUP = re.compile(r"<(/?)([^\s>]*)([^>]*)>|(<)|&(#\d{1,7}|#x[0-9a-fA-F]{1,6}|lt|gt|amp|quot);|(&)")
_ATTRIBUTES = re.compile(r"""(?:\s+[a-z-]+=(?:"[^"]*"|'[^']*'|[A-Za-z0-9.-]+))*\s*""")
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_LONGEST = 4096
_LONGEST_CAPTION = 1024
_LARGEST_PHOTO = 10 * 1024 * 1024
_PNG = b"\x89PNG\r\n\x1a\n"

_COUNTED = {"sendMessage", "sendPhoto", "editMessageText"}

_RIGHTS = (
    "can_be_edited",
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)
_GIFTS = (
    "unlimited_gifts",
    "limited_gifts",
    "unique_gifts",
    "premium_subscription",
    "gifts_from_channels",
)


@dataclass(slots=True)
class Call:
    """One request as it came in; `code` is what it was answered with, None while it is not or was cut.

    `over` names the limit that it went beyond: of the bot, of a private chat or of a group.
    """

    at: float
    method: str
    params: dict[str, str]
    code: int | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    over: str = ""

    @property
    def chat(self) -> int:
        return int(self.params.get("chat_id", "0"))


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that the chat shows: what a reader sees, and the text as it was sent, below any photo."""

    at: float
    message_id: int
    chat: int
    text: str
    raw: str
    parse_mode: str
    thread: str
    photo: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """Refuse in the Bot API's own words."""

    code: int
    description: str
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """Do not accept, and answer as no Bot API does: a gateway's page, broken JSON, nothing."""

    code: int
    body: str


@dataclass(frozen=True, slots=True)
class DropBefore:
    """Cut the connection without accepting."""


@dataclass(frozen=True, slots=True)
class DropAfter:
    """Accept, then cut the connection instead of answering."""


@dataclass(frozen=True, slots=True)
class Late:
    """Accept at once and answer after `seconds`."""

    seconds: float


Fault = Answer | Page | DropBefore | DropAfter | Late

GATEWAY = Page(502, "<html><head><title>502 Bad Gateway</title></head></html>")
NO_JSON = Page(200, '{"ok": true, "resu')
EMPTY = Page(200, "")


@dataclass(slots=True)
class _Scripted:
    fault: Fault
    method: str | None
    chat: int | None
    times: int

    def fits(self, call: Call) -> bool:
        return (
            self.times > 0
            and self.method in {None, call.method}
            and (self.chat is None or self.chat == call.chat)
        )


@dataclass(slots=True)
class _Refusal(Exception):
    answer: Answer


class FakeTelegram:
    """One bot's server; `journal` holds every request, `messages` what each chat shows."""

    def __init__(
        self,
        *,
        token: str = TOKEN,
        username: str = "marketbell_bot",
        limits: bool = True,
        port: int = 0,
        on_request: Callable[[Call], None] = lambda _: None,
        on_accepted: Callable[[Accepted], None] = lambda _: None,
    ) -> None:
        self.token = token
        self.limits = limits
        self.on_request = on_request
        self.on_accepted = on_accepted
        self.journal: list[Call] = []
        self.messages: dict[int, list[Accepted]] = defaultdict(list)
        self.edits: dict[int, list[Accepted]] = defaultdict(list)
        self.commands: list[dict[str, str]] = []
        self.administrators: dict[int, set[int]] = defaultdict(set)
        self.refusing: dict[int, Answer] = {}
        self._me = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Marketbell",
            "username": username,
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }
        self._port = port
        self._runner: web.AppRunner | None = None
        self._scripted: list[_Scripted] = []
        self._updates: list[dict[str, Any]] = []
        self._update_id = 1000
        self._message_id = 0
        self._poll: asyncio.Future[bool] | None = None
        # The messages that were sent beyond what is free, each for a tenth of a Star.
        self.paid = 0
        self._everybody = Pace("bot", 1 / 30, 30)
        self._paying = Pace("bot", 1 / 1000, 1000)
        self._private = Pace("private chat", 1, 3)
        self._group = Pace("group", 3, 20)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, after `stop` on the same port again."""
        app = web.Application(client_max_size=2 * _LARGEST_PHOTO)
        app.router.add_route("*", "/bot{token}/{method}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Refuse connections; what was accepted and what waits is kept."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def calls(self, method: str) -> list[Call]:
        return [call for call in self.journal if call.method == method]

    @property
    def too_fast(self) -> list[Call]:
        """The requests that went beyond a limit."""
        return [call for call in self.journal if call.over]

    def busiest(self, seconds: float = 1.0, chat: int | None = None) -> int:
        """Return how many messages and changes were taken within so many seconds at the most."""
        taken = (
            call.at
            for call in self.journal
            if call.method in _COUNTED and call.code == 200 and chat in {None, call.chat}
        )
        return busiest(taken, seconds)

    def texts(self, chat: int) -> list[str]:
        return [message.text for message in self.messages[chat]]

    def script(
        self, fault: Fault, *, method: str | None = "sendMessage", chat: int | None = None, times: int = 1
    ) -> None:
        """Meet the next `times` requests that fit with `fault`; None fits every method or chat."""
        self._scripted.append(_Scripted(fault, method, chat, times))

    def refuse(self, chat: int, code: int, description: str, **parameters: object) -> None:
        """Refuse every message to `chat` from now on."""
        self.refusing[chat] = Answer(code, description, dict(parameters))

    def migrate(self, old: int, new: int) -> None:
        """Make the group `old` the supergroup `new`."""
        self.refuse(
            old,
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            migrate_to_chat_id=new,
        )

    def say(
        self,
        chat_id: int,
        user_id: int,
        text: str,
        chat_type: str = "private",
        *,
        thread: int | None = None,
        anonymous: bool = False,
        edited: bool = False,
        by_bot: bool = False,
        update_id: int | None = None,
    ) -> int:
        """Let `user_id` write in a chat, `anonymous` as the group itself; return the update's id."""
        self._message_id += 1
        chat = {"id": chat_id, "type": chat_type}
        if chat_type != "private":
            chat["title"] = f"Chat {chat_id}"
        message: dict[str, Any] = {
            "message_id": self._message_id,
            "date": int(time.time()),
            "chat": chat,
            "text": text,
        }
        if chat_type == "channel" or anonymous:
            message["sender_chat"] = chat
        if chat_type != "channel":
            user = 1087968824 if anonymous else user_id
            message["from"] = {"id": user, "is_bot": by_bot or anonymous, "first_name": f"User {user}"}
        if thread is not None:
            message |= {"message_thread_id": thread, "is_topic_message": True}
        kind = "channel_post" if chat_type == "channel" else "message"
        if edited:
            message["edit_date"] = message["date"]
            kind = f"edited_{kind}"
        return self.push({kind: message}, update_id)

    def push(self, update: dict[str, Any], update_id: int | None = None) -> int:
        """Queue an update as it is."""
        if update_id is None:
            self._update_id += 1
            update_id = self._update_id
        self._updates.append({"update_id": update_id, **update})
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(True)
        return update_id

    async def _serve(self, request: web.Request) -> web.Response:
        params, files = dict(request.query), {}
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                files[name] = value.file.read()
            else:
                params[name] = str(value)
        call = Call(time.monotonic(), request.match_info["method"], params, files=files)
        self.journal.append(call)
        self.on_request(call)
        fault = self._fault(call)
        if request.match_info["token"] != self.token:
            fault = Answer(401, "Unauthorized")
        match fault:
            case Answer():
                return _refused(call, fault)
            case Page():
                call.code = fault.code
                return web.Response(status=fault.code, text=fault.body, content_type="text/html")
            case DropBefore():
                return _cut(request)
        try:
            result = await self._accept(call)
        except _Refusal as refusal:
            return _refused(call, refusal.answer)
        match fault:
            case DropAfter():
                return _cut(request)
            case Late():
                await asyncio.sleep(fault.seconds)
        call.code = 200
        return web.json_response({"ok": True, "result": result})

    def _fault(self, call: Call) -> Fault | None:
        for scripted in self._scripted:
            if scripted.fits(call):
                scripted.times -= 1
                return scripted.fault
        return None

    async def _accept(self, call: Call) -> Any:
        if call.method == "getUpdates":
            return await self._get_updates(call.params)
        methods: dict[str, Callable[[Call], Any]] = {
            "getMe": lambda _: self._me,
            "sendMessage": self._send,
            "sendPhoto": self._send_photo,
            "editMessageText": self._edit,
            "setMyCommands": self._set_commands,
            "getMyCommands": lambda _: self.commands,
            "deleteWebhook": lambda _: True,
            "getChatMember": self._member,
            "getChat": _full_chat,
        }
        if call.method not in methods:
            raise _Refusal(Answer(404, "Not Found"))
        return methods[call.method](call)

    async def _get_updates(self, params: dict[str, str]) -> list[dict[str, Any]]:
        """Hand out what waits. As at Telegram, a new poll ends the one before it."""
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(False)
        offset, seconds = int(params.get("offset", "0")), int(params.get("timeout", "0"))
        if offset < 0:
            self._updates = self._updates[offset:]
        else:
            self._updates = [each for each in self._updates if each["update_id"] >= offset]
        if not self._updates and seconds:
            ours = self._poll = asyncio.get_running_loop().create_future()
            done, _ = await asyncio.wait((ours,), timeout=seconds)
            if done and not ours.result():
                raise _Refusal(
                    Answer(
                        409,
                        "Conflict: terminated by other getUpdates request; "
                        "make sure that only one bot instance is running",
                    )
                )
        return self._updates[: int(params.get("limit", "100"))]

    def _send(self, call: Call) -> dict[str, Any]:
        message = self._checked(call, self._message_id + 1)
        self._message_id = message.message_id
        self.messages[call.chat].append(message)
        self.on_accepted(message)
        return self._wire(message)

    def _send_photo(self, call: Call) -> dict[str, Any]:
        """Show a photo of which Telegram makes its own copies, with words below it if there are any."""
        if refusal := self.refusing.get(call.chat):
            raise _Refusal(refusal)
        photo = call.files.get("photo", b"")
        if not photo:
            raise _Refusal(Answer(400, "Bad Request: there is no photo in the request"))
        if not photo.startswith(_PNG) or len(photo) > _LARGEST_PHOTO:
            raise _Refusal(Answer(400, "Bad Request: IMAGE_PROCESS_FAILED"))
        wide, high = struct.unpack_from(">II", photo, 16)
        if wide + high > 10_000 or max(wide, high) > 20 * min(wide, high):
            raise _Refusal(Answer(400, "Bad Request: PHOTO_INVALID_DIMENSIONS"))
        text = _seen(call, "caption")
        if len(text.encode("utf-16-le")) // 2 > _LONGEST_CAPTION:
            raise _Refusal(Answer(400, "Bad Request: message caption is too long"))
        self._keep_pace(call)
        self._message_id += 1
        message = _accepted(call, self._message_id, text, "caption", photo)
        self.messages[call.chat].append(message)
        self.on_accepted(message)
        sizes = [
            {"file_id": f"{each}", "file_unique_id": f"{each}", "width": each, "height": each * high // wide}
            for each in (90, min(wide, 1280))
        ]
        wire = self._wire(message) | {"photo": sizes, "caption": text}
        del wire["text"]
        return wire

    def _edit(self, call: Call) -> dict[str, Any]:
        held = [
            each for each in self.messages[call.chat] if str(each.message_id) == call.params["message_id"]
        ]
        if held and held[0].photo:
            raise _Refusal(Answer(400, "Bad Request: there is no text in the message to edit"))
        message = self._checked(call, int(call.params["message_id"]))
        versions = [
            each.raw
            for each in (*self.messages[call.chat], *self.edits[call.chat])
            if each.message_id == message.message_id
        ]
        if not versions:
            raise _Refusal(Answer(400, "Bad Request: message to edit not found"))
        if versions[-1] == message.raw:
            said = "Bad Request: message is not modified: specified new message content is the same"
            raise _Refusal(Answer(400, said))
        self.edits[call.chat].append(message)
        self.on_accepted(message)
        return self._wire(message)

    def _checked(self, call: Call, message_id: int) -> Accepted:
        """Keep Telegram's rules, in its order: the chat, the text, the pace."""
        if refusal := self.refusing.get(call.chat):
            raise _Refusal(refusal)
        text = _seen(call, "text")
        if not text:
            raise _Refusal(Answer(400, "Bad Request: message text is empty"))
        if len(text.encode("utf-16-le")) // 2 > _LONGEST:
            raise _Refusal(Answer(400, "Bad Request: message is too long"))
        self._keep_pace(call)
        return _accepted(call, message_id, text, "text")

    def _keep_pace(self, call: Call) -> None:
        """Count a message or a change; who pays for a broadcast may send a thousand a second."""
        if not self.limits:
            return
        theirs = (self._group if call.chat < 0 else self._private, call.chat)
        paying = call.params.get("allow_paid_broadcast") == "true"
        call.over, wait = over(((self._paying if paying else self._everybody, 0), theirs), call.at)
        if wait > 0:
            seconds = max(1, math.ceil(wait))
            raise _Refusal(Answer(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds}))
        if paying and self._everybody.wait(0, call.at) > 0:
            self.paid += 1
        elif paying:
            self._everybody.take(0, call.at)

    def _wire(self, message: Accepted) -> dict[str, Any]:
        return {
            "message_id": message.message_id,
            "date": int(time.time()),
            "chat": _chat(message.chat),
            "from": self._me,
            "text": message.text,
        }

    def _set_commands(self, call: Call) -> bool:
        commands: list[dict[str, str]] = json.loads(call.params["commands"])
        for each in commands:
            if not _COMMAND.fullmatch(each["command"]):
                raise _Refusal(Answer(400, "Bad Request: BOT_COMMAND_INVALID"))
            if not 1 <= len(each["description"]) <= 256:
                raise _Refusal(Answer(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID"))
        self.commands = commands
        return True

    def _member(self, call: Call) -> dict[str, Any]:
        user = int(call.params["user_id"])
        member = {"user": {"id": user, "is_bot": False, "first_name": f"User {user}"}, "status": "member"}
        if user in self.administrators[call.chat]:
            return {**member, **dict.fromkeys(_RIGHTS, True), "status": "administrator"}
        return member


def _seen(call: Call, name: str) -> str:
    """Return what a reader sees of a text that was sent."""
    raw = call.params.get(name, "")
    text = visible(raw) if call.params.get("parse_mode") == "HTML" else raw
    return text.replace("\r", "").strip(" \n\t")


def _accepted(call: Call, message_id: int, text: str, name: str, photo: bytes = b"") -> Accepted:
    return Accepted(
        call.at,
        message_id,
        call.chat,
        text,
        call.params.get(name, ""),
        call.params.get("parse_mode", ""),
        call.params.get("message_thread_id", ""),
        photo,
    )


def visible(html: str) -> str:
    """Return what a reader sees of Telegram's HTML; refuse what Telegram's parser refuses."""
    text: list[str] = []
    opened: list[str] = []
    end = 0
    for match in _MARKUP.finditer(html):
        text.append(html[end : match.start()])
        end = match.end()
        at = f"at byte offset {len(html[: match.start()].encode())}"
        closing, tag, attributes, stray, entity, ampersand = match.groups()
        if entity:
            text.append(unescape(f"&{entity};"))
        elif ampersand or stray:
            raise _unparsed(f"Unescaped ampersand {at}" if ampersand else f"Unclosed start tag {at}")
        elif closing:
            _close(tag.lower(), opened, at)
        else:
            _open(tag.lower(), attributes, opened, at)
    if opened:
        raise _unparsed(f"Can't find end tag corresponding to start tag {opened[-1]}")
    return "".join((*text, html[end:]))


def _open(tag: str, attributes: str, opened: list[str], at: str) -> None:
    if not _TAGS.fullmatch(tag):
        raise _unparsed(f'Unsupported start tag "{tag}" {at}')
    if not _ATTRIBUTES.fullmatch(attributes):
        raise _unparsed(f'Empty attribute name in the tag "{tag}" {at}')
    opened.append(tag)


def _close(tag: str, opened: list[str], at: str) -> None:
    if not opened:
        raise _unparsed(f"Unexpected end tag {at}")
    if tag and tag != opened[-1]:
        raise _unparsed(f'Unmatched end tag {at}, expected "</{opened[-1]}>", found "</{tag}>"')
    opened.pop()


def _unparsed(why: str) -> _Refusal:
    return _Refusal(Answer(400, f"Bad Request: can't parse entities: {why}"))


def _chat(chat: int) -> dict[str, Any]:
    if chat < 0:
        return {"id": chat, "type": "supergroup", "title": f"Chat {chat}"}
    return {"id": chat, "type": "private", "first_name": f"User {chat}"}


def _full_chat(call: Call) -> dict[str, Any]:
    known = {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(_GIFTS, False),
    }
    return {**_chat(call.chat), **known}


def _refused(call: Call, answer: Answer) -> web.Response:
    call.code = answer.code
    body: dict[str, Any] = {"ok": False, "error_code": answer.code, "description": answer.description}
    if answer.parameters:
        body["parameters"] = answer.parameters
    return web.json_response(body, status=answer.code)


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _by_hand(port: int) -> None:
    def show(message: Accepted) -> None:
        photo = f"a photo of {len(message.photo):,} bytes\n" if message.photo else ""
        sys.stdout.write(f"--- chat {message.chat}\n{photo}{message.text}\n")
        sys.stdout.flush()

    async with FakeTelegram(port=port, on_accepted=show) as fake:
        sys.stdout.write(f"Bot API at {fake.url}, TELEGRAM_TOKEN={fake.token}\n")
        sys.stdout.write("A line here is said by user 1 in their own chat.\n")
        sys.stdout.flush()
        while line := await asyncio.to_thread(sys.stdin.readline):
            fake.say(1, 1, line.strip())
        await asyncio.Event().wait()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="A Bot API on loopback.")
    arguments.add_argument("--port", type=int, default=8081)
    try:
        asyncio.run(_by_hand(arguments.parse_args().port))
    except KeyboardInterrupt:
        sys.stdout.write("\n")
