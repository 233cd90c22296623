from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from bot.alerts.alert import Alert, Move
from bot.app.recorded import RecordedMarket
from bot.errors import Away
from bot.market.bars import Series
from bot.market.instrument import Instrument
from bot.market.quote import Quote, settled_quote
from bot.market.sessions import settlement
from bot.pipeline.raising import Fenced, Raiser
from bot.pipeline.watch import Watch
from bot.ports import Found
from bot.rules.crossing import Crossing
from bot.store import alerts as stored
from bot.store import lease
from bot.store import market as published
from bot.store.link import Link
from tests.cast import NOW
from tests.conftest import PRICES, ROOT

SYMBOLS = {"HSTECH", "^HSI", "000300.SS", "1810.HK", "9626.HK", "BILI"}
FIRST, LAST = date(2022, 3, 1), date(2022, 3, 23)


@pytest.fixture(scope="module")
def market() -> RecordedMarket:
    return RecordedMarket.of(ROOT / "config.yaml", Path(PRICES))


@dataclass(slots=True)
class Recorded:
    """Recorded bars as a source; it is told which session has begun, and may be away."""

    market: RecordedMarket
    away: bool = False
    short: bool = False
    asked: list[str] = field(default_factory=list)
    name: str = "recorded bars"

    async def quotes(self, instruments: Sequence[Instrument]) -> tuple[Quote, ...]:
        raise AssertionError(instruments)

    async def search(self, text: str) -> tuple[Found, ...]:
        raise AssertionError(text)

    async def history(self, instrument: Instrument, until: date) -> Series:
        self.asked.append(instrument.symbol)
        if self.away:
            raise Away("not now")
        held = self.market.series[instrument.symbol].until(until - timedelta(days=1))
        return Series(held.symbol, held.bars[-1:]) if self.short else held


def watch(link: Link, source: Recorded) -> Watch:
    settings = source.market.settings
    report = lambda _event, **_facts: None  # noqa: E731 - a sink
    return Watch(link, source, settings.rules_of(), settings.catalogue(), lambda: NOW, report)


async def raiser(link: Link, worker: str = "me") -> Raiser:
    return Raiser(link, await lease.hold(link, worker, NOW, NOW + 15_000), lambda: NOW)


def sessions(market: RecordedMarket) -> list[list[Quote]]:
    """Return the final quotes of each session, as a source that is asked after each close has them."""
    by_moment: dict[tuple[date, str], list[Quote]] = {}
    for instrument in market.settings.catalogue():
        for bar in market.series.get(instrument.symbol, Series(instrument.symbol, ())).bars:
            if instrument.symbol in SYMBOLS and FIRST <= bar.session <= LAST:
                quote = settled_quote(
                    instrument.symbol, bar, settlement(instrument.market, bar.session), "recorded bars"
                )
                by_moment.setdefault((bar.session, quote.time.isoformat()), []).append(quote)
    return [by_moment[key] for key in sorted(by_moment)]


def on(market: RecordedMarket, day: date) -> list[Quote]:
    """Return the final quotes of one day."""
    return [quote for quotes in sessions(market) for quote in quotes if quote.session == day]


def told_by_replay(market: RecordedMarket) -> dict[str, Crossing]:
    told = market.replay((FIRST, LAST), None).told
    return {each.crossing.fingerprint: each.crossing for each in told if each.crossing.symbol in SYMBOLS}


def crossings(alerts: Sequence[Alert]) -> list[Crossing]:
    return [each.facts.crossing for each in alerts if isinstance(each.facts, Move)]


def fingerprints(alerts: Sequence[Alert]) -> list[str]:
    return [each.fingerprint for each in alerts]


async def test_live_looks_at_final_quotes_raise_what_a_replay_of_the_bars_tells(
    link: Link, market: RecordedMarket
) -> None:
    told = told_by_replay(market)
    watched, raising = watch(link, Recorded(market)), await raiser(link)
    raised = [alert for quotes in sessions(market) for alert in await watched.tick(quotes, raising)]
    assert sorted(fingerprints(raised)) == sorted(told)
    assert [each == told[each.fingerprint] for each in crossings(raised)] == [True] * len(told)


@pytest.mark.parametrize("every", [1, 2, 7])
async def test_a_worker_that_is_started_again_and_again_raises_what_an_unbroken_one_does(
    link: Link, market: RecordedMarket, every: int
) -> None:
    told = told_by_replay(market)
    source, raising = Recorded(market), await raiser(link)
    raised: list[Alert] = []
    watched = watch(link, source)
    for number, quotes in enumerate(sessions(market)):
        if number % every == 0:
            watched = watch(link, source)
            await watched.load()
        raised += await watched.tick(quotes, raising)
    assert sorted(fingerprints(raised)) == sorted(told)


async def test_a_look_whose_raise_was_told_but_not_noted_is_told_no_second_time(
    link: Link, market: RecordedMarket
) -> None:
    first, raising = watch(link, Recorded(market)), await raiser(link)
    march_16 = [
        quote for quotes in sessions(market) for quote in quotes if quote.session == date(2022, 3, 16)
    ]
    raised = await first.tick(march_16, raising)
    assert raised
    # killed before the quotes were kept: the next worker sees the same look again
    await link.client.delete(link.keys.quotes())
    second = watch(link, Recorded(market))
    await second.load()
    assert await second.tick(march_16, raising) == ()


