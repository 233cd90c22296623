from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.app.recorded import RecordedMarket
from bot.chat.answer import Answers
from bot.chat.commands import COMMANDS
from bot.chat.stored import StoredMarket
from bot.chat.stored_book import StoredBook
from bot.chat.stored_own import StoredOwn
from bot.chats.chat_id import ChatId
from bot.chats.roles import Role
from bot.chats.subscription import EVERYTHING, Rate, chat_topic, instrument_topic
from bot.chats.topics import Topics
from bot.clock import machine_time
from bot.errors import Away, MarketbellError, NotKnown, Refused, UsageError
from bot.market.catalogue import Catalogue
from bot.market.instrument import members_on
from bot.market.schedule import Exchange, Schedule, SessionHours
from bot.messages.blocks import Message, Picture, Table, plain
from bot.messages.pictures import BacktestPicture
from bot.pipeline.backtesting import Backtesting
from bot.pipeline.ending import end_over, end_told
from bot.pipeline.judging import Ground
from bot.rules.backtest import Past, report
from bot.rules.calmer import MOST_A_MONTH, calmer
from bot.rules.conditions import Rule
from bot.rules.grammar import parse_line
from bot.rules.measures import Price
from bot.rules.mistakes import EXAMPLES
from bot.rules.report import Report
from bot.rules.scope import rules_of
from bot.rules.threshold import Key
from bot.sources.catalogue import load_catalogue, load_members, load_twins
from bot.store import backtests, chats, own
from bot.store import market as published
from bot.store.backtests import Wanted
from bot.store.link import Link
from tests.cast import ALICE, BOB
from tests.conftest import ROOT, Marketbell

DAY = date(2022, 3, 23)
NEEDLESSLY_LOUD = (
    "each of HSTECH ±1%",
    "HSTECH day > 1%",
    "HSTECH day < -1/2%",
    "HSTECH ±auto",
    "HSTECH ±auto(2σ60, 1.5%, 4%) ladder 1/1.5/2.5 at close",
    "1810.HK cost 16.2 ±1% every 1%",
    "HSTECH drawdown 40/60/80% 52w",
    "HSTECH (day > 1% or volume > 1x) and not gap > 1%",
    "HSTECH day > 1% for 3 looks",
)
EXPECTED_OF_ALL = (
    "Expect about 240 messages a month, 40 at most in a day; it last fired on 23 Mar 2022: "
    "measured on the last 324 market days of bars held"
)
NOW = datetime(2022, 3, 23, 12, 0, tzinfo=UTC)


@dataclass(slots=True)
class House:
    """Chats that ask, and a worker that back-tests when it is let."""

    link: Link
    recorded: RecordedMarket
    past: Past
    answers: Answers
    computed: list[str] = field(default_factory=list)
    schedule: Schedule | None = None

    @property
    def market(self) -> StoredMarket:
        assert isinstance(self.answers.market, StoredMarket)
        return self.answers.market

    @property
    def book(self) -> StoredBook:
        assert isinstance(self.answers.book, StoredBook)
        return self.answers.book

    async def asked(self, line: str, chat: ChatId = ALICE, role: Role = Role.MEMBER) -> str:
        return plain(await self.message(line, chat, role))

    async def message(self, line: str, chat: ChatId = ALICE, role: Role = Role.MEMBER) -> Message:
        return await self.answers.to(line, chat, role)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """Let a worker answer what is asked for."""
        quotes = await published.quotes(self.link)

        def ground() -> Ground:
            self.computed.append("asked")
            return Ground(self.past, NOW, quotes, self.schedule)

        serving = asyncio.create_task(
            Backtesting(
                self.link, ground, machine_time, lambda event, **facts: self._fail(event, facts)
            ).serve()
        )
        try:
            yield
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    def _fail(self, event: str, facts: dict[str, object]) -> None:
        raise AssertionError(f"{event}: {facts}")


