"""One thing that is watched, and what the world calls it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Literal, Protocol

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
NOWHERE = "XXXX"

_RATE, _FUTURE = "=X", "=F"
# By what a symbol ends with: the exchange, and the currency where all that trades there has the same. London
# has pence, pounds, dollars and euros; Zurich and Singapore have dollars besides their own.
_EXCHANGE_OF_SUFFIX: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "AS": ("XAMS", "EUR"),
        "AT": ("ASEX", "EUR"),
        "AX": ("XASX", "AUD"),
        "BA": ("XBUE", "ARS"),
        "BD": ("XBUD", "HUF"),
        "BE": ("XBER", "EUR"),
        "BK": ("XBKK", "THB"),
        "BO": ("XBOM", "INR"),
        "BR": ("XBRU", "EUR"),
        "CO": ("XCSE", "DKK"),
        "DE": ("XETR", "EUR"),
        "DU": ("XDUS", "EUR"),
        "F": ("XFRA", "EUR"),
        "HA": ("XHAN", "EUR"),
        "HE": ("XHEL", "EUR"),
        "HK": ("XHKG", "HKD"),
        "HM": ("XHAM", "EUR"),
        "IC": ("XICE", "ISK"),
        "IL": ("XLON", ""),
        "IR": ("XDUB", "EUR"),
        "IS": ("XIST", "TRY"),
        "JK": ("XIDX", "IDR"),
        "JO": ("XJSE", ""),
        "KL": ("XKLS", "MYR"),
        "KQ": ("XKOS", "KRW"),
        "KS": ("XKRX", "KRW"),
        "L": ("XLON", ""),
        "LS": ("XLIS", "EUR"),
        "MC": ("XMAD", "EUR"),
        "MI": ("XMIL", "EUR"),
        "MU": ("XMUN", "EUR"),
        "MX": ("XMEX", "MXN"),
        "NS": ("XNSE", "INR"),
        "NZ": ("XNZE", "NZD"),
        "OL": ("XOSL", "NOK"),
        "PA": ("XPAR", "EUR"),
        "PR": ("XPRA", "CZK"),
        "SA": ("BVMF", "BRL"),
        "SG": ("XSTU", "EUR"),
        "SI": ("XSES", ""),
        "SN": ("XSGO", "CLP"),
        "SR": ("XSAU", "SAR"),
        "SS": ("XSHG", "CNY"),
        "ST": ("XSTO", "SEK"),
        "SW": ("XSWX", ""),
        "SZ": ("XSHE", "CNY"),
        "T": ("XTKS", "JPY"),
        "TA": ("XTAE", ""),
        "TO": ("XTSE", "CAD"),
        "TW": ("XTAI", "TWD"),
        "TWO": ("ROCO", "TWD"),
        "V": ("XTSX", "CAD"),
        "VI": ("XWBO", "EUR"),
        "WA": ("XWAR", "PLN"),
    }
)
# Codes of which all are traded in another currency than their exchange's, or may be: Hong Kong's counters in
# yuan and in dollars, the mainland's shares for foreigners, and Toronto's units in dollars.
_OTHER_CURRENCY: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"8\d{4}\.HK"), "CNY"),
    (re.compile(r"9[0-5]\d\d\.HK|9(?:7\d\d|8[0-4]\d)\.HK"), ""),
    (re.compile(r"900\d{3}\.SS"), "USD"),
    (re.compile(r"200\d{3}\.SZ"), "HKD"),
    (re.compile(r".*-U\.(?:TO|V)"), "USD"),
)
_COIN = re.compile(r"[A-Z0-9]+-(USD|EUR|GBP|JPY|CAD|AUD|KRW|INR)")


@dataclass(frozen=True, slots=True)
class Instrument:
    """An index, a stock or a fund, under its one canonical symbol.

    `exchange` is a market identifier code (ISO 10383), XXXX for what no exchange trades. `currency` is
    as sources write it, GBp being pence, and "" where it is not known. `short` is what the first line of a
    message calls it. `names` are by language tag; `sources` holds a source's own symbol where
    it differs; `tracked_by` are funds that follow it, whose bars may stand in for those that it lacks.
    """

    symbol: str
    kind: Kind
    exchange: str
    currency: str
    short: str
    names: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    tracked_by: tuple[str, ...] = ()

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
    """Make an instrument of a symbol that no catalogue describes, as Yahoo's symbols tell where it trades.

    Its currency is "" where the symbol does not tell it: then a source's own is as good as any.
    """
    kind, exchange, currency = _told_by(symbol)
    return Instrument(symbol, kind, exchange, currency, short=symbol)


def _told_by(symbol: str) -> tuple[Kind, str, str]:
    if symbol.startswith("^"):
        return "index", NOWHERE, ""
    if symbol.endswith(_RATE):
        # USD/JPY is JPY=X, and EUR/USD is EURUSD=X.
        return "other", NOWHERE, symbol.removesuffix(_RATE)[-3:]
    if symbol.endswith(_FUTURE):
        return "other", NOWHERE, ""
    if coin := _COIN.fullmatch(symbol):
        return "other", NOWHERE, coin[1]
    if "." not in symbol:
        return "stock", "XNYS", "USD"
    exchange, currency = _EXCHANGE_OF_SUFFIX.get(symbol.rpartition(".")[2], (NOWHERE, ""))
    for pattern, other in _OTHER_CURRENCY:
        if pattern.fullmatch(symbol):
            currency = other
    return "stock", exchange, currency


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


class Symbols(Protocol):
    """Whatever knows of a symbol whether it is among those that it holds."""

    def __contains__(self, symbol: str, /) -> bool:
        """Tell whether a symbol is among them."""


def watched_members_on(
    memberships: Iterable[Membership], watched: Symbols, index: str, day: date
) -> tuple[str, ...]:
    """Return those of `members_on` that are watched."""
    return tuple(each for each in members_on(memberships, index, day) if each in watched)
