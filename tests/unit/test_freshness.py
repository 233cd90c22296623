from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.alert import Move, Seen
from bot.market.extremes import Extreme
from bot.market.freshness import STALE_AFTER, Freshness, State, freshness
from bot.market.instrument import Instrument, bare_instrument
from bot.market.limits import limit_reached
from bot.market.quote import Quote
from bot.market.schedule import Closure, Exchange, Schedule
from bot.messages.freshness import when_made
from bot.messages.provenance import provenance
from bot.rules.crossing import Crossing
from bot.sources.calendars import load_schedule
from bot.sources.folder import read_folder
from tests.unit.test_schedule import (
    FRIDAY,
    MONDAY,
    SATURDAY,
    SUNDAY,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    full_day,
    half_day,
    late_day,
)

HK = ZoneInfo("Asia/Hong_Kong")
LONDON = ZoneInfo("Europe/London")
XIAOMI = bare_instrument("1810.HK")
HSI = replace(bare_instrument("^HSI"), exchange="XHKG", currency="HKD", short="HSI")
CSI = replace(bare_instrument("000300.SS"), kind="index", short="CSI 300")
TOYOTA = Instrument("7203.T", "stock", "XTKS", "JPY", "Toyota")
KWEICHOW = bare_instrument("600519.SS")
# Tuesday is a half day, Wednesday a holiday, Thursday begins late and on Friday there is a storm.
WEEK = Schedule(
    {
        "XHKG": Exchange(
            "Asia/Hong_Kong",
            MONDAY,
            SUNDAY,
            (full_day(MONDAY), half_day(TUESDAY), late_day(THURSDAY)),
            (Closure(FRIDAY, "storm"),),
        )
    }
)


def hk(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), HK).astimezone(UTC)


def quoted(
    made: datetime,
    instrument: Instrument = XIAOMI,
    *,
    delay: int = 0,
    final: bool = False,
    price: float = 14.78,
    previous: float | None = None,
) -> Quote:
    session = made.astimezone(HK).date()
    received = made + timedelta(minutes=delay)
    return Quote(
        instrument.symbol,
        price,
        session,
        made,
        received,
        "Yahoo",
        delay,
        final=final,
        previous_close=previous,
    )


def told(
    made: datetime, now: datetime, instrument: Instrument = XIAOMI, *, delay: int = 0, final: bool = False
) -> str:
    quote = quoted(made, instrument, delay=delay, final=final)
    return when_made(quote, instrument, freshness(quote, instrument, WEEK, now), None)


class TestWithinASession:
    @pytest.mark.parametrize(
        "made,now,delay,state",
        [
            ("09:45", "09:46", 0, "fresh"),
            ("09:45", "10:01", 15, "delayed"),
            ("09:45", "10:10", 15, "delayed"),
            ("09:45", "10:11", 15, "stale"),
            ("09:45", "09:55", 0, "fresh"),
            ("09:45", "09:56", 0, "stale"),
            ("09:20", "09:25", 0, "fresh"),
            ("09:20", "09:40", 0, "fresh"),
            ("09:20", "09:41", 0, "stale"),
            ("11:59", "13:05", 0, "fresh"),
            ("11:59", "13:24", 15, "delayed"),
            ("11:59", "13:25", 15, "stale"),
            ("15:50", "16:05", 15, "closed"),
        ],
    )
    def test_only_trading_makes_a_price_old(self, made: str, now: str, delay: int, state: State) -> None:
        quote = quoted(hk(MONDAY, made), delay=delay)
        assert freshness(quote, XIAOMI, WEEK, hk(MONDAY, now)).state == state

    def test_the_delay_is_the_quote_s_own_and_what_goes_beyond_it_is_counted(self) -> None:
        made, now = hk(MONDAY, "11:50"), hk(MONDAY, "13:20")
        assert freshness(quoted(made, delay=15), XIAOMI, WEEK, now) == Freshness(
            "stale", 15, 15.0, "Asia/Hong_Kong"
        )
        assert freshness(quoted(made, delay=30), XIAOMI, WEEK, now) == Freshness(
            "delayed", 30, 0.0, "Asia/Hong_Kong"
        )


