"""Gates at work: what a look can say of their parts, what it raises, and how they stand afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bot.market.bars import Calendar, Series
from bot.market.instrument import Instrument
from bot.market.quote import Look, Quote
from bot.market.twins import Twin
from bot.pipeline.memory import Memory
from bot.rules.columns import Scene
from bot.rules.conditions import Gate, Rule
from bot.rules.crossing import Rung
from bot.rules.evaluate import Ladders
from bot.rules.gate_columns import stood_before
from bot.rules.gates import Judged, Stand, by_session, judged, lastings, leaves_of, rung_of
from bot.rules.measures import Measure, PremiumKind, SinceTold
from bot.rules.met import Met
from bot.rules.scene import Members, Now, Others
from bot.rules.terms import Comparison
from bot.rules.truth import Unknown, Value
from bot.store import alerts as stored
from bot.store.link import Link

_A_DAY = timedelta(days=1)

Premiums = Callable[[Instrument, datetime], Mapping[PremiumKind, Value]]
"""What is known of an instrument's premiums at a time."""


Shares = Callable[[Quote], float | None]
"""What share of its day's volume an instrument has usually traded by a quote's time; None where unknown."""


def nothing(instrument: Instrument, moment: datetime) -> Mapping[PremiumKind, Value]:
    """Know of no premiums."""
    del instrument, moment
    return {}


