"""The grammar of a rule's line, and how a line is read.

What a line looks at is every word before its condition: the fewest words are taken after which the rest reads
as a condition, so that a word that is a keyword may still be, or begin, a name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedToken
from lark.lexer import Lexer

from bot.errors import GrammarError
from bot.rules.bounds import Misplaced
from bot.rules.building import Builder
from bot.rules.conditions import Condition, Telling
from bot.rules.lexer import joined, tokens_of
from bot.rules.line import Line, Scope
from bot.rules.mistakes import EXAMPLES, OF_TWO, Mistake, nearest_example, shown, told, without_second
from bot.rules.sense import check, check_size
from bot.rules.words import SPELLINGS

_GRAMMAR = r"""
?start: line
line: whole telling*

telling: ONCE  -> once
       | ONCE_A_SESSION  -> once_a_session
       | _UNTIL DATE  -> until
       | QUIET  -> quiet
       | URGENT  -> urgent
       | _NOTE STRING  -> note

?whole: either
      | whole _FOR NUMBER _LOOKS  -> lasting
      | whole _AT_CLOSE  -> at_close
?either: both | both (_OR both)+  -> either
?both: part | part (_AND part)+  -> both
?part: _NOT part  -> opposite
     | _LPAR whole _RPAR  -> bracket
     | measure bound  -> compared
     | bound  -> bare
     | _CLOSES bound  -> closes
     | bound _IN span  -> moved_in
     | extreme piece+  -> from_extreme
     | steps extreme piece*  -> steps_first
     | new_extreme
     | _NEWS name (_IN? NUMBER span_unit)? -> story
     | sign? NUMBER _OF name direction over? step -> breadth
     | NUMBER span_unit? direction _IN_A_ROW  -> streak_of
     | direction NUMBER span_unit? _IN_A_ROW  -> streak_of
     | streak_word NUMBER span_unit?  -> streak_of
     | _VOLUME NUMBER _TIMES  -> volume_alone
     | _GOLDEN_CROSS  -> golden_cross
     | _DEATH_CROSS  -> death_cross

bound: sign operand  -> over_or_under
     | _EITHER_WAY ladder  -> both_ways
     | direction over? ladder  -> one_way
     | _PLUS ladder  -> plus
     | _MINUS ladder  -> minus
     | _EVERY step  -> every_step
?operand: ladder | _MINUS ladder  -> negative
       | _PLUS ladder  -> positive
       | measure
?sign: _GT -> up | _LT -> down
?direction: _UP -> up | _DOWN -> down
?over: _GT -> up

?ladder: steps | auto
steps: step (_SLASH (step | DOTS))* further?
further: _EVERY step
step: NUMBER  -> bare_step
    | NUMBER _PERCENT  -> percent_step
    | NUMBER _TIMES  -> times_step
    | NUMBER _SIGMA  -> sigma_step
auto: _AUTO  -> auto_of_kind
    | _AUTO _LPAR NUMBER _SIGMA NUMBER _limit _limit _RPAR (_LADDER multiples)?
_limit: _COMMA NUMBER _PERCENT?
multiples: NUMBER (_SLASH NUMBER)*

?measure: _PRICE  -> price
       | _DAY  -> day
       | _CHANGE span  -> change
       | _CHANGE _SINCE DATE  -> change_since
       | _CHANGE _SINCE_TOLD  -> since_told
       | _COST NUMBER  -> cost
       | _GAP  -> gap
       | _STREAK  -> streak
       | _VOLUME (NUMBER span_unit)?  -> volume
       | _RANGE window?  -> position
       | (_SIGMA | _MOVE) NUMBER?  -> sigmas
       | _VS name  -> against
       | _RATIO name  -> ratio
       | _SPREAD name  -> spread
       | (PREMIUM | IMPLIED_GAP | PREMIUM_AT_OPEN) -> premium
       | _RSI period?  -> rsi
       | average period  -> average
       | NUMBER _days average  -> average_of
?average: _SMA -> sma | _EMA -> ema
period: NUMBER _days? | _LPAR NUMBER _RPAR
span: NUMBER span_unit
?span_unit: _MINUTES -> minutes | _HOURS -> hours | _days -> days | _SESSIONS -> sessions
_days: _DAYS | _DAY
name: NAME | STRING