class TestAtTheClose:
    def test_a_delayed_price_of_15_58_seen_at_16_13_is_of_the_session_and_not_its_close(self) -> None:
        assert told(hk(MONDAY, "15:58"), hk(MONDAY, "16:13"), delay=15) == (
            "Closed, last seen 15:58 HKT, 4 Mar 2024, 15 min delayed, not the official close"
        )

    def test_the_official_close_is_what_the_source_s_rule_says_it_is(self) -> None:
        assert told(hk(MONDAY, "16:08"), hk(MONDAY, "16:26"), delay=15, final=True) == (
            "Closed, official close 4 Mar 2024, 16:08 HKT"
        )

    def test_it_stays_the_official_close_over_night_holiday_and_storm(self) -> None:
        close = quoted(hk(TUESDAY, "12:09"), final=True)
        for now in (hk(TUESDAY, "15:00"), hk(WEDNESDAY, "10:00"), hk(THURSDAY, "10:00")):
            assert freshness(close, XIAOMI, WEEK, now).state == "official close"
        close = quoted(hk(THURSDAY, "16:09"), final=True)
        for now in (hk(FRIDAY, "10:00"), hk(SATURDAY, "10:00")):
            assert freshness(close, XIAOMI, WEEK, now).state == "official close"

    def test_a_day_whose_close_never_came_is_closed_and_nothing_more(self) -> None:
        assert freshness(quoted(hk(TUESDAY, "11:58")), XIAOMI, WEEK, hk(WEDNESDAY, "10:00")).state == "closed"


class TestAfterAnEarlierSession:
    def test_until_the_first_price_can_have_come_there_is_none_yet(self) -> None:
        close = quoted(hk(MONDAY, "16:08"), delay=15, final=True)
        states = [
            freshness(close, XIAOMI, WEEK, hk(TUESDAY, clock)).state
            for clock in ("09:19", "09:20", "09:55", "09:56")
        ]
        assert states == ["official close", "before the open", "before the open", "halted"]
        waiting = freshness(close, XIAOMI, WEEK, hk(TUESDAY, "09:40"))
        assert when_made(close, XIAOMI, waiting, None) == (
            "No price of this session yet: official close 4 Mar 2024, 16:08 HKT"
        )

    def test_a_share_without_a_trade_in_a_session_long_open_is_halted(self) -> None:
        assert told(hk(MONDAY, "10:12"), hk(TUESDAY, "10:30"), delay=15) == (
            "No trade since 4 Mar 2024, 10:12 HKT"
        )
        assert told(hk(MONDAY, "16:08"), hk(WEDNESDAY, "10:30"), final=True) == (
            "No trade since 4 Mar 2024, 16:08 HKT"
        )

    def test_nobody_halts_an_index(self) -> None:
        assert told(hk(MONDAY, "16:08"), hk(TUESDAY, "10:30"), HSI) == (
            "Stale: 16:08 HKT is 60 minutes of trading old (4 Mar 2024)"
        )

    def test_a_share_halted_for_longer_than_the_schedule_is_known_is_halted(self) -> None:
        assert told(hk(date(2024, 1, 12), "16:10"), hk(MONDAY, "10:30"), final=True) == (
            "No trade since 12 Jan 2024, 16:10 HKT"
        )