@pytest.fixture(scope="module")
def recorded(prices: Path) -> RecordedMarket:
    return RecordedMarket.of(ROOT / "config.yaml", prices)


@pytest.fixture(scope="module")
def past(recorded: RecordedMarket) -> Past:
    watched = recorded.settings.catalogue()
    memberships = load_members()

    def members(index: str, session: date) -> tuple[str, ...]:
        return tuple(each for each in members_on(memberships, index, session) if each in watched)

    series = {
        each.symbol: recorded.series[each.symbol].until(DAY)
        for each in watched
        if each.symbol in recorded.series
    }
    return Past(watched, series, recorded.calendar, members, load_twins())


@pytest.fixture
async def house(link: Link, recorded: RecordedMarket, past: Past) -> House:
    watched = recorded.settings.catalogue()
    named = Catalogue.of((*watched, *load_catalogue()))
    await published.publish_position(link, NOW)
    session = recorded.on(DAY)
    for symbol in ("1810.HK", "HSTECH"):
        priced = await session.quote(symbol)
        await published.publish_quotes(link, [priced.quote])
    news = tuple(recorded.settings.topics)
    market = StoredMarket(link, watched, named, machine_time, load_twins(), load_members(), news)
    book = StoredBook(link, (), machine_time, frozenset(watched.by_symbol), recorded.settings.rules)
    topics = Topics(watched, ("index_day",), news)
    zone = ZoneInfo("Asia/Hong_Kong")
    return House(link, recorded, past, Answers(market, book, topics, COMMANDS, StoredOwn(market, book, zone)))


async def topics_of(house: House, chat: ChatId = ALICE) -> list[str]:
    return [each.topic for each in await chats.subscriptions(house.link, chat)]


async def test_an_alert_is_set_said_back_listed_and_forgotten(house: House) -> None:
    async with house.worker():
        answer = (await house.asked("/alert 小米 跌破 12")).splitlines()
    assert answer[:2] == ["Alert #1 is set", "Tells when Xiaomi (1810.HK) falls to 12 or below."]
    (rate,) = (each for each in answer if each.startswith("Expect"))
    assert "; it last fired on 15 Mar 2022: measured on the last 324 market days" in rate
    (held,) = await own.of_chat(house.link, str(ALICE))
    assert held.text == "1810.HK price < 12"
    assert await topics_of(house) == [chat_topic(str(ALICE))]
    assert await house.asked("/subscriptions") == (
        "This chat is subscribed to nothing\nBegin with /subscribe HSTECH"
    )
    listed = await house.asked("/alerts", role=Role.READER)
    assert "1. 1810.HK price < 12 — #1, not told lately" in listed.splitlines()
    assert await house.asked("/forget 1") == "Forgotten: alert #1, 1810.HK price < 12"
    assert await own.of_chat(house.link, str(ALICE)) == ()
    assert await topics_of(house) == []
    assert (await house.asked("/alerts")).startswith("This chat has no alerts of its own")


async def test_an_alert_of_one_threshold_is_kept_where_an_index_is_made_of_it(house: House) -> None:
    async with house.worker():
        await house.asked("/alert 小米 跌破 12")
        await house.asked("/alert HSTECH ±2/3%")
    (general,) = await own.general(house.link)
    assert (general.rule.text, general.symbols) == ("HSTECH ±2/3%", ("HSTECH",))
    index, _ = await own.index(house.link, lambda text: Price() if text == "price" else None)
    assert index.find(1) == (Key("1810.HK", Price()), "down", 12.0)


async def test_what_it_costs_is_the_number_that_the_command_line_measures(
    house: House, marketbell: Marketbell, prices: Path
) -> None:
    line = "HSTECH ±2/3/5%"
    async with house.worker():
        answer = await house.asked(f"/alert {line}")
    found = marketbell("backtest", line, "--data", prices, "--to", DAY, "--json").one
    expected = (
        f"about {found['messages_a_month']:.0f} messages a month, {found['most_in_a_day']} at most in a day"
    )
    assert f"Expect {expected}; it last fired on 23 Mar 2022" in answer
    assert found["last_fired"] == "2022-03-23"


