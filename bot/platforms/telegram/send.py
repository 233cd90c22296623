"""Deliveries to Telegram."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import telegram
from telegram import Bot, LinkPreviewOptions
from telegram.constants import ParseMode
from telegram.error import TelegramError

from bot.alerts.outcome import Again, Broken, Outcome, Sent, Unknown
from bot.chats.chat_id import ChatId
from bot.messages.blocks import Message, Picture
from bot.platforms.telegram.outcomes import is_unreadable, outcome_of
from bot.platforms.telegram.render import Part, render
from bot.platforms.telegram.request import NotConnected, TooFast
from bot.platforms.telegram.text import LONGEST_BELOW_A_PICTURE

# A chat takes about one message a second; deliveries are paced before they come here, further parts are not.
_BETWEEN_PARTS = 1.1
_PATIENCE = 5.0
_TRIES = 3
_FILE = "picture.png"
_NO_PICTURE = "Telegram shows no picture"


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

        A picture stands above the words where they fit below one, and is the last part where they do not.
        """
        first, *rest = render(message) or (None,)
        if first is None:
            return Broken("nothing in it can be seen")
        if message.picture is not None and not rest and first.length <= LONGEST_BELOW_A_PICTURE:
            return await self._show_with(chat, message.picture, first)
        show = partial(self._show, chat, quiet=message.quiet)
        outcome = await show(first)
        if isinstance(outcome, Sent):
            for number, part in enumerate(rest, start=2):
                await self.pause(_BETWEEN_PARTS)
                if not isinstance(await self._follow(partial(show, part)), Sent | Unknown):
                    self.report("the rest of a long message was given up", delivery=delivery, part=number)
                    return outcome
            if message.picture is not None:
                await self._show_last(chat, message.picture)
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

    async def _follow(self, show: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """Show a further part, trying a few times; one of which nobody knows is not repeated."""
        for attempt in range(1, _TRIES):
            outcome = await show()
            if not isinstance(outcome, Again):
                return outcome
            await self.pause(min(_PATIENCE, (outcome.wait or 1000 * attempt) / 1000))
        return await show()

    async def _show_with(self, chat: ChatId, picture: Picture, part: Part) -> Outcome:
        """Show a picture with words below it; the words alone where Telegram does not take that.

        What would be the same with the words alone, a pace that is asked for or a connection that is not
        there, is an answer like any other; all else that is refused may be for the picture's sake.
        """
        try:
            return await self._post_picture(chat, picture, part)
        except TelegramError as failure:
            outcome = outcome_of(failure, chat)
            if isinstance(failure, TooFast | NotConnected) or isinstance(outcome, Unknown):
                return outcome
            self.report(_NO_PICTURE, why=failure.message)
        return await self._show(chat, part)

    async def _show_last(self, chat: ChatId, picture: Picture) -> None:
        """Show a picture below the words that it belongs to, or report that it is not shown."""
        await self.pause(_BETWEEN_PARTS)
        outcome = await self._follow(lambda: self._show_picture(chat, picture))
        if not isinstance(outcome, Sent):
            self.report(_NO_PICTURE, why=repr(outcome))

    async def _show_picture(self, chat: ChatId, picture: Picture) -> Outcome:
        try:
            return await self._post_picture(chat, picture)
        except TelegramError as failure:
            return outcome_of(failure, chat)

    async def _show(self, chat: ChatId, part: Part, *, quiet: bool = False) -> Outcome:
        try:
            return await self._post(chat, part.html, ParseMode.HTML, quiet=quiet)
        except TelegramError as failure:
            if not is_unreadable(failure):
                return outcome_of(failure, chat)
            self.report("Telegram could not read our markup", why=failure.message)
        try:
            return await self._post(chat, part.plain, None, quiet=quiet)
        except TelegramError as failure:
            return outcome_of(failure, chat)

    async def _post(self, chat: ChatId, text: str, parse_mode: str | None, *, quiet: bool) -> Outcome:
        return await _sent(
            self.bot.send_message(
                chat_id=int(chat.chat),
                text=text,
                parse_mode=parse_mode,
                disable_notification=quiet or None,
                message_thread_id=_thread(chat),
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )
        )

    async def _post_picture(self, chat: ChatId, picture: Picture, part: Part | None = None) -> Outcome:
        return await _sent(
            self.bot.send_photo(
                chat_id=int(chat.chat),
                photo=picture.png,
                filename=_FILE,
                caption=part.html if part else None,
                parse_mode=ParseMode.HTML,
                message_thread_id=_thread(chat),
            )
        )


async def _sent(posting: Awaitable[telegram.Message]) -> Outcome:
    try:
        shown = await posting
    except (AttributeError, KeyError, TypeError, ValueError) as failure:
        # Telegram said “ok”, but of what it did python-telegram-bot cannot make a message.
        return Unknown(f"Telegram's answer cannot be read: {type(failure).__name__}")
    return Sent(str(shown.message_id))


def _thread(chat: ChatId) -> int | None:
    return int(chat.thread) if chat.thread else None
