"""Recorded days, played as if they happened now.

A recorded bar does not say when its prices were made. The tape makes a path through them and says so: from
the open to the extreme further from the previous close, to the other extreme, and to the close, which is told
when the session has settled. The same bars and seed give the same path everywhere.

Nor does a bar say how long its session was. Where a schedule is handed over that knows the day, it is walked
through by its own hours, a half day to the end of its own auction; elsewhere by the market's regular hours.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from itertools import pairwise

from bot.clock import MarketTime
from bot.errors import UsageError
from bot.market.bars import Bar, Calendar, Series
from bot.market.instrument import Instrument
from bot.market.quote import Quote, settled_quote
from bot.market.schedule import Schedule, SessionHours
from bot.market.sessions import HOURS, regular_hours, session_of
from bot.news.story import Story
from bot.ports import Found
from bot.sources.folder import Recorded

_SOURCE = "recorded bars"
_SLOWEST = 60
_DECIMALS = 2

Chance = Callable[[str], float]
"""A number from 0 up to 1 for a name, always the same one."""


@dataclass(slots=True)
class Tape:
    """Recorded sessions from the first to the last date of `span`, seen every `pace` minutes of market time.

    `present` is where the replay has come to, `schedule` what is known of the days beyond the regular hours.
    Nothing that a bar does not know is told: one without all four prices is seen once, when it has settled.
    """

    recorded: Recorded
    instruments: Sequence[Instrument]
    span: tuple[date, date]
    present: MarketTime
    seed: str = ""
    pace: int = 5
    schedule: Schedule = field(default_factory=lambda: Schedule({}))
    _calendar: Calendar = field(init=False)
    _hours: dict[tuple[str, date], SessionHours] = field(default_factory=dict, init=False)
    _sessions: dict[str, tuple[Quote, ...]] = field(default_factory=dict, init=False)
    _heard: dict[str, int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        first, last = self.span
        if first > last:
            raise UsageError(f"The replay would end before it begins: {first} is after {last}.")
        if not 1 <= self.pace <= _SLOWEST:
            raise UsageError(
                f"A look every {self.pace} minutes cannot show a session: choose 1 to {_SLOWEST} minutes."
            )
        held = {each.symbol: self._series(each) for each in self.instruments}
        markets = {each.symbol: each.market for each in self.instruments}
        self._calendar = Recorded(held).calendar(markets.__getitem__)
        if not self.moments():
            raise UsageError(f"Nothing is recorded between {first} and {last}: choose other dates.")

    @property
    def name(self) -> str:
        """What messages call it."""
        return _SOURCE

    def moments(self) -> tuple[datetime, ...]:
        """Return in order when there is something to see: while a market trades, and when it has settled."""
        first, last = self.span
        found: set[datetime] = set()
        for instrument in {each.exchange: each for each in self.instruments}.values():
            for session in self._calendar.sessions[instrument.market]:
                if first <= session <= last:
                    hours = self._hours_of(instrument, session)
                    found.update((*hours.trading_moments(self._step), hours.settled))
        return tuple(sorted(found))

    def quotes_at(self, moment: datetime) -> tuple[Quote, ...]:
        """Return each instrument's newest quote in the span as it is known at `moment`."""
        newest = (self._newest(each, moment) for each in self.instruments)
        return tuple(
            replace(each, received=moment, reconstructed=True) for each in newest if each is not None
        )

    def stories_until(self, moment: datetime) -> tuple[Story, ...]:
        """Return the stories published since the span began, up to `moment`, oldest first."""
        begins = datetime.combine(self.span[0], time(), HOURS["HK"].zone)
        return tuple(
            each
            for each in self.recorded.stories
            if each.published is not None and begins <= each.published <= moment
        )

    async def quotes(self, instruments: Sequence[Instrument]) -> tuple[Quote, ...]:
        """Return what is known of `instruments` at the present."""
        asked = {each.symbol for each in instruments}
        return tuple(each for each in self.quotes_at(self.present.now()) if each.symbol in asked)

    async def history(self, instrument: Instrument, until: date) -> Series:
        """Return the recorded bars before `until`, with what is known of the time before them."""
        return self._series(instrument).until(until - timedelta(days=1))

    async def search(self, text: str) -> tuple[Found, ...]:
        """Return nothing: what is recorded has its name in the catalogue or is not there."""
        del text
        return ()

    async def stories(self, address: str) -> tuple[Story, ...] | None:
        """Return the stories of the span so far, or None if they are those that `address` last gave."""
        told = self.stories_until(self.present.now())
        if self._heard.get(address) == len(told):
            return None
        self._heard[address] = len(told)
        return told

    @property
    def _step(self) -> timedelta:
        return timedelta(minutes=self.pace)

    def _hours_of(self, instrument: Instrument, session: date) -> SessionHours:
        asked = (instrument.exchange, session)
        if asked not in self._hours:
            known = self.schedule.session_on(*asked)
            self._hours[asked] = known or regular_hours(instrument.market, session)
        return self._hours[asked]

    def _series(self, instrument: Instrument) -> Series:
        return self.recorded.series.get(instrument.symbol) or Series(instrument.symbol, ())

    def _newest(self, instrument: Instrument, moment: datetime) -> Quote | None:
        first, last = self.span
        sessions = self._series(instrument).sessions
        index = bisect_right(sessions, min(session_of(instrument.market, moment), last)) - 1
        if index >= 0 and self._hours_of(instrument, sessions[index]).opens > moment:
            index -= 1
        if index < 0 or sessions[index] < first:
            return None
        quotes = self._session(instrument, index)
        known = bisect_right(quotes, moment, key=lambda each: each.time)
        if known:
            return quotes[known - 1]
        # a session without a path has no quote before it has settled; the close before it still stands
        return self._close(instrument, index - 1) if index and sessions[index - 1] >= first else None

    def _session(self, instrument: Instrument, index: int) -> tuple[Quote, ...]:
        """Return the quotes of one session; those of the session that was last asked for are kept."""
        held = self._sessions.get(instrument.symbol)
        if held is None or held[0].session != self._series(instrument).sessions[index]:
            held = tuple(self._quotes(instrument, index))
            self._sessions[instrument.symbol] = held
        return held

    def _quotes(self, instrument: Instrument, index: int) -> Iterator[Quote]:
        bar, close = self._series(instrument).bars[index], self._close(instrument, index)
        looks = self._hours_of(instrument, bar.session).trading_moments(self._step)
        chance = partial(_chance, f"{self.seed}|{instrument.symbol}|{bar.session}")
        high, low = -math.inf, math.inf
        for moment, price in zip(looks, path(bar, close.previous_close, len(looks), chance), strict=False):
            if price is not None:
                high, low = max(high, price), min(low, price)
                # the volume of a day is known when the day is over
                yield replace(close, price=price, time=moment, final=False, high=high, low=low, volume=None)
        yield close

    def _close(self, instrument: Instrument, index: int) -> Quote:
        bar = self._series(instrument).bars[index]
        settled = self._hours_of(instrument, bar.session).settled
        close = settled_quote(instrument.symbol, bar, settled, _SOURCE)
        return replace(close, previous_close=self._previous_close(instrument, index))

    def _previous_close(self, instrument: Instrument, index: int) -> float | None:
        if index == 0:
            return None
        previous, bar = self._series(instrument).bars[index - 1 : index + 1]
        missing = self._calendar.missing(instrument.market, previous.session, bar.session)
        return None if missing else previous.close


