"""Words as Slack's markup, mrkdwn, where whatever a stranger wrote stays words.

Slack decodes `&amp; &lt; &gt;` and has no other escape, so the marks for bold, italic, struck out and code
become signs that look like them. Nothing invisible is put in or let through.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from bot.messages.blocks import Line, Link, Span, Strong, Words

_LONGEST_ADDRESS = 1000

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARKS = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})
_IN_ADDRESS = str.maketrans(
    {sign: f"%{ord(sign):02X}" for sign in " \"<>\\^`{|}*~'"} | {"&": "&amp;", "\u3000": "%E3%80%80"}
)
# An underscore inside a word marks nothing, and symbols and file names have them.
_LOOSE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")

# Letters to Unicode, nothing to the eye: Hangul fillers, the grapheme joiner, Mongolian and Khmer blanks.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0\u2800")
_UNSHOWN = {"Cc", "Cf", "Co", "Cs"}


def clean(text: str) -> str:
    """Return `text` on one line, without control signs and whatever else is not seen."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_seen(sign) for sign in text)


def _seen(sign: str) -> str:
    if sign.isspace() and sign != "\u3000":
        return " "
    if sign in _INVISIBLE or unicodedata.category(sign) in _UNSHOWN:
        return ""
    return sign


def escaped(text: str) -> str:
    """Write text for where only the three escapes count: a header."""
    return clean(text).translate(_ESCAPES)


def preformatted(text: str) -> str:
    """Write one line for a block of code, which only a backtick can end."""
    return clean(text).translate(_ESCAPES).replace("`", "ˋ")


def words(text: str) -> str:
    """Write text so that none of it marks anything."""
    return _LOOSE_UNDERSCORE.sub("＿", escaped(text).translate(_MARKS))


def address(url: str) -> str | None:
    """Write a web address for use between pointed brackets, or return None for one not to be led to.

    An address with a name before its host (`https://bank.example@evil.example`) is there to mislead.
    """
    seen = clean(url).strip()
    try:
        parts = urlsplit(seen)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc:
        return None
    written = seen.translate(_IN_ADDRESS)
    return written if len(written) <= _LONGEST_ADDRESS else None


def written(line: Line) -> str:
    """Write a line as mrkdwn."""
    text = ""
    for span in line.spans:
        piece = _written_span(span)
        # Bold begins and ends only where no letter touches its mark; in Chinese letters always would.
        if text and piece and _clash(text[-1], piece[0]):
            text += " "
        text += piece
    # What begins like a quotation would be set as one.
    return "›" + text.removeprefix("&gt;") if text.startswith("&gt;") else text


def _clash(left: str, right: str) -> bool:
    return (right == "*" and (left.isalnum() or left == "*")) or (left == "*" and right.isalnum())


def _written_span(span: Span) -> str:
    match span:
        case Words(text):
            return words(text)
        case Strong(text):
            body = words(text)
            inner = body.strip()
            return body.replace(inner, f"*{inner}*", 1) if inner else body
        case Link(text, url):
            label, to = words(text).strip(), address(url)
            return f"<{to}|{label.replace('|', '¦')}>" if to and label else label