async def test_a_line_that_does_not_read_shows_the_place_in_a_block_of_one_width(house: House) -> None:
    answer = await house.message("/alert HSTECH day > > 2%")
    (block,) = (each for each in answer.blocks if isinstance(each, Table))
    (written,), (caret,) = block.rows
    assert written == "HSTECH day > > 2%"
    assert caret == " " * written.rindex(">") + "^"
    assert plain(answer).splitlines()[-1] == "Nearest that reads: HSTECH day > 2%"
    assert await own.of_chat(house.link, str(ALICE)) == ()


@pytest.mark.parametrize(
    "line,refusal,said",
    [
        ("/alert NVDA ±2%", NotKnown, r"Nvidia \(NVDA\) is not watched, .* instruments: in config.yaml"),
        ("/alert HSTECH vs NVDA > 2%", NotKnown, "is not watched"),
        (
            "/alert HSTECH news foo 24h",
            UsageError,
            "no topic of news called “foo”: there are adr_audit, buyback",
        ),
        ("/alert HSTECH ±2% until 2022-03-22", UsageError, "22 Mar 2022 is over, .* from 2022-03-23 on"),
        ("/alert watchlist ±3%", UsageError, "This chat follows no instruments: /subscribe"),
        ("/alert each of 1810.HK ±3%", UsageError, "None of the constituents of 1810.HK are watched"),
        ("/alert change 1", UsageError, "Write /alert change N LINE"),
        ("/alert change 1 HSTECH ±2%", UsageError, "This chat has no alerts of its own"),
        ("/forget", UsageError, "Write /forget N, as in /forget 1"),
        ("/forget 1", UsageError, "This chat has no alerts of its own"),
    ],
)
async def test_what_could_never_ring_is_refused_in_a_sentence(
    house: House, line: str, refusal: type[MarketbellError], said: str
) -> None:
    with pytest.raises(refusal, match=said):
        await house.asked(line)
    assert await own.of_chat(house.link, str(ALICE)) == ()


async def test_a_last_day_counts_where_the_chat_is(house: House) -> None:
    # It is the 24th in Hong Kong while it is still the 23rd in London.
    await published.publish_position(house.link, datetime(2022, 3, 23, 16, 1, tzinfo=UTC))
    with pytest.raises(UsageError, match="23 Mar 2022 is over"):
        await house.asked("/alert HSTECH ±2% until 2022-03-23")
    async with house.worker():
        answer = await house.asked("/alert HSTECH ±2% until 2022-03-24")
    assert "Ends with 24 Mar 2022." in answer


async def test_over_500_signs_are_refused_as_such(house: House) -> None:
    answer = await house.asked("/alert HSTECH ±2% note " + "a" * 600)
    assert "500" in answer.splitlines()[0]


@pytest.mark.parametrize(
    "line,role",
    [
        ("/alert HSTECH ±2%", Role.READER),
        ("/forget 1", Role.READER),
        ("/alerts", Role.STRANGER),
        ("/backtest HSTECH ±2%", Role.STRANGER),
    ],
)
async def test_only_who_is_trusted_so_far_may_ask(house: House, line: str, role: Role) -> None:
    with pytest.raises(Refused, match=r"is for a (member|reader)"):
        await house.asked(line, role=role)


async def test_the_alerts_of_one_chat_are_none_of_another(house: House) -> None:
    async with house.worker():
        await house.asked("/alert HSTECH ±2/3%")
    assert (await house.asked("/alerts", BOB)).startswith("This chat has no alerts")
    with pytest.raises(UsageError, match="no alerts of its own"):
        await house.asked("/forget #1", BOB)
    assert len(await own.of_chat(house.link, str(ALICE))) == 1


