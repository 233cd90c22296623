"""Where Chinese is written without spaces: which signs are keywords, and which are a name."""

from __future__ import annotations

from collections.abc import Collection

from bot.rules.words import HAN, INSIDE

_LONGEST_HAN = max(map(len, HAN))
_BEFORE_NAMES = frozenset({"VS", "RATIO", "SPREAD", "OF", "NEWS", "SINCE"})


def is_han(sign: str) -> bool:
    """Tell whether a sign is Chinese."""
    return "\u3400" <= sign <= "\u9fff"


def split(run: str) -> tuple[str, str, str]:
    """Part a run of Chinese signs into keywords, a name, and keywords behind it."""
    if words_from(run, HAN)[0]:
        return "", "", run
    lengths = range(_LONGEST_HAN, 0, -1)
    before = next((run[:end] for end in lengths if HAN.get(run[:end]) in _BEFORE_NAMES), "")
    rest = run[len(before) :]
    words = words_from(rest, INSIDE)
    cuts = [at for at in range(1, len(rest)) if words[at]]
    # A word of one sign may end a name, so a longer one is the better place.
    cut = next((at for at in cuts if words[at] > 1), max(cuts, default=len(rest)))
    return before, rest[:cut], rest[cut:]


def words_from(run: str, known: Collection[str]) -> list[int]:
    """Return how long the first word is at each place from which on all are `known` words; else 0."""
    lengths = [0] * len(run)
    for at in range(len(run) - 1, -1, -1):
        for length in range(min(_LONGEST_HAN, len(run) - at), 0, -1):
            whole = at + length == len(run) or lengths[at + length]
            if whole and run[at : at + length] in known:
                lengths[at] = length
                break
    return lengths
