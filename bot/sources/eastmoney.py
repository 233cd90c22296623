"""Eastmoney as a second source: Hong Kong's and the mainland's quotes, and the history of their indices.

It is reached through efinance, an optional extra. Like Yahoo it is asked one request at a time, never past a
deadline, never while it has had enough of us.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.util import find_spec
from itertools import islice
from typing import Any, TypeVar

from bot.errors import Away, SettingsError
from bot.market.bars import Series
from bot.market.instrument import Instrument
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from bot.ports import Found
from bot.sources.eastmoney_parse import SOURCE, quote_id, read_bars, read_quotes
from bot.sources.yahoo_breaker import LIMITED, SILENT, Breaker, Budget, in_words
from bot.sources.yahoo_failure import Changed, Limited, Silent, Spent
from bot.sources.yahoo_lane import Client, Lane
from bot.sources.yahoo_parse import LeftOut

_MOST_SYMBOLS = 100
_HISTORY = timedelta(days=731)
_UNREAD_FOR = timedelta(hours=1)

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class EastmoneyAccess:
    """How Eastmoney may be reached.

    `base_url` is where a test or a proxy stands in for all of its hosts; None is Eastmoney itself. No more
    than `budget_per_minute` requests leave within a minute. `deadline` is how long a call may take, in
    seconds; what is asked of a second source is asked while somebody waits for the first.
    """

    base_url: str | None = None
    budget_per_minute: int = 20
    deadline: float = 5.0


class EastmoneySource:
    """Quotes a hundred to a request; bars of indices alone.

    A share's bars are to be had as traded or adjusted for splits and dividends together, never for splits
    alone, so none are given. `report` is told what is left out and why, once until the reason changes. Raises
    `SettingsError` where efinance is not installed.
    """

    def __init__(
        self,
        access: EastmoneyAccess,
        schedule: Schedule,
        now: Callable[[], datetime],
        report: Callable[..., None],
        chance: random.Random | None = None,
    ) -> None:
        if find_spec("efinance") is None:
            raise SettingsError(
                "Eastmoney is asked through efinance, which is not installed: run `scripts/environment "
                "eastmoney`, install marketbell[eastmoney], or write `second: none` in config.yaml."
            )
        self._schedule = schedule
        self._now = now
        self._report = report
        self._breaker = Breaker(chance or random.SystemRandom())
        budget = Budget(access.budget_per_minute, now)
        self._lane = Lane(lambda: _connect(access.base_url, budget.spend), access.deadline, "eastmoney")
        self._turn = asyncio.Lock()
        self._told: dict[str, str] = {}
        self._unread: dict[str, datetime] = {}

    @property
    def name(self) -> str:
        """What messages call it."""
        return SOURCE

    async def quotes(self, instruments: Sequence[Instrument]) -> tuple[Quote, ...]:
        """Return what is known now of what is within its reach."""
        now = self._now()
        self._unread = {each: until for each, until in self._unread.items() if now < until}
        reached = ((quote_id(each), each) for each in instruments)
        rest = iter([(known, each) for known, each in reached if known and known not in self._unread])
        found: list[Quote] = []
        while batch := dict(islice(rest, _MOST_SYMBOLS)):
            found += await self._batch(batch)
        return tuple(found)

    async def _batch(self, batch: dict[str, Instrument]) -> tuple[Quote, ...]:
        def read(answer: Any) -> tuple[tuple[Quote, ...], list[LeftOut]]:
            rows, unread = answer
            asked = {each: instrument for each, instrument in batch.items() if each not in unread}
            if not asked and len(batch) > 1:
                raise Changed("answered in a way that efinance does not know")
            quotes, left_out = read_quotes(rows, asked, self._schedule, self._now())
            unclear = [LeftOut(batch[each].symbol, "quote", "efinance cannot read it") for each in unread]
            self._unread |= dict.fromkeys(unread, self._now() + _UNREAD_FOR)
            return quotes, [*left_out, *unclear]

        quotes, left_out = await self._ask(lambda client: client.quotes(tuple(batch)), read)
        self._tell(left_out, {each.symbol for each in batch.values()})
        return quotes

    async def history(self, instrument: Instrument, until: date) -> Series:
        """Return an index's settled bars of the two years before `until`; none of anything else."""
        known = quote_id(instrument)
        if instrument.kind != "index" or known is None:
            return Series(instrument.symbol, ())
        begin = f"{until - _HISTORY:%Y%m%d}"
        return await self._ask(
            lambda client: client.bars(known, begin),
            lambda rows: read_bars(rows, instrument, until, self._now()),
        )

    async def search(self, text: str) -> tuple[Found, ...]:  # noqa: ARG002 - the port has it
        """Return nothing: its names are no one's symbols but its own."""
        return ()

    async def close(self) -> None:
        """End the thread that waits for Eastmoney."""
        await self._lane.close()

    async def _ask(self, work: Callable[[Any], Any], read: Callable[[Any], Read]) -> Read:
        async with self._turn:
            if (left := self._breaker.left(self._now())) is not None:
                raise Away(f"{SOURCE} {self._breaker.why}; we ask again in {in_words(left)}.")
            try:
                understood = read(await self._lane.run(work))
            except Spent as failure:
                raise Away(f"{SOURCE} {failure}.") from failure
            except (ImportError, OSError) as failure:
                # efinance makes a folder beside itself as it is loaded, and may not be allowed to.
                raise self._away(
                    Changed(f"cannot be asked, for efinance does not load: {failure}")
                ) from failure
            except (Limited, Silent, Changed) as failure:
                raise self._away(failure) from failure
            self._breaker.worked()
            return understood

    def _away(self, failure: Exception) -> Away:
        pace = LIMITED if isinstance(failure, Limited) else SILENT
        wait = self._breaker.failed(self._now(), pace, str(failure))
        return Away(f"{SOURCE} {failure}; we ask again in {in_words(wait)}.")

    def _tell(self, left_out: Iterable[LeftOut], asked: set[str]) -> None:
        now = {each.symbol: each for each in left_out}
        for symbol, each in now.items():
            if self._told.get(symbol) != each.why:
                self._report(
                    "left out", source=SOURCE, symbol=symbol, what=each.what, why=each.why, said=each.said
                )
        kept = {symbol: why for symbol, why in self._told.items() if symbol not in asked}
        self._told = kept | {symbol: each.why for symbol, each in now.items()}


def _connect(base_url: str | None, spend: Callable[[], None]) -> Client:
    # Loads pandas, which nothing but the waiting thread needs.
    from bot.sources.eastmoney_client import EastmoneyClient  # noqa: PLC0415

    return EastmoneyClient(base_url, spend)
