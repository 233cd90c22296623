"""Recorded days in a folder: bars, the extremes known of the time before them, and stories."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

from bot.errors import DataError, UsageError
from bot.market.bars import Bar, Calendar, Known, Reference, Series, Side
from bot.market.instrument import Market
from bot.news.story import Story
from bot.sources import folder_events as events
from bot.sources.folder_cells import a_date, a_number, a_price

_NEEDED = ("date", "symbol", "close")
_PRICES = ("open", "high", "low", "close")
_BARS = ["date", "symbol", "open", "high", "low", "close", "volume", "adjusted"]
_EXTREMES = ["date", "symbol", "kind", "reference", "value"]
_STORIES = "stories.jsonl"
_TOLD = ("published", "title", "summary", "feed", "link")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a data folder holds: series by symbol, and stories in the order of their time."""

    series: dict[str, Series]
    stories: tuple[Story, ...] = ()

    def calendar(self, market_of: Callable[[str], Market]) -> Calendar:
        """Return the sessions on which any instrument of a market traded."""
        sessions: dict[str, set[date]] = defaultdict(set)
        for symbol, series in self.series.items():
            sessions[market_of(symbol)].update(series.sessions)
        return Calendar({market: tuple(sorted(days)) for market, days in sessions.items()})


def sample_folder(name: str) -> Path:
    """Return the folder of recorded days that come along under `name`; `UsageError` where none do."""
    samples = Path(str(files("bot.sources").joinpath("samples")))
    known = sorted(each.name for each in samples.iterdir() if each.is_dir())
    if name not in known:
        raise UsageError(f"No sample is called “{name}”: choose one of {', '.join(known)}.")
    return samples / name


def read_folder(folder: Path) -> Recorded:
    """Read every CSV file of `folder`, and `stories.jsonl` where there is one.

    A table of bars is headed `date,symbol,open,high,low,close[,volume][,adjusted]`; an empty close is a gap.
    A table of what befell is headed `date,symbol,kind,factor,amount,note`: the kind is split, distribution,
    untraded or stand-in, whose note is the fund's symbol.
    A table of what is known of the time before is headed `date,symbol,kind,reference,value`: the kind is
    peak, low or last, the reference close or intraday. A last close is a bar that knows nothing else.

    Raises `DataError`, naming file and line, for a row that cannot be read.
    """
    if not folder.is_dir():
        raise DataError(f"There is no data folder {folder}: name one that holds CSV files of daily bars.")
    tables = sorted(folder.glob("*.csv"))
    if not tables:
        raise DataError(f"The data folder {folder} holds no CSV file: put daily bars there.")
    held: dict[str, _Held] = defaultdict(_Held)
    for table in tables:
        _read_table(table, held)
    stories = folder / _STORIES
    return Recorded(
        {symbol: each.series(symbol) for symbol, each in held.items()},
        _stories(stories) if stories.is_file() else (),
    )


@dataclass(slots=True)
class _Held:
    """What was read of one instrument so far; what comes before its bars is held with its place."""

    bars: dict[date, Bar] = field(default_factory=dict)
    last: tuple[Bar, str] | None = None
    before: dict[tuple[date, Side, Reference], tuple[Known, str]] = field(default_factory=dict)
    befell: events.Events = field(default_factory=events.Events)

    def series(self, symbol: str) -> Series:
        """Put it in order of time; `DataError` where something from before the bars is not from before."""
        bars = tuple(self.bars[each] for each in sorted(self.bars))
        before = tuple(self.before[each] for each in sorted(self.before))
        last = () if self.last is None else (self.last,)
        placed: tuple[tuple[Known | Bar, str], ...] = (*before, *last)
        for what, place in placed:
            if bars and what.session >= bars[0].session:
                raise DataError(
                    f"{place}: {what.session} is not before {bars[0].session}, the first bar of {symbol}."
                )
        whole = Series(symbol, (*(bar for bar, _ in last), *bars), tuple(known for known, _ in before))
        return self.befell.known_of(whole)


def _read_table(table: Path, held: dict[str, _Held]) -> None:
    rows = csv.DictReader(_text(table).splitlines())
    heading = list(rows.fieldnames or ())
    read = {tuple(_EXTREMES): _read_extreme, tuple(events.HEADING): _read_event}.get(
        tuple(heading), _read_bar
    )
    missing = [name for name in _NEEDED if name not in heading]
    if missing and read is _read_bar:
        raise DataError(
            f"{table.name}, line 1: the heading lacks {', '.join(missing)}; "
            "write date,symbol,open,high,low,close[,volume][,adjusted]."
        )
    for row in rows:
        place = f"{table.name}, line {rows.line_num}"
        if None in row or None in row.values():
            raise DataError(f"{place}: the row has another number of cells than the heading.")
        if not row["symbol"].strip():
            raise DataError(f"{place}: the symbol is empty.")
        read(row, place, held)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{file.name}: this is not UTF-8 text; save it as UTF-8.") from error