class TestWhereTheHoursAreNotKnown:
    @pytest.mark.parametrize("now", ["2024-03-02T10:00+00:00", "2024-03-04T21:00+00:00"])
    def test_no_price_is_called_closed_or_old_by_guess(self, now: str) -> None:
        moment = datetime.fromisoformat(now)
        made = moment - timedelta(hours=3)
        state = freshness(quoted(made, TOYOTA, delay=20), TOYOTA, WEEK, moment)
        assert (state.state, state.behind, state.unjudged) == ("delayed", 0.0, 160.0)
        words = when_made(quoted(made, TOYOTA, delay=20), TOYOTA, state, None)
        assert words.endswith("20 min delayed, received 2 hours ago, trading hours not known")

    def test_a_price_that_has_just_come_is_given_with_its_time_only(self) -> None:
        made = datetime(2024, 3, 4, 1, 30, tzinfo=UTC)
        state = freshness(quoted(made, TOYOTA), TOYOTA, WEEK, made + timedelta(minutes=1))
        assert when_made(quoted(made, TOYOTA), TOYOTA, state, None) == "01:30 UTC, 4 Mar 2024"

    def test_what_the_source_calls_final_is(self) -> None:
        made = datetime(2024, 3, 4, 6, tzinfo=UTC)
        state = freshness(quoted(made, TOYOTA, final=True), TOYOTA, WEEK, made + timedelta(days=2))
        assert state.state == "official close"

    def test_a_day_beyond_the_schedule_is_not_known_either(self) -> None:
        now = hk(SUNDAY + timedelta(days=1), "10:30")
        assert freshness(quoted(hk(THURSDAY, "15:00")), XIAOMI, WEEK, now).unjudged is not None


class TestWords:
    def test_another_offset_of_the_chat_s_stands_in_brackets(self) -> None:
        quote = quoted(hk(MONDAY, "09:47"), delay=15)
        late = Freshness("delayed", 15, 0.0, "Asia/Hong_Kong")
        assert when_made(quote, XIAOMI, late, LONDON) == ("09:47 HKT (01:47 GMT), 4 Mar 2024, 15 min delayed")
        assert when_made(quote, XIAOMI, late, ZoneInfo("Asia/Singapore")) == (
            "09:47 HKT, 4 Mar 2024, 15 min delayed"
        )

    def test_an_exchange_elsewhere_goes_by_its_own_zone_and_date(self) -> None:
        made = datetime(2024, 3, 3, 23, 30, tzinfo=UTC)
        state = Freshness("fresh", 0, 0.0, "Asia/Tokyo")
        assert when_made(quoted(made, TOYOTA), TOYOTA, state, None) == "08:30 JST, 4 Mar 2024"
        assert when_made(quoted(made, TOYOTA), TOYOTA, state, HK) == "08:30 JST (07:30 HKT), 4 Mar 2024"

    def test_a_stale_price_says_how_much_trading_it_has_missed(self) -> None:
        assert told(hk(MONDAY, "09:47"), hk(MONDAY, "10:10")) == (
            "Stale: 09:47 HKT is 23 minutes of trading old (4 Mar 2024)"
        )
        assert told(hk(MONDAY, "09:47"), hk(MONDAY, "10:27"), delay=15) == (
            "Stale: 09:47 HKT is 40 minutes of trading old (4 Mar 2024, 15 min delayed)"
        )

    def test_a_share_that_stands_still_for_long_has_had_no_trade_and_an_index_is_stale(self) -> None:
        made, now = hk(MONDAY, "10:12"), hk(MONDAY, "14:42")
        assert told(made, now) == "No trade since 10:12 HKT, 3 hours of trading ago (4 Mar 2024)"
        assert told(made, now, HSI) == "Stale: 10:12 HKT is 3 hours of trading old (4 Mar 2024)"

    def test_a_reconstructed_price_is_called_so_and_is_not_received_at_any_time(self) -> None:
        quote = replace(quoted(hk(MONDAY, "10:12")), reconstructed=True)
        state = freshness(quote, XIAOMI, Schedule({}), hk(MONDAY, "11:00"))
        assert when_made(quote, XIAOMI, state, None) == "10:12 HKT, 4 Mar 2024, reconstructed"


