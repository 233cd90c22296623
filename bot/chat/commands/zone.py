"""`/zone`: by which clocks this chat's quiet hours, digests and days go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from zoneinfo import available_timezones

from rapidfuzz import process

from bot.chat.command import Asked, Command
from bot.chats.roles import Role
from bot.errors import UsageError
from bot.messages.blocks import Message
from bot.messages.silence import zone_set

_NEAR = 75


async def _answer(asked: Asked) -> Message:
    was = await asked.book.silence(asked.chat)
    now = was
    if asked.arguments:
        now = replace(was, zone=_zone(asked.words))
        await asked.book.change_silence(asked.chat, was, now)
    return zone_set(now, asked.book.now())


def _zone(asked: str) -> str:
    """Return the zone that a person means, by its whole name or its city alone."""
    word, zones = _folded(asked), _zones()
    cities = {name for folded, name in zones.items() if folded.rpartition("/")[2] == word}
    if word in zones:
        return zones[word]
    if len(cities) == 1:
        return cities.pop()
    near = process.extractOne(word, zones.keys(), score_cutoff=_NEAR)
    hint = f"did you mean {zones[near[0]]}?" if near else "write one such as Asia/Hong_Kong or Europe/London."
    raise UsageError(f"There is no zone “{asked[:40]}”: {hint}")


@cache
def _zones() -> Mapping[str, str]:
    return {_folded(name): name for name in sorted(available_timezones())}


def _folded(name: str) -> str:
    return name.strip().casefold().replace(" ", "_")


COMMAND = Command(
    name="zone",
    arguments="[ZONE]",
    fewest=0,
    most=3,
    role=Role.MEMBER,
    usage="by which clocks this chat's quiet hours and digests go",
    examples=("/zone Asia/Hong_Kong", "/zone"),
    answer=_answer,
)
