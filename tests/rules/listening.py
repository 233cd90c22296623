"""A listener in miniature: sessions of quotes looked at as the worker does, stopped and started at will.

What the pipeline keeps in Redis is a plain dict here, and everything else is made anew at each start.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as some

from bot.market.bars import Bar, Calendar, Series
from bot.market.quote import Look, Quote, look_between, look_so_far
from bot.rules.conditions import Condition, Often, Rule, Telling
from bot.rules.crossing import Crossing, Rung
from bot.rules.evaluate import Ladders, looked
from bot.rules.footing import Footing
from bot.rules.past import passed_in_history
from bot.rules.standing import last_footing

START = date(2021, 1, 4)
CALENDAR = Calendar({})


def day(number: int) -> date:
    """Return the date of the session of that number."""
    return START + timedelta(days=number)


def at(number: int, minute: int = 0) -> datetime:
    """Return a minute of a session."""
    return datetime(START.year, START.month, START.day, 2, 0, tzinfo=UTC) + timedelta(
        days=number, minutes=minute
    )


def series(*closes: float) -> Series:
    """Make a series of bars that know their closes alone, one a day from the first session on."""
    return Series("X", tuple(Bar(day(number), close) for number, close in enumerate(closes)))


def look(
    number: int, price: float, high: float | None = None, low: float | None = None, *, final: bool = False
) -> Look:
    """Make a look at a session; without a high or a low the price is the one that was seen."""
    top, bottom = price if high is None else high, price if low is None else low
    return Look("X", day(number), at(number), price, top, bottom, final)


def rule(condition: Condition, often: Often = "each episode", until: date | None = None) -> Rule:
    """Make a rule that looks at the one instrument there is here."""
    return Rule("rule", condition, frozenset({"X"}), telling=Telling(often, until))


@dataclass(frozen=True, slots=True)
class Day:
    """A session: its prices in the order they were made, and which of them a quote was asked for at."""

    number: int
    prices: tuple[float, ...]
    asked: frozenset[int]

    @property
    def bar(self) -> Bar:
        """The session as its bar."""
        return Bar(day(self.number), self.prices[-1], self.prices[0], max(self.prices), min(self.prices))

    def quotes(self) -> tuple[Quote, ...]:
        """Return a quote of each time that was asked at, the range so far in it, and that of the close."""
        found = []
        last = len(self.prices) - 1
        for index, price in enumerate(self.prices):
            if index in self.asked or index == last:
                so_far, when = self.prices[: index + 1], at(self.number, index)
                found.append(
                    Quote(
                        symbol="X",
                        price=price,
                        session=day(self.number),
                        time=when,
                        received=when,
                        source="test",
                        final=index == last,
                        open=so_far[0],
                        high=max(so_far),
                        low=min(so_far),
                    )
                )
        return tuple(found)


@dataclass(slots=True)
class Listener:
    """Listens to one instrument under one rule; `kept` is all that outlives it."""

    rule: Rule
    history: Series
    kept: dict[str, float] = field(default_factory=dict)
    before: Quote | None = None
    _ladders: Ladders = field(default_factory=Ladders)
    _footing: Footing | None = None
    _session: date | None = None

    def hear(self, quote: Quote) -> tuple[Crossing, ...]:
        """Look at a quote, and return what it raised."""
        if self._session != quote.session:
            self._enter(quote)
        yesterday = self.history.bars[-1] if self.history.bars else None
        seen = look_between(self.before, quote, yesterday)
        raised: tuple[Crossing, ...] = ()
        if seen is not None and self._footing is not None:
            raised = looked(self.rule, self._footing, seen, self._ladders.furthest)
            self._footing = self._footing.after(seen)
        for each in raised:
            self._ladders.climb(each)
            self.kept[_written(each.rung)] = each.step
        self.before = quote
        return raised

    def settle(self, bar: Bar) -> None:
        """Take the bar of a session that is over into history."""
        self.history = self.history.joined(Series("X", (bar,)))

    def started_anew(self) -> Listener:
        """Return a listener that knows only what is kept."""
        return Listener(self.rule, self.history.joined(Series("X", ())), dict(self.kept), self.before)

    def _enter(self, quote: Quote) -> None:
        self._session = quote.session
        today = self.history.with_bar(Bar(quote.session, quote.price))
        self._footing = last_footing(self.rule, today, CALENDAR, "HK")
        if self._footing is None:
            return
        told = {_read(each): step for each, step in self.kept.items()}
        passed = passed_in_history(self.rule, self._footing, self.history)
        behind = {rung: step for rung, step in passed.items() if _is_behind(told.get(rung, 0.0), step)}
        self.kept.update({_written(rung): step for rung, step in behind.items()})
        self._ladders.told.update(told | behind)
        if self.before is not None and self.before.session == quote.session:
            yesterday = self.history.bars[-1] if self.history.bars else None
            self._footing = self._footing.after(look_so_far(self.before, yesterday))


def heard(
    listener: Listener, days: Iterable[Day], restarts: frozenset[tuple[int, int]] = frozenset()
) -> list[Crossing]:
    """Listen to days of quotes, starting anew before those named by the number of their day and their own."""
    found: list[Crossing] = []
    for number, each in enumerate(days):
        for index, quote in enumerate(each.quotes()):
            if (number, index) in restarts:
                listener = listener.started_anew()
            found += listener.hear(quote)
        listener.settle(each.bar)
    return found


def days_of(
    prices: some.SearchStrategy[float], most: int = 6, gaps: Sequence[int] = (1, 1, 3, 40, 366)
) -> some.SearchStrategy[tuple[Day, ...]]:
    """Make days of quotes with a gap of so many dates before each."""
    one = some.tuples(
        some.sampled_from(gaps),
        some.lists(prices, min_size=1, max_size=6).map(tuple),
        some.frozensets(some.integers(0, 5)),
    )

    def numbered(found: list[tuple[int, tuple[float, ...], frozenset[int]]]) -> tuple[Day, ...]:
        number, days = 500, []
        for gap, each, asked in found:
            number += gap
            days.append(Day(number, each, asked))
        return tuple(days)

    return some.lists(one, min_size=1, max_size=most).map(numbered)


def _is_behind(told: float, passed: float) -> bool:
    """Tell whether history went further than a record: what a rule that tells once has told stands."""
    return passed > told if passed > 0 else passed < told <= 0


def _written(rung: Rung) -> str:
    return json.dumps([rung.revision, rung.symbol, rung.episode, rung.direction])


def _read(written: str) -> Rung:
    return Rung(*json.loads(written))
