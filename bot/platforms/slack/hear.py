"""What Slack tells the bot, read into commands: slash commands, mentions and direct messages."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from bot.chats.chat_id import ChatId

CATCH_ALL = "/marketbell"

_MARKED = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")


@dataclass(frozen=True, slots=True)
class Heard:
    """A command as it came in.

    `name` is the same however often Slack tells it. `user` is written `slack:<team>:<user>`. `reply_to` is
    the address that Slack wants the answer at, if it gave one.
    """

    name: str
    chat: ChatId
    user: str
    line: str
    reply_to: str = ""

    @property
    def is_private(self) -> bool:
        """Whether it was said to the bot alone: the ids of direct messages begin with a D."""
        return self.chat.chat.startswith("D")


def slash_command(body: Mapping[str, Any], team: str) -> Heard:
    """Read a slash command; everything that `/marketbell` is given is a command of its own."""
    command, text = str(body["command"]), str(body.get("text", "")).strip()
    line = as_line(text) if command == CATCH_ALL else f"{command} {text}".rstrip()
    chat = ChatId("slack", team, str(body["channel_id"]))
    user = f"slack:{team}:{body['user_id']}"
    return Heard(f"slack:{body['trigger_id']}", chat, user, line, str(body.get("response_url", "")))


def said(body: Mapping[str, Any], team: str, bot_user: str, commands: Collection[str]) -> Heard | None:
    """Read an event: a mention, or a direct message that is a command; None for all that is neither.

    Bots are not listened to, this one least of all, and neither are changes to what was said before: Slack
    tells those as messages of some subtype, or as a mention that was edited.
    """
    event = body["event"]
    user, channel = event.get("user"), str(event.get("channel", ""))
    if event.get("bot_id") or event.get("subtype") or event.get("edited") or user in {None, bot_user}:
        return None
    text = spoken(str(event.get("text", "")), bot_user)
    if event.get("type") == "app_mention":
        # A mention in a direct message is told as a message too.
        is_command = not channel.startswith("D")
    elif event.get("type") == "message" and event.get("channel_type") == "im":
        first = text.split(maxsplit=1)[0].casefold() if text else ""
        is_command = first.startswith("/") or first in commands
    else:
        is_command = False
    if not is_command:
        return None
    name = body.get("event_id") or f"{channel}:{event.get('ts')}"
    return Heard(f"slack:{name}", ChatId("slack", team, channel), f"slack:{team}:{user}", as_line(text))


def spoken(text: str, bot_user: str) -> str:
    """Return what somebody typed: Slack makes `<http://1810.HK|1810.HK>` of a symbol that looks like a host.

    Of a message that mentions the bot, only what follows the mention is meant for it, if anything does.
    """
    before, _, after = text.partition(f"<@{bot_user}>")
    shown = _MARKED.sub(lambda mark: mark[2] or mark[1].removeprefix("!"), after if after.strip() else before)
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def as_line(text: str) -> str:
    """Write a command without its slash as one with it; nothing at all asks for help."""
    return text if text.startswith("/") else f"/{text}" if text else "/help"
