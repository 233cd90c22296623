"""What a story says: its own words, who tells it, when, and why it is told here."""

from __future__ import annotations

from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from bot.messages.blocks import Line, Link, Words, line
from bot.messages.words import clock, day, fitting, one_line
from bot.news.story import Story

# What topics are named by that is no word.
_ACRONYMS = frozenset({"adr", "adrs", "ads", "etf", "hkex", "ipo", "ipos", "pcaob", "sec", "uk", "us"})


def story_heading(story: Story, room: int) -> str:
    """Return the title with its feed where both fit, else the title, cut if it is too long alone."""
    title = one_line(story.title) or "A story without a title"
    return fitting((f"{title} ({one_line(story.feed)})", title), room)


def story_lines(story: Story, heading: str, zone: ZoneInfo | None) -> tuple[Line, ...]:
    """Return what stands below the heading; the full title again where that was cut."""
    title = one_line(story.title)
    lines = [] if not title or title in heading else [line(title)]
    lines.append(line(f"Published by {one_line(story.feed)}, {published(story, zone)}"))
    if story.topics:
        noun = "topic" if len(story.topics) == 1 else "topics"
        topics = ", ".join(_why(story, each) for each in story.topics)
        lines.append(line(f"Why you got this: {noun} {topics}"))
    if leads(story):
        lines.append(Line((Link("Read the story", story.link),)))
    return tuple(lines)


def topic_name(name: str) -> str:
    """Write a topic of the settings as words: adr_audit is ADR audit."""
    return " ".join(word.upper() if word in _ACRONYMS else word for word in name.split("_"))


def _why(story: Story, topic: str) -> str:
    """Name a topic with the phrases that bear on it, as far as they are known."""
    found = [
        f"{_quoted(phrases)} in the {part}"
        for each in story.bearings
        for part, phrases in (("title", each.title), ("summary", each.summary))
        if each.topic == topic and phrases
    ]
    return f"{topic_name(topic)} ({', '.join(found)})" if found else topic_name(topic)


def _quoted(phrases: tuple[str, ...]) -> str:
    *others, last = (f'"{one_line(each)}"' for each in phrases)
    return f"{', '.join(others)} and {last}" if others else last


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
