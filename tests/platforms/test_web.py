from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import aiohttp
import pytest

from bot.alerts.outcome import Again, Sent
from bot.chat.stored import StoredMarket
from bot.chats.chat_id import ChatId
from bot.chats.roles import Role
from bot.errors import Away, UsageError
from bot.market.bars import Bar
from bot.market.catalogue import Catalogue
from bot.market.extremes import Window
from bot.market.freshness import Freshness
from bot.market.instrument import Instrument, Kind
from bot.market.measures import Distance, DrawdownCard, QuoteCard
from bot.market.quote import Quote
from bot.market.schedule import Exchange, Schedule, SessionHours
from bot.messages.blocks import Line, Link, Message, Strong, Table, Words, line, message_of, strong
from bot.platforms.web.app import page
from bot.platforms.web.render import render
from bot.platforms.web.rows import row_of
from bot.platforms.web.send import WebSender
from bot.platforms.web.serve import serve
from bot.ports import Desk, PageFeed, Sender, Shown, Watched, Watchlist
from bot.store import market as published
from bot.store.link import Link as Redis

HERE = ChatId("web", "", "page")
LAST = date(2022, 3, 23)
ALERT = Message(
    strong("HSTECH touched 40% off its 15 Mar low: day's high 4,883.76 (+40.64%)"),
    (line("Closed at 4,749.12, +36.77%: back under 40% (4,861.39)"),),
    line("Session of 23 Mar 2022, time of day unknown: daily bar, recorded bars"),
)
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>\u202egnp.exe\u200b & \"quoted\" 'too'"
REPLAY = "Replay of 1–23 Mar 2022, reconstructed from daily bars"


class MemoryFeed:
    """A feed that keeps its messages in memory; `away` makes it fail."""

    def __init__(self) -> None:
        self.held: list[Shown] = []
        self.number = 0
        self.places: dict[str, str] = {}
        self.away: str | None = None
        self.rang = asyncio.Condition()

    async def show(self, session: str, delivery: str, html: str) -> str:
        self.check()
        async with self.rang:
            if delivery not in self.places:
                self.add(delivery, html)
                self.rang.notify_all()
        return self.places[delivery]

    async def replace(self, session: str, delivery: str, html: str) -> str | None:
        self.check()
        async with self.rang:
            older = self.places.get(delivery)
            if older is None:
                return None
            self.held = [each for each in self.held if each.place != older]
            self.add(delivery, html)
            self.rang.notify_all()
        return self.places[delivery]

    def add(self, delivery: str, html: str) -> None:
        self.places[delivery] = f"{1_648_022_400_000 + self.number}-0"
        self.number += 1
        self.held.append(Shown(self.places[delivery], html))

    async def recent(self, session: str) -> tuple[Shown, ...]:
        self.check()
        return tuple(self.held[-100:])

    async def after(self, session: str, place: str) -> tuple[Shown, ...]:
        self.check()

        def new() -> tuple[Shown, ...]:
            return tuple(each for each in self.held if each.place > place)

        try:
            async with asyncio.timeout(2), self.rang:
                await self.rang.wait_for(lambda: bool(new()))
        except TimeoutError:
            return ()
        return new()

    def check(self) -> None:
        if self.away is not None:
            raise Away(self.away)


@dataclass
class MemoryWatchlist:
    rows: tuple[Watched, ...] = ()
    away: str | None = None

    async def watched(self) -> tuple[Watched, ...]:
        if self.away is not None:
            raise Away(self.away)
        return self.rows


@dataclass
class Clerk:
    """A desk that answers `/quote` and refuses everything else, and remembers what it was asked."""

    asked: list[tuple[str, ChatId, Role]] = field(default_factory=list)
    away: str | None = None

    async def answer(self, line: str, chat: ChatId, role: Role) -> Message:
        self.asked.append((line, chat, role))
        if self.away is not None:
            raise Away(self.away)
        if line.startswith("/quote"):
            return Message(strong("Xiaomi 小米集团-W 1810.HK"), (Line((Words("HK$14.78 +0.58 +4.08%"),)),))
        return message_of(f"“{line}” is no command: /help lists them.")

    async def role(self, chat: ChatId, user: str, *, administers: bool) -> Role:
        return Role.OWNER if user == "web:page" and administers else Role.STRANGER

    async def come_back(self, chat: ChatId) -> None:
        pass

    def menu(self) -> Iterable[tuple[str, str]]:
        return (
            ("quote", "the price and the day change of an instrument, by symbol or name"),
            ("help", "the commands you may give"),
        )


