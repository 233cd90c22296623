"""What Telegram's answers mean for a delivery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, TelegramError, TimedOut

from bot.alerts.outcome import Again, Broken, Gone, Moved, Outcome, Refused, Sent, Slow, Unknown
from bot.chats.chat_id import ChatId
from bot.platforms.telegram.request import CutOff, NotConnected, TooFast


def _route(why: str) -> Outcome:
    return Again(why, scope="route")


Row = tuple[type[TelegramError], str, Callable[[str], Outcome]]
"""A kind of failure, words of it, and what it means."""

# The first row whose kind and words fit. Kinds are subclasses of each other (BadRequest is a NetworkError),
# so the narrow ones come first. A refusal in unknown words never switches a chat off: they may be new.
MEANINGS: Final[tuple[Row, ...]] = (
    (Forbidden, "bot was blocked by the user", Gone),
    (Forbidden, "bot was kicked", Gone),
    (Forbidden, "user is deactivated", Gone),
    (Forbidden, "bot is not a member", Gone),
    (Forbidden, "bot can't initiate conversation", Gone),
    (Forbidden, "bot can't send messages to", Gone),
    (Forbidden, "the group chat was deleted", Gone),
    (BadRequest, "chat not found", Gone),
    (BadRequest, "user not found", Gone),
    (BadRequest, "peer_id_invalid", Gone),
    (BadRequest, "user_deactivated", Gone),
    (BadRequest, "channel_private", Gone),
    (BadRequest, "message thread not found", Gone),
    (BadRequest, "topic_deleted", Gone),
    (BadRequest, "group chat was deactivated", Gone),
    # The group's administrators may give back what they took.
    (Forbidden, "not enough rights", Again),
    (BadRequest, "not enough rights", Again),
    (BadRequest, "have no rights", Again),
    (BadRequest, "need administrator rights", Again),
    (BadRequest, "chat_admin_required", Again),
    (BadRequest, "chat_restricted", Again),
    (BadRequest, "chat_write_forbidden", Again),
    (BadRequest, "chat_send_plain_forbidden", Again),
    (BadRequest, "topic_closed", Again),
    # What is sent faster than is free is paid for in Stars; the bot has no more of them.
    (BadRequest, "balance_too_low", _route),
    (BadRequest, "can't parse entities", Broken),
    (BadRequest, "can't parse caption entities", Broken),
    (BadRequest, "entity_bounds_invalid", Broken),
    (BadRequest, "entities_too_long", Broken),
    (BadRequest, "message is too long", Broken),
    (BadRequest, "message_too_long", Broken),
    (BadRequest, "message caption is too long", Broken),
    (BadRequest, "media_caption_too_long", Broken),
    (BadRequest, "message text is empty", Broken),
    (BadRequest, "text must be non-empty", Broken),
    (BadRequest, "message must be non-empty", Broken),
    (TelegramError, "request entity too large", Broken),
    (BadRequest, "", Refused),
    (Forbidden, "", Refused),
    (InvalidToken, "", _route),
    (NotConnected, "", _route),
    (TimedOut, "", Unknown),
    (CutOff, "", Unknown),
    # Server faults, gateways' pages, conflicts: Telegram says “ok” when it has taken a message.
    (TelegramError, "", Again),
)

UNREADABLE: Final = (
    "can't parse entities",
    "can't parse caption entities",
    "entity_bounds_invalid",
    "entities_too_long",
)
"""What Telegram says where it could not read the markup of a message: it may take the words alone."""

UNCHANGEABLE: Final = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "message identifier is not specified",
    "message_edit_time_expired",
    "message_author_required",
    "there is no text in the message to edit",
)
"""What Telegram says of a message that it will not change any more."""

UNCHANGED: Final = ("message is not modified", "message_not_modified")
"""What Telegram says of a message that is already as it was to become."""


def outcome_of(failure: TelegramError, chat: ChatId) -> Outcome:
    """Return what `failure` means for a message to `chat`."""
    if isinstance(failure, TooFast):
        return Slow(failure.message, failure.wait)
    if isinstance(failure, ChatMigrated):
        return Moved(ChatId("telegram", chat.account, str(failure.new_chat_id), chat.thread))
    said = failure.message.casefold()
    return next(
        outcome(failure.message)
        for kind, words, outcome in MEANINGS
        if isinstance(failure, kind) and words in said
    )


def change_of(failure: TelegramError, chat: ChatId, message_id: str) -> Outcome:
    """Return what `failure` means for a change of a message that `chat` shows.

    A change that is refused in unknown words is `Broken`: what it was to tell gets a message of its own, and
    what is said of that decides.
    """
    if isinstance(failure, BadRequest):
        if _says(failure, UNCHANGED):
            return Sent(message_id)
        if _says(failure, UNCHANGEABLE):
            return Broken(failure.message)
    outcome = outcome_of(failure, chat)
    return Broken(outcome.why) if isinstance(outcome, Refused) else outcome


def is_unreadable(failure: TelegramError) -> bool:
    """Tell whether Telegram could not read the markup of a message."""
    return isinstance(failure, BadRequest) and _says(failure, UNREADABLE)


def _says(failure: TelegramError, words: tuple[str, ...]) -> bool:
    """Tell whether any of these are in what Telegram said."""
    said = failure.message.casefold()
    return any(each in said for each in words)
