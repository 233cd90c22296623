from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Away
from bot.market.instrument import Instrument
from bot.market.quote import Quote, look_between
from bot.market.schedule import Exchange, Schedule, SessionHours
from bot.market.ticks import Refusal, Tick, Trust
from bot.pipeline.stream import Stream
from bot.sources.yahoo_stream import YahooStream
from tests.fakes.yahoo_stream import FakeYahooStream, pricing

DAY = date(2022, 3, 23)
HK = ZoneInfo("Asia/Hong_Kong")
HSTECH = Instrument("HSTECH", "index", "XHKG", "HKD", "HSTECH", sources={"yahoo": "HSTECH.HK"})
XIAOMI = Instrument("1810.HK", "stock", "XHKG", "HKD", "Xiaomi")


def at(clock: str, day: date = DAY) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=HK).astimezone(UTC)


def session(day: date) -> SessionHours:
    lunch = (at("12:00", day), at("13:00", day))
    return SessionHours(
        day, at("09:30", day), (lunch,), at("16:00", day), at("16:10", day), priced=at("09:20", day)
    )


SCHEDULE = Schedule(
    {
        "XHKG": Exchange(
            "Asia/Hong_Kong",
            date(2022, 3, 21),
            date(2022, 3, 25),
            tuple(session(date(2022, 3, day)) for day in range(21, 26)),
        )
    }
)
LOOKED = Quote(
    "1810.HK",
    14.78,
    DAY,
    at("10:00:00"),
    at("10:15:00"),
    "Yahoo",
    delay=15,
    open=15.04,
    high=15.48,
    low=14.70,
    previous_close=14.20,
    volume=100_000_000,
    note="held for 2 min",
)


def tick(price: float = 14.80, made: str = "10:00:30", *, late: float = 1, **more: object) -> Tick:
    """Make a tick that reaches us so many seconds after it was made."""
    moment = at(made)
    told = Tick("1810.HK", price, moment, moment + timedelta(seconds=late), "HKD")
    return replace(told, **more)  # type: ignore[arg-type]


def trust(*looks: Quote, instrument: Instrument = XIAOMI, schedule: Schedule = SCHEDULE) -> Trust:
    held = Trust(instrument, schedule)
    for each in looks:
        held.look(each)
    return held


def test_a_believed_tick_says_the_price_and_the_look_says_the_session() -> None:
    told = tick(14.80, volume=100_500_000.0, high=99.0, low=0.1)
    assert trust(LOOKED).believe(told) == replace(
        LOOKED, price=14.80, time=told.time, received=told.received, delay=0, volume=100_500_000.0, note=""
    )


def test_a_price_at_a_new_extreme_widens_the_range() -> None:
    held = trust(LOOKED)
    first, second = held.believe(tick(14.65)), held.believe(tick(14.66, "10:00:35"))
    assert isinstance(first, Quote)
    assert isinstance(second, Quote)
    assert (first.high, first.low) == (15.48, 14.65)
    assert (second.high, second.low) == (15.48, 14.65)


def test_an_extreme_that_the_stream_saw_being_made_counts() -> None:
    look = replace(LOOKED, high=14.80)
    held = trust(look)
    held.believe(tick(14.79, high=14.80))
    later = held.believe(tick(14.81, "10:00:32", high=14.85))
    assert isinstance(later, Quote)
    assert later.high == 14.85
    # It is new to whoever looked before, so a rule sees that it was reached.
    found = look_between(look, later)
    assert found is not None
    assert found.high == 14.85


@pytest.mark.parametrize("high", [148.5, 15.6, None, 14.5])
def test_an_extreme_that_a_price_could_not_have_reached_does_not_count(high: float | None) -> None:
    held = trust(replace(LOOKED, high=14.80))
    held.believe(tick(14.79, high=14.80))
    later = held.believe(tick(14.79, "10:00:32", high=high))
    assert isinstance(later, Quote)
    assert later.high == 14.80