def watched(
    short: str,
    symbol: str,
    closes: tuple[float, float],
    peak: Distance,
    low: Distance,
    chinese: str = "",
    *,
    final: bool = True,
    known: bool = True,
) -> Watched:
    kind: Kind = "stock" if "." in symbol else "index"
    instrument = Instrument(symbol, kind, "XHKG", "HKD", short, names={"zh-Hans": chinese} if chinese else {})
    before, now = closes
    bar, previous = Bar(LAST, now), Bar(date(2022, 3, 22), before)
    since = date(2020, 12, 1)
    card = QuoteCard(
        instrument,
        bar,
        previous if known else None,
        (now / before - 1) * 100 if known else None,
        None if known else "the bar of the previous session, 2022-03-22, is missing",
        from_peak=peak,
        off_low=low,
        since=since,
    )
    window: Window = "all"
    drawdown = DrawdownCard(instrument, bar, window, since, {}, {})
    made = datetime(2022, 3, 23, 8, 10, tzinfo=UTC) if final else datetime(2022, 3, 23, 1, 47, tzinfo=UTC)
    source, delay = ("recorded bars", 0) if final else ("Yahoo", 15)
    state = Freshness("official close" if final else "delayed", delay, 0.0)
    return Watched(card, drawdown, Quote(symbol, now, LAST, made, made, source, delay, final), state)


HSTECH = watched(
    "HSTECH",
    "HSTECH",
    (4653.70, 4749.12),
    Distance(10945.22, date(2021, 2, 17), -56.610),
    Distance(3472.42, date(2022, 3, 15), 36.767),
    "恒生科技指数",
)
XIAOMI = watched(
    "Xiaomi",
    "1810.HK",
    (14.20, 14.78),
    Distance(35.30, date(2021, 1, 5), -58.130),
    Distance(11.50, date(2022, 3, 15), 28.522),
    "小米集团-W",
)
BILIBILI = watched(
    "Bilibili HK",
    "9626.HK",
    (208.0, 229.0),
    Distance(979.0, date(2021, 6, 28), -76.609),
    Distance(127.6, date(2022, 3, 15), 79.467),
    "哔哩哔哩-W",
)