async def test_a_number_is_a_place_in_the_list_and_a_name_stays(house: House) -> None:
    async with house.worker():
        for line in ("HSTECH ±2/3%", "HSTECH ±4/5%", "HSTECH ±6/7%"):
            await house.asked(f"/alert {line}")
    await house.asked("/forget 1")
    assert "1. HSTECH ±4/5% — #2" in await house.asked("/alerts")
    assert await house.asked("/forget #3") == "Forgotten: alert #3, HSTECH ±6/7%"
    with pytest.raises(UsageError, match="no alert #3: there is only 1"):
        await house.asked("/forget #3")
    with pytest.raises(UsageError, match="no alert 2: there is only 1"):
        await house.asked("/forget 2")
    assert await house.asked("/forget 1") == "Forgotten: alert #2, HSTECH ±4/5%"


async def test_an_alert_can_be_changed_and_keeps_its_name(house: House) -> None:
    async with house.worker():
        await house.asked("/alert 小米 跌破 12")
        answer = await house.asked('/alert change 1 1810.HK ±5% note "look at  ADR"')
    assert answer.splitlines()[0] == "Alert #1 is changed"
    (held,) = await own.of_chat(house.link, str(ALICE))
    assert held.id == "1"
    assert held.text.startswith("1810.HK ±5% note")


async def test_the_same_line_in_other_words_is_the_same_alert(house: House) -> None:
    async with house.worker():
        await house.asked("/alert 小米 ±5%")
        again = await house.asked("/alert 1810.HK ± 5 %")
    assert again.splitlines()[0] == "This chat has that alert already: it is #1"
    assert len(await own.of_chat(house.link, str(ALICE))) == 1


async def test_a_slip_is_taken_for_what_was_surely_meant_and_said(house: House) -> None:
    async with house.worker():
        answer = await house.asked("/alert Tencnet ±5%")
    assert "Took “Tencnet” for Tencent (0700.HK)" in answer


async def test_a_flood_comes_with_a_calmer_line_that_is_calmer_and_can_be_pasted(house: House) -> None:
    async with house.worker():
        answer = await house.asked("/alert each of HSTECH ±1%")
        (proposed,) = (each for each in answer.splitlines() if each.startswith("That floods a chat"))
        pasted, cost = re.fullmatch(r"That floods a chat. Calmer: (.*) \((about .*)\)", proposed).groups()  # type: ignore[union-attr]
        changed = await house.asked(pasted)
    assert _messages(answer) > MOST_A_MONTH >= _messages(changed) > 0
    assert f"Expect {cost}" in changed
    assert "floods" not in changed
    (held,) = await own.of_chat(house.link, str(ALICE))
    assert f"/alert change #1 {held.text}" == pasted


def _messages(answer: str) -> int:
    (found,) = re.findall(r"Expect about (\d+) messages a month", answer)
    return int(found)


async def test_steps_that_are_reached_already_are_said(house: House) -> None:
    async with house.worker():
        answer = await house.asked("/alert HSTECH drawdown 20/30/40/50/60/70%")
    assert "HSTECH: 60% is reached already; the next step is 70%" in answer.splitlines()


async def test_what_holds_already_says_when_it_can_ring(house: House) -> None:
    async with house.worker():
        answer = await house.asked("/alert 1810.HK above 14")
    assert (
        "Xiaomi: price > 14 holds already; it rings after it has been back under 13.86" in answer.splitlines()
    )


async def test_what_nobody_can_know_from_bars_says_why(house: House) -> None:
    async with house.worker():
        answer = await house.asked("/alert HSTECH news buyback 24h")
    (said,) = (each for each in answer.splitlines() if each.startswith("How often"))
    assert said.startswith("How often it will ring is not known: news buyback 24h: ")


async def test_without_a_worker_an_alert_is_kept_and_its_cost_not_known(house: House) -> None:
    answer = await house.asked("/alert HSTECH ±2%")
    assert "How often it will ring is not known now: the worker does not answer" in answer.splitlines()
    assert len(await own.of_chat(house.link, str(ALICE))) == 1


