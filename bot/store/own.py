"""The chats' own rules: their lines, their thresholds in packed rows, and what has changed since.

A rule of one threshold on one instrument has a row of 16 bytes by the slot that its number carries, from
which a worker makes its index without reading a line. All others are kept with the symbols they look at.
"""

from __future__ import annotations

import asyncio
import struct
from array import array
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from bot.chats.own import MOST_A_CHAT, OwnRule, id_of, number_of
from bot.errors import UsageError
from bot.rules.measures import Direction, Measure
from bot.rules.threshold import Again, Key, Threshold
from bot.rules.thresholds import SLOTS, Thresholds
from bot.store.link import Link, reached

_A_BUCKET = 32
_A_PAGE = 1024
_PAGES_AT_ONCE = 16
_AT_ONCE = 500
_ROW = struct.Struct("<dII")
_AGAIN: dict[str, Again] = {"back": "back", "session": "session", "extreme": "extreme", "never": "never"}

Kind = Literal["added", "edited", "moved", "removed"]


@dataclass(frozen=True, slots=True)
class Added:
    """A rule as it is kept, and whether the chat had it already."""

    rule: OwnRule
    had: bool


class Name(NamedTuple):
    """What is measured and where: a `Key` with its measure as canonical text."""

    symbol: str
    measure: str
    again: Again


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a rule of one threshold stands."""

    name: Name
    side: Direction
    threshold: float


@dataclass(frozen=True, slots=True)
class General:
    """A rule that is not one threshold, and the symbols it looks at."""

    rule: OwnRule
    symbols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one rule; `placed` is None where it is gone or moved, or is not one threshold.

    A rule that is `moved` has the same line and place, in another chat.
    """

    kind: Kind
    id: str
    number: int
    placed: Placed | None


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes after a position, oldest first, and the position to ask after next.

    Who is `behind` has missed some that are kept no more, and must load everything anew.
    """

    position: int
    changes: tuple[Change, ...]
    behind: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of packed thresholds: 16 bytes for each slot from `first` on."""

    first: int
    packed: bytes


async def add(link: Link, rule: OwnRule, at: Threshold | None, symbols: Sequence[str]) -> Added:
    """Keep a new rule and give it its id; the rule that the chat has with the same line stays the only one.

    `at` is for a rule of one threshold on one instrument, else None. Asked again after a lost reply, it
    answers as it did. Raises `UsageError` where the chat has 500 rules already, and `ValueError` for a
    threshold on several instruments.
    """
    about = f"{rule.chat}\n{rule.owner}\n{rule.created}"
    arguments: list[str | float] = ["add", MOST_A_CHAT, rule.text, about, *_place(at, symbols)]
    answer = await _run(link, rule.chat, arguments)
    if answer == ["full"]:
        raise UsageError(
            f"This chat has {MOST_A_CHAT} alerts of its own, which is the most: remove one by /forget first."
        )
    number, whose = answer
    kept = _rule(int(number), rule.text, whose)
    return Added(kept, had=whose != about)


async def edit(link: Link, rule: OwnRule, at: Threshold | None, symbols: Sequence[str]) -> bool:
    """Give the rule of this id another line and place; False where the chat has no such rule."""
    number = number_of(rule.id)
    if number is None:
        return False
    return bool(await _run(link, rule.chat, ["edit", number, rule.chat, rule.text, *_place(at, symbols)]))


async def remove(link: Link, chat: str, id: str) -> bool:  # noqa: A002 - it is the rule's id
    """Take a rule of the chat away; False where it has no such rule."""
    number = number_of(id)
    return number is not None and bool(await _run(link, chat, ["remove", number, chat]))


async def move(link: Link, old: str, new: str) -> int:
    """Let a chat's rules be those of the chat it has become; returns how many."""
    return int(await _run(link, old, ["move", old, new], new))


async def of_chat(link: Link, chat: str) -> tuple[OwnRule, ...]:
    """Return a chat's own rules, oldest first."""
    async with reached():
        numbers = await link.client.smembers(link.keys.own_of(chat))
    found = await rules(link, [id_of(int(each)) for each in numbers])
    return tuple(sorted(found.values(), key=lambda each: (each.created, each.id)))


