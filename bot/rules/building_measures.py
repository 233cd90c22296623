"""Measures and distances from extremes, made of what the grammar found."""

from __future__ import annotations

from typing import Any, cast

from lark import Token, v_args

from bot.rules import measures
from bot.rules.bounds import Misplaced
from bot.rules.measures import Measure, PremiumKind, Span
from bot.rules.written import date_of, number_of, place_of, whole_of

_DEFAULT_SESSIONS = {"volume": 20, "sigma": 60, "rsi": 14}


class MeasuresBuilder:
    """Makes measures; see `Builder`."""

    def price(self, _: list[Any]) -> Measure:
        """The last price."""
        return measures.Price()

    def day(self, _: list[Any]) -> Measure:
        """The session's move."""
        return measures.Day()

    @v_args(inline=True)
    def span(self, count: Token, unit: str) -> Measure:
        """The move over a span; days are sessions."""
        return measures.Change(whole_of(count), cast("Span", "sessions" if unit == "days" else unit))

    @v_args(inline=True)
    def change(self, span: Measure) -> Measure:
        """The same, by its name."""
        return span

    @v_args(inline=True)
    def change_since(self, start: Token) -> Measure:
        """The move since a date."""
        return measures.ChangeSince(date_of(start))

    def since_told(self, _: list[Any]) -> Measure:
        """The move since the rule last told."""
        return measures.SinceTold()

    @v_args(inline=True)
    def cost(self, price: Token) -> Measure:
        """The move from one's own price."""
        cost = number_of(price)
        if cost <= 0:
            raise Misplaced("What was paid is above 0, as in cost 16.2.", place_of(price))
        return measures.FromCost(cost)

    def gap(self, _: list[Any]) -> Measure:
        """The opening price's move."""
        return measures.Gap()

    def streak(self, _: list[Any]) -> Measure:
        """Closes in a row."""
        return measures.Streak()

    def volume(self, children: list[Any]) -> Measure:
        """Volume against its average."""
        if children and children[1] not in {"days", "sessions"}:
            raise Misplaced("Volume is compared over sessions, as in volume 20d.", place_of(children[0]))
        return measures.Volume(whole_of(children[0]) if children else _DEFAULT_SESSIONS["volume"])

    def position(self, children: list[Any]) -> Measure:
        """Where the price stands within a window."""
        return measures.Position(children[0] if children else "52w")

    def sigmas(self, children: list[Any]) -> Measure:
        """The session's move in deviations."""
        return measures.Sigmas(whole_of(children[0]) if children else _DEFAULT_SESSIONS["sigma"])

    @v_args(inline=True)
    def against(self, name: str) -> Measure:
        """The move less another's."""
        return measures.Against(name)

    @v_args(inline=True)
    def ratio(self, name: str) -> Measure:
        """The price over another's."""
        return measures.Ratio(name)

    @v_args(inline=True)
    def spread(self, name: str) -> Measure:
        """The price less another's."""
        return measures.Spread(name)

    @v_args(inline=True)
    def premium(self, word: Token) -> Measure:
        """One of the three premiums."""
        return measures.Premium(cast("PremiumKind", word.type.lower().replace("_", " ")))

    def rsi(self, children: list[int]) -> Measure:
        """The relative strength index."""
        return measures.Rsi(children[0] if children else _DEFAULT_SESSIONS["rsi"])

    @v_args(inline=True)
    def average(self, kind: measures.AverageKind, sessions: int) -> Measure:
        """A moving average."""
        return measures.Average(kind, sessions)

    @v_args(inline=True)
    def average_of(self, sessions: Token, kind: measures.AverageKind) -> Measure:
        """The same with its length first, as “50-day average”."""
        return measures.Average(kind, whole_of(sessions))

    def sma(self, _: list[Any]) -> measures.AverageKind:
        """A simple average."""
        return "sma"

    def ema(self, _: list[Any]) -> measures.AverageKind:
        """An exponential average."""
        return "ema"

    @v_args(inline=True)
    def period(self, sessions: Token) -> int:
        """A number of sessions."""
        return whole_of(sessions)

    @v_args(inline=True)
    def name(self, word: Token) -> str:
        """An instrument or a topic, as it was written."""
        if not word.value:
            raise Misplaced("Nothing stands between the quotation marks: write a name.", place_of(word))
        return str(word)

    def minutes(self, _: list[Any]) -> str:
        """Minutes."""
        return "m"

    def hours(self, _: list[Any]) -> str:
        """Hours."""
        return "h"

    def days(self, _: list[Any]) -> str:
        """Days."""
        return "days"

    def sessions(self, _: list[Any]) -> str:
        """Sessions."""
        return "sessions"
