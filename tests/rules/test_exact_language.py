"""The language word for word: how a line is cut, how one reads, and what is said of one that is refused.

Beside it lie what is expected, as plain text: `language_cut.txt` has under each line its words with their
places in it, `language_read.txt` its canonical text, and `language_said.txt` what whoever wrote it is shown.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import GrammarError
from bot.rules.grammar import parse, parse_line, reads
from bot.rules.lexer import joined, tokens_of
from bot.rules.mistakes import nearest_example, nearest_words, shown

HERE = Path(__file__).parent


def indented(name: str) -> list[tuple[str, str]]:
    """Read lines of the language, each with what stands indented under it."""
    found: list[tuple[str, list[str]]] = []
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("    "):
            found[-1][1].append(line.strip())
        else:
            found.append((line, []))
    return [(line, "\n".join(under)) for line, under in found]


def quoted() -> list[tuple[str, str]]:
    """Read lines of the language, each with what is said of it."""
    blocks = (HERE / "language_said.txt").read_text(encoding="utf-8").rstrip("\n").split("\n\n")
    found = (block.removeprefix("> ").partition("\n") for block in blocks)
    return [(line, said) for line, _, said in found]


CUT, READ, SAID = indented("language_cut.txt"), indented("language_read.txt"), quoted()


def refusal(text: str) -> str:
    with pytest.raises(GrammarError) as refused:
        parse_line(text)
    return str(refused.value)


@pytest.mark.parametrize("text,words", CUT, ids=range(len(CUT)))
def test_a_line_is_cut_into_words_that_know_their_places(text: str, words: str) -> None:
    found = (f"{each.type} {each.start_pos}-{each.end_pos} {each.value}" for each in tokens_of(text))
    assert "\n".join(found) == words


@pytest.mark.parametrize("text,canonical", READ, ids=range(len(READ)))
def test_what_is_just_possible_reads(text: str, canonical: str) -> None:
    assert str(parse_line(text)) == canonical


@pytest.mark.parametrize("text,said", SAID, ids=range(len(SAID)))
def test_of_what_is_refused_it_is_said_what_where_and_what_would_read(text: str, said: str) -> None:
    assert refusal(text) == said


@pytest.mark.parametrize(
    "word,near",
    [
        ("ab", ()),
        ("low", ("lows",)),
        ("lwo", ("low",)),
        ("gpa", ("gap",)),
        ("STREEK", ("streak",)),
        ("streakk", ("streak",)),
        ("sesions", ("sessions", "session")),
        ("drawdonw", ("drawdown",)),
        ("drwdonw", ("drawdown",)),
        ("drwdwn", ()),
        ("intradya", ("intraday",)),
        ("averge", ("average",)),
        ("movng averge", ("moving average",)),
        ("drawdown", ()),
        ("perc", ()),
    ],
)
def test_a_word_is_nearly_another_by_a_letter_or_two_of_a_long_one(word: str, near: tuple[str, ...]) -> None:
    assert nearest_words(word) == near


@pytest.mark.parametrize(
    "line,example",
    [
        ("rsi volume", "BABA rsi < 30 and volume > 2x"),
        ("news kweb", "KWEB day > 3% and news buyback 24h"),
        ("cost 16", "1810.HK cost 16.2 ±5/10%"),
        ("sma crosses", "0700.HK sma 50 crosses above sma 200"),
        ("gap", "^HSI gap < -2%"),
        ("premium BABA", "BABA premium > 1.5%"),
    ],
)
def test_the_example_that_is_shown_has_most_of_the_words(line: str, example: str) -> None:
    assert nearest_example(line) == example


def test_a_line_of_several_is_shown_as_one() -> None:
    assert refusal("HSTECH day > 2%\nand gap").splitlines()[1:3] == [
        "  HSTECH day > 2% and gap",
        "                         ^",
    ]
    assert str(shown("\n", 0, "Nothing.")) == "Nothing.\n  \n\n  ^"


def test_a_line_that_ends_in_spaces_ends_before_them() -> None:
    assert refusal("HSTECH day >   ").splitlines()[2] == "              ^"


def test_sixty_signs_are_shown_on_either_side_of_a_place() -> None:
    line = "a" * 70 + "b" * 60
    assert str(shown(line, 70, "Here.")).splitlines()[1:] == [
        f"  …{'a' * 60}{'b' * 60}",
        f"  {' ' * 61}^",
    ]
    assert str(shown(f"{line}c", 70, "Here.")).splitlines()[1] == f"  …{'a' * 60}{'b' * 60}…"
    assert str(shown("a" * 60 + "b", 60, "Here.")).splitlines()[1] == f"  {'a' * 60}b"


@pytest.mark.parametrize(
    "text,said",
    [
        ("X day > 2%", "“X” is no measure.\n  X day > 2%\n  ^\nNearest that reads: HSTECH day > 2%"),
        (
            "volumes < 3",
            "“volumes” is no measure.\n  volumes < 3\n  ^\nNearest that reads: BABA rsi < 30 and volume > 2x",
        ),
        ("day > 2% once", "“once” says how it is told: here only a condition is read."),
        ("day > 2% quiet", "“quiet” says how it is told: here only a condition is read."),
    ],
)
def test_a_condition_by_itself_looks_at_nothing_and_is_told_nohow(text: str, said: str) -> None:
    with pytest.raises(GrammarError) as refused:
        parse(text)
    assert str(refused.value) == said


@pytest.mark.parametrize(
    "text,does",
    [
        ("", False),
        ("X foo > 2", True),
        ("X day > 2% and foo", False),
        ("X day > 2% and day < 1%", False),
        ("X " + "(" * 21 + "day > 2%" + ")" * 21, False),
        ("day day > 2%", False),
        ('"day" day > 2%', True),
        ("day > 2%", True),
    ],
)
def test_a_line_reads_where_it_can_be_meant_and_looks_at_no_keyword(text: str, does: bool) -> None:
    assert reads(text) is does


def test_a_line_may_have_five_hundred_signs_and_be_twenty_deep() -> None:
    whole = "X day > 2% note " + "a" * 484
    assert len(whole) == 500
    assert str(parse_line(whole)).endswith('a"')
    assert refusal(f"{whole}a") == (
        "The line has 501 characters: write it in 500 at most, or as several rules."
    )
    assert parse_line("(" * 20 + "day > 2%" + ")" * 20).condition == parse("day > 2%")
    assert str(parse_line("(day > 2%) and " * 19 + "(gap > 1%)")).count("day") == 19
    said = "Brackets and nots are nested more than 20 deep: write it more plainly."
    assert refusal("(" * 21 + "day > 2%" + ")" * 21) == said
    assert refusal("not " * 21 + "day > 2%") == said


def test_a_rule_has_twenty_parts_at_most() -> None:
    assert str(parse_line(" or ".join(["gap > 1%"] * 20))).count("gap") == 20
    assert refusal(" or ".join(["gap > 1%"] * 21)) == (
        "There are 21 parts: write 20 at most, or several rules."
    )


def test_several_words_become_one_name_as_they_were_written() -> None:
    line = "vs  Up   Fintech > 2"
    words = [each for each in tokens_of(line) if each.type == "NAME"]
    assert [(str(each), each.start_pos, each.end_pos) for each in words] == [("Up Fintech", 4, 16)]
    name = joined(words, line)
    assert (name.type, str(name), name.start_pos, name.end_pos) == ("NAME", "Up Fintech", 4, 16)
