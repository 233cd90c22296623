from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.market.catalogue import Catalogue
from bot.market.premium import Pair, Premium, Prices, has_no_twin, pair_of, premium
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from bot.messages.blocks import plain
from bot.messages.premiums import premium_message
from bot.sources.calendars import load_schedule
from bot.sources.catalogue import load_catalogue, load_twins

CATALOGUE = Catalogue.of(load_catalogue())
TWINS = load_twins()
# 5 April 2022 is a holiday in Hong Kong, 30 May one in New York.
SCHEDULE = load_schedule(("XHKG", "XNYS"), date(2022, 3, 1), date(2022, 6, 30))


def at(text: str) -> datetime:
    """Return a moment that is written in Hong Kong's time."""
    return (datetime.fromisoformat(text) - timedelta(hours=8)).replace(tzinfo=UTC)


def quoted(symbol: str, price: float, made: str, **more: object) -> Quote:
    time = at(made)
    session = (time - timedelta(hours=5)).date() if CATALOGUE[symbol].market == "US" else at(made).date()
    quote = Quote(symbol, price, session, time, time, "Yahoo")
    return replace(quote, **more)  # type: ignore[arg-type]


def pair(symbol: str, day: date) -> Pair:
    found = pair_of(
        TWINS, CATALOGUE, CATALOGUE[symbol], datetime(day.year, day.month, day.day, 20, tzinfo=UTC)
    )
    assert found is not None
    return found


BABA = pair("BABA", date(2022, 3, 23))
CLOSED = quoted("9988.HK", 117.6, "2022-03-23 16:08", final=True)
NEW_YORK = quoted("BABA", 115.0, "2022-03-24 04:00", final=True)
RATE = quoted("HKD=X", 7.83, "2022-03-24 03:59")


def told(
    now: str,
    hong_kong: Quote = CLOSED,
    new_york: Quote = NEW_YORK,
    rate: Quote | None = RATE,
    schedule: Schedule = SCHEDULE,
) -> Premium:
    return premium(BABA, Prices(hong_kong, new_york, rate), schedule, at(now))


def over(hong_kong: float, new_york: float = 115.0, rate: float = 7.83, ratio: int = 8) -> float:
    return (new_york * rate / (ratio * hong_kong) - 1) * 100


@pytest.mark.parametrize("schedule", [SCHEDULE, Schedule({})], ids=["with a calendar", "without"])
def test_before_hong_kong_opens_new_yorks_close_is_the_implied_gap(schedule: Schedule) -> None:
    found = told("2022-03-24 08:00", schedule=schedule)
    assert (found.measure, found.why_not) == ("implied gap", "")
    assert found.pct == pytest.approx(over(117.6))
    assert found.implied == pytest.approx(115.0 * 7.83 / 8)
    assert found.until == at("2022-03-24 09:30")


def test_over_a_weekend_the_implied_gap_holds_until_monday() -> None:
    friday = quoted("9988.HK", 100.0, "2022-03-25 16:08", final=True)
    rate = quoted("HKD=X", 7.83, "2022-03-26 05:00")
    found = told("2022-03-27 12:00", friday, quoted("BABA", 110.0, "2022-03-26 04:00", final=True), rate)
    assert (found.measure, found.until) == ("implied gap", at("2022-03-28 09:30"))


def test_over_hong_kongs_holiday_the_implied_gap_holds_until_it_opens_again() -> None:
    monday = quoted("9988.HK", 100.0, "2022-04-04 16:08", final=True)
    tuesday = quoted("BABA", 110.0, "2022-04-06 04:00", final=True)
    found = told("2022-04-06 08:00", monday, tuesday, quoted("HKD=X", 7.83, "2022-04-06 04:00"))
    assert (found.measure, found.until) == ("implied gap", at("2022-04-06 09:30"))


def test_once_hong_kong_has_opened_the_implied_gap_is_over_though_its_first_price_is_still_late() -> None:
    found = told("2022-03-24 09:31")
    assert (found.pct, found.why_not) == (None, "Hong Kong has opened since its last price here")


