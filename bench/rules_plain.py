"""Alerts each looked at on their own, as the words say, and the index beside them: nothing may differ."""

from __future__ import annotations

import random
from dataclasses import dataclass

from bot.rules.measures import Day, Direction, Price
from bot.rules.threshold import Again, Key
from bot.rules.thresholds import SLOTS, Thresholds

_SYMBOLS, _ON_EACH = 20, 250
_AGAIN: tuple[Again, ...] = ("back", "session", "never")


@dataclass(slots=True)
class _Plain:
    """An alert and its state."""

    number: int
    side: Direction
    threshold: float
    told: bool = False

    def reached(self, low: float, high: float) -> bool:
        return high >= self.threshold if self.side == "up" else low <= self.threshold

    def is_back(self, low: float, high: float, slack: float) -> bool:
        return low < self.threshold - slack if self.side == "up" else high > self.threshold + slack


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many looks differed, and what was told and armed again in all of them."""

    mismatches: int
    fired: int
    back: int


def compared(looks: int) -> Agreement:
    """Look at random, with alerts added, removed and edited in between, some not told at once."""
    chance = random.Random(16)  # noqa: S311 - prices, not secrets
    index = Thresholds()
    keys = [_key(number) for number in range(_SYMBOLS)]
    plain: dict[Key, dict[int, _Plain]] = {key: {} for key in keys}
    for slot in range(_SYMBOLS * _ON_EACH):
        _put(index, plain[keys[slot % _SYMBOLS]], keys[slot % _SYMBOLS], slot, chance)
    price = dict.fromkeys(keys, 100.0)
    mismatches = fired_at_all = back_at_all = 0
    for look in range(looks):
        key = chance.choice(keys)
        before, now = price[key], price[key] + chance.gauss(0, 1.5) + (100 - price[key]) / 20
        price[key] = now
        low, high = min(before, now), max(before, now)
        found = index.reached(key, low, high)
        alerts = plain[key]
        fired = {each.number for each in alerts.values() if not each.told and each.reached(low, high)}
        back = {
            each.number
            for each in alerts.values()
            if key.again == "back"
            and each.told
            and each.is_back(low, high, key.measure.slack(each.threshold))
        }
        mismatches += set(found.fired) != fired or set(found.back) != back
        fired_at_all += len(fired)
        back_at_all += len(back)
        # Now and then raising fails in between.
        told = found.fired if look % 7 else found.fired[::2]
        index.tell(told)
        index.arm(found.back)
        for number in told:
            alerts[number].told = True
        for number in back:
            alerts[number].told = False
        _changed(index, alerts, key, chance)
        if look % 500 == 0 and key.again == "session":
            index.arm_all(key)
            for each in alerts.values():
                each.told = False
    return Agreement(mismatches, fired_at_all, back_at_all)


def _key(number: int) -> Key:
    return Key(f"{number:04}.HK", Day() if number % 4 == 0 else Price(), _AGAIN[number % len(_AGAIN)])


def _put(index: Thresholds, alerts: dict[int, _Plain], key: Key, number: int, chance: random.Random) -> None:
    side: Direction = "up" if chance.random() < 0.5 else "down"  # noqa: PLR2004 - one in two
    threshold = round(chance.gauss(100, 8), chance.choice((0, 1, 4)))
    told = chance.random() < 0.1  # noqa: PLR2004 - one in ten
    index.add(key, side, threshold, number, told=told)
    alerts[number] = _Plain(number, side, threshold, told)


def _changed(index: Thresholds, alerts: dict[int, _Plain], key: Key, chance: random.Random) -> None:
    gone, edited = chance.sample(list(alerts), 2)
    if not index.remove(gone):
        raise AssertionError(f"{gone} was not in the index.")
    del alerts[gone]
    _put(index, alerts, key, gone + SLOTS, chance)
    threshold = round(chance.gauss(100, 8), 1)
    index.change(edited, threshold)
    alerts[edited].threshold = threshold
    alerts[edited].told = False
