"""A folder's table of what befell an instrument: splits, distributions, suspensions, a stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from bot.errors import DataError
from bot.market.actions import Action
from bot.market.bars import Series
from bot.sources.folder_cells import a_date, a_price

HEADING = ["date", "symbol", "kind", "factor", "amount", "note"]

_NEEDS: dict[str, tuple[str, ...]] = {
    "split": ("factor",),
    "distribution": ("amount",),
    "untraded": (),
    "stand-in": ("note",),
}


@dataclass(slots=True)
class Events:
    """What was read of one instrument so far."""

    actions: dict[tuple[date, str], Action] = field(default_factory=dict)
    untraded: set[date] = field(default_factory=set)
    stand_in: str = ""

    def read(self, row: dict[str, str], place: str) -> None:
        """Read one row; `DataError` where it cannot be."""
        session, kind = a_date(row["date"], place), row["kind"]
        if kind not in _NEEDS:
            raise DataError(f"{place}: the kind is “{kind}”; write {', '.join(_NEEDS)}.")
        factor, amount = (a_price(row[name], name, place) for name in ("factor", "amount"))
        for name in _NEEDS[kind]:
            if not row[name].strip():
                raise DataError(f"{place}: a {kind} has its {name}, and the cell is empty.")
        match kind:
            case "split":
                self._add(session, "split", place, Action(session, "split", factor or 1.0, 0.0, row["note"]))
            case "distribution":
                given = Action(session, "distribution", 1.0, amount or 0.0, row["note"])
                self._add(session, "distribution", place, given)
            case "untraded":
                self.untraded.add(session)
            case _:
                self.stand_in = row["note"]

    def known_of(self, series: Series) -> Series:
        """Return a series with what was read."""
        traded = self.untraded - {*series.sessions}
        return replace(
            series,
            actions=tuple(self.actions[each] for each in sorted(self.actions)),
            untraded=tuple(sorted(traded)),
            stand_in=self.stand_in,
        )

    def _add(self, session: date, kind: Literal["split", "distribution"], place: str, action: Action) -> None:
        if (session, kind) in self.actions:
            raise DataError(f"{place}: there is a second {kind} of {session}; keep one.")
        self.actions[session, kind] = action


def rows_of(series: Series) -> Iterator[list[str]]:
    """Give the rows that `Events` reads the same from."""
    for each in series.actions:
        split = each.kind == "split"
        factor, amount = (repr(each.factor), "") if split else ("", repr(each.amount))
        note = " ".join(each.note.split())
        yield [each.session.isoformat(), series.symbol, each.kind, factor, amount, note]
    for session in series.untraded:
        yield [session.isoformat(), series.symbol, "untraded", "", "", ""]
    if series.stand_in and series.bars:
        first = series.bars[0].session.isoformat()
        yield [first, series.symbol, "stand-in", "", "", series.stand_in]
