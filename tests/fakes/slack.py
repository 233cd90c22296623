"""Slack on loopback: the real wire format, the real limits, and faults on demand.

In a test::

    async with FakeSlack() as fake:
        connection = await connect(fake.bot_token, fake.url)

By hand: ``python -m tests.fakes.slack --port 8082``, then the settings that it prints. Each line typed there
is told to the bot: ``/quote 1810.HK`` as a slash command, ``@quote 1810.HK`` as a mention, anything else as
a direct message.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiohttp import WSMsgType, web

from tests.fakes.pace import Pace, busiest, over
from tests.fakes.slack_blocks import Refusal, check_blocks, texts

BOT_TOKEN = "xoxb-1-fakefakefake"
APP_TOKEN = "xapp-1-A1-fakefakefake"
TEAM = "T0MARKET"
BOT_USER = "U0BOT"
CHANNEL = "C0GENERAL"
DIRECT = "D0ALICE"

TEXT = 40_000
ANSWERS = 5
ALT = 1000

_ESCAPED = re.compile(r"&(?:amp|lt|gt);|<https?://[^<>|\s]+(?:\|[^<>]+)?>|([<>&])")
_HOST = re.compile(r"(?<![\w/@.])([A-Za-z0-9-]+\.(?:com|co|hk|net|org))(?![\w.])", re.IGNORECASE)


@dataclass(slots=True)
class Call:
    """One request as it came in; `answered` is Slack's word for it, None while it has none or was cut.

    `over` names the limit that it went beyond: of a channel, of the workspace, or of its method.
    """

    at: float
    method: str
    params: dict[str, Any]
    answered: str | None = None
    over: str = ""

    @property
    def channel(self) -> str:
        return str(self.params.get("channel", ""))


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that a channel shows."""

    at: float
    ts: str
    channel: str
    text: str
    blocks: list[dict[str, Any]]
    metadata: dict[str, Any]

    @property
    def seen(self) -> str:
        """All the text of it, as it was sent."""
        return "\n".join(texts(self.blocks)) or self.text


@dataclass(frozen=True, slots=True)
class Shared:
    """A file that a channel shows."""

    channel: str
    name: str
    title: str
    alt: str
    content: bytes


@dataclass(slots=True)
class _Upload:
    """A file that Slack expects or has, and that no channel shows yet."""

    name: str
    alt: str
    length: int
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a response_url was given."""

    channel: str
    text: str
    blocks: list[dict[str, Any]]
    response_type: str


@dataclass(frozen=True, slots=True)
class Acked:
    """What was told over the socket, and how many seconds the bot took to acknowledge it."""

    payload: dict[str, Any]
    kind: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Refuse with one of Slack's words; `retry_after` is the header as it is written."""

    error: str
    status: int = 200
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Answer, not accepting, with what is no answer of Slack's."""

    status: int
    body: str
    content_type: str = "text/html"


@dataclass(frozen=True, slots=True)
class DropBefore:
    """Cut the connection without accepting."""


@dataclass(frozen=True, slots=True)
class DropAfter:
    """Accept, then cut the connection instead of answering."""


@dataclass(frozen=True, slots=True)
class Murky:
    """Accept, then claim to have failed."""

    error: str


@dataclass(frozen=True, slots=True)
class Late:
    """Accept at once and answer after `seconds`."""

    seconds: float


Fault = Answer | Page | DropBefore | DropAfter | Murky | Late

GATEWAY = Page(502, "<html><head><title>502 Bad Gateway</title></head></html>")
MAINTENANCE = Page(200, "<html><body>Slack is down for maintenance</body></html>")
NO_JSON = Page(200, '{"ok": true, "channe', "application/json")


@dataclass(slots=True)
class _Scripted:
    fault: Fault
    method: str
    times: int


@dataclass(eq=False, slots=True)
class _Link:
    socket: web.WebSocketResponse
    transport: asyncio.Transport
    is_mute: bool


