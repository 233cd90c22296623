"""Words that others wrote, as a reader of the page can see them."""

from __future__ import annotations

import unicodedata
from urllib.parse import urlsplit

# Controls, what changes the direction of writing, what has no width, private signs, halves, separators.
_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
# Letters and marks by category, yet nothing is seen of them.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
_SPACING = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029")


def clean(text: str) -> str:
    """Return one line of `text` without whatever is not seen, for what is not seen can mislead."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        " " if sign in _SPACING else sign
        for sign in text
        if sign in _SPACING or (unicodedata.category(sign) not in _HIDDEN and sign not in _BLANK)
    )


def address(url: str) -> str | None:
    """Return a web address that may be led to, or None.

    One with a name before its host (`https://bank.example@evil.example`) is there to mislead.
    """
    seen = clean(url).strip()
    try:
        parts = urlsplit(seen)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc or "\\" in seen:
        return None
    return None if any(sign.isspace() for sign in seen) else seen