@dataclass
class Opened:
    """The page as it is served, and what stands behind it."""

    feed: MemoryFeed
    watchlist: MemoryWatchlist
    desk: Clerk
    title_note: str | None = None
    hosts: tuple[str, ...] = ("bell.example.org",)
    port: int = 0

    @property
    def own(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def ring(self, delivery: str, message: Message = ALERT) -> str:
        outcome = await WebSender(self.feed).send(HERE, message, delivery)
        assert outcome == Sent(delivery)
        return self.feed.places[delivery]

    @asynccontextmanager
    async def served(self, port: int = 0) -> AsyncIterator[Opened]:
        """Serve the page on a port; what comes after finds it closed."""
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        feed: PageFeed = self.feed
        watchlist: Watchlist = self.watchlist
        desk: Desk = self.desk
        app = page(feed, watchlist, desk, session="page", title_note=self.title_note, hosts=self.hosts)
        serving = asyncio.create_task(serve(app, "127.0.0.1", port, ready.set_result))
        either: set[asyncio.Future[Any]] = {ready, serving}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        self.port = ready.result()
        try:
            yield self
        finally:
            serving.cancel()
            await asyncio.wait({serving})


def opened(title_note: str | None = None) -> Opened:
    return Opened(MemoryFeed(), MemoryWatchlist((HSTECH, XIAOMI, BILIBILI)), Clerk(), title_note)


@pytest.fixture
async def site() -> AsyncIterator[Opened]:
    async with opened().served() as site:
        yield site


@pytest.fixture
async def http(site: Opened) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(site.own) as http:
        yield http


async def events(answer: aiohttp.ClientResponse, count: int) -> list[dict[str, str]]:
    """Read a stream until `count` alerts have come."""
    found: list[dict[str, str]] = []
    now: dict[str, str] = {}
    async with asyncio.timeout(5):
        async for raw in answer.content:
            name, _, value = raw.decode().rstrip("\n").partition(": ")
            if name:
                now[name] = f"{now[name]}\n{value}" if name in now else value
                continue
            if now.get("event") in {"alert", "trouble"}:
                found.append(now)
            now = {}
            if len(found) == count:
                break
    return found


class TestRender:
    def test_a_message_has_its_heading_lines_table_and_small_line(self) -> None:
        message = Message(
            strong("HSTECH"),
            (
                Line((Words("From "), Strong("peak"))),
                Table((("Worst", "peak"), ("−68.27%", "17 Feb 2021"))),
                Line((Link("Read", "https://example.com/a?b=1&c=2"),)),
            ),
            line("Yahoo"),
        )
        assert render(message) == (
            '<article class="message">\n'
            "<h3>HSTECH</h3>\n"
            "<p>From <strong>peak</strong></p>\n"
            '<div class="wide"><table><tr><th scope="row">Worst</th><td>peak</td></tr>'
            '<tr><th scope="row">−68.27%</th><td>17 Feb 2021</td></tr></table></div>\n'
            '<p><a href="https://example.com/a?b=1&amp;c=2" rel="noopener noreferrer" target="_blank">'
            "Read</a></p>\n"
            '<p class="small">Yahoo</p>\n'
            "</article>"
        )

    def test_whatever_others_wrote_stays_words(self) -> None:
        html = render(Message(line(HOSTILE), (Table(((HOSTILE, HOSTILE),)),), line(HOSTILE)))
        assert "<img" not in html
        assert "<script" not in html
        assert "&lt;img src=x onerror=alert(1)&gt;" in html
        assert "\u202e" not in html
        assert "\u200b" not in html

    @pytest.mark.parametrize(
        "url",
        [
            "javascript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "//evil.example/",
            "https://bank.example@evil.example/",
            "http://[half",
            "https://two words.example/",
            "https:\\\\evil.example",
            "",
        ],
    )
    def test_a_link_that_leads_nowhere_good_is_words(self, url: str) -> None:
        assert render(Message(line("x"), (Line((Link("Read", url),)),))).count("<a ") == 0

    def test_an_address_cannot_leave_its_attribute(self) -> None:
        html = render(Message(line("x"), (Line((Link("Read", 'https://e.example/"onclick="x'),)),)))
        assert '<a href="https://e.example/&quot;onclick=&quot;x" ' in html

    def test_lines_stay_on_one_line(self) -> None:
        assert "<h3>two lines</h3>" in render(Message(line("two\nlines")))


class TestSender:
    async def test_a_delivery_is_shown_once_however_often_it_is_sent(self) -> None:
        feed = MemoryFeed()
        sender: Sender = WebSender(feed)
        first = await sender.send(HERE, ALERT, "alert:web:page")
        assert first == await sender.send(HERE, ALERT, "alert:web:page")
        assert first == Sent("alert:web:page")
        assert len(feed.held) == 1
        assert sender.route == HERE.route

    async def test_a_store_that_is_away_is_tried_again(self) -> None:
        feed = MemoryFeed()
        feed.away = "Redis does not answer."
        outcome = await WebSender(feed).send(HERE, ALERT, "alert:web:page")
        assert outcome == Again("Redis does not answer.", scope="route")

    async def test_a_doubt_is_settled_by_sending_again(self) -> None:
        assert isinstance(await WebSender(MemoryFeed()).find(HERE, "alert:web:page"), Again)


class TestGuard:
    @pytest.mark.parametrize(
        "host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:80", "bell.example.org:99"]
    )
    async def test_the_page_answers_to_its_names_on_any_port(
        self, http: aiohttp.ClientSession, host: str
    ) -> None:
        async with http.get("/", headers={"Host": host}) as answer:
            assert answer.status == 200

    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.nip.io:8747",
            "evil@localhost",
            "localhost/x",
            "localhost:port",
            "[::1",
            "::2",
            "",
        ],
    )
    async def test_no_foreign_name_can_be_pointed_at_it(self, http: aiohttp.ClientSession, host: str) -> None:
        for path in ("/", "/events", "/watched", "/healthz", "/static/page.js", "/nowhere"):
            async with http.get(path, headers={"Host": host}) as answer:
                assert answer.status == 421
                assert "web.names" in await answer.text()

    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.example",
            "null",
            "http://127.0.0.1:1",
            "ftp://{host}",
            "{host}",
            "http://{host}.evil.example",
            "",
        ],
    )
    async def test_no_foreign_page_can_ask(
        self, http: aiohttp.ClientSession, site: Opened, origin: str
    ) -> None:
        told = origin.format(host=f"127.0.0.1:{site.port}")
        async with http.post("/ask", data="/help", headers={"Origin": told}) as answer:
            assert answer.status == 403
        assert site.desk.asked == []

    async def test_nobody_asks_without_saying_from_where(
        self, http: aiohttp.ClientSession, site: Opened
    ) -> None:
        async with http.post("/ask", data="/help") as answer:
            assert answer.status == 403
            assert "Origin" in await answer.text()
        assert site.desk.asked == []

    @pytest.mark.parametrize("path", ["/", "/watched", "/healthz", "/static/page.css", "/nowhere"])
    @pytest.mark.parametrize("host", ["localhost", "evil.example"])
    async def test_every_answer_forbids_whatever_is_not_ours(
        self, http: aiohttp.ClientSession, path: str, host: str
    ) -> None:
        async with http.get(path, headers={"Host": host}) as answer:
            policy = answer.headers["Content-Security-Policy"].split("; ")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert "Server" not in answer.headers
        for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"):
            assert rule in policy
        assert not any("unsafe" in rule for rule in policy)


