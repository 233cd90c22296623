"""Episodes under their new names: an extreme that a split or a truer bar restates is the extreme it was."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date

from bot.market.bars import Series
from bot.rules.crossing import Rung
from bot.rules.footing import Footing

_NAMED = re.compile(r"(close|intraday) (\d{4}-\d{2}-\d{2}) (\S+)")
# Sources differ by their rounding, and what is rescaled by more than that.
_ROUNDED = 1e-4
_RESCALED = 0.005
_STOOD_IN = 0.02


def renamed(rungs: Iterable[Rung], footing: Footing, history: Series) -> dict[Rung, Rung]:
    """Return the ladders that tell of the footing's own episode under another name, with the present one.

    An episode is called by its extreme's session and price. The price is another after a split, which
    restates it, and slightly another where a bar has been corrected; a new extreme of the same session is
    another episode.
    """
    present = _NAMED.fullmatch(footing.episode)
    if present is None:
        return {}
    reference, session, price = present.groups()
    found: dict[Rung, Rung] = {}
    for rung in rungs:
        other = _NAMED.fullmatch(rung.episode)
        if other is None or rung.episode == footing.episode or other.groups()[:2] != (reference, session):
            continue
        levels = _levels(float(other[3]), date.fromisoformat(session), history)
        if any(abs(level / float(price) - 1) <= slack for level, slack in levels):
            found[rung] = Rung(rung.revision, rung.symbol, footing.episode, rung.direction)
    return found


def _levels(price: float, session: date, history: Series) -> Iterator[tuple[float, float]]:
    """Give what a price of `session` may be called by now, and how far that may be off."""
    stood_in = any(each.adjusted for each in history.since(session)[:1])
    yield price, _STOOD_IN if stood_in else _ROUNDED
    later = [each for each in history.actions if each.kind == "split" and each.session > session]
    for split in reversed(later):
        price *= split.factor
        yield price, _RESCALED
