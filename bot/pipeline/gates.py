"""Gates at work: what a look can say of their parts, what it raises, and how they stand afterwards."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bot.alerts.alert import News
from bot.market.bars import Calendar, Series
from bot.market.instrument import Instrument
from bot.market.quote import Look, Quote
from bot.rules.columns import Now, Scene
from bot.rules.conditions import Gate, Rule
from bot.rules.crossing import Rung
from bot.rules.evaluate import Ladders
from bot.rules.gate_columns import stood_before
from bot.rules.gates import Judged, Stand, by_session, judged, lastings, leaves_of, rung_of
from bot.rules.met import Met
from bot.rules.terms import Change, Comparison, NewExtreme, PremiumKind, SinceTold, Story
from bot.rules.truth import Value
from bot.store import alerts as stored
from bot.store.link import Link

_RECENT = 200
_MINUTES = {"m": 1, "h": 60}

Held = Callable[[str], tuple[Instrument, Series] | None]
"""An instrument and its bars, the session so far as the last; None where no price of it is known."""

Members = Callable[[str, date], tuple[str, ...]]
"""The watched constituents of an index in a session."""

Premiums = Callable[[Instrument, datetime], Mapping[PremiumKind, Value]]
"""What is known of an instrument's premiums at a time."""


def nobody(index: str, session: date) -> tuple[str, ...]:
    """Know of no constituents."""
    del index, session
    return ()


def nothing(instrument: Instrument, moment: datetime) -> Mapping[PremiumKind, Value]:
    """Know of no premiums."""
    del instrument, moment
    return {}


@dataclass(slots=True)
class Gates:
    """Judges gates at looks; `ladders` hold how they stand, as they do how far ladders were told."""

    link: Link
    calendar: Callable[[], Calendar]
    held: Held
    members: Members
    premiums: Premiums
    ladders: Ladders
    _trails: dict[str, deque[tuple[datetime, float]]] = field(default_factory=dict)
    _stories: Mapping[str, datetime] = field(default_factory=dict)

    async def enter(self, rule: Rule, instrument: Instrument, history: Series) -> None:
        """Let a rule that never looked at an instrument know how it stood before anybody asked."""
        rung = rung_of(rule, instrument.symbol, date.min)
        if by_session(rule) or rung in self.ladders.told or not isinstance(rule.condition, Gate):
            return
        scene = self._scene(instrument, history, None)
        record = stood_before(rule.condition.tree, scene) if history.bars else 0.0
        await stored.record(self.link, [(rung, record)])
        self.ladders.told[rung] = record

    async def remember(self, rules: Iterable[Rule], quotes: Iterable[Quote]) -> None:
        """Take note of what the rules will ask for: prices of the last hours, and the last stories."""
        asked = [(rule, leaf) for rule in rules for leaf in leaves_of(rule)]
        spans = [span for _, leaf in asked if (span := _minutes_of(leaf))]
        if spans:
            for quote in quotes:
                self._follow(quote, max(spans))
        if any(isinstance(leaf, Story) for _, leaf in asked):
            told = await stored.recent(self.link, _RECENT)
            self._stories = {
                topic: each.at
                for each in told
                if isinstance(each.facts, News)
                for topic in each.facts.story.topics
            }

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
        moved: dict[Rung, float] = {}
        for rule, found in self._judged(rules, quote, look):
            rung = rung_of(rule, look.symbol, look.session)
            if found.met is None:
                moved |= self._changed(rung, found.stand)
            if _asks_what_was_told(rule) and self.ladders.furthest(rung) % 2:
                at = _beside(rung, f"price of {self.ladders.furthest(rung):g}")
                if at not in self.ladders.told:
                    moved[at] = look.price
        if moved:
            await stored.record(self.link, moved.items())
            self.ladders.told.update(moved)

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
            yield rule, judged(rule, look, scene, self._stand(rule.condition, rung, look))

    def _stand(self, gate: Gate, rung: Rung, look: Look) -> Stand:
        told = self.ladders.told
        many = len(set(lastings(gate.tree)))
        runs = tuple(int(told.get(_beside(rung, f"looks {number}"), 0.0)) for number in range(many))
        counted = told.get(_beside(rung, "counted"))
        at = None if counted is None else datetime.fromtimestamp(counted, look.time.tzinfo)
        return Stand(told.get(rung, 0.0), runs, at)

    def _now(self, quote: Quote, instrument: Instrument, rung: Rung) -> Now:
        record = self.ladders.furthest(rung)
        last = record if record % 2 else record - 1
        return Now(
            time=quote.time,
            price=quote.price,
            final=quote.final,
            trail=tuple(self._trails.get(quote.symbol, ())),
            told=self.ladders.told.get(_beside(rung, f"price of {last:g}")),
            stories=self._stories,
            premiums=self.premiums(instrument, quote.received),
            volume_share=None,
        )

    def _scene(self, instrument: Instrument, series: Series, now: Now | None) -> Scene:
        return Scene(
            instrument=instrument,
            series=series,
            calendar=self.calendar(),
            others=self.held,
            members=self.members,
            now=now,
        )

    def _follow(self, quote: Quote, span: timedelta) -> None:
        trail = self._trails.setdefault(quote.symbol, deque())
        if not trail or trail[-1][0] < quote.time:
            trail.append((quote.time, quote.price))
        # One price from before the span is what the change over all of it is measured from.
        while len(trail) > 1 and trail[1][0] <= quote.time - span:
            trail.popleft()


def _beside(rung: Rung, name: str) -> Rung:
    """Return the record of something else that is remembered of a gate in the same episode."""
    return Rung(rung.revision, rung.symbol, f"{rung.episode} {name}", rung.direction)


def _asks_what_was_told(rule: Rule) -> bool:
    return any(
        isinstance(each, Comparison) and isinstance(each.measure, SinceTold) for each in leaves_of(rule)
    )


def _minutes_of(leaf: Comparison | NewExtreme | Story) -> timedelta:
    """Return over how long a change within the session is asked for; nothing where none is."""
    match leaf:
        case Comparison(Change(count, "m" | "h" as span)):
            return timedelta(minutes=count * _MINUTES[span])
        case _:
            return timedelta()