?extreme: _OFF_LOW -> off_low | _DRAWDOWN -> drawdown
?piece: steps  -> piece_steps
     | sign ladder  -> piece_bound
     | sign _MINUS ladder  -> piece_negative
     | _MINUS steps  -> piece_minus
     | _TRIGGER (TOUCH | CLOSE)  -> piece_trigger
     | TOUCH  -> piece_touch
     | (RE_ARM_LOW | RE_ARM_PEAK)  -> piece_re_arm
     | where
?where: window  -> piece_window
     | _REFERENCE? (CLOSE | INTRADAY)  -> piece_reference
?new_extreme: new_side where*  -> new_extreme
     | _NEW window side where*  -> new_extreme_of
     | window (new_side | side) where*  -> window_first
?new_side: _NEW_LOW -> low | _NEW_HIGH -> peak
?side: _LOW -> low | _HIGH -> peak
?streak_word: _STREAK_UP -> up | _STREAK_DOWN -> down
window: _WINDOW? ALL  -> window_word
      | _WINDOW? YTD  -> window_word
      | _WINDOW? MTD  -> window_word
      | _WINDOW? NUMBER _days  -> window_days
      | _WINDOW? NUMBER _WEEKS  -> window_weeks
      | _WINDOW? _SINCE DATE  -> window_since
