"""One thing that is watched, and what the world calls it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Literal

Kind = Literal["index", "stock", "fund", "other"]
Market = Literal["HK", "CN", "US", "other"]

SYMBOL = re.compile(r"[A-Z0-9.^=-]{1,15}")

_MARKET_OF_EXCHANGE: Mapping[str, Market] = MappingProxyType(
    {
        "XHKG": "HK",
        "XSHG": "CN",
        "XSHE": "CN",
        "XNYS": "US",
        "XNAS": "US",
        "ARCX": "US",
        "XCBO": "US",
    }
)
_EXCHANGE_OF_SUFFIX: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"HK": ("XHKG", "HKD"), "SS": ("XSHG", "CNY"), "SZ": ("XSHE", "CNY")}
)


@dataclass(frozen=True, slots=True)
class Instrument:
    """An index, a stock or a fund, under its one canonical symbol.

    `exchange` is a market identifier code (ISO 10383), XXXX for what no exchange trades. `short` is what the
    first line of a message calls it. `names` are by language tag; `sources` holds a source's own symbol where
    it differs.
    """

    symbol: str
    kind: Kind
    exchange: str
    currency: str
    short: str
    names: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def market(self) -> Market:
        """The market whose sessions it trades in."""
        return _MARKET_OF_EXCHANGE.get(self.exchange, "other")

    @property
    def name(self) -> str:
        """Its full English name, or the short one."""
        return self.names.get("en", self.short)

    def symbol_at(self, source: str) -> str:
        """Return what `source` calls this instrument."""
        return self.sources.get(source, self.symbol)


def bare_instrument(symbol: str) -> Instrument:
    """Make an instrument of a symbol that no catalogue describes, as its suffix tells."""
    suffix = symbol.rpartition(".")[2] if "." in symbol else ""
    exchange, currency = _EXCHANGE_OF_SUFFIX.get(suffix, ("XNYS", "USD"))
    kind: Kind = "index" if symbol.startswith("^") else "stock"
    return Instrument(symbol, kind, exchange, currency, short=symbol)


@dataclass(frozen=True, slots=True)
class Membership:
    """An instrument surely belonged to an index from `since` on, until the day before `until`.

    `since` may be later than the day it joined, where that day is not known.
    """

    index: str
    symbol: str
    since: date
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Tell whether the instrument belonged to the index on `day`."""
        return self.since <= day and (self.until is None or day < self.until)


def members_on(memberships: Iterable[Membership], index: str, day: date) -> tuple[str, ...]:
    """Return the symbols known to have belonged to `index` on `day`; there may have been others."""
    return tuple(each.symbol for each in memberships if each.index == index and each.holds_on(day))
