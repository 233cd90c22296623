"""What commands want to know that nobody watches: asked of the worker, answered once for everybody."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter

from bot.market.bars import Bar, Known, Series
from bot.market.quote import Quote
from bot.store.link import Link, reached

_KEPT_S = 24 * 3600
_AT_ONCE = 100
_WAIT_S = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """What the worker found out at `at`, machine time; no quote: the source does not know the symbol."""

    symbol: str
    at: int
    quote: Quote | None
    bars: tuple[Bar, ...] = ()
    before: tuple[Known, ...] = ()

    @property
    def history(self) -> Series:
        """The settled bars before the quote's session."""
        return Series(self.symbol, self.bars, self.before)


_ANSWER = TypeAdapter(Answer)


async def want(link: Link, symbol: str) -> None:
    """Ask the worker for a symbol; a thousand who ask together ask once."""
    async with reached(), link.client.pipeline(transaction=True) as pipe:
        pipe.sadd(link.keys.wanted(), symbol)
        pipe.lpush(link.keys.wanting(), 1)
        pipe.ltrim(link.keys.wanting(), 0, 0)
        await pipe.execute()


async def wanted(link: Link) -> tuple[str, ...]:
    """Return up to a hundred symbols that are asked for, waiting up to two seconds for the first."""
    async with reached():
        await link.waiting.blpop([link.keys.wanting()], timeout=_WAIT_S)
        found: list[str] = await link.client.spop(link.keys.wanted(), _AT_ONCE)
    return tuple(sorted(found))


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
