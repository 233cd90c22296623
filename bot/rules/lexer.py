"""A line cut into the terminals of the grammar, each with its place, in any width, case or script.

Names are what no other word is. Where a name must follow, as after `vs`, a keyword is a name as well.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from lark import Token

from bot.rules.chinese import is_han, split, words_from
from bot.rules.words import (
    AFTER_NUMBER,
    FILLERS,
    HAN,
    KEYWORDS,
    LONGEST_PHRASE,
    SIGNS,
    SIMPLER,
    SPELLINGS,
    UNITS,
)

_HAN = "\u3400-\u9fff"
_DATE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)|(\d{4})年(\d{1,2})月(\d{1,2})日")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e\d+)?")
_OTHER_NUMBER = re.compile(r"\d+(?:\.\d+)?e[+-]\d+|\.\d+")
_NUMBER_AND_UNIT = re.compile(r"(\d+(?:\.\d+)?)-?([^\W\d_]+)(\d*)")
_WORD_AND_NUMBER = re.compile(r"(rsi|sma|ema|ma|sigma)(\d+)")
_CHUNK = re.compile(r"\^?\w(?:[\w&']|\.(?=\w)|-(?=[^\W\d])|=(?=[xf]\b))*(?:(?<=[a-z])\.(?!\.))?")
_BRACKET_OF_NAME = re.compile(rf"\([{_HAN}]+\)")
_PARTS = re.compile(rf"[{_HAN}]+|[^{_HAN}]+")
_SIGNS = (
    ("EITHER_WAY", re.compile(r"\+/?-|-/\+|[±∓]")),
    ("GT", re.compile(r">=?|=>|[≥≧⩾]")),
    ("LT", re.compile(r"<=?|=<|[≤≦⩽]")),
    ("DOTS", re.compile(r"\.{2,}")),
    ("AND", re.compile(r"&&")),
    ("OR", re.compile(r"\|\|")),
    ("NOT", re.compile(r"!")),
    ("PERCENT", re.compile(r"%")),
    ("SLASH", re.compile(r"/")),
    ("COMMA", re.compile(r",")),
    ("LPAR", re.compile(r"\(")),
    ("RPAR", re.compile(r"\)")),
    ("PLUS", re.compile(r"\+")),
    ("MINUS", re.compile(r"-")),
)
_CLOSING = {'"': '"', "“": "”", "”": "”", "„": "“”", "「": "」", "『": "』", "«": "»"}
_NAMED = frozenset({"VS", "RATIO", "SPREAD", "OF"})
_COMPARING = frozenset({"GT", "LT", "EITHER_WAY", "UP", "DOWN", "PLUS", "MINUS"})
_NO_NAME = frozenset({"AND", "OR", "NOT", "LPAR", "RPAR", "COMMA", "PERCENT", "SLASH", "STRING", "OTHER"})
# A comma before these only parts what belongs together.
_PARTED = frozenset(
    {
        "REFERENCE",
        "TRIGGER",
        "WINDOW",
        "RE_ARM_LOW",
        "RE_ARM_PEAK",
        "ONCE",
        "ONCE_A_SESSION",
        "UNTIL",
        "QUIET",
        "URGENT",
        "NOTE",
        "FOR",
        "AT_CLOSE",
        "AND",
        "OR",
    }
)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of the line in its plain form: its terminal, "" for a word that is yet to be looked up."""

    terminal: str
    form: str
    start: int
    end: int


def tokens_of(line: str) -> list[Token]:
    """Cut `line` into tokens; `start_pos` and `end_pos` are places in it, and a name is as it was written."""
    form, origin = _plain(line)
    pieces = list(_pieces(form))
    kept = [each for at, each in enumerate(pieces) if not _read_over(each, pieces[:at], line, origin)]
    return _named(_looked_up(kept, line, origin), line)


def _plain(line: str) -> tuple[str, list[int]]:
    """Bring each sign to one width, case and script; say from where in the line each sign of the form is."""
    form: list[str] = []
    origin: list[int] = []
    for at, sign in enumerate(line):
        plain = unicodedata.normalize("NFKC", sign).casefold().translate(SIMPLER).translate(SIGNS)
        form += plain
        origin += [at] * len(plain)
    return "".join(form), [*origin, len(line)]