def test_a_range_of_yesterday_that_the_stream_still_tells_does_not_count() -> None:
    opened = replace(LOOKED, time=at("09:30"), high=14.80, low=14.70)
    found = trust(opened).believe(tick(14.79, "09:30:05", high=14.88, low=14.62))
    assert isinstance(found, Quote)
    assert (found.high, found.low) == (14.80, 14.70)


def test_where_looks_know_no_range_a_tick_makes_none() -> None:
    found = trust(replace(LOOKED, high=None, low=None, volume=None)).believe(tick())
    assert isinstance(found, Quote)
    assert (found.high, found.low, found.volume) == (None, None, None)


@pytest.mark.parametrize("late, delay", [(0, 0), (59, 0), (-30, 0), (185, 3), (15 * 60, 15), (40 * 60, 15)])
def test_the_delay_is_never_more_than_the_price_is_old(late: float, delay: int) -> None:
    found = trust(LOOKED).believe(tick(late=late))
    assert isinstance(found, Quote)
    assert found.delay == delay


@pytest.mark.parametrize(
    "told, why",
    [
        (tick(147.80), "a leap"),
        (tick(1.478), "a leap"),
        (tick(389.0), "a leap"),
        (tick(15.40), "far from the last price"),
        (tick(14.20), "far from the last price"),
        (tick(14.80, currency="JPY"), "in another currency"),
        (tick(14.80, "09:59:59"), "older than one seen"),
        (tick(14.80, "09:10:00"), "outside the session"),
        (tick(14.80, "16:12:00"), "outside the session"),
        (replace(tick(), time=at("10:00:30", date(2022, 3, 22))), "outside the session"),
        (replace(tick(), time=at("10:00:30", date(2022, 3, 24))), "outside the session"),
        (replace(tick(), time=at("10:00:30", date(2022, 4, 24))), "outside the session"),
    ],
)
def test_a_tick_that_does_not_follow_on_is_left_to_the_next_look(told: Tick, why: Refusal) -> None:
    held = trust(LOOKED)
    assert held.believe(told) == why
    assert isinstance(held.believe(tick()), Quote)


def test_nothing_is_believed_before_the_first_look() -> None:
    assert trust().believe(tick()) == "not looked at yet"


def test_nothing_is_believed_after_the_official_close() -> None:
    close = replace(LOOKED, time=at("16:08:10"), received=at("16:26"), final=True)
    assert trust(close).believe(tick(14.78, "16:09:00")) == "after the official close"


def test_the_closing_auction_is_still_of_the_session() -> None:
    found = trust(replace(LOOKED, time=at("15:59:50"))).believe(tick(14.80, "16:08:20"))
    assert isinstance(found, Quote)
    assert not found.final


@pytest.mark.parametrize(
    "made, looked, price, believed",
    [
        # Over lunch nothing is traded, so a price an hour later is no farther than one a minute later.
        ("13:00:10", "11:59:50", 14.90, True),
        ("13:00:10", "11:59:50", 15.20, False),
        # A quarter of an hour of trading explains three per cent.
        ("10:15:00", "10:00:00", 15.20, True),
        # So does an hour in which nobody traded, but not more.
        ("11:00:00", "10:00:00", 15.20, True),
        ("11:00:00", "10:00:00", 15.60, False),
    ],
)
def test_a_price_may_be_as_far_as_trading_can_have_carried_it(
    made: str, looked: str, price: float, believed: bool
) -> None:
    found = trust(replace(LOOKED, time=at(looked))).believe(tick(price, made))
    assert isinstance(found, Quote) is believed


def test_a_fast_market_is_followed_tick_by_tick_while_looks_are_late() -> None:
    held = trust(LOOKED)
    for step in range(1, 11):
        # Eight per cent in less than two minutes: far from the look, near the tick before.
        price = round(14.78 * 1.008**step, 2)
        assert isinstance(held.believe(tick(price, f"10:0{step // 6}:{step % 6}0")), Quote)
    assert isinstance(trust(LOOKED).believe(tick(price, "10:01:40")), str)