def test_for_a_quarter_of_an_hour_the_opening_price_is_compared() -> None:
    opened = quoted("9988.HK", 113.0, "2022-03-24 09:40", open=112.0, delay=15)
    found = told("2022-03-24 09:55", opened)
    assert (found.measure, found.hong_kong_price, found.until) == (
        "premium at open",
        112.0,
        at("2022-03-24 09:45"),
    )
    assert found.pct == pytest.approx(over(112.0))


@pytest.mark.parametrize(
    "made,now", [("2022-03-24 09:46", "2022-03-24 10:01"), ("2022-03-24 09:40", "2022-03-24 11:00")]
)
def test_after_it_the_last_price_is_compared_and_is_called_no_more_than_a_premium(
    made: str, now: str
) -> None:
    found = told(now, quoted("9988.HK", 113.0, made, open=112.0, delay=15))
    assert (found.measure, found.hong_kong_price, found.until) == ("premium", 113.0, None)
    assert found.pct == pytest.approx(over(113.0))


def test_while_new_york_trades_its_price_is_no_close() -> None:
    found = told("2022-03-23 23:00", new_york=quoted("BABA", 112.0, "2022-03-23 23:00"))
    assert found.measure == "premium"
    assert found.pct == pytest.approx(over(117.6, 112.0))


def test_where_new_york_kept_a_holiday_there_is_no_implied_gap_and_no_premium_at_the_open() -> None:
    friday = quoted("BABA", 110.0, "2022-05-28 04:00", final=True)
    rate = quoted("HKD=X", 7.83, "2022-05-31 09:00")
    monday = quoted("9988.HK", 100.0, "2022-05-30 16:08", final=True)
    assert told("2022-05-31 08:00", monday, friday, rate).measure == "premium"
    tuesday = quoted("9988.HK", 101.0, "2022-05-31 09:35", open=102.0)
    found = told("2022-05-31 09:36", tuesday, friday, rate)
    assert found.pct is None
    assert "New York has not traded since the Hong Kong close" in found.why_not


@pytest.mark.parametrize(
    "hong_kong,new_york,why",
    [
        (replace(CLOSED, final=False), NEW_YORK, "Hong Kong’s official close is not here yet"),
        (CLOSED, replace(NEW_YORK, time=CLOSED.time), "neither side has traded after the other"),
        (
            quoted("9988.HK", 113.0, "2022-03-24 09:40", open=112.0),
            replace(NEW_YORK, final=False),
            "New York’s official close is not here yet",
        ),
        (quoted("9988.HK", 113.0, "2022-03-24 09:40"), NEW_YORK, "Hong Kong’s opening price is not known"),
        (quoted("9988.HK", 113.0, "2022-01-14 16:08", final=True), NEW_YORK, "Hong Kong has opened since"),
    ],
)
def test_where_the_prices_do_not_follow_each_other_it_is_not_defined(
    hong_kong: Quote, new_york: Quote, why: str
) -> None:
    now = max(hong_kong.time, new_york.time) + timedelta(minutes=1)
    found = premium(BABA, Prices(hong_kong, new_york, RATE), SCHEDULE, now)
    assert found.pct is None
    assert why in found.why_not


@pytest.mark.parametrize(
    "rate,why",
    [
        (None, "USD/HKD is not known"),
        (quoted("HKD=X", 7.83, "2022-03-22 20:00"), "older than the prices by more than a day"),
        (quoted("HKD=X", 0.1277, "2022-03-24 03:59"), "far from where Hong Kong keeps it"),
    ],
)
def test_without_a_rate_that_can_be_trusted_there_is_no_number(rate: Quote | None, why: str) -> None:
    found = told("2022-03-24 08:00", rate=rate)
    assert (found.pct, found.implied) == (None, None)
    assert why in found.why_not


@pytest.mark.parametrize("day,ratio", [(date(2022, 4, 7), 1), (date(2022, 4, 8), 10)])
def test_a_ratio_is_that_of_new_yorks_day(day: date, ratio: int) -> None:
    edu = pair("EDU", day)
    here = Quote("9901.HK", 10.0, day, at(f"{day} 16:08"), at(f"{day} 16:08"), "Yahoo", final=True)
    there = Quote(
        "EDU", 10.0 * ratio / 7.83, day, here.time + timedelta(hours=12), here.time, "Yahoo", final=True
    )
    rate = replace(RATE, time=there.time)
    found = premium(edu, Prices(here, there, rate), SCHEDULE, there.time)
    assert found.measure == "implied gap"
    assert found.pct == pytest.approx(0, abs=1e-9)


