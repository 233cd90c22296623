from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import GrammarError
from bot.rules.conditions import Condition
from bot.rules.grammar import parse, parse_line
from bot.rules.line import Line
from tests.rules.strategies import conditions, lines


@given(lines)
@settings(max_examples=1_200, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_printed_reads_back_as_the_same(line: Line) -> None:
    assert parse_line(str(line)) == line


@given(conditions)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_condition_by_itself_reads_back_as_the_same(condition: Condition) -> None:
    assert parse(str(condition)) == condition


def read(text: str) -> Line | str:
    """Return the line, or the words in which it is refused."""
    try:
        return parse_line(text)
    except GrammarError as error:
        return str(error)


@given(lines, st.integers(0, 400), st.integers(1, 3), st.text(max_size=3))
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_line_with_a_slip_in_it_is_read_or_refused_in_words(
    line: Line, at: int, cut: int, put: str
) -> None:
    text = str(line)
    place = at % len(text)
    found = read(text[:place] + put + text[place + cut :])
    assert found
    if isinstance(found, Line):
        assert parse_line(str(found)) == found
    elif "Nearest that reads: " in found:
        assert str(parse_line(found.rpartition("reads: ")[2]))


@given(st.text(max_size=520))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    found = read(text)
    assert found
    if isinstance(found, Line):
        assert parse_line(str(found)) == found
