"""A line of a chat, taken as a command and answered."""

from __future__ import annotations

from dataclasses import dataclass

from rapidfuzz import process

from bot.chat.command import Asked, Command
from bot.chat.stored_own import StoredOwn
from bot.chats.chat_id import ChatId
from bot.chats.roles import Role
from bot.chats.topics import Topics
from bot.errors import Refused, UsageError
from bot.messages.blocks import Message
from bot.ports import Book, Drawing, Market

_NEAR = 60
# A condition may have 500 signs, and what is longer should be told so by whoever reads it.
_LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that commands turn to."""

    market: Market
    book: Book | None
    topics: Topics
    known: tuple[Command, ...]
    own: StoredOwn | None = None
    drawing: Drawing | None = None

    async def to(self, line: str, chat: ChatId, role: Role) -> Message:
        """Return what the command in `line` answers.

        Raises `UsageError` with what to write instead, `Refused` when the role does not allow it, and
        whatever the market raises.
        """
        name, *rest = line[:_LONGEST].split(None, 1) or [""]
        words = rest[0].split() if rest else []
        if not name.startswith("/"):
            raise UsageError("A command begins with a slash: write /help to see them all.")
        command = _find(name[1:].partition("@")[0].casefold(), self.known)
        if role < command.role:
            raise Refused(
                f"/{command.name} is for a {command.role.name.lower()}: "
                f"ask the owner of this bot to let you. This chat is {chat}."
            )
        if not command.fewest <= len(words) <= command.most:
            raise UsageError(f"Write {command.form}, as in {command.examples[0]}.")
        whole = rest[0].strip() if rest else ""
        asked = Asked(
            tuple(words),
            whole,
            chat,
            role,
            self.market,
            self.book,
            self.topics,
            self.known,
            self.own,
            self.drawing,
        )
        return await command.answer(asked)


def _find(name: str, known: tuple[Command, ...]) -> Command:
    by_name = {command.name: command for command in known}
    if name in by_name:
        return by_name[name]
    near = process.extractOne(name, by_name.keys(), score_cutoff=_NEAR)
    remedy = f"did you mean {by_name[near[0]].form}?" if near else "write /help to see them all."
    shown = "".join(sign for sign in name[:24] if sign.isprintable())
    raise UsageError(f"There is no command /{shown}: {remedy}")
