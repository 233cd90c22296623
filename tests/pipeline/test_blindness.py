from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.alerts.alert import Alert
from bot.config import read_settings
from bot.market.catalogue import Catalogue
from bot.market.doubt import HeldBack
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from bot.messages.blocks import plain
from bot.messages.compose import compose
from bot.pipeline.blindness import Blindness
from bot.pipeline.raising import Raiser
from bot.sources.calendars import load_schedule
from bot.store import lease
from bot.store import market as published
from bot.store.link import Link
from tests.cast import NOW
from tests.conftest import ROOT

HK = ZoneInfo("Asia/Hong_Kong")
SETTINGS = read_settings(ROOT / "config.yaml")
WATCHED = ("HSTECH", "^HSI", "1810.HK", "000300.SS")
CATALOGUE = Catalogue.of(each for each in SETTINGS.catalogue() if each.symbol in WATCHED)
LIMITED = "Yahoo limits our requests; asked again in 5 min."


def at(clock: str, day: int = 23) -> datetime:
    hour, minute = map(int, clock.split(":"))
    return datetime(2022, 3, day, hour, minute, tzinfo=HK)


def march() -> Schedule:
    return load_schedule(("XHKG", "XSHG"), at("00:00", 1).date(), at("00:00", 31).date())


def prices(made: datetime, *symbols: str) -> dict[str, Quote]:
    """Return prices of `symbols`, or of all that is watched, that came in with their delay."""
    quote = Quote("", 100.0, made.date(), made, made + timedelta(minutes=15), "Yahoo", 15)
    return {each: replace(quote, symbol=each) for each in symbols or WATCHED}


def blindness(link: Link) -> Blindness:
    said = lambda _event, **_facts: None  # noqa: E731 - a sink
    return Blindness(link, CATALOGUE, SETTINGS.rules_of(), march(), 10, lambda: NOW, said)


async def raiser(link: Link) -> Raiser:
    return Raiser(link, await lease.hold(link, "me", NOW, NOW + 15_000), lambda: NOW)


def told(alerts: Sequence[Alert]) -> str:
    return plain(compose(alerts, HK))


async def test_an_hour_without_prices_is_told_once_and_its_end_once(link: Link) -> None:
    watcher, name = blindness(link), await raiser(link)
    last = prices(at("09:45"))
    raised: list[Alert] = []
    for minute in range(70):
        now = at("10:01") + timedelta(minutes=minute)
        raised += await watcher.look(last, now, "Yahoo", LIMITED, name)
    assert told(raised) == (
        "Blind: no new price from Hong Kong and Shanghai since 09:45 HKT\n"
        "Hong Kong: 26 minutes of trading without a new price, and Yahoo is 15 min behind as a rule\n"
        "Watched there: HSTECH, HSI and Xiaomi\n"
        "Hong Kong may also be closed for the weather: then it has no prices to see\n"
        "Shanghai: 26 minutes of trading without a new price, and Yahoo is 15 min behind as a rule\n"
        "Watched there: CSI 300\n"
        "Yahoo limits our requests; asked again in 5 min.\n"
        "Until prices come in again nothing can be told of them; you will hear once when they do"
    )
    again = list(await watcher.look(prices(at("11:00")), at("11:15"), "Yahoo", "", name))
    again += await watcher.look(prices(at("11:01")), at("11:16"), "Yahoo", "", name)
    assert told(again) == (
        "Hong Kong and Shanghai: prices come in again, from 11:00 HKT\n"
        "Hong Kong, not seen: 09:45 HKT to 11:00 HKT, 75 minutes of trading\n"
        "Shanghai, not seen: 09:45 CST to 11:00 CST, 75 minutes of trading\n"
        "A level that the present session touched meanwhile is still told, by the session's high or low"
    )
    assert (len({each.fold for each in raised}), len({each.fold for each in again})) == (1, 1)


