"""What the rooms above are handed instead of reaching for it."""

from __future__ import annotations

from typing import Protocol

from bot.market.measures import DrawdownCard, QuoteCard


class Market(Protocol):
    """The market as a command asks it, by whatever name a person uses.

    Both raise `UnknownSymbol` for a name that nothing has and `NotKnown` where no price is held.
    """

    @property
    def source(self) -> str:
        """Where the numbers come from, as answers say it."""
        ...

    def quote(self, asked: str) -> QuoteCard:
        """Return the quote of an instrument."""
        ...

    def drawdown(self, asked: str, window: str) -> DrawdownCard:
        """Return an instrument's drawdown from the peak of `window`; `UsageError` where there is none."""
        ...
