"""Bars recorded in a folder of CSV files."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bot.errors import DataError
from bot.market.bars import Bar, Calendar, Series
from bot.market.instrument import Market

_NEEDED = ("date", "symbol", "close")
_PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a data folder holds, by symbol."""

    series: dict[str, Series]

    def calendar(self, market_of: Callable[[str], Market]) -> Calendar:
        """Return the sessions on which any instrument of a market traded."""
        sessions: dict[str, set[date]] = defaultdict(set)
        for symbol, series in self.series.items():
            sessions[market_of(symbol)].update(series.sessions)
        return Calendar({market: tuple(sorted(days)) for market, days in sessions.items()})


def read_folder(folder: Path) -> Recorded:
    """Read every CSV file of `folder`: `date,symbol,open,high,low,close[,volume][,adjusted]`.

    An empty close is a gap. Raises `DataError`, naming file and line, for a row that cannot be a bar.
    """
    if not folder.is_dir():
        raise DataError(f"There is no data folder {folder}: name one that holds CSV files of daily bars.")
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise DataError(f"The data folder {folder} holds no CSV file: put daily bars there.")
    bars: dict[str, dict[date, Bar]] = defaultdict(dict)
    for file in files:
        _read_file(file, bars)
    return Recorded(
        {symbol: Series(symbol, tuple(days[each] for each in sorted(days))) for symbol, days in bars.items()}
    )


def _read_file(file: Path, bars: dict[str, dict[date, Bar]]) -> None:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{file.name}: this is not UTF-8 text; save it as UTF-8.") from error
    rows = csv.DictReader(text.splitlines())
    missing = [name for name in _NEEDED if name not in (rows.fieldnames or ())]
    if missing:
        raise DataError(
            f"{file.name}, line 1: the heading lacks {', '.join(missing)}; "
            "write date,symbol,open,high,low,close[,volume][,adjusted]."
        )
    for row in rows:
        place = f"{file.name}, line {rows.line_num}"
        if None in row or None in row.values():
            raise DataError(f"{place}: the row has another number of cells than the heading.")
        bar = _bar(row, place)
        if bar is None:
            continue
        days = bars[row["symbol"]]
        if bar.session in days:
            raise DataError(f"{place}: {row['symbol']} has a second bar for {bar.session}; keep one.")
        days[bar.session] = bar


def _bar(row: dict[str, str], place: str) -> Bar | None:
    if not row["symbol"].strip():
        raise DataError(f"{place}: the symbol is empty.")
    try:
        session = date.fromisoformat(row["date"])
    except ValueError as error:
        raise DataError(f"{place}: “{row['date']}” is no date; write it as 2022-03-23.") from error
    opened, high, low, close = (_price(row.get(name, ""), name, place) for name in _PRICES)
    if close is None:
        return None
    known = [each for each in (opened, close) if each is not None]
    if high is not None and high < max(known):
        raise DataError(f"{place}: the high {high} is below the open or the close.")
    if low is not None and low > min(known):
        raise DataError(f"{place}: the low {low} is above the open or the close.")
    adjusted = row.get("adjusted", "").strip()
    if adjusted not in {"", "0", "1"}:
        raise DataError(f"{place}: adjusted is “{adjusted}”; write 0 or 1.")
    volume = _number(row.get("volume", ""), "volume", place)
    return Bar(session, close, opened, high, low, volume, adjusted == "1")


def _price(cell: str, name: str, place: str) -> float | None:
    price = _number(cell, name, place)
    if price == 0:
        raise DataError(f"{place}: {name} is 0; leave the cell empty where no price is known.")
    return price


def _number(cell: str, name: str, place: str) -> float | None:
    if not cell.strip():
        return None
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise DataError(f"{place}: {name} is “{cell}”, which is no price; write a number such as 14.78.")
    return number
