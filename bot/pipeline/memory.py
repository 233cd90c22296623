"""Memory: what rules ask for that is in no quote and no bar: prices of the last hours, and the last stories.

Prices are kept in Redis as they come, so that a worker which takes over knows them too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.alerts.alert import News
from bot.market.quote import Quote
from bot.rules.conditions import Rule
from bot.rules.gates import leaves_of
from bot.rules.measures import Change, Measure, Premium
from bot.rules.terms import Comparison, Story
from bot.rules.threshold import Key
from bot.store import alerts as stored
from bot.store import trails
from bot.store.link import Link
from bot.store.trails import Point

_RECENT = 2_000
_MINUTES = {"m": 1, "h": 60}


@dataclass(slots=True)
class Memory:
    """Remembers what the rules that it listens to will ask for."""

    link: Link
    asks_for_premiums: bool = False
    stories: dict[str, datetime] = field(default_factory=dict)
    _asks_for_stories: bool = False
    _spans: dict[str, timedelta] = field(default_factory=dict)
    _trails: dict[str, deque[Point]] = field(default_factory=dict)
    _heard: frozenset[str] = frozenset()

    def listen(self, rules: Iterable[Rule], keys: Iterable[Key]) -> None:
        """Know what rules, and the thresholds on these keys, will ask for."""
        asked: list[tuple[Measure, Iterable[str]]] = [(each.measure, (each.symbol,)) for each in keys]
        self._asks_for_stories = False
        for rule in rules:
            for leaf in leaves_of(rule):
                self._asks_for_stories |= isinstance(leaf, Story)
                if isinstance(leaf, Comparison):
                    asked.append((leaf.measure, rule.symbols))
        self.asks_for_premiums = any(isinstance(measure, Premium) for measure, _ in asked)
        self._spans = {}
        for measure, symbols in asked:
            if span := _minutes_of(measure):
                for symbol in symbols:
                    self._spans[symbol] = max(span, self._spans.get(symbol, span))

    def trail(self, symbol: str) -> Sequence[Point]:
        """Return the prices of the last hours, oldest first."""
        return tuple(self._trails.get(symbol, ()))

    async def remember(self, quotes: Iterable[Quote]) -> None:
        """Take note of the quotes' prices, and of the stories that were told."""
        if self._spans:
            await self._follow([each for each in quotes if each.symbol in self._spans])
        if self._asks_for_stories:
            await self._hear()

    async def _follow(self, quotes: Sequence[Quote]) -> None:
        grown: dict[str, trails.Grown] = {}
        for quote in quotes:
            trail = self._trails.get(quote.symbol)
            if trail is None:
                trail = self._trails[quote.symbol] = deque(await trails.trail(self.link, quote.symbol))
            if trail and trail[-1][0] >= quote.time:
                continue
            trail.append((quote.time, quote.price))
            # One price from before the span is what the change over all of it is measured from.
            dropped = 0
            while len(trail) > 1 and trail[1][0] <= quote.time - self._spans[quote.symbol]:
                trail.popleft()
                dropped += 1
            grown[quote.symbol] = trails.Grown(trail[-1], dropped)
        await trails.extend(self.link, grown)

    async def _hear(self) -> None:
        latest = await stored.recent_fingerprints(self.link, _RECENT)
        new = await stored.alerts_of(self.link, [each for each in latest if each not in self._heard])
        self._heard = frozenset(latest)
        for each in new.values():
            if isinstance(each.facts, News):
                for topic in each.facts.story.topics:
                    self.stories[topic] = max(each.at, self.stories.get(topic, each.at))


def _minutes_of(measure: Measure) -> timedelta:
    """Return over how long a change within the session is asked for; nothing where none is."""
    match measure:
        case Change(count, "m" | "h" as span):
            return timedelta(minutes=count * _MINUTES[span])
        case _:
            return timedelta()
