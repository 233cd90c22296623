"""Dead letters: deliveries that nobody could make, kept until somebody sends or drops them by hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from bot.chats.chat_id import ChatId, parse_chat_id
from bot.errors import NotKnown, UsageError
from bot.store.alerts import KEPT_S
from bot.store.link import Link, reached

SHORT = 8
"""How many characters of a letter's name are enough, nearly always."""

_SHORTEST = 4
_AT_ONCE = 1_000


@dataclass(frozen=True)
class Letter:
    """A delivery that ended `dead` or `unknown`, at a machine time `at`, or a job that nobody can read.

    `chat` and `fingerprint` are None and empty where it is no delivery; `field` is what it is kept under.
    """

    field: str
    ended: str
    why: str
    at: int
    chat: ChatId | None = None
    fingerprint: str = ""

    @cached_property
    def name(self) -> str:
        """What it is called: the same wherever and whenever it is asked for."""
        return hashlib.sha256(self.field.encode()).hexdigest()


async def letters(link: Link) -> tuple[Letter, ...]:
    """Return all dead letters, the oldest first."""
    found: dict[str, str] = {}
    cursor = 0
    while True:
        async with reached():
            cursor, held = await link.client.hscan(link.keys.dead(), cursor, count=_AT_ONCE)
        # What is walked through while it changes may come twice.
        found |= held
        if not cursor:
            read = (_letter(field, text) for field, text in found.items())
            return tuple(sorted(read, key=lambda each: (each.at, each.field)))


async def count(link: Link) -> int:
    """Return how many dead letters there are."""
    async with reached():
        return int(await link.client.hlen(link.keys.dead()))


def find(among: Sequence[Letter], beginning: str) -> Letter:
    """Return the letter whose name begins so.

    Raises `UsageError` for what can be the beginning of none, and `NotKnown` where there is none or several.
    """
    written = beginning.lower()
    if len(written) < _SHORTEST or any(each not in "0123456789abcdef" for each in written):
        raise UsageError(
            f"“{beginning[:40]}” is no id of a dead letter: write one as marketbell dead list shows it."
        )
    found = [each for each in among if each.name.startswith(written)]
    if not found:
        raise NotKnown(f"No dead letter has the id “{beginning[:70]}”: marketbell dead list shows them.")
    if len(found) > 1:
        raise NotKnown(f"More than one id of a dead letter begins with “{beginning}”: write more of it.")
    return found[0]


def short_names(among: Sequence[Letter]) -> dict[str, str]:
    """Return by field what is enough of each letter's name: more than usual where two begin alike."""
    short: dict[str, str] = {}
    ordered = sorted(among, key=lambda each: each.name)
    for at, each in enumerate(ordered):
        beside = [other.name for other in ordered[max(0, at - 1) : at + 2] if other is not each]
        length = SHORT
        while any(other.startswith(each.name[:length]) for other in beside):
            length += 1
        short[each.field] = each.name[:length]
    return short


async def revive(link: Link, letter: Letter, now: int) -> bool:
    """Put a delivery back at the end of its chat's mailbox and make the chat due; False where it is gone.

    Asked again, it puts it there once. Raises `UsageError` for what is no delivery.
    """
    if letter.chat is None:
        raise UsageError(f"The dead letter {letter.name[:SHORT]} is no delivery: it can only be dropped.")
    route = letter.chat.route
    keys = [link.keys.dead(), link.keys.boxes(), link.keys.ledger(letter.fingerprint), link.keys.counts()]
    keys += [link.keys.claims(), link.keys.due(route), link.keys.wake(route)]
    answer = await link.run("revive", keys, [str(letter.chat), letter.fingerprint, now, KEPT_S])
    return str(answer) != "none"


async def drop(link: Link, letter: Letter) -> bool:
    """Forget a letter, counted as dropped by hand; False where it is gone already."""
    keys = [link.keys.dead(), link.keys.ledger(letter.fingerprint), link.keys.counts()]
    chat = "" if letter.chat is None else str(letter.chat)
    return str(await link.run("bury", keys, [letter.field, chat])) == "dropped"


def _letter(field: str, text: str) -> Letter:
    """Read a letter; one whose record cannot be read is a letter all the same."""
    chat, _, fingerprint = field.partition(" ")
    try:
        kept = json.loads(text)
        ended, why, at = str(kept["ended"]), str(kept["why"]), int(kept["at"])
    except (ValueError, TypeError, KeyError):
        ended, why, at = "dead", "its record cannot be read", 0
    try:
        return Letter(field, ended, why, at, parse_chat_id(chat), fingerprint)
    except UsageError:
        return Letter(field, ended, why, at)
