"""What commands want to know that nobody watches: asked of the worker, answered once for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from bot.errors import Away
from bot.market.actions import Action
from bot.market.bars import Bar, Known, Series
from bot.market.quote import Quote
from bot.ports import Found
from bot.store.link import Link, reached

MOST_WANTED = 500

_KEPT_S = 24 * 3600
_AT_ONCE = 100
_WAIT_S = 2
# Whoever asked has given up long before; where no worker runs, what was asked for is forgotten.
_WANTED_S = 60
# No symbol begins with it.
_NAME = "?"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the worker found out at `at`, machine time; no quote: the source has no price of it now.

    Without a quote the bars end with the last that the source has; without bars it does not know the symbol.
    The answer is `whole` where the source was asked for the bars.
    """

    symbol: str
    at: int
    quote: Quote | None
    bars: tuple[Bar, ...] = ()
    before: tuple[Known, ...] = ()
    actions: tuple[Action, ...] = ()
    whole: bool = True

    @property
    def known(self) -> bool:
        """Whether the source knows the symbol."""
        return self.quote is not None or bool(self.bars)

    @property
    def history(self) -> Series:
        """The settled bars before the quote's session."""
        return Series(self.symbol, self.bars, self.before, self.actions)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of the worker: the prices of symbols, and what the source has for names."""

    symbols: tuple[str, ...]
    names: tuple[str, ...]


_ANSWER = TypeAdapter(Answer)
_FOUND = TypeAdapter(tuple[Found, ...])


async def want(link: Link, symbol: str) -> None:
    """Ask the worker for a symbol; a thousand who ask together ask once. `Away` where too much is asked."""
    await _want(link, symbol)


async def want_search(link: Link, name: str) -> None:
    """Ask the worker what its source has for a name; `Away` where too much is asked."""
    await _want(link, f"{_NAME}{name}")


async def wanted(link: Link) -> Wanted:
    """Return up to a hundred things that are asked for, waiting up to two seconds for the first."""
    async with reached():
        await link.waiting.blpop([link.keys.wanting()], timeout=_WAIT_S)
        found: list[str] = await link.client.spop(link.keys.wanted(), _AT_ONCE)
    names = sorted(each.removeprefix(_NAME) for each in found if each.startswith(_NAME))
    return Wanted(tuple(sorted(each for each in found if not each.startswith(_NAME))), tuple(names))


async def answer(link: Link, found: Answer) -> None:
    """Keep what was found out, for whoever asks within a day."""
    text = _ANSWER.dump_json(found).decode()
    async with reached():
        await link.client.set(link.keys.answer(found.symbol), text, ex=_KEPT_S)


async def answered(link: Link, symbol: str) -> Answer | None:
    """Return what was last found out about a symbol, however old."""
    async with reached():
        text = await link.client.get(link.keys.answer(symbol))
    return None if text is None else _ANSWER.validate_json(text)


async def answer_search(link: Link, name: str, found: Sequence[Found]) -> None:
    """Keep for a day what the source has for a name."""
    text = _FOUND.dump_json(tuple(found)).decode()
    async with reached():
        await link.client.set(link.keys.found(name), text, ex=_KEPT_S)


async def searched(link: Link, name: str) -> tuple[Found, ...] | None:
    """Return what the source had for a name within the last day, or None where that was not asked."""
    async with reached():
        text = await link.client.get(link.keys.found(name))
    return None if text is None else _FOUND.validate_json(text)


async def _want(link: Link, thing: str) -> None:
    async with reached(), link.client.pipeline(transaction=True) as pipe:
        pipe.sadd(link.keys.wanted(), thing)
        pipe.scard(link.keys.wanted())
        pipe.expire(link.keys.wanted(), _WANTED_S)
        pipe.lpush(link.keys.wanting(), 1)
        pipe.ltrim(link.keys.wanting(), 0, 0)
        added, asked, *_ = await pipe.execute()
    if added and asked > MOST_WANTED:
        async with reached():
            await link.client.srem(link.keys.wanted(), thing)
        raise Away("More is asked than the source can be asked for at once: try again in a minute.")