async def rules(link: Link, ids: Iterable[str]) -> dict[str, OwnRule]:
    """Return the rules of these ids; one that is gone is left out."""
    numbers = [number for number in map(number_of, ids) if number is not None]
    found: dict[str, OwnRule] = {}
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        async with reached(), link.client.pipeline(transaction=False) as pipe:
            for number in some:
                pipe.hmget(link.keys.own_texts(number % SLOTS // _A_BUCKET), [str(number), f"{number}a"])
            answers = await pipe.execute()
        for number, (line, whose) in zip(some, answers, strict=True):
            if line is not None:
                found[id_of(number)] = _rule(number, line, whose)
    return found


async def general(link: Link) -> tuple[General, ...]:
    """Return the rules that are not one threshold."""
    async with reached():
        scan = link.client.hscan_iter(link.keys.own_general(), count=_AT_ONCE)
        symbols = {id_of(int(number)): tuple(text.split()) async for number, text in scan}
    found = await rules(link, symbols)
    return tuple(General(rule, symbols[id]) for id, rule in found.items())  # noqa: A001 - the rule's


async def symbols_of(link: Link, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return what rules that are not one threshold look at; others are left out."""
    if not ids:
        return {}
    async with reached():
        held = await link.client.hmget(link.keys.own_general(), [str(number_of(each)) for each in ids])
    return {each: tuple(text.split()) for each, text in zip(ids, held, strict=True) if text is not None}


async def position(link: Link) -> int:
    """Return the position of the last change."""
    async with reached():
        return int(await link.client.get(link.keys.own_changed()) or 0)


async def changes(link: Link, after: int) -> Changes:
    """Return up to 500 changes after a position; ask again until none come."""
    async with reached(), link.client.pipeline(transaction=True) as pipe:
        pipe.get(link.keys.own_changed())
        pipe.xrange(link.keys.own_changes(), f"({after}-0" if after else "-", "+", count=_AT_ONCE)
        last, entries = await pipe.execute()
    now = int(last or 0)
    if after == now:
        return Changes(now, ())
    if after > now or not entries or _at(entries[0]) != after + 1:
        return Changes(now, (), behind=True)
    return Changes(_at(entries[-1]), tuple(_change(fields) for _, fields in entries))


async def names(link: Link) -> dict[int, Name]:
    """Return what is measured and where, by number."""
    async with reached():
        scan = link.client.hscan_iter(link.keys.own_names(), count=_AT_ONCE)
        return {int(number): _name(text) async for text, number in scan}


async def thresholds(link: Link) -> AsyncIterator[Rows]:
    """Give the packed rows of all slots, 16,384 at a time."""
    async with reached():
        slots = int(await link.client.get(link.keys.own_slots()) or 0)
    pages = slots // _A_PAGE + 1
    for start in range(0, pages, _PAGES_AT_ONCE):
        keys = [link.keys.own_rows(page) for page in range(start, min(start + _PAGES_AT_ONCE, pages))]
        async with reached():
            # These are no text.
            blobs = await link.client.execute_command("MGET", *keys, NEVER_DECODE=True)
        whole = _A_PAGE * _ROW.size
        packed = b"".join((blob or b"").ljust(whole, b"\0") for blob in blobs)
        yield Rows(start * _A_PAGE, packed)


async def index(link: Link, read: Callable[[str], Measure | None]) -> tuple[Thresholds, int]:
    """Make the index of all thresholds, each armed, and return the position whose changes come next.

    `read` gives the measure of a canonical text, and is asked once for each; where it gives None, the alerts
    on it are left out.
    """
    at = await position(link)
    keys = _keys_of(await names(link), read)
    held: defaultdict[int, tuple[array[float], array[int]]] = defaultdict(_columns)
    async for rows in thresholds(link):
        for slot, (threshold, place, use) in enumerate(_ROW.iter_unpack(rows.packed), rows.first):
            if place:
                levels, numbers = held[place]
                levels.append(threshold)
                numbers.append(use * SLOTS + slot)
    found = Thresholds()
    while held:
        place, (levels, numbers) = held.popitem()
        name, down = divmod(place - 1, 2)
        key = keys.get(name)
        if key is not None:
            found.fill(key, "down" if down else "up", levels, numbers)
            # There may be a million: the loop goes on in between.
            await asyncio.sleep(0)
    return found, at


def _columns() -> tuple[array[float], array[int]]:
    return array("d"), array("Q")


def _keys_of(named: dict[int, Name], read: Callable[[str], Measure | None]) -> dict[int, Key]:
    measures = {text: read(text) for text in {measure for _, measure, _ in named.values()}}
    found: dict[int, Key] = {}
    for number, (symbol, text, again) in named.items():
        measure = measures[text]
        if measure is not None:
            found[number] = Key(symbol, measure, again)
    return found


async def _run(link: Link, chat: str, arguments: Sequence[str | float], new: str = "") -> Any:
    keys = link.keys
    used = [keys.own_slots(), keys.own_free(), keys.own_of(chat), keys.own_names(), keys.own_general(),
            keys.own_changed(), keys.own_changes(), keys.own_of(new)]  # fmt: skip
    return await link.run("own", used, [keys.own(), *arguments])


def _place(at: Threshold | None, symbols: Sequence[str]) -> tuple[str, int, str]:
    """Return what a threshold measures and where, its side and itself; or nothing, and the symbols."""
    if at is None:
        return "", 0, " ".join(symbols)
    if len(symbols) != 1:
        raise ValueError("A threshold is one instrument's; a rule on several is kept without one.")
    return f"{symbols[0]}\n{at.measure}\n{at.again}", int(at.side == "down"), repr(at.threshold)


def _name(text: str) -> Name:
    symbol, measure, again = text.split("\n")
    return Name(symbol, measure, _AGAIN[again])


def _at(entry: tuple[str, dict[str, str]]) -> int:
    return int(entry[0].partition("-")[0])


def _change(fields: dict[str, Any]) -> Change:
    number = int(fields["number"])
    placed = None
    if fields["name"]:
        side: Direction = "down" if fields["side"] == "1" else "up"
        placed = Placed(_name(fields["name"]), side, float(fields["at"]))
    return Change(fields["kind"], id_of(number), number, placed)


def _rule(number: int, line: str, whose: str) -> OwnRule:
    chat, owner, created = whose.split("\n")
    return OwnRule(id_of(number), chat, owner, line, int(created))