class TestLimits:
    @pytest.mark.parametrize(
        "symbol,previous,price,limit",
        [
            ("600519.SS", 10.05, 11.06, "limit up"),
            ("600519.SS", 10.05, 11.05, None),
            ("600519.SS", 10.05, 9.05, "limit down"),
            ("600519.SS", 10.05, 9.04, None),
            ("600519.SS", 10.05, 12.06, None),
            ("000001.SZ", 3.33, 3.66, "limit up"),
            ("000001.SZ", 3.33, 3.0, "limit down"),
            ("688981.SS", 43.21, 51.85, "limit up"),
            ("688981.SS", 43.21, 47.53, None),
            ("689009.SS", 30.03, 24.02, "limit down"),
            ("300750.SZ", 198.88, 238.66, "limit up"),
            ("301236.SZ", 50.0, 60.0, "limit up"),
            ("302132.SZ", 50.0, 55.0, None),
            ("000300.SS", 4000.0, 4400.0, None),
            ("399006.SZ", 2000.0, 2400.0, None),
            ("510300.SS", 4.0, 4.4, None),
            ("159915.SZ", 2.0, 2.4, None),
            ("900901.SS", 0.5, 0.55, None),
            ("1810.HK", 10.0, 11.0, None),
            ("BABA", 100.0, 110.0, None),
        ],
    )
    def test_a_mainland_share_s_limit_is_rounded_to_the_cent_with_halves_up(
        self, symbol: str, previous: float, price: float, limit: str | None
    ) -> None:
        exchange = bare_instrument(symbol).exchange
        assert limit_reached(symbol, exchange, date(2024, 3, 4), price, previous) == limit

    def test_beijing_s_limit_is_thirty_per_cent(self) -> None:
        assert limit_reached("832000.BJ", "BJSE", date(2024, 3, 4), 13.0, 10.0) == "limit up"

    def test_chinext_had_the_main_board_s_limit_until_august_2020(self) -> None:
        assert limit_reached("300750.SZ", "XSHE", date(2020, 8, 21), 11.0, 10.0) == "limit up"
        assert limit_reached("300750.SZ", "XSHE", date(2020, 8, 24), 11.0, 10.0) is None

    def test_without_a_previous_close_there_is_no_limit(self) -> None:
        for previous in (None, 0.0, -1.0):
            assert limit_reached("600519.SS", "XSHG", date(2024, 3, 4), 11.0, previous) is None

    @given(cents=st.integers(1, 300_000))
    def test_up_and_down_are_as_far_apart_as_exact_arithmetic_has_them(self, cents: int) -> None:
        up, down = (11 * cents + 5) // 10 / 100, (9 * cents + 5) // 10 / 100
        previous = cents / 100
        for price, limit in ((up, "limit up"), (down, "limit down")):
            if up != down:
                assert limit_reached("600519.SS", "XSHG", date(2024, 3, 4), price, previous) == limit

    def test_a_share_at_its_limit_is_told_so_before_and_after_the_close(self) -> None:
        schedule = Schedule({"XSHG": WEEK.exchanges["XHKG"]})
        made = hk(MONDAY, "10:12")
        live = quoted(made, KWEICHOW, price=11.06, previous=10.05)
        state = freshness(live, KWEICHOW, schedule, made)
        assert when_made(live, KWEICHOW, state, None) == "Limit up, 10:12 Shanghai, 4 Mar 2024"
        close = quoted(hk(MONDAY, "16:10"), KWEICHOW, price=9.05, final=True)
        state = freshness(close, KWEICHOW, schedule, hk(MONDAY, "17:00"), 10.05)
        assert when_made(close, KWEICHOW, state, None) == (
            "Closed limit down, official close 4 Mar 2024, 16:10 Shanghai"
        )
        assert freshness(live, KWEICHOW, schedule, hk(MONDAY, "10:30")).state == "stale"


