"""What lines would have done, asked of the worker: computed once, and kept until there is something new."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import TypeAdapter

from bot.chats.measured import Judged
from bot.errors import Away
from bot.rules.report import Report
from bot.store.link import Link, reached

MOST_WANTED = 200

Kind = Literal["report", "judged"]

_KEPT_S = 24 * 3600
_WAIT_S = 2


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question to the worker: a line with its names resolved, and what is asked of it.

    `following` are the instruments of the asker's watchlist, where the line is about that.
    """

    kind: Kind
    line: str
    following: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the worker found at `at`, and until when that is as good as new: both machine time.

    One of the three is there: what was asked for, or the sentence that says why it cannot be had.
    """

    at: int
    until: int
    report: Report | None = None
    judged: Judged | None = None
    refused: str = ""


_WANTED = TypeAdapter(Wanted)
_ANSWER = TypeAdapter(Answer)
_LAST = TypeAdapter(dict[str, date])


async def want(link: Link, wanted: Wanted, deadline: int) -> None:
    """Ask the worker; a thousand who ask the same together ask once.

    Nobody waits beyond `deadline`, machine time. `Away` where too much is asked for.
    """
    keys = _Keys.of(link)
    thing = _WANTED.dump_json(wanted).decode()
    async with reached(), link.client.pipeline(transaction=True) as pipe:
        pipe.zadd(keys.wanted, {thing: deadline}, gt=True)
        pipe.zcard(keys.wanted)
        pipe.lpush(keys.wanting, 1)
        pipe.ltrim(keys.wanting, 0, 0)
        added, asked, *_ = await pipe.execute()
    if added and asked > MOST_WANTED:
        async with reached():
            await link.client.zrem(keys.wanted, thing)
        raise Away("More lines are being tried than can be at once: try again in a minute.")


async def wanted(link: Link, now: int) -> Wanted | None:
    """Return what has waited for an answer the longest, waiting up to two seconds for it.

    What nobody waits for any more is forgotten. More may be asked for: whoever takes one asks again.
    """
    keys = _Keys.of(link)
    async with reached():
        await link.client.zremrangebyscore(keys.wanted, "-inf", f"({now}")
        found = await link.client.zpopmin(keys.wanted)
        if not found:
            await link.waiting.blpop([keys.wanting], timeout=_WAIT_S)
            found = await link.client.zpopmin(keys.wanted)
    return _WANTED.validate_json(found[0][0]) if found else None


async def answer(link: Link, wanted: Wanted, found: Answer) -> None:
    """Keep what was found, for whoever asks within a day."""
    text = _ANSWER.dump_json(found).decode()
    async with reached():
        await link.client.set(_Keys.of(link).answer(wanted), text, ex=_KEPT_S)


async def answered(link: Link, wanted: Wanted) -> Answer | None:
    """Return what was last found, however old."""
    async with reached():
        text = await link.client.get(_Keys.of(link).answer(wanted))
    return None if text is None else _ANSWER.validate_json(text)


async def publish_last(link: Link, last: Mapping[str, date]) -> None:
    """Keep the session in which each topic last told, of those that did over the history held."""
    async with reached():
        await link.client.hset(link.keys.facts(), "last told", _LAST.dump_json(dict(last)).decode())


async def last_told(link: Link) -> dict[str, date]:
    """Return the session in which each topic last told over the history held."""
    async with reached():
        text = await link.client.hget(link.keys.facts(), "last told")
    return {} if text is None else _LAST.validate_json(text)


@dataclass(frozen=True, slots=True)
class _Keys:
    """Everything of back-tests is with what is raised, in one slot."""

    prefix: str

    @classmethod
    def of(cls, link: Link) -> _Keys:
        return cls(f"{link.keys.raised}backtest:")

    @property
    def wanted(self) -> str:
        """What is asked for, by when nobody waits for it any more."""
        return f"{self.prefix}wanted"

    @property
    def wanting(self) -> str:
        """What the worker waits on for it."""
        return f"{self.prefix}wanting"

    def answer(self, wanted: Wanted) -> str:
        """What was found; a line comes from outside, so that it is hashed."""
        digest = hashlib.sha256(_WANTED.dump_json(wanted)).hexdigest()
        return f"{self.prefix}answer:{digest}"
