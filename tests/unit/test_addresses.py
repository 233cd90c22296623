"""What two addresses of one story have in common."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.news.addresses import canonical

STORY = "https://news.example/2022/03/23/buyback"


@pytest.mark.parametrize(
    "told",
    [
        "https://news.example/2022/03/23/buyback",
        "http://news.example/2022/03/23/buyback",
        "HTTPS://News.Example/2022/03/23/buyback/",
        "https://news.example:443/2022/03/23/buyback",
        "http://news.example:80/2022/03/23/buyback",
        "https://news.example./2022/03/23/buyback",
        "https://news.example/2022/03/23/buyback#comments",
        "https://news.example/2022/03/23/buyback?utm_source=rss&utm_medium=feed",
        "https://news.example/2022/03/23/buyback?fbclid=IwAR0&gclid=1&UTM_Campaign=x",
        "https://reader:secret@news.example/2022/03/23/buyback",
        "  https://news.example/2022/03/23/buyback\n",
    ],
)
def test_addresses_of_one_story_are_one(told: str) -> None:
    assert canonical(told) == STORY


@pytest.mark.parametrize(
    "told, kept",
    [
        ("https://a.example/?id=2&utm_source=x&page=1", "https://a.example?id=2&page=1"),
        ("https://a.example/?page=1&id=2", "https://a.example?page=1&id=2"),
        ("https://a.example/story?utmost=1", "https://a.example/story?utmost=1"),
        ("http://a.example:8080/story", "http://a.example:8080/story"),
        ("https://a.example/Story", "https://a.example/Story"),
        ("https://[2001:db8::1]/story", "https://[2001:db8::1]/story"),
        ("https://a.example/騰訊?名=一", "https://a.example/%E9%A8%B0%E8%A8%8A?%E5%90%8D=%E4%B8%80"),
        ("https://a.example/%E9%A8%B0", "https://a.example/%E9%A8%B0"),
    ],
)
def test_what_tells_stories_apart_is_kept_in_its_order(told: str, kept: str) -> None:
    assert canonical(told) == kept


@pytest.mark.parametrize(
    "told",
    [
        "",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "/story",
        "https://",
        "https://[bad",
        "https://a:port/",
        "data:,x",
    ],
)
def test_what_is_no_address_of_the_web_is_nothing(told: str) -> None:
    assert canonical(told) == ""


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_whatever_follows_the_host_the_common_address_is_its_own_common_address(rest: str) -> None:
    once = canonical(f"https://a.example/{rest}")
    assert canonical(once) == once
