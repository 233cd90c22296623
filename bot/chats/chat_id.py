"""Where a message goes, as text that every process and every record agrees on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from bot.errors import UsageError

Platform = Literal["telegram", "slack", "web", "terminal"]

_FORMS = "telegram:BOT:CHAT[:THREAD], slack:TEAM:CHANNEL, web:SESSION or terminal:"


@dataclass(frozen=True, slots=True)
class ChatId:
    """A chat of a platform.

    Written `telegram:<bot>:<chat>[:<thread>]`, `slack:<team>:<channel>`, `web:<session>` or `terminal:`.
    `account` is the bot's or the team's public id, never its token, and empty where there is none.
    """

    platform: Platform
    account: str
    chat: str
    thread: str = ""

    def __str__(self) -> str:
        """Write it as the text that is stored."""
        parts = (self.platform, self.account, self.chat, self.thread)
        return ":".join(part for part in parts if part) + (":" if self.platform == "terminal" else "")

    @property
    def route(self) -> str:
        """The connection that carries it, which shares one pace: a bot, a team, the page, the terminal."""
        return f"{self.platform}:{self.account}"

    @property
    def paced(self) -> str:
        """What has a pace of its own: the chat, whose threads share it."""
        return str(replace(self, thread=""))

    @property
    def is_group(self) -> bool:
        """Whether more than one person reads it on Telegram, whose pace for groups is slower."""
        return self.platform == "telegram" and self.chat.startswith("-")


def parse_chat_id(text: str) -> ChatId:
    """Read a chat id; `UsageError` with the forms there are for anything else."""
    match text.strip().split(":"):
        case ["telegram", bot, chat, *thread] if _is_telegram(bot, chat, thread):
            return ChatId("telegram", bot, chat, *thread)
        case ["slack", team, channel] if team.isalnum() and channel.isalnum():
            return ChatId("slack", team, channel)
        case ["web", session] if session:
            return ChatId("web", "", session)
        case ["terminal", *nothing] if nothing in ([], [""]):
            return ChatId("terminal", "", "")
    raise UsageError(f"“{text}” is no chat: write {_FORMS}.")


def _is_telegram(bot: str, chat: str, thread: list[str]) -> bool:
    return all(part.isdecimal() for part in (bot, chat.removeprefix("-"), *thread)) and not thread[1:]