def path(bar: Bar, previous_close: float | None, looks: int, chance: Chance) -> tuple[float | None, ...]:
    """Return the price at each look of a session before its close, which is not among them.

    The open is at the first look and each extreme at one later look; whatever equals the open or the close is
    not visited again. All other prices lie between the extremes, on the tick that the bar's own prices show,
    and are none of the four; a look is None where the price stands still, for want of such a tick. A bar that
    does not know all four prices has no path.
    """
    if bar.open is None or bar.high is None or bar.low is None:
        return ()
    scale = 10 ** (max(map(_decimals, (bar.open, bar.high, bar.low, bar.close))) or _DECIMALS)
    opened, high, low, close = (
        int(Decimal(repr(each)) * scale) for each in (bar.open, bar.high, bar.low, bar.close)
    )
    base = bar.open if previous_close is None else previous_close
    extremes = (high, low) if bar.high - base >= base - bar.low else (low, high)
    turns = [each for each in extremes if each not in {opened, close}]
    marks = [(0, opened), *zip(_places(len(turns), looks, chance), turns, strict=True), (looks, close)]
    swing = 1.5 * (high - low) / math.sqrt(looks)
    taken: list[int | None] = []
    for (start, here), (end, there) in pairwise(marks):
        taken.append(here)
        at = float(here)
        for look in range(start + 1, end):
            at += (there - at) / (end - look + 1) + swing * (chance(f"look {look}") - 0.5)
            at = min(max(_back(at, low, high), low + 1), high - 1)
            taken.append(_free_tick(round(at), (low, high), {opened, close}))
    return tuple(None if each is None else each / scale for each in taken)


def _places(turns: int, looks: int, chance: Chance) -> list[int]:
    """Choose a look after the first for each turn, in order."""
    places: list[int] = []
    for turn in range(turns):
        earliest = places[-1] + 1 if places else 1
        latest = looks - (turns - turn)
        places.append(earliest + int(chance(f"turn {turn}") * (latest - earliest + 1)))
    return places


def _back(at: float, low: int, high: int) -> float:
    """Turn a step beyond an extreme back inside."""
    return low + abs(low - at) if at < low else high - abs(at - high) if at > high else at


def _free_tick(wanted: int, between: tuple[int, int], taken: set[int]) -> int | None:
    """Return the tick nearest to `wanted` strictly between two that is not taken, or None."""
    low, high = between
    near = (wanted + sign * step for step in range(len(taken) + 1) for sign in (1, -1))
    return next((each for each in near if low < each < high and each not in taken), None)


def _decimals(price: float) -> int:
    exponent = Decimal(repr(price)).normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _chance(owner: str, name: str) -> float:
    digest = hashlib.sha256(f"{owner}|{name}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64
