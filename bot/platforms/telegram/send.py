"""Deliveries to Telegram."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from telegram import Bot, LinkPreviewOptions
from telegram.constants import ParseMode
from telegram.error import TelegramError

from bot.alerts.outcome import Again, Broken, Outcome, Sent, Unknown
from bot.chats.chat_id import ChatId
from bot.messages.blocks import Message
from bot.platforms.telegram.outcomes import is_unreadable, outcome_of
from bot.platforms.telegram.render import Part, render

# A chat takes about one message a second; deliveries are paced before they come here, further parts are not.
_BETWEEN_PARTS = 1.1
_PATIENCE = 5.0
_TRIES = 3


def _nothing(_said: str, **_facts: object) -> None:
    """Keep what is reported to oneself."""


@dataclass(frozen=True, slots=True)
class TelegramSender:
    """One bot, as deliveries use it."""

    bot: Bot
    report: Callable[..., None] = _nothing
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    @property
    def route(self) -> str:
        """The route of the chats that the bot reaches."""
        return f"telegram:{self.bot.id}"

    async def send(self, chat: ChatId, message: Message, delivery: str) -> Outcome:
        """Show `message` in `chat`; a long one becomes several Telegram messages, known by the first.

        Once the first is shown the delivery is done, whatever becomes of the others: it has the heading, and
        any answer but `Sent` would have all of it shown again, perhaps by another process, which cannot know
        how far this one came. So the others are tried a few times here, and given up with a report.
        """
        first, *rest = render(message) or (None,)
        if first is None:
            return Broken("nothing in it can be seen")
        outcome = await self._show(chat, first)
        if isinstance(outcome, Sent):
            for number, part in enumerate(rest, start=2):
                await self.pause(_BETWEEN_PARTS)
                if not await self._follow(chat, part):
                    self.report("the rest of a long message was given up", delivery=delivery, part=number)
                    break
        return outcome

    async def replace(self, chat: ChatId, message_id: str, message: Message) -> Outcome:
        """Change a message that is shown; one that would need several parts is not changed."""
        parts = render(message)
        if len(parts) != 1:
            return Broken("it does not fit into the message that is shown")
        try:
            await self.bot.edit_message_text(
                text=parts[0].html,
                chat_id=int(chat.chat),
                message_id=int(message_id),
                parse_mode=ParseMode.HTML,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )
        except TelegramError as failure:
            if "message is not modified" in failure.message.lower():
                return Sent(message_id)
            return outcome_of(failure, chat)
        return Sent(message_id)

    async def find(self, chat: ChatId, delivery: str) -> Outcome:
        """A bot cannot read a chat back, so nobody can tell whether a message of its is shown."""
        del chat, delivery
        return Unknown("Telegram does not tell bots what they said")

    async def _follow(self, chat: ChatId, part: Part) -> bool:
        """Show a further part; an unknown one is not repeated."""
        for attempt in range(1, _TRIES + 1):
            outcome = await self._show(chat, part)
            if not isinstance(outcome, Again):
                return isinstance(outcome, Sent | Unknown)
            if attempt < _TRIES:
                await self.pause(min(_PATIENCE, (outcome.wait or 1000 * attempt) / 1000))
        return False

    async def _show(self, chat: ChatId, part: Part) -> Outcome:
        try:
            return await self._post(chat, part.html, ParseMode.HTML)
        except TelegramError as failure:
            if not is_unreadable(failure):
                return outcome_of(failure, chat)
            self.report("Telegram could not read our markup", why=failure.message)
        try:
            return await self._post(chat, part.plain, None)
        except TelegramError as failure:
            return outcome_of(failure, chat)

    async def _post(self, chat: ChatId, text: str, parse_mode: str | None) -> Outcome:
        try:
            shown = await self.bot.send_message(
                chat_id=int(chat.chat),
                text=text,
                parse_mode=parse_mode,
                message_thread_id=int(chat.thread) if chat.thread else None,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as failure:
            # Telegram said “ok”, but of what it did python-telegram-bot cannot make a message.
            return Unknown(f"Telegram's answer cannot be read: {type(failure).__name__}")
        return Sent(str(shown.message_id))
