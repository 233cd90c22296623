from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from bot.alerts.outcome import Sent
from bot.chats.chat_id import ChatId
from bot.messages.blocks import Line, Link, Message, Table, line
from bot.platforms.web.send import WebSender
from tests.platforms.test_web import ALERT, HOSTILE, REPLAY, XIAOMI, Opened, opened

CHROMIUM = "/usr/bin/chromium"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        await browser.close()


@dataclass
class Visit:
    """The page in a browser, and whatever the browser had to say about it."""

    site: Opened
    page: Page
    complaints: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    async def ask(self, text: str) -> None:
        await self.page.get_by_label("A command").fill(text)
        await self.page.keyboard.press("Enter")

    async def alerts(self) -> list[str]:
        return await self.page.locator("#alerts h3").all_inner_texts()


async def visit(browser: Browser, site: Opened, width: int = 1400, height: int = 1000) -> Visit:
    page = await browser.new_page(viewport={"width": width, "height": height})
    visit = Visit(site, page)
    page.on(
        "console",
        lambda message: visit.complaints.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("request", lambda request: visit.hosts.add(urlsplit(request.url).netloc))
    page.on("dialog", lambda dialog: visit.dialogs.append(dialog.message))
    await page.goto(site.own)
    await expect(page.locator("#connection")).to_have_text("Live")
    return visit


@pytest.fixture
async def site() -> AsyncIterator[Opened]:
    async with opened().served() as site:
        yield site


@pytest.fixture
async def seen(browser: Browser, site: Opened) -> AsyncIterator[Visit]:
    """A visit without any complaint, which asks nobody but the page's own server."""
    seen = await visit(browser, site)
    yield seen
    await seen.page.close()
    assert seen.complaints == []
    assert seen.dialogs == []
    assert seen.hosts == {f"127.0.0.1:{site.port}"}


async def test_an_alert_appears_by_itself_and_once(seen: Visit) -> None:
    await seen.page.evaluate("window.unreloaded = true")
    await expect(seen.page.get_by_text("Nothing has rung yet")).to_be_visible()
    await seen.site.ring("first", Message(line("The first")))
    await seen.site.ring("second")
    await expect(seen.page.locator("#alerts h3")).to_have_count(2)
    await seen.site.ring("second")
    await seen.site.ring("third", Message(line("The third")))
    await expect(seen.page.locator("#alerts h3")).to_have_count(3)
    assert await seen.alerts() == [
        "The third",
        "".join(each.text for each in ALERT.heading.spans),
        "The first",
    ]
    await expect(seen.page.get_by_text("Nothing has rung yet")).to_be_hidden()
    assert await seen.page.evaluate("window.unreloaded")


async def test_a_message_that_grows_is_shown_anew_and_once(seen: Visit) -> None:
    feed, chat = seen.site.feed, ChatId("web", "", "page")
    sender = WebSender(feed)
    await sender.send(chat, Message(line("HSTECH +4%")), "growing")
    await sender.send(chat, Message(line("Another")), "another")
    await expect(seen.page.locator("#alerts h3")).to_have_count(2)
    assert await sender.replace(chat, "growing", Message(line("HSTECH +6%"))) == Sent("growing")
    await expect(seen.page.locator("#alerts h3").first).to_have_text("HSTECH +6%")
    assert await seen.alerts() == ["HSTECH +6%", "Another"]


async def test_what_rang_while_the_connection_was_cut_appears_once(browser: Browser) -> None:
    site = opened()
    async with site.served():
        await site.ring("before", Message(line("Before")))
        seen = await visit(browser, site)
        await site.ring("live", Message(line("Live")))
        await expect(seen.page.locator("#alerts h3")).to_have_count(2)
    await expect(seen.page.locator("#connection")).to_have_text("Connection lost, trying again")
    await site.ring("missed", Message(line("Missed")))
    async with site.served(site.port):
        await expect(seen.page.locator("#alerts h3")).to_have_count(3, timeout=10_000)
        await expect(seen.page.locator("#connection")).to_have_text("Live")
        await site.ring("after", Message(line("After")))
        await expect(seen.page.locator("#alerts h3")).to_have_count(4)
        assert await seen.alerts() == ["After", "Missed", "Live", "Before"]
        await seen.page.close()


async def test_a_command_is_answered_below_it(seen: Visit) -> None:
    await seen.ask("/quote 1810.HK")
    answer = seen.page.locator("#answers li").first
    await expect(answer.locator(".asked")).to_have_text("/quote 1810.HK")
    await expect(answer.locator("h3")).to_have_text("Xiaomi 小米集团-W 1810.HK")
    await expect(answer).to_contain_text("HK$14.78 +0.58 +4.08%")
    await expect(seen.page.get_by_label("A command")).to_have_value("")


async def test_a_mistake_is_answered_by_its_sentence(seen: Visit) -> None:
    await seen.ask("quote xiaomi")
    await expect(seen.page.locator("#answers li").first).to_contain_text(
        "“quote xiaomi” is no command: /help lists them."
    )
    await seen.ask("/quote 1810.HK")
    await expect(seen.page.locator("#answers li")).to_have_count(2)
    await expect(seen.page.locator("#answers .asked").first).to_have_text("/quote 1810.HK")


async def test_what_strangers_wrote_is_shown_and_runs_nothing(seen: Visit) -> None:
    shown = HOSTILE.replace("\u202e", "").replace("\u200b", "")
    story = Line((Link(HOSTILE, "javascript:alert(3)"), Link("Read", "https://example.com/story")))
    await seen.site.ring("hostile", Message(line(HOSTILE), (story, Table(((HOSTILE, HOSTILE),)))))
    await expect(seen.page.locator("#alerts h3")).to_have_text(shown)
    await seen.ask(HOSTILE)
    await expect(seen.page.locator("#answers h3")).to_contain_text(shown)
    await seen.page.reload()
    await expect(seen.page.locator("#alerts h3")).to_have_text(shown)
    assert await seen.page.locator("#alerts img, #alerts script, #answers img, #answers script").count() == 0
    link = seen.page.locator("#alerts a")
    await expect(link).to_have_attribute("href", "https://example.com/story")
    await expect(link).to_have_attribute("rel", "noopener noreferrer")


async def test_no_script_of_another_runs_even_if_one_came_in(browser: Browser, site: Opened) -> None:
    seen = await visit(browser, site)
    await seen.site.feed.show("page", "raw", '<p>raw</p><img src="/static/no.svg" onerror="alert(1)">')
    await expect(seen.page.locator("#alerts")).to_contain_text("raw")
    await seen.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.hurt = 1'}))"
    )
    assert await seen.page.evaluate("window.hurt") is None
    assert seen.dialogs == []
    assert [each for each in seen.complaints if "Content Security Policy" in each]
    await seen.page.close()