def move(symbol: str, price: float, previous: float, note: str = "") -> Move:
    made = hk(MONDAY, "10:12")
    crossing = Crossing(
        rule="stock_day",
        revision="1",
        symbol=symbol,
        session=MONDAY,
        time=made,
        measure="day change",
        direction="up",
        episode=str(MONDAY),
        compared_with="close",
        reference=Extreme(previous, MONDAY - timedelta(days=3)),
        trigger="touch",
        steps=(7.0,),
        passed=(),
        before=0.0,
        ahead=(),
        level=previous * 1.07,
        value=(price / previous - 1) * 100,
        price=price,
        last=price,
        final=False,
        seen_by="quote",
        adjusted=False,
    )
    seen = Seen("Yahoo", made, 15, note=note)
    return Move(crossing, symbol, {}, "CN", "CNY", seen, previous_close=previous)


class TestAlerts:
    def test_an_alert_says_that_the_price_is_at_its_limit_and_what_else_to_know_of_it(self) -> None:
        assert provenance([move("600519.SS", 11.06, 10.05, "held for 2 min, and seen again")], None) == (
            "Market time 10:12 Shanghai, 4 Mar 2024, 15 min delayed, Yahoo. "
            "Limit up. Held for 2 min, and seen again"
        )

    def test_of_several_each_is_named(self) -> None:
        moves = [
            move("600519.SS", 11.06, 10.05, "held"),
            move("000001.SZ", 3.66, 3.33),
            move("300750.SZ", 11.0, 10.0),
        ]
        assert provenance(moves, None).partition("Yahoo")[2] == (
            ". Limit up: 600519.SS and 000001.SZ. 600519.SS: held"
        )

    def test_an_ordinary_price_has_nothing_added(self) -> None:
        assert provenance([move("600519.SS", 11.0, 10.05)], None).endswith("15 min delayed, Yahoo")


@pytest.fixture(scope="module")
def schedule() -> Schedule:
    return load_schedule(("XHKG", "XSHG"), date(2020, 12, 1), date(2024, 12, 31))


@pytest.fixture(scope="module")
def traded(prices: Path) -> dict[str, set[date]]:
    """The sessions of Hong Kong and Shanghai in the recorded bars."""
    series = read_folder(prices).series
    return {
        each.symbol: {day for day in series[each.symbol].sessions if day >= date(2021, 1, 1)}
        for each in (HSI, CSI)
    }


