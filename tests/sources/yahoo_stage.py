"""What every test of Yahoo needs: a clock to move, who is told what was left out, and a few instruments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from bot.market.instrument import Instrument, bare_instrument
from bot.sources.yahoo import YahooSource

HSTECH = Instrument("HSTECH", "index", "XHKG", "HKD", "HSTECH", sources={"yahoo": "HSTECH.HK"})
XIAOMI = bare_instrument("1810.HK")
ALIBABA = bare_instrument("BABA")
SAP = bare_instrument("SAP.DE")
TOYOTA = bare_instrument("7203.T")
# Ten past eleven in Hong Kong.
NOW = datetime(2022, 3, 23, 3, 10, tzinfo=UTC)
MADE = NOW - timedelta(minutes=15)
BEFORE_NOW = date(2022, 3, 23)

Make = Callable[..., YahooSource]


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, **lapse: float) -> None:
        self.now += timedelta(**lapse)


@dataclass
class Reports:
    told: list[dict[str, object]] = field(default_factory=list)

    def __call__(self, event: str, **facts: object) -> None:
        self.told.append({"event": event, **facts})

    @property
    def reasons(self) -> list[tuple[object, object, object]]:
        return [(each["symbol"], each["what"], each["why"]) for each in self.told if "symbol" in each]


def hong_kong(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}+08:00").astimezone(UTC)
