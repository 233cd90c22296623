"""Yahoo as a source of quotes, bars and names: one request at a time, with a deadline, none while banned."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import quote as quoted

from bot.errors import Away
from bot.market.bars import Series
from bot.market.instrument import Instrument
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from bot.ports import Found
from bot.sources.yahoo_breaker import LIMITED, SILENT, Breaker, Budget, in_words
from bot.sources.yahoo_chart import read_chart
from bot.sources.yahoo_failure import Changed, Limited, Missing, Silent, Spent, Unwelcome
from bot.sources.yahoo_lane import Client, Lane
from bot.sources.yahoo_parse import SOURCE, LeftOut, read_search
from bot.sources.yahoo_quotes import read_quotes

_QUOTES = "https://query1.finance.yahoo.com/v7/finance/quote"
_CHART = "https://query2.finance.yahoo.com/v8/finance/chart/"
_SEARCH = "https://query2.finance.yahoo.com/v1/finance/search"
_MOST_SYMBOLS = 100
_MOST_FOUND = 6

Asking = Literal["quotes", "history", "search"]
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Access:
    """How Yahoo may be reached.

    `base_url` is where a test or a proxy stands in for all of Yahoo's hosts; None is Yahoo itself. No more
    than `budget_per_minute` requests leave within a minute, those for cookies among them: the first quote
    takes three. Histories and searches may not take the last third. `cache` is a folder for yfinance's
    cookie, made private. `deadline` is how long a call may take, in seconds.
    """

    base_url: str | None
    budget_per_minute: int
    cache: Path
    deadline: float = 20.0


class YahooSource:
    """Quotes a hundred to a request; two years of daily bars, as traded and adjusted for splits only; names.

    A refusal because there are too many requests is waited out by everything that is asked, silence and a
    form that we do not know only by what they were the answer to. `report` is told what is left out and why,
    once until the reason changes.
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
        chance = chance or random.SystemRandom()
        self._limit = Breaker(chance)
        self._breakers: dict[Asking, Breaker] = {
            "quotes": Breaker(chance),
            "history": Breaker(chance),
            "search": Breaker(chance),
        }
        self._budget = Budget(access.budget_per_minute, now)
        self._lane = Lane(lambda: _connect(access.base_url, access.cache), access.deadline)
        self._turn = asyncio.Lock()
        self._told: dict[tuple[Asking, str, str], str] = {}

    @property
    def name(self) -> str:
        """What messages call it."""
        return SOURCE

    async def quotes(self, instruments: Sequence[Instrument]) -> tuple[Quote, ...]:
        """Return what is known now; an instrument without a trustworthy price is left out.

        `Away` where no request was answered. What some were answered is returned without the others.
        """
        found: list[Quote] = []
        rest = iter(instruments)
        while batch := list(islice(rest, _MOST_SYMBOLS)):
            symbols = dict.fromkeys(each.symbol_at("yahoo") for each in batch)
            try:
                quotes, left_out = await self._ask(
                    "quotes",
                    _QUOTES,
                    {"symbols": ",".join(symbols), "formatted": "false"},
                    partial(read_quotes, asked=batch, schedule=self._schedule),
                )
            except Away as away:
                if not found:
                    raise
                quotes = ()
                left_out = tuple(LeftOut(each.symbol, "quote", "not answered") for each in batch)
                self._report("answered in part", source=SOURCE, quotes=len(found), why=str(away))
            found += quotes
            self._tell("quotes", left_out, batch)
        return tuple(found)

    async def history(self, instrument: Instrument, until: date) -> Series:
        """Return the settled bars of the sessions before `until`, oldest first, and the actions known.

        None where Yahoo has none. What is delisted has the bars of before.
        """
        try:
            series, left_out = await self._ask(
                "history",
                _CHART + quoted(instrument.symbol_at("yahoo"), safe="^=.-"),
                {"range": "2y", "interval": "1d", "includePrePost": "false", "events": "div,splits"},
                partial(read_chart, instrument=instrument, until=until, schedule=self._schedule),
            )
        except Missing:
            series = Series(instrument.symbol, ())
            left_out = (LeftOut(instrument.symbol, "history", "none there"),)
        self._tell("history", left_out, [instrument])
        return series

    async def search(self, text: str) -> tuple[Found, ...]:
        """Return what Yahoo has for a name, the likeliest first; there may be nothing."""
        asked = {"q": text, "quotesCount": str(_MOST_FOUND), "newsCount": "0", "listsCount": "0"}
        return await self._ask("search", _SEARCH, asked, read_search)

    async def close(self) -> None:
        """End the thread that waits for Yahoo."""
        await self._lane.close()

    async def _ask(self, asking: Asking, url: str, params: dict[str, str], read: Callable[..., Read]) -> Read:
        """Return what is read out of an answer; raises `Away`, and `Missing` where there is no such thing."""
        async with self._turn:
            for breaker in (self._limit, self._breakers[asking]):
                if (left := breaker.left(self._now())) is not None:
                    raise Away(f"Yahoo {breaker.why}; we ask again in {in_words(left)}.")
            try:
                understood = await self._answer(asking, url, params, read)
            except Missing:
                self._worked(asking)
                raise
            except Spent as failure:
                raise Away(f"Yahoo {failure}.") from failure
            except Limited as failure:
                wait = self._limit.failed(self._now(), LIMITED, str(failure))
                raise Away(f"Yahoo {failure}; we ask again in {in_words(wait)}.") from failure
            except (Silent, Changed) as failure:
                wait = self._breakers[asking].failed(self._now(), SILENT, str(failure))
                raise Away(f"Yahoo {failure}; we ask again in {in_words(wait)}.") from failure
            self._worked(asking)
            return understood

    async def _answer(
        self, asking: Asking, url: str, params: dict[str, str], read: Callable[..., Read]
    ) -> Read:
        spend = partial(self._budget.spend, can_wait=asking != "quotes")

        async def once() -> Read:
            try:
                answer = await self._lane.run(lambda client: client.get(url, params, spend))
                return read(answer, received=self._now())
            except (Limited, Changed):
                # Perhaps it is our cookie or our crumb that Yahoo dislikes.
                self._lane.renew()
                raise

        try:
            return await once()
        except Unwelcome:
            return await once()

    def _worked(self, asking: Asking) -> None:
        self._limit.worked()
        self._breakers[asking].worked()

    def _tell(self, asking: Asking, left_out: Iterable[LeftOut], asked: Iterable[Instrument]) -> None:
        now = {(asking, each.symbol, each.what): each for each in left_out}
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
        symbols = {each.symbol for each in asked}
        for place in [each for each in self._told if each[0] == asking and each[1] in symbols]:
            del self._told[place]
        self._told |= {place: each.why for place, each in now.items()}


def _connect(base_url: str | None, cache: Path) -> Client:
    # Loads pandas, which nothing but the waiting thread needs.
    from bot.sources.yahoo_client import YahooClient  # noqa: PLC0415

    return YahooClient(base_url, cache)