async def test_a_price_that_moved_is_shown_after_its_alert(seen: Visit) -> None:
    await expect(seen.page.get_by_role("row", name="Xiaomi")).to_contain_text("▲+4.08%")
    await expect(seen.page.get_by_role("row", name="HSTECH")).to_contain_text("▼−56.61%")
    fallen = dataclasses.replace(XIAOMI.quote, day_change_pct=-4.08)
    seen.site.watchlist.rows = (dataclasses.replace(XIAOMI, quote=fallen),)
    await seen.site.ring("fall")
    await expect(seen.page.get_by_role("row", name="Xiaomi")).to_contain_text("▼−4.08%", timeout=3_000)
    await expect(seen.page.get_by_role("row", name="HSTECH")).to_have_count(0)


async def test_a_store_that_is_away_is_said_until_it_is_back(seen: Visit) -> None:
    seen.site.feed.away = "Redis does not answer: start it."
    await expect(seen.page.get_by_role("alert")).to_have_text(seen.site.feed.away)
    await expect(seen.page.locator("#connection")).to_have_text("Not reached")
    seen.site.feed.away = None
    await expect(seen.page.get_by_role("alert")).to_be_hidden()
    await expect(seen.page.locator("#connection")).to_have_text("Live")


async def test_everything_is_reached_by_the_keyboard(seen: Visit) -> None:
    await seen.page.keyboard.press("Tab")
    await expect(seen.page.get_by_role("link", name="Skip to the question box")).to_be_focused()
    await seen.page.keyboard.press("Enter")
    await seen.page.keyboard.type("/help me")
    await seen.page.keyboard.press("Enter")
    await expect(seen.page.locator("#answers .asked")).to_have_text("/help me")
    await seen.page.keyboard.press("ArrowUp")
    await expect(seen.page.get_by_label("A command")).to_have_value("/help me")
    for _ in range(2):
        await seen.page.keyboard.press("Tab")
    await expect(seen.page.get_by_role("button", name="/quote")).to_be_focused()
    await seen.page.keyboard.press("Enter")
    await expect(seen.page.get_by_label("A command")).to_be_focused()
    await expect(seen.page.locator("#hint")).to_contain_text("the price and the day change")
    await seen.page.keyboard.type("小米")
    await seen.page.keyboard.press("Enter")
    await expect(seen.page.locator("#answers .asked").first).to_have_text("/quote 小米")


