"""What a history knows besides its bars leaves and comes back with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app.history import looked_through, take_in, write_out
from bot.config import read_settings
from bot.errors import DataError
from bot.market.actions import Action
from bot.market.bars import Bar, Series
from bot.market.breaks import Gap
from bot.market.tracking import stood_in
from bot.sources.folder import read_folder, write_folder
from bot.store import market as published
from bot.store.link import Link
from tests.conftest import ROOT

CATALOGUE = read_settings(ROOT / "config.yaml").catalogue()
OTHERS = ("^HSI", "^HSCE", "0700.HK", "9988.HK")
NOW = datetime(2022, 7, 1, tzinfo=UTC)
DAYS = [day for number in range(80) if (day := date(2022, 3, 1) + timedelta(days=number)).weekday() < 5]
FUND = Series("3033.HK", tuple(Bar(day, 3.5 + at / 100) for at, day in enumerate(DAYS)))
HSTECH = stood_in(
    Series("HSTECH", tuple(Bar(each.session, each.close * 1000) for each in FUND.bars[-5:])), FUND
)
XIAOMI = Series(
    "1810.HK",
    tuple(Bar(day, 14.0, 13.9, 14.1, 13.8, 1000.0) for day in DAYS if day != DAYS[7]),
    actions=(
        Action(DAYS[3], "distribution", amount=0.5, note="in specie, “JD.com”"),
        Action(DAYS[3], "split", factor=0.1),
        Action(DAYS[20], "split", factor=10.0, note="ten into one"),
    ),
    untraded=(DAYS[7],),
)
EVENTS = "date,symbol,kind,factor,amount,note\n"
BARS = "date,symbol,open,high,low,close\n2022-03-23,1810.HK,15.04,15.48,14.7,14.78\n"


async def test_what_is_exported_is_imported_as_it_was(link: Link, tmp_path: Path) -> None:
    for each in (HSTECH, XIAOMI):
        await published.publish_history(link, each)
    files, _ = await write_out(link, tmp_path / "out")
    assert [each.name for each in files] == ["bars.csv", "events.csv"]
    await link.client.delete(link.keys.history())
    await take_in(link, CATALOGUE, tmp_path / "out", NOW, replacing=False)
    assert await published.histories(link) == {"HSTECH": HSTECH, "1810.HK": XIAOMI}
    again = await take_in(link, CATALOGUE, tmp_path / "out", NOW, replacing=False)
    assert {each.new + each.replaced for each in again.arrived} == {0}
    assert await published.histories(link) == {"HSTECH": HSTECH, "1810.HK": XIAOMI}


async def test_imported_bars_take_the_place_of_a_funds_unasked(link: Link, tmp_path: Path) -> None:
    await published.publish_history(link, HSTECH)
    real = [replace(each, close=4000.0, adjusted=False) for each in HSTECH.bars[10:20]]
    write_folder(
        tmp_path / "real", {"HSTECH": Series("HSTECH", tuple(Bar(each.session, each.close) for each in real))}
    )
    done = await take_in(link, CATALOGUE, tmp_path / "real", NOW, replacing=False)
    assert [(each.new, each.replaced) for each in done.arrived] == [(10, 0)]
    kept = await published.history(link, "HSTECH")
    assert [each.close for each in kept.bars if not each.adjusted][:10] == [4000.0] * 10
    assert (kept.stand_in, len(kept.bars)) == ("3033.HK", len(HSTECH.bars))


def test_bars_that_stand_in_are_no_break_and_an_untraded_session_is_no_gap() -> None:
    others = {
        symbol: replace(XIAOMI, symbol=symbol, bars=tuple(Bar(day, 10.0) for day in DAYS))
        for symbol in OTHERS
    }
    assert looked_through(CATALOGUE, {"HSTECH": HSTECH, "1810.HK": XIAOMI, **others}).findings == ()
    lacking = looked_through(CATALOGUE, {"1810.HK": replace(XIAOMI, untraded=()), **others})
    assert [(each.symbol, each.sessions) for each in lacking.findings if isinstance(each, Gap)] == [
        ("1810.HK", (DAYS[7],))
    ]


async def test_an_action_that_is_held_otherwise_is_refused(link: Link, tmp_path: Path) -> None:
    await published.publish_history(link, XIAOMI)
    other = replace(XIAOMI, actions=(replace(XIAOMI.actions[2], factor=5.0),))
    write_folder(tmp_path / "other", {"1810.HK": other})
    with pytest.raises(DataError, match=r"1810.HK 2022-03-29 \(split factor 5.0, held 10.0\)"):
        await take_in(link, CATALOGUE, tmp_path / "other", NOW, replacing=False)
    assert await published.history(link, "1810.HK") == XIAOMI


@pytest.mark.parametrize(
    "row, said",
    [
        ("2022-03-23,HSTECH,gift,2,,", "the kind is “gift”; write split, distribution, untraded, stand-in."),
        ("2022-03-23,1810.HK,split,,,", "a split has its factor, and the cell is empty."),
        ("2022-03-23,1810.HK,split,0,,", "factor is 0; leave the cell empty where no price is known."),
        ("2022-03-23,1810.HK,split,-1,,", "factor is “-1”, which is no price; write a number such as 14.78."),
        ("22-3-2022,1810.HK,untraded,,,", "“22-3-2022” is no date; write it as 2022-03-23."),
        ("2022-03-23,HSTECH,stand-in,,,", "a stand-in has its note, and the cell is empty."),
        ("2022-03-23,1810.HK,split,2", "the row has another number of cells than the heading."),
    ],
)  # fmt: skip
async def test_a_corrupt_row_is_refused_by_file_and_line_and_what_was_there_stays(
    link: Link, tmp_path: Path, row: str, said: str
) -> None:
    await published.publish_history(link, XIAOMI)
    (tmp_path / "bars.csv").write_text(BARS)
    (tmp_path / "events.csv").write_text(EVENTS + "2022-03-22,1810.HK,split,0.5,,\n" + row + "\n")
    with pytest.raises(DataError) as raised:
        await take_in(link, CATALOGUE, tmp_path, NOW, replacing=True)
    assert str(raised.value) == f"events.csv, line 3: {said}"
    assert await published.histories(link) == {"1810.HK": XIAOMI}


def test_a_second_split_of_a_day_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text(BARS)
    (tmp_path / "events.csv").write_text(EVENTS + "2022-03-22,1810.HK,split,0.5,,\n" * 2)
    with pytest.raises(
        DataError, match=r"^events.csv, line 3: there is a second split of 2022-03-22; keep one.$"
    ):
        read_folder(tmp_path)


actions = st.builds(
    Action,
    st.sampled_from(DAYS),
    st.just("split"),
    st.floats(0.001, 1000),
    st.just(0.0),
    st.text('aé小,“”"'),
) | st.builds(
    Action, st.sampled_from(DAYS), st.just("distribution"), st.just(1.0), st.floats(0.001, 1000), st.just("")
)


@given(st.dictionaries(st.sampled_from(DAYS), actions, max_size=5))
def test_every_series_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, given_then: dict[date, Action]
) -> None:
    held = {(day, each.kind): replace(each, session=day) for day, each in given_then.items()}
    series = replace(XIAOMI, actions=tuple(held[each] for each in sorted(held)))
    folder = tmp_path_factory.mktemp("whole") / "data"
    write_folder(folder, {"1810.HK": series, "HSTECH": HSTECH})
    assert read_folder(folder).series == {"1810.HK": series, "HSTECH": HSTECH}
