"""The desk: what platforms hand a line to, and whom it trusts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.chat.answer import Answers
from bot.chats.chat_id import ChatId
from bot.chats.roles import Role
from bot.errors import MarketbellError
from bot.messages.blocks import Message, message_of


@dataclass(frozen=True, slots=True)
class ChatDesk:
    """Answers the chats that are on the list, and tells everybody else what to ask for.

    `owners` are users, `telegram:<user>` or `slack:<team>:<user>`; `chats` are chat ids without a thread.
    """

    answers: Answers
    owners: frozenset[str]
    chats: frozenset[str]
    report: Callable[..., None]

    async def answer(self, line: str, chat: ChatId, role: Role) -> Message:
        """Return the answer to a command; a refusal is an answer too."""
        try:
            return await self.answers.to(line, chat, role)
        except MarketbellError as error:
            return message_of(str(error))
        except Exception as error:  # noqa: BLE001 - whoever asked gets an answer, and the operator the cause
            self.report("a command failed", line=line[:80], why=repr(error))
            return message_of("That went wrong here, and the operator can see why. Try again in a minute.")

    async def role(self, chat: ChatId, user: str, *, administers: bool) -> Role:
        """Return what `user` may do in `chat`: whoever opens the page or the terminal owns the machine."""
        if chat.platform in {"web", "terminal"} or user in self.owners:
            return Role.OWNER
        if str(ChatId(chat.platform, chat.account, chat.chat)) not in self.chats:
            return Role.STRANGER
        return Role.MEMBER if administers else Role.READER

    async def come_back(self, chat: ChatId) -> None:
        """Let a chat that was gone hear again."""
        if self.answers.book is not None:
            await self.answers.book.come_back(chat)

    def menu(self) -> Iterable[tuple[str, str]]:
        """Return each command's name and what it is for."""
        return tuple((command.name, command.usage) for command in self.answers.known)