async def test_a_back_test_says_when_it_rang_and_what_came_after(house: House) -> None:
    async with house.worker():
        answer = (await house.asked("/backtest 恒生科指 drawdown 20/30/40%", role=Role.READER)).splitlines()
    assert answer[0] == "HSTECH: 3 alerts from 1 Dec 2020 to 23 Mar 2022, 2.3 a year"
    assert any(re.match(r"27 Jul 2021 +40% +−4\d", each) for each in answer)
    assert any(each.startswith("20 sessions, any day") for each in answer)


async def test_a_back_test_of_one_instrument_is_drawn(house: House) -> None:
    await published.publish_history(house.link, house.past.series["HSTECH"])
    drawing = Drawing()
    house.answers = replace(house.answers, drawing=drawing)
    async with house.worker():
        answer = await house.message("/backtest HSTECH drawdown 20/30/40%")
        several = await house.message("/backtest HSTECH, 1810.HK ±5%")
    assert (answer.picture, several.picture) == (Picture(b"drawn", "HSTECH"), None)
    (facts,) = drawing.asked
    assert len(facts.closes) == 324
    assert [each.session.isoformat() for each in facts.fires] == ["2021-03-05", "2021-03-25", "2021-07-27"]


@dataclass(slots=True)
class Drawing:
    """Takes down what is to be drawn."""

    asked: list[BacktestPicture] = field(default_factory=list)

    async def backtest(self, facts: BacktestPicture) -> Picture | None:
        self.asked.append(facts)
        return Picture(b"drawn", facts.name)


async def test_a_thousand_who_try_one_line_cost_one_computation(house: House) -> None:
    async with house.worker():
        asked = (house.asked("/backtest HSTECH ±2/3/5%", ALICE, Role.READER) for _ in range(1_000))
        answers = set(await asyncio.gather(*asked))
    assert len(answers) == 1
    assert len(house.computed) == 1


async def test_what_is_found_stands_until_an_exchange_opens(house: House) -> None:
    opens, closes = NOW + timedelta(hours=13.5), NOW + timedelta(hours=20)
    hours = SessionHours(date(2022, 3, 24), opens, (), closes, closes)
    known = Exchange("Asia/Hong_Kong", date(2022, 3, 20), date(2022, 3, 28), (hours,))
    house.schedule = Schedule({"XHKG": known})
    wanted = Wanted("report", "HSTECH ±2%")
    async with house.worker():
        before = machine_time()
        await house.asked("/backtest HSTECH ±2%", role=Role.READER)
    found = await backtests.answered(house.link, wanted)
    assert found is not None
    assert found.until - before == pytest.approx(13.5 * 3_600_000, abs=60_000)


