"""The instruments known by name, and how a person's words find them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from bot.errors import UnknownSymbol
from bot.market.instrument import Instrument

_NEAR = 55
_LONGEST_ASKED = 64


def folded(text: str) -> str:
    """Bring a name or symbol to the form in which it is compared."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every instrument by its canonical symbol, and by everything else it is called."""

    by_symbol: Mapping[str, Instrument]
    by_name: Mapping[str, Instrument]

    @classmethod
    def of(cls, instruments: Iterable[Instrument]) -> Catalogue:
        """Index `instruments`; of two that share a name the first keeps it."""
        known = tuple(instruments)
        by_name: dict[str, Instrument] = {folded(each.symbol): each for each in known}
        for each in known:
            numeric, _, suffix = each.symbol.partition(".")
            bare = (numeric, numeric.lstrip("0")) if suffix and numeric.isdigit() else ()
            for name in (*each.aliases, *bare, *each.names.values(), each.short):
                by_name.setdefault(folded(name), each)
        return cls({each.symbol: each for each in known}, by_name)

    def __iter__(self) -> Iterator[Instrument]:
        """Go through the instruments in the order they were given."""
        return iter(self.by_symbol.values())

    def __contains__(self, symbol: str) -> bool:
        """Tell whether `symbol` is one of the canonical symbols."""
        return symbol in self.by_symbol

    def __getitem__(self, symbol: str) -> Instrument:
        """Return the instrument of a canonical symbol."""
        return self.by_symbol[symbol]

    def resolve(self, asked: str) -> Instrument:
        """Find the instrument that a person means.

        Raises `UnknownSymbol`, naming the three nearest, when nothing is called that.
        """
        found = self.by_name.get(folded(asked))
        if found is None:
            raise UnknownSymbol(self._not_found(asked))
        return found

    def _not_found(self, asked: str) -> str:
        shown = "".join(sign for sign in asked[:_LONGEST_ASKED] if sign.isprintable())
        near: list[Instrument] = []
        names = process.extract(
            folded(asked[:_LONGEST_ASKED]), self.by_name.keys(), scorer=fuzz.WRatio, limit=12
        )
        for name, score, _ in names:
            each = self.by_name[name]
            if score >= _NEAR and each not in near:
                near.append(each)
        near = near[:3] or list(self.by_symbol.values())[:3]
        listed = ", ".join(f"{each.symbol} ({each.short})" for each in near)
        remedy = f" Nearest: {listed}." if listed else ""
        return f"No instrument is called “{shown}”.{remedy}"