def test_what_is_listed_once_has_no_premium() -> None:
    said = {
        symbol: str(has_no_twin(CATALOGUE[symbol], known=True)) for symbol in ("PDD", "0700.HK", "HSTECH")
    }
    assert said == {
        "PDD": "PDD (PDD) has no Hong Kong line, so there is no premium.",
        "0700.HK": "No New York line of Tencent (0700.HK) is known here, so there is no premium.",
        "HSTECH": "HSTECH (HSTECH) is no company’s share, and only those have a premium.",
    }
    assert pair_of(TWINS, CATALOGUE, CATALOGUE["PDD"], at("2022-03-24 08:00")) is None


def test_levels_that_were_not_traded_are_neither_compared_nor_shown() -> None:
    found = told("2022-03-24 08:00", new_york=replace(NEW_YORK, adjusted=True))
    assert (found.pct, found.implied) == (None, None)
    assert "dividend-adjusted" in found.why_not
    assert "115" not in plain(premium_message(found))


PRICES = st.floats(0.01, 10_000)
MOMENTS = st.sampled_from(["2022-03-23 20:00", "2022-03-24 04:00", "2022-03-24 08:00", "2022-03-24 09:29"])


@given(PRICES, PRICES, st.floats(0.01, 100), MOMENTS)
def test_a_premium_does_not_depend_on_how_large_both_prices_are(
    here: float, there: float, scale: float, now: str
) -> None:
    prices = [
        told(now, replace(CLOSED, price=here * by), replace(NEW_YORK, price=there * by)) for by in (1, scale)
    ]
    assert prices[0].pct is not None
    assert prices[0].pct == pytest.approx(prices[1].pct, rel=1e-9, abs=1e-9)


@given(st.integers(-10_000, 10_000), st.booleans(), st.booleans())
def test_it_is_a_number_only_where_one_side_has_traded_after_the_other(
    minutes: int, hong_kong_closed: bool, new_york_closed: bool
) -> None:
    there = replace(NEW_YORK, time=CLOSED.time + timedelta(minutes=minutes), final=new_york_closed)
    here = replace(CLOSED, final=hong_kong_closed)
    now = max(here.time, there.time)
    found = premium(BABA, Prices(here, there, replace(RATE, time=now)), SCHEDULE, now)
    assert (found.pct is None) == bool(found.why_not)
    if found.pct is not None:
        assert minutes != 0
        after, before = (there, here) if minutes > 0 else (here, there)
        assert after.time > before.time
        assert before.final
    if found.measure == "implied gap" and found.pct is not None:
        assert here.final
        assert there.final
        assert there.time > here.time


def test_the_answer_names_everything_that_the_figure_rests_on() -> None:
    assert plain(premium_message(told("2022-03-24 08:00"))).splitlines() == [
        "Alibaba US BABA over 9988.HK: implied gap −4.29%",
        "New York: US$115.00, close of 23 Mar 2022",
        "Hong Kong: HK$117.60, close of 23 Mar 2022",
        "New York’s price amounts to HK$112.56 a Hong Kong share",
        "One BABA stands for 8 shares of 9988.HK (since 26 Nov 2019)",
        "USD/HKD 7.8300, 03:59 HKT, 24 Mar 2022",
        "Implied gap: New York’s last close against Hong Kong’s last close, until 09:30 HKT",
        "Source: Yahoo",
    ]


def test_an_answer_without_a_figure_says_why_first_and_still_names_the_prices() -> None:
    assert plain(premium_message(told("2022-03-24 08:00", rate=None))).splitlines() == [
        "Alibaba US BABA over 9988.HK: implied gap not defined",
        "USD/HKD is not known.",
        "New York: US$115.00, close of 23 Mar 2022",
        "Hong Kong: HK$117.60, close of 23 Mar 2022",
        "One BABA stands for 8 shares of 9988.HK (since 26 Nov 2019)",
        "Source: Yahoo",
    ]
