"""Following: what became of the moves that were told in the present sessions, raised as sequels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from bot.alerts.alert import Alert, Move, Sequel
from bot.alerts.sequels import Followed, Name, after, closes, looked, retreats
from bot.clock import MachineTime
from bot.market.quote import Quote
from bot.pipeline.raising import Raiser
from bot.store import alerts as stored
from bot.store.link import Link

_LOOKED_BACK = 2_000
# A crowd's own alerts may all fall back, or close, at once.
_AT_ONCE = 250


@dataclass(slots=True)
class _Instrument:
    """What is followed of one instrument: between which prices nothing falls back, and its first session."""

    told: dict[Name, Followed]
    lowest: float = field(init=False)
    highest: float = field(init=False)
    session: date = field(init=False)
    is_closing: bool = field(init=False)

    def __post_init__(self) -> None:
        """Find what nearly every look is done with."""
        followed = self.told.values()
        may = [(each.move.crossing.direction, each.turn) for each in followed if each.may_retreat]
        self.lowest = max((turn for direction, turn in may if direction == "up"), default=0.0)
        self.highest = min((turn for direction, turn in may if direction == "down"), default=float("inf"))
        self.session = min((each.move.crossing.session for each in followed), default=date.max)
        self.is_closing = any(each.is_closing for each in followed)

    def ends(self, quote: Quote) -> bool:
        """Tell whether a quote closes the session, or is of a later one."""
        return quote.final or quote.session > self.session

    def turns(self, quote: Quote) -> bool:
        """Tell whether anything may have fallen back."""
        return not self.lowest <= quote.price <= self.highest


@dataclass(slots=True)
class Following:
    """Follows what was told: at first by the alerts that are kept, then by those that it is shown.

    Of a crowd whose alerts were more than are kept, a worker that takes over follows the last.
    """

    link: Link
    clock: MachineTime
    _of: dict[str, _Instrument] = field(default_factory=dict)
    _seen: dict[str, Quote] = field(default_factory=dict)
    _known: bool = False

    def forget(self) -> None:
        """Take up again what was told before the next look: something may have been raised unheard of."""
        self._known = False

    async def look(
        self, quotes: Mapping[str, Quote], raised: Sequence[Alert], now: datetime, raiser: Raiser
    ) -> None:
        """Raise what became of told moves by the last `quotes`, once what these made was `raised`.

        `now` is market time. What is not raised because Redis was lost sight of is found at the next look.
        """
        if not self._known:
            raised = await stored.recent(self.link, _LOOKED_BACK)
            self._of, self._seen = {}, {}
            self._known = True
        self._take_up(raised)
        new = {each: quotes[each] for each in self._of if self._is_new(quotes.get(each))}
        sequels = [*self._retreats(new), *self._closes(new, now)]
        for start in range(0, len(sequels), _AT_ONCE):
            answers = await raiser.raise_all(sequels[start : start + _AT_ONCE])
            self._take_up([answer.alert for answer in answers])
        self._seen |= new

    def _is_new(self, quote: Quote | None) -> bool:
        return quote is not None and quote is not self._seen.get(quote.symbol)

    def _retreats(self, quotes: Mapping[str, Quote]) -> Iterator[Alert]:
        for symbol, quote in quotes.items():
            if self._of[symbol].turns(quote):
                yield from retreats(self._of[symbol].told.values(), quote, self.clock())

    def _closes(self, quotes: Mapping[str, Quote], now: datetime) -> Iterator[Alert]:
        for symbol, quote in quotes.items():
            if self._of[symbol].ends(quote):
                self._of[symbol] = _Instrument(looked(self._of[symbol].told, quote, now))
        if any(each.is_closing for each in self._of.values()):
            told = (each for instrument in self._of.values() for each in instrument.told.values())
            yield from closes(told, now, self.clock())
        self._of = {symbol: each for symbol, each in self._of.items() if each.told}

    def _take_up(self, alerts: Sequence[Alert]) -> None:
        of: dict[str, list[Alert]] = defaultdict(list)
        for alert in alerts:
            for symbol in _symbols(alert):
                of[symbol].append(alert)
        for symbol, its in of.items():
            known = self._of.get(symbol)
            told = after({} if known is None else known.told, its)
            if told:
                self._of[symbol] = _Instrument(told)


def _symbols(alert: Alert) -> Iterable[str]:
    match alert.facts:
        case Move(crossing=crossing):
            return (crossing.symbol,)
        case Sequel(since=since):
            return dict.fromkeys(each.rung.symbol for each in since)
    return ()
