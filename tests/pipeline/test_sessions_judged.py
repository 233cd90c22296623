"""No evaluation outside of a session's market time, and none missed inside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.config import read_settings
from bot.market.bars import Bar, Series
from bot.market.catalogue import Catalogue
from bot.market.instrument import Instrument
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from bot.pipeline.raising import Raiser
from bot.pipeline.watch import Watch
from bot.ports import Found
from bot.sources.calendars import load_schedule
from bot.store import lease
from bot.store.link import Link
from tests.cast import NOW
from tests.conftest import ROOT

SETTINGS = read_settings(ROOT / "config.yaml")
ZONES = {"^HSI": ZoneInfo("Asia/Hong_Kong"), "000300.SS": ZoneInfo("Asia/Shanghai")}
DELAY = timedelta(minutes=15)


@pytest.fixture(scope="module")
def schedule() -> Schedule:
    return load_schedule(("XHKG", "XSHG"), date(2021, 1, 1), date(2026, 12, 31))


@dataclass(frozen=True, slots=True)
class Quiet:
    """A source of closes that never moved, one a session."""

    schedule: Schedule
    name: str = "Yahoo"

    async def quotes(self, instruments: object) -> tuple[Quote, ...]:
        raise AssertionError(instruments)

    async def search(self, text: str) -> tuple[Found, ...]:
        raise AssertionError(text)

    async def history(self, instrument: Instrument, until: date) -> Series:
        held = self.schedule.sessions_between(
            instrument.exchange, until - timedelta(days=150), until - timedelta(days=1)
        )
        return Series(
            instrument.symbol, tuple(Bar(each.session, 100.0, 100.0, 100.0, 100.0) for each in held)
        )


@pytest.mark.parametrize(
    "symbol, made, judged",
    [
        ("^HSI", "2022-03-23 09:05", False),  # before the opening auction has a price
        ("^HSI", "2022-03-23 09:22", True),  # the opening price, before continuous trading
        ("^HSI", "2022-03-23 09:31", True),
        ("^HSI", "2022-03-23 12:00", True),
        ("^HSI", "2022-03-23 15:58", True),  # seen at 16:13, when the floor is silent
        ("^HSI", "2022-03-23 16:09", True),  # the closing auction's own price
        ("^HSI", "2022-03-23 16:30", False),
        ("^HSI", "2022-03-26 10:00", False),  # a Saturday
        ("^HSI", "2022-04-05 10:00", False),  # Ching Ming
        ("^HSI", "2021-12-24 12:05", True),  # a half day's auction
        ("^HSI", "2021-12-24 13:30", False),
        ("^HSI", "2021-10-13 10:00", False),  # closed for a storm
        ("^HSI", "2024-11-14 10:00", True),  # open in one
        ("000300.SS", "2022-03-23 14:58", True),
        ("000300.SS", "2022-03-23 15:30", False),
        ("000300.SS", "2022-04-05 10:00", False),
    ],
)
async def test_only_what_was_made_in_a_session_is_judged(
    link: Link, schedule: Schedule, symbol: str, made: str, judged: bool
) -> None:
    moment = datetime.fromisoformat(made).replace(tzinfo=ZONES[symbol])
    watch = Watch(
        link,
        Quiet(schedule),
        SETTINGS.rules_of("loud"),
        Catalogue.of([SETTINGS.catalogue()[symbol]]),
        lambda: NOW,
        lambda _event, **_facts: None,
        schedule,
    )
    await watch.load()
    raiser = Raiser(link, await lease.hold(link, "me", NOW, NOW + 15_000), lambda: NOW)
    quote = Quote(symbol, 105.0, moment.date(), moment, moment + DELAY, "Yahoo", 15, previous_close=100.0)
    raised = await watch.tick([quote], raiser)
    assert bool(raised) is judged
