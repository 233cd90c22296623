"""A message as a tree: text stays unescaped until a platform's renderer writes it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

_WIDE = ("W", "F")


@dataclass(frozen=True, slots=True)
class Words:
    """Plain words."""

    text: str


@dataclass(frozen=True, slots=True)
class Strong:
    """Words that stand out."""

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead to an http or https address."""

    text: str
    url: str


Span = Words | Strong | Link


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text."""

    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, all of one length; the first cell names its row, the others are set to the right."""

    rows: tuple[tuple[str, ...], ...]


Block = Line | Table


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as PNG, and in words what it shows, for whoever does not see it."""

    png: bytes = field(repr=False)
    alt: str


@dataclass(frozen=True, slots=True)
class Message:
    """What a chat is shown: a heading, which is all that a lock screen shows, then blocks.

    `small` is the line of sources and times at its end. A `picture` belongs to an answer, never to an alert;
    it adds to what the words say already, and they go out without it where a platform shows or takes none.
    A `quiet` one makes no sound where a platform can be asked for that.
    """

    heading: Line
    blocks: tuple[Block, ...] = ()
    small: Line | None = None
    picture: Picture | None = None
    quiet: bool = False


def line(text: str) -> Line:
    """Make a line of plain words."""
    return Line((Words(text),))


def strong(text: str) -> Line:
    """Make a line that stands out."""
    return Line((Strong(text),))


def message_of(text: str) -> Message:
    """Make a message of plain lines, the first its heading."""
    first, *rest = text.split("\n")
    return Message(strong(first), tuple(line(each) for each in rest))


def plain(message: Message) -> str:
    """Write a message without any markup: for terminals, logs and records."""
    small = () if message.small is None else (message.small,)
    written = (message.heading, *message.blocks, *small)
    return "\n".join(
        "\n".join(columns(each)) if isinstance(each, Table) else _plain_line(each) for each in written
    )


def _plain_line(written: Line) -> str:
    return "".join(
        f"{span.text} ({span.url})" if isinstance(span, Link) else span.text for span in written.spans
    )


def columns(table: Table) -> tuple[str, ...]:
    """Lay a table out in a fixed width: names to the left, the other cells to the right."""
    widths = [max(_width(row[at]) for row in table.rows) for at in range(len(table.rows[0]))]
    return tuple(
        "  ".join(
            f"{cell}{_blank(cell, width)}" if at == 0 else f"{_blank(cell, width)}{cell}"
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table.rows
    )


def _width(cell: str) -> int:
    """Count the columns that a cell takes: a Chinese character or a full-width sign takes two."""
    return sum(2 if unicodedata.east_asian_width(sign) in _WIDE else 1 for sign in cell)


def _blank(cell: str, width: int) -> str:
    return " " * (width - _width(cell))
