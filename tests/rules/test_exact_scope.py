"""What a line looks at, rule by rule, and what is said of a name that nothing has."""

from __future__ import annotations

import pytest

from bot.errors import GrammarError, UnknownSymbol
from bot.market.catalogue import Catalogue
from bot.market.instrument import Instrument
from bot.rules.conditions import AutoSteps, DayMove, FixedSteps, Rule, Telling
from bot.rules.grammar import parse, parse_line
from bot.rules.line import AutoOfKind, Scope
from bot.rules.scope import names_in, read, resolved, rules_of

CATALOGUE = Catalogue.of(
    (
        Instrument("HSTECH", "index", "XHKG", "HKD", "HSTECH"),
        Instrument("1810.HK", "stock", "XHKG", "HKD", "Xiaomi", aliases=("小米",)),
        Instrument("0700.HK", "stock", "XHKG", "HKD", "Tencent"),
        Instrument("KWEB", "fund", "ARCX", "USD", "KWEB"),
    )
)
KNOWN = {
    "hstech": "HSTECH",
    "hang seng": "^HSI",
    "hang seng tech": "HSTECH",
    "小米": "1810.HK",
    "tencent": "0700.HK",
    "foo": "FOO",
}
INDEX = AutoSteps(2.0, 60, 1.5, 4.0, (1.0, 1.5, 2.5))
STOCK = AutoSteps(2.5, 60, 4.0, 8.0, (1.0, 1.5, 2.5))
LATE = Telling("once", urgency="quiet")


def symbol_of(name: str) -> str:
    if name.casefold() not in KNOWN:
        raise UnknownSymbol(f"Nothing is called {name}.")
    return KNOWN[name.casefold()]


def bound(text: str, *, together: bool = False) -> tuple[Rule, ...]:
    def members(index: str) -> tuple[str, ...]:
        return {"HSTECH": ("1810.HK", "0700.HK")}[index]

    def watchlist() -> frozenset[str]:
        return frozenset({"HSTECH", "KWEB", "NEW"})

    line = read(text, symbol_of)
    return rules_of("mine", line, CATALOGUE, members, watchlist, together=together, chat="telegram:1")


def refusal(text: str) -> str:
    with pytest.raises(GrammarError) as refused:
        read(text, symbol_of)
    return str(refused.value)


NO_MEASURE = "is no measure; one is day, drawdown or rsi."


@pytest.mark.parametrize(
    "text,sentence,place,nearest",
    [
        ("HSTECH macd > 2", f"“macd” {NO_MEASURE}", 7, ""),
        ("hang seng bar foo > 3", f"“bar foo” {NO_MEASURE}", 10, ""),
        ("hang seng tech bar foo x y > 3", f"“bar foo x y” {NO_MEASURE}", 15, ""),
        ("HSTECH gpa > 2%", "“gpa” is no measure: write gap.", 7, "HSTECH gap > 2%"),
        (
            'tencent gpa > 2% note "no gpa, gpa"',
            "“gpa” is no measure: write gap.",
            8,
            'tencent gap > 2% note "no gpa, gpa"',
        ),
        ("HSTECH and tencent vol bar > 2", f"“vol bar” {NO_MEASURE}", 19, ""),
        ("HSTECH nobody here day > 2%", f"“nobody here” {NO_MEASURE}", 7, ""),
        ("HSTECH x HSTECH x > 2", f"“x HSTECH x” {NO_MEASURE}", 7, ""),
        ("nobody day > 2%", "Nothing is called nobody.", 0, ""),
        ("HSTECH day > 2% and vs nobody > 1%", "Nothing is called nobody.", 23, ""),
        ("tencent 和 nobody day > 2%", "Nothing is called nobody.", 11, ""),
    ],
)
def test_of_a_name_that_nothing_has_it_is_said_what_it_may_have_been(
    text: str, sentence: str, place: int, nearest: str
) -> None:
    remedy = [f"Nearest that reads: {nearest}"] if nearest else []
    assert refusal(text).splitlines() == [sentence, f"  {text}", f"  {' ' * place}^", *remedy]


