"""Cases that every change must keep, on the recorded prices: in a replay, and looked at live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.alerts.alert import Alert
from bot.app.recorded import RecordedMarket
from bot.chat.stored import StoredMarket
from bot.chats.subscription import EVERYTHING
from bot.clock import machine_time
from bot.market.bars import Bar, Series
from bot.market.catalogue import Catalogue
from bot.market.extremes import Extreme
from bot.market.instrument import Instrument
from bot.market.measures import change_pct
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from bot.messages.answers import quote_message
from bot.messages.blocks import plain
from bot.messages.compose import compose
from bot.messages.words import day, listed
from bot.pipeline.deliver import Deliver
from bot.pipeline.fan_out import FanOut
from bot.pipeline.raising import Raiser
from bot.pipeline.watch import Watch
from bot.ports import Found
from bot.rules.backtest import ToldCrossing, backtest
from bot.rules.conditions import DayMove, Rule
from bot.rules.grammar import parse
from bot.sources.calendars import load_schedule
from bot.sources.yahoo_quotes import read_quotes
from bot.store import chats, lease
from bot.store import market as published
from bot.store.link import Link
from tests.cast import ALICE, NOW
from tests.conftest import ROOT
from tests.dispatching import dispatch_of
from tests.fakes.yahoo import quote as row
from tests.pipeline.scripted import crossings
from tests.pipeline.test_deliver import Wire, delivering, settled

HONG_KONG = ZoneInfo("Asia/Hong_Kong")
DELAY = 15
HSTECH, HSI, CSI_300 = "HSTECH", "^HSI", "000300.SS"
FIRST, LAST = date(2021, 1, 1), date(2022, 6, 30)
CRASH, EVE, REBOUND = date(2022, 3, 8), date(2021, 12, 24), date(2022, 3, 17)


def days(*written: str) -> tuple[date, ...]:
    months = (each.split() for each in written)
    return tuple(date.fromisoformat(f"{month}-{each}") for month, *rest in months for each in rest)


SHANGHAI_SHUT = days(
    "2021-02 11 16 17", "2021-05 03 04 05", "2021-09 20 21", "2021-10 04 05 06 07", "2022-01 03 31",
    "2022-02 04", "2022-04 04", "2022-05 03 04",
)  # fmt: skip
HONG_KONG_SHUT = days(
    "2021-04 02 06", "2021-05 19", "2021-07 01", "2021-09 22", "2021-10 13 14", "2021-12 27",
    "2022-04 15 18", "2022-05 09",
)  # fmt: skip


def at(session: date, clock: str) -> datetime:
    return datetime.fromisoformat(f"{session}T{clock}+08:00").astimezone(UTC)


@pytest.fixture(scope="module")
def market(prices: Path) -> RecordedMarket:
    return RecordedMarket.of(ROOT / "config.yaml", prices)


@pytest.fixture(scope="module")
def schedule() -> Schedule:
    return load_schedule(("XHKG", "XSHG"), date(2020, 12, 1), date(2022, 6, 30))


def told(market: RecordedMarket, rule: Rule, first: date, last: date) -> list[ToldCrossing]:
    """Return what a replay of the recorded bars tells under one rule."""
    return list(backtest([rule], market.catalogue, market.series, market.calendar, (first, last)).told)


def changed(market: RecordedMarket, words: str, others: str) -> Rule:
    """Return the drawdown rule of the default preset, with some of its words changed."""
    rule = next(each for each in market.settings.rules_of() if each.name == "drawdown")
    text = str(rule.condition)
    assert words in text
    return replace(rule, condition=parse(text.replace(words, others)))


def test_a_peak_that_rolls_off_its_window_begins_no_episode_and_tells_nothing_again(
    market: RecordedMarket,
) -> None:
    rule = changed(market, "window all", "window 52w")
    found = told(market, rule, date(2022, 2, 24), date(2022, 6, 13))
    # What is told is further down than ever before, and in the episode of the peak that rolled off.
    assert [(each.crossing.session, each.crossing.symbol, each.crossing.steps) for each in found] == [
        (date(2022, 3, 9), HSI, (30,)),
        (date(2022, 3, 11), "^HSCE", (40,)),
        (date(2022, 3, 15), HSTECH, (60,)),
    ]
    assert {each.crossing.episode.split()[1] for each in found} == {"2021-02-17"}
    assert found[-1].crossing.reference == Extreme(8676.33, date(2021, 3, 18))
    said = plain(compose([market.alert(found[-1].crossing, rule)]))
    assert "Reference moved: the 17 Feb 2021 peak is now older than 52 weeks" in said


@pytest.mark.parametrize(
    "trigger, session, seen_by, value, at_the_close",
    [
        ("touch", CRASH, "range", -60.09, -59.96),
        ("close", date(2022, 3, 11), "quote", -61.20, -61.20),
    ],
)
def test_a_close_short_of_sixty_per_cent_is_no_close_at_it_though_the_low_touched_it(
    market: RecordedMarket, trigger: str, session: date, seen_by: str, value: float, at_the_close: float
) -> None:
    rule = changed(market, "trigger touch", f"trigger {trigger}")
    found = [each.crossing for each in told(market, rule, CRASH, REBOUND)]
    (crossed,) = [each for each in found if each.symbol == HSTECH]
    assert (crossed.session, crossed.steps, crossed.seen_by) == (session, (60,), seen_by)
    assert crossed.value == pytest.approx(value, abs=0.005)
    assert change_pct(crossed.last, crossed.reference.value) == pytest.approx(at_the_close, abs=0.005)


@pytest.mark.parametrize(
    "symbol, session, compared",
    [
        # 18.66 is 25.0% above the low of that very bar, its close 13.6%.
        ("BILI", date(2022, 3, 14), [((10,), 16.96, Extreme(14.93, date(2022, 3, 14)))]),
        # 3,841.87 is 10.9% above it, the close 0.3%.
        (HSTECH, date(2022, 3, 15), []),
    ],
)
def test_of_a_bar_with_a_new_low_and_a_rebound_only_the_close_is_compared_with_that_low(
    market: RecordedMarket,
    symbol: str,
    session: date,
    compared: list[tuple[tuple[float, ...], float, Extreme]],
) -> None:
    text = "off low 10/20% reference intraday, trigger touch, window 52w, re-arm on new low"
    found = told(market, Rule("rebound", parse(text), frozenset({symbol})), session, session)
    assert [(each.steps, each.price, each.reference) for each in (one.crossing for one in found)] == compared


def test_the_days_on_which_one_market_trades_alone_are_those_of_the_calendars(
    market: RecordedMarket, schedule: Schedule
) -> None:
    hong_kong, shanghai = (
        {each for each in market.calendar.sessions[name] if each >= FIRST} for name in ("HK", "CN")
    )
    assert sorted(hong_kong - shanghai) == [*SHANGHAI_SHUT]
    assert sorted(shanghai - hong_kong) == [*HONG_KONG_SHUT]
    assert (len(SHANGHAI_SHUT), len(HONG_KONG_SHUT)) == (18, 11)
    assert {schedule.is_session("XSHG", each) for each in SHANGHAI_SHUT} == {False}
    assert {schedule.is_session("XHKG", each) for each in HONG_KONG_SHUT} == {False}


@pytest.mark.parametrize(
    "symbol, trading, shut", [(CSI_300, HSI, SHANGHAI_SHUT), (HSI, CSI_300, HONG_KONG_SHUT)]
)
def test_an_index_whose_market_is_closed_tells_nothing_and_is_compared_with_what_it_closed_at(
    market: RecordedMarket, symbol: str, trading: str, shut: tuple[date, ...]
) -> None:
    every_move = Rule("every move", parse("±0.1%"), frozenset({symbol, trading}))
    rules = (*market.settings.rules_of(), every_move)
    replayed = backtest(rules, market.catalogue, market.series, market.calendar, (FIRST, LAST)).told
    on = {
        name: {each.crossing.session for each in replayed if each.crossing.symbol == name}
        for name in (symbol, trading)
    }
    assert on[symbol].isdisjoint(shut)
    assert on[trading] >= {*shut}
    for closed in shut:
        before = market.quote(symbol, closed)
        after = market.quote(symbol, min(each for each in market.series[symbol].sessions if each > closed))
        assert before.bar.session < closed
        assert after.reference is not None
        assert (after.reference.value, after.reference.session) == (before.bar.close, before.bar.session)


@dataclass(frozen=True, slots=True)
class Bars:
    """A source of the recorded bars; its quotes are handed over."""

    series: dict[str, Series]
    name: str = "Yahoo"

    async def quotes(self, instruments: object) -> tuple[Quote, ...]:
        raise AssertionError(instruments)

    async def search(self, text: str) -> tuple[Found, ...]:
        raise AssertionError(text)

    async def history(self, instrument: Instrument, until: date) -> Series:
        held = self.series.get(instrument.symbol, Series(instrument.symbol, ()))
        return held.until(until - timedelta(days=1))


@dataclass(slots=True)
class Live:
    """A worker's watch over what was recorded, and what Yahoo would have said of it."""

    link: Link
    market: RecordedMarket
    schedule: Schedule
    watch: Watch
    raiser: Raiser

    async def tick(self, *quotes: Quote) -> list[Alert]:
        return list(await self.watch.tick(quotes, self.raiser))

    def quoted(self, symbol: str, price: float, made: datetime, received: datetime, **said: object) -> Quote:
        """Read what Yahoo says in a row about an instrument."""
        instrument = self.market.catalogue[symbol]
        told = row(instrument.symbol_at("yahoo"), price, made, delay=DELAY, **said)  # type: ignore[arg-type]
        told["currency"] = instrument.currency
        answer = {"quoteResponse": {"result": [told]}}
        quotes, left_out = read_quotes(answer, [instrument], received, self.schedule)
        assert left_out == ()
        (found,) = quotes
        return found


