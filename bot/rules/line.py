"""A rule as one line says it: what it looks at, its condition, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.market.instrument import Kind
from bot.rules.conditions import AutoSteps, Condition, Telling
from bot.rules.lexer import tokens_of

ScopeKind = Literal["named", "each of", "watchlist", "kinds"]

_PLURALS: dict[str, str] = {"index": "indices", "stock": "stocks", "fund": "funds", "other": "others"}
_MULTIPLES = (1.0, 1.5, 2.5)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a line looks at.

    `names` are the instruments, as written until they are resolved; the one index whose constituents are
    meant; or kinds of instrument. A chat's watchlist has none.
    """

    kind: ScopeKind
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        match self.kind:
            case "watchlist":
                return "watchlist"
            case "kinds":
                return ", ".join(_PLURALS[each] for each in self.names)
            case "each of":
                return f"each of {_written(self.names[0])}"
        return ", ".join(map(_written, self.names))


@dataclass(frozen=True, slots=True)
class AutoOfKind(AutoSteps):
    """Steps that follow the volatility as suits the kind of instrument, which binding knows.

    An index takes two deviations between 1.5% and 4%, all else two and a half between 4% and 8%.
    """

    times: float = 2.5
    lookback: int = 60
    floor: float = 4.0
    cap: float = 8.0
    multiples: tuple[float, ...] = _MULTIPLES

    def __str__(self) -> str:
        return "auto"

    @staticmethod
    def of(kind: Kind) -> AutoSteps:
        """Return the steps for one kind of instrument."""
        if kind == "index":
            return AutoSteps(2.0, 60, 1.5, 4.0, _MULTIPLES)
        return AutoSteps(2.5, 60, 4.0, 8.0, _MULTIPLES)


@dataclass(frozen=True, slots=True)
class Line:
    """One rule as it is written; `str` is its canonical text, which reads back as the same."""

    scope: Scope | None
    condition: Condition
    telling: Telling = Telling()  # noqa: RUF009 - a frozen value

    def __str__(self) -> str:
        parts = ("" if self.scope is None else str(self.scope), str(self.condition), str(self.telling))
        return " ".join(each for each in parts if each)


def _written(name: str) -> str:
    """Write a name so that nothing in it is taken for another word."""
    plain = all(each.type == "NAME" for each in tokens_of(name)) and name == " ".join(name.split())
    return name if plain and name else f'"{name}"'