async def test_a_worker_that_takes_over_says_nothing_again(link: Link) -> None:
    last = prices(at("09:45"))
    (first, _) = await blindness(link).look(last, at("10:20"), "Yahoo", LIMITED, await raiser(link))
    other = blindness(link)
    await other.load()
    assert await other.look(last, at("10:25"), "Yahoo", LIMITED, await raiser(link)) == ()
    # One that was killed before it wrote down what is dark raises the very same, which the ledger knows.
    assert await blindness(link).look(last, at("10:25"), "Yahoo", LIMITED, await raiser(link)) == ()
    assert first.fingerprint == f"blind XHKG {at('09:45').isoformat()}"


async def test_those_who_depend_on_the_exchange_hear_it_and_nobody_else(link: Link) -> None:
    seen = prices(at("09:45")) | prices(at("10:05"), "000300.SS")
    (alert,) = await blindness(link).look(seen, at("10:20"), "Yahoo", LIMITED, await raiser(link))
    assert {"instrument:HSTECH", "rule:index_day", "notices", "all"} <= set(alert.topics)
    assert "instrument:000300.SS" not in alert.topics


async def test_prices_that_are_not_believed_are_said_to_have_come(link: Link) -> None:
    held = HeldBack(4000.0, at("10:05"), "another previous close", "3990, where our bar has 4282")
    last = prices(at("10:04"), "HSTECH", "^HSI", "1810.HK") | prices(at("09:45"), "000300.SS")
    alerts = await blindness(link).look(
        last, at("10:20"), "Yahoo", "", await raiser(link), {"000300.SS": held}
    )
    assert "Yahoo: its prices are held back (another previous close)" in told(alerts)


async def test_what_is_watched_no_more_is_dark_no_more(link: Link) -> None:
    await blindness(link).look(prices(at("09:45")), at("10:20"), "Yahoo", LIMITED, await raiser(link))
    other = replace(blindness(link), catalogue=Catalogue.of([CATALOGUE["000300.SS"]]))
    await other.load()
    assert await other.look(prices(at("09:45")), at("10:25"), "Yahoo", LIMITED, await raiser(link)) == ()
    assert [each.exchange for each in await published.blind(link)] == ["XSHG"]


async def test_a_single_stock_that_does_not_trade_makes_nobody_blind(link: Link) -> None:
    alone = replace(blindness(link), catalogue=Catalogue.of([CATALOGUE["1810.HK"]]))
    name = await raiser(link)
    assert await alone.look(prices(at("09:45")), at("10:40"), "Yahoo", "", name) == ()
    (alert,) = await alone.look(prices(at("09:45")), at("10:41"), "Yahoo", LIMITED, name)
    assert alert.reason == "notice"


async def test_sessions_that_passed_unseen_are_named(link: Link) -> None:
    watcher, name = blindness(link), await raiser(link)
    await watcher.look(prices(at("15:00", 21)), at("15:50", 21), "Yahoo", LIMITED, name)
    alerts = await watcher.look(prices(at("09:40", 24)), at("09:56", 24), "Yahoo", "", name)
    assert "Missed whole: 22 Mar and 23 Mar. What was crossed then is on record and is not told late" in told(
        alerts
    )
    assert "Hong Kong, not seen: 15:00 HKT on 21 Mar 2022 to 09:40 HKT" in told(alerts)


async def test_a_second_outage_of_the_day_is_told_by_itself(link: Link) -> None:
    watcher, name = blindness(link), await raiser(link)
    raised: list[Alert] = []
    for newest, now in (("09:45", "10:20"), ("10:30", "10:45"), ("10:30", "11:20"), ("11:20", "11:30")):
        raised += await watcher.look(prices(at(newest)), at(now), "Yahoo", "", name)
    hong_kong = [each for each in raised if "XHKG" in each.fingerprint]
    assert [each.fingerprint.partition(" XHKG")[0] for each in hong_kong] == ["blind", "sees again"] * 2
    assert len({each.fold for each in hong_kong}) == 4