class TestPage:
    async def test_it_shows_what_rang_newest_first_and_what_is_watched(
        self, http: aiohttp.ClientSession, site: Opened
    ) -> None:
        await site.ring("first", Message(line("The first")))
        last = await site.ring("second", Message(line("The second")))
        async with http.get("/") as answer:
            html = await answer.text()
        assert html.index("The second") < html.index("The first")
        assert f'data-last="{last}"' in html
        assert "恒生科技指数" in html
        assert "/quote" in html
        assert "This is not the market now" not in html

    async def test_it_asks_for_nothing_from_elsewhere(self, http: aiohttp.ClientSession) -> None:
        async with http.get("/") as answer:
            html = await answer.text()
        assert "http://" not in html
        assert "https://" not in html
        assert " style=" not in html
        assert " on" not in "".join(part.partition(">")[0] for part in html.split("<button")[1:])

    async def test_a_replay_is_called_one(self) -> None:
        site = opened(REPLAY)
        async with site.served(), aiohttp.ClientSession(site.own) as http, http.get("/") as answer:
            html = await answer.text()
        assert f"<strong>{REPLAY}.</strong> This is not the market now." in html
        assert "<title>Replay · Marketbell</title>" in html

    async def test_names_and_notes_are_escaped(self) -> None:
        site = opened(f"Replay {HOSTILE}")
        site.watchlist.rows = (
            watched(HOSTILE, "1810.HK", (1, 2), Distance(3, LAST, -1), Distance(1, LAST, 1), f"{HOSTILE}!"),
        )
        async with site.served(), aiohttp.ClientSession(site.own) as http, http.get("/") as answer:
            html = await answer.text()
        assert "<img" not in html
        assert "alert(2)</script>" not in html
        assert html.count("&lt;script&gt;alert(2)") == 3
        assert "\u202e" not in html

    async def test_empty_parts_say_what_will_appear(self, http: aiohttp.ClientSession, site: Opened) -> None:
        site.watchlist.rows = ()
        async with http.get("/") as answer:
            html = await answer.text()
        assert "Nothing has rung yet" in html
        assert "No price yet" in html
        assert "Answers appear here" in html

    async def test_a_store_that_is_away_is_said_and_not_hidden(
        self, http: aiohttp.ClientSession, site: Opened
    ) -> None:
        site.feed.away = "Redis at /tmp/x does not answer: start it."
        async with http.get("/") as answer:
            assert answer.status == 200
            assert site.feed.away in await answer.text()

    async def test_it_says_that_it_is_well(self, http: aiohttp.ClientSession) -> None:
        async with http.get("/healthz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")


