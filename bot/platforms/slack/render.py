"""A message as Slack shows it: blocks within Slack's limits, and a text for notifications."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from bot.messages.blocks import Line, Link, Message, Span, Table, columns
from bot.platforms.slack.mrkdwn import clean, escaped, preformatted, words, written

BLOCKS = 50
SECTION = 3000
HEADER = 150
# Slack refuses from about 13,200 on, counted over the blocks as JSON.
TOTAL = 11_800
NOTICE = 300

_FENCE = "```"
# Written down, a sign takes five at the most.
_ROW = 550

Shape = dict[str, Any]
"""One block as Slack's JSON has it."""


@dataclass(frozen=True, slots=True)
class Post:
    """What one request shows: the text of notifications and screen readers, and the blocks."""

    text: str
    blocks: tuple[Shape, ...] = ()

    def plainer(self) -> Post:
        """Return it without blocks, for when Slack refuses them; all that they say is in its text."""
        return Post("\n".join(map(_text, self.blocks)) or self.text)


def render(message: Message) -> tuple[Post, ...]:
    """Write `message` as one post, or as several where Slack's limits want it."""
    heading = "".join(span.text for span in message.heading.spans)
    notice = words(_cut(clean(heading), NOTICE)).strip() or "Marketbell"
    parts = tuple(_parted(_shapes(message, heading)))
    if len(parts) < 2:  # noqa: PLR2004 - one needs no number
        return (Post(notice, *parts),)
    return tuple(Post(f"{notice} ({at}/{len(parts)})", part) for at, part in enumerate(parts, 1))


def _shapes(message: Message, heading: str) -> Iterator[Shape]:
    yield from _heading(message.heading, heading)
    lines: list[str] = []
    for block in message.blocks:
        if isinstance(block, Table):
            yield from _sections(lines)
            lines = []
            yield from map(_section, _tabled(block))
        else:
            lines.extend(_fitting(block))
    yield from _sections(lines)
    if message.small is not None:
        for text in _fitting(message.small):
            if text.strip():
                yield {"type": "context", "elements": [_mrkdwn(text)]}


def _text(shape: Shape) -> str:
    texts = shape["elements"] if shape["type"] == "context" else (shape["text"],)
    return "\n".join(each["text"] for each in texts)


def _heading(line: Line, text: str) -> Iterator[Shape]:
    seen = escaped(text).strip()
    if not seen:
        return
    if len(seen) <= HEADER and not any(isinstance(span, Link) for span in line.spans):
        yield {"type": "header", "text": {"type": "plain_text", "text": seen, "emoji": False}}
    else:
        yield from _sections(list(_fitting(line)))


def _sections(lines: list[str]) -> Iterator[Shape]:
    return (_section(text) for text in _joined(lines, SECTION) if text.strip())


def _section(text: str) -> Shape:
    return {"type": "section", "text": _mrkdwn(text)}


def _mrkdwn(text: str) -> Shape:
    # Verbatim: Slack looks for no names and no addresses in what was written as words.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _fitting(line: Line) -> Iterator[str]:
    """Write a line whole, or halve it until its pieces fit: text that is already escaped is never cut."""
    text = written(line)
    if len(text) <= SECTION:
        yield text
    else:
        for half in _halves(line.spans):
            yield from _fitting(Line(half))


def _halves(spans: tuple[Span, ...]) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    if len(spans) > 1:
        middle = len(spans) // 2
        return spans[:middle], spans[middle:]
    (span,) = spans
    middle = len(span.text) // 2
    space = span.text.rfind(" ", middle // 2, middle)
    at = middle if space < 0 else space + 1
    return (replace(span, text=span.text[:at]),), (replace(span, text=span.text[at:]),)


def _tabled(table: Table) -> Iterator[str]:
    if not table.rows:
        return
    seen = Table(tuple(tuple(map(clean, row)) for row in table.rows))
    rows = (
        preformatted(row[at : at + _ROW]) for row in columns(seen) for at in range(0, max(1, len(row)), _ROW)
    )
    for text in _joined(rows, SECTION - 2 * len(_FENCE) - 2):
        yield f"{_FENCE}\n{text}\n{_FENCE}"


def _joined(lines: Iterable[str], limit: int) -> Iterator[str]:
    """Group lines into texts of at most `limit` characters; no line is longer."""
    held: list[str] = []
    length = 0
    for line in lines:
        if held and length + 1 + len(line) > limit:
            yield "\n".join(held)
            held, length = [], 0
        length += len(line) + (1 if held else 0)
        held.append(line)
    if held:
        yield "\n".join(held)


def _parted(shapes: Iterable[Shape]) -> Iterator[tuple[Shape, ...]]:
    held: list[Shape] = []
    weight = 0
    for shape in shapes:
        more = len(json.dumps(shape, ensure_ascii=False)) + 2
        if held and (len(held) == BLOCKS or weight + more > TOTAL):
            yield tuple(held)
            held, weight = [], 0
        held.append(shape)
        weight += more
    if held:
        yield tuple(held)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