@dataclass(slots=True)
class Gates:
    """Judges gates at looks; `ladders` hold how they stand, as they do how far ladders were told."""

    link: Link
    calendar: Callable[[], Calendar]
    held: Others
    members: Members
    premiums: Premiums
    ladders: Ladders
    shares: Shares
    memory: Memory
    twins: tuple[Twin, ...] = ()
    _late: dict[Rung, float] = field(default_factory=dict)

    async def enter(self, rule: Rule, instrument: Instrument, history: Series) -> None:
        """Let a rule that never looked at an instrument know how it stood before anybody asked."""
        record = self._stood(rule, instrument, history)
        if record is not None:
            await self._keep({rung_of(rule, instrument.symbol, date.min): record})

    def _stood(self, rule: Rule, instrument: Instrument, history: Series) -> float | None:
        """Return how a gate stood when its bars had settled, None where that is kept, or not known yet."""
        rung = rung_of(rule, instrument.symbol, date.min)
        if by_session(rule) or rung in self.ladders.told or not isinstance(rule.condition, Gate):
            return None
        if not history.bars:
            return 0.0
        return stood_before(rule.condition.tree, self._scene(instrument, history, None))

    def value(self, measure: Measure, quote: Quote) -> float | None:
        """Return what a quote says of a measure, None where it is not known."""
        known = self.held(quote.symbol)
        if known is None:
            return None
        instrument, history = known
        now = self._now(quote, instrument, None)
        found = self._scene(instrument, history.with_bar(quote.bar), now).value(measure)
        return None if isinstance(found, Unknown) else found

    def met(self, rules: Sequence[Rule], quote: Quote, look: Look) -> Iterator[tuple[Rule, Met]]:
        """Give what the look raises of these gates, unless it was raised before."""
        for rule, found in self._judged(rules, quote, look):
            if found.met is not None:
                yield rule, found.met

    async def settle(self, rules: Sequence[Rule], quote: Quote, look: Look) -> None:
        """Write down how gates stand after a look whose alerts are raised; asked again, it does nothing.

        What a gate tells is moved on by raising it; here it is armed again, and its looks in a row are
        counted.
        """
        await self._keep(self._prices_told_at(rules, look))
        moved, self._late = self._late, {}
        for rule, found in self._judged(rules, quote, look):
            if found.met is None:
                moved |= self._changed(rung_of(rule, look.symbol, look.session), found.stand)
        await self._keep(moved)

    async def _keep(self, moved: Mapping[Rung, float]) -> None:
        if moved:
            await stored.record(self.link, moved.items())
            self.ladders.told.update(moved)

    def _prices_told_at(self, rules: Iterable[Rule], look: Look) -> dict[Rung, float]:
        """Return at which price a look told what is measured from there on."""
        found: dict[Rung, float] = {}
        for rule in rules:
            rung = rung_of(rule, look.symbol, look.session)
            record = self.ladders.furthest(rung)
            # Below 0 it holds, and nothing was told.
            if _asks_what_was_told(rule) and record > 0 and record % 2:
                at = _beside(rung, f"price of {record:g}")
                if at not in self.ladders.told:
                    found[at] = look.price
        return found

    def _changed(self, rung: Rung, stand: Stand) -> dict[Rung, float]:
        wanted = {rung: stand.record} if stand.record != self.ladders.furthest(rung) else {}
        for number, run in enumerate(stand.runs):
            wanted[_beside(rung, f"looks {number}")] = float(run)
        if stand.counted is not None:
            wanted[_beside(rung, "counted")] = stand.counted.timestamp()
        return {each: value for each, value in wanted.items() if self.ladders.told.get(each) != value}

    def _judged(self, rules: Sequence[Rule], quote: Quote, look: Look) -> Iterator[tuple[Rule, Judged]]:
        known = self.held(quote.symbol) if rules else None
        if known is None:
            return
        instrument, history = known
        series = history.with_bar(quote.bar)
        for rule in rules:
            if not isinstance(rule.condition, Gate):
                continue
            rung = rung_of(rule, look.symbol, look.session)
            scene = self._scene(instrument, series, self._now(quote, instrument, rung))
            found = judged(rule, look, scene, self._stand(rule.condition, rung, look))
            if found.met is not None and self._held_before(rule, instrument, quote):
                found = judged(rule, look, scene, self._stand(rule.condition, rung, look))
            yield rule, found

    def _held_before(self, rule: Rule, instrument: Instrument, quote: Quote) -> bool:
        """Tell of a gate which nobody could judge until now whether it held already when the bars settled.

        What it looks at besides may have had no bars yet when the session was entered.
        """
        known = self.held(quote.symbol)
        history = None if known is None else known[1].until(quote.session - _A_DAY)
        stood = None if history is None else self._stood(rule, instrument, history)
        if not stood:
            return False
        rung = rung_of(rule, quote.symbol, quote.session)
        self.ladders.told[rung] = self._late[rung] = stood
        return True

    def _stand(self, gate: Gate, rung: Rung, look: Look) -> Stand:
        told = self.ladders.told
        many = len(set(lastings(gate.tree)))
        runs = tuple(int(told.get(_beside(rung, f"looks {number}"), 0.0)) for number in range(many))
        counted = told.get(_beside(rung, "counted"))
        at = None if counted is None else datetime.fromtimestamp(counted, look.time.tzinfo)
        return Stand(told.get(rung, 0.0), runs, at)

    def _now(self, quote: Quote, instrument: Instrument, rung: Rung | None) -> Now:
        return Now(
            time=quote.time,
            price=quote.price,
            final=quote.final,
            trail=self.memory.trail(quote.symbol),
            told=None if rung is None else self._told_at(rung),
            stories=self.memory.stories,
            # They are worked out of two lines and a rate, and hardly any rule asks for them.
            premiums=self.premiums(instrument, quote.received) if self.memory.asks_for_premiums else {},
            volume_share=self.shares(quote),
        )

    def _told_at(self, rung: Rung) -> float | None:
        """Return the price at which a gate last told."""
        record = self.ladders.furthest(rung)
        last = record if record % 2 else record - 1
        return self.ladders.told.get(_beside(rung, f"price of {last:g}"))

    def _scene(self, instrument: Instrument, series: Series, now: Now | None) -> Scene:
        return Scene(
            instrument=instrument,
            series=series,
            calendar=self.calendar(),
            others=self.held,
            members=self.members,
            now=now,
            twins=self.twins,
        )


def _beside(rung: Rung, name: str) -> Rung:
    """Return the record of something else that is remembered of a gate in the same episode."""
    return Rung(rung.revision, rung.symbol, f"{rung.episode} {name}", rung.direction)


def _asks_what_was_told(rule: Rule) -> bool:
    return any(
        isinstance(each, Comparison) and isinstance(each.measure, SinceTold) for each in leaves_of(rule)
    )
