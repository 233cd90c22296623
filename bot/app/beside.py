"""What rules look at beside what is watched: an index's constituents, and a company's other line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from bot.market.catalogue import Catalogue
from bot.market.instrument import Instrument, Membership, bare_instrument, watched_members_on
from bot.market.premium import Pair, Prices, change_over, pair_of, premium, rate_of
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from bot.market.twins import Twin
from bot.rules.measures import PremiumKind
from bot.rules.truth import Unknown, Value
from bot.sources.catalogue import load_members, load_twins

_KINDS: tuple[PremiumKind, ...] = ("premium", "implied gap", "premium at open")


@dataclass(slots=True)
class Beside:
    """Knows who belongs together; `quotes` are the last of what is asked for besides what is watched."""

    watched: Catalogue
    named: Catalogue
    schedule: Schedule = field(default_factory=lambda: Schedule({}))
    seen: Callable[[], Mapping[str, Quote]] = dict
    quotes: dict[str, Quote] = field(default_factory=dict)
    twins: tuple[Twin, ...] = field(default_factory=load_twins)
    _memberships: tuple[Membership, ...] = field(default_factory=load_members)

    def members(self, index: str, session: date) -> tuple[str, ...]:
        """Return the watched constituents of an index in a session."""
        return watched_members_on(self._memberships, self.watched, index, session)

    def wanted(self, moment: datetime) -> tuple[Instrument, ...]:
        """Return what premiums of watched instruments need and nobody watches: other lines, and the rates."""
        found = {each.symbol: each for pair in self._pairs(moment) for each in self._parts(pair)}
        return tuple(each for each in found.values() if each.symbol not in self.watched)

    def premiums(self, instrument: Instrument, moment: datetime) -> Mapping[PremiumKind, Value]:
        """Return what is known of an instrument's premiums: one that is not says why."""
        pair = pair_of(self.twins, self.named, instrument, moment)
        if pair is None:
            return dict.fromkeys(_KINDS, Unknown(f"{instrument.short} has no other line"))
        held = {**self.quotes, **self.seen()}
        lines = [held.get(each.symbol) for each in (pair.hong_kong, pair.new_york)]
        if lines[0] is None or lines[1] is None:
            lost = pair.new_york if lines[1] is None else pair.hong_kong
            return dict.fromkeys(_KINDS, Unknown(f"no price of {lost.symbol} is known"))
        rate = None if pair.rate_symbol is None else held.get(pair.rate_symbol)
        return _told(pair, Prices(lines[0], lines[1], rate), self.schedule, moment)

    def _pairs(self, moment: datetime) -> Iterator[Pair]:
        for instrument in self.watched:
            pair = pair_of(self.twins, self.named, instrument, moment)
            if pair is not None:
                yield pair

    def _parts(self, pair: Pair) -> Iterator[Instrument]:
        yield from (pair.hong_kong, pair.new_york)
        if pair.rate_symbol is not None:
            yield self.named.by_symbol.get(pair.rate_symbol) or bare_instrument(pair.rate_symbol)


def _told(pair: Pair, prices: Prices, schedule: Schedule, moment: datetime) -> dict[PremiumKind, Value]:
    """Return the measure that holds now, and beside it the premium by the last prices."""
    found = premium(pair, prices, schedule, moment)
    over = Unknown(found.why_not or f"it is the time of the {found.measure}")
    told: dict[PremiumKind, Value] = dict.fromkeys(_KINDS, over)
    if found.pct is not None:
        told[found.measure] = found.pct
        rate, _ = rate_of(pair, prices)
        if rate is not None:
            told["premium"] = change_over(
                prices.hong_kong.price, prices.new_york.price, rate, pair.twin.ratio
            )
    return told