async def live(
    link: Link, market: RecordedMarket, schedule: Schedule, rules: Sequence[Rule], *symbols: str
) -> Live:
    catalogue = market.settings.catalogue()
    if symbols:
        catalogue = Catalogue.of([catalogue[each] for each in symbols])
    watch = Watch(
        link,
        Bars(market.series),
        rules,
        catalogue,
        machine_time,
        lambda _event, **_facts: None,
        schedule,
    )
    await watch.load()
    now = machine_time()
    raiser = Raiser(link, await lease.hold(link, "me", now, now + 60_000), machine_time)
    return Live(link, market, schedule, watch, raiser)


def bar_of(market: RecordedMarket, symbol: str, session: date) -> tuple[Bar, Bar]:
    """Return the bar of a session, and the one before it."""
    before, bar = market.series[symbol].until(session).bars[-2:]
    assert bar.session == session
    return before, bar


async def test_a_half_days_close_is_its_auctions_price_and_known_after_the_delay(
    link: Link, market: RecordedMarket, schedule: Schedule
) -> None:
    text = "off low 2% reference close, trigger close, window 52w, re-arm on new low"
    rule = Rule("at the close", parse(text), frozenset({HSI}))
    world = await live(link, market, schedule, [rule], HSI)
    before, bar = bar_of(market, HSI, EVE)
    quoted = partial(world.quoted, HSI, previous=before.close, high=bar.high, low=bar.low, opened=bar.open)
    told: list[list[tuple[float, datetime]]] = []
    for price, made, received, state in (
        # 2% off the low of 20 December is 23,199.76: the morning is above it, and so is the auction.
        (23215.0, "11:59", "12:14", "REGULAR"),
        (23215.0, "12:05", "12:20", "CLOSED"),
        (bar.close, "12:09", "12:24", "CLOSED"),
        (bar.close, "12:09", "12:27", "CLOSED"),
    ):
        raised = await world.tick(quoted(price, at(EVE, made), at(EVE, received), state=state))
        told.append([(each.price, each.time) for each in crossings(raised)])
    assert told == [[], [], [], [(23223.7598, at(EVE, "12:09"))]]


