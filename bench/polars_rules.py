"""Very many alerts in a polars frame that is filtered at every tick."""

from __future__ import annotations

from typing import Any

from bench.alerts import Alert, Alerts, Edit
from bench.peers_rules import Kept, scanned
from bot.errors import MarketbellError
from bot.rules.levels import Reached
from bot.rules.thresholds import SLOTS

# Its layout is that of Arrow: a number, a symbol (which fits into its view), a level, and two bits.
_ROW_BYTES = 8 + 16 + 8 + 2 / 8
_BY_CATEGORY_BYTES = 8 + 4 + 8 + 2 / 8


class NoPolars(MarketbellError):
    """What alerts are measured beside is not installed."""


class Frame:
    """polars: a frame of all alerts, filtered at every look; what was added since waits in a list.

    In the few ticks that it is given, the list needs no merging into the frame.
    """

    bytes_each = _ROW_BYTES
    bytes_each_by_category = _BY_CATEGORY_BYTES

    def __init__(self, alerts: Alerts) -> None:
        self._polars = load_polars()
        pl = self._polars
        self._frame = pl.DataFrame(
            {
                "number": pl.int_range(len(alerts), eager=True),
                "symbol": pl.Series([alerts.symbols[at] for at in alerts.of], dtype=pl.String),
                "up": pl.Series(list(map(bool, alerts.up)), dtype=pl.Boolean),
                "level": pl.Series(alerts.level, dtype=pl.Float64),
                "told": pl.repeat(value=False, n=len(alerts), eager=True),
            }
        )
        self._gone: set[int] = set()
        self._added: dict[int, Kept] = {}

    def look(self, symbol: str, low: float, high: float) -> Reached:
        """Filter the frame, and go through the list."""
        pl = self._polars
        up, told, level = pl.col("up"), pl.col("told"), pl.col("level")
        slack = level.abs() * 0.01
        reached = pl.when(up).then(level <= high).otherwise(level >= low)
        back = pl.when(up).then(level - slack > low).otherwise(level + slack < high)
        wanted = (pl.col("symbol") == symbol) & pl.when(told).then(back).otherwise(reached)
        found = self._frame.filter(wanted).select("number", "told").rows()
        added = scanned((each for each in self._added.values() if each.symbol == symbol), low, high)
        fired = [number for number, was in found if not was and number not in self._gone]
        armed = [number for number, was in found if was and number not in self._gone]
        return Reached([*fired, *added.fired], [*armed, *added.back])

    def settle(self, symbol: str, found: Reached) -> None:
        """Note it in the frame's column, and in the list."""
        del symbol
        told: Any = self._frame["told"].clone()
        for numbers, value in ((found.fired, True), (found.back, False)):
            for number in numbers:
                if number in self._added:
                    self._added[number].told = value
            told = told.scatter([number for number in numbers if number not in self._added], value)
        self._frame = self._frame.with_columns(told.alias("told"))

    def add(self, alert: Alert) -> None:
        """Put it into the list."""
        self._added[alert.number] = Kept(*alert)

    def remove(self, alert: Alert) -> None:
        """Take it out of the list, or pass over its row from now on."""
        if self._added.pop(alert.number, None) is None:
            self._gone.add(alert.number % SLOTS)

    def edit(self, edit: Edit) -> None:
        """Change it."""
        self.remove(edit.before)
        self.add(edit.before._replace(level=edit.level))


def load_polars() -> Any:
    """Load it; `NoPolars` where it is not installed."""
    try:
        import polars  # noqa: ICN001, PLC0415 - only this is measured beside it
    except ImportError as error:
        raise NoPolars(
            "polars is not installed: scripts/environment peers puts what we are measured beside into .venv."
        ) from error
    return polars
