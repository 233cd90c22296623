from __future__ import annotations

import time

import pytest

from bot.errors import UnknownSymbol, UsageError
from bot.market.catalogue import Catalogue, likely_symbol, shared_names
from bot.market.instrument import Instrument, bare_instrument

XIAOMI = Instrument(
    "1810.HK", "stock", "XHKG", "HKD", "Xiaomi", {"zh-Hans": "小米集团-W", "zh-Hant": "小米集團-W"}, ("小米",)
)
TENCENT = Instrument(
    "0700.HK",
    "stock",
    "XHKG",
    "HKD",
    "Tencent",
    {"en": "Tencent Holdings", "zh-Hans": "腾讯控股", "zh-Hant": "騰訊控股"},
    ("腾讯", "騰訊", "鹅厂", "鵝廠"),
)
ALIBABA = Instrument("9988.HK", "stock", "XHKG", "HKD", "Alibaba HK", {}, ("Alibaba",))
BABA = Instrument("BABA", "stock", "XNYS", "USD", "Alibaba US", {}, ("Alibaba",))
SHANGHAI = Instrument("000001.SS", "index", "XSHG", "CNY", "SSE Composite")
PING_AN_BANK = Instrument("000001.SZ", "stock", "XSHE", "CNY", "Ping An Bank")
VANKE = Instrument("000002.SZ", "stock", "XSHE", "CNY", "Vanke A", {"zh-Hans": "万科A"}, ("万科",))
TECH = Instrument("HSTECH", "index", "XHKG", "HKD", "HSTECH", sources={"yahoo": "HSTECH.HK"})
NIKKEI = Instrument("^N225", "index", "XTKS", "JPY", "Nikkei 225")
KNOWN = (TECH, TENCENT, XIAOMI, ALIBABA, BABA, SHANGHAI, PING_AN_BANK, VANKE, NIKKEI)
CATALOGUE = Catalogue.of(KNOWN)


def refused(asked: str) -> str:
    with pytest.raises(UnknownSymbol) as error:
        CATALOGUE.resolve(asked)
    return str(error.value)


@pytest.mark.parametrize("asked", ["1810.HK", "1810.hk", " 1810 ", "1810", "01810", "１８１０"])
def test_a_symbol_is_found_in_any_case_and_by_its_number_alone(asked: str) -> None:
    assert CATALOGUE.resolve(asked) is XIAOMI


@pytest.mark.parametrize(
    "asked", ["700", "0700", "00700", "700.HK", "00700.hk", "HK.00700", "hk00700", "700 HK"]
)
def test_leading_zeros_and_the_way_others_write_hong_kong_do_not_matter(asked: str) -> None:
    assert CATALOGUE.resolve(asked) is TENCENT


@pytest.mark.parametrize(
    "asked,found",
    [
        ("000001.SH", SHANGHAI),
        ("sh000001", SHANGHAI),
        ("000001 CH", SHANGHAI),
        ("SZ.000001", PING_AN_BANK),
        ("000001.sz", PING_AN_BANK),
        ("BABA US", BABA),
        ("US.BABA", BABA),
        ("hstech.hk", TECH),
        ("n225", NIKKEI),
    ],
)
def test_symbols_are_read_as_other_places_write_them(asked: str, found: Instrument) -> None:
    assert CATALOGUE.resolve(asked) is found


@pytest.mark.parametrize("asked", ["xiaomi", "XIAOMI", "小米", "小米集团-W", "小米集團-W", "小米集团－Ｗ"])
def test_a_name_is_found_in_any_case_and_in_either_script(asked: str) -> None:
    assert CATALOGUE.resolve(asked) is XIAOMI


@pytest.mark.parametrize("asked", ["小米集团", "小米集團", "小米-W", "小米W", "小米集团-SW"])
def test_the_share_class_that_hong_kong_appends_may_be_left_out_or_put_in(asked: str) -> None:
    assert CATALOGUE.resolve(asked) is XIAOMI


@pytest.mark.parametrize("asked", ["BABA-W", "腾讯控股-R", "万科B"])
def test_an_ending_that_makes_another_line_is_not_dropped(asked: str) -> None:
    assert "Nearest: " in refused(asked)


def test_white_space_in_a_name_does_not_matter() -> None:
    assert CATALOGUE.resolve("  ping  an	bank ") is PING_AN_BANK


def test_the_first_keeps_a_shared_name_and_the_other_is_found_by_its_symbol() -> None:
    assert CATALOGUE.resolve("Alibaba") is ALIBABA
    assert CATALOGUE.resolve("baba") is BABA
    assert CATALOGUE.resolve("000001") is SHANGHAI
    assert shared_names(KNOWN) == {
        "alibaba": ("9988.HK", "BABA"),
        "000001": ("000001.SS", "000001.SZ"),
    }


def test_a_symbol_weighs_more_than_a_name_that_came_before_it() -> None:
    thief = Instrument("0001.HK", "stock", "XHKG", "HKD", "BABA")
    assert Catalogue.of((thief, BABA)).resolve("BABA") is BABA


def test_what_is_described_twice_is_the_first_and_has_the_names_of_both() -> None:
    watched = Instrument("1810.HK", "stock", "XHKG", "HKD", "Mi")
    catalogue = Catalogue.of((watched, *KNOWN))
    assert catalogue["1810.HK"] is watched
    assert catalogue.resolve("小米") is watched
    assert catalogue.resolve("mi") is watched
    assert len(tuple(catalogue)) == len(KNOWN)


