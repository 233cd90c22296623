"""What becomes of feeds, good ones and hostile ones, over real connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import Away
from bot.sources.feed_parse import plain_text
from bot.sources.feeds import Feeds
from tests.fakes.feeds import Document, FakeFeeds, Item, atom, rss

NOW = datetime(2022, 3, 23, 9, 0, tzinfo=UTC)
TOLD = datetime(2022, 3, 23, 1, 30, tzinfo=UTC)
BUYBACK = Item("Alibaba lifts its buyback", "https://news.example/1", "g1", "To US$25bn.", TOLD)


@pytest.fixture
async def fake() -> AsyncIterator[FakeFeeds]:
    async with FakeFeeds() as server:
        yield server


@pytest.fixture
async def feeds() -> AsyncIterator[Feeds]:
    reader = Feeds(lambda: NOW, max_bytes=200_000, connect=1, total=1)
    yield reader
    await reader.close()


async def titles(feeds: Feeds, address: str) -> list[str]:
    return [each.title for each in await feeds.stories(address) or ()]


@pytest.mark.parametrize("body", [rss(BUYBACK), atom(BUYBACK)], ids=["rss", "atom"])
async def test_a_story_is_read_as_plain_text(fake: FakeFeeds, feeds: Feeds, body: bytes) -> None:
    address = fake.put("/feed", Document(body))
    (story,) = await feeds.stories(address) or ()
    assert (story.feed, story.guid, story.link) == (address, "g1", "https://news.example/1")
    assert (story.title, story.summary) == ("Alibaba lifts its buyback", "To US$25bn.")
    assert story.published == TOLD


async def test_a_json_feed_is_read_too(fake: FakeFeeds, feeds: Feeds) -> None:
    body = b'{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"1","title":"One \\ud800"}]}'
    assert await titles(feeds, fake.put("/feed.json", Document(body, "application/feed+json"))) == ["One ?"]


async def test_an_unchanged_feed_is_none_and_a_changed_one_is_read_again(
    fake: FakeFeeds, feeds: Feeds
) -> None:
    address = fake.put("/feed", Document(rss(BUYBACK), etag='"1"'))
    assert await titles(feeds, address) == [BUYBACK.title]
    assert await feeds.stories(address) is None
    assert fake.asked("/feed")[1].headings["If-None-Match"] == '"1"'
    fake.put("/feed", Document(rss(Item("Changed", guid="g2")), etag='"2"'))
    assert await titles(feeds, address) == ["Changed"]


async def test_a_date_of_change_serves_as_well(fake: FakeFeeds, feeds: Feeds) -> None:
    address = fake.put("/feed", Document(rss(BUYBACK), last_modified="Wed, 23 Mar 2022 01:30:00 GMT"))
    assert await titles(feeds, address)
    assert await feeds.stories(address) is None


async def test_a_forgotten_feed_is_read_whole_again(fake: FakeFeeds, feeds: Feeds) -> None:
    address = fake.put("/feed", Document(rss(BUYBACK), etag='"1"'))
    await feeds.stories(address)
    feeds.forget(address)
    assert await titles(feeds, address) == [BUYBACK.title]


async def test_a_broken_document_is_asked_for_again_whole(fake: FakeFeeds, feeds: Feeds) -> None:
    address = fake.put("/feed", Document(b"<rss>", etag='"1"'))
    with pytest.raises(Away):
        await feeds.stories(address)
    with pytest.raises(Away):
        await feeds.stories(address)


async def test_unchanged_without_having_been_asked_is_no_answer(fake: FakeFeeds, feeds: Feeds) -> None:
    with pytest.raises(Away, match="status 304"):
        await feeds.stories(fake.put_status("/feed", 304))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(fake: FakeFeeds, feeds: Feeds, status: int) -> None:
    fake.put("/new", Document(rss(Item("Moved", "/story", "g"))))
    address = fake.put_redirect("/old", "/new", status)
    (story,) = await feeds.stories(address) or ()
    assert (story.feed, story.link) == (address, f"{fake.url}/story")


async def test_a_redirect_loop_ends_after_three(fake: FakeFeeds, feeds: Feeds) -> None:
    with pytest.raises(Away, match="more than 3 times"):
        await feeds.stories(fake.put_redirect("/loop", "/loop"))
    assert len(fake.journal) == 4


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/feed", "data:text/xml,<rss/>"])
async def test_a_redirect_out_of_the_web_is_not_followed(fake: FakeFeeds, feeds: Feeds, target: str) -> None:
    with pytest.raises(Away, match="not http or https"):
        await feeds.stories(fake.put_redirect("/out", target))


@pytest.mark.parametrize("address", ["file:///etc/passwd", "/etc/passwd", "", "http://", "http://[bad/"])
async def test_an_address_that_is_not_of_the_web_is_never_opened(feeds: Feeds, address: str) -> None:
    with pytest.raises(Away):
        await feeds.stories(address)


@pytest.mark.parametrize("status", [404, 410, 403, 429, 500, 503])
async def test_a_refusal_names_the_host_and_never_the_query(
    fake: FakeFeeds, feeds: Feeds, status: int
) -> None:
    with pytest.raises(Away, match=rf"^The feed at 127\.0\.0\.1 .*{status}.*\.$") as caught:
        await feeds.stories(fake.put_status("/feed", status) + "?key=sentinel")
    assert "sentinel" not in str(caught.value)


async def test_a_closed_port_is_away(feeds: Feeds) -> None:
    with pytest.raises(Away, match="cannot be reached") as caught:
        await feeds.stories("http://127.0.0.1:9/feed?key=sentinel")
    assert "sentinel" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"<html><body>Sign in</body></html>",
        b"<rss>",
        b"[" * 50_000,
        b'{"items": 3}',
        b"\x00\xff",
    ],
)
async def test_what_is_no_feed_is_away(fake: FakeFeeds, feeds: Feeds, body: bytes) -> None:
    with pytest.raises(Away, match="no feed"):
        await feeds.stories(fake.put("/feed", Document(body)))


async def test_a_packed_feed_is_unpacked(fake: FakeFeeds, feeds: Feeds) -> None:
    assert await titles(feeds, fake.put("/feed", Document(rss(BUYBACK), packed=True))) == [BUYBACK.title]


@pytest.mark.parametrize("packed", [False, True])
async def test_a_feed_beyond_the_cap_is_refused(fake: FakeFeeds, feeds: Feeds, packed: bool) -> None:
    address = fake.put("/feed", Document(rss(BUYBACK) + b" " * 300_000, packed=packed))
    with pytest.raises(Away, match=r"larger than 0\.2 MB"):
        await feeds.stories(address)


async def test_an_endless_body_is_cut_off_at_the_cap(fake: FakeFeeds, feeds: Feeds) -> None:
    with pytest.raises(Away, match="larger than"):
        await feeds.stories(fake.put_stream("/endless", b"<item>" * 1_000, 0))


async def test_a_gzip_bomb_is_cut_off_at_the_cap(fake: FakeFeeds, feeds: Feeds) -> None:
    with pytest.raises(Away, match="larger than"):
        await feeds.stories(fake.put_stream("/bomb", b"\x00" * 10_000_000, 0, packed=True))


@pytest.mark.parametrize(
    "headings, complaint",
    [({"Content-Encoding": "gzip"}, "damaged packing"), ({"Content-Encoding": "br"}, "not asked for")],
)
async def test_a_packing_that_cannot_be_undone_is_away(
    fake: FakeFeeds, feeds: Feeds, headings: dict[str, str], complaint: str
) -> None:
    with pytest.raises(Away, match=complaint):
        await feeds.stories(fake.put("/feed", Document(rss(BUYBACK), headings=headings)))


async def test_a_feed_that_drips_is_left_at_the_deadline(fake: FakeFeeds, feeds: Feeds) -> None:
    address = fake.put_stream("/drip", b" ", 0.05)
    began = time.monotonic()
    with pytest.raises(Away, match="did not answer in time"):
        await feeds.stories(address)
    assert time.monotonic() - began < 2


async def test_one_slow_feed_does_not_hold_up_another(fake: FakeFeeds, feeds: Feeds) -> None:
    slow = asyncio.create_task(feeds.stories(fake.put_stream("/drip", b" ", 0.05)))
    # The same server under another name is another host.
    other = fake.put("/feed", Document(rss(BUYBACK))).replace("127.0.0.1", "localhost")
    assert await titles(feeds, other) == [BUYBACK.title]
    with pytest.raises(Away):
        await slow


LOL = "".join(f'<!ENTITY lol{n} "{f"&lol{n - 1};" * 10}">' for n in range(1, 9))
BOMB = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "b">{LOL}]><rss><channel><item><title>&lol8;'
OUTSIDE = '<!doctype r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss version="2.0"><channel><item><title>&x;'


@pytest.mark.parametrize("charset", ["utf-8", "utf-16"])
@pytest.mark.parametrize("text", [BOMB, OUTSIDE, "<!-- no end " + OUTSIDE, "<!-- end -->" + OUTSIDE])
async def test_entities_are_refused_before_anything_is_parsed(
    fake: FakeFeeds, feeds: Feeds, text: str, charset: str
) -> None:
    body = (text + "</title></item></channel></rss>").encode(charset)
    with pytest.raises(Away, match="document type"):
        await feeds.stories(fake.put("/feed", Document(body)))


async def test_a_document_type_that_is_only_talked_about_is_no_harm(fake: FakeFeeds, feeds: Feeds) -> None:
    body = rss(Item("Why <!DOCTYPE html> matters", guid="1")).replace(
        b"</item>", b"<description><![CDATA[<!DOCTYPE html><p>So]]></description></item><!-- <!ENTITY -->"
    )
    (story,) = await feeds.stories(fake.put("/feed", Document(body))) or ()
    assert story.summary == "So"


CHINESE = Item("腾讯控股公布季度业绩", guid="1")
TRADITIONAL = Item("恒生科指曾較低位反彈四成,騰訊、嗶哩嗶哩領漲", guid="1")


@pytest.mark.parametrize(
    "item, body, content_type",
    [
        (CHINESE, rss(CHINESE, charset="gbk"), "text/xml"),
        (CHINESE, rss(CHINESE, charset="gb18030", declared="gb2312"), "text/xml"),
        (CHINESE, rss(CHINESE, charset="gb18030", declared="utf-8"), "text/xml; charset=gb2312"),
        (CHINESE, rss(CHINESE, charset="utf-8"), "text/xml; charset=iso-8859-1"),
        (CHINESE, rss(CHINESE, charset="utf-16", declared="utf-8"), "text/xml"),
        (CHINESE, rss(CHINESE, charset="utf-8-sig", declared="gbk"), "text/xml"),
        (CHINESE, rss(CHINESE, charset="utf-8", declared="martian"), "text/xml"),
        (CHINESE, rss(CHINESE, charset="utf-8", declared="unicode_escape"), "text/xml"),
        (TRADITIONAL, rss(TRADITIONAL, charset="big5hkscs", declared="big5"), "text/xml"),
    ],
)
async def test_a_charset_is_believed_as_far_as_it_can_be(
    fake: FakeFeeds, feeds: Feeds, item: Item, body: bytes, content_type: str
) -> None:
    assert await titles(feeds, fake.put("/feed", Document(body, content_type))) == [item.title]


async def test_bytes_in_no_charset_lose_only_what_they_spoil(fake: FakeFeeds, feeds: Feeds) -> None:
    body = rss(Item("Spoilt xx here", guid="1")).replace(b"xx", b"\xff\xfe")
    (title,) = await titles(feeds, fake.put("/feed", Document(body)))
    assert title.startswith("Spoilt ")
    assert title.endswith(" here")


@pytest.mark.parametrize(
    "said, understood",
    [
        ("Wed, 23 Mar 2022 09:30:00 +0800", TOLD),
        ("Wed, 23 Mar 2022 01:30:00 GMT", TOLD),
        ("2022-03-23T09:30:00+08:00", TOLD),
        ("2022-03-23T01:30:00Z", TOLD),
        (NOW + timedelta(hours=23), NOW + timedelta(hours=23)),
        (NOW + timedelta(hours=25), None),
        ("when the cows come home", None),
        ("", None),
        (None, None),
    ],
)
async def test_a_date_is_what_can_be_true(
    fake: FakeFeeds, feeds: Feeds, said: datetime | str | None, understood: datetime | None
) -> None:
    address = fake.put("/feed", Document(rss(Item("A story", guid="1", published=said))))
    (story,) = await feeds.stories(address) or ()
    assert story.published == understood


async def test_one_guid_is_one_story_and_the_first_is_kept(fake: FakeFeeds, feeds: Feeds) -> None:
    items = (Item("New title", guid="1"), Item("Other", guid="2"), Item("Old title", guid="1"))
    assert await titles(feeds, fake.put("/feed", Document(rss(*items)))) == ["New title", "Other"]


async def test_an_entry_without_a_title_is_left_out(fake: FakeFeeds, feeds: Feeds) -> None:
    items = (Item(None, guid="1"), Item(" <b> </b> ", guid="2"), Item("Titled", guid="3"))
    assert await titles(feeds, fake.put("/feed", Document(rss(*items)))) == ["Titled"]


@pytest.mark.parametrize(
    "item, guid, link",
    [
        (Item("T", "http://A.example/1/?utm_source=rss&id=2#x", None), *["https://a.example/1?id=2"] * 2),
        (Item("T", "javascript:alert(1)", "g"), "g", ""),
        (Item("T", "http://[bad", "g"), "g", ""),
        (Item("T"), "T", ""),
    ],
)
async def test_a_story_is_known_by_its_guid_or_else_its_link(
    fake: FakeFeeds, feeds: Feeds, item: Item, guid: str, link: str
) -> None:
    (story,) = await feeds.stories(fake.put("/feed", Document(rss(item)))) or ()
    assert (story.guid, story.link) == (guid, link)


async def test_a_feed_of_nothing_but_entries_is_refused(fake: FakeFeeds) -> None:
    reader = Feeds(lambda: NOW)
    with pytest.raises(Away, match="more than 20000 entries"):
        await reader.stories(fake.put("/feed", Document(rss().replace(b"</channel>", b"<item/>" * 200_000))))
    await reader.close()


async def test_a_long_feed_is_read_as_far_as_anybody_would(fake: FakeFeeds, feeds: Feeds) -> None:
    items = [Item(f"{n}", guid=f"{n}") for n in range(1_500)]
    assert len(await titles(feeds, fake.put("/feed", Document(rss(*items))))) == 500


@pytest.mark.parametrize(
    "markup, seen",
    [
        ("<p>Up <b>4</b>%</p><p>since</p>", "Up 4% since"),
        ("AT&amp;T &lt;b&gt; &#20013;", "AT&T <b> 中"),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("one<br/>two\n\tthree\u3000four", "one two three four"),
        ("<script>alert(1)</script>seen<style>x{}</style>", "seen"),
        ("a\u202eb\u200bc\x00d\u2066e", "abcde"),
        ("half <a href='x", "half"),
        ("İ<!-- hidden > --><STYLE>x{}</STYLE>İ<!-- hidden", "İİ"),
        ("<a " * 6_000, "<a " * 16 + "<…"),
        ("<" * 5_000, "<" * 49 + "…"),
        ("x" * 60, "x" * 49 + "…"),
    ],
)
def test_markup_becomes_what_a_reader_would_see(markup: str, seen: str) -> None:
    assert plain_text(markup, 50) == seen