class TestWatched:
    async def test_a_change_has_an_arrow_and_a_sign(self, http: aiohttp.ClientSession) -> None:
        async with http.get("/watched") as answer:
            html = await answer.text()
        assert '<span class="arrow" aria-hidden="true">▲</span>+2.05%' in html
        assert '<span class="arrow" aria-hidden="true">▼</span>−56.61%' in html
        assert "HK$14.78" in html
        assert "Closed, official close 23 Mar 2022, 16:10 HKT" in html
        assert "<small>recorded bars</small>" in html

    async def test_a_source_that_is_away_has_its_sentence(
        self, http: aiohttp.ClientSession, site: Opened
    ) -> None:
        site.watchlist.away = "Redis does not answer."
        async with http.get("/watched") as answer:
            assert (answer.status, await answer.text()) == (503, "Redis does not answer.")

    async def test_a_change_that_is_not_known_says_why(
        self, http: aiohttp.ClientSession, site: Opened
    ) -> None:
        distance = Distance(10.0, LAST, 0.0)
        site.watchlist.rows = (watched("X", "1.HK", (1, 2), distance, distance, known=False),)
        async with http.get("/watched") as answer:
            html = await answer.text()
        assert "not known" in html
        assert "2022-03-22, is missing" in html
        assert "at its peak" in html
        assert "at its low" in html

    def test_a_live_price_says_its_delay_and_when_it_was_made(self) -> None:
        distance = Distance(10.0, LAST, 0.0)
        live = watched("X", "1.HK", (1, 2), distance, distance, final=False)
        row = row_of(live, replayed=False)
        assert (row.when, row.source) == ("09:47 HKT, 23 Mar 2022, 15 min delayed", "Yahoo")
        assert row.made == "2022-03-23T01:47:00+00:00"
        assert row_of(live, replayed=True).made is None

    async def test_a_price_that_is_not_what_it_seems_is_called_so(
        self, http: aiohttp.ClientSession, site: Opened
    ) -> None:
        distance = Distance(10.0, LAST, 0.0)
        live = watched("X", "1.HK", (1, 2), distance, distance, final=False)
        noted = replace(live.price, note="held for 2 min, and seen again")
        site.watchlist.rows = (
            replace(live, state=Freshness("stale", 15, 12.5), price=noted),
            replace(HSTECH, state=Freshness("halted", 0, 40.0)),
        )
        async with http.get("/watched") as answer:
            html = await answer.text()
        assert "Stale: 09:47 HKT is 27 minutes of trading old (23 Mar 2022, 15 min delayed)" in html
        assert "<small>Yahoo; held for 2 min, and seen again</small>" in html
        assert "No trade since 23 Mar 2022, 16:10 HKT" in html
        assert "<time" not in html


async def test_the_page_judges_prices_by_the_hours_that_the_worker_publishes(link: Redis) -> None:
    made = datetime(2022, 3, 23, 1, 47, tzinfo=UTC)
    opens, closes = made.replace(minute=30), made.replace(hour=8, minute=0)
    hours = SessionHours(LAST, opens, (), closes, closes.replace(minute=10))
    schedule = Schedule({"XHKG": Exchange("Asia/Hong_Kong", date(2022, 3, 20), date(2022, 3, 26), (hours,))})
    await published.publish_quotes(link, [Quote("1810.HK", 14.78, LAST, made, made, "Yahoo", 15)])
    catalogue = Catalogue.of([XIAOMI.quote.instrument])
    clock = make_clock(made.replace(hour=2, minute=30))
    market = StoredMarket(link, catalogue, catalogue, clock)

    async def said() -> str:
        return row_of((await market.watched())[0], replayed=False).when

    assert await said() == (
        "09:47 HKT, 23 Mar 2022, 15 min delayed, received 43 minutes ago, trading hours not known"
    )
    await published.publish_schedule(link, schedule)
    assert await said() == "Stale: 09:47 HKT is 43 minutes of trading old (23 Mar 2022, 15 min delayed)"
    later = StoredMarket(link, catalogue, catalogue, make_clock(made.replace(hour=9)))
    assert row_of((await later.watched())[0], replayed=False).when == (
        "Closed, last seen 09:47 HKT, 23 Mar 2022, 15 min delayed, not the official close"
    )


