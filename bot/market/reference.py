"""What a session's prices are compared with: the close before it, restated for what a holder was given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from bot.errors import NotKnown
from bot.market.actions import Action, between, is_large, without
from bot.market.bars import Bar, Calendar, Series


@dataclass(frozen=True, slots=True)
class Restated:
    """What a session is compared with: the close of the last session that the instrument traded in.

    `close` is as traded, in present shares, None where that level is not known; `value` is that close less
    the large distributions since, which a holder has besides. `given` are those distributions and the splits
    since. `suspended` says that the market had sessions since in which the instrument did not trade.
    """

    session: date
    close: float | None
    value: float
    given: tuple[Action, ...] = ()
    suspended: bool = False

    @property
    def distributed(self) -> tuple[Action, ...]:
        """The distributions that part the value from the close."""
        return tuple(each for each in self.given if each.kind == "distribution")

    def as_traded_pct(self, price: float) -> float | None:
        """Return `price` against the close as traded, in per cent.

        None where no distribution parts that close from the value, or its level is not known.
        """
        return (price / self.close - 1) * 100 if self.close is not None and self.distributed else None


def reference_close(series: Series, index: int) -> Restated:
    """Return the close before bar `index`, restated for what a holder was given since.

    The bars are in shares of after every split already. Bars that are adjusted up to the ex-date of a
    distribution have it taken off already: then it is the close as traded that is worked out.

    Raises `NotKnown` when there is no bar before it.
    """
    bar = series.bars[index]
    if index == 0:
        raise NotKnown(f"{series.symbol} has no session before {bar.session}.")
    previous = series.bars[index - 1]
    since = between(series.actions, previous.session, bar.session)
    if not since or bar.adjusted:
        return Restated(previous.session, None if previous.adjusted else previous.close, previous.close)
    if previous.adjusted:
        return _worked_out(previous, since)
    given = tuple(each for each in since if each.kind == "split" or is_large(each, previous.close))
    return Restated(previous.session, previous.close, without(previous.close, given), given)


def _worked_out(previous: Bar, since: tuple[Action, ...]) -> Restated:
    """Add to an adjusted close what was distributed on the day that the bars are as traded again."""
    amounts = (each.amount for each in since if each.kind == "distribution")
    close = float(sum((Decimal(repr(each)) for each in amounts), Decimal(repr(previous.close))))
    given = tuple(each for each in since if each.kind == "split" or is_large(each, close))
    return Restated(previous.session, None if close == previous.close else close, previous.close, given)


def day_reference(series: Series, index: int, market: str, calendar: Calendar) -> Restated:
    """Return what bar `index` is compared with.

    Raises `NotKnown` when there is no bar before it, or when the market traded in between and nobody knows
    whether the instrument did: its bar of that session is missing.
    """
    found = reference_close(series, index)
    gap = calendar.missing(market, found.session, series.bars[index].session)
    if not gap:
        return found
    lost = [each for each in gap if each not in series.untraded]
    if lost:
        raise NotKnown(f"the bar of the previous session, {lost[-1]}, is missing for {series.symbol}")
    return replace(found, suspended=True)
