"""What a command is; help, menus and documentation are made from its definition."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.chat.stored_own import StoredOwn
from bot.chats.chat_id import ChatId
from bot.chats.roles import Role
from bot.chats.topics import Topics
from bot.errors import Away
from bot.messages.blocks import Message
from bot.ports import Book, Drawing, Market

_RECORDED = "Recorded bars keep no subscriptions and no alerts: start marketbell run, and ask without --data."


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as it arrived: its arguments, who asks and where, and whom it may turn to.

    `text` is all that follows the command's name, as it was written: a note keeps its blanks.
    """

    arguments: tuple[str, ...]
    text: str
    chat: ChatId
    role: Role
    market: Market
    kept: Book | None
    topics: Topics
    known: tuple[Command, ...]
    held: StoredOwn | None = None
    drawing: Drawing | None = None

    @property
    def book(self) -> Book:
        """What chats asked for; `Away` where only recorded bars are asked, which know no chats."""
        if self.kept is None:
            raise Away(_RECORDED)
        return self.kept

    @property
    def own(self) -> StoredOwn:
        """The alerts of the chats' own; `Away` as for the book."""
        if self.held is None:
            raise Away(_RECORDED)
        return self.held

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