async def test_a_delayed_quote_of_two_minutes_before_the_close_is_judged_when_it_comes_after_it(
    link: Link, market: RecordedMarket, schedule: Schedule
) -> None:
    world = await live(link, market, schedule, market.settings.rules_of(), HSTECH)
    before, bar = bar_of(market, HSTECH, CRASH)
    quoted = partial(world.quoted, HSTECH, previous=before.close, high=bar.high, opened=bar.open)
    raised = await world.tick(quoted(4367.79, at(CRASH, "15:58"), at(CRASH, "16:13"), low=bar.low))
    (told,) = [each for each in crossings(raised) if each.rule == "drawdown"]
    assert (told.session, told.time, told.final) == (CRASH, at(CRASH, "15:58"), False)
    assert (told.steps, told.passed, told.seen_by) == ((60,), (10, 20, 30, 40, 50), "quote")
    assert told.value == pytest.approx(-60.09, abs=0.005)


@pytest.mark.parametrize(
    "symbol, closed",
    [*((CSI_300, each) for each in SHANGHAI_SHUT), *((HSI, each) for each in HONG_KONG_SHUT)],
)
async def test_an_index_whose_market_is_closed_is_of_the_session_before_whatever_is_said_of_it(
    link: Link, market: RecordedMarket, schedule: Schedule, symbol: str, closed: date
) -> None:
    every_move = Rule("every move", parse("±0.1%"), frozenset({symbol}))
    world = await live(link, market, schedule, [every_move], symbol)
    before, bar = market.series[symbol].until(closed).bars[-2:]
    instrument = market.catalogue[symbol]
    hours = schedule.session_on(instrument.exchange, bar.session)
    assert hours is not None
    quoted = partial(world.quoted, symbol, previous=before.close, high=bar.high, low=bar.low, opened=bar.open)
    noon = at(closed, "11:00")
    closing = quoted(bar.close, hours.settled, noon, state="CLOSED")
    stamped_today = quoted(bar.close * 1.002, at(closed, "10:40"), noon + timedelta(minutes=1))
    for quote in (closing, stamped_today):
        assert quote.session == bar.session
        assert await world.tick(quote) == []

    await published.publish_schedule(link, schedule)
    clock = int(noon.timestamp() * 1000)
    stored = StoredMarket(link, world.watch.catalogue, world.watch.catalogue, lambda: clock)
    priced = await stored.quote(symbol)
    assert (priced.quote.price, priced.card.bar.session) == (bar.close, bar.session)
    said = plain(quote_message(priced.card, priced.quote, priced.state, priced.beside))
    assert f"Closed, official close {day(bar.session)}" in said
    assert day(closed) not in said


