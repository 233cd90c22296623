from __future__ import annotations

import re
from collections import Counter
from datetime import date

import pytest

from bot.config import read_settings
from bot.errors import UnknownSymbol
from bot.market.catalogue import Catalogue, shared_names
from bot.market.instrument import SYMBOL, Instrument, Membership, bare_instrument, members_on
from bot.market.twins import Twin, twin_on
from bot.sources.catalogue import load_catalogue, load_members, load_twins
from tests.conftest import ROOT

INSTRUMENTS = load_catalogue()
CATALOGUE = Catalogue.of(INSTRUMENTS)
MEMBERS = load_members()
TWINS = load_twins()
WATCHED = read_settings(ROOT / "config.yaml").catalogue()
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def test_about_three_hundred_instruments_come_along_each_once() -> None:
    assert len(INSTRUMENTS) == len(CATALOGUE.by_symbol) == 312
    kinds = Counter(each.kind for each in INSTRUMENTS)
    assert min(kinds.values()) >= 3
    assert set(kinds) == {"index", "stock", "fund", "other"}


@pytest.mark.parametrize("watched", list(WATCHED), ids=lambda each: each.symbol)
def test_the_settings_that_come_along_agree_with_the_catalogue(watched: Instrument) -> None:
    here = CATALOGUE[watched.symbol]
    for said in ("symbol", "kind", "exchange", "currency", "short", "names", "sources"):
        assert getattr(here, said) == getattr(watched, said), said
    assert set(watched.aliases) <= {here.short, *here.aliases, *here.names.values()}


@pytest.mark.parametrize("each", INSTRUMENTS, ids=lambda each: each.symbol)
def test_every_row_is_in_order(each: Instrument) -> None:
    assert SYMBOL.fullmatch(each.symbol)
    assert re.fullmatch("[A-Z]{4}", each.exchange)
    assert re.fullmatch("[A-Z]{3}", each.currency)
    assert 0 < len(each.short) <= 24
    assert list(each.names) == ["en", "zh-Hans", "zh-Hant"]
    said = (each.short, *each.aliases, *each.names.values())
    assert all(name == name.strip() and name for name in said)
    assert CHINESE.search(each.names["zh-Hans"]) or each.symbol in {"0522.HK", "META"}


@pytest.mark.parametrize(
    "each", [each for each in INSTRUMENTS if "." in each.symbol], ids=lambda each: each.symbol
)
def test_suffix_exchange_and_currency_agree(each: Instrument) -> None:
    guessed = bare_instrument(each.symbol)
    assert (each.exchange, each.currency) == (guessed.exchange, guessed.currency)
    if each.exchange != "XHKG":
        digit = each.symbol[0]
        shanghai = digit in "56" or (each.kind == "index" and each.symbol.endswith(".SS"))
        assert shanghai == (each.exchange == "XSHG")


def test_what_new_york_trades_is_of_the_market_of_the_united_states() -> None:
    plain = [each for each in INSTRUMENTS if each.symbol.isalpha() and each.symbol != "HSTECH"]
    assert {(each.market, each.currency) for each in plain} == {("US", "USD")}


def test_every_shared_name_and_who_keeps_it() -> None:
    assert shared_names(INSTRUMENTS) == {
        "trip.com": ("9961.HK", "TCOM"),
        "ctrip": ("9961.HK", "TCOM"),
        "携程": ("9961.HK", "TCOM"),
        "攜程": ("9961.HK", "TCOM"),
        "蔚来": ("9866.HK", "NIO"),
        "蔚來": ("9866.HK", "NIO"),
        "000001": ("000001.SS", "000001.SZ"),
    }


def test_the_settings_share_no_name_with_others_but_where_they_watch_the_american_line() -> None:
    names = ("trip.com", "ctrip", "携程", "攜程", "蔚来", "蔚來")
    both = Catalogue.of((*WATCHED, *INSTRUMENTS))
    differing = {name for name, kept in CATALOGUE.by_name.items() if both.by_name[name].symbol != kept.symbol}
    assert differing == set(names)
    assert {both.resolve(name).symbol for name in names} == {"TCOM", "NIO"}


@pytest.mark.parametrize(
    "asked,symbol",
    [
        ("Alibaba", "9988.HK"),
        ("BABA", "BABA"),
        ("BABA-W", "9988.HK"),
        ("阿里", "9988.HK"),
        ("企鹅", "0700.HK"),
        ("鵝廠", "0700.HK"),
        ("宁王", "3750.HK"),
        ("300750", "300750.SZ"),
        ("茅台", "600519.SS"),
        ("港交所", "0388.HK"),
        ("小破站", "9626.HK"),
        ("B站", "9626.HK"),
        ("恒生科技指数", "HSTECH"),
        ("恆指", "^HSI"),
        ("HSCEI", "^HSCE"),
        ("沪深300", "000300.SS"),
        ("科创50", "000688.SS"),
        ("上证", "000001.SS"),
        ("S&P 500", "^GSPC"),
        ("纳指", "^IXIC"),
        ("日经", "^N225"),
        ("盈富", "2800.HK"),
        ("3033", "3033.HK"),
        ("USD/CNH", "CNH=X"),
        ("usdhkd", "HKD=X"),
        ("300", "0300.HK"),
        ("1", "0001.HK"),
        ("滙豐", "0005.HK"),
        ("商汤", "0020.HK"),
        ("理想汽車", "2015.HK"),
        ("貝殼", "2423.HK"),
        ("李寧", "2331.HK"),
        ("比亚迪", "1211.HK"),
        ("比亚迪(A股)", "002594.SZ"),
        ("京东集团", "9618.HK"),
        ("nvidia", "NVDA"),
        ("BGNE", "ONC"),
    ],
)
def test_people_find_what_they_mean(asked: str, symbol: str) -> None:
    assert CATALOGUE.resolve(asked).symbol == symbol