async def test_a_second_worker_that_is_behind_learns_the_step_and_tells_only_the_next(
    link: Link, market: RecordedMarket
) -> None:
    raising = await raiser(link)
    (hstech,) = [each for each in on(market, date(2022, 3, 16)) if each.symbol == "HSTECH"]
    morning = hstech.time - timedelta(hours=6)

    def at(price: float, minute: int) -> Quote:
        time = morning + timedelta(minutes=minute)
        return replace(hstech, price=price, open=None, high=price, low=price, final=False, time=time)

    ahead, behind = watch(link, Recorded(market)), watch(link, Recorded(market))
    await behind.tick([at(3480, 0)], raising)
    assert [each.steps for each in crossings(await ahead.tick([at(3650, 1)], raising))] == [(4,)]
    assert [each.steps for each in crossings(await behind.tick([at(3700, 2)], raising))] == [(6,)]


async def test_a_worker_that_lost_its_lease_raises_nothing(link: Link, market: RecordedMarket) -> None:
    old = await raiser(link, "old")
    await lease.hold(link, "new", NOW + 20_000, NOW + 40_000)
    watched = watch(link, Recorded(market))
    march_16 = [
        quote for quotes in sessions(market) for quote in quotes if quote.session == date(2022, 3, 16)
    ]
    with pytest.raises(Fenced):
        await watched.tick(march_16, old)
    assert await stored.recent(link, 10) == ()


async def test_the_same_quote_is_looked_at_once(link: Link, market: RecordedMarket) -> None:
    source, raising = Recorded(market), await raiser(link)
    watched = watch(link, source)
    quotes = sessions(market)[0]
    await watched.tick(quotes, raising)
    asked = len(source.asked)
    assert await watched.tick(quotes, raising) == ()
    assert len(source.asked) == asked


async def test_what_a_drawdown_had_passed_before_anybody_listened_is_known_not_told(
    link: Link, market: RecordedMarket
) -> None:
    raising = await raiser(link)
    watched = watch(link, Recorded(market))
    raised = await watched.tick(on(market, FIRST), raising)
    assert [each for each in crossings(raised) if (each.symbol, each.rule) == ("HSTECH", "drawdown")] == []
    told = await stored.ladders(link, watched.rules[3].revision, "HSTECH")
    assert set(told.values()) == {50.0}


async def test_a_source_that_does_not_answer_leaves_the_bars_that_are_held(
    link: Link, market: RecordedMarket
) -> None:
    source, raising = Recorded(market), await raiser(link)
    watched = watch(link, source)
    days = [[quote] for quotes in sessions(market) for quote in quotes if quote.symbol == "HSTECH"]
    await watched.tick(days[0], raising)
    source.away = True
    await watched.tick(days[1], raising)
    assert watched.histories["HSTECH"].bars[-2:] == (days[0][0].bar, days[1][0].bar)


async def test_a_session_that_was_over_before_anybody_looked_is_recorded_and_told_to_nobody(
    link: Link, market: RecordedMarket
) -> None:
    raising = await raiser(link)
    watched = watch(link, Recorded(market))
    saturday = timedelta(days=3)
    quotes = [replace(each, received=each.time + saturday) for each in on(market, date(2022, 3, 16))]
    assert await watched.tick(quotes, raising) == ()
    assert await stored.next_job(link) is None
    off_low = next(rule for rule in watched.rules if rule.name == "off_low")
    assert 20.0 in (await stored.ladders(link, off_low.revision, "HSTECH")).values()
    monday = await watched.tick(on(market, date(2022, 3, 17)), raising)
    steps = [each.steps for each in crossings(monday) if (each.symbol, each.rule) == ("HSTECH", "off_low")]
    assert steps == [(30,)]


async def test_a_look_that_cannot_be_compared_yet_is_made_when_it_can_with_all_it_missed(
    link: Link, market: RecordedMarket
) -> None:
    source, raising = Recorded(market), await raiser(link)
    watched = watch(link, source)
    (hstech,) = [each for each in on(market, date(2022, 3, 16)) if each.symbol == "HSTECH"]
    (hsi,) = [each for each in on(market, date(2022, 3, 16)) if each.symbol == "^HSI"]
    source.away = True
    gap = replace(
        hstech, price=3700.0, high=3700.0, low=3690.0, final=False, time=hstech.time - timedelta(hours=6)
    )
    assert await watched.tick([gap, hsi], raising) == ()
    assert source.asked == ["HSTECH"]
    source.away = False
    back = replace(gap, price=3500.0, high=3700.0, low=3490.0, time=gap.time + timedelta(minutes=1))
    found = crossings(await watched.tick([back], raising))
    assert [(each.rule, each.steps, each.seen_by) for each in found] == [("index_day", (4, 6), "range")]


async def test_history_that_was_imported_is_kept_though_the_source_goes_back_less_far(
    link: Link, market: RecordedMarket
) -> None:
    raising = await raiser(link)
    whole = market.series["HSTECH"].until(date(2022, 3, 15))
    await published.publish_history(link, whole)
    watched = watch(link, Recorded(market, short=True))
    (hstech,) = [each for each in on(market, date(2022, 3, 16)) if each.symbol == "HSTECH"]
    found = crossings(await watched.tick([hstech], raising))
    assert watched.histories["HSTECH"].bars == (*whole.bars, hstech.bar)
    assert ("off_low", (10, 20)) in [(each.rule, each.steps) for each in found]
