"""What a command is; help, menus and documentation are made from its definition."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.chats.chat_id import ChatId
from bot.chats.roles import Role
from bot.chats.topics import Topics
from bot.errors import Away
from bot.messages.blocks import Message
from bot.ports import Book, Market


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as it arrived: its arguments, who asks and where, and whom it may turn to."""

    arguments: tuple[str, ...]
    chat: ChatId
    role: Role
    market: Market
    kept: Book | None
    topics: Topics
    known: tuple[Command, ...]

    @property
    def book(self) -> Book:
        """What chats asked for; `Away` where only recorded bars are asked, which know no chats."""
        if self.kept is None:
            raise Away("Recorded bars keep no subscriptions: start marketbell run, and ask without --data.")
        return self.kept

    @property
    def words(self) -> str:
        """The arguments as one name."""
        return " ".join(self.arguments)


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command: the least role that may give it, and how many arguments it takes."""

    name: str
    arguments: str
    fewest: int
    most: int
    role: Role
    usage: str
    examples: tuple[str, ...]
    answer: Callable[[Asked], Awaitable[Message]]

    @property
    def form(self) -> str:
        """How it is written."""
        return f"/{self.name} {self.arguments}".rstrip()
