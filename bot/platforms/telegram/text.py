"""Text as Telegram takes and counts it."""

from __future__ import annotations

import unicodedata

LONGEST = 4096
LONGEST_BELOW_A_PICTURE = 1024

# Controls, what changes the direction of writing, what has no width, halves of characters, separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Letters and marks by category, yet nothing is seen of them.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_SPACING = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029")


def clean(text: str) -> str:
    """Return one line of `text` as a reader can see it; whatever is not seen cannot mislead."""
    return "".join(
        " " if sign in _SPACING else sign
        for sign in text
        if sign in _SPACING or (unicodedata.category(sign) not in _HIDDEN and sign not in _BLANK)
    )


def units(text: str) -> int:
    """Count as Telegram does, in UTF-16: most emoji are two."""
    return len(text) + sum(sign > "\uffff" for sign in text)


def split(text: str, room: int) -> tuple[str, str]:
    """Part `text` after as many units as there is room for, behind a space if there is one late enough."""
    head = text.encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore")
    space = head.rfind(" ")
    if space > len(head) // 2:
        head = head[: space + 1]
    return head, text[len(head) :]
