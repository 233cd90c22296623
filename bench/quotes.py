"""From a quote's arrival to its evaluated rules: the worker's own watch, on a real server, at 500 symbols."""

from __future__ import annotations

import gc
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bench.figures import Figure, percentile
from bench.synthetic import TODAY, histories, instruments
from bot.alerts.alert import Alert
from bot.clock import machine_time
from bot.config.reading import read_settings
from bot.market.bars import Calendar, Series
from bot.market.catalogue import Catalogue
from bot.market.instrument import Instrument
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from bot.pipeline.raising import Raiser
from bot.pipeline.watch import Watch
from bot.ports import Found
from bot.rules.conditions import Rule
from bot.rules.crossing import Rung
from bot.rules.evaluate import Ladders, crossings
from bot.rules.footing import footings
from bot.rules.past import passed_in_history
from bot.rules.standing import last_footing
from bot.sources.calendars import load_schedule
from bot.store import lease
from bot.store import market as published
from bot.store.alerts import Raised
from bot.store.link import Link, connect
from bot.store.server import embedded

_SETTINGS = Path(__file__).parents[1] / "config.yaml"
_SEED = 700
_SESSIONS = 2520
_TEN_YEARS = timedelta(days=3800)
_TRIES = 3
_SIDE_BY_SIDE = 10
_KNOWN_BACK, _KNOWN_AHEAD = timedelta(days=800), timedelta(days=370)
"""What the worker loads of the calendars."""
_DELAY = 15
_OPENED = datetime(TODAY.year, TODAY.month, TODAY.day, 2, 0, tzinfo=UTC)
"""Half an hour into the morning of Hong Kong."""


class NoSource:
    """Where nothing should be asked for: what is kept reaches the session before."""

    name = "made up"

    async def quotes(self, instruments: Sequence[Instrument]) -> tuple[Quote, ...]:
        """Refuse."""
        raise AssertionError(instruments)

    async def history(self, instrument: Instrument, until: date) -> Series:
        """Give nothing new: a watch that checks old bars now and then finds none."""
        del until
        return Series(instrument.symbol, ())

    async def search(self, text: str) -> tuple[Found, ...]:
        """Refuse."""
        raise AssertionError(text)


@dataclass(slots=True)
class Stamping(Raiser):
    """Raises as ever, and notes when it is first asked to: by then every rule has been evaluated."""

    stamps: list[float] = field(default_factory=list)

    async def raise_all(self, alerts: Sequence[Alert]) -> tuple[Raised, ...]:
        """Note the time, and raise."""
        self.stamps.append(time.perf_counter())
        return await Raiser.raise_all(self, alerts)


@dataclass(slots=True)
class Market:
    """Quotes of one morning, a second apart."""

    chance: random.Random
    quotes: dict[str, Quote]
    moment: datetime = _OPENED

    @classmethod
    def after(cls, held: Mapping[str, Series], chance: random.Random) -> Market:
        """Open where the last closes were."""
        quotes: dict[str, Quote] = {}
        for symbol, series in held.items():
            close = series.bars[-1].close
            quotes[symbol] = Quote(
                symbol=symbol,
                price=close,
                session=TODAY,
                time=_OPENED,
                received=_OPENED + timedelta(minutes=_DELAY),
                source="made up",
                delay=_DELAY,
                open=close,
                previous_close=close,
            )
        return cls(chance, quotes)

    def move(self, symbol: str, by: float | None = None) -> Quote:
        """Return the next quote of a symbol."""
        before = self.quotes[symbol]
        self.moment += timedelta(milliseconds=10)
        price = round(before.price * (1 + (self.chance.gauss(0, 0.0004) if by is None else by)), 2)
        high, low = max(before.high or before.price, price), min(before.low or before.price, price)
        received = self.moment + timedelta(minutes=_DELAY)
        made = replace(before, price=price, high=high, low=low, time=self.moment, received=received)
        self.quotes[symbol] = made
        return made


async def measured(*, quick: bool = False) -> list[Figure]:
    """Time single quotes, bursts and the first look of a session."""
    count, singles, bursts = (6, 20, 3) if quick else (500, 3000, 60)
    chance = random.Random(_SEED)  # noqa: S311 - prices, not secrets
    whole = load_schedule({"XHKG"}, TODAY - _TEN_YEARS, TODAY + _KNOWN_AHEAD)
    held_days = whole.sessions_between("XHKG", TODAY - _TEN_YEARS, TODAY - timedelta(days=1))
    days = [each.session for each in held_days][-_SESSIONS:]
    known = whole.exchanges["XHKG"].between(TODAY - _KNOWN_BACK, TODAY + _KNOWN_AHEAD)
    schedule = Schedule({"XHKG": known})
    watched = Catalogue.of(instruments(count))
    rules = _rules(watched)
    with tempfile.TemporaryDirectory() as folder, embedded(Path(folder)) as place:
        link = await connect(place, "bench")
        try:
            held = histories(watched, days, chance)
            for series in held.values():
                await published.publish_history(link, series)
            beside = _side_by_side(rules, held, schedule.calendar(), count if quick else _SIDE_BY_SIDE)
            del held
            watch = Watch(link, NoSource(), rules, watched, machine_time, _silent, schedule)
            await watch.load()
            market = Market.after(watch.histories, chance)
            return [*await _looks(link, watch, market, singles, bursts), *beside]
        finally:
            await link.close()