AT_THE_OPEN = {
    HSTECH: 5, HSI: 3, "^HSCE": 4, "0700.HK": 2, "9988.HK": 3, "3690.HK": 3, "1810.HK": 2, "9618.HK": 3,
    "9626.HK": 3, "9888.HK": 3, "9999.HK": 2, "1024.HK": 2,
}  # fmt: skip


async def opening(
    link: Link, market: RecordedMarket, schedule: Schedule, rules: Sequence[Rule]
) -> list[Alert]:
    """Look at what Hong Kong opened with on 17 March 2022, all in one tick; return what is raised."""
    world = await live(link, market, schedule, rules)
    await chats.subscribe(link, ALICE, EVERYTHING, NOW)
    quotes = []
    for instrument in world.watch.catalogue:
        if instrument.exchange == "XHKG" and instrument.symbol in market.series:
            before, bar = bar_of(market, instrument.symbol, REBOUND)
            assert bar.open
            made, received = at(REBOUND, "09:30"), at(REBOUND, "09:45")
            quote = world.quoted(instrument.symbol, bar.open, made, received, previous=before.close)
            quotes.append(replace(quote, adjusted=bar.adjusted))
    return await world.tick(*quotes)


async def delivered(link: Link, number: int) -> list[str]:
    """Deliver what was raised; return the messages that a chat then shows."""
    wire = Wire()
    await FanOut(link, machine_time).work_off()
    sender = Deliver(dispatch_of(link, lambda alerts, _chat: compose(alerts, HONG_KONG)), {wire.route: wire})
    async with delivering(sender):
        assert await settled(link, number) == {"sent": number}
    return [text for _, text in wire.shown]


@pytest.mark.parametrize("together", [True, False])
async def test_thirty_five_steps_crossed_at_one_open_are_all_told_and_none_waits(
    link: Link, market: RecordedMarket, schedule: Schedule, *, together: bool
) -> None:
    moves = [each for each in market.settings.rules_of("loud") if isinstance(each.condition, DayMove)]
    raised = await opening(link, market, schedule, [replace(each, together=together) for each in moves])
    steps = {each.symbol: each.steps for each in crossings(raised)}
    assert {symbol: len(each) for symbol, each in steps.items()} == AT_THE_OPEN
    assert sum(AT_THE_OPEN.values()) == 35
    shown = await delivered(link, len(raised))
    assert len(shown) == (1 if together else len(AT_THE_OPEN))
    pieces = shown[0].splitlines() if together else shown
    for symbol, passed in steps.items():
        named = f"{market.catalogue[symbol].short} +"
        assert [each for each in pieces if each.startswith(named) and listed(passed) in each]


async def test_by_default_the_same_open_is_one_message_besides_those_of_the_lows(
    link: Link, market: RecordedMarket, schedule: Schedule
) -> None:
    raised = await opening(link, market, schedule, market.settings.rules_of())
    assert sum(len(each.steps) for each in crossings(raised)) == 23
    folded, *others = await delivered(link, len(raised))
    heading, *lines = folded.splitlines()
    assert heading == "Hong Kong up: HSTECH +10.88%, Bilibili HK +14.97%, 9 more"
    assert sum(": passed " in each for each in lines) == 11
    assert [each.splitlines()[0] for each in others] == [
        "HSTECH now more than 30% off its 15 Mar low: 4,705.18 (+35.50%)",
        "HSI now more than 10% off its 15 Mar low: 21,430.71 (+16.38%)",
        "HSCEI now more than 20% off its 15 Mar low: 7,415.74 (+21.09%)",
    ]