class TestTheCalendar:
    def alone(
        self, traded: dict[str, set[date]], open_: Instrument, shut: Instrument
    ) -> Iterator[tuple[date, date]]:
        """Give the days on which only one of two traded, with the other's last session before."""
        for day in sorted(traded[open_.symbol] - traded[shut.symbol]):
            earlier = [each for each in traded[shut.symbol] if each < day]
            if earlier:
                yield day, max(earlier)

    @pytest.mark.parametrize("open_,shut,days", [(HSI, CSI, 18), (CSI, HSI, 11)])
    def test_where_one_market_is_shut_while_the_other_trades_its_close_keeps_its_own_date(
        self, schedule: Schedule, traded: dict[str, set[date]], open_: Instrument, shut: Instrument, days: int
    ) -> None:
        found = list(self.alone(traded, open_, shut))
        assert len(found) == days
        for day, last in found:
            # One of these mornings was lost to a rainstorm.
            opens = schedule.exchanges[open_.exchange].on(day)
            assert opens is not None
            now = opens.opens + timedelta(minutes=30)
            here, there = quoted(now, open_), quoted(hk(last, "16:10"), shut, final=True)
            assert freshness(here, open_, schedule, now).state == "fresh"
            state = freshness(there, shut, schedule, now)
            assert state.state == "official close"
            written = f"{last.day} {last:%b %Y}"
            assert when_made(there, shut, state, None).startswith(f"Closed, official close {written}, ")

    def test_in_shanghai_s_longer_break_its_prices_do_not_age(self, schedule: Schedule) -> None:
        day = date(2022, 3, 23)
        quote = quoted(hk(day, "11:29"), CSI, delay=15)
        for clock in ("11:55", "12:59", "13:20"):
            assert freshness(quote, CSI, schedule, hk(day, clock)).state == "delayed"
        assert freshness(quote, CSI, schedule, hk(day, "13:25")).state == "stale"
        assert freshness(quoted(hk(day, "15:00"), CSI), CSI, schedule, hk(day, "15:30")).state == "closed"

    def test_on_a_half_day_a_price_of_12_05_is_not_the_official_close_and_one_of_12_09_is(
        self, schedule: Schedule
    ) -> None:
        day = date(2021, 12, 24)
        noon = quoted(hk(day, "11:58"), HSI, delay=15)
        assert freshness(noon, HSI, schedule, hk(day, "11:59")).state == "delayed"
        within = quoted(hk(day, "12:05"), HSI, delay=15)
        for clock in ("12:06", "12:20", "14:00"):
            assert freshness(within, HSI, schedule, hk(day, clock)).state == "closed"
        close = quoted(hk(day, "12:09"), HSI, delay=15, final=True)
        assert freshness(close, HSI, schedule, hk(day, "12:26")).state == "official close"

    def test_a_day_lost_to_a_storm_before_2024_is_closed_and_makes_no_price_old(
        self, schedule: Schedule
    ) -> None:
        day, before = date(2021, 10, 13), date(2021, 10, 12)
        close, last = quoted(hk(before, "16:08"), final=True), quoted(hk(before, "15:58"))
        assert freshness(close, XIAOMI, schedule, hk(day, "11:00")).state == "official close"
        assert freshness(last, XIAOMI, schedule, hk(day, "11:00")).state == "closed"

    def test_since_23_september_2024_a_day_without_prices_is_never_called_closed(
        self, schedule: Schedule
    ) -> None:
        days = schedule.sessions_between("XHKG", date(2024, 9, 23), date(2024, 12, 31))
        # Typhoon Toraji: number eight was up, and the exchange traded.
        assert date(2024, 11, 14) in {each.session for each in days}
        for each in days:
            before = schedule.previous("XHKG", each.session)
            assert before is not None
            now = each.opens + timedelta(hours=1)
            for instrument, state in ((HSI, "stale"), (XIAOMI, "halted")):
                close = quoted(before.settled, instrument, delay=15, final=True)
                assert freshness(close, instrument, schedule, now).state == state


# Every minute of the week, from Monday's midnight in Hong Kong on.
MINUTES = st.integers(0, 7 * 24 * 60 - 1)


def minute(number: int) -> datetime:
    return hk(MONDAY, "00:00") + timedelta(minutes=number)


OPEN = tuple(WEEK.phase_at("XHKG", minute(number)) == "open" for number in range(7 * 24 * 60))


@given(made=MINUTES, later=MINUTES, delay=st.integers(0, 60), final=st.booleans(), share=st.booleans())
def test_a_price_is_stale_only_after_its_delay_and_ten_minutes_of_trading(
    made: int, later: int, delay: int, final: bool, share: bool
) -> None:
    instrument = XIAOMI if share else HSI
    quote = quoted(minute(made), instrument, delay=delay, final=final)
    found = freshness(quote, instrument, WEEK, minute(later))
    traded = sum(OPEN[made:later])
    assert found.behind == max(traded - delay, 0)
    if found.state in {"stale", "halted"}:
        assert traded > delay + STALE_AFTER


@given(made=MINUTES, later=st.integers(0, 7 * 24 * 60 - 2), delay=st.integers(0, 60))
def test_what_a_price_is_behind_never_grows_while_the_exchange_is_closed(
    made: int, later: int, delay: int
) -> None:
    quote = quoted(minute(made), delay=delay)
    now, then = (freshness(quote, XIAOMI, WEEK, minute(each)).behind for each in (later, later + 1))
    assert 0 <= now <= then
    assert then <= now + 1 if OPEN[later] else then == now
