"""What a command is; help, menus and documentation are made from its definition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.chats.roles import Role
from bot.ports import Market


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as it arrived: its arguments, who asks, and whom it may turn to."""

    arguments: tuple[str, ...]
    role: Role
    market: Market
    known: tuple[Command, ...]


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
    answer: Callable[[Asked], str]

    @property
    def form(self) -> str:
        """How it is written."""
        return f"/{self.name} {self.arguments}".rstrip()
