"""The instruments known by name, and how a person's words find them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from bot.errors import UnknownSymbol, UsageError
from bot.market.instrument import SYMBOL, Instrument

_NEAR = 55
_CLOSE = 80
# A slip: so many letters wrong, left out, doubled or swapped, in a name that is so long.
_SLIPS = ((10, 2), (5, 1))
_CHINESE_SLIPS = ((3, 1),)
_PART_COUNTS = 0.9
_LONGEST_ASKED = 64
_LONGEST_SYMBOL = 15
_SIGNS_OF_NAMES = " .-&'’(),+^="
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_SHARE_CLASS = re.compile(r"(?<=[\u3400-\u9fff])(?:-(?:sw|w|s|b)|sw|w)$")
_NUMBERED = re.compile(r"(hk|sh|sz)?[.:]?(\d{1,6})[.: ]?(hk|sh|ss|sz|ch)?")
_TICKER = re.compile(r"us[.:]([a-z.-]+)|([a-z.-]+)[.: ]us")
_LONGEST_HONG_KONG = 5
_MAINLAND = 6
_SHANGHAI, _SHENZHEN = "569", "0123"


def folded(text: str) -> str:
    """Bring a name or symbol to the form in which it is compared."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every instrument by its canonical symbol, and by everything else it is called."""

    by_symbol: Mapping[str, Instrument]
    by_name: Mapping[str, Instrument]

    @classmethod
    def of(cls, instruments: Iterable[Instrument]) -> Catalogue:
        """Index `instruments`; of two that share a symbol or a name the first keeps it.

        What is described twice under one symbol is the first, called by the names of both.
        """
        by_symbol: dict[str, Instrument] = {}
        known = tuple(instruments)
        for each in known:
            by_symbol.setdefault(each.symbol, each)
        by_name: dict[str, Instrument] = {}
        for name, symbol in _called(known):
            by_name.setdefault(name, by_symbol[symbol])
        return cls(by_symbol, by_name)

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
        """Find the instrument that a person means; of a name that is only nearly right see `slip`.

        Raises `UnknownSymbol`, naming the three nearest, when nothing is called that, and `UsageError` when
        nothing could be.
        """
        text = folded(asked)
        for form in (text, _canonical(text), _without_class(text)):
            if form in self.by_name:
                return self.by_name[form]
        shown = "".join(sign for sign in asked[:_LONGEST_ASKED] if sign.isprintable())
        if not _could_be_called(text):
            raise UsageError(
                f"“{shown}” is no symbol: write 1 to {_LONGEST_SYMBOL} of A-Z, 0-9, “.”, “^”, “=” and “-”, "
                "as in 1810.HK, or a name, as in Xiaomi."
            )
        near = self._nearest(text, _NEAR) or tuple(self)[:3]
        listed = ", ".join(f"{each.symbol} ({each.short})" for each in near)
        remedy = f" Nearest: {listed}." if listed else ""
        raise UnknownSymbol(f"No instrument is called “{shown}”.{remedy}")

    def slip(self, asked: str) -> Instrument | None:
        """Return the instrument whose name was surely meant where a letter or two are wrong.

        None where another name comes as near or nearly so. What is written in capitals is a symbol, and of a
        symbol nothing is surely meant: many differ in a letter. So with numbers.
        """
        text = folded(asked)
        allowed = _slips(text)
        if not allowed or (asked.isascii() and asked == asked.upper()):
            return None
        names = [name for name in self.by_name if _slips(name) and _digits(name) == _digits(text)]
        found = process.extract(text, names, scorer=OSA.distance, score_cutoff=allowed + 1, limit=None)
        nearest: dict[str, int] = {}
        for name, distance, _ in found:
            symbol = self.by_name[name].symbol
            nearest[symbol] = min(nearest.get(symbol, distance), distance)
        if not nearest:
            return None
        best = min(nearest, key=lambda symbol: nearest[symbol])
        alone = all(symbol == best or distance > nearest[best] + 1 for symbol, distance in nearest.items())
        return self.by_symbol[best] if alone and nearest[best] <= allowed else None

    def comes_close(self, asked: str) -> bool:
        """Tell whether some name is so near that it was probably meant, though it cannot be said which."""
        return bool(self._nearest(folded(asked), _CLOSE))

    def _nearest(self, text: str, least: float) -> tuple[Instrument, ...]:
        """Return the three whose names come nearest, the nearest first, or none where nothing comes near."""
        whole = process.extract(text, self.by_name.keys(), scorer=fuzz.ratio, limit=None)
        telling = [name for name in self.by_name if _tells(name)] if _tells(text) else []
        partly = process.extract(text, telling, scorer=fuzz.partial_ratio, limit=None)
        best = dict.fromkeys(self.by_symbol, 0.0)
        for scores, weight in ((whole, 1.0), (partly, _PART_COUNTS)):
            for name, score, _ in scores:
                symbol = self.by_name[name].symbol
                best[symbol] = max(best[symbol], score * weight)
        near = sorted(best, key=lambda symbol: -best[symbol])[:3]
        if not near or best[near[0]] < least:
            return ()
        return tuple(self.by_symbol[symbol] for symbol in near)


