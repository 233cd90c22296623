"""The stories in a feed's bytes, as plain text.

A feed is written by anybody, so nothing in it is trusted: no document type, no entity of its own, no markup,
no date beyond tomorrow. `fastfeedparser` fetches a str that looks like an address, so it is given bytes only.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urljoin

import fastfeedparser

from bot.news.addresses import canonical
from bot.news.story import Story

_LONGEST_TITLE = 300
_LONGEST_SUMMARY = 1000
# Markup beyond this is not read: a summary of a thousand signs is in it, or the feed is up to something.
_LONGEST_MARKUP = 20_000
_LONGEST_GUID = 500
_MOST_STORIES = 500
_MOST_ENTRIES = 20_000
_ENTRY = re.compile("<item|<entry", re.IGNORECASE)
_AHEAD = timedelta(days=1)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>", re.ASCII)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']""")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Who says GB 2312 or Big 5 writes their supersets, as every browser knows.
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "ascii": "utf-8", "us-ascii": "utf-8"}
# Python's own, of which some are slow and none is a charset.
_NO_CHARSETS = frozenset(
    {
        "idna",
        "punycode",
        "raw_unicode_escape",
        "raw-unicode-escape",
        "unicode_escape",
        "unicode-escape",
        "undefined",
        "utf-7",
    }
)
_TAG = re.compile(
    r"<!--|<[!?][^<>]*>|<(?P<closing>/?)(?P<name>[a-zA-Z][a-zA-Z0-9:-]*)(?:[\s/][^<>]*)?(?:>|\Z)"
)
_COMMENT_ENDS = re.compile("-->")
_HIDDEN = {name: re.compile(f"</{name}>", re.IGNORECASE) for name in ("script", "style")}
_WITHIN_WORDS = frozenset(
    {"a", "abbr", "b", "em", "font", "i", "mark", "small", "span", "strong", "sub", "sup", "u"}
)
_FORBIDDEN = ("<!doctype", "<!entity")


class NoFeed(Exception):
    """The bytes are no feed that we read; the text goes on from the host's name."""


def read_feed(
    body: bytes, charset: str | None, feed: str, place: str, received: datetime
) -> tuple[Story, ...]:
    """Return the stories of a feed in its order, one for a guid.

    `charset` is what the answer's heading says, `feed` what the feed is known by, `place` where it came from.
    Raises `NoFeed`.
    """
    text = _DECLARATION.sub("", _text(body, charset), count=1).lstrip()
    if _declares(text):
        raise NoFeed("declares a document type, which no feed needs")
    # The parser makes all entries in one go, and the loop gets no turn meanwhile.
    if len(_ENTRY.findall(text)) > _MOST_ENTRIES:
        raise NoFeed(f"holds more than {_MOST_ENTRIES} entries")
    try:
        entries = fastfeedparser.parse(text.encode(), include_media=False, include_enclosures=False)[
            "entries"
        ]
        stories: dict[str, Story] = {}
        for entry in entries[:_MOST_STORIES]:
            story = _story(entry, feed, place, received)
            if story is not None:
                stories.setdefault(story.guid, story)
    except Exception as error:
        # A hostile document makes a parser fail in ways that nobody lists.
        raise NoFeed("answered with something that is no feed") from error
    return tuple(stories.values())


def _text(body: bytes, charset: str | None) -> str:
    for mark, name in _MARKS:
        if body.startswith(mark):
            return body.decode(name, "replace")
    declared = _DECLARED.match(body[:1024])
    named = (declared[1].decode("ascii") if declared else "", charset or "", "utf-8")
    for name in filter(None, named):
        with suppress(LookupError, UnicodeError):
            if codecs.lookup(name).name not in _NO_CHARSETS:
                return body.decode(_WIDER.get(name.lower(), name))
    return body.decode("utf-8", "replace")


def _declares(text: str) -> bool:
    """Tell whether a document type or an entity is declared outside comments and quoted text."""
    place = 0
    while (place := text.find("<!", place)) >= 0:
        closing = {"<![CDATA[": "]]>", "<!--": "-->"}.get(_opening(text, place))
        if closing is not None:
            end = text.find(closing, place)
            if end < 0:
                rest = text[place:].lower()
                return any(each in rest for each in _FORBIDDEN)
            place = end
        elif text[place : place + 10].lower().startswith(_FORBIDDEN):
            return True
        place += 2
    return False


def _opening(text: str, place: int) -> str:
    return "<!--" if text.startswith("<!--", place) else text[place : place + 9]


def _story(entry: dict[str, Any], feed: str, place: str, received: datetime) -> Story | None:
    title = plain_text(_said(entry, "title"), _LONGEST_TITLE)
    if not title:
        return None
    guid, said = _said(entry, "id"), _said(entry, "link")
    link = _link(said, place)
    return Story(
        feed=feed,
        # fastfeedparser gives an entry without a guid its link for one, trackers and all.
        guid=((guid if guid != said else link) or link or title)[:_LONGEST_GUID],
        link=link,
        title=title,
        summary=plain_text(_said(entry, "description"), _LONGEST_SUMMARY),
        published=_published(_said(entry, "published") or _said(entry, "updated"), received),
    )


def _said(entry: dict[str, Any], name: str) -> str:
    said = entry.get(name)
    # Half a character, which JSON can name, is not to be written anywhere.
    return said.strip().encode("utf-8", "replace").decode() if isinstance(said, str) else ""


def _link(said: str, place: str) -> str:
    if not said:
        return ""
    with suppress(ValueError):
        return canonical(urljoin(place, said))
    return ""


def _published(said: str, received: datetime) -> datetime | None:
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    return moment if moment <= received + _AHEAD else None


def plain_text(markup: str, longest: int) -> str:
    """Return what a reader would see of `markup`, on one line and no longer than `longest`."""
    text = unescape("".join(_seen(markup[:_LONGEST_MARKUP])))
    line = " ".join("".join(each for each in text if _shows(each)).split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def _seen(markup: str) -> Iterator[str]:
    # The standard library's HTMLParser takes seconds for 20 kB of "<a "; this goes over each sign once.
    place = 0
    while (tag := _TAG.search(markup, place)) is not None:
        yield markup[place : tag.start()]
        place, name = tag.end(), (tag["name"] or "").lower()
        if tag[0] == "<!--":
            place = _after(markup, _COMMENT_ENDS, place)
        elif name in _HIDDEN and not tag["closing"]:
            place = _after(markup, _HIDDEN[name], place)
        elif name not in _WITHIN_WORDS:
            yield " "
    yield markup[place:]


def _after(text: str, end: re.Pattern[str], place: int) -> int:
    found = end.search(text, place)
    return found.end() if found else len(text)


def _shows(sign: str) -> bool:
    # Besides control characters these turn the direction of a line or stand invisible within a word.
    return sign.isspace() or unicodedata.category(sign) not in {"Cc", "Cf", "Cs"} or sign == "\u200d"