def make_clock(moment: datetime) -> Callable[[], int]:
    """Return a clock that stands still."""
    return lambda: round(moment.timestamp() * 1000)


class TestEvents:
    async def test_alerts_come_in_order_under_their_places(
        self, http: aiohttp.ClientSession, site: Opened
    ) -> None:
        async with http.get("/events") as answer:
            assert answer.content_type == "text/event-stream"
            places = [await site.ring(f"{at}", Message(line(f"Number {at}"))) for at in range(3)]
            found = await events(answer, 3)
        assert [each["id"] for each in found] == places
        assert [f"Number {at}" in found[at]["data"] for at in range(3)] == [True] * 3
        assert found[0]["data"] == site.feed.held[0].html

    async def test_a_reconnection_misses_nothing_and_repeats_nothing(
        self, http: aiohttp.ClientSession, site: Opened
    ) -> None:
        places = [await site.ring(f"{at}") for at in range(4)]
        asked = f"/events?after={places[0]}"
        async with http.get(asked) as answer:
            assert [each["id"] for each in await events(answer, 2)] == places[1:3]
        # A browser repeats the address that it began with.
        async with http.get(asked, headers={"Last-Event-ID": places[2]}) as answer:
            places.append(await site.ring("one more"))
            assert [each["id"] for each in await events(answer, 2)] == places[3:]

    @pytest.mark.parametrize("place", ["$", "9" * 30, "1-0\n", "x", "1-0-0", "٣"])
    async def test_a_place_that_can_be_none_is_the_beginning(
        self, http: aiohttp.ClientSession, site: Opened, place: str
    ) -> None:
        first = await site.ring("first")
        async with http.get("/events", params={"after": place}) as answer:
            assert [each["id"] for each in await events(answer, 1)] == [first]

    async def test_silence_has_a_beat(self, http: aiohttp.ClientSession) -> None:
        async with asyncio.timeout(5), http.get("/events") as answer:
            assert await answer.content.readuntil(b"event: beat\n") == b"retry: 1000\n\nevent: beat\n"

    async def test_a_store_that_is_away_is_told_and_its_end_too(
        self, http: aiohttp.ClientSession, site: Opened
    ) -> None:
        site.feed.away = "Redis does not answer."
        async with http.get("/events") as answer:
            (trouble,) = await events(answer, 1)
            assert (trouble["event"], trouble["data"]) == ("trouble", "Redis does not answer.")
            site.feed.away = None
            place = await site.ring("afterwards")
            assert [each["id"] for each in await events(answer, 1)] == [place]


