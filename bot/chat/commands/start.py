"""`/start`: who this is, and what to do first."""

from __future__ import annotations

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.messages.blocks import Message, message_of


async def _answer(asked: Asked) -> Message:
    if asked.role is Role.STRANGER:
        return message_of(
            "Marketbell answers only chats that its owner lets in\n"
            f"Ask the owner to add this line under access: chats: in config.yaml: {asked.chat}"
        )
    return message_of(
        "Marketbell tells you once when something matters in the market\n"
        "Begin with /subscribe HSTECH; look something up with /quote 1810.HK\n"
        "/help lists every command"
    )


COMMAND = Command(
    name="start",
    arguments="",
    fewest=0,
    most=1,
    role=Role.STRANGER,
    usage="who this is, and what to do first",
    examples=("/start",),
    answer=_answer,
)