# Requests a minute of a whole workspace, and how many of them may come at once, by method.
_TIERS = {
    "apps.connections.open": (1, 60),
    "chat.update": (50, 20),
    "conversations.history": (50, 20),
    "users.info": (100, 50),
    "files.getUploadURLExternal": (100, 50),
    "files.completeUploadExternal": (100, 50),
}


class FakeSlack:
    """One workspace; `journal` holds every request, `messages` what each channel shows."""

    def __init__(
        self,
        *,
        bot_token: str = BOT_TOKEN,
        app_token: str = APP_TOKEN,
        team: str = TEAM,
        limits: bool = True,
        port: int = 0,
        on_request: Callable[[Call], None] = lambda _: None,
        on_accepted: Callable[[Accepted], None] = lambda _: None,
    ) -> None:
        self.bot_token = bot_token
        self.app_token = app_token
        self.team = team
        self.limits = limits
        self.on_request = on_request
        self.on_accepted = on_accepted
        self.journal: list[Call] = []
        self.messages: dict[str, list[Accepted]] = defaultdict(list)
        self.replies: dict[str, list[Reply]] = defaultdict(list)
        self.files: dict[str, list[Shared]] = defaultdict(list)
        # The permissions of the bot's token that a test may take away.
        self.scopes = {"files:write"}
        self.hang_uploads = False
        # Tokens that came in where none belongs: whoever uploads is known by the address alone.
        self.leaked: list[str] = []
        self.acks: list[Acked] = []
        # Markup that no careful renderer writes: mentions, bare brackets, bare ampersands.
        self.unescaped: list[str] = []
        # What is wrong with a channel, or nothing; any other does not exist.
        self.channels: dict[str, str] = {CHANNEL: "", DIRECT: ""}
        self.users = {"U0ALICE": "alice", "U0BOB": "bob", "U0CHARLIE": "charlie", BOT_USER: "marketbell"}
        self.refusing = ""
        self.is_mute = False
        self.opened = 0
        self._port = port
        self._runner: web.AppRunner | None = None
        self._scripted: list[_Scripted] = []
        # “Several hundred a minute” in all, with generous bursts; a channel takes one a second.
        self._workspace = Pace("workspace", 1 / 10, 100)
        self._channel = Pace("channel", 1, 4)
        self._tiers = {method: Pace(method, 60 / rate, burst) for method, (rate, burst) in _TIERS.items()}
        self._links: list[_Link] = []
        self._tickets: set[str] = set()
        self._waiting: dict[str, asyncio.Future[float]] = {}
        self._uses: dict[str, int] = defaultdict(int)
        self._uploads: dict[str, _Upload] = {}
        self._count = 0
        self._changed = asyncio.Event()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        return f"{self.origin}/api/"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, after `stop` on the same port again."""
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._serve)
        app.router.add_get("/link", self._link)
        app.router.add_post("/commands/{secret}", self._respond)
        app.router.add_post("/upload/v1/{file}", self._upload)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Refuse connections and cut the sockets; what was accepted is kept."""
        for link in self._links:
            link.transport.abort()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # What a test looks at and waits for.

    def calls(self, method: str) -> list[Call]:
        return [call for call in self.journal if call.method == method]

    @property
    def too_fast(self) -> list[Call]:
        """The requests that went beyond a limit."""
        return [call for call in self.journal if call.over]

    def busiest(self, seconds: float = 1.0, channel: str | None = None) -> int:
        """Return how many messages were taken within so many seconds at the most."""
        posted = self.calls("chat.postMessage")
        taken = (each.at for each in posted if each.answered == "ok" and channel in {None, each.channel})
        return busiest(taken, seconds)

    async def until(self, settled: Callable[[], object], seconds: float = 5.0) -> None:
        """Wait until something that happens here makes `settled` true."""
        async with asyncio.timeout(seconds):
            while not settled():
                self._changed.clear()
                await self._changed.wait()

    async def until_connected(self, sockets: int = 1) -> None:
        await self.until(lambda: len(self._links) >= sockets)

    # What goes wrong.

    def script(self, fault: Fault, *, method: str = "chat.postMessage", times: int = 1) -> None:
        """Meet the next `times` calls of `method` with `fault`.

        `response_url` knows only a `Page`, `upload` that and `DropBefore`.
        """
        self._scripted.append(_Scripted(fault, method, times))

    def mute(self) -> None:
        """Keep the sockets there are open, and neither answer nor send anything over them; new ones work.

        With `is_mute` set new ones are just as mute.
        """
        for link in self._links:
            link.is_mute = True

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Tell the bot to connect anew, as Slack does about once an hour."""
        for link in tuple(self._links):
            await link.socket.send_json(
                {"type": "disconnect", "reason": reason, "debug_info": {"host": "fake"}}
            )

    # What people do.

    async def slash(
        self, command: str, text: str = "", channel: str = CHANNEL, user: str = "U0ALICE"
    ) -> Acked:
        """Give a slash command and return when the bot has acknowledged it."""
        number = self._next()
        payload = {
            "token": "verification",
            "team_id": self.team,
            "team_domain": "market",
            "channel_id": channel,
            "channel_name": "directmessage" if channel.startswith("D") else "general",
            "user_id": user,
            "user_name": self.users.get(user, "somebody"),
            "command": command,
            "text": text,
            "api_app_id": "A1",
            "is_enterprise_install": "false",
            "response_url": f"{self.origin}/commands/{channel}.{number}",
            "trigger_id": f"{number}.{self.team}.secret",
        }
        return await self.tell("slash_commands", payload)

    async def mention(
        self, text: str, channel: str = CHANNEL, user: str = "U0ALICE", **more: object
    ) -> Acked:
        """Say something to the bot in a channel; `text` is what follows its name."""
        return await self.event(
            type="app_mention", text=f"<@{BOT_USER}> {_typed(text)}", channel=channel, user=user, **more
        )

    async def dm(self, text: str, channel: str = DIRECT, user: str = "U0ALICE", **more: object) -> Acked:
        """Write to the bot alone."""
        return await self.event(
            type="message", channel_type="im", text=_typed(text), channel=channel, user=user, **more
        )

    async def event(self, **event: object) -> Acked:
        """Tell the bot of an event, and return when it has acknowledged it."""
        number = self._next()
        stamp = f"{time.time():.6f}"
        payload = {
            "token": "verification",
            "team_id": self.team,
            "api_app_id": "A1",
            "event": {"ts": stamp, "event_ts": stamp, "team": self.team, **event},
            "type": "event_callback",
            "event_id": f"Ev{number:08}",
            "event_time": int(time.time()),
            "authorizations": [
                {"enterprise_id": None, "team_id": self.team, "user_id": BOT_USER, "is_bot": True}
            ],
            "is_ext_shared_channel": False,
        }
        return await self.tell("events_api", payload)

    async def tell(
        self, kind: str, payload: dict[str, Any], *, retry: int = 0, reason: str = "", seconds: float = 3.0
    ) -> Acked:
        """Send an envelope over the newest socket; `TimeoutError` if it is not acknowledged in time."""
        name = f"envelope-{self._next()}"
        envelope: dict[str, Any] = {"envelope_id": name, "type": kind, "payload": payload}
        if kind == "events_api":
            envelope |= {"accepts_response_payload": False, "retry_attempt": retry, "retry_reason": reason}
        else:
            envelope |= {"accepts_response_payload": True}
        acked = self._waiting[name] = asyncio.get_running_loop().create_future()
        began = time.monotonic()
        if not self._links:
            raise ConnectionError("no socket is open")
        if not self._links[-1].is_mute:
            await self._links[-1].socket.send_json(envelope)
        try:
            told = Acked(payload, kind, await asyncio.wait_for(acked, seconds) - began)
        finally:
            del self._waiting[name]
        self.acks.append(told)
        return told

    def _next(self) -> int:
        self._count += 1
        return self._count

    # The Web API.

    async def _serve(self, request: web.Request) -> web.Response:
        call = Call(time.monotonic(), request.match_info["method"], await _params(request))
        self.journal.append(call)
        self.on_request(call)
        try:
            return await self._answer(request, call, self._fault(call.method))
        finally:
            self._changed.set()

    async def _answer(self, request: web.Request, call: Call, fault: Fault | None) -> web.Response:
        match fault:
            case Answer():
                return _refused(
                    call, Refusal(fault.error, status=fault.status, retry_after=fault.retry_after)
                )
            case Page():
                call.answered = str(fault.status)
                return web.Response(status=fault.status, text=fault.body, content_type=fault.content_type)
            case DropBefore():
                return _cut(request)
        token = str(call.params.pop("token", "")) or request.headers.get("Authorization", "")[7:]
        try:
            self._check_token(call.method, token)
            result = self._accept(call)
        except Refusal as refusal:
            return _refused(call, refusal)
        match fault:
            case Murky():
                call.answered = fault.error
                result["ok"], result["error"] = False, fault.error
            case DropAfter():
                return _cut(request)
            case Late():
                await asyncio.sleep(fault.seconds)
        call.answered = call.answered or "ok"
        return web.json_response({"ok": True, **result})

    def _fault(self, method: str) -> Fault | None:
        for scripted in self._scripted:
            if scripted.times > 0 and scripted.method == method:
                scripted.times -= 1
                return scripted.fault
        return None

    def _check_token(self, method: str, token: str) -> None:
        if self.refusing:
            raise Refusal(self.refusing)
        if not token:
            raise Refusal("not_authed")
        if method == "apps.connections.open" and token == self.bot_token:
            raise Refusal("not_allowed_token_type")
        if token != (self.app_token if method == "apps.connections.open" else self.bot_token):
            raise Refusal("invalid_auth")

    def _keep_pace(self, call: Call, *limits: tuple[Pace, str]) -> None:
        if not self.limits:
            return
        call.over, wait = over(limits, call.at)
        if wait > 0:
            raise Refusal("ratelimited", status=429, retry_after=str(math.ceil(wait)))

    def _accept(self, call: Call) -> dict[str, Any]:
        if call.method in self._tiers:
            self._keep_pace(call, (self._tiers[call.method], ""))
        methods: dict[str, Callable[[Call], dict[str, Any]]] = {
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.history": self._history,
            "files.getUploadURLExternal": self._expect_file,
            "files.completeUploadExternal": self._share_files,
        }
        if call.method in methods:
            return methods[call.method](call)
        match call.method:
            case "auth.test":
                return {
                    "url": "https://market.slack.com/",
                    "team": "Market",
                    "user": "marketbell",
                    "team_id": self.team,
                    "user_id": BOT_USER,
                    "bot_id": "B0BOT",
                    "is_enterprise_install": False,
                }
            case "apps.connections.open":
                ticket = f"ticket-{self._next()}"
                self._tickets.add(ticket)
                return {"url": f"{self.origin.replace('http', 'ws')}/link?ticket={ticket}&app_id=A1"}
            case "users.info":
                user = str(call.params.get("user"))
                if user not in self.users:
                    raise Refusal("user_not_found")
                return {"user": {"id": user, "team_id": self.team, "name": self.users[user], "is_bot": False}}
        raise Refusal("unknown_method")

    def _post(self, call: Call) -> dict[str, Any]:
        self._check_channel(call.channel)
        text, blocks, metadata = self._check_content(call)
        self._keep_pace(call, (self._workspace, ""), (self._channel, call.channel))
        ts = f"{int(time.time())}.{self._next():06}"
        message = Accepted(time.monotonic(), ts, call.channel, text, blocks, metadata)
        self.messages[call.channel].append(message)
        self.on_accepted(message)
        return {"channel": call.channel, "ts": ts, "message": _wire(message)}

    def _update(self, call: Call) -> dict[str, Any]:
        self._check_channel(call.channel)
        shown = self.messages[call.channel]
        at = next((at for at, each in enumerate(shown) if each.ts == call.params.get("ts")), None)
        if at is None:
            raise Refusal("message_not_found")
        old = shown[at]
        text, blocks, metadata = self._check_content(call)
        shown[at] = Accepted(old.at, old.ts, old.channel, text, blocks, metadata or old.metadata)
        return {"channel": old.channel, "ts": old.ts, "text": text, "message": _wire(shown[at])}

    # Files: expected, uploaded, then shown.

    def _expect_file(self, call: Call) -> dict[str, Any]:
        self._check_scope("files:write")
        name, length = str(call.params.get("filename") or ""), int(call.params.get("length") or 0)
        if not name or length <= 0:
            raise Refusal("invalid_arguments")
        alt = str(call.params.get("alt_txt") or "")
        if len(alt) > ALT:
            raise Refusal("alt_txt_too_large")
        file = f"F{self._next():08}"
        self._uploads[file] = _Upload(name, alt, length)
        return {"file_id": file, "upload_url": f"{self.origin}/upload/v1/{file}"}

    async def _upload(self, request: web.Request) -> web.Response:
        self.leaked += [each for each in (request.headers.get("Authorization"),) if each]
        match self._fault("upload"):
            case Page() as page:
                return web.Response(status=page.status, text=page.body, content_type=page.content_type)
            case DropBefore():
                return _cut(request)
        if self.hang_uploads:
            await asyncio.sleep(60)
        upload, content = self._uploads[request.match_info["file"]], await request.read()
        if len(content) != upload.length:
            return web.Response(status=400, text="the length is another")
        upload.content = content
        return web.Response(text=f"OK - {len(content)}")

    def _share_files(self, call: Call) -> dict[str, Any]:
        self._check_scope("files:write")
        channel = str(call.params.get("channel_id") or "")
        self._check_channel(channel)
        shared = []
        for each in json.loads(call.params["files"]):
            upload = self._uploads.get(each["id"])
            if upload is None or not upload.content:
                raise Refusal("file_not_found")
            title = str(each.get("title") or upload.name)
            self.files[channel].append(Shared(channel, upload.name, title, upload.alt, upload.content))
            shared.append({"id": each["id"], "title": title})
        return {"files": shared}

    def _check_scope(self, scope: str) -> None:
        if scope not in self.scopes:
            raise Refusal("missing_scope", f"needed: {scope}")

    def _history(self, call: Call) -> dict[str, Any]:
        self._check_channel(call.channel)
        limit = int(call.params.get("limit", 100))
        oldest = float(call.params.get("oldest") or 0)
        shown = [each for each in self.messages[call.channel] if float(each.ts) > oldest]
        # A cursor says how many were told already, the newest first.
        told = int(call.params.get("cursor") or 0)
        latest = [_wire(each) for each in shown[::-1][told : told + limit]]
        if str(call.params.get("include_all_metadata", "0")).lower() not in {"1", "true"}:
            for each in latest:
                each.pop("metadata", None)
        if len(shown) <= told + limit:
            return {"messages": latest, "has_more": False}
        after = {"next_cursor": str(told + limit)}
        return {"messages": latest, "has_more": True, "response_metadata": after}

    def _check_channel(self, channel: str) -> None:
        if trouble := self.channels.get(channel, "channel_not_found"):
            raise Refusal(trouble)

    def _check_content(self, call: Call) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
        text = str(call.params.get("text") or "")
        blocks = _decoded(call.params.get("blocks")) or []
        metadata = _decoded(call.params.get("metadata")) or {}
        if not text and not blocks:
            raise Refusal("no_text")
        if len(text) > TEXT:
            raise Refusal("msg_too_long")
        check_blocks(blocks)
        if metadata and not (
            isinstance(metadata.get("event_type"), str) and isinstance(metadata.get("event_payload"), dict)
        ):
            raise Refusal("invalid_metadata_format")
        self._note_markup(text, blocks)
        return text, blocks, metadata

    def _note_markup(self, text: str, blocks: list[dict[str, Any]]) -> None:
        for each in (text, *texts(blocks)):
            if any(found[1] for found in _ESCAPED.finditer(each)):
                self.unescaped.append(each)

    # The answers to slash commands.

    async def _respond(self, request: web.Request) -> web.Response:
        secret = request.match_info["secret"]
        self._uses[secret] += 1
        channel = secret.partition(".")[0]
        match self._fault("response_url"):
            case Page() as page:
                return web.Response(status=page.status, text=page.body, content_type=page.content_type)
        body = await request.json()
        if self._uses[secret] > ANSWERS:
            return web.Response(status=404, text="used_url")
        try:
            check_blocks(body.get("blocks") or [])
        except Refusal as refusal:
            return web.Response(status=400, text=refusal.error)
        text, blocks = body.get("text", ""), body.get("blocks") or []
        self._note_markup(text, blocks)
        self.replies[channel].append(Reply(channel, text, blocks, body.get("response_type", "ephemeral")))
        self._changed.set()
        return web.Response(text="ok")

    # The socket.

    async def _link(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=408, text="the ticket was used")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        assert request.transport is not None
        link = _Link(socket, request.transport, is_mute=self.is_mute)
        self._links.append(link)
        self.opened += 1
        try:
            if not link.is_mute:
                info = {"host": "fake", "build_number": 1, "approximate_connection_time": 3600}
                hello = {"type": "hello", "num_connections": len(self._links), "debug_info": info}
                await socket.send_json(hello | {"connection_info": {"app_id": "A1"}})
            self._changed.set()
            with suppress(ConnectionError):
                await self._listen(link)
        finally:
            self._links.remove(link)
            self._changed.set()
        return socket

    async def _listen(self, link: _Link) -> None:
        async for message in link.socket:
            if link.is_mute:
                continue
            if message.type == WSMsgType.PING:
                await link.socket.pong(message.data)
            elif message.type == WSMsgType.TEXT:
                acked = self._waiting.get(json.loads(message.data).get("envelope_id", ""))
                if acked is not None and not acked.done():
                    acked.set_result(time.monotonic())


def _wire(message: Accepted) -> dict[str, Any]:
    wire = {
        "type": "message",
        "subtype": "bot_message",
        "text": message.text,
        "ts": message.ts,
        "bot_id": "B0BOT",
        "user": BOT_USER,
        "blocks": message.blocks,
    }
    return wire | ({"metadata": message.metadata} if message.metadata else {})


def _typed(text: str) -> str:
    """Write what somebody types as Slack passes it on: escaped, and linked wherever it looks like a host."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _HOST.sub(r"<http://\1|\1>", escaped)