def _read_over(piece: _Piece, before: list[_Piece], line: str, origin: list[int]) -> bool:
    """Tell whether a word changes nothing; in capitals where a name stands it is a symbol, such as IT."""
    if piece.terminal or piece.form not in FILLERS:
        return False
    named = not before or before[-1].terminal == "COMMA" or KEYWORDS.get((before[-1].form,)) in _NAMED
    return not (named and line[origin[piece.start] : origin[piece.end]].isupper())


def _pieces(form: str) -> Iterator[_Piece]:
    at = 0
    while at < len(form):
        if form[at].isspace():
            at += 1
            continue
        for piece in _next(form, at):
            yield piece
            at = piece.end
            if piece.form in SPELLINGS["NOTE"] and not _quoted(form, at):
                at = len(form)
                yield _Piece("STRING", form[piece.end :], piece.end, at)


def _quoted(form: str, at: int) -> bool:
    rest = form[at:].lstrip()
    return not rest or rest[0] in _CLOSING


def _next(form: str, at: int) -> Iterator[_Piece]:
    if form[at] in _CLOSING:
        ends = [form.find(each, at + 1) for each in _CLOSING[form[at]]]
        end = min((each for each in ends if each > 0), default=len(form) - 1) + 1
        yield _Piece("STRING", form[at:end], at, end)
        return
    for terminal, pattern in (("DATE", _DATE), ("NUMBER", _THOUSANDS), ("NUMBER", _OTHER_NUMBER)):
        if found := pattern.match(form, at):
            yield _Piece(terminal, found[0], at, found.end())
            return
    if found := _CHUNK.match(form, at):
        end = found.end()
        if bracket := _BRACKET_OF_NAME.match(form, end):
            end = bracket.end() if bracket[0][1:-1] not in HAN else end
        yield from _of_chunk(form, at, end)
        return
    for terminal, pattern in _SIGNS:
        if found := pattern.match(form, at):
            yield _Piece(terminal, found[0], at, found.end())
            return
    yield _Piece("" if form[at] == "." else "OTHER", form[at], at, at + 1)


def _of_chunk(form: str, start: int, end: int) -> Iterator[_Piece]:
    """Cut what is written without a space, as 沪深300跌破4000."""
    name: int | None = None
    parts = [(each.start() + start, each.end() + start) for each in _PARTS.finditer(form[start:end])]
    for position, (begin, stop) in enumerate(parts):
        if not is_han(form[begin]):
            following = form[slice(*parts[position + 1])] if parts[position + 1 :] else ""
            if name is None and following and not split(following)[0] and split(following)[2] != following:
                name = begin
            elif name is None:
                yield from _of_latin(form, begin, stop)
            continue
        before, _, behind = split(form[begin:stop])
        if before and name is None:
            yield from _keywords(before, begin)
            begin += len(before)  # noqa: PLW2901 - the rest of the part
        if stop - len(behind) > begin and name is None:
            name = begin
        if behind:
            if name is not None and stop - len(behind) > name:
                yield _Piece("", form[name : stop - len(behind)], name, stop - len(behind))
            name = None
            yield from _keywords(behind, stop - len(behind))
    if name is not None:
        yield _Piece("", form[name:end], name, end)


def _of_latin(form: str, start: int, end: int) -> Iterator[_Piece]:
    """Cut a word or a number with what is written onto it, as 52w, 2σ60 or rsi14."""
    text = form[start:end]
    if (found := _NUMBER.match(text)) and found.end() == len(text):
        yield _Piece("NUMBER", text, start, end)
    elif (found := _NUMBER_AND_UNIT.fullmatch(text)) and found[2] in UNITS:
        unit, behind = start + found.start(2), start + found.end(2)
        yield _Piece("NUMBER", found[1], start, start + found.end(1))
        yield _Piece(UNITS[found[2]], found[2], unit, behind)
        if found[3]:
            yield _Piece("NUMBER", found[3], behind, end)
    elif found := _WORD_AND_NUMBER.fullmatch(text):
        yield _Piece("", found[1], start, start + found.end(1))
        yield _Piece("NUMBER", found[2], start + found.start(2), end)
    else:
        yield _Piece("", text, start, end)


