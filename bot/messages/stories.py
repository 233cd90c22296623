"""What a story says: its own words, who tells it, when, and why it is told here."""

from __future__ import annotations

from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from bot.messages.blocks import Line, Link, Words, line
from bot.messages.words import clock, cut, day, one_line
from bot.news.story import Story

_FEWEST_FOR_A_TITLE = 30


def story_heading(story: Story, room: int) -> str:
    """Return the title with its feed, the title cut where the two do not fit."""
    title = one_line(story.title) or "A story without a title"
    feed = f" ({one_line(story.feed)})"
    if len(title) + len(feed) <= room:
        return f"{title}{feed}"
    if room - len(feed) < _FEWEST_FOR_A_TITLE:
        return cut(title, room)
    return f"{cut(title, room - len(feed))}{feed}"


def story_lines(story: Story, heading: str, zone: ZoneInfo | None) -> tuple[Line, ...]:
    """Return what stands below the heading; the full title again where that was cut."""
    title = one_line(story.title)
    lines = [] if not title or title in heading else [line(title)]
    lines.append(line(f"Published by {one_line(story.feed)}, {published(story, zone)}"))
    if story.topics:
        topics = ", ".join(story.topics)
        noun = "topic" if len(story.topics) == 1 else "topics"
        lines.append(line(f"Why you got this: its title or summary bears on the {noun} {topics}"))
    if leads(story):
        lines.append(Line((Link("Read the story", story.link),)))
    return tuple(lines)


def listed_story(story: Story, zone: ZoneInfo | None) -> Line:
    """Return a story as one line among others."""
    title = one_line(story.title) or "A story without a title"
    name = Link(title, story.link) if leads(story) else Words(title)
    return Line((name, Words(f" ({one_line(story.feed)}, {published(story, zone)})")))


def published(story: Story, zone: ZoneInfo | None) -> str:
    """Write when the feed says that it was published, in the chat's zone."""
    if story.published is None:
        return "time not given"
    there = zone or ZoneInfo("UTC")
    return f"{day(story.published.astimezone(there).date())}, {clock(story.published, there)}"


def leads(story: Story) -> bool:
    """Tell whether the story's address is one that a message may lead to."""
    try:
        parts = urlsplit(story.link)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
