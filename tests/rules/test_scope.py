from __future__ import annotations

import pytest

from bot.errors import GrammarError, UnknownSymbol
from bot.market.catalogue import Catalogue
from bot.market.instrument import Instrument
from bot.rules.conditions import Rule, Telling
from bot.rules.grammar import parse_line
from bot.rules.line import Line
from bot.rules.scope import names_in, read, resolved, rules_of

CATALOGUE = Catalogue.of(
    (
        Instrument("HSTECH", "index", "XHKG", "HKD", "HSTECH", aliases=("恒科",)),
        Instrument("^HSI", "index", "XHKG", "HKD", "HSI"),
        Instrument("1810.HK", "stock", "XHKG", "HKD", "Xiaomi", aliases=("小米",)),
        Instrument("0700.HK", "stock", "XHKG", "HKD", "Tencent", aliases=("腾讯",)),
        Instrument("2015.HK", "stock", "XHKG", "HKD", "Li Auto"),
        Instrument("KWEB", "fund", "ARCX", "USD", "KWEB"),
    )
)
AUTO_INDEX = "±auto(2σ60, 1.5%, 4%) ladder 1/1.5/2.5"
AUTO_STOCK = "±auto(2.5σ60, 4%, 8%) ladder 1/1.5/2.5"


def symbol_of(name: str) -> str:
    return CATALOGUE.resolve(name).symbol


def members(index: str) -> tuple[str, ...]:
    return {"HSTECH": ("1810.HK", "0700.HK")}[index]


def watchlist() -> frozenset[str]:
    return frozenset({"^HSI", "2015.HK"})


def bound(text: str) -> tuple[Rule, ...]:
    return rules_of("mine", read(text, symbol_of), CATALOGUE, members, watchlist, chat="telegram:1")


@pytest.mark.parametrize(
    "text,canonical",
    [
        ("小米 day > 2%", "1810.HK day > 2%"),
        ("Li Auto day > 2%", "2015.HK day > 2%"),
        ("小米, 腾讯, Xiaomi day > 2%", "1810.HK, 0700.HK day > 2%"),
        ("小米和腾讯 day > 2%", "1810.HK, 0700.HK day > 2%"),
        ("Xiaomi and Tencent and Li Auto day > 2%", "1810.HK, 0700.HK, 2015.HK day > 2%"),
        ("each of 恒科 day > 2%", "each of HSTECH day > 2%"),
        ("watchlist day > 2%", "watchlist day > 2%"),
        ("stocks vs 恒科 > 2%", "stocks vs HSTECH > 2%"),
        ("10 of 恒科 down 3%", "10 of HSTECH down 3%"),
        ("小米 not (ratio 腾讯 > 2 or spread 腾讯 > 3) and new low", None),
        ("小米 (price > sma 50 at close for 3 looks) and news 小米 2h", None),
        ("小米 vs 恒科 > gap", "1810.HK vs HSTECH > gap"),
        ("小米 gap < vs 恒科", "1810.HK gap < vs HSTECH"),
    ],
)
def test_every_name_becomes_a_symbol(text: str, canonical: str | None) -> None:
    line = read(text, symbol_of)
    written = str(line)
    assert written == canonical or (canonical is None and "1810.HK" in written and "腾讯" not in written)
    assert parse_line(written) == line


def test_the_names_of_a_line_are_those_of_its_scope_and_of_what_it_compares_with() -> None:
    line = parse_line(
        "小米 (vs 恒科 > vs HSI or not ratio 腾讯 > 2 or spread Li Auto > 3) and 9 of KWEB up 1%"
    )
    assert list(names_in(line)) == ["小米", "恒科", "HSI", "腾讯", "Li Auto", "KWEB"]
    assert list(names_in(parse_line("小米 new low and news buyback"))) == ["小米"]
    assert list(names_in(parse_line("each of 恒科 ±2%"))) == ["恒科"]
    assert list(names_in(parse_line("stocks ±2%"))) == []
    assert list(names_in(parse_line("rsi < 30"))) == []


@pytest.mark.parametrize(
    "text,symbols",
    [
        ("小米, 恒科 day > 2%", {"1810.HK", "HSTECH"}),
        ("each of 恒科 day > 2%", {"1810.HK", "0700.HK"}),
        ("watchlist day > 2%", {"^HSI", "2015.HK"}),
        ("indices and funds day > 2%", {"HSTECH", "^HSI", "KWEB"}),
        ("10 of 恒科 down 3%", {"HSTECH"}),
        ("小米 10 of 恒科 down 3%", {"1810.HK"}),
    ],
)
def test_a_rule_looks_at_what_its_line_says(text: str, symbols: set[str]) -> None:
    (rule,) = bound(text)
    assert (rule.name, set(rule.symbols), rule.chat) == ("mine", symbols, "telegram:1")


def test_how_it_is_told_goes_with_the_rule() -> None:
    (rule,) = bound("小米 day > 2% once urgent")
    assert rule.telling == Telling("once", urgency="urgent")


@pytest.mark.parametrize(
    "text,found",
    [
        ("小米 ±auto", {AUTO_STOCK: {"1810.HK"}}),
        ("恒科 ±auto", {AUTO_INDEX: {"HSTECH"}}),
        ("watchlist ±auto", {AUTO_INDEX: {"^HSI"}, AUTO_STOCK: {"2015.HK"}}),
        ("others ±auto", {AUTO_STOCK: set()}),
        ("恒科 day < -auto", {AUTO_INDEX.replace("±", "day < -"): {"HSTECH"}}),
    ],
)
def test_auto_steps_are_those_of_the_kind_of_instrument(text: str, found: dict[str, set[str]]) -> None:
    assert {str(each.condition): set(each.symbols) for each in bound(text)} == found


@pytest.mark.parametrize("text", ["day > 2%", "rsi < 30", "±2% once"])
def test_a_line_that_does_not_say_what_it_looks_at_is_refused(text: str) -> None:
    with pytest.raises(GrammarError, match="does not say what to look at: begin with a name, as in HSTECH"):
        bound(text)


@pytest.mark.parametrize(
    "text,said",
    [
        ("a b c day > 2%", ["No instrument is called “a b c”.", "  a b c day > 2%", "  ^"]),
        ("BABO rsi < 30", ["No instrument is called “BABO”. Nearest: ", "  BABO rsi < 30", "  ^"]),
        (
            "小米 vs 腾迅 > 2%",
            ["No instrument is called “腾迅”. Nearest: ", "  小米 vs 腾迅 > 2%", "          ^"],
        ),
        ("小米*小 > 2", ["“*” does not fit: ", "  小米*小 > 2", "      ^"]),
        (
            "小米 rsl < 30",
            [
                "“rsl” is no measure: write rsi.",
                "  小米 rsl < 30",
                "       ^",
                "Nearest that reads: 小米 rsi < 30",
            ],
        ),
        (
            "Li Auto macd > 2",
            ["“macd” is no measure; one is day, drawdown or rsi.", "  Li Auto macd > 2", "          ^"],
        ),
    ],
)
def test_a_name_that_nothing_has_is_shown_in_its_place(text: str, said: list[str]) -> None:
    with pytest.raises(GrammarError) as refused:
        read(text, symbol_of)
    lines = str(refused.value).splitlines()
    assert lines[0].startswith(said[0])
    assert lines[1 : len(said)] == said[1:]


def test_resolving_by_itself_raises_what_the_catalogue_does() -> None:
    line: Line = parse_line("BABO rsi < 30")
    with pytest.raises(UnknownSymbol, match="Nearest"):
        resolved(line, symbol_of)
