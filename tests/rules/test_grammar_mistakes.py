from __future__ import annotations

import time

import pytest

from bot.errors import GrammarError
from bot.rules.grammar import parse, parse_line


def refusal(text: str) -> list[str]:
    with pytest.raises(GrammarError) as refused:
        parse_line(text)
    return str(refused.value).splitlines()


@pytest.mark.parametrize(
    "text,sentence,place,nearest",
    [
        ("HSTECH drawdwn 20%", "“drawdwn” is not known here: write drawdown.", 7, "HSTECH drawdown 20%"),
        (
            "HSTECH day foo 2%",
            "“foo” does not fit: a comparison, such as > 2 is expected here.",
            11,
            "HSTECH day > 2%",
        ),
        (
            "HSTECH day 3%",
            "“3” does not fit: a comparison, such as > 2 is expected here.",
            11,
            "HSTECH day ±3%",
        ),
        (
            "HSTECH ratio > 2",
            "“ratio” needs a second instrument to compare with: write ratio HSI.",
            13,
            "HSTECH ratio HSI > 2",
        ),
        (
            "HSI day > 1% and spread below -5 and gap > 1%",
            "“spread” needs a second instrument to compare with: write spread HSTECH.",
            24,
            "HSI day > 1% and spread HSTECH below -5 and gap > 1%",
        ),
        (
            "HSTECH vs < -2%",
            "“vs” needs a second instrument to compare with: write vs HSI.",
            10,
            "HSTECH vs HSI < -2%",
        ),
        (
            "小米 relative to > 2%",
            "“relative to” needs a second instrument to compare with: write relative to HSI.",
            17,
            "小米 relative to HSI > 2%",
        ),
        (
            "HSTECH ratio and day > 2%",
            "“ratio” needs a second instrument to compare with: write ratio HSI.",
            13,
            "HSTECH ratio HSI > 2 and day > 2%",
        ),
        (
            "HSTECH vs",
            "“vs” needs a second instrument to compare with: write vs HSI.",
            9,
            "HSTECH vs HSI > 2%",
        ),
        ("2%/3%/5%", "The line ends too early: off low or drawdown is missing.", 8, "±2%/3%/5%"),
        (
            "HSTECH day > 2% and",
            "The line ends too early: a measure, such as day, drawdown or rsi is missing.",
            19,
            "HSTECH day > 2% and day > 2%",
        ),
        (
            "HSTECH (day > 2%",
            "The line ends too early: a closing bracket is missing.",
            16,
            "HSTECH (day > 2%)",
        ),
        (
            "day > 2% at close and volume > 2x",
            "“and” does not fit: how to tell it, such as once or until 2027-01-31 is expected here.",
            18,
            "(day > 2% at close) and volume > 2x",
        ),
        (
            "HSTECH",
            "There is no condition here: say what is to happen, as in day > 2%.",
            6,
            "HSTECH day > 2%",
        ),
        ("up 3", "A move is written in per cent, as in up 3%; a level as in above 15.", 3, "up 3%"),
        (
            "HSTECH day > 2% @ once",
            "“@” does not fit: another condition after and, or how to tell it, such as once",
            16,
            "HSTECH day > 2% once",
        ),
        (
            "HSTECH day > 2% once)",
            "“)” does not fit: how to tell it, such as once or until 2027-01-31",
            20,
            "",
        ),
    ],
)
def test_a_mistake_shows_where_what_was_expected_and_what_reads(
    text: str, sentence: str, place: int, nearest: str
) -> None:
    said, line, caret, *behind = refusal(text)
    assert said.startswith(sentence)
    assert (line, caret) == (f"  {text}", f"  {' ' * place}^")
    if nearest:
        assert behind == [f"Nearest that reads: {nearest}"]


def test_commas_between_steps_are_not_taken_for_strokes() -> None:
    assert refusal("±2,3,5%")[1:] == ["  ±2,3,5%", "    ^", "Nearest that reads: ±2/3/5%"]


def test_the_caret_counts_the_columns_that_chinese_takes() -> None:
    assert refusal("小米 回撤 <")[1:3] == ["  小米 回撤 <", "             ^"]


def test_of_a_long_line_only_what_is_around_the_place_is_shown() -> None:
    _, line, caret, *_ = refusal(
        "HSTECH " + "day > 2% and " * 15 + "foo > 2 or " + "day > 2% or " * 15 + "gap > 1%"
    )
    assert line.startswith("  …")
    assert line.endswith("…")
    assert line[caret.index("^") :].startswith("foo")


def test_where_no_change_of_a_word_helps_a_line_that_reads_is_shown() -> None:
    assert refusal("@@@")[-1] == "For instance: HSTECH day > 2%"


