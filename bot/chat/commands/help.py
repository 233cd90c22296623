"""`/help`: the commands that the asker may give."""

from __future__ import annotations

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.messages.blocks import Line, Message, Strong, Words, strong


async def _answer(asked: Asked) -> Message:
    allowed = [each for each in asked.known if each.role <= asked.role]
    lines = tuple(Line((Strong(each.form), Words(f" — {each.usage}"))) for each in allowed)
    return Message(strong("What you may ask"), lines)


COMMAND = Command(
    name="help",
    arguments="",
    fewest=0,
    most=0,
    role=Role.STRANGER,
    usage="the commands you may give",
    examples=("/help",),
    answer=_answer,
)