def likely_symbol(asked: str) -> str | None:
    """Return the symbol, as Yahoo writes it, that a text may be; None where it can be none.

    A number alone is a Hong Kong code, or one of the mainland's with its exchange, told by its first digit.
    """
    text = _canonical(folded(asked))
    if text.isascii() and text.isdigit():
        if len(text) <= _LONGEST_HONG_KONG:
            return f"{text.lstrip('0').zfill(4)}.HK"
        if len(text) == _MAINLAND and text[0] in _SHANGHAI:
            return f"{text}.SS"
        if len(text) == _MAINLAND and text[0] in _SHENZHEN:
            return f"{text}.SZ"
    symbol = text.upper()
    return symbol if SYMBOL.fullmatch(symbol) else None


def shared_names(instruments: Iterable[Instrument]) -> dict[str, tuple[str, ...]]:
    """Return each name that several instruments have, and their symbols, the one that keeps it first."""
    holders: dict[str, dict[str, None]] = {}
    for name, symbol in _called(tuple(instruments)):
        holders.setdefault(name, {})[symbol] = None
    return {name: tuple(symbols) for name, symbols in holders.items() if len(symbols) > 1}


def _called(instruments: tuple[Instrument, ...]) -> Iterator[tuple[str, str]]:
    """Go through all names with their symbols, those first that weigh more.

    A symbol weighs more than a name, and a name more than what can be made of names and symbols.
    """
    for of in (_symbols, _names, _forms):
        for each in instruments:
            for name in of(each):
                yield folded(name), each.symbol


def _symbols(instrument: Instrument) -> Iterator[str]:
    yield instrument.symbol


def _names(instrument: Instrument) -> Iterator[str]:
    yield from instrument.aliases
    yield from instrument.names.values()
    yield instrument.short


def _forms(instrument: Instrument) -> Iterator[str]:
    yield from instrument.sources.values()
    for name in _names(instrument):
        yield _without_class(folded(name))
    symbol = instrument.symbol
    code, _, suffix = symbol.partition(".")
    if suffix and code.isdigit():
        yield code
    if suffix == "HK" and code.isdigit():
        yield code.lstrip("0")
        yield code.zfill(5)
    if symbol.startswith("^"):
        yield symbol[1:]


def _canonical(text: str) -> str:
    """Read a symbol as others write it: 700.HK, HK.00700, 600519.SH, SZ300750, BABA US."""
    if (ticker := _TICKER.fullmatch(text)) is not None:
        return ticker[1] or ticker[2]
    numbered = _NUMBERED.fullmatch(text)
    if numbered is None:
        return text
    before, code, after = numbered.groups()
    match before or after:
        case "hk":
            return f"{code.lstrip('0').zfill(4)}.hk"
        case "sh" | "ss" | "ch":
            return f"{code}.ss"
        case "sz":
            return f"{code}.sz"
        case _:
            return code


def _without_class(text: str) -> str:
    """Drop the share class that Hong Kong appends to Chinese names: 小米集团-W, 京东集团-SW."""
    return _SHARE_CLASS.sub("", text)


def _slips(text: str) -> int:
    """Return how many letters may be wrong in a text for it to be surely the name that it nearly is."""
    lengths = _CHINESE_SLIPS if _CHINESE.search(text) else _SLIPS
    return next((slips for length, slips in lengths if len(text) >= length), 0)


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())


def _tells(name: str) -> bool:
    """Tell whether a name is long enough for a part of another to mean something."""
    return len(name) >= (2 if _CHINESE.search(name) else 4)


def _could_be_called(text: str) -> bool:
    """Tell whether anything could be called that: one symbol, or words."""
    if SYMBOL.fullmatch(text.upper()):
        return True
    words = not text.isascii() or " " in text or len(text) <= _LONGEST_SYMBOL
    signs = all(sign.isalnum() or sign in _SIGNS_OF_NAMES for sign in text)
    return words and signs and len(text) <= _LONGEST_ASKED and any(sign.isalpha() for sign in text)
