"""Prices between two looks, as a stream tells them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Tick:
    """One trade or quote as a stream tells it, by the canonical symbol; what it does not say is None."""

    symbol: str
    price: float
    time: datetime
    received: datetime
    currency: str | None = None
    high: float | None = None
    low: float | None = None
    volume: float | None = None