def test_a_line_that_was_not_written_is_shown_as_it_would_be() -> None:
    line = parse_line("HSTECH   macd > 2")
    with pytest.raises(GrammarError) as refused:
        resolved(line, symbol_of)
    assert str(refused.value).splitlines()[1] == "  HSTECH macd price > 2"


def test_a_measure_compared_with_another_is_resolved_on_both_sides() -> None:
    line = read("小米 vs hstech > vs tencent", symbol_of)
    assert str(line) == "1810.HK vs HSTECH > vs 0700.HK"
    assert list(names_in(line)) == ["1810.HK", "HSTECH", "0700.HK"]
    level = read("小米 price > sma 50 and (ratio tencent > 2 or not spread tencent > 3)", symbol_of)
    assert list(names_in(level)) == ["1810.HK", "0700.HK", "0700.HK"]
    assert list(names_in(read("watchlist news hstech", symbol_of))) == []
    assert list(names_in(read("stocks ±2%", symbol_of))) == []
    assert list(names_in(read("2 of hstech down 3%", symbol_of))) == ["HSTECH"]


@pytest.mark.parametrize("together", [False, True])
def test_steps_that_follow_the_kind_make_a_rule_a_kind(together: bool) -> None:
    kinds = bound("watchlist ±auto once quiet", together=together)
    assert kinds == (
        Rule("mine", DayMove(INDEX), frozenset({"HSTECH"}), together, LATE, "telegram:1"),
        Rule("mine", DayMove(STOCK), frozenset({"KWEB", "NEW"}), together, LATE, "telegram:1"),
    )
    assert bound("stocks ±auto once quiet", together=together) == (
        Rule("mine", DayMove(STOCK), frozenset({"1810.HK", "0700.HK"}), together, LATE, "telegram:1"),
    )
    assert bound("indices ±auto once quiet", together=together) == (
        Rule("mine", DayMove(INDEX), frozenset({"HSTECH"}), together, LATE, "telegram:1"),
    )
    # Of what nothing is watched, the rule is there all the same.
    assert bound("others ±auto once quiet", together=together) == (
        Rule("mine", DayMove(STOCK), frozenset(), together, LATE, "telegram:1"),
    )
    assert type(kinds[1].condition.ladder) is AutoSteps  # type: ignore[union-attr]


@pytest.mark.parametrize("together", [False, True])
def test_any_other_line_is_one_rule(together: bool) -> None:
    assert bound("each of hstech ±2% once quiet", together=together) == (
        Rule(
            "mine",
            DayMove(FixedSteps((2.0,))),
            frozenset({"1810.HK", "0700.HK"}),
            together,
            LATE,
            "telegram:1",
        ),
    )
    (plain,) = rules_of("mine", read("小米 ±2%", symbol_of), CATALOGUE, lambda _: (), frozenset)
    assert (plain.together, plain.chat, plain.telling) == (False, "", Telling())
    (kinds,) = rules_of("mine", read("小米 ±auto", symbol_of), CATALOGUE, lambda _: (), frozenset)
    assert (kinds.together, kinds.chat, kinds.telling) == (False, "", Telling())
    assert bound("indices, funds gap > 2%")[0].symbols == {"HSTECH", "KWEB"}
    assert AutoOfKind.of("fund") == STOCK


def test_a_count_of_constituents_looks_at_the_first_index_that_it_names() -> None:
    assert bound("2 of hstech down 3%")[0].symbols == {"HSTECH"}
    (two,) = bound("2 of hstech down 3% and 1 of foo up 1%")
    assert two.symbols == {"HSTECH"}
    assert two.condition == parse("2 of HSTECH down 3% and 1 of FOO up 1%")
    with pytest.raises(GrammarError) as refused:
        bound("±2%")
    assert str(refused.value) == (
        "The line does not say what to look at: begin with a name, as in HSTECH ±2%."
    )
    with pytest.raises(GrammarError, match="begin with a name, as in HSTECH gap > 2%"):
        bound("gap > 2%")


def test_a_scope_is_of_its_kind() -> None:
    assert read("小米, tencent, 小米 gap > 1%", symbol_of).scope == Scope("named", ("1810.HK", "0700.HK"))
    assert read("hstech constituents gap > 1%", symbol_of).scope == Scope("each of", ("HSTECH",))
    assert read("gap > 1%", symbol_of).scope is None
