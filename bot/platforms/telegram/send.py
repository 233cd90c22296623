"""Deliveries to Telegram."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from telegram import Bot
from telegram.constants import ParseMode
from telegram.error import TelegramError

from bot.alerts.outcome import Again, Broken, Outcome, Sent, Slow, Unknown
from bot.chats.chat_id import ChatId
from bot.messages.blocks import Message, Picture
from bot.platforms.telegram.outcomes import change_of, is_unreadable, outcome_of
from bot.platforms.telegram.render import Part, render
from bot.platforms.telegram.request import NotConnected, TooFast, ask
from bot.platforms.telegram.text import LONGEST_BELOW_A_PICTURE

# A chat takes about one message a second; deliveries are paced before they come here, further parts are not.
_BETWEEN_PARTS = 1.1
_PATIENCE = 5.0
_TRIES = 3
_FILE = "picture.png"
_NO_PICTURE = "Telegram shows no picture"
_GIVEN_UP = "the rest of a long message was given up"
_UNREAD = "Telegram could not read our markup"
_NO_PREVIEW = '{"is_disabled": true}'
_UNREAD_ANSWER = (AttributeError, KeyError, TypeError, ValueError)


def _nothing(_said: str, **_facts: object) -> None:
    """Keep what is reported to oneself."""


@dataclass(frozen=True, slots=True)
class TelegramSender:
    """One bot, as deliveries use it.

    A send of a long message takes about `within` seconds at the most, which is less than a delivery waits
    for it. With `paid`, what goes beyond the free 30 messages a second is paid for with the bot's Stars.
    """

    bot: Bot
    report: Callable[..., None] = _nothing
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    within: float = 25.0
    paid: bool = False

    @property
    def route(self) -> str:
        """The route of the chats that the bot reaches."""
        return f"telegram:{self.bot.id}"

    async def send(self, chat: ChatId, message: Message, delivery: str) -> Outcome:
        """Show `message` in `chat`; a long one becomes several Telegram messages, known by the first.

        Once the first is shown the delivery is done, whatever becomes of the others: it has the heading, and
        any answer but `Sent` would have all of it shown again, perhaps by another process, which cannot know
        how far this one came. So the others are tried a few times here, and given up with a report. Only the
        first one rings.

        A picture stands above the words where they fit below one, and is the last part where they do not.
        """
        until = asyncio.get_running_loop().time() + self.within
        first, *rest = render(message) or (None,)
        if first is None:
            return Broken("nothing in it can be seen")
        if message.picture is not None and not rest and first.length <= LONGEST_BELOW_A_PICTURE:
            return await self._show_with(chat, message.picture, first, quiet=message.quiet)
        outcome = await self._show(chat, first, quiet=message.quiet)
        if not isinstance(outcome, Sent) or (not rest and message.picture is None):
            return outcome
        try:
            async with asyncio.timeout_at(until):
                return replace(outcome, posts=1 + await self._show_rest(chat, rest, message, delivery))
        except TimeoutError:
            self.report(_GIVEN_UP, delivery=delivery, why=f"not shown within {self.within:g} s")
            return outcome

    async def replace(self, chat: ChatId, message_id: str, message: Message) -> Outcome:
        """Change a message that is shown; one that would need several parts is not changed."""
        parts = render(message)
        if len(parts) != 1:
            return Broken("it does not fit into the message that is shown")
        try:
            return await self._change(chat, message_id, parts[0].html, ParseMode.HTML)
        except TelegramError as failure:
            if not is_unreadable(failure):
                return change_of(failure, chat, message_id)
            self.report(_UNREAD, why=failure.message)
        try:
            return await self._change(chat, message_id, parts[0].plain, None)
        except TelegramError as failure:
            return change_of(failure, chat, message_id)

    async def find(self, chat: ChatId, delivery: str) -> Outcome:
        """A bot cannot read a chat back, so nobody can tell whether a message of its is shown."""
        del chat, delivery
        return Unknown("Telegram does not tell bots what they said")

    async def _show_rest(self, chat: ChatId, rest: Sequence[Part], message: Message, delivery: str) -> int:
        """Show what follows the first part, and return as how many messages."""
        shown = 0
        for part in rest:
            await self.pause(_BETWEEN_PARTS)
            outcome = await self._follow(partial(self._show, chat, part, quiet=True))
            if not isinstance(outcome, Sent | Unknown):
                self.report(_GIVEN_UP, delivery=delivery, part=shown + 2, why=repr(outcome))
                return shown
            shown += 1
        if message.picture is not None:
            await self.pause(_BETWEEN_PARTS)
            outcome = await self._follow(partial(self._show_picture, chat, message.picture))
            if isinstance(outcome, Sent):
                return shown + 1
            self.report(_NO_PICTURE, why=repr(outcome))
        return shown

    async def _follow(self, show: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """Show a further part, trying a few times; one of which nobody knows is not repeated."""
        for attempt in range(1, _TRIES):
            outcome = await show()
            if not isinstance(outcome, Again | Slow):
                return outcome
            await self.pause(min(_PATIENCE, (outcome.wait or 1000 * attempt) / 1000))
        return await show()

    async def _show_with(self, chat: ChatId, picture: Picture, part: Part, *, quiet: bool) -> Outcome:
        """Show a picture with words below it; the words alone where Telegram does not take that.

        What would be the same with the words alone, a pace that is asked for or a connection that is not
        there, is an answer like any other; all else that is refused may be for the picture's sake.
        """
        try:
            return await self._post_picture(chat, picture, part, quiet=quiet)
        except TelegramError as failure:
            outcome = outcome_of(failure, chat)
            if isinstance(failure, TooFast | NotConnected) or isinstance(outcome, Unknown):
                return outcome
            self.report(_NO_PICTURE, why=failure.message)
        return await self._show(chat, part, quiet=quiet)

    async def _show_picture(self, chat: ChatId, picture: Picture) -> Outcome:
        try:
            return await self._post_picture(chat, picture, quiet=True)
        except TelegramError as failure:
            return outcome_of(failure, chat)

    async def _show(self, chat: ChatId, part: Part, *, quiet: bool) -> Outcome:
        try:
            return await self._post(chat, part.html, ParseMode.HTML, quiet=quiet)
        except TelegramError as failure:
            if not is_unreadable(failure):
                return outcome_of(failure, chat)
            self.report(_UNREAD, why=failure.message)
        try:
            return await self._post(chat, part.plain, None, quiet=quiet)
        except TelegramError as failure:
            return outcome_of(failure, chat)

    async def _post(self, chat: ChatId, text: str, parse_mode: str | None, *, quiet: bool) -> Outcome:
        asked = {**_written(chat, text, parse_mode), **_where(chat)}
        if quiet:
            asked["disable_notification"] = "true"
        if self.paid:
            asked["allow_paid_broadcast"] = "true"
        try:
            shown = await ask(self.bot, "sendMessage", asked)
            return Sent(str(int(shown["message_id"])))
        except _UNREAD_ANSWER as failure:
            return _unread(failure)

    async def _post_picture(
        self, chat: ChatId, picture: Picture, part: Part | None = None, *, quiet: bool
    ) -> Outcome:
        try:
            shown = await self.bot.send_photo(
                chat_id=int(chat.chat),
                photo=picture.png,
                filename=_FILE,
                caption=part.html if part else None,
                parse_mode=ParseMode.HTML,
                disable_notification=quiet or None,
                message_thread_id=int(chat.thread) if chat.thread else None,
                allow_paid_broadcast=self.paid or None,
            )
        except _UNREAD_ANSWER as failure:
            return _unread(failure)
        return Sent(str(shown.message_id))

    async def _change(self, chat: ChatId, message_id: str, text: str, parse_mode: str | None) -> Outcome:
        await ask(self.bot, "editMessageText", {**_written(chat, text, parse_mode), "message_id": message_id})
        return Sent(message_id)


def _written(chat: ChatId, text: str, parse_mode: str | None) -> dict[str, str]:
    asked = {"chat_id": chat.chat, "text": text, "link_preview_options": _NO_PREVIEW}
    return asked if parse_mode is None else {**asked, "parse_mode": parse_mode}


def _where(chat: ChatId) -> dict[str, str]:
    return {"message_thread_id": chat.thread} if chat.thread else {}


def _unread(failure: Exception) -> Outcome:
    """Tell of a message that Telegram says is shown, and nothing readable of which."""
    return Unknown(f"Telegram's answer cannot be read: {type(failure).__name__}")
