"""Answers with a picture on the page: in a real browser, under the page's own policy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import aiohttp
import pytest
from playwright.async_api import Browser, async_playwright, expect

from bot.chats.chat_id import ChatId
from bot.chats.roles import Role
from bot.messages.blocks import Message, line, strong
from bot.platforms.web.pictures import Gallery
from bot.platforms.web.render import render
from tests.platforms.drawn import picture
from tests.platforms.test_page_in_browser import CHROMIUM, QUIET, visit
from tests.platforms.test_web import Clerk, Opened, opened

ANSWER = Message(strong("HSTECH day > 2%"), (line("12 times"),), line("Yahoo"), picture(1000, 700))


@dataclass
class Drawing(Clerk):
    """A clerk who answers with a picture."""

    async def answer(self, line: str, chat: ChatId, role: Role) -> Message:
        return ANSWER


@pytest.fixture
async def site() -> AsyncIterator[Opened]:
    async with replace(opened(), desk=Drawing()).served() as site:
        yield site


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        await browser.close()


@pytest.mark.parametrize("width", [360, 1400])
async def test_a_picture_is_seen_in_its_answer_and_no_wider_than_the_window(
    browser: Browser, site: Opened, width: int
) -> None:
    seen = await visit(browser, site, width)
    await seen.ask("/backtest HSTECH day > 2%")
    image = seen.page.locator("#answers img")
    await expect(image).to_have_js_property("complete", value=True)
    await expect(image).to_have_js_property("naturalWidth", value=1000)
    await expect(image).to_have_attribute("alt", ANSWER.picture.alt.strip("\u202e") if ANSWER.picture else "")
    assert await seen.page.evaluate("document.documentElement.scrollWidth") == width
    box = await image.bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(1000 / 700, rel=0.01)
    assert (seen.complaints, seen.dialogs) == ([], [])
    assert seen.hosts == {f"127.0.0.1:{site.port}"}
    await seen.page.close()


async def test_a_picture_is_served_to_the_page_alone(site: Opened) -> None:
    async with aiohttp.ClientSession(site.own) as http:
        headers = {"Origin": site.own}
        async with http.post("/ask", data=b"/backtest HSTECH", headers=headers) as answer:
            html = await answer.text()
        path = html.partition('<img src="')[2].partition('"')[0]
        async with http.get(path) as served:
            assert (served.status, served.content_type) == (200, "image/png")
            assert ANSWER.picture is not None
            assert await served.read() == ANSWER.picture.png
            assert served.headers["cross-origin-resource-policy"] == "same-origin"
            assert "img-src 'self';" in served.headers["content-security-policy"]
        async with http.get(path, headers={"Host": "evil.example"}) as refused:
            assert refused.status == 421
        async with http.get("/pictures/nothing") as missing:
            assert missing.status == 404
            assert "ask again" in await missing.text()


def test_words_of_a_picture_cannot_leave_their_attribute() -> None:
    html = render(ANSWER, picture="/pictures/1")
    assert html.count("<img ") == 1
    assert '"&gt;&lt;img' not in html
    assert "&quot;&gt;&lt;img src=x onerror=alert(1)&gt;" in html
    assert html.index("12 times") < html.index("<img ") < html.index("Yahoo")


def test_a_picture_that_is_served_nowhere_is_not_shown() -> None:
    assert "<img" not in render(ANSWER)


def test_the_newest_pictures_are_kept_each_once() -> None:
    gallery = Gallery(most=2)
    messages = [replace(ANSWER, picture=picture(size, size)) for size in (1, 2, 3)]
    first, second = map(gallery.hang, messages[:2])
    assert gallery.hang(messages[0]) == first
    third = gallery.hang(messages[2])
    found = [gallery.find(path.rpartition("/")[2]) for path in (first, second, third)]
    assert [each is not None for each in found] == [True, False, True]
    assert gallery.hang(Message(strong("no picture"))) == ""
