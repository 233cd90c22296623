"""Yahoo as a source of quotes and bars: one request at a time, never past a deadline, never while banned."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote as quoted

from bot.errors import Away
from bot.market.bars import Series
from bot.market.instrument import Instrument
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from bot.ports import Found
from bot.sources.yahoo_breaker import LIMITED, SILENT, Breaker, Budget, in_words
from bot.sources.yahoo_failure import Changed, Limited, Missing, Silent, Spent
from bot.sources.yahoo_lane import Client, Lane
from bot.sources.yahoo_parse import SOURCE, LeftOut, read_bars, read_quotes

_QUOTES = "https://query1.finance.yahoo.com/v7/finance/quote"
_CHART = "https://query2.finance.yahoo.com/v8/finance/chart/"
_MOST_SYMBOLS = 100

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Access:
    """How Yahoo may be reached.

    `base_url` is where a test or a proxy stands in for all of Yahoo's hosts; None is Yahoo itself. No more
    than `budget_per_minute` requests leave within a minute, those for cookies among them: the first quote
    takes three. `cache` is a folder for yfinance's cookie, made private. `deadline` is how long a call may
    take, in seconds.
    """

    base_url: str | None
    budget_per_minute: int
    cache: Path
    deadline: float = 20.0


class YahooSource:
    """Quotes a hundred to a request, and two years of daily bars, as traded and adjusted for splits only.

    `report` is told what is left out and why, once until the reason changes.
    """

    def __init__(
        self,
        access: Access,
        schedule: Schedule,
        now: Callable[[], datetime],
        report: Callable[..., None],
        chance: random.Random | None = None,
    ) -> None:
        self._now = now
        self._report = report
        self._schedule = schedule
        self._breaker = Breaker(chance or random.SystemRandom())
        budget = Budget(access.budget_per_minute, now)
        self._lane = Lane(lambda: _connect(access.base_url, budget.spend, access.cache), access.deadline)
        self._turn = asyncio.Lock()
        self._told: dict[tuple[str, str], str] = {}

    @property
    def name(self) -> str:
        """What messages call it."""
        return SOURCE

    async def quotes(self, instruments: Sequence[Instrument]) -> tuple[Quote, ...]:
        """Return what is known now; an instrument without a trustworthy price is left out."""
        found: list[Quote] = []
        rest = iter(instruments)
        while batch := {each.symbol_at("yahoo"): each for each in islice(rest, _MOST_SYMBOLS)}:
            quotes, left_out = await self._ask(
                _QUOTES,
                {"symbols": ",".join(batch), "formatted": "false"},
                partial(read_quotes, asked=batch),
            )
            found += quotes
            self._tell(left_out, {each.symbol for each in batch.values()})
        return tuple(found)

    async def history(self, instrument: Instrument, until: date) -> Series:
        """Return the settled bars of the sessions before `until`, oldest first; none where Yahoo has none."""
        try:
            series, left_out = await self._ask(
                _CHART + quoted(instrument.symbol_at("yahoo"), safe="^=.-"),
                {"range": "2y", "interval": "1d", "includePrePost": "false"},
                partial(read_bars, instrument=instrument, until=until),
            )
        except Missing:
            series = Series(instrument.symbol, ())
            left_out = (LeftOut(instrument.symbol, "history", "none there"),)
        self._tell(left_out, {instrument.symbol}, history=True)
        return series

    async def search(self, text: str) -> tuple[Found, ...]:
        """Return what Yahoo has for a name, the likeliest first."""
        raise NotImplementedError(text)

    async def close(self) -> None:
        """End the thread that waits for Yahoo."""
        await self._lane.close()

    async def _ask(self, url: str, params: dict[str, str], read: Callable[..., Read]) -> Read:
        async with self._turn:
            if (left := self._breaker.left(self._now())) is not None:
                raise Away(f"Yahoo {self._breaker.why}; we ask again in {in_words(left)}.")
            try:
                answer = await self._lane.run(lambda client: client.get(url, params))
                understood = read(answer, received=self._now())
            except Missing:
                self._breaker.worked()
                raise
            except Spent as failure:
                raise Away(f"Yahoo {failure}.") from failure
            except (Limited, Silent, Changed) as failure:
                if not isinstance(failure, Silent):
                    # Perhaps it is our cookie that Yahoo dislikes: the next try brings none.
                    self._lane.renew()
                pace = LIMITED if isinstance(failure, Limited) else SILENT
                wait = self._breaker.failed(self._now(), pace, str(failure))
                raise Away(f"Yahoo {failure}; we ask again in {in_words(wait)}.") from failure
            self._breaker.worked()
            return understood

    def _tell(self, left_out: Iterable[LeftOut], asked: set[str], *, history: bool = False) -> None:
        now = {(each.symbol, each.what): each for each in left_out}
        for place, each in now.items():
            if self._told.get(place) != each.why:
                self._report(
                    "left out",
                    source=SOURCE,
                    symbol=each.symbol,
                    what=each.what,
                    why=each.why,
                    said=each.said,
                )
        for symbol, what in list(self._told):
            if symbol in asked and (what == "history") is history:
                del self._told[symbol, what]
        self._told |= {place: each.why for place, each in now.items()}


def _connect(base_url: str | None, spend: Callable[[], None], cache: Path) -> Client:
    # Loads pandas, which nothing but the waiting thread needs.
    from bot.sources.yahoo_client import YahooClient  # noqa: PLC0415

    return YahooClient(base_url, spend, cache)
