"""A small Hong Kong market whose every chart and quote a test writes itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from bot.alerts.alert import Alert, Move
from bot.errors import Away
from bot.market.actions import Action
from bot.market.bars import Bar, Series
from bot.market.catalogue import Catalogue
from bot.market.instrument import Instrument, Kind
from bot.market.quote import Quote
from bot.market.schedule import Exchange, Schedule, SessionHours
from bot.pipeline.raising import Raiser
from bot.pipeline.watch import Watch
from bot.ports import Found
from bot.rules.conditions import Rule
from bot.rules.crossing import Crossing
from bot.rules.grammar import parse
from bot.store import lease
from bot.store.link import Link
from tests.cast import NOW

HK = ZoneInfo("Asia/Hong_Kong")
FIRST, LAST = date(2023, 12, 1), date(2024, 3, 29)


def moment(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), HK).astimezone(UTC)


DAYS = tuple(
    day for number in range((LAST - FIRST).days + 1) if (day := FIRST + timedelta(days=number)).weekday() < 5
)
SCHEDULE = Schedule(
    {
        "XHKG": Exchange(
            "Asia/Hong_Kong",
            FIRST,
            LAST,
            tuple(
                SessionHours(
                    day,
                    moment(day, "09:30"),
                    ((moment(day, "12:00"), moment(day, "13:00")),),
                    moment(day, "16:00"),
                    moment(day, "16:10"),
                    priced=moment(day, "09:20"),
                )
                for day in DAYS
            ),
        )
    }
)
TODAY = date(2024, 3, 6)
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


def stock(symbol: str, kind: Kind = "stock", tracked_by: tuple[str, ...] = ()) -> Instrument:
    return Instrument(symbol, kind, "XHKG", "HKD", symbol, tracked_by=tracked_by)


def bar(day: date, close: float) -> Bar:
    return Bar(day, close, close, close * 1.002, close * 0.998)


def chart(
    symbol: str, close: float, *, last: date = YESTERDAY, actions: tuple[Action, ...] = (), bars: int = 70
) -> Series:
    """Return calm bars that end with `close`."""
    days = [day for day in DAYS if day <= last][-bars:]
    closes = [close * (1 if (len(days) - at) % 2 else 1.01) for at in range(len(days))]
    return Series(
        symbol,
        tuple(bar(day, each) for day, each in zip(days, closes, strict=True)),
        actions=actions,
    )


@dataclass(slots=True)
class Charts:
    """A source of charts; it counts what it is asked, and may be away."""

    held: dict[str, Series] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    away: bool = False
    name: str = "scripted"

    def put(self, *charts: Series) -> Charts:
        self.held |= {each.symbol: each for each in charts}
        return self

    async def quotes(self, instruments: Sequence[Instrument]) -> tuple[Quote, ...]:
        raise AssertionError(instruments)

    async def search(self, text: str) -> tuple[Found, ...]:
        raise AssertionError(text)

    async def history(self, instrument: Instrument, until: date) -> Series:
        self.asked.append(instrument.symbol)
        if self.away:
            raise Away("not now")
        return self.held.get(instrument.symbol, Series(instrument.symbol, ())).until(
            until - timedelta(days=1)
        )


@dataclass(slots=True)
class World:
    """A watch over some instruments, and everything that it reported."""

    link: Link
    watch: Watch
    raiser: Raiser
    charts: Charts
    reports: list[dict[str, object]]

    async def tick(self, *quotes: Quote) -> list[Alert]:
        return list(await self.watch.tick(quotes, self.raiser))

    def held_back(self) -> list[tuple[object, object]]:
        return [(each["symbol"], each["why"]) for each in self.reports if each["event"] == "held back"]

    def events(self, event: str) -> list[dict[str, object]]:
        return [each for each in self.reports if each["event"] == event]

    async def again(self) -> World:
        """Return the world as a worker finds it that was started after this one was killed."""
        catalogue = self.watch.catalogue
        return await world(self.link, self.charts, *catalogue, when=self.watch.rules, given=self.watch.given)


async def world(
    link: Link,
    charts: Charts,
    *instruments: Instrument,
    when: Sequence[Rule] = (),
    asking: int = 40,
    given: Mapping[str, tuple[Action, ...]] = MappingProxyType({}),
) -> World:
    symbols = frozenset(each.symbol for each in instruments)
    rules = when or (Rule("day", parse("±4/7/10%"), symbols),)
    reports: list[dict[str, object]] = []

    def report(event: str, **facts: object) -> None:
        reports.append({"event": event, **facts})

    watch = Watch(
        link,
        charts,
        rules,
        Catalogue.of(instruments),
        lambda: NOW,
        report,
        SCHEDULE,
        charts=asking,
        given=given,
    )
    await watch.load()
    epoch = await lease.hold(link, "me", NOW, NOW + 15_000)
    return World(link, watch, Raiser(link, epoch, lambda: NOW), charts, reports)


def quoted(
    symbol: str,
    price: float,
    clock: str,
    previous: float | None = None,
    *,
    day: date = TODAY,
    received: str | None = None,
    reach: tuple[float, float] | None = None,
    delay: int = 0,
    final: bool = False,
) -> Quote:
    """Return a quote made at `clock`, and received a second later unless it says when."""
    low, high = reach or (price, price)
    made = moment(day, clock)
    came = made + timedelta(seconds=1) if received is None else moment(day, received)
    return Quote(
        symbol,
        price,
        day,
        made,
        came,
        "scripted",
        delay,
        final,
        open=price,
        high=high,
        low=low,
        previous_close=previous,
    )


def crossings(alerts: Sequence[Alert]) -> list[Crossing]:
    return [each.facts.crossing for each in alerts if isinstance(each.facts, Move)]


def steps(alerts: Sequence[Alert]) -> list[tuple[str, tuple[float, ...]]]:
    return [(each.symbol, each.steps) for each in crossings(alerts)]


def notes(alerts: Sequence[Alert]) -> list[str]:
    return [each.facts.seen.note for each in alerts if isinstance(each.facts, Move)]