@pytest.mark.parametrize(
    "asked,nearest",
    [
        ("XIAOMO", "1810.HK (Xiaomi)"),
        ("Maotai", "600519.SS (Kweichow Moutai)"),
        ("腾迅", "0700.HK (Tencent)"),
    ],
)
def test_a_typing_mistake_gets_the_nearest(asked: str, nearest: str) -> None:
    with pytest.raises(
        UnknownSymbol, match=rf"^No instrument is called “{asked}”\. Nearest: {re.escape(nearest)}"
    ):
        CATALOGUE.resolve(asked)


@pytest.mark.parametrize("index", ["HSTECH"])
def test_every_member_is_in_the_catalogue_and_belongs_once_at_a_time(index: str) -> None:
    held: dict[str, Membership] = {}
    for each in (each for each in MEMBERS if each.index == index):
        assert CATALOGUE[each.symbol].market == "HK"
        assert each.until is None or each.since < each.until
        before = held.get(each.symbol)
        assert before is None or (before.until is not None and before.until < each.since)
        held[each.symbol] = each


@pytest.mark.parametrize(
    "day,known",
    [
        (date(2020, 7, 26), 0),
        (date(2022, 3, 4), 28),
        (date(2022, 3, 23), 28),
        (date(2024, 3, 4), 30),
        (date(2025, 3, 10), 30),
        (date(2025, 12, 5), 30),
        (date(2025, 12, 8), 30),
    ],
)
def test_so_many_of_thirty_are_known_on_a_day(day: date, known: int) -> None:
    members = members_on(MEMBERS, "HSTECH", day)
    assert len(members) == len(set(members)) == known


def test_never_more_than_thirty_are_known() -> None:
    assert max(len(members_on(MEMBERS, "HSTECH", each.since)) for each in MEMBERS) == 30


def test_members_change_on_the_day_a_review_takes_effect() -> None:
    before, after = (set(members_on(MEMBERS, "HSTECH", date(2025, 12, day))) for day in (7, 8))
    assert (before - after, after - before) == ({"0522.HK"}, {"9863.HK"})
    assert members_on(MEMBERS, "^HSI", date(2025, 12, 8)) == ()


def test_every_twin_is_a_line_in_hong_kong_and_one_in_new_york() -> None:
    for each in TWINS:
        assert CATALOGUE[each.symbol].market == "HK"
        assert CATALOGUE[each.adr].market == "US"
        assert each.ratio >= 1
    assert len({(each.symbol, each.since) for each in TWINS}) == len(TWINS)
    assert len({each.symbol for each in TWINS}) == len({each.adr for each in TWINS}) == 32


@pytest.mark.parametrize(
    "symbol,day,adr,ratio",
    [
        ("9988.HK", date(2022, 3, 23), "BABA", 8),
        ("BABA", date(2022, 3, 23), "BABA", 8),
        ("9888.HK", date(2021, 3, 1), "BIDU", 8),
        ("EDU", date(2022, 3, 23), "EDU", 1),
        ("EDU", date(2022, 5, 2), "EDU", 10),
        ("9999.HK", date(2022, 3, 23), "NTES", 5),
        ("YUMC", date(2022, 3, 23), "YUMC", 1),
    ],
)
def test_a_ratio_is_that_of_its_day(symbol: str, day: date, adr: str, ratio: int) -> None:
    twin = twin_on(TWINS, symbol, day)
    assert twin is not None
    assert (twin.adr, twin.ratio, twin.believed) == (adr, ratio, False)


@pytest.mark.parametrize("symbol", ["PDD", "VIPS", "TAL", "IQ", "FUTU", "0700.HK", "1810.HK", "3690.HK"])
def test_where_only_one_line_is_listed_there_is_no_twin(symbol: str) -> None:
    assert twin_on(TWINS, symbol, date(2026, 1, 1)) is None


def test_before_its_listing_there_is_no_twin() -> None:
    assert twin_on(TWINS, "NIO", date(2022, 3, 9)) is None


def test_what_is_only_believed_says_so() -> None:
    assert {each.adr for each in TWINS if each.believed} == {
        "ZH", "QFIN", "TUYA", "NOAH", "LU", "HSAI", "PONY", "WRD",
    }  # fmt: skip
    assert twin_on(TWINS, "ZH", date(2026, 1, 1)) == Twin("2390.HK", "ZH", 3, date(2024, 6, 1), believed=True)