def test_without_a_schedule_a_market_has_its_regular_hours() -> None:
    held = trust(LOOKED, schedule=Schedule({}))
    assert isinstance(held.believe(tick()), Quote)
    assert held.believe(tick(14.80, "16:20:00")) == "outside the session"


def test_where_hours_are_not_known_ticks_are_left_to_looks() -> None:
    rate = Instrument("CNH=X", "other", "XXXX", "CNH", "USD/CNH")
    assert trust(LOOKED, instrument=rate).believe(tick(currency=None)) == "outside the session"


def test_what_a_look_contradicts_is_not_believed_until_a_look_and_the_stream_agree() -> None:
    held = trust(LOOKED)
    assert isinstance(held.believe(tick(14.80, "10:00:30")), Quote)
    wrong = replace(LOOKED, price=14.20, time=at("10:00:40"))
    assert held.look(wrong) == tick(14.80, "10:00:30")
    # Not even what is near the look counts now.
    assert held.believe(tick(14.21, "10:00:50")) == "contradicted by looks"
    # A look that is repeated, or of before, is none.
    assert held.look(wrong) is None
    held.look(LOOKED)
    assert held.contradicted
    assert held.look(replace(LOOKED, price=14.22, time=at("10:01:40"))) is None
    assert isinstance(held.believe(tick(14.23, "10:01:50")), Quote)


def test_a_delayed_look_is_compared_with_what_the_stream_said_at_its_time() -> None:
    held = trust(LOOKED)
    for minute in range(1, 16):
        held.believe(tick(round(14.78 + minute * 0.05, 2), f"10:{minute:02}:00"))
    assert held.look(replace(LOOKED, price=14.84, time=at("10:01:30"))) is None
    assert not held.contradicted
    # The stream's last price, which it is nowhere near, is fourteen minutes later.
    assert held.look(replace(LOOKED, price=15.50, time=at("10:02:30"))) == tick(14.88, "10:02:00")


def test_a_stream_that_says_ten_times_the_price_is_contradicted_by_the_next_look() -> None:
    held = trust(LOOKED)
    held.believe(tick(147.80, "10:00:30"))
    held.look(replace(LOOKED, price=14.79, time=at("10:01:00")))
    assert held.contradicted


def test_a_new_session_begins_with_its_first_look() -> None:
    held = trust(LOOKED)
    held.believe(tick(14.80))
    tomorrow = date(2022, 3, 24)
    assert held.look(replace(LOOKED, session=tomorrow, time=at("09:30", tomorrow), price=15.90)) is None
    found = held.believe(replace(tick(15.91), time=at("09:30:05", tomorrow)))
    assert isinstance(found, Quote)
    assert (found.session, found.high) == (tomorrow, 15.91)


prices = st.floats(0.01, 1e5)


@given(
    price=prices,
    before=prices,
    seconds=st.floats(-40_000, 40_000),
    late=st.floats(-300, 40_000),
    high=st.none() | prices,
)
def test_a_believed_tick_is_of_the_session_no_older_and_no_leap(
    price: float, before: float, seconds: float, late: float, high: float | None
) -> None:
    look = replace(LOOKED, price=before, high=before, low=before, previous_close=before)
    moment = LOOKED.time + timedelta(seconds=seconds)
    told = replace(tick(price, high=high), time=moment, received=moment + timedelta(seconds=late))
    found = trust(look).believe(told)
    if isinstance(found, Quote):
        assert session(DAY).begins <= found.time <= session(DAY).settled + timedelta(minutes=1)
        assert found.time >= look.time
        assert before / 1.05 <= found.price <= before * 1.05
        assert found.low is not None
        assert found.high is not None
        assert found.low <= found.price <= found.high
        assert found.high <= max(before, price)
        assert 0 <= found.delay <= look.delay
        assert not found.final


