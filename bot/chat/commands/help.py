"""`/help`: the commands that the asker may give."""

from __future__ import annotations

from bot.chat.command import Asked, Command
from bot.chats.roles import Role


def _answer(asked: Asked) -> str:
    return "\n".join(f"{each.form} — {each.usage}" for each in asked.known if each.role <= asked.role)


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
