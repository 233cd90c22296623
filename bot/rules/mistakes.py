"""A mistake in a line, shown: one sentence, the line with a caret under the place, and what reads instead."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice
from types import MappingProxyType

from lark import Token
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from bot.errors import GrammarError
from bot.rules.words import KEYWORDS

EXAMPLES = (
    "HSTECH day > 2%",
    "HSTECH ±2/3/5%",
    "HSTECH ±auto",
    "1810.HK above 15",
    "小米 跌破 12",
    "HSTECH off low 40% 52w",
    "HSTECH drawdown 20/30/40% since 2021-02-17",
    "BABA rsi < 30 and volume > 2x",
    "10 of HSTECH down 3%",
    "BABA premium > 1.5%",
    "KWEB day > 3% and news buyback 24h",
    "0700.HK new low 52w once a session",
    "1810.HK cost 16.2 ±5/10%",
    "0700.HK sma 50 crosses above sma 200",
    "BABA change 30m < -2%",
    "9988.HK vs HSTECH > 2%",
    "0700.HK 3 down in a row",
    "^HSI gap < -2%",
    "1810.HK volume 10d > 2x at close",
)
"""Lines that read, one for each kind."""

_LEAST_LETTERS = 3
_LONG = 7
_MOST_TRIED = 40
_MOST_READINGS = 6
_WIDTH = 60

# What is named instead of the grammar's terminals, in the order in which it is offered.
_EXPECTED: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"DAY", "DRAWDOWN", "RSI"}), "a measure, such as day, drawdown or rsi"),
    (frozenset({"GT", "LT"}), "a comparison, such as > 2"),
    (frozenset({"NUMBER"}), "a number"),
    (frozenset({"PERCENT"}), "%"),
    (frozenset({"DATE"}), "a date, such as 2022-03-23"),
    (frozenset({"NAME"}), "a name"),
    (frozenset({"STRING"}), "a text in quotation marks"),
    (frozenset({"MINUTES", "SESSIONS"}), "a span, such as 30m, 2h or 5 sessions"),
    (frozenset({"LOOKS"}), "looks, as in for 3 looks"),
    (frozenset({"DAYS", "WEEKS"}), "days or weeks"),
    (frozenset({"OFF_LOW", "DRAWDOWN"}), "off low or drawdown"),
    (frozenset({"COMMA"}), "a comma"),
    (frozenset({"ALL", "SINCE"}), "a window, such as 52w or since 2021-02-17"),
    (frozenset({"RPAR"}), "a closing bracket"),
    (frozenset({"AND", "OR"}), "another condition after and"),
    (frozenset({"ONCE", "UNTIL"}), "how to tell it, such as once or until 2027-01-31"),
)
_MOST_EXPECTED = 3
# Where a measure is expected so are these.
_OFFERED = frozenset({"OFF_LOW", "DRAWDOWN", "ALL", "SINCE", "NUMBER", "GT", "LT"})
# What may be tried in the place of a mistake, by what is expected there.
_SAMPLES: tuple[tuple[str, str], ...] = (
    ("PERCENT", "%"),
    ("DAY", "day > 2%"),
    ("GT", ">"),
    ("GT", "> 2%"),
    ("EITHER_WAY", "±"),
    ("EITHER_WAY", "±2%"),
    ("NUMBER", "2"),
    ("NUMBER", "20%"),
    ("OFF_LOW", "off low"),
    ("RPAR", ")"),
    ("AND", "and"),
    ("SLASH", "/"),
    ("LOOKS", "looks"),
    ("MINUTES", "m"),
    ("SESSIONS", "sessions"),
    ("WEEKS", "w"),
    ("SMA", "average"),
    ("NAME", "HSTECH"),
    ("COMMA", ","),
)

OF_TWO: Mapping[str, str] = MappingProxyType({"RATIO": "", "SPREAD": "", "VS": "%"})
"""Measures of two instruments, and the unit of what they are compared with."""


class Mistake(Exception):
    """A mistake before it is shown: its sentence or what was expected there, and its place.

    `missing` is what may be put in there, the least first.
    """

    def __init__(
        self,
        at: int,
        read: int,
        expected: Collection[str] = (),
        sentence: str = "",
        found: str = "",
        missing: tuple[str, ...] = (),
    ) -> None:
        super().__init__(sentence)
        self.at = at
        self.read = read
        self.expected = expected
        self.sentence = sentence
        self.found = found
        self.missing = missing


def without_second(word: Token, at: int, read: int, line: str) -> Mistake:
    """Return the mistake of a measure of two instruments, `word`, behind which no second one stands."""
    written = line[word.start_pos : word.end_pos]
    other = "HSTECH" if "hsi" in line.casefold() else "HSI"
    return Mistake(
        at,
        read,
        sentence=f"“{written}” needs a second instrument to compare with: write {written} {other}.",
        missing=(other, f"{other} > 2{OF_TWO[word.type]}"),
    )


def shown(
    line: str, at: int, sentence: str, nearest: str = "", by: str = "Nearest that reads"
) -> GrammarError:
    """Return the error: the sentence, the line, a caret under its sign `at`, and the nearest that reads."""
    remedy = f"\n{by}: {nearest}" if nearest else ""
    before, excerpt = _excerpt(" ".join(line.splitlines()) or line, at)
    return GrammarError(f"{sentence}\n  {excerpt}\n  {' ' * _columns(before)}^{remedy}")


def told(line: str, mistake: Mistake, reads: Callable[[str], bool], tokens: list[Token]) -> GrammarError:
    """Return the error of a mistake, with the nearest line for which `reads` holds."""
    for token in tokens:
        for word in nearest_words(token.value) if token.type == "NAME" else ():
            if reads(meant := _with(line, token, word)):
                return shown(line, token.start_pos or 0, f"“{token}” is not known here: write {word}.", meant)
    tried = dict.fromkeys(_candidates(line, mistake, tokens))
    nearest = next(filter(reads, islice(tried, _MOST_TRIED)), "")
    if nearest or mistake.sentence:
        return shown(line, mistake.at, mistake.sentence or _sentence(mistake), nearest)
    return shown(line, mistake.at, _sentence(mistake), nearest_example(line), by="For instance")


def nearest_example(line: str) -> str:
    """Return the example that comes nearest to a line."""
    return max(EXAMPLES, key=lambda example: fuzz.token_set_ratio(line, example))


def nearest_words(word: str) -> tuple[str, ...]:
    """Return the keywords that a word is nearly, the nearest first: a letter wrong, of long ones two."""
    if len(word) < _LEAST_LETTERS:
        return ()
    slips = 1 if len(word) < _LONG else 2
    spellings = sorted({" ".join(words) for words in KEYWORDS})
    near = process.extract(word.casefold(), spellings, scorer=OSA.distance, score_cutoff=slips, limit=3)
    return tuple(
        spelling for spelling, distance, _ in near if distance > 0 and len(spelling) >= _LEAST_LETTERS
    )


def _sentence(mistake: Mistake) -> str:
    expected = _plain_words(mistake.expected)
    if not mistake.found and not mistake.read:
        return "There is no condition here: say what is to happen, as in day > 2%."
    if not mistake.found:
        return (
            f"The line ends too early: {_joined(expected)} is missing."
            if expected
            else "The line ends too early."
        )
    wanted = f"{_joined(expected)} is expected here" if expected else "nothing more is expected here"
    return f"“{mistake.found}” does not fit: {wanted}."


def _plain_words(terminals: Collection[str]) -> list[str]:
    held = {each.removeprefix("_") for each in terminals}
    words: list[str] = []
    for needed, said in _EXPECTED:
        if needed <= held:
            words.append(said)
            held -= _OFFERED if said == _EXPECTED[0][1] else needed
    return words[:_MOST_EXPECTED]


def _joined(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])}, or {words[-1]}"


def _candidates(line: str, mistake: Mistake, tokens: list[Token]) -> Iterator[str]:
    """Give lines that differ from this one in a word or a sign at the place of the mistake."""
    at = mistake.at
    yield from (_tidy(f"{line[:at]} {each} {line[at:]}") for each in mistake.missing)
    before = [each for each in tokens if (each.start_pos or 0) < at]
    here = next((each for each in tokens if (each.start_pos or 0) >= at), None)
    for each in (here, before[-1] if before else None):
        if each is not None and each.type == "NUMBER":
            start, end = each.start_pos or 0, each.end_pos or 0
            yield _tidy(f"{line[:end]}%{line[end:]}")
            yield from (_tidy(f"{line[:start]}{sign}{line[start:]}") for sign in ("±", "> "))
    if mistake.sentence:
        return
    expected = {each.removeprefix("_") for each in mistake.expected}
    samples = [sample for terminal, sample in _SAMPLES if terminal in expected]
    if here is None:
        yield from _starting_otherwise(line, tokens)
        yield from (_tidy(f"{line} {each}") for each in samples)
    else:
        start = here.start_pos or 0
        if here.type == "COMMA":
            yield line.replace(",", "/").replace("，", "/")
        if here.type in {"AND", "OR"}:
            yield from (
                _tidy(f"{line[: each.start_pos]}({line[each.start_pos : at]}) {line[at:]}") for each in before
            )
        yield from (_tidy(f"{line[:start]} {each} {line[start:]}") for each in samples)
        yield _with(line, here, "")
        yield from (_with(line, here, each) for each in samples)
    yield from _starting_otherwise(line, tokens)
    if before:
        yield _with(line, before[-1], "")
        yield line[:at].rstrip()


def _starting_otherwise(line: str, tokens: list[Token]) -> Iterator[str]:
    """Put before the first number what may have been left out."""
    number = next((each.start_pos or 0 for each in tokens if each.type == "NUMBER"), None)
    if number is not None:
        yield from (
            f"{line[:number].rstrip()} {each}{line[number:]}".strip() for each in ("±", "up ", "down ")
        )


def _with(line: str, token: Token, word: str) -> str:
    return _tidy(f"{line[: token.start_pos or 0]} {word} {line[token.end_pos or 0 :]}")


def _tidy(line: str) -> str:
    return " ".join(line.split()).replace("± ", "±").replace(" %", "%").replace("( ", "(").replace(" )", ")")


def _excerpt(line: str, at: int) -> tuple[str, str]:
    """Return what stands before the place and the stretch of the line around it."""
    first = max(0, at - _WIDTH)
    last = at + _WIDTH
    lead, tail = "…" if first else "", "…" if last < len(line) else ""
    return lead + line[first:at], lead + line[first:last] + tail


def _columns(text: str) -> int:
    """Return how wide a text stands in a terminal, where Chinese takes two columns a sign."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
