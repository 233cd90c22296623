"""Which of Yahoo's numbers can be true.

Yahoo now and then answers with no price, with zero, with ten times the price or with another listing's. What
cannot be believed is refused with its reason, never mended: what is not known sets off no alert.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.market.instrument import Instrument

TIMES_BEYOND_BELIEF = 10
_TIMES_IN_A_SESSION = 4
_AHEAD = timedelta(minutes=5)


class Unbelievable(Exception):
    """Why a quote is left out, and what stood there."""

    def __init__(self, why: str, said: object = None) -> None:
        super().__init__(why)
        self.why = why
        self.said = said


def same_currency(currency: object, instrument: Instrument) -> None:
    """Refuse what is in another currency than the instrument, where it is known in which it trades."""
    # Pence are GBp and pounds GBP, so case counts.
    if currency is not None and instrument.currency and currency != instrument.currency:
        raise Unbelievable(f"not in {instrument.currency}", currency)


def believable(said: object, previous: float | None, beside: Sequence[object] = ()) -> float:
    """Return a price that may be true after `previous`, the close before; refuse any other.

    On the morning of a split the close before may still be in shares of before it. So a price is passed on
    that is far from it but near all that its own session says `beside` it: who knows more may doubt it.
    """
    if said is None:
        raise Unbelievable("no price")
    price = a_price(said)
    if price is None:
        raise Unbelievable("not a price", said)
    far = previous is not None and near(price, previous) is None
    if far and not (beside and all(near(each, price, _TIMES_IN_A_SESSION) is not None for each in beside)):
        raise Unbelievable(f"beyond {TIMES_BEYOND_BELIEF} times its previous close", said)
    return price


def near(said: object, price: float, times: float = TIMES_BEYOND_BELIEF) -> float | None:
    """Return a price not more than `times` above or below `price`, or None."""
    found = a_price(said)
    if found is None or not price / times <= found <= price * times:
        return None
    return found


def moment(said: object, received: datetime) -> datetime:
    """Return the time at which a price was made; refuse none, and one that is yet to come."""
    seconds = number(said)
    if not seconds:
        raise Unbelievable("no market time", said)
    try:
        made = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise Unbelievable("no market time", said) from error
    if made > received + _AHEAD:
        raise Unbelievable("from the future", said)
    return made


def minutes_late(said: object) -> int:
    """Return how many minutes late the source says it is."""
    minutes = number(said)
    if minutes is None:
        raise Unbelievable("a delay that is no number", said)
    return round(minutes)


def a_price(said: object) -> float | None:
    """Return what is a number above zero."""
    return number(said) or None


def number(said: object) -> float | None:
    """Return what is a number and not below zero."""
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    return float(said) if math.isfinite(said) and said >= 0 else None
