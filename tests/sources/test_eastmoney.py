"""What becomes of Eastmoney's answers and of its silence, through the real efinance."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest

from bot.errors import Away
from bot.market.bars import Bar
from bot.market.instrument import Instrument, bare_instrument
from bot.market.schedule import Exchange, Schedule, SessionHours
from bot.sources.eastmoney import EastmoneyAccess, EastmoneySource
from bot.sources.eastmoney_parse import quote_id
from tests.conftest import ROOT
from tests.fakes.eastmoney import NOTHING, FakeEastmoney, Fault, row
from tests.sources.yahoo_stage import Clock

HSTECH = Instrument("HSTECH", "index", "XHKG", "HKD", "HSTECH", sources={"yahoo": "HSTECH.HK"})
HSI = Instrument("^HSI", "index", "XHKG", "HKD", "HSI")
XIAOMI = bare_instrument("1810.HK")
CSI_300 = Instrument("000300.SS", "index", "XSHG", "CNY", "CSI 300")
ALIBABA = bare_instrument("BABA")
DAY = date(2022, 3, 23)


def hong_kong(clock: str, day: int = 23) -> datetime:
    return datetime.fromisoformat(f"2022-03-{day}T{clock}+08:00").astimezone(UTC)


NOW = hong_kong("11:10")
MADE = hong_kong("10:55:02")
SESSION = SessionHours(
    DAY,
    hong_kong("09:30"),
    ((hong_kong("12:00"), hong_kong("13:00")),),
    hong_kong("16:00"),
    hong_kong("16:10"),
)
SCHEDULE = Schedule({"XHKG": Exchange("Asia/Hong_Kong", date(2022, 3, 1), date(2022, 3, 31), (SESSION,))})


@dataclass
class Reports:
    told: list[dict[str, object]] = field(default_factory=list)

    def __call__(self, event: str, **facts: object) -> None:
        self.told.append(facts)

    @property
    def reasons(self) -> list[tuple[object, object]]:
        return [(each["symbol"], each["why"]) for each in self.told]


Make = Callable[..., EastmoneySource]


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
async def fake() -> AsyncIterator[FakeEastmoney]:
    async with FakeEastmoney() as server:
        server.put(row("124.HSTECH", 4753.59, MADE, previous=4653.77, f15=4760.0, f16=4710.96, f17=4753.59))
        server.put(row("116.01810", 14.78, MADE, previous=14.2))
        yield server


@pytest.fixture
async def make(fake: FakeEastmoney, clock: Clock, reports: Reports) -> AsyncIterator[Make]:
    made: list[EastmoneySource] = []

    def source(budget: int = 100, deadline: float = 10.0) -> EastmoneySource:
        access = EastmoneyAccess(fake.url, budget, deadline)
        made.append(EastmoneySource(access, SCHEDULE, clock, reports, random.Random(23)))
        return made[-1]

    yield source
    fake.let_go()
    for each in made:
        await each.close()


@pytest.fixture
def eastmoney(make: Make) -> EastmoneySource:
    return make()


@pytest.mark.parametrize(
    "instrument, known",
    [
        (HSI, "100.HSI"),
        (Instrument("^HSCE", "index", "XHKG", "HKD", "HSCEI"), "100.HSCEI"),
        (HSTECH, "124.HSTECH"),
        (XIAOMI, "116.01810"),
        (bare_instrument("09988.HK"), "116.09988"),
        (CSI_300, "1.000300"),
        (bare_instrument("399006.SZ"), "0.399006"),
        (bare_instrument("600519.SS"), "1.600519"),
        # What is counted in other money than the instrument, and what it does not have.
        (bare_instrument("89988.HK"), None),
        (bare_instrument("900901.SS"), None),
        (bare_instrument("200012.SZ"), None),
        (Instrument("80700.HK", "stock", "XHKG", "CNY", "Tencent-R"), None),
        (ALIBABA, None),
        (bare_instrument("^GSPC"), None),
        (bare_instrument("²³.HK"), None),
        (bare_instrument("HSI-F.HK"), None),
    ],
    ids=lambda each: each.symbol if isinstance(each, Instrument) else "",
)
def test_an_instrument_is_known_by_its_market_and_code_or_not_at_all(
    instrument: Instrument, known: str | None
) -> None:
    assert quote_id(instrument) == known


async def test_what_is_watched_is_one_request_and_what_is_beyond_reach_is_not_in_it(
    fake: FakeEastmoney, eastmoney: EastmoneySource
) -> None:
    quotes = await eastmoney.quotes([HSTECH, ALIBABA, XIAOMI])
    assert [each.symbol for each in quotes] == ["HSTECH", "1810.HK"]
    assert [each.ids for each in fake.journal] == [("124.HSTECH", "116.01810")]


async def test_what_is_wholly_beyond_reach_costs_no_request(
    fake: FakeEastmoney, eastmoney: EastmoneySource
) -> None:
    assert await eastmoney.quotes([ALIBABA]) == ()
    assert await eastmoney.search("xiaomi") == ()
    assert fake.journal == []


async def test_a_quote_says_when_it_was_made_and_by_whom_it_is_told(eastmoney: EastmoneySource) -> None:
    (told,) = await eastmoney.quotes([HSTECH])
    assert (told.symbol, told.price, told.previous_close) == ("HSTECH", 4753.59, 4653.77)
    assert (told.open, told.high, told.low) == (4753.59, 4760.0, 4710.96)
    assert (told.session, told.time, told.received) == (DAY, MADE, NOW)
    assert (told.source, told.delay, told.final) == ("Eastmoney", 15, False)
    # Whether in lots or in shares is not said, so it is not passed on.
    assert told.volume is None


BAD = [
    ({"f2": NOTHING}, "not a price"),
    ({"f2": 0}, "not a price"),
    ({"f2": -14.78}, "not a price"),
    ({"f2": float("nan")}, "not a price"),
    ({"f2": 147.8}, "beyond 10 times its previous close"),
    ({"f17": NOTHING}, "not traded yet"),
    ({"f17": 0}, "not traded yet"),
    ({"f124": int((NOW + timedelta(minutes=6)).timestamp())}, "from the future"),
    ({"f124": int((MADE - timedelta(days=1)).timestamp())}, "its time is not of its trading day"),
    ({"f124": 0}, "no market time"),
]


@pytest.mark.parametrize("more, why", BAD, ids=[f"{why}-{n}" for n, (_, why) in enumerate(BAD)])
async def test_a_quote_that_cannot_be_true_is_left_out_alone(
    fake: FakeEastmoney, eastmoney: EastmoneySource, reports: Reports, more: dict[str, object], why: str
) -> None:
    fake.put(row("116.01810", 14.78, MADE, previous=14.2, **more))
    assert [each.symbol for each in await eastmoney.quotes([XIAOMI, HSTECH])] == ["HSTECH"]
    assert reports.reasons == [("1810.HK", why)]


@pytest.mark.parametrize("more", [{"f124": NOTHING}, {"f297": NOTHING}, {"f297": 20229999}])
async def test_a_row_that_efinance_cannot_read_costs_its_neighbours_nothing_and_is_let_be_for_an_hour(
    fake: FakeEastmoney,
    eastmoney: EastmoneySource,
    reports: Reports,
    clock: Clock,
    more: dict[str, object],
) -> None:
    others = [bare_instrument(f"{n:04}.HK") for n in range(1, 8)]
    fake.put(*(row(f"116.{n:05}", 10.0, MADE) for n in range(1, 8)))
    fake.put(row("116.01810", 14.78, MADE, **more))
    assert {each.symbol for each in await eastmoney.quotes([*others, XIAOMI])} == {
        each.symbol for each in others
    }
    assert reports.reasons == [("1810.HK", "efinance cannot read it")]
    looked_for = len(fake.journal)
    assert looked_for <= 7
    assert await eastmoney.quotes([XIAOMI]) == ()
    assert len(fake.journal) == looked_for
    fake.put(row("116.01810", 14.78, MADE))
    clock.now += timedelta(hours=1)
    assert [each.symbol for each in await eastmoney.quotes([XIAOMI])] == ["1810.HK"]


async def test_of_many_rows_that_efinance_cannot_read_more_are_found_at_each_look(
    fake: FakeEastmoney, eastmoney: EastmoneySource
) -> None:
    instruments = [bare_instrument(f"{n:04}.HK") for n in range(1, 65)]
    bad = {7, 23, 55}
    fake.put(
        *(row(f"116.{n:05}", 10.0, MADE, **({"f124": NOTHING} if n in bad else {})) for n in range(1, 65))
    )
    for _ in range(3):
        quotes = await eastmoney.quotes(instruments)
    assert len(quotes) == 61


async def test_a_symbol_that_is_not_in_the_answer_is_left_out(
    eastmoney: EastmoneySource, reports: Reports
) -> None:
    assert [each.symbol for each in await eastmoney.quotes([HSI, HSTECH])] == ["HSTECH"]
    assert reports.reasons == [("^HSI", "not in the answer")]


async def test_a_reason_is_reported_once_and_again_after_it_was_gone(
    fake: FakeEastmoney, eastmoney: EastmoneySource, reports: Reports
) -> None:
    good, bad = row("116.01810", 14.78, MADE), row("116.01810", NOTHING, MADE)
    for said, told in ((bad, 1), (bad, 1), (good, 1), (bad, 2)):
        fake.put(said)
        await eastmoney.quotes([XIAOMI])
        assert len(reports.told) == told


@pytest.mark.parametrize(
    "made, received, final",
    [
        ("16:08:11", "16:26:00", True),
        ("16:08:11", "16:25:00", False),
        ("15:59:58", "16:40:00", False),
        ("12:00:01", "16:40:00", False),
    ],
)
async def test_a_price_is_final_when_the_auction_and_its_delay_are_over(
    fake: FakeEastmoney, eastmoney: EastmoneySource, clock: Clock, made: str, received: str, final: bool
) -> None:
    clock.now = hong_kong(received)
    fake.put(row("116.01810", 14.78, hong_kong(made)))
    (told,) = await eastmoney.quotes([XIAOMI])
    assert told.final is final


async def test_without_a_calendar_no_price_is_called_final(
    fake: FakeEastmoney, eastmoney: EastmoneySource, clock: Clock
) -> None:
    clock.now = hong_kong("18:00")
    fake.put(row("1.000300", 4276.52, hong_kong("15:00:03")))
    (told,) = await eastmoney.quotes([CSI_300])
    assert (told.session, told.final) == (DAY, False)


FAULTS: list[tuple[Fault, str]] = [
    ("429", "Eastmoney limits our requests; we ask again in"),
    ("502", "Eastmoney answers with error 502; we ask again in"),
    ("302", "Eastmoney answered with status 302; we ask again in"),
    ("html", "Eastmoney answered with something that is not JSON; we ask again in"),
    ("changed", "Eastmoney answered in a way that efinance does not know; we ask again in"),
    ("empty", "Eastmoney answered with none of the 2 instruments asked for; we ask again in"),
]


@pytest.mark.parametrize("fault, said", FAULTS)
async def test_what_is_no_answer_is_said_in_a_sentence_and_waited_out(
    fake: FakeEastmoney, eastmoney: EastmoneySource, clock: Clock, fault: Fault, said: str
) -> None:
    fake.fault = fault
    with pytest.raises(Away, match=said):
        await eastmoney.quotes([HSTECH, XIAOMI])
    asked = len(fake.journal)
    with pytest.raises(Away, match=said):
        await eastmoney.quotes([HSTECH, XIAOMI])
    assert len(fake.journal) == asked
    fake.fault = None
    clock.now += timedelta(minutes=15)
    assert len(await eastmoney.quotes([HSTECH, XIAOMI])) == 2


async def test_a_request_that_hangs_is_given_up_at_the_deadline(
    fake: FakeEastmoney, make: Make, clock: Clock
) -> None:
    eastmoney = make(deadline=0.5)
    await eastmoney.quotes([HSTECH])
    fake.fault = "hang"
    with pytest.raises(Away, match="Eastmoney did not answer in time; we ask again in"):
        await eastmoney.quotes([HSTECH])
    fake.fault = None
    fake.let_go()
    clock.now += timedelta(minutes=5)
    assert len(await eastmoney.quotes([HSTECH])) == 1


async def test_the_budget_is_kept(fake: FakeEastmoney, make: Make) -> None:
    eastmoney = make(budget=2)
    for _ in range(2):
        await eastmoney.quotes([HSTECH])
    with pytest.raises(Away, match="was asked 2 times within a minute, our own limit"):
        await eastmoney.quotes([HSTECH])
    assert len(fake.journal) == 2


async def test_an_index_has_the_bars_of_two_years_as_far_as_they_have_settled(
    fake: FakeEastmoney, eastmoney: EastmoneySource
) -> None:
    fake.put_bars(
        "124.HSTECH",
        [
            Bar(date(2019, 3, 22), 5000.0, 5000.0, 5000.0, 5000.0),
            Bar(date(2022, 3, 18), 4500.0, None, 4490.0, 4510.0),
            Bar(date(2022, 3, 21), 0.0, 0.0, 0.0, 0.0),
            Bar(date(2022, 3, 22), 4653.77, 4415.0, 4657.0, 4405.0),
            Bar(DAY, 4749.12, 4753.59, 4883.76, 4710.96),
        ],
    )
    series = await eastmoney.history(HSTECH, DAY)
    assert series.symbol == "HSTECH"
    assert series.bars == (
        Bar(date(2022, 3, 18), 4500.0, None, None, None),
        Bar(date(2022, 3, 22), 4653.77, 4415.0, 4657.0, 4405.0),
    )


async def test_a_share_has_no_bars_here_for_they_are_not_adjusted_for_splits_alone(
    fake: FakeEastmoney, eastmoney: EastmoneySource
) -> None:
    assert (await eastmoney.history(XIAOMI, DAY)).bars == ()
    assert (await eastmoney.history(ALIBABA, DAY)).bars == ()
    assert fake.journal == []


async def test_an_index_that_it_does_not_have_has_no_bars(eastmoney: EastmoneySource) -> None:
    assert (await eastmoney.history(HSI, DAY)).bars == ()


LOADED_BESIDE = """
import signal, sys, threading, warnings
import pandas, requests

