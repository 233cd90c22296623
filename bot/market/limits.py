"""The daily limits of the mainland exchanges: how far a share may go from its previous close in a session.

A symbol does not tell whether a share is under special treatment, whose limit is narrower, or newly listed,
which has none: such a price counts only where it is at the ordinary limit. Shares traded in dollars, funds
and indices are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Literal

Limit = Literal["limit up", "limit down"]

_CENT = Decimal("0.01")
_LENGTH = 6
_CHINEXT = ("300", "301", "302")
# ChiNext shares had the main board's limit before.
_CHINEXT_IS_WIDE = date(2020, 8, 24)
# By exchange and by how a share's number begins.
_LIMITS: Mapping[str, Mapping[tuple[str, ...], Decimal]] = MappingProxyType(
    {
        "XSHG": {("600", "601", "603", "605"): Decimal("0.1"), ("688", "689"): Decimal("0.2")},
        "XSHE": {("000", "001", "002", "003"): Decimal("0.1"), _CHINEXT: Decimal("0.2")},
        "BJSE": {("4", "8", "920"): Decimal("0.3")},
    }
)


def limit_reached(
    symbol: str, exchange: str, session: date, price: float, previous_close: float | None
) -> Limit | None:
    """Tell whether a share stands at its limit of `session`; None where it does not or that is not known.

    The limit is the previous close and so many per cent, rounded to the cent, halves up. A price beyond it
    says that the previous close, or the limit, is another one than is known here.
    """
    span = _span(symbol, exchange, session)
    if span is None or previous_close is None or previous_close <= 0:
        return None
    before, now = Decimal(repr(previous_close)), Decimal(repr(price))
    if now == _rounded(before * (1 + span)):
        return "limit up"
    return "limit down" if now == _rounded(before * (1 - span)) else None


def _span(symbol: str, exchange: str, session: date) -> Decimal | None:
    number = symbol.partition(".")[0]
    if len(number) != _LENGTH or not number.isdecimal():
        return None
    for beginnings, span in _LIMITS.get(exchange, {}).items():
        if number.startswith(beginnings):
            return Decimal("0.1") if beginnings is _CHINEXT and session < _CHINEXT_IS_WIDE else span
    return None


def _rounded(level: Decimal) -> Decimal:
    return level.quantize(_CENT, ROUND_HALF_UP)
