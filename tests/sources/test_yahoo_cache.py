"""The folder for Yahoo's cookie: private, and begun afresh whatever is found there."""

from __future__ import annotations

import pickle
import random
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.errors import Away
from tests.fakes.yahoo import FakeYahoo
from tests.sources.yahoo_stage import XIAOMI, Make


def _mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


def _noise(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    (folder / "cookies.db").write_bytes(random.Random(23).randbytes(20_000))


def _beginning_like_a_database(folder: Path) -> None:
    folder.mkdir()
    (folder / "cookies.db").write_bytes(b"SQLite format 3\x00" + random.Random(23).randbytes(20_000))


def _noise_beside(folder: Path) -> None:
    _noise(folder)
    for name in ("cookies.db-wal", "cookies.db-shm"):
        (folder / name).write_bytes(random.Random(23).randbytes(5_000))


def _empty(folder: Path) -> None:
    folder.mkdir()
    (folder / "cookies.db").touch()


def _kept(cookie: bytes) -> Callable[[Path], None]:
    def put(folder: Path) -> None:
        folder.mkdir()
        with sqlite3.connect(folder / "cookies.db") as held:
            held.execute(
                'CREATE TABLE "_cookieschema" ("strategy" VARCHAR(255) NOT NULL PRIMARY KEY, '
                '"fetch_date" DATETIME NOT NULL, "cookie_bytes" BLOB NOT NULL) WITHOUT ROWID'
            )
            row = ("curlCffi", "2026-01-01T00:00:00", cookie)
            held.execute('INSERT INTO "_cookieschema" VALUES (?, ?, ?)', row)
        held.close()

    return put


def _another_table(folder: Path) -> None:
    folder.mkdir()
    with sqlite3.connect(folder / "cookies.db") as held:
        held.execute('CREATE TABLE "_cookieschema" ("other" INTEGER)')
    held.close()


def _a_folder_for_a_file(folder: Path) -> None:
    (folder / "cookies.db" / "within").mkdir(parents=True)


def _a_file_for_the_folder(folder: Path) -> None:
    folder.write_bytes(random.Random(23).randbytes(100))


@pytest.mark.parametrize(
    "damage",
    [
        _noise,
        _beginning_like_a_database,
        _noise_beside,
        _empty,
        _kept(b"no pickle"),
        _kept(pickle.dumps("no cookie")),
        _kept(pickle.dumps({})),
        _another_table,
        _a_folder_for_a_file,
        _a_file_for_the_folder,
    ],
    ids=lambda each: each.__name__.strip("_"),
)
async def test_whatever_is_found_there_a_quote_comes_and_its_cookie_is_kept(
    fake: FakeYahoo, make: Make, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    cache = tmp_path / "yahoo"
    damage(cache)
    for _ in range(2):
        source = make(cache=cache)
        assert await source.quotes([XIAOMI])
        await source.close()
    assert _mode(cache) == 0o700
    assert [each.host for each in fake.journal].count("fc.yahoo.com") == 1


async def test_a_folder_that_cannot_be_made_is_said_in_a_sentence(make: Make, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = tmp_path / "file" / "yahoo"
    words = rf"cannot be asked, as its cookies cannot be kept in {cache} \(not a directory\); we ask again in"
    with pytest.raises(Away, match=words):
        await make(cache=cache).quotes([XIAOMI])


async def test_what_becomes_corrupt_meanwhile_costs_no_look(
    fake: FakeYahoo, make: Make, tmp_path: Path
) -> None:
    source = make()
    await source.quotes([XIAOMI])
    for file in (tmp_path / "cache").iterdir():
        file.write_bytes(random.Random(23).randbytes(5_000))
    fake.void_crumb()
    assert await source.quotes([XIAOMI])