class TestAsk:
    async def asked(self, http: aiohttp.ClientSession, site: Opened, body: bytes | str) -> tuple[int, str]:
        async with http.post("/ask", data=body, headers={"Origin": site.own}) as answer:
            return answer.status, await answer.text()

    async def test_a_command_is_answered_as_the_owner_of_the_page(
        self, http: aiohttp.ClientSession, site: Opened
    ) -> None:
        status, html = await self.asked(http, site, " /quote\n小米 ")
        assert status == 200
        assert html.startswith('<article class="message">')
        assert "HK$14.78 +0.58 +4.08%" in html
        assert site.desk.asked == [("/quote 小米", HERE, Role.OWNER)]

    async def test_a_mistake_is_answered_by_its_sentence(
        self, http: aiohttp.ClientSession, site: Opened
    ) -> None:
        status, html = await self.asked(http, site, "<b>hello</b>")
        assert status == 200
        assert "“&lt;b&gt;hello&lt;/b&gt;” is no command" in html

    async def test_a_desk_that_cannot_answer_has_its_sentence(
        self, http: aiohttp.ClientSession, site: Opened
    ) -> None:
        site.desk.away = "The worker does not answer."
        status, html = await self.asked(http, site, "/quote 1810.HK")
        assert status == 503
        assert "<h3>The worker does not answer.</h3>" in html

    @pytest.mark.parametrize("body", [b"", b" \n ", "\u200b".encode()])
    async def test_nothing_is_no_question(
        self, http: aiohttp.ClientSession, site: Opened, body: bytes
    ) -> None:
        status, html = await self.asked(http, site, body)
        assert status == 400
        assert "/help" in html

    async def test_a_line_has_four_kilobytes(self, http: aiohttp.ClientSession, site: Opened) -> None:
        assert (await self.asked(http, site, b"x" * 4096))[0] == 200
        status, html = await self.asked(http, site, b"x" * 4097)
        assert status == 413
        assert "4 KB" in html

    async def test_the_cap_holds_without_a_length_told(
        self, http: aiohttp.ClientSession, site: Opened
    ) -> None:
        async def endless() -> AsyncIterator[bytes]:
            for _ in range(1000):
                yield b"x" * 1024

        async with http.post("/ask", data=endless(), headers={"Origin": site.own}) as answer:
            assert answer.status == 413
        assert site.desk.asked == []

    async def test_text_must_be_utf_8(self, http: aiohttp.ClientSession, site: Opened) -> None:
        status, html = await self.asked(http, site, b"/quote \xff")
        assert status == 400
        assert "UTF-8" in html

    async def test_whoever_hangs_up_while_asking_is_no_failure(
        self, site: Opened, caplog: pytest.LogCaptureFixture
    ) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        told = ("POST /ask HTTP/1.1", "Host: localhost", "Origin: http://localhost", "Content-Length: 9")
        writer.write("\r\n".join((*told, "", "/qu")).encode())
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.1)
        assert caplog.records == []

    async def test_a_question_is_not_asked_by_a_link(self, http: aiohttp.ClientSession) -> None:
        async with http.get("/ask") as answer:
            assert answer.status == 405


class TestServe:
    async def test_a_port_in_use_says_which_and_what_to_set(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            with pytest.raises(UsageError, match=rf"Port {port} on 127\.0\.0\.1 is in use.*web\.port"):
                async with opened().served(port):
                    pass

    @pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid"])
    async def test_a_host_that_is_not_here_says_what_to_set(self, host: str) -> None:
        app = page(MemoryFeed(), MemoryWatchlist(), Clerk(), session="page", title_note=None, hosts=())
        with pytest.raises(UsageError, match=r"web\.host.*127\.0\.0\.1"):
            await serve(app, host, 0, lambda port: None)

    async def test_it_ends_at_once_with_streams_open_and_nothing_to_complain(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        site = opened()
        async with aiohttp.ClientSession() as http:
            async with site.served():
                streams = [await http.get(f"{site.own}/events") for _ in range(3)]
                await site.ring("one")
                assert [len(await events(each, 1)) for each in streams] == [1, 1, 1]
                began = time.monotonic()
            assert time.monotonic() - began < 2
            # The streams end as answers do, not torn off.
            for each in streams:
                await each.read()
            with pytest.raises(aiohttp.ClientConnectorError):
                await http.get(site.own)
        assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []

    async def test_a_question_that_is_never_answered_does_not_hold_it(self) -> None:
        class Asleep(Clerk):
            async def answer(self, line: str, chat: ChatId, role: Role) -> Message:
                await asyncio.sleep(60)
                raise AssertionError

        site = Opened(MemoryFeed(), MemoryWatchlist(), Asleep())
        async with aiohttp.ClientSession() as http:
            async with site.served():
                asking = asyncio.create_task(
                    http.post(f"{site.own}/ask", data="/quote", headers={"Origin": site.own})
                )
                await asyncio.sleep(0.1)
                began = time.monotonic()
            assert time.monotonic() - began < 2
            async with await asking as answer:
                assert answer.status == 503
                assert "being stopped" in await answer.text()

    async def test_its_port_can_be_had_again(self) -> None:
        site = opened()
        async with aiohttp.ClientSession() as http:
            for _ in range(2):
                async with site.served(site.port):
                    stream = await http.get(f"{site.own}/events")
                    assert stream.status == 200
                stream.close()

    async def test_a_failure_of_whoever_waits_for_it_ends_it(self) -> None:
        def ready(port: int) -> None:
            raise OSError(port)

        app = page(MemoryFeed(), MemoryWatchlist(), Clerk(), session="page", title_note=None, hosts=())
        with pytest.raises(OSError, match=r"\d+"):
            await serve(app, "localhost", 0, ready)