async def test_a_back_test_that_nobody_makes_says_so(house: House) -> None:
    seconds = count(machine_time() // 1000, 5)
    market = replace(house.market, clock=lambda: 1000 * next(seconds))
    house.answers = replace(house.answers, market=market)
    with pytest.raises(Away, match="The worker does not answer"):
        await house.asked("/backtest HSTECH ±2%", role=Role.READER)


async def test_what_nobody_waits_for_any_more_is_not_computed(house: House) -> None:
    await backtests.want(house.link, Wanted("report", "HSTECH ±2%"), machine_time() - 1)
    async with house.worker():
        await house.asked("/backtest HSTECH ±3%")
    assert await backtests.answered(house.link, Wanted("report", "HSTECH ±2%")) is None
    assert len(house.computed) == 1


async def test_too_much_at_once_is_refused(house: House) -> None:
    for number in range(backtests.MOST_WANTED):
        await backtests.want(house.link, Wanted("report", f"HSTECH ±{number}%"), machine_time() + 60_000)
    with pytest.raises(Away, match="More lines are being tried"):
        await house.asked("/backtest HSTECH ±2.5%", role=Role.READER)


async def test_the_watchlist_is_what_the_chat_is_subscribed_to(house: House) -> None:
    for symbol in ("HSTECH", "1810.HK"):
        await house.asked(f"/subscribe {symbol}")
    async with house.worker():
        answer = await house.asked("/alert watchlist ±5%")
        single = [report_of(house, f"{symbol} ±5%") for symbol in ("HSTECH", "1810.HK")]
    (held,) = await own.general(house.link)
    assert (held.rule.text, held.symbols) == ("watchlist ±5%", ("1810.HK", "HSTECH"))
    assert _messages(answer) == pytest.approx(sum(each.cost.a_month for each in single), abs=1)


def report_of(house: House, line: str) -> Report:
    rules = rules_of("", parse_line(line), house.past.catalogue, lambda _index: (), frozenset)
    return report(rules, house.past)


async def test_subscribing_says_when_it_last_rang_and_what_is_calmer(house: House) -> None:
    rates = {EVERYTHING: Rate(240.0, 40, 324), instrument_topic("HSTECH"): Rate(4.3, 2, 324)}
    rates[instrument_topic("1810.HK")] = Rate(31.0, 2, 324)
    await published.publish_rates(house.link, rates)
    await backtests.publish_last(house.link, {EVERYTHING: DAY})
    loud = replace(house.answers, book=replace(house.book, preset="loud"))
    answer = plain(await loud.to("/subscribe all", ALICE, Role.MEMBER)).splitlines()
    assert answer[1:4] == [
        EXPECTED_OF_ALL,
        "That floods a chat. Calmer: rules: calm in config.yaml, its owner's to set",
        "That floods a chat. Calmer: /subscribe HSTECH (about 4 messages a month, 2 at most in a day)",
    ]
    xiaomi = await house.asked("/subscribe 小米")
    assert "That floods a chat. Calmer: /alert 1810.HK ±auto" in xiaomi.splitlines()
    assert "floods" not in await house.asked("/subscribe HSTECH")


async def test_an_alert_whose_last_day_is_over_is_taken_away(house: House) -> None:
    async with house.worker():
        await house.asked("/alert HSTECH ±2% until 2022-03-24")
        await house.asked("/alert HSTECH ±3% until 2022-03-24")
        await house.asked("/alert change 2 HSTECH ±3% until 2022-03-25")
    assert await end_over(house.link, date(2022, 3, 24)) == 0
    assert await end_over(house.link, date(2022, 3, 25)) == 1
    (left,) = await own.of_chat(house.link, str(ALICE))
    assert left.text == "HSTECH ±3% until 2022-03-25"
    assert await end_over(house.link, date(2022, 3, 25)) == 0
    # what it told last may still be on its way
    assert await topics_of(house) == [chat_topic(str(ALICE))]


@pytest.mark.parametrize(
    "line,ends", [("HSTECH ±2% once", True), ("HSTECH ±2%", False), ("HSTECH, 1810.HK ±2% once", False)]
)
async def test_an_alert_that_tells_once_and_has_told_is_taken_away(
    house: House, line: str, *, ends: bool
) -> None:
    async with house.worker():
        await house.asked(f"/alert {line}")
    (held,) = await own.of_chat(house.link, str(ALICE))
    (rule,) = rules_of(
        held.id, parse_line(held.text), house.past.catalogue, lambda _index: (), frozenset, chat=held.chat
    )
    assert await end_told(house.link, rule) is ends
    assert len(await own.of_chat(house.link, str(ALICE))) == (0 if ends else 1)


async def test_a_rule_of_the_operator_is_never_taken_away(house: House) -> None:
    assert not await end_told(house.link, Rule("day", parse_line("±2%").condition, frozenset({"HSTECH"})))


@pytest.mark.parametrize("line", [*EXAMPLES, *NEEDLESSLY_LOUD])
def test_every_calmer_relative_reads_back_as_itself(line: str) -> None:
    read = parse_line(line)
    for each in calmer(read, is_index=False):
        assert str(parse_line(str(each))) == str(each) != str(read)