async def _params(request: web.Request) -> dict[str, Any]:
    params: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        params |= await request.json()
    elif request.can_read_body:
        params |= {name: str(value) for name, value in (await request.post()).items()}
    return params


def _decoded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value else value


def _refused(call: Call, refusal: Refusal) -> web.Response:
    call.answered = refusal.error
    headers = {} if refusal.retry_after is None else {"Retry-After": refusal.retry_after}
    body: dict[str, Any] = {"ok": False, "error": refusal.error}
    if refusal.detail:
        body["response_metadata"] = {"messages": [f"[ERROR] {refusal.detail}"]}
    return web.json_response(body, status=refusal.status, headers=headers)


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _by_hand(port: int) -> None:
    def show(message: Accepted) -> None:
        _print(f"--- {message.channel}\n{message.seen}")

    async with FakeSlack(port=port, on_accepted=show) as fake:
        _print(
            f"SLACK_API_URL={fake.url}\nSLACK_BOT_TOKEN={fake.bot_token}\nSLACK_APP_TOKEN={fake.app_token}"
        )
        while typed := await asyncio.to_thread(sys.stdin.readline):
            line = typed.strip()
            command, _, text = line.partition(" ")
            try:
                if line.startswith("/"):
                    await fake.slash(command, text)
                elif line.startswith("@"):
                    await fake.mention(line[1:])
                elif line:
                    await fake.dm(line)
            except (ConnectionError, TimeoutError) as error:
                _print(f"not acknowledged: {type(error).__name__}")
        await asyncio.Event().wait()


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="A Slack workspace on loopback")
    arguments.add_argument("--port", type=int, default=8082)
    with suppress(KeyboardInterrupt):
        asyncio.run(_by_hand(arguments.parse_args().port))