@dataclass(slots=True)
class Told:
    """The quotes that were handed over, batch by batch."""

    batches: list[Sequence[Quote]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, quotes: Sequence[Quote]) -> None:
        self.batches.append(quotes)
        self.came.set()

    async def first(self, count: int) -> list[Quote]:
        """Wait until so many quotes were handed over in all."""
        async with asyncio.timeout(10):
            while len(quotes := [each for batch in self.batches for each in batch]) < count:
                self.came.clear()
                await self.came.wait()
        return quotes


@dataclass(slots=True)
class Scripted:
    """Ticks as a test hands them; it may end or fail."""

    hand: Callable[[Tick], None] = lambda _tick: None
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def follow(self, instruments: Sequence[Instrument], hand: Callable[[Tick], None]) -> None:
        self.hand = hand
        self.begun.set()
        await self.over


@asynccontextmanager
async def served(stream: Stream, told: Told) -> AsyncIterator[asyncio.Task[None]]:
    serving = asyncio.create_task(stream.serve(told))
    try:
        yield serving
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


def report(_event: str, **_facts: object) -> None:
    """Tell nobody."""


async def test_what_yahoo_streams_arrives_as_quotes_and_what_disagrees_never_does() -> None:
    now = at("10:00:31")
    async with FakeYahooStream() as yahoo:
        source = YahooStream(yahoo.url, lambda: now, report)
        stream = Stream(source, (HSTECH, XIAOMI), SCHEDULE, report, name=source.name, every=0)
        index = replace(
            LOOKED, symbol="HSTECH", price=4749.12, high=4883.76, low=4710.96, previous_close=4653.77
        )
        stream.polled([replace(LOOKED, source="Another"), index])
        told = Told()
        async with served(stream, told):
            await yahoo.subscribed()
            made = at("10:00:30")
            await yahoo.tell(pricing("HSTECH.HK", 47491.2, made))
            await yahoo.tell(pricing("HSTECH.HK", 4749.5, made, currency="USD"))
            await yahoo.tell(pricing("HSTECH.HK", 4749.6, at("09:59:00")))
            await yahoo.tell(pricing("HSTECH.HK", 4749.7, at("10:00:30", date(2022, 3, 22))))
            await yahoo.tell(pricing("1810.HK", 14.80, made, currency="HKD"))
            (quote,) = await told.first(1)
            assert (quote.symbol, quote.price, quote.delay, quote.source) == ("1810.HK", 14.80, 0, "Yahoo")
            await yahoo.tell(pricing("HSTECH.HK", 4750.01, at("10:00:31")))
            assert [each.price for each in await told.first(2)] == [14.80, 4750.01]
        await yahoo.until(lambda: yahoo.open == 0)


async def test_a_burst_of_ten_thousand_ticks_is_one_quote_a_symbol() -> None:
    source, told = Scripted(), Told()
    stream = Stream(source, (HSTECH, XIAOMI), SCHEDULE, report, every=0)
    stream.polled([LOOKED, replace(LOOKED, symbol="HSTECH")])
    async with served(stream, told):
        await source.begun.wait()
        for count in range(5000):
            late = timedelta(milliseconds=count)
            source.hand(replace(tick(), time=tick().time + late))
            source.hand(replace(tick(), symbol="HSTECH", time=tick().time + late))
        # The newest counts, whichever comes last.
        source.hand(tick())
        await told.first(2)
        source.hand(tick(14.81, "10:01:00"))
        quotes = await told.first(3)
    newest = tick().time + timedelta(milliseconds=4999)
    assert [(each.symbol, each.time) for each in quotes] == [
        ("1810.HK", newest),
        ("HSTECH", newest),
        ("1810.HK", at("10:01:00")),
    ]


