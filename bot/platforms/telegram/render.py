"""A message as Telegram's HTML: escaped here and nowhere else, and parted where it is too long.

It is parted between blocks, and within one only where no message could hold it. Text is parted before it is
marked, so every part has all of its marks.

::

    <b>the heading</b>
    a line with <b>strong words</b> and <a href="https://example.org/">a link</a>
    <pre>a table</pre>

    <i>sources and times</i>
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from html import escape
from urllib.parse import urlsplit

from bot.messages.blocks import Line, Link, Message, Span, Strong, Table, columns
from bot.platforms.telegram.text import LONGEST, clean, split, units

# Beyond these Telegram drops marks silently, or refuses the whole.
_MOST_MARKS = 100
_MOST_OF_LINKS = 8_000
_LONGEST_LINK = 2_000
# One alert goes to many chats in the same words.
_REMEMBERED = 32


@dataclass(frozen=True, slots=True)
class Part:
    """One Telegram message: as HTML, and as the words alone in case that Telegram cannot read the HTML.

    `length` is how long Telegram counts what is seen of it.
    """

    html: str
    plain: str
    length: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """What stays together: a line or a table."""

    html: str
    shown: str
    plain: str
    marks: int = 1
    links: int = 0
    apart: bool = False


@lru_cache(maxsize=_REMEMBERED)
def render(message: Message) -> tuple[Part, ...]:
    """Return the messages that show `message`: nearly always one, none if nothing of it can be seen."""
    parts: list[Part] = []
    filling = _Filling()
    for piece in _pieces(message):
        if not filling.takes(piece):
            parts += filling.parts()
            filling = _Filling()
        filling.pieces.append(piece)
    return (*parts, *filling.parts())


@dataclass(slots=True)
class _Filling:
    pieces: list[_Piece] = field(default_factory=list)

    def takes(self, piece: _Piece) -> bool:
        together = (*self.pieces, piece)
        return (
            units(_joined([(each.shown, each.apart) for each in together])) <= LONGEST
            and sum(each.marks for each in together) <= _MOST_MARKS
            and sum(each.links for each in together) <= _MOST_OF_LINKS
        )

    def parts(self) -> Iterator[Part]:
        shown = _joined([(each.shown, each.apart) for each in self.pieces]).strip()
        plain = _joined([(each.plain, each.apart) for each in self.pieces]).strip()
        if shown:
            html = _joined([(each.html, each.apart) for each in self.pieces]).strip()
            yield Part(html, plain if units(plain) <= LONGEST else shown, units(shown))


def _joined(lines: list[tuple[str, bool]]) -> str:
    return "".join(("\n\n" if apart else "\n") + text for text, apart in lines)


def _pieces(message: Message) -> Iterator[_Piece]:
    yield from _lines(message.heading, "b")
    for block in message.blocks:
        if isinstance(block, Table):
            yield from _tables(block)
        else:
            yield from _lines(block)
    if message.small is not None:
        yield from _lines(message.small, "i", apart=bool(message.blocks))


def _lines(line: Line, tag: str = "", *, apart: bool = False) -> Iterator[_Piece]:
    """Write a line, as several where no message could hold it."""
    for at, each in enumerate(_fitting(line)):
        yield _line(each, tag, apart=apart and at == 0)


def _fitting(line: Line) -> Iterator[Line]:
    """Clean a line, and part it so that each message can hold a piece of it."""
    held: list[Span] = []
    room = LONGEST
    for span in line.spans:
        left = clean(span.text)
        while units(left) > room:
            if held and units(left) <= LONGEST:
                head = ""
            else:
                head, left = split(left, room)
            if head:
                held.append(replace(span, text=head))
            yield Line(tuple(held))
            held, room = [], LONGEST
        if left:
            held.append(replace(span, text=left))
            room -= units(left)
    yield Line(tuple(held))


def _line(line: Line, tag: str, *, apart: bool) -> _Piece:
    """Write a line that a message can hold, all of it inside `tag`."""
    html, shown, plain, marks, links = "", "", "", 1 if tag else 0, 0
    for span in line.spans:
        opened, closed, address = _marks(span, tag)
        html += f"{opened}{escape(span.text, quote=False)}{closed}"
        shown += span.text
        plain += f"{span.text} ({address})" if address else span.text
        marks += bool(opened)
        links += len(address)
    if links > _MOST_OF_LINKS or marks > _MOST_MARKS:
        html, plain, marks, links = escape(shown, quote=False), shown, 1 if tag else 0, 0
    return _Piece(f"<{tag}>{html}</{tag}>" if tag and html else html, shown, plain, marks, links, apart)


def _marks(span: Span, tag: str) -> tuple[str, str, str]:
    """Return what opens and closes a span, and where it leads."""
    match span:
        case Strong() if tag != "b":
            return "<b>", "</b>", ""
        case Link(url=url) if _is_address(url):
            return f'<a href="{escape(url)}">', "</a>", url
    return "", "", ""


def _is_address(url: str) -> bool:
    try:
        split = urlsplit(url)
    except ValueError:
        return False
    return (
        split.scheme in {"http", "https"}
        and bool(split.hostname)
        and len(url) <= _LONGEST_LINK
        and clean(url) == url
        and not any(sign.isspace() for sign in url)
    )


def _tables(table: Table) -> Iterator[_Piece]:
    """Write a table, as several where it is longer than a message."""
    rows: list[str] = []
    cells = tuple(tuple(clean(cell) for cell in row) for row in table.rows)
    for row in columns(Table(cells)) if cells and cells[0] else ():
        for written in _cut(row):
            if rows and units("\n".join((*rows, written))) > LONGEST:
                yield _table(rows)
                rows = []
            rows.append(written)
    if rows:
        yield _table(rows)


def _cut(row: str) -> Iterator[str]:
    while units(row) > LONGEST:
        head, row = split(row, LONGEST)
        yield head
    yield row


def _table(rows: list[str]) -> _Piece:
    shown = "\n".join(rows)
    return _Piece(f"<pre>{escape(shown, quote=False)}</pre>", shown, shown)
