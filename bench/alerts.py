"""Made-up alerts on made-up prices, and what comes to pass: ticks, and alerts added, removed and edited."""

from __future__ import annotations

import math
import random
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from bot.rules.thresholds import SLOTS

_SPREAD = 0.2
_A_TICK = 0.0005
_CHANGE_EVERY = 4


class Alert(NamedTuple):
    """An alert on a price: told when it is reached, up or down; `number` is as the store gives it."""

    number: int
    symbol: str
    up: bool
    level: float


class Edit(NamedTuple):
    """An alert as it was, and the level that it gets."""

    before: Alert
    level: float


class Tick(NamedTuple):
    """A price that went from `low` to `high`, and what chats asked for after it."""

    symbol: str
    low: float
    high: float
    added: Alert | None = None
    removed: Alert | None = None
    edited: Edit | None = None


@dataclass(frozen=True, slots=True)
class Alerts:
    """Alerts in columns, by slot: 13 bytes each, so that what holds them is seen beside them."""

    symbols: Sequence[str]
    prices: array[float]
    of: array[int]
    up: bytearray
    level: array[float]

    @classmethod
    def made(cls, count: int, symbols: int, chance: random.Random) -> Alerts:
        """Spread alerts over instruments as their ranks go (Zipf), 20% about their prices, in whole cents."""
        names = [f"{number:05}.HK" for number in range(1, symbols + 1)]
        prices = array("d", [round(chance.uniform(50, 400), 2) for _ in names])
        of = array("I", chance.choices(range(symbols), cum_weights=_ranks(symbols), k=count))
        up, level = bytearray(count), array("d", bytes(8 * count))
        for slot, at in enumerate(of):
            level[slot] = round(prices[at] * math.exp(chance.gauss(0, _SPREAD)), 2)
            up[slot] = level[slot] > prices[at]
        return cls(names, prices, of, up, level)

    def by_side(self) -> dict[tuple[str, bool], list[int]]:
        """Return the slots of each side of each instrument, up and down."""
        found: defaultdict[tuple[str, bool], list[int]] = defaultdict(list)
        for slot, at in enumerate(self.of):
            found[self.symbols[at], bool(self.up[slot])].append(slot)
        return found

    def __len__(self) -> int:
        return len(self.of)

    def __iter__(self) -> Iterator[Alert]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, slot: int) -> Alert:
        return Alert(slot, self.symbols[self.of[slot]], bool(self.up[slot]), self.level[slot])


def _ranks(symbols: int) -> list[float]:
    return list(accumulate(1 / rank for rank in range(1, symbols + 1)))


def ticks(alerts: Alerts, count: int, chance: random.Random) -> list[Tick]:
    """Let prices walk, the oftener the more alerts they have; a chat changes something every fourth tick.

    It adds an alert, in the slot of one that it removes, and edits another.
    """
    price = dict(zip(alerts.symbols, alerts.prices, strict=True))
    changed: dict[int, Alert] = {}
    found = []
    for place, symbol in enumerate(
        chance.choices(alerts.symbols, cum_weights=_ranks(len(alerts.symbols)), k=count)
    ):
        before = price[symbol]
        price[symbol] = now = before * (1 + chance.gauss(0, _A_TICK))
        low, high = min(before, now), max(before, now)
        if place % _CHANGE_EVERY:
            found.append(Tick(symbol, low, high))
            continue
        gone, edited = (_now(alerts, changed, slot) for slot in chance.sample(range(len(alerts)), 2))
        level = _level_for(price[gone.symbol], up=not gone.up, chance=chance)
        added = Alert(gone.number + SLOTS, gone.symbol, not gone.up, level)
        edit = Edit(edited, _level_for(price[edited.symbol], up=edited.up, chance=chance))
        changed[gone.number % SLOTS] = added
        changed[edited.number % SLOTS] = edited._replace(level=edit.level)
        found.append(Tick(symbol, low, high, added, gone, edit))
    return found


def _now(alerts: Alerts, changed: dict[int, Alert], slot: int) -> Alert:
    return changed.get(slot) or alerts[slot]


def _level_for(price: float, *, up: bool, chance: random.Random) -> float:
    away = math.exp(abs(chance.gauss(0, _SPREAD)))
    return round(price * away if up else price / away, 2)
