from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from bot.app.history import looked_through, take_in, write_out
from bot.app.start import Home
from bot.config import read_settings
from bot.errors import DataError, NotKnown
from bot.market.bars import Bar, Series
from bot.market.catalogue import Catalogue
from bot.market.instrument import Instrument
from bot.sources.folder import read_folder, sample_folder
from bot.store import market as published
from bot.store.keys import LIVE
from bot.store.link import Link, connect
from bot.store.server import embedded
from tests.conftest import ROOT, Marketbell, Said

GAP = "HSTECH has no bar of 2022-04-25, although 11 others of its market traded: import it.\n"
BREAK = (
    "0700.HK is dividend-adjusted from 2022-01-10 to 2022-01-19 (8 sessions) and as traded around it, so "
    "that −0.71% from 2022-01-07 to 2022-01-10 and +6.60% from 2022-01-19 to 2022-01-20 mix two levels: "
    "import those sessions as traded, with --replace.\n"
)
AWAY = "No Marketbell runs here: start marketbell run, or ask recorded bars with --data DIR.\n"
HEADING = "date,symbol,open,high,low,close,volume,adjusted\n"
XIAOMI = "2022-03-22,1810.HK,14.22,14.44,14.0,14.2,1000.0,0\n"
NEXT = "2022-03-23,1810.HK,15.04,15.48,14.7,14.78,,0\n"
CATALOGUE = read_settings(ROOT / "config.yaml").catalogue()
NOW = datetime(2022, 7, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Running:
    """A Marketbell as far as these commands need one: its server, and the command line beside it."""

    marketbell: Marketbell
    home: Path
    link: Link

    def history(self, command: str, *words: object) -> Said:
        return self.marketbell("history", command, *words, "--data-dir", self.home)

    async def held(self) -> dict[str, Series]:
        return await published.histories(self.link)


@pytest.fixture
async def running(marketbell: Marketbell, tmp_path: Path) -> AsyncIterator[Running]:
    home = tmp_path / "home"
    with embedded(Home(home).of(LIVE)) as place:
        link = await connect(place, LIVE)
        yield Running(marketbell, home, link)
        await link.close()


def folder(place: Path, rows: str) -> Path:
    place.mkdir(exist_ok=True)
    (place / "bars.csv").write_text(HEADING + rows)
    return place


def test_the_recorded_prices_are_told_their_two_faults_and_nothing_else(
    marketbell: Marketbell, prices: Path
) -> None:
    assert marketbell("history", "check", "--data", prices) == Said(GAP + BREAK, "", 0)


def test_machines_are_told_the_same(marketbell: Marketbell, prices: Path) -> None:
    gap, mixed = marketbell("history", "check", "--data", prices, "--json").lines
    assert gap == {
        "kind": "missing session",
        "symbol": "HSTECH",
        "sessions": ["2022-04-25"],
        "detail": GAP.rstrip(),
    }
    assert (mixed["kind"], mixed["symbol"], mixed["detail"]) == ("mixed levels", "0700.HK", BREAK.rstrip())
    assert (mixed["sessions"][0], mixed["sessions"][-1]) == ("2022-01-10", "2022-01-19")
    assert [each["to"] for each in mixed["changes"]] == ["2022-01-10", "2022-01-20"]


def test_bars_in_order_are_said_to_be_so(marketbell: Marketbell, tmp_path: Path) -> None:
    hsi = XIAOMI.replace("1810.HK", "^HSI") + NEXT.replace("1810.HK", "^HSI")
    data = folder(tmp_path, XIAOMI + NEXT + hsi)
    said = marketbell("history", "check", "--data", data)
    assert said == Said("Nothing found: 4 bars of 2 instruments are in order.\n", "", 0)
    assert marketbell("history", "check", "--data", data, "--json") == Said("", "", 0)


def test_what_cannot_be_compared_is_said_beside_the_findings(marketbell: Marketbell, tmp_path: Path) -> None:
    said = marketbell("history", "check", "--data", folder(tmp_path, XIAOMI + NEXT))
    assert said.out == "Nothing found: 2 bars of 1 instrument are in order.\n"
    assert said.err == "Sessions not compared, for nothing is known to share them: 1810.HK.\n"


def test_each_kind_of_fault_is_said_in_a_sentence(marketbell: Marketbell, tmp_path: Path) -> None:
    days = [f"2022-03-{day:02}" for day in (*range(1, 5), *range(7, 12), *range(14, 19), *range(21, 26))]
    calm = ("^HSI", "9988.HK", "3690.HK")
    rows = [f"{day},{symbol},,,,{10 + at % 3 / 10},,0" for symbol in calm for at, day in enumerate(days)]
    split = [f"{day},1810.HK,,,,{10 if at < 9 else 2},,0" for at, day in enumerate(days)]
    rows += [*split, "2022-03-26,^HSI,,,,10,,0"]
    lost = {f"{day},9988.HK" for day in days[5:8]} | {f"{days[10]},3690.HK"}
    rows = [row for row in rows if not any(row.startswith(each) for each in lost)]
    said = marketbell("history", "check", "--data", folder(tmp_path, "\n".join(rows) + "\n"))
    assert said.out == (
        "^HSI has a bar of 2022-03-26, Saturday: see whether that was a session.\n"
        "9988.HK has no bars of 3 sessions in a row, 2022-03-08 to 2022-03-10, although 3 others of its "
        "market traded: it was suspended, or they are to be imported.\n"
        "3690.HK has no bar of 2022-03-15, although 3 others of its market traded: import it, unless it was "
        "suspended then.\n"
        "1810.HK is from 2022-03-14 on at about 1/5 of its level before (−80.00% from 2022-03-11 to "
        "2022-03-14), as after a split or a consolidation that the bars before do not know: if it was one, "
        "import them restated, with --replace.\n"
    )


@pytest.mark.parametrize("command", [("check",), ("import", "--data"), ("export", "--data")])
def test_without_a_running_marketbell_it_is_said_that_none_runs(
    marketbell: Marketbell, tmp_path: Path, command: tuple[str, ...]
) -> None:
    words = (*command, tmp_path) if command[1:] else command
    assert marketbell("history", *words, "--data-dir", tmp_path / "home") == Said("", AWAY, 1)


async def test_imported_bars_are_held_counted_and_looked_through(running: Running, prices: Path) -> None:
    said = running.history("import", "--data", prices)
    unknown = "000001.SS, FXI, KWEB, MCHI, ^GSPC"
    assert said.err == f"Left out, for the settings do not describe them: {unknown}.\n"
    assert "HSTECH: 388 bars came in, 0 held already\n" in said.out
    assert len(said.out.splitlines()) == 17
    recorded = read_folder(prices).series
    assert await running.held() == {symbol: each for symbol, each in recorded.items() if symbol in CATALOGUE}
    assert running.history("check").out == BREAK + GAP
    assert "HSTECH: 0 bars came in, 388 held already\n" in running.history("import", "--data", prices).out


async def test_a_gap_is_filled_by_an_import(running: Running, prices: Path, tmp_path: Path) -> None:
    running.history("import", "--data", prices)
    rows = "2022-04-25,HSTECH,4018.0,4019.0,3815.0,3820.0,,0\n"
    said = running.history("import", "--data", folder(tmp_path / "more", rows), "--json")
    assert said.lines == [{"symbol": "HSTECH", "new": 1, "replaced": 0, "held": 0}]
    assert running.history("check").out == BREAK


async def test_a_session_held_otherwise_is_refused_unless_it_is_to_be_replaced(
    running: Running, tmp_path: Path
) -> None:
    running.history("import", "--data", folder(tmp_path / "first", XIAOMI))
    held = await running.held()
    other = folder(tmp_path / "other", XIAOMI.replace("14.2,", "14.3,") + NEXT)
    assert running.history("import", "--data", other) == Said(
        "",
        f"{other} differs from what is held, and nothing was imported: 1810.HK 2022-03-22 "
        "(close 14.3, held 14.2). To take what the folder has, say --replace.\n",
        2,
    )
    assert await running.held() == held
    said = running.history("import", "--data", other, "--replace")
    assert said == Said("1810.HK: 1 bar came in, 1 replaced, 0 held already\n", "", 0)
    assert [bar.close for bar in (await running.held())["1810.HK"].bars] == [14.3, 14.78]


async def test_a_corrupt_file_leaves_what_was_there(running: Running, tmp_path: Path) -> None:
    running.history("import", "--data", folder(tmp_path / "first", XIAOMI))
    held = await running.held()
    corrupt = folder(tmp_path / "corrupt", NEXT + "2022-03-24,9988.HK,,,,n/a,,0\n")
    said = running.history("import", "--data", corrupt, "--replace")
    assert (said.out, said.status) == ("", 2)
    assert said.err.startswith("bars.csv, line 3: close is “n/a”")
    assert await running.held() == held


async def test_an_export_is_never_written_over_anything(
    running: Running, prices: Path, tmp_path: Path
) -> None:
    assert running.history("export", "--data", tmp_path / "none").status == 1
    running.history("import", "--data", prices)
    written = tmp_path / "out" / "bars.csv"
    said = running.history("export", "--data", tmp_path / "out")
    assert said == Said(f"{written}: 6,352 bars of 17 instruments\n", "", 0)
    before = written.read_bytes()
    assert running.history("export", "--data", tmp_path / "out") == Said(
        "", f"{written} is there already and is not written over: name another folder.\n", 2
    )
    assert written.read_bytes() == before


@pytest.mark.parametrize("name", ["prices", "sample"])
async def test_what_is_exported_is_imported_as_it_was(
    link: Link, prices: Path, tmp_path: Path, name: str
) -> None:
    source = prices if name == "prices" else sample_folder("march-2022")
    await take_in(link, CATALOGUE, source, NOW, replacing=False)
    held = await published.histories(link)
    files, _ = await write_out(link, tmp_path / "one")
    await link.client.delete(link.keys.history())
    await take_in(link, CATALOGUE, tmp_path / "one", NOW, replacing=False)
    assert await published.histories(link) == held
    again, _ = await write_out(link, tmp_path / "two")
    assert [each.read_bytes() for each in files] == [each.read_bytes() for each in again]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_extremes_of_a_time_whose_bars_are_held_are_held_no_more(
    link: Link, prices: Path, tmp_path: Path, order: tuple[int, int]
) -> None:
    sources = (sample_folder("march-2022"), prices)
    for each in order:
        await take_in(link, CATALOGUE, sources[each], NOW, replacing=False)
    recorded = read_folder(prices).series
    held = await published.histories(link)
    assert held == {symbol: each for symbol, each in recorded.items() if symbol in CATALOGUE}


async def test_what_one_bar_lacks_the_other_of_its_session_gives(link: Link, tmp_path: Path) -> None:
    session = date(2022, 3, 23)
    await published.publish_history(link, Series("1810.HK", (Bar(session, 14.78, volume=5.0),)))
    await take_in(link, CATALOGUE, folder(tmp_path, NEXT), NOW, replacing=False)
    held = await published.history(link, "1810.HK")
    assert held.bars == (Bar(session, 14.78, 15.04, 15.48, 14.7, 5.0),)


async def test_float_noise_is_no_contradiction_but_another_basis_is(link: Link, tmp_path: Path) -> None:
    noisy = Bar(date(2022, 3, 23), 14.779999732971191, 15.04, 15.48, 14.7)
    await published.publish_history(link, Series("1810.HK", (noisy,)))
    await take_in(link, CATALOGUE, folder(tmp_path, NEXT), NOW, replacing=False)
    assert (await published.history(link, "1810.HK")).bars == (noisy,)
    adjusted = folder(tmp_path, NEXT.replace(",0\n", ",1\n"))
    with pytest.raises(DataError, match="dividend-adjusted, held as traded"):
        await take_in(link, CATALOGUE, adjusted, NOW, replacing=False)


async def test_every_contradiction_counts_and_the_first_ten_are_named(link: Link, tmp_path: Path) -> None:
    days = [f"2022-03-{day:02}" for day in range(1, 13)]
    rows = "".join(f"{day},1810.HK,,,,14,,0\n" for day in days)
    await take_in(link, CATALOGUE, folder(tmp_path, rows), NOW, replacing=False)
    other = folder(tmp_path, rows.replace(",14,", ",15,"))
    with pytest.raises(DataError, match=r"2022-03-10 \(close 15\.0, held 14\.0\); and 2 more\. To take"):
        await take_in(link, CATALOGUE, other, NOW, replacing=False)


async def test_a_session_that_has_not_settled_is_not_imported(link: Link, tmp_path: Path) -> None:
    during = datetime(2022, 3, 23, 7, 0, tzinfo=UTC)
    with pytest.raises(DataError, match=r"1810\.HK has a bar of 2022-03-23, a session that has not settled"):
        await take_in(link, CATALOGUE, folder(tmp_path, XIAOMI + NEXT), during, replacing=False)
    assert await published.histories(link) == {}


async def test_only_what_the_settings_describe_is_imported(link: Link, tmp_path: Path) -> None:
    unknown = folder(tmp_path, XIAOMI.replace("1810.HK", "9999.XX"))
    with pytest.raises(DataError, match="holds no bars of an instrument that the settings describe"):
        await take_in(link, CATALOGUE, unknown, NOW, replacing=False)


async def test_where_no_history_is_kept_none_is_written(link: Link, tmp_path: Path) -> None:
    with pytest.raises(NotKnown, match="No history is kept yet"):
        await write_out(link, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "one,other,shared",
    [
        ("0005.HK", "1211.HK", True),
        ("7203.T", "6758.T", True),
        ("7203.T", "0005.HK", False),
        ("VOD.L", "7203.T", False),
        ("CNH=X", "COIN", False),
    ],
)
def test_only_what_surely_trades_together_is_compared(one: str, other: str, shared: bool) -> None:
    nowhere = (Instrument(each, "other", "XXXX", "USD", each) for each in ("CNH=X", "COIN"))
    bars = tuple(Bar(date(2022, 3, day), 10) for day in (21, 22, 23))
    series = {one: Series(one, bars), other: Series(other, (bars[0], bars[2]))}
    checked = looked_through(Catalogue.of(nowhere), series)
    assert [each.symbol for each in checked.findings] == ([other] if shared else [])
    assert checked.alone == (() if shared else (one, other))
