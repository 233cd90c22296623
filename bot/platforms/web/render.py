"""A message as a fragment of the page's HTML: escaped here and nowhere else.

::

    <article class="message">
    <h3>the heading</h3>
    <p>a line with <strong>strong words</strong> and <a href="https://example.org/">a link</a></p>
    <div class="wide"><table>...</table></div>
    <p class="picture"><img src="/pictures/..." alt="what it shows"></p>
    <p class="small">sources and times</p>
    </article>
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from bot.messages.blocks import Block, Line, Link, Message, Span, Strong, Table
from bot.platforms.web.text import address, clean


def render(message: Message, name: str = "", picture: str = "") -> str:
    """Return the fragment that shows `message`; one with a `name` takes the place of an older one of it.

    `picture` is the path that the message's picture is served under; without one it is not shown.
    """
    return "\n".join(_parts(message, name, picture))


def _parts(message: Message, name: str, picture: str) -> Iterator[str]:
    yield f'<article class="message" data-name="{escape(name)}">' if name else '<article class="message">'
    # A heading stands out already: its strong words need no mark of their own.
    yield f"<h3>{''.join(_span(each, marked=False) for each in message.heading.spans)}</h3>"
    for block in message.blocks:
        yield _block(block)
    if message.picture is not None and picture:
        alt = escape(clean(message.picture.alt))
        yield f'<p class="picture"><img src="{escape(picture)}" alt="{alt}"></p>'
    if message.small is not None:
        yield f'<p class="small">{_line(message.small)}</p>'
    yield "</article>"


def _block(block: Block) -> str:
    match block:
        case Table(rows):
            return f'<div class="wide"><table>{"".join(_row(each) for each in rows)}</table></div>'
        case Line():
            return f"<p>{_line(block)}</p>"


def _line(line: Line) -> str:
    return "".join(_span(each) for each in line.spans)


def _span(span: Span, *, marked: bool = True) -> str:
    text = escape(clean(span.text))
    match span:
        case Strong() if marked:
            return f"<strong>{text}</strong>"
        case Link(url=url) if to := address(url):
            return f'<a href="{escape(to)}" rel="noopener noreferrer" target="_blank">{text}</a>'
    return text


def _row(cells: tuple[str, ...]) -> str:
    first, *others = (escape(clean(each)) for each in cells)
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{each}</td>" for each in others)}</tr>'
