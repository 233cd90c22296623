"""The catalogue that comes along: instruments, the members of an index, twins with their ratios.

`instruments.csv` is headed by what `Instrument` has; aliases are parted by bars. A shared name belongs to
whoever comes first, so Hong Kong lines stand before their depositary shares.

`members.csv` knows HSTECH's reviews up to the one of 8 December 2025, and not every one before: a missing
line means not known. `from` is a day on which it surely belonged, `to` the first on which it no longer did.

`twins.csv` gives the Hong Kong shares for one depositary share, from a day on which that surely held.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from typing import get_args

from bot.errors import DataError
from bot.market.instrument import Instrument, Kind, Membership
from bot.market.twins import Twin

_LANGUAGES = ("en", "zh-Hans", "zh-Hant")


def load_catalogue() -> tuple[Instrument, ...]:
    """Return every instrument that comes along, in the order in which shared names are kept."""
    return tuple(_instrument(row) for row in _rows("instruments.csv"))


def load_members() -> tuple[Membership, ...]:
    """Return who is known to have belonged to an index, and when."""
    return tuple(
        Membership(row["index"], row["symbol"], date.fromisoformat(row["from"]), _day(row["to"]))
        for row in _rows("members.csv")
    )


def load_twins() -> tuple[Twin, ...]:
    """Return the companies that are listed in Hong Kong and in New York, with their ratios."""
    return tuple(
        Twin(
            row["symbol"],
            row["adr"],
            int(row["ratio"]),
            date.fromisoformat(row["from"]),
            believed=row["certainty"] == "believed",
        )
        for row in _rows("twins.csv")
    )


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = files("bot.sources.catalogue").joinpath(name).read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines())


def _instrument(row: dict[str, str]) -> Instrument:
    return Instrument(
        symbol=row["symbol"],
        kind=_kind(row["kind"]),
        exchange=row["exchange"],
        currency=row["currency"],
        short=row["short"],
        names={language: row[language] for language in _LANGUAGES},
        aliases=tuple(row["aliases"].split("|")) if row["aliases"] else (),
        sources={"yahoo": row["yahoo"]} if row["yahoo"] else {},
    )


def _kind(written: str) -> Kind:
    kinds: tuple[Kind, ...] = get_args(Kind)
    for kind in kinds:
        if kind == written:
            return kind
    raise DataError(f"instruments.csv: “{written}” is no kind; write one of {', '.join(kinds)}.")


def _day(written: str) -> date | None:
    return date.fromisoformat(written) if written else None