def _keywords(run: str, start: int) -> Iterator[_Piece]:
    lengths = words_from(run, HAN)
    at = 0
    while at < len(run):
        word = run[at : at + lengths[at]]
        yield _Piece(HAN[word], word, start + at, start + at + len(word))
        at += len(word)


def _looked_up(pieces: list[_Piece], line: str, origin: list[int]) -> list[Token]:
    """Find the keywords among the words, longest phrases first."""
    tokens: list[Token] = []
    at = 0
    while at < len(pieces):
        count, terminal = _phrase(pieces, at, after=tokens[-1].type if tokens else "")
        first, last = pieces[at], pieces[at + count - 1]
        start, end = origin[first.start], origin[last.end]
        raw = line[start:end]
        value = _within(raw) if terminal == "STRING" else raw if terminal in {"NAME", "OTHER"} else first.form
        tokens.append(Token(terminal, value, start_pos=start, end_pos=end))
        at += count
    return tokens


def _phrase(pieces: list[_Piece], at: int, after: str) -> tuple[int, str]:
    first = pieces[at]
    if first.terminal:
        return 1, first.terminal
    if after == "NUMBER" and first.form in AFTER_NUMBER:
        return 1, AFTER_NUMBER[first.form]
    for count in range(min(LONGEST_PHRASE, len(pieces) - at), 0, -1):
        words = pieces[at : at + count]
        phrase = tuple(each.form.rstrip(".") for each in words)
        if phrase in KEYWORDS and not any(each.terminal for each in words):
            return count, KEYWORDS[phrase]
    return 1, "NAME"


def _within(raw: str) -> str:
    """Return what stands within quotation marks, on one line and without any marks of the kind we print."""
    text = raw.strip()
    if text and text[0] in _CLOSING:
        text = text[1:]
        text = text[:-1] if text and text[-1] in '"”“」』»' else text
    return " ".join(text.replace('"', "'").replace("＂", "'").split())


def _named(tokens: list[Token], line: str) -> list[Token]:
    """Take words for a name where one must follow, and drop commas that part nothing."""
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        after_number = bool(found) and found[-1].type == "NUMBER"
        if token.type == "EACH_OF" and after_number:
            token = Token("OF", token.value, start_pos=token.start_pos, end_pos=token.end_pos)
        at += 1
        if token.type == "COMMA" and at < len(tokens) and tokens[at].type in _PARTED:
            continue
        found.append(token)
        if token.type == "NEWS":
            count = _words_of_topic(tokens, at)
        elif token.type in _NAMED and (token.type != "OF" or after_number):
            count = _words_of_name(tokens, at, whatever=token.type == "OF")
        else:
            continue
        if count:
            found.append(joined(tokens[at : at + count], line))
            at += count
    return found


def _words_of_topic(tokens: list[Token], at: int) -> int:
    count = 0
    while at + count < len(tokens) and tokens[at + count].type not in _NO_NAME:
        if count and tokens[at + count].type != "NAME":
            break
        count += 1
    return count


def _words_of_name(tokens: list[Token], at: int, *, whatever: bool) -> int:
    """Count the words up to what is compared; a first that alone compares is one only where `whatever` is."""
    count, compares = 0, any(each.type in _COMPARING for each in tokens[at : at + 1])
    while at + count < len(tokens) and tokens[at + count].type not in _NO_NAME:
        # What follows a sign that compares may have its own, as in < -5.
        if count and tokens[at + count].type in (_COMPARING - {"PLUS", "MINUS"} if compares else _COMPARING):
            return count
        count += 1
    return 0 if compares and not whatever else min(count, 1)


def joined(tokens: list[Token], line: str) -> Token:
    """Make one name of several words, as they were written."""
    start, end = tokens[0].start_pos or 0, tokens[-1].end_pos or 0
    return Token("NAME", " ".join(line[start:end].split()), start_pos=start, end_pos=end)