def _read_bar(row: dict[str, str], place: str, held: dict[str, _Held]) -> None:
    session = a_date(row["date"], place)
    opened, high, low, close = (a_price(row.get(name, ""), name, place) for name in _PRICES)
    if close is None:
        return
    known = [each for each in (opened, close) if each is not None]
    if high is not None and high < max(known):
        raise DataError(f"{place}: the high {high} is below the open or the close.")
    if low is not None and low > min(known):
        raise DataError(f"{place}: the low {low} is above the open or the close.")
    adjusted = row.get("adjusted", "").strip()
    if adjusted not in {"", "0", "1"}:
        raise DataError(f"{place}: adjusted is “{adjusted}”; write 0 or 1.")
    volume = a_number(row.get("volume", ""), "volume", place)
    bars = held[row["symbol"]].bars
    if session in bars:
        raise DataError(f"{place}: {row['symbol']} has a second bar for {session}; keep one.")
    bars[session] = Bar(session, close, opened, high, low, volume, adjusted == "1")


def _read_extreme(row: dict[str, str], place: str, held: dict[str, _Held]) -> None:
    session = a_date(row["date"], place)
    kind, written = row["kind"], row["reference"]
    value = a_price(row["value"], "value", place)
    if value is None:
        raise DataError(f"{place}: the value is empty.")
    reference = next((each for each in _references() if each == written), None)
    if reference is None:
        raise DataError(f"{place}: the reference is “{written}”; write close or intraday.")
    here = held[row["symbol"]]
    if kind == "last":
        if reference != "close":
            raise DataError(f"{place}: a last price is a close; write last,close.")
        if here.last is not None:
            raise DataError(f"{place}: {row['symbol']} has a second last close; keep one.")
        here.last = Bar(session, value), place
        return
    side = next((each for each in _sides() if each == kind), None)
    if side is None:
        raise DataError(f"{place}: the kind is “{kind}”; write peak, low or last.")
    if (session, side, reference) in here.before:
        raise DataError(
            f"{place}: {row['symbol']} has a second {side} by {reference} for {session}; keep one."
        )
    here.before[session, side, reference] = Known(session, side, reference, value), place


def _read_event(row: dict[str, str], place: str, held: dict[str, _Held]) -> None:
    held[row["symbol"]].befell.read(row, place)


def _references() -> tuple[Reference, ...]:
    return get_args(Reference)


def _sides() -> tuple[Side, ...]:
    return get_args(Side)


def _stories(file: Path) -> tuple[Story, ...]:
    told = [
        _story(line, f"{file.name}, line {number}")
        for number, line in enumerate(_text(file).split("\n"), start=1)
        if line.strip()
    ]
    return tuple(story for _, story in sorted(told, key=lambda each: (each[0], each[1].link)))


def _story(line: str, place: str) -> tuple[datetime, Story]:
    try:
        told: Any = json.loads(line)
    except ValueError as error:
        raise DataError(f"{place}: this is no JSON.") from error
    if not isinstance(told, dict) or any(not isinstance(told.get(name), str) for name in _TOLD):
        raise DataError(f"{place}: a story has the texts {', '.join(_TOLD)}.")
    if not told["title"].strip() or not told["link"].strip():
        raise DataError(f"{place}: the title or the link is empty.")
    published = _moment(told["published"], place)
    link = told["link"]
    return published, Story(told["feed"], link, link, told["title"], told["summary"], published)


def _moment(written: str, place: str) -> datetime:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise DataError(f"{place}: “{written}” is no moment; write it as 2022-03-23T16:40:00+08:00.")
    return moment.astimezone(UTC)


def write_folder(folder: Path, series: Mapping[str, Series]) -> tuple[Path, ...]:
    """Write `bars.csv`, and where there is something to `extremes.csv` and `events.csv`; return the files.

    `read_folder` reads the same series from them. Raises `UsageError` where a file is there already, which is
    never written over, or the folder cannot be written to.
    """
    ordered = [series[symbol] for symbol in sorted(series)]
    bars = [_bar_row(each.symbol, bar) for each in ordered for bar in each.bars[_begins(each) :]]
    extremes = [row for each in ordered for row in _extreme_rows(each)]
    tables = {folder / "bars.csv": [_BARS, *bars]}
    if extremes:
        tables[folder / "extremes.csv"] = [_EXTREMES, *extremes]
    if befell := [row for each in ordered for row in events.rows_of(each)]:
        tables[folder / "events.csv"] = [events.HEADING, *befell]
    for file in tables:
        if file.exists():
            raise UsageError(f"{file} is there already and is not written over: name another folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, rows in tables.items():
            _write_table(file, rows)
    except OSError as error:
        raise UsageError(
            f"The folder {folder} cannot be written to ({error.strerror}): name another."
        ) from error
    return tuple(tables)


def _begins(series: Series) -> int:
    """Return the index of the first bar that is no last close from before the bars."""
    known = [each.session for each in series.before]
    return int(bool(known and series.bars and max(known) >= series.bars[0].session))


def _bar_row(symbol: str, bar: Bar) -> list[str]:
    cells = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    written = ("" if each is None else repr(each) for each in cells)
    return [bar.session.isoformat(), symbol, *written, "1" if bar.adjusted else "0"]


def _extreme_rows(series: Series) -> Iterable[list[str]]:
    for known in series.before:
        yield [known.session.isoformat(), series.symbol, known.side, known.reference, repr(known.value)]
    for bar in series.bars[: _begins(series)]:
        yield [bar.session.isoformat(), series.symbol, "last", "close", repr(bar.close)]


def _write_table(file: Path, rows: Iterable[list[str]]) -> None:
    """Write a table whole or not at all."""
    with file.open("x", encoding="utf-8", newline="") as table:
        try:
            csv.writer(table, lineterminator="\n").writerows(rows)
            table.flush()
        except OSError:
            file.unlink()
            raise
