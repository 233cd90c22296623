"""A line of a chat, taken as a command and answered."""

from __future__ import annotations

from rapidfuzz import process

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.errors import Refused, UsageError
from bot.ports import Market

_NEAR = 60
_LONGEST = 200


def answer(line: str, role: Role, market: Market, known: tuple[Command, ...]) -> str:
    """Return what the command in `line` answers.

    Raises `UsageError` with what to write instead, `Refused` when the role does not allow it, and whatever
    the market raises.
    """
    name, *words = line[:_LONGEST].split() or [""]
    if not name.startswith("/"):
        raise UsageError("A command begins with a slash: write /help to see them all.")
    command = _find(name[1:].partition("@")[0].casefold(), known)
    if role < command.role:
        raise Refused(f"/{command.name} is for a {command.role.name.lower()}: ask the owner of this bot.")
    if not command.fewest <= len(words) <= command.most:
        raise UsageError(f"Write {command.form}, as in {command.examples[0]}.")
    return command.answer(Asked(tuple(words), role, market, known))


def _find(name: str, known: tuple[Command, ...]) -> Command:
    by_name = {command.name: command for command in known}
    if name in by_name:
        return by_name[name]
    near = process.extractOne(name, by_name.keys(), score_cutoff=_NEAR)
    remedy = f"did you mean {by_name[near[0]].form}?" if near else "write /help to see them all."
    shown = "".join(sign for sign in name[:24] if sign.isprintable())
    raise UsageError(f"There is no command /{shown}: {remedy}")
