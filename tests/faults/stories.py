"""Alerts without end, each known by a number that stands in its text and in no other's."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from bot.alerts.alert import Alert, News, news_topics
from bot.chats.subscription import news_topic
from bot.news.story import Story

DESKS = 8

_NUMBER = re.compile(r"Story (\d{6}) ")
_MOMENT = datetime(2022, 3, 16, 2, 0, tzinfo=UTC)


def desk(number: int) -> str:
    """Return the topic by which a numbered story is heard; there are so many desks, taking turns."""
    return news_topic(f"desk{number % DESKS}")


def story(number: int, now: int) -> Alert:
    """Return the alert of a numbered story, raised at machine time `now`."""
    told = Story(
        feed="wire",
        guid=f"story-{number}",
        link=f"https://news.example/{number}",
        title=f"Story {number:06} is told <once> & whole",
        summary="",
        published=_MOMENT,
        topics=(f"desk{number % DESKS}",),
    )
    return Alert(
        fingerprint=told.identity,
        facts=News(told),
        topics=news_topics(told),
        reason="story",
        at=_MOMENT,
        raised=now,
        fold=told.identity,
    )


def numbers_in(text: str) -> list[int]:
    """Return the numbers of the stories that a text tells."""
    return [int(each) for each in _NUMBER.findall(text)]
