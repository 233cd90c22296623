"""What Yahoo's answers have in common, and what its search says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.market.instrument import SYMBOL
from bot.ports import Found
from bot.sources.yahoo_failure import Changed, Missing

SOURCE = "Yahoo"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that Yahoo said and that we do not pass on."""

    symbol: str
    what: str
    why: str
    said: object = None


def part_of(answer: Any, outer: str, inner: str) -> Any:
    """Return the part of an answer that holds what was asked for.

    Raises `Missing` where Yahoo says that there is no such thing, and `Changed` for another form.
    """
    try:
        part, error = answer[outer][inner], answer[outer].get("error")
    except (AttributeError, KeyError, TypeError) as raised:
        raise Changed(f"answered without the {outer} that we know") from raised
    if error:
        code, said = (error.get("code"), error.get("description")) if isinstance(error, dict) else ("", error)
        if code == "Not Found" or str(said).startswith("No data found"):
            raise Missing("has no such instrument")
        raise Changed(f"answered with an error: {str(said)[:100]}")
    return part


def rows_of(part: Any, what: str) -> list[dict[str, Any]]:
    """Return the rows of an answer; raises `Changed` for anything else."""
    if not isinstance(part, list) or not all(isinstance(row, dict) for row in part):
        raise Changed(f"answered with {what} in a form that we do not know")
    return part


def read_search(answer: Any, received: datetime) -> tuple[Found, ...]:
    """Read what a search has found, whenever; rows without a symbol that can be asked for are passed over.

    Raises `Changed` for an answer of another form.
    """
    del received
    rows = rows_of(answer.get("quotes") if isinstance(answer, dict) else None, "a search")
    found = {each.symbol: each for each in reversed([*_found(rows)])}
    return tuple(reversed(found.values()))


def _found(rows: Iterable[dict[str, Any]]) -> Iterable[Found]:
    for row in rows:
        symbol = _text(row, "symbol").upper()
        if SYMBOL.fullmatch(symbol):
            name = _text(row, "longname", "shortname") or symbol
            yield Found(symbol, name, _text(row, "exchDisp", "exchange"))


def _text(row: dict[str, Any], *names: str) -> str:
    return next((text.strip() for name in names if isinstance(text := row.get(name), str)), "")