@pytest.mark.parametrize(
    "text,sentence",
    [
        ("below 3%", "Below 3% of what? Write down 3%, or day < 3%."),
        ("rsi up 30", "“rsi 14” is compared by > or <."),
        ("volume > 2%", "“volume 20d” is compared with times, as 2x."),
        ("price > 2%", "“price” is compared with a bare number, as 15."),
        ("gap > 2σ", "“gap” is compared with per cent, as 2%."),
        ("sigma > 2x", "“sigma 60” is compared with deviations, as 2σ."),
        ("gap > auto", "Only the day's move takes auto steps: write ±auto."),
        ("cost 16.2 ±auto", "Only the day's move takes auto steps: write ±auto."),
        ("drawdown > auto", "A distance from an extreme takes steps in per cent, as in 10/20/30%."),
        ("drawdown 20x", "A distance from an extreme is written in per cent, as in 20%."),
        ("off low < -20%", "A price is never below its low: write off low 20%."),
        ("gap > 2/3%", "Only a move of the price has a ladder here: write one number."),
        ("gap > 2% every 1%", "Only a move of the price has a ladder here: write one number."),
        ("±2/3% and gap > 1%", "A ladder stands by itself: among other conditions write one step."),
        ("±auto or gap > 1%", "A ladder stands by itself: among other conditions write one step."),
        ("not drawdown 20/30%", "A ladder stands by itself: among other conditions write one step."),
        ("±3/2%", "Steps are written above 0 and in rising size, as in 10/20/30%."),
        ("±0/2%", "Steps are written above 0 and in rising size, as in 10/20/30%."),
        ("±1/2x/3%", "All steps have one unit: write 2/3/5%."),
        ("±1/../3%", "Dots stand before the last step, as in 10/20/../90%."),
        ("±1/2/../3/4%", "Dots stand before the last step, as in 10/20/../90%."),
        ("±1/2/..%", "“%” does not fit: another condition after and, or how to tell it"),
        ("±10/25/../90%", "Steps of 15 from 10 never reach 90."),
        ("±1/2/../99%", "These would be 99 steps: write 60 at most."),
        ("±2% every 0%", "Further steps are so many per cent apart, as in every 1%."),
        ("±auto(2σ60, 5%, 4%)", "auto needs a factor above 0, 2 or more sessions, a floor up to its cap"),
        ("±auto(2σ1, 1%, 4%)", "auto needs a factor above 0, 2 or more sessions, a floor up to its cap"),
        ("±auto(2σ60, 1%, 4%) ladder 2/3", "auto needs a factor above 0, 2 or more sessions, a floor"),
        ("±auto(2σ60, 1%, 4%) ladder 1/1", "Steps are written above 0 and in rising size"),
        ("price > day", "“price” cannot be compared with “day”: write a number."),
        ("price > price", "“price” cannot be compared with “price”: write a number."),
        ("> day", "“price” cannot be compared with “day”: write a number."),
        ("up auto in 30m", "Only the day's move takes auto steps: write ±auto."),
        ("10 of HSTECH down 3σ", "How far constituents moved is written in per cent, as in down 3%."),
        ("1.5 of HSTECH down 3%", "Here a whole number from 1 to 10,000 is needed."),
        ("3 hours up in a row", "A streak counts closes, one a session: write 3 up in a row."),
        ("volume 3h > 2x", "Volume is compared over sessions, as in volume 20d."),
        ("news buyback 30m", "News is looked for within hours or days, as in news buyback 24h."),
        ('news "" 24h', "Nothing stands between the quotation marks: write a name."),
        ("cost 0 ±5%", "What was paid is above 0, as in cost 16.2."),
        ("day > 1e999", "That number is too large: write one that a price can reach."),
        ("day > 2% until 2027-02-30", "“2027-02-30” is no date: write one that exists, as 2022-03-23."),
        ("new low 2000w", "“2000w” is no window: write all, 52w, 90d, ytd, mtd or since 2021-02-17."),
        ("drawdown 52w", "A drawdown needs its steps, as in 20/30/40%."),
        ("off low intraday", "Off low needs its steps, as in 20/30/40%."),
        ("drawdown 20% 30%", "The steps of a distance from an extreme are said twice: keep one."),
        ("new low 52w ytd", "The window of a distance from an extreme is said twice: keep one."),
        ("drawdown 20% re-arm on new low", "This begins anew on a new peak: write re-arm on new peak."),
        ("day > 2% once daily", "How often to tell is said twice: keep one."),
        ("day > 2% quiet urgent", "Quiet or urgent is said twice: keep one."),
    ],
)
def test_what_reads_but_cannot_be_meant_is_refused_in_one_sentence(text: str, sentence: str) -> None:
    said, line, caret, *_ = refusal(text)
    assert said.startswith(sentence)
    assert line == f"  {text}"
    assert caret.strip() == "^"


@pytest.mark.parametrize("text", ["", " ", "。"])
def test_an_empty_line_is_answered_with_one_that_reads(text: str) -> None:
    assert refusal(text) == ["An empty line is no rule: write one such as HSTECH day > 2%."]


def test_a_measure_that_does_not_exist_is_no_condition() -> None:
    with pytest.raises(GrammarError, match="“macd” is no measure"):
        parse("macd > 2")


@pytest.mark.parametrize(
    "text",
    [
        "涨跌" * 249 + "X",
        "up " * 166,
        "1 " * 249,
        "(" * 500,
        "not " * 124,
        "1 of " * 99,
        "a " * 250,
        "\ufdfa" * 500,
        '"' * 500,
        "±" * 500,
        "涨跌x" * 160,
        "HSTECH " + "day > 2% and " * 37,
        "day > 2% or " * 19 + "(gap > 1% and foo",
        "\x00" * 500,
    ],
)
def test_no_line_takes_long_to_refuse(text: str) -> None:
    before = time.process_time()
    assert refusal(text)
    assert time.process_time() - before < 1