def kept():
    return signal.getsignal(signal.SIGINT), sys.excepthook, list(warnings.filters)

before = kept()
thread = threading.Thread(target=__import__, args=("bot.sources.eastmoney_client",))
thread.start()
thread.join()
print("efinance" in sys.modules, kept() == before)
"""


def test_efinance_changes_nothing_of_the_process_that_loads_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED_BESIDE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "True True\n"


# Python as it is where the extra was never installed.
WITHOUT_EFINANCE = """
import sys
from importlib.machinery import PathFinder

class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name == "efinance" else PathFinder.find_spec(name, path, target)

sys.meta_path = [each for each in sys.meta_path if each is not PathFinder] + [Finder]
sys.argv = ["marketbell", *sys.argv[1:]]
from bot.cli import main
main()
"""


def test_without_the_extra_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    settings = (ROOT / "config.yaml").read_text()
    asking = tmp_path / "config.yaml"
    asking.write_text(settings.replace("sources: {second: none}", "sources: {second: eastmoney}"))
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_EFINANCE, "run", "--config", asking, "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "Eastmoney is asked through efinance, which is not installed: run `scripts/environment eastmoney`, "
        "install marketbell[eastmoney], or write `second: none` in config.yaml."
    )


# efinance makes a folder beside itself as it is loaded.
ASKED_ONCE = """
import asyncio
from datetime import UTC, datetime
from bot.errors import Away
from bot.market.instrument import bare_instrument
from bot.market.schedule import Schedule
from bot.sources.eastmoney import EastmoneyAccess, EastmoneySource

async def ask():
    access = EastmoneyAccess("http://127.0.0.1:9")
    source = EastmoneySource(access, Schedule({}), lambda: datetime.now(UTC), lambda *_, **__: None)
    try:
        await source.quotes([bare_instrument("1810.HK")])
    except Away as error:
        print(error)
    finally:
        await source.close()

asyncio.run(ask())
"""


def test_where_efinance_may_not_make_its_folder_the_source_is_away_and_says_why(tmp_path: Path) -> None:
    installed = find_spec("efinance")
    assert installed is not None
    assert installed.origin is not None
    copied = tmp_path / "efinance"
    shutil.copytree(
        Path(installed.origin).parent, copied, ignore=shutil.ignore_patterns("data", "__pycache__")
    )
    (copied / "data").write_text("in its way")
    done = subprocess.run(
        [sys.executable, "-c", ASKED_ONCE],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.startswith(
        "Eastmoney cannot be asked, for efinance does not load: [Errno 17] File exists"
    )
