"""What Telegram's answers mean for a delivery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, TelegramError, TimedOut

from bot.alerts.outcome import Again, Broken, Gone, Moved, Outcome, Unknown
from bot.chats.chat_id import ChatId
from bot.platforms.telegram.request import CutOff, NotConnected, TooFast

CANNOT_PARSE: Final = "can't parse entities"


def _route(why: str) -> Outcome:
    return Again(why, scope="route")


# The first row whose kind and words fit. Kinds are subclasses of each other (BadRequest is a NetworkError),
# so the narrow ones come first. A refusal in unknown words never switches a chat off: they may be new.
_MEANINGS: Final[tuple[tuple[type[TelegramError], str, Callable[[str], Outcome]], ...]] = (
    (Forbidden, "bot was blocked by the user", Gone),
    (Forbidden, "bot was kicked", Gone),
    (Forbidden, "user is deactivated", Gone),
    (Forbidden, "bot is not a member", Gone),
    (Forbidden, "bot can't initiate conversation", Gone),
    (Forbidden, "the group chat was deleted", Gone),
    (Forbidden, "", Again),
    (BadRequest, "chat not found", Gone),
    (BadRequest, "message thread not found", Gone),
    (BadRequest, "group chat was deactivated", Gone),
    # The group's administrators may give back what they took.
    (BadRequest, "not enough rights", Again),
    (BadRequest, "have no rights", Again),
    (BadRequest, "chat_write_forbidden", Again),
    (BadRequest, "topic_closed", Again),
    (BadRequest, "", Broken),
    (InvalidToken, "", _route),
    (NotConnected, "", _route),
    (TimedOut, "", Unknown),
    (CutOff, "", Unknown),
    # Server faults, gateways' pages, conflicts: Telegram says “ok” when it has taken a message.
    (TelegramError, "", Again),
)


def outcome_of(failure: TelegramError, chat: ChatId) -> Outcome:
    """Return what `failure` means for a message to `chat`."""
    if isinstance(failure, TooFast):
        return Again(failure.message, failure.wait)
    if isinstance(failure, ChatMigrated):
        return Moved(ChatId("telegram", chat.account, str(failure.new_chat_id), chat.thread))
    said = failure.message.casefold()
    return next(
        outcome(failure.message)
        for kind, words, outcome in _MEANINGS
        if isinstance(failure, kind) and words in said
    )


def is_unreadable(failure: TelegramError) -> bool:
    """Tell whether Telegram could not read the markup of a message."""
    return isinstance(failure, BadRequest) and CANNOT_PARSE in failure.message.casefold()
