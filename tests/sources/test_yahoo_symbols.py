"""What a symbol of Yahoo's tells of an instrument that nobody described."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.market.instrument import SYMBOL, bare_instrument
from bot.messages.words import money


@pytest.mark.parametrize(
    "symbol, kind, exchange, currency",
    [
        ("AAPL", "stock", "XNYS", "USD"),
        ("BRK-B", "stock", "XNYS", "USD"),
        ("0700.HK", "stock", "XHKG", "HKD"),
        ("9988.HK", "stock", "XHKG", "HKD"),
        # Hong Kong's counters in yuan, and codes that may be counters in dollars.
        ("80700.HK", "stock", "XHKG", "CNY"),
        ("9834.HK", "stock", "XHKG", ""),
        ("9067.HK", "stock", "XHKG", ""),
        ("600519.SS", "stock", "XSHG", "CNY"),
        ("900901.SS", "stock", "XSHG", "USD"),
        ("300750.SZ", "stock", "XSHE", "CNY"),
        ("200012.SZ", "stock", "XSHE", "HKD"),
        ("7203.T", "stock", "XTKS", "JPY"),
        ("VOD.L", "stock", "XLON", ""),
        ("RY.TO", "stock", "XTSE", "CAD"),
        ("DLR-U.TO", "stock", "XTSE", "USD"),
        ("CBA.AX", "stock", "XASX", "AUD"),
        ("SAP.DE", "stock", "XETR", "EUR"),
        ("NESN.SW", "stock", "XSWX", ""),
        ("247540.KQ", "stock", "XKOS", "KRW"),
        ("6488.TWO", "stock", "ROCO", "TWD"),
        ("PETR4.SA", "stock", "BVMF", "BRL"),
        ("^N225", "index", "XXXX", ""),
        ("HKD=X", "other", "XXXX", "HKD"),
        ("EURUSD=X", "other", "XXXX", "USD"),
        ("GC=F", "other", "XXXX", ""),
        ("BTC-USD", "other", "XXXX", "USD"),
        ("ETH-EUR", "other", "XXXX", "EUR"),
        ("FOO.ELSEWHERE", "stock", "XXXX", ""),
    ],
)
def test_a_symbol_tells_kind_exchange_and_currency(
    symbol: str, kind: str, exchange: str, currency: str
) -> None:
    found = bare_instrument(symbol)
    assert (found.kind, found.exchange, found.currency) == (kind, exchange, currency)


@given(st.from_regex(SYMBOL, fullmatch=True))
def test_every_symbol_makes_an_instrument_in_a_currency_or_in_none(symbol: str) -> None:
    found = bare_instrument(symbol)
    assert found.symbol == found.short == symbol
    assert re.fullmatch("[A-Z]{4}", found.exchange)
    assert money(14.78, found.currency, is_index=False).endswith("14.78")


def test_a_price_in_a_currency_that_is_not_known_bears_no_sign() -> None:
    assert money(130.0, bare_instrument("VOD.L").currency, is_index=False) == "130.00"
