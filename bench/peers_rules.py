"""Ways of keeping very many alerts, told and armed again alike: our own, a dict by symbol, and a list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from bench.alerts import Alert, Alerts, Edit
from bot.rules.levels import NOTHING, Reached
from bot.rules.measures import Price
from bot.rules.threshold import Key
from bot.rules.thresholds import Thresholds

_PRICE = Price()


class Way(Protocol):
    """A way of keeping alerts: what a look reached and came back for is asked for, then settled."""

    def look(self, symbol: str, low: float, high: float) -> Reached:
        """Return the armed alerts that a look reached, and the told ones that it came back for."""
        ...

    def settle(self, symbol: str, found: Reached) -> None:
        """Note that all of these were told, and armed again."""
        ...

    def add(self, alert: Alert) -> None:
        """Put an alert in, armed."""
        ...

    def remove(self, alert: Alert) -> None:
        """Take an alert out."""
        ...

    def edit(self, edit: Edit) -> None:
        """Give an alert another level, armed."""
        ...


class Ours:
    """The index of the worker; it needs no more of an alert that goes than its number."""

    def __init__(self, alerts: Alerts) -> None:
        self.index = Thresholds()
        for (symbol, up), slots in alerts.by_side().items():
            levels = [alerts.level[slot] for slot in slots]
            self.index.fill(Key(symbol, _PRICE), "up" if up else "down", levels, slots)

    def look(self, symbol: str, low: float, high: float) -> Reached:
        """Ask the levels of each measure on the instrument, of which there is one here."""
        found = NOTHING
        for levels in self.index.of(symbol):
            found = levels.reached(low, high)
        return found

    def settle(self, symbol: str, found: Reached) -> None:
        """Tell and arm."""
        del symbol
        if found.fired:
            self.index.tell(found.fired)
        if found.back:
            self.index.arm(found.back)

    def add(self, alert: Alert) -> None:
        """Put it in."""
        self.index.add(Key(alert.symbol, _PRICE), "up" if alert.up else "down", alert.level, alert.number)

    def remove(self, alert: Alert) -> None:
        """Take it out."""
        self.index.remove(alert.number)

    def edit(self, edit: Edit) -> None:
        """Change it."""
        self.index.change(edit.before.number, edit.level)


@dataclass(slots=True)
class Kept:
    """An alert as an object of its own."""

    number: int
    symbol: str
    up: bool
    level: float
    told: bool = False

    def reached(self, low: float, high: float) -> bool:
        """Tell whether a look reached it."""
        return high >= self.level if self.up else low <= self.level

    def is_back(self, low: float, high: float) -> bool:
        """Tell whether a look came back beyond its slack."""
        slack = _PRICE.slack(self.level)
        return low < self.level - slack if self.up else high > self.level + slack


def scanned(alerts: Iterable[Kept], low: float, high: float) -> Reached:
    """Return what a look reached, and came back for, of alerts that are gone through one by one."""
    fired, back = [], []
    for each in alerts:
        if each.told:
            if each.is_back(low, high):
                back.append(each.number)
        elif each.reached(low, high):
            fired.append(each.number)
    return Reached(fired, back)


class BySymbol:
    """A dict by symbol, of dicts by number: the alerts on the instrument are gone through."""

    def __init__(self, alerts: Alerts) -> None:
        self._of: defaultdict[str, dict[int, Kept]] = defaultdict(dict)
        for each in alerts:
            self.add(each)

    def look(self, symbol: str, low: float, high: float) -> Reached:
        """Go through the instrument's."""
        return scanned(self._of[symbol].values(), low, high)

    def settle(self, symbol: str, found: Reached) -> None:
        """Note it in each."""
        of = self._of[symbol]
        for number in found.fired:
            of[number].told = True
        for number in found.back:
            of[number].told = False

    def add(self, alert: Alert) -> None:
        """Put it in."""
        self._of[alert.symbol][alert.number] = Kept(*alert)

    def remove(self, alert: Alert) -> None:
        """Take it out."""
        del self._of[alert.symbol][alert.number]

    def edit(self, edit: Edit) -> None:
        """Change it."""
        self.add(edit.before._replace(level=edit.level))


class Scanned:
    """A list of alerts that is gone through whole at every tick, as most bots do."""

    def __init__(self, alerts: Alerts) -> None:
        self._all = [Kept(*each) for each in alerts]

    def look(self, symbol: str, low: float, high: float) -> Reached:
        """Go through all."""
        return scanned((each for each in self._all if each.symbol == symbol), low, high)

    def settle(self, symbol: str, found: Reached) -> None:
        """Find each once more."""
        fired, back = set(found.fired), set(found.back)
        if fired or back:
            for each in self._all:
                if each.symbol == symbol:
                    each.told = each.number in fired or (each.told and each.number not in back)

    def add(self, alert: Alert) -> None:
        """Put it in."""
        self._all.append(Kept(*alert))

    def remove(self, alert: Alert) -> None:
        """Find it and take it out."""
        at = next(at for at, each in enumerate(self._all) if each.number == alert.number)
        del self._all[at]

    def edit(self, edit: Edit) -> None:
        """Change it."""
        self.remove(edit.before)
        self.add(edit.before._replace(level=edit.level))
