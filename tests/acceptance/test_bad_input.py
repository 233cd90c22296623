from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, Marketbell, Said

SETTINGS = (ROOT / "config.yaml").read_text()
GIVEN = next(each.strip() for each in SETTINGS.splitlines() if "JD.com distribution" in each)
HEADING = "date,symbol,open,high,low,close,volume,adjusted\n"


def refused(said: Said, status: int) -> str:
    assert said.status == status
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err.rstrip("\n")


@pytest.fixture
def checked(marketbell: Marketbell, tmp_path: Path) -> Callable[[str], str]:
    def check(settings: str) -> str:
        file = tmp_path / "config.yaml"
        file.write_text(settings)
        return refused(marketbell("check", "--config", file), 2)

    return check


@pytest.fixture
def read(marketbell: Marketbell, tmp_path: Path) -> Callable[[str], Said]:
    def quote(rows: str) -> Said:
        (tmp_path / "bars.csv").write_text(rows)
        return marketbell("quote", "1810.HK", "--data", tmp_path, "--json")

    return quote


def test_the_settings_that_come_along_are_in_order(marketbell: Marketbell) -> None:
    said = marketbell("check")
    assert (said.status, said.out) == (
        0,
        "config.yaml is in order: 24 instruments, 4 rules, 6 topics, 0 feeds, 0 chats.\n",
    )


def test_an_unknown_symbol_is_answered_with_the_nearest(marketbell: Marketbell, prices: Path) -> None:
    said = refused(marketbell("quote", "XIAOMO", "--data", prices), 1)
    assert said.startswith("No instrument is called “XIAOMO”. Nearest: 1810.HK (Xiaomi)")


@pytest.mark.parametrize(
    "command,example", [("quote", "marketbell quote 1810.HK"), ("drawdown", "marketbell drawdown HSTECH")]
)
def test_no_symbol_is_a_matter_of_usage(
    marketbell: Marketbell, prices: Path, command: str, example: str
) -> None:
    said = f"No symbol is named: write one, as in {example}."
    assert refused(marketbell(command, "--data", prices), 2) == said
    assert refused(marketbell(command, " ", "--data", prices), 2) == said


@pytest.mark.parametrize(
    "written,said",
    [
        (("quote", "HSTECH", "--nope"), "No such option: --nope; see --help."),
        (("replay", "--from", "2022-03-14"), "Missing option '--data'; see --help."),
        (("quote", "HSTECH", "--data"), "Option '--data' requires an argument; see --help."),
        (("quote", "HSTECH", "1810.HK"), "Got unexpected extra argument(s) (1810.HK); see --help."),
        (("qoute", "HSTECH"), "No such command 'qoute'. Did you mean 'quote'?"),
    ],
)
def test_a_line_written_wrongly_is_answered_in_one_line(
    marketbell: Marketbell, written: tuple[str, ...], said: str
) -> None:
    assert refused(marketbell(*written), 2) == said


def test_nothing_written_is_answered_with_help(marketbell: Marketbell) -> None:
    said = marketbell()
    assert (said.status, said.err) == (0, "")
    assert said.out == marketbell("--help").out
    assert said.out.startswith("Usage: marketbell [OPTIONS] COMMAND")


def test_an_impossible_date_is_refused(marketbell: Marketbell, prices: Path) -> None:
    said = refused(marketbell("quote", "HSTECH", "--data", prices, "--as-of", "2022-02-30"), 2)
    assert said == "“2022-02-30” is no date: write one that exists, as 2022-03-23."


def test_a_replay_that_ends_before_it_begins_is_refused(marketbell: Marketbell, prices: Path) -> None:
    said = marketbell("replay", "--data", prices, "--from", "2022-03-23", "--to", "2022-03-14")
    assert "would end before it begins" in refused(said, 2)


def test_a_missing_folder_is_refused(marketbell: Marketbell, tmp_path: Path) -> None:
    said = refused(marketbell("quote", "HSTECH", "--data", tmp_path / "none"), 2)
    assert said.startswith("There is no data folder")


def test_a_day_before_all_bars_is_not_known(marketbell: Marketbell, prices: Path) -> None:
    said = refused(marketbell("quote", "9626.HK", "--data", prices, "--as-of", "2021-03-28"), 1)
    assert said == "Nothing is known of 9626.HK on 2021-03-28: its bars begin on 2021-03-29."


def test_an_unknown_window_is_refused(marketbell: Marketbell, prices: Path) -> None:
    said = refused(marketbell("drawdown", "HSTECH", "10y", "--data", prices), 2)
    assert said == "“10y” is no window: write all, 52w, 90d, ytd, mtd or since 2021-02-17."