async def test_older_alerts_are_folded_and_come_out_when_asked_for(browser: Browser, site: Opened) -> None:
    for at in range(10):
        await site.ring(f"{at}", Message(line(f"Number {at}")))
    seen = await visit(browser, site)
    await expect(seen.page.locator("#alerts li:visible")).to_have_count(8)
    await site.ring("10", Message(line("Number 10")))
    await expect(seen.page.get_by_text("Number 10")).to_be_visible()
    await expect(seen.page.locator("#alerts li:visible")).to_have_count(8)
    await seen.page.get_by_role("button", name="Show 3 earlier").click()
    await expect(seen.page.locator("#alerts li:visible")).to_have_count(11)
    await expect(seen.page.locator("#alerts li:focus")).to_have_text("Number 2")
    await seen.page.close()


@pytest.mark.parametrize("width", [360, 767, 768, 1199, 1200, 1400])
async def test_nothing_is_wider_than_the_window(browser: Browser, width: int) -> None:
    site = opened(REPLAY if width < 1400 else None)
    live = dataclasses.replace(XIAOMI.price, final=False, source="Yahoo Finance", delay=15)
    site.watchlist.rows = (*site.watchlist.rows, dataclasses.replace(XIAOMI, price=live))
    async with site.served():
        long = "W" * 400
        row = ("−68.27%", "17 Feb 2021", "15 Mar 2022", "open, and as wide as a telephone is not")
        await site.ring("long", Message(line(long), (line(long), Table((row, row))), line(long)))
        seen = await visit(browser, site, width)
        await seen.ask(long)
        await expect(seen.page.locator("#answers h3")).to_be_visible()
        assert await seen.page.evaluate("document.documentElement.scrollWidth") == width
        table = "document.getElementById('watched')"
        assert await seen.page.evaluate(f"{table}.scrollWidth <= {table}.clientWidth")
        await expect(seen.page.get_by_text("This is not the market now.")).to_have_count(int(width < 1400))
        assert seen.complaints == []
        await seen.page.close()


async def test_a_dead_connection_is_noticed_though_nobody_closed_it(browser: Browser) -> None:
    site = opened()
    async with site.served(), Pipes(site.port) as pipes:
        seen = await visit(browser, dataclasses.replace(site, port=pipes.port))
        await seen.page.clock.install()
        await seen.page.reload()
        await expect(seen.page.locator("#connection")).to_have_text("Live")
        pipes.frozen = True
        await site.ring("while frozen")
        await asyncio.sleep(0.2)
        for frozen in (True, False):
            pipes.frozen = frozen
            await seen.page.clock.fast_forward(13_000)
            await expect(seen.page.locator("#alerts h3")).to_have_count(int(not frozen))
            await expect(seen.page.locator("#connection")).to_have_text(
                "Connection lost, trying again" if frozen else "Live"
            )
        await seen.page.close()


class Pipes:
    """A way to the page on which connections stand still while it is `frozen`, without ever closing."""

    def __init__(self, to: int) -> None:
        self.to = to
        self.port = 0
        self.frozen = False
        self.moving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self.server = await asyncio.start_server(self.carry, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        for each in self.moving:
            each.cancel()
        await asyncio.gather(*self.moving, return_exceptions=True)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.to)
        both = ((reader, there_writer), (there_reader, writer))
        self.moving |= {asyncio.create_task(self.move(*each)) for each in both}

    async def move(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lost = False
        try:
            while data := await reader.read(65_536):
                lost = lost or self.frozen
                if not lost:
                    writer.write(data)
                    await writer.drain()
        finally:
            writer.close()