async def test_what_comes_while_quotes_are_looked_at_is_handed_over_together_afterwards() -> None:
    source, told, gate = Scripted(), Told(), asyncio.Event()
    stream = Stream(source, (XIAOMI,), SCHEDULE, report, every=0)
    stream.polled([LOOKED])

    async def slowly(quotes: Sequence[Quote]) -> None:
        await told(quotes)
        await gate.wait()

    serving = asyncio.create_task(stream.serve(slowly))
    await source.begun.wait()
    source.hand(tick(14.80, "10:00:30"))
    await told.first(1)
    for second in range(31, 59):
        source.hand(tick(14.81, f"10:00:{second}"))
    gate.set()
    assert [each.time for each in await told.first(2)] == [at("10:00:30"), at("10:00:58")]
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_a_contradiction_and_its_end_are_reported_once_and_what_it_cost_is_counted() -> None:
    events: list[str] = []
    source, told = Scripted(), Told()
    stream = Stream(source, (XIAOMI,), SCHEDULE, lambda event, **_facts: events.append(event), every=0)
    stream.polled([LOOKED])
    async with served(stream, told):
        await source.begun.wait()
        source.hand(tick(14.80, "10:00:30"))
        await told.first(1)
        stream.polled([replace(LOOKED, price=14.20, time=at("10:01:00"))])
        stream.polled([replace(LOOKED, price=14.21, time=at("10:01:10"))])
        source.hand(tick(14.22, "10:01:20"))
        async with asyncio.timeout(10):
            while not stream.refused:  # noqa: ASYNC110 - nothing tells of what is not handed over
                await asyncio.sleep(0)
        stream.polled([replace(LOOKED, price=14.22, time=at("10:01:30"))])
        source.hand(tick(14.23, "10:01:40"))
        assert [each.price for each in await told.first(2)] == [14.80, 14.23]
    assert events == ["the stream is contradicted", "the stream is believed again"]
    assert stream.refused == {"contradicted by looks": 1}


async def test_whoever_counts_since_when_nothing_came_is_given_the_delay_of_looks() -> None:
    stream = Stream(Scripted(), (XIAOMI,), SCHEDULE, report)
    streamed = replace(LOOKED, delay=0)
    assert stream.with_delays_of_looks({"1810.HK": streamed}) == {"1810.HK": streamed}
    stream.polled([LOOKED])
    other = replace(streamed, symbol="9999.HK")
    assert stream.with_delays_of_looks({"1810.HK": streamed, "9999.HK": other}) == {
        "1810.HK": LOOKED,
        "9999.HK": other,
    }


async def test_a_look_that_fails_ends_the_stream_with_its_own_error() -> None:
    source = Scripted()
    stream = Stream(source, (XIAOMI,), SCHEDULE, report, every=0)
    stream.polled([LOOKED])

    async def look(quotes: Sequence[Quote]) -> None:
        raise Away("Redis does not answer.")

    serving = asyncio.create_task(stream.serve(look))
    await source.begun.wait()
    source.hand(tick())
    with pytest.raises(Away, match="does not answer"):
        await serving
    assert source.over.cancelled()


async def test_a_source_that_fails_ends_the_stream_with_its_own_error() -> None:
    source, told = Scripted(), Told()
    async with served(Stream(source, (XIAOMI,), SCHEDULE, report), told) as serving:
        await source.begun.wait()
        source.over.set_exception(Away("Nothing to follow."))
        with pytest.raises(Away, match="Nothing to follow"):
            await serving


async def test_a_cancellation_ends_it_within_a_second_and_hangs_up() -> None:
    async with FakeYahooStream() as yahoo:
        source = YahooStream(yahoo.url, lambda: at("10:00:31"), report)
        serving = asyncio.create_task(Stream(source, (XIAOMI,), SCHEDULE, report).serve(Told()))
        await yahoo.subscribed()
        serving.cancel()
        async with asyncio.timeout(1):
            with pytest.raises(asyncio.CancelledError):
                await serving
            await yahoo.until(lambda: yahoo.open == 0)