@pytest.mark.parametrize(
    "before,after,lines_after,said",
    [
        ("exchange: XHKG", "exchnge: XHKG", 0, "“exchnge” is no setting; the nearest is “exchange”."),
        ("rules: calm", "rules: calm\nrules: loud", 1, "a key stands there twice; keep one of the two."),
        ("rules: calm", "rules: [calm", 6, "this is not YAML"),
        ("rules: calm", "rules: clam", 0, "there is no preset “clam”; choose one of calm, loud."),
        ("±2/3/5/7/10%", "±2/3/5/10/7%", 0, "Steps are written above 0 and in rising size"),
        ("±2/3/5/7/10%", "±2/3/5/7/x", 0, "“x” does not fit: a number is expected here."),
        ("±2/3/5/7/10%", "dya > 2%", 0, "No instrument is called “dya”."),
        ("±2/3/5/7/10%", "watchlist ±2%", 0, "Only a chat has a watchlist"),
        ("±2/3/5/7/10%", "HSTECH ±200%", 0, "A price never falls by 100%"),
        (", of: [index], together: true}", ", together: true}", 0, "does not say what to look at"),
        ("kind: index", "kind: indx", 0, "“kind”: input should be 'index', 'stock', 'fund' or 'other'."),
        ('short: "HSI"', 'short: "HSTECH"', -4, "“hstech” already names HSTECH; take another."),
        (GIVEN, GIVEN.replace("amount", "amuont"), 0, "“amuont” is no setting; the nearest is “amount”."),
        (GIVEN, GIVEN.replace("amount", "factor"), 0, "a distribution has its amount and no factor; write"),
        (GIVEN, GIVEN.replace("distribution,", "split,"), 0, "a split has its factor and no amount; write"),
        (GIVEN, GIVEN.replace("13.2", "-13.2"), 0, "“amount”: input should be greater than 0."),
        (GIVEN, GIVEN.replace("13.2", ".nan"), 0, "“amount”: input should be a finite number."),
        (GIVEN, GIVEN.replace("2022-01-20", "2022-01-32"), 0, "“2022-01-32” is no date; write one"),
        (GIVEN, GIVEN.replace("0700.HK", "^HSI"), 0, "^HSI is an index, whose holders are given nothing"),
        (GIVEN, f"{GIVEN}\n  {GIVEN}", 1, "0700.HK has a second distribution on 2022-01-20; keep one."),
    ],
)
def test_a_mistake_in_the_settings_is_named_by_its_line(
    checked: Callable[[str], str], before: str, after: str, lines_after: int, said: str
) -> None:
    line = SETTINGS[: SETTINGS.index(before)].count("\n") + 1 + lines_after
    answers = checked(SETTINGS.replace(before, after, 1)).splitlines()
    assert any(each.startswith(f"config.yaml, line {line}: ") and said in each for each in answers)


@pytest.mark.parametrize(
    "row,said",
    [
        ("2022-03-23,1810.HK,15,15.5,14.7,nan,,0", "line 2: close is “nan”, which is no price"),
        ("2022-03-23,1810.HK,15,15.5,14.7,0,,0", "line 2: close is 0; leave the cell empty"),
        ("2022-03-23,1810.HK,15,14.9,14.7,14.8,,0", "line 2: the high 14.9 is below"),
        ("2022-03-23,1810.HK,15,15.5,15.2,14.8,,0", "line 2: the low 15.2 is above"),
        ("2022-02-30,1810.HK,15,15.5,14.7,14.8,,0", "line 2: “2022-02-30” is no date"),
        ("2022-03-23,,15,15.5,14.7,14.8,,0", "line 2: the symbol is empty"),
        ("2022-03-23,1810.HK,15,15.5,14.7", "line 2: the row has another number of cells"),
        ("2022-03-23,1810.HK,15,15.5,14.7,14.8,,yes", "line 2: adjusted is “yes”; write 0 or 1."),
        ("2022-03-23,1810.HK,,,,14.8,,0\n2022-03-23,1810.HK,,,,14.9,,0", "line 3: 1810.HK has a second bar"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(read: Callable[[str], Said], row: str, said: str) -> None:
    answer = refused(read(f"{HEADING}{row}\n"), 2)
    assert answer.startswith("bars.csv, ")
    assert said in answer


def test_an_empty_close_is_a_gap_and_never_a_zero(read: Callable[[str], Said]) -> None:
    said = read(f"{HEADING}2022-03-22,1810.HK,,,,14.2,,0\n2022-03-23,1810.HK,,,,,,0\n")
    assert (said.one["session"], said.one["price"]) == ("2022-03-22", 14.2)
