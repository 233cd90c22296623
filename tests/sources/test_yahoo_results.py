"""When results are due, as a quote says it without being asked."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bot.market.instrument import Instrument
from bot.market.quote import Due
from bot.sources.yahoo import YahooSource
from tests.fakes.yahoo import FakeYahoo, quote
from tests.sources.yahoo_stage import ALIBABA, MADE, XIAOMI, hong_kong

TODAY, FRIDAY = date(2022, 3, 23), date(2022, 3, 25)


def stamp(day: str, clock: str) -> int:
    return int(hong_kong(day, clock).timestamp())


async def due(yahoo: YahooSource, fake: FakeYahoo, instrument: Instrument, **said: object) -> Due | None:
    fake.put(quote(instrument.symbol, 14.78, MADE, **said))  # type: ignore[arg-type]
    (told,) = await yahoo.quotes([instrument])
    return told.results


def from_to(first: int, last: int | None = None, *, estimated: object = None) -> dict[str, object]:
    said: dict[str, object] = {"earningsTimestampStart": first, "earningsTimestampEnd": last or first}
    return said if estimated is None else said | {"isEarningsDateEstimate": estimated}


@pytest.mark.parametrize(
    "said, expected",
    [
        (from_to(stamp("2022-03-25", "08:00"), estimated=False), Due(FRIDAY, "before the open", False)),
        (from_to(stamp("2022-03-25", "12:15"), estimated=False), Due(FRIDAY, "in the session", False)),
        (from_to(stamp("2022-03-25", "16:30"), estimated=False), Due(FRIDAY, "after the close", False)),
        # Midnight stands for a time of day that Yahoo does not know.
        (from_to(stamp("2022-03-25", "00:00"), estimated=False), Due(FRIDAY, "", False)),
        # What is not said to be sure is a guess.
        (from_to(stamp("2022-03-25", "16:30"), estimated=True), Due(FRIDAY, "after the close", True)),
        (from_to(stamp("2022-03-25", "16:30")), Due(FRIDAY, "after the close", True)),
        (from_to(stamp("2022-03-25", "16:30"), estimated="false"), Due(FRIDAY, "after the close", True)),
        # A span is a guess whatever is said of it, and its first day that may still be.
        (
            from_to(stamp("2022-03-25", "16:30"), stamp("2022-03-29", "16:30"), estimated=False),
            Due(FRIDAY, "", True),
        ),
        (from_to(stamp("2022-03-21", "16:30"), stamp("2022-03-29", "16:30")), Due(TODAY, "", True)),
        # On the day itself they are still said to be due.
        (from_to(stamp("2022-03-23", "08:00"), estimated=False), Due(TODAY, "before the open", False)),
        # On a Saturday no session has parts.
        (from_to(stamp("2022-03-26", "10:00"), estimated=False), Due(date(2022, 3, 26), "", False)),
        (from_to(stamp("2022-03-22", "16:30"), estimated=False), None),
        # The last results stand beside the next ones, or alone.
        (
            {"earningsTimestamp": stamp("2022-01-20", "16:30"), **from_to(stamp("2022-03-25", "16:30"))},
            Due(FRIDAY, "after the close", True),
        ),
        (
            {"earningsTimestamp": stamp("2022-03-25", "16:30"), **from_to(stamp("2022-01-20", "16:30"))},
            Due(FRIDAY, "after the close", True),
        ),
        ({"earningsTimestamp": stamp("2022-03-25", "16:30")}, Due(FRIDAY, "after the close", True)),
        ({"earningsTimestamp": stamp("2022-01-20", "16:30")}, None),
        ({}, None),
        ({"earningsTimestamp": None}, None),
        ({"earningsTimestamp": "soon"}, None),
        ({"earningsTimestamp": 10**20}, None),
        ({"earningsTimestamp": float("nan")}, None),
    ],
)
async def test_results_are_due_on_a_day_and_in_a_part_of_it(
    fake: FakeYahoo, knowing: YahooSource, said: dict[str, object], expected: Due | None
) -> None:
    assert await due(knowing, fake, XIAOMI, **said) == expected
    assert len(fake.journal) == 3


async def test_the_day_is_new_yorks_for_what_new_york_trades(fake: FakeYahoo, knowing: YahooSource) -> None:
    # 20:30 in New York, where the day is over in Hong Kong.
    evening = int(datetime(2022, 3, 25, 0, 30, tzinfo=UTC).timestamp())
    told = await due(knowing, fake, ALIBABA, **from_to(evening, estimated=False))
    assert told == Due(date(2022, 3, 24), "after the close", False)


async def test_beyond_the_calendar_the_regular_hours_tell_the_part_of_the_day(
    fake: FakeYahoo, knowing: YahooSource
) -> None:
    told = await due(knowing, fake, XIAOMI, **from_to(stamp("2022-08-19", "12:15"), estimated=False))
    assert told == Due(date(2022, 8, 19), "in the session", False)
