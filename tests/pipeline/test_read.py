from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from bot.alerts.alert import News, alert_to_json
from bot.config import read_settings
from bot.errors import Away, GoneForGood
from bot.messages.blocks import plain
from bot.messages.compose import compose
from bot.news.story import Story
from bot.news.topics import Matcher
from bot.pipeline.raising import Raiser
from bot.pipeline.read import Read
from bot.store import lease
from bot.store.link import Link
from tests.cast import NOW
from tests.conftest import ROOT

PRESENT = datetime(2022, 3, 23, 2, 0, tzinfo=UTC)
PCAOB = Story(
    "Wire", "g1", "https://example.com/pcaob", "PCAOB to inspect auditors in Hong Kong", "", PRESENT
)
BUYBACK = Story("Wire", "g2", "https://example.com/buyback", "Xiaomi announces a share buyback", "", None)
WEATHER = Story("Wire", "g3", "https://example.com/rain", "Rain is expected tomorrow", "", None)


@dataclass(slots=True)
class Feeds:
    """Feeds that hold what they are told to; None is a feed that is as it was."""

    held: dict[str, tuple[Story, ...] | Away | None] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def stories(self, address: str) -> tuple[Story, ...] | None:
        self.asked.append(address)
        held = self.held[address]
        if isinstance(held, Away):
            raise held
        return held


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(read_settings(ROOT / "config.yaml").news_topics())


async def reader(link: Link, feeds: Feeds, matcher: Matcher) -> tuple[Read, Raiser]:
    read = Read(link, feeds, matcher, tuple(feeds.held), lambda: NOW, lambda _event, **_facts: None)
    return read, Raiser(link, await lease.hold(link, "me", NOW, NOW + 15_000), lambda: NOW)


async def titles(read: Read, raiser: Raiser) -> list[str]:
    raised = await read.tick(PRESENT, raiser)
    return [each.facts.story.title for each in raised if isinstance(each.facts, News)]


async def test_what_a_feed_holds_at_first_sight_is_known_and_what_comes_after_is_told_once(
    link: Link, matcher: Matcher
) -> None:
    feeds = Feeds({"a": (PCAOB,)})
    read, raiser = await reader(link, feeds, matcher)
    assert await titles(read, raiser) == []
    feeds.held["a"] = (BUYBACK, WEATHER, PCAOB)
    assert await titles(read, raiser) == [BUYBACK.title]
    assert await titles(read, raiser) == []


async def test_a_feed_that_was_empty_at_first_sight_was_seen_all_the_same(
    link: Link, matcher: Matcher
) -> None:
    feeds = Feeds({"a": ()})
    read, raiser = await reader(link, feeds, matcher)
    assert await titles(read, raiser) == []
    feeds.held["a"] = (PCAOB,)
    assert await titles(read, raiser) == [PCAOB.title]


async def test_a_story_that_two_feeds_carry_is_told_once(link: Link, matcher: Matcher) -> None:
    feeds = Feeds({"a": (), "b": ()})
    read, raiser = await reader(link, feeds, matcher)
    await titles(read, raiser)
    feeds.held = {"a": (PCAOB,), "b": (replace(PCAOB, feed="Other", guid="elsewhere"),)}
    assert await titles(read, raiser) == [PCAOB.title]


async def test_a_story_whose_address_changes_is_known_by_its_feeds_own_name_of_it(
    link: Link, matcher: Matcher
) -> None:
    feeds = Feeds({"a": ()})
    read, raiser = await reader(link, feeds, matcher)
    await titles(read, raiser)
    feeds.held["a"] = (PCAOB,)
    await titles(read, raiser)
    feeds.held["a"] = (replace(PCAOB, link="https://example.com/pcaob-updated", title="PCAOB: more"),)
    assert await titles(read, raiser) == []


async def test_a_feed_that_does_not_answer_keeps_no_other_from_being_read(
    link: Link, matcher: Matcher
) -> None:
    feeds = Feeds({"a": (), "b": (), "c": ()})
    read, raiser = await reader(link, feeds, matcher)
    await titles(read, raiser)
    feeds.held = {"a": Away("not now"), "b": None, "c": (BUYBACK,)}
    assert await titles(read, raiser) == [BUYBACK.title]


async def test_a_reader_that_is_started_again_tells_no_story_twice(link: Link, matcher: Matcher) -> None:
    feeds = Feeds({"a": ()})
    read, raiser = await reader(link, feeds, matcher)
    await titles(read, raiser)
    feeds.held["a"] = (PCAOB,)
    await titles(read, raiser)
    again, raiser = await reader(link, feeds, matcher)
    feeds.held["a"] = (BUYBACK, PCAOB)
    assert await titles(again, raiser) == [BUYBACK.title]


async def test_a_story_says_which_topics_it_bears_on_and_who_hears_it(link: Link, matcher: Matcher) -> None:
    feeds = Feeds({"a": ()})
    read, raiser = await reader(link, feeds, matcher)
    await titles(read, raiser)
    feeds.held["a"] = (PCAOB,)
    (alert,) = await read.tick(PRESENT, raiser)
    assert alert.topics == ("news:adr_audit", "all")
    assert isinstance(alert.facts, News)
    assert alert.facts.story.topics == ("adr_audit",)


async def test_a_feed_that_is_gone_for_good_is_told_of_once_and_asked_no_more(
    link: Link, matcher: Matcher
) -> None:
    address = "https://example.com/feed?key=sentinel"
    feeds = Feeds({address: GoneForGood("The feed at example.com is gone for good (410)."), "b": ()})
    read, raiser = await reader(link, feeds, matcher)
    (told,) = await read.tick(PRESENT, raiser)
    words = plain(compose([told]))
    assert words.startswith("The feed at example.com is gone for good\n")
    assert "sentinel" not in alert_to_json(told)
    assert await read.tick(PRESENT, raiser) == ()
    assert feeds.asked == [address, "b", "b"]
    # started anew it is asked once more, and nobody hears of it again
    again, raiser = await reader(link, feeds, matcher)
    assert await again.tick(PRESENT, raiser) == ()
    assert feeds.asked.count(address) == 2
