"""Every recorded instrument walked through a real watch on a real server, one final quote a bar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from bot.alerts.alert import Alert, Condition, Flood, Move
from bot.market.bars import Bar, Series
from bot.market.instrument import Instrument
from bot.market.quote import Quote, settled_quote
from bot.market.sessions import settlement
from bot.pipeline.raising import Raiser
from bot.pipeline.watch import Watch
from bot.ports import Found
from bot.rules.conditions import Rule, Telling
from bot.rules.crossing import Crossing
from bot.rules.grammar import parse
from bot.rules.met import Met
from bot.store import lease
from bot.store import market as published
from bot.store.link import Link
from tests.cast import NOW
from tests.rules.recorded_scene import CATALOGUE, catalogue, members, recorded

_AN_HOUR = timedelta(hours=1)
# Longer than a leap waits that a split could be.
_PATIENCE = timedelta(minutes=31)


@dataclass(frozen=True, slots=True)
class Bars:
    """Recorded bars as a source of charts, each up to the session before the one that is asked for."""

    held: dict[str, Series]
    name: str = "recorded bars"

    async def quotes(self, instruments: Sequence[Instrument]) -> tuple[Quote, ...]:
        raise AssertionError(instruments)

    async def search(self, text: str) -> tuple[Found, ...]:
        raise AssertionError(text)

    async def history(self, instrument: Instrument, until: date) -> Series:
        held = self.held.get(instrument.symbol, Series(instrument.symbol, ()))
        return held.until(until - timedelta(days=1))


def rules_of(lines: Iterable[str], telling: Telling | None = None) -> tuple[Rule, ...]:
    """Return a rule over every recorded instrument for each condition."""
    return tuple(
        Rule(f"rule {number}", parse(line), frozenset(recorded()), telling=telling or Telling())
        for number, line in enumerate(lines)
    )


def watch_of(link: Link, rules: Sequence[Rule]) -> Watch:
    """Return a watch as a worker makes it that was just started."""

    def report(event: str, **facts: object) -> None:
        del event, facts

    # A replay may ask for as many charts as it likes.
    source = Bars(recorded())
    return Watch(link, source, rules, catalogue(), lambda: NOW, report, replay_of="test", members=members)


async def publish_until(link: Link, last: date) -> None:
    """Keep the bars up to a session, as a worker before did."""
    for series in recorded().values():
        await published.publish_history(link, series.until(last))


async def raiser_of(link: Link) -> Raiser:
    """Return what raises in the name of a worker that holds the lease."""
    return Raiser(link, await lease.hold(link, "me", NOW, NOW + 15_000), lambda: NOW)


def closes(first: date, last: date) -> list[list[Quote]]:
    """Return the official closes of each moment, in order, as a source that is asked after each has them."""
    moments: dict[object, list[Quote]] = {}
    for symbol, series in recorded().items():
        for bar in series.bars:
            if first <= bar.session <= last:
                settled = settlement(CATALOGUE[symbol].market, bar.session)
                moments.setdefault(settled, []).append(settled_quote(symbol, bar, settled, "recorded bars"))
    return [quotes for _, quotes in sorted(moments.items(), key=lambda each: str(each[0]))]


async def looked_at(watch: Watch, raiser: Raiser, quotes: Sequence[Quote]) -> list[Alert]:
    """Look at quotes, and again as often as it takes to believe a leap that a split could be."""
    raised = list(await watch.tick(quotes, raiser))
    for times in (1, 2):
        waiting = [each for each in quotes if each.symbol in watch.waiting]
        again = [replace(each, received=each.received + times * _PATIENCE) for each in waiting]
        raised += await watch.tick(again, raiser)
    return raised


def in_the_day(symbol: str, bar: Bar) -> list[Quote]:
    """Return quotes of a session as it may have gone: its open, its extremes and its official close."""
    settled = settlement(CATALOGUE[symbol].market, bar.session)
    final = settled_quote(symbol, bar, settled, "recorded bars")
    opened = bar.close if bar.open is None else bar.open
    far = (bar.bottom, bar.top) if bar.close > opened else (bar.top, bar.bottom)
    found, seen = [], []
    for number, price in enumerate((opened, *far)):
        seen.append(price)
        time = settled - (4 - number) * _AN_HOUR
        high, low = max(seen), min(seen)
        found.append(
            replace(
                final, price=price, time=time, received=time, final=False, open=opened, high=high, low=low
            )
        )
    return [*found, final]


def raised_by(alerts: Iterable[Alert]) -> list[Crossing | Met]:
    """Return what alerts tell of, whatever is told around it; that a rule floods a chat is not of a look."""
    found: list[Crossing | Met] = []
    for each in alerts:
        match each.facts:
            case Move(crossing=raised) | Condition(met=raised):
                found.append(raised)
            case Flood():
                continue
            case _:
                raise AssertionError(each)
    return found