async def _looks(link: Link, watch: Watch, market: Market, singles: int, bursts: int) -> list[Figure]:
    now = machine_time()
    raiser = Stamping(link, await lease.hold(link, "bench", now, now + 600_000), machine_time)
    symbols = list(market.quotes)
    start = time.perf_counter()
    await watch.tick([market.move(each) for each in symbols], raiser)
    entered = time.perf_counter() - start
    # Python walks all bars once after they came in, at a moment of its own: told by itself, of no burst.
    start = time.perf_counter()
    gc.collect()
    collected = time.perf_counter() - start
    alone = [await _look(watch, raiser, [market.move(market.chance.choice(symbols))]) for _ in range(singles)]
    together = [await _look(watch, raiser, [market.move(each) for each in symbols]) for _ in range(bursts)]
    crash = await _look(watch, raiser, [market.move(each, by=-0.09) for each in symbols])
    ms = 1000
    of = f"{len(symbols)} symbols"
    return [
        Figure(
            f"a quote to its evaluated rules, alone, {of}, p99", percentile(alone, 99) * ms, "ms", below=20
        ),
        Figure("  median", percentile(alone, 50) * ms, "ms"),
        Figure(f"a quote in a burst of all {of}, p99", percentile(together, 99) * ms, "ms", below=20),
        Figure("  median", percentile(together, 50) * ms, "ms"),
        Figure("  a burst in which every symbol crosses its steps", crash * ms, "ms"),
        Figure(f"the first look of a session, all {of}", entered * ms, "ms"),
        Figure("  a full collection of garbage, ten years of bars held", collected * ms, "ms"),
    ]


async def _look(watch: Watch, raiser: Stamping, quotes: Sequence[Quote]) -> float:
    """Return the seconds from the quotes' arrival to when the last of them has met every rule."""
    raiser.stamps.clear()
    start = time.perf_counter()
    await watch.tick(quotes, raiser)
    if any(watch.quotes.get(each.symbol) != each for each in quotes):
        raise AssertionError("A quote was held back.")
    return raiser.stamps[0] - start


def _rules(watched: Catalogue) -> tuple[Rule, ...]:
    """Return the default rules, every one of them for every instrument."""
    every = frozenset(watched.by_symbol)
    return tuple(replace(each, symbols=every) for each in read_settings(_SETTINGS).rules_of())


def _side_by_side(
    rules: Sequence[Rule], held: Mapping[str, Series], calendar: Calendar, count: int
) -> list[Figure]:
    """Work out a session's footings and passed steps from its end, and by going through all of history."""
    gc.collect()
    some = list(held.values())[:count]
    whole, from_end = [], []
    for _ in range(_TRIES):
        # a series remembers what was worked out of it
        fresh = [replace(each) for each in some]
        start = time.perf_counter()
        now = [_entered(rule, series, calendar) for series in fresh for rule in rules]
        from_end.append(time.perf_counter() - start)
    start = time.perf_counter()
    then = [_replayed(rule, series, calendar) for series in some for rule in rules]
    whole.append(time.perf_counter() - start)
    if now != then:
        raise AssertionError("What is worked out from the end is not what a replay of history gives.")
    each_ms = 1000 / len(some)
    return [
        Figure("  what history passed, an instrument, from its end", min(from_end) * each_ms, "ms"),
        Figure("  the same by a replay of its history", min(whole) * each_ms, "ms"),
        Figure("  a replay takes as many times", min(whole) / min(from_end), "x"),
    ]


def _entered(rule: Rule, history: Series, calendar: Calendar) -> object:
    today = history.with_bar(replace(history.bars[-1], session=TODAY))
    footing = last_footing(rule, today, calendar, "HK")
    return footing, footing and passed_in_history(rule, footing, history)


def _replayed(rule: Rule, history: Series, calendar: Calendar) -> object:
    today = history.with_bar(replace(history.bars[-1], session=TODAY))
    footing = footings(rule, today, calendar, "HK")[-1]
    if footing is None or footing.measure == "day change":
        return footing, footing and {}
    ladders = Ladders()
    for _ in crossings(rule, history, calendar, "HK", ladders):
        pass
    rungs = [Rung(rule.revision, history.symbol, footing.episode, each) for each in footing.directions]
    return footing, {each: ladders.furthest(each) for each in rungs if ladders.furthest(each)}


def _silent(event: str, **facts: object) -> None:
    """Keep the log out of what is measured."""
