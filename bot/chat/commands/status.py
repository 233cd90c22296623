"""`/status`: how the bot is doing."""

from __future__ import annotations

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.messages.blocks import Message
from bot.messages.subscribing import Looked, status


async def _answer(asked: Asked) -> Message:
    found = await asked.book.status()
    seconds = None if found.ticked is None else (found.now - found.ticked) / 1000
    looked = Looked(seconds, found.watched, found.source, found.trouble, found.quoted, found.dark, found.held)
    return status(looked, found.waiting, found.ended, found.dead)


COMMAND = Command(
    name="status",
    arguments="",
    fewest=0,
    most=0,
    role=Role.READER,
    usage="how the bot is doing: its last look, its source, what waits",
    examples=("/status",),
    answer=_answer,
)