def test_a_typing_mistake_is_not_a_name_and_gets_the_three_nearest() -> None:
    assert refused("XIAOMO").startswith("No instrument is called “XIAOMO”. Nearest: 1810.HK (Xiaomi), ")
    said = refused("tencnet")
    assert said.startswith("No instrument is called “tencnet”. Nearest: 0700.HK (Tencent), ")
    assert said.count("(") == 3
    assert "Nearest: 0700.HK (Tencent)" in refused("腾迅")


@pytest.mark.parametrize(
    "asked,meant",
    [
        ("xiaomu", XIAOMI),
        ("Xiaomo", XIAOMI),
        ("xiomi", XIAOMI),
        ("tencnet", TENCENT),
        ("tencent holdinsg", TENCENT),
        ("腾訊控股", TENCENT),
        ("alibbaba", ALIBABA),
    ],
)
def test_a_slip_in_a_name_is_seen_through(asked: str, meant: Instrument) -> None:
    assert CATALOGUE.slip(asked) is meant


@pytest.mark.parametrize(
    "asked",
    ["XIAOMO", "BABX", "baby", "alibaba hj", "腾迅", "nikkei 325", "1811.hk", "palantir", "小来", "", "xx"],
)
def test_what_may_be_something_else_is_no_slip(asked: str) -> None:
    assert CATALOGUE.slip(asked) is None


def test_a_name_comes_close_where_it_was_probably_meant() -> None:
    assert CATALOGUE.comes_close("XIAOMO")
    assert CATALOGUE.comes_close("小米手机")
    assert not CATALOGUE.comes_close("palantir")


@pytest.mark.parametrize(
    "asked,symbol",
    [
        ("466", "0466.HK"),
        ("00466", "0466.HK"),
        ("80700", "80700.HK"),
        ("hk.1234", "1234.HK"),
        ("600000", "600000.SS"),
        ("510050", "510050.SS"),
        ("002415", "002415.SZ"),
        ("300059", "300059.SZ"),
        ("830799", "830799"),
        ("pltr us", "PLTR"),
        ("^vhsi", "^VHSI"),
        ("brk-b", "BRK-B"),
        ("Palantir Technologies", None),
        ("丰田", None),
    ],
)
def test_a_code_is_read_as_the_symbol_of_where_such_codes_are_traded(asked: str, symbol: str | None) -> None:
    assert likely_symbol(asked) == symbol


@pytest.mark.parametrize(
    "symbol,exchange,currency",
    [
        ("1234.HK", "XHKG", "HKD"),
        ("7203.T", "XTKS", "JPY"),
        ("VOD.L", "XLON", ""),
        ("CNY=X", "XXXX", "CNY"),
        ("EURUSD=X", "XXXX", "USD"),
    ],
)
def test_a_symbol_that_nobody_described_is_of_the_exchange_and_currency_it_tells(
    symbol: str, exchange: str, currency: str
) -> None:
    found = bare_instrument(symbol)
    assert (found.exchange, found.currency) == (exchange, currency)


def test_a_part_of_a_name_brings_it_near() -> None:
    assert "Nearest: 0700.HK (Tencent)" in refused("hold")
    assert "Nearest: 1810.HK (Xiaomi)" in refused("小米手机")


def test_where_nothing_comes_near_the_first_three_are_named() -> None:
    assert refused("QQQQ").endswith("Nearest: HSTECH (HSTECH), 0700.HK (Tencent), 1810.HK (Xiaomi).")


def test_where_nothing_is_known_nothing_is_named() -> None:
    with pytest.raises(UnknownSymbol, match=r"^No instrument is called “1810”\.$"):
        Catalogue.of(()).resolve("1810")


@pytest.mark.parametrize("asked", ["$$$", "<b>", "1810/HK", "A" * 16, "1" * 16, "小米" * 33, "", "?", "()"])
def test_what_cannot_be_a_symbol_is_told_the_pattern(asked: str) -> None:
    with pytest.raises(UsageError) as error:
        CATALOGUE.resolve(asked)
    assert str(error.value) == (
        f"“{asked[:64]}” is no symbol: write 1 to 15 of A-Z, 0-9, “.”, “^”, “=” and “-”, "
        "as in 1810.HK, or a name, as in Xiaomi."
    )


@pytest.mark.parametrize("asked", ["A" * 15, "BRK-B", "GC=F", "^VHSI", "Tencent Holdings & Sons", "贵州"])
def test_what_could_be_a_symbol_or_a_name_is_merely_unknown(asked: str) -> None:
    assert refused(asked).startswith(f"No instrument is called “{asked}”.")


def test_signs_that_cannot_be_shown_are_not_repeated() -> None:
    with pytest.raises(UsageError, match=r"^“AB” is no symbol"):
        CATALOGUE.resolve("A\x00B")


def test_finding_takes_far_less_than_a_millisecond() -> None:
    took = []
    for _ in range(200):
        begun = time.perf_counter()
        CATALOGUE.resolve("小米集团-SW")
        took.append(time.perf_counter() - begun)
    assert sorted(took)[100] < 0.001