"""
# Terminals of which the value matters; all others only say what it is.
_KEPT = frozenset(
    {
        *("NAME", "STRING", "NUMBER", "DATE", "DOTS"),
        *("CLOSE", "INTRADAY", "TOUCH", "ALL", "YTD", "MTD", "RE_ARM_LOW", "RE_ARM_PEAK"),
        *("PREMIUM", "IMPLIED_GAP", "PREMIUM_AT_OPEN", "ONCE", "ONCE_A_SESSION", "QUIET", "URGENT"),
    }
)
_MARKS = tuple(f"_{each}" for each in ("SLASH", "COMMA", "LPAR", "RPAR", "PLUS", "MINUS", "OTHER"))
_OPERATORS = frozenset({"GT", "LT", "EITHER_WAY", "LPAR", "RPAR", "PERCENT", "SLASH", "DOTS", "OTHER"})
_MOST_WORDS_OF_SCOPE = 80
_KINDS: Mapping[str, str] = MappingProxyType(
    {"INDICES": "index", "STOCKS": "stock", "FUNDS": "fund", "OTHERS": "other"}
)


class _Tokens(Lexer):
    """Hands the grammar tokens that are cut already."""

    def __init__(self, _: object) -> None:
        pass

    def lex(self, data: Any) -> Iterator[Token]:  # type: ignore[override]
        """Give each token by the name that the grammar knows it by."""
        for each in data:
            yield each if each.type in _KEPT else Token.new_borrow_pos(f"_{each.type}", each.value, each)


@cache
def _parser() -> Lark:
    declared = " ".join(sorted({*(f"_{each}" for each in SPELLINGS if each not in _KEPT), *_MARKS, *_KEPT}))
    grammar = f"{_GRAMMAR}\n%declare {declared}\n"
    return Lark(grammar, parser="lalr", lexer=_Tokens, transformer=Builder())


def parse(text: str) -> Condition:
    """Read a condition by itself; `str` of the answer is its canonical text.

    Raises `GrammarError`, as `parse_line` does, also where the line says what it looks at or how it is told.
    """
    line = parse_line(text)
    if line.scope is not None:
        raise shown(text, 0, f"“{line.scope}” is no measure.", nearest_example(text))
    if line.telling != Telling():
        raise GrammarError(f"“{line.telling}” says how it is told: here only a condition is read.")
    return line.condition


def parse_line(text: str) -> Line:
    """Read a whole line; `str` of the answer is its canonical text, and names are as they were written.

    Raises `GrammarError`: one sentence, the line with a caret under the place, and the nearest that reads;
    or one sentence about what is impossible.
    """
    check_size(text, [])
    tokens = tokens_of(text)
    check_size(text, tokens)
    if not tokens:
        raise GrammarError(f"An empty line is no rule: write one such as {EXAMPLES[0]}.")
    read = _read(text, tokens)
    if isinstance(read, Mistake):
        raise told(text, read, reads, tokens)
    return read


def reads(text: str) -> bool:
    """Tell whether a line reads and can be meant, with no keyword in what it looks at."""
    tokens = tokens_of(text)
    try:
        check_size(text, tokens)
        line = _read(text, tokens) if tokens else None
    except GrammarError:
        return False
    return isinstance(line, Line) and (line.scope is None or '"' in text or '"' not in str(line.scope))


def _read(text: str, tokens: list[Token]) -> Line | Mistake:
    first: Mistake | None = None
    for count in _heads(tokens):
        try:
            condition, telling = _condition(tokens[count:], text)
        except Mistake as mistake:
            if mistake.sentence:
                return mistake
            # The first that read anything shows where the mistake is.
            if first is None or (first.read == 0 and mistake.read > 0):
                first = mistake
            continue
        check(condition)
        return Line(_scope(tokens[:count], text), condition, telling)
    if first is not None and first.read:
        return first
    strange = next((each for each in tokens if each.type == "OTHER"), None)
    if strange is not None:
        return Mistake(strange.start_pos or 0, 0, found=str(strange))
    return Mistake(len(text.rstrip()), 0, {"DAY"})


def _heads(tokens: list[Token]) -> Iterator[int]:
    """Give how many words may be what the line looks at: those before a word that may begin a condition."""
    starts = {each.removeprefix("_") for each in _starts()}
    for count, token in enumerate(tokens[:_MOST_WORDS_OF_SCOPE]):
        if token.type in starts:
            yield count
        if token.type in _OPERATORS:
            return


@cache
def _starts() -> frozenset[str]:
    state = _parser().parse_interactive([])
    return frozenset(state.accepts())  # type: ignore[no-untyped-call]


def _condition(tokens: list[Token], text: str) -> tuple[Condition, Telling]:
    end = len(text.rstrip())
    try:
        read: tuple[Condition, Telling] = _parser().parse(tokens)  # type: ignore[assignment]
    except UnexpectedToken as error:
        token = error.token
        at = end if token.type == "$END" else token.start_pos or 0
        found = "" if token.type == "$END" else str(token)
        before = [each for each in tokens if (each.start_pos or 0) < at]
        if before and before[-1].type in OF_TWO:
            raise without_second(before[-1], at, len(before), text) from None
        raise Mistake(at, len(before), error.accepts or error.expected, found=found) from None
    except Misplaced as error:
        at = end if error.at is None else error.at
        raise Mistake(at, len(tokens), sentence=str(error)) from None
    else:
        return read


def _scope(head: list[Token], text: str) -> Scope | None:
    if not head:
        return None
    types = [each.type for each in head]
    if types == ["WATCHLIST"]:
        return Scope("watchlist")
    if all(each in _KINDS for each in types[::2]) and set(types[1::2]) <= {"COMMA", "AND"}:
        return Scope("kinds", tuple(dict.fromkeys(_KINDS[each] for each in types[::2])))
    if types[0] == "EACH_OF" and types[1:]:
        return Scope("each of", (_name(head[1:], text),))
    if types[-1] == "CONSTITUENTS" and types[:-1]:
        return Scope("each of", (_name(head[:-1], text),))
    names: list[list[Token]] = [[]]
    for token in head:
        if token.type == "COMMA":
            names.append([])
        else:
            names[-1].append(token)
    found = (_name(each, text, whole=not names[1:]) for each in names if each)
    return Scope("named", tuple(dict.fromkeys(found)))


def _name(tokens: list[Token], text: str, *, whole: bool = False) -> str:
    """Return a name as it was written, with what is read over elsewhere: The Trade Desk."""
    if tokens[0].type == "STRING" and not tokens[1:]:
        return str(tokens[0])
    written = text[: tokens[-1].end_pos] if whole else str(joined(tokens, text))
    return " ".join(written.replace('"', "'").replace("＂", "'").split()).strip(",:;，：；、 ")
