"""What comes in from Telegram, read as a command or passed over."""

from __future__ import annotations

from dataclasses import dataclass

from telegram import Message, Update
from telegram.constants import ChatType

from bot.chats.chat_id import ChatId


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as somebody wrote it.

    `trusted` says that Telegram itself shows that they run the chat: it is theirs, they post as the channel
    or hide behind the group. Otherwise the group's administrators have to be looked up.
    """

    chat: ChatId
    line: str
    user: str
    trusted: bool


def read(update: Update, account: str, username: str) -> Asked | None:
    """Return the command in `update`, or None where there is none for the bot called `username`.

    Only new text counts: an edited message was answered when it was new, and bots are not listened to.
    """
    message = update.message or update.channel_post
    if message is None or not (message.text or "").startswith("/"):
        return None
    who = _who(message)
    line = _line(message, username)
    if who is None or line is None:
        return None
    # In groups without topics a thread is only a chain of replies, which nobody can be sent to.
    thread = str(message.message_thread_id or "") if message.is_topic_message else ""
    return Asked(ChatId("telegram", account, str(message.chat.id), thread), line, *who)


def _who(message: Message) -> tuple[str, bool] | None:
    """Return who speaks, and whether they surely run the chat."""
    chat, voice, user = message.chat, message.sender_chat, message.from_user
    if chat.type == ChatType.CHANNEL:
        return str(chat.id), True
    if voice is not None:
        # An administrator may speak as the group itself. A channel speaking in a group is nobody we know.
        return (str(chat.id), True) if voice.id == chat.id else None
    if user is None or user.is_bot:
        return None
    return str(user.id), chat.type == ChatType.PRIVATE


def _line(message: Message, username: str) -> str | None:
    """Return the line without our own name in it; None if it is for another bot."""
    command, *rest = (message.text or "").split(maxsplit=1)
    name, at, addressed = command.partition("@")
    if not at or addressed.casefold() == username.casefold():
        return " ".join((name, *rest))
    return message.text if message.chat.type == ChatType.PRIVATE else None
