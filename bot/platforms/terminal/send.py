"""Messages on the terminal that Marketbell was started in."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from bot.alerts.outcome import Broken, Outcome, Sent, Unknown
from bot.chats.chat_id import ChatId
from bot.messages.blocks import Message, plain

TERMINAL = ChatId("terminal", "", "")


@dataclass(frozen=True, slots=True)
class TerminalSender:
    """Writes each message, with an empty line behind it."""

    write: Callable[[str], None]

    @property
    def route(self) -> str:
        """The route of the terminal."""
        return TERMINAL.route

    async def send(self, chat: ChatId, message: Message, delivery: str) -> Outcome:
        """Write `message`, without the signs that would steer a terminal."""
        del chat
        self.write(f"{_harmless(plain(message))}\n")
        return Sent(delivery)

    async def replace(self, chat: ChatId, message_id: str, message: Message) -> Outcome:
        """What is written is written: what is new gets a message of its own."""
        del chat, message_id, message
        return Broken("a terminal takes nothing back")

    async def find(self, chat: ChatId, delivery: str) -> Outcome:
        """Nobody can read a terminal back."""
        del chat, delivery
        return Unknown("the terminal does not say what it showed")


def _harmless(text: str) -> str:
    return "".join(each for each in text if each == "\n" or not unicodedata.category(each).startswith("C"))
