"""Proposing: which of the chats' thresholds a look may change, so that only those are evaluated.

The index proposes and decides nothing. What it proposes is a rule like any other: its own footing, its own
record in Redis, and the step function that every rule has. Only what that decided moves in the index.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from bot.chats.own import id_of, number_of, own_part
from bot.market.bars import Calendar
from bot.market.catalogue import Catalogue
from bot.market.quote import Look, Quote
from bot.pipeline.entering import Entered, Entering, is_over
from bot.pipeline.gates import Gates
from bot.pipeline.own import Own
from bot.rules.conditions import Gate, Rule
from bot.rules.crossing import Rung
from bot.rules.evaluate import Ladders
from bot.rules.footing import Footing
from bot.rules.gates import rung_of
from bot.rules.probes import is_of_price, probe_of, range_from, range_of_price, range_of_value
from bot.rules.standing import last_footing
from bot.rules.threshold import Key
from bot.store import alerts as stored
from bot.store.link import Link

Records = dict[Rung, float]


@dataclass(slots=True)
class Proposals:
    """What is known of the thresholds on one instrument in its session.

    `entered` has the last look behind it, `probes` are the footings that the thresholds on one measure share,
    `records` what was told before the session was entered, by rule. `joined` are the rules that were
    proposed, and `now` those of this look.
    """

    entered: Entered
    probes: dict[Key, Footing | None] = field(default_factory=dict)
    records: dict[str, Records] = field(default_factory=dict)
    joined: dict[str, list[tuple[Rule, Footing | None]]] = field(default_factory=dict)
    now: tuple[str, ...] = ()

    def forget(self, names: Iterable[str]) -> None:
        """Forget rules that are other ones now, or gone."""
        for name in names:
            self.joined.pop(name, None)

    def footings(self) -> Iterator[tuple[Rule, Footing]]:
        """Give the ladders that this look may move on."""
        for name in self.now:
            yield from ((rule, footing) for rule, footing in self.joined[name] if footing is not None)

    def gates(self) -> tuple[Rule, ...]:
        """Return the gates that this look may move on."""
        found = (rule for name in self.now for rule, _ in self.joined[name])
        return tuple(rule for rule in found if isinstance(rule.condition, Gate))


@dataclass(slots=True)
class Proposing:
    """Asks the index what a look may change, and moves in it what was decided."""

    link: Link
    own: Own
    catalogue: Catalogue
    calendar: Callable[[], Calendar]
    ladders: Ladders
    gates: Gates
    entering: Entering

    async def enter(self, entered: Entered) -> Proposals:
        """Make ready for a session: what was told in its episodes is told, and all else waits."""
        found, symbol = Proposals(entered), entered.quote.symbol
        for levels in self.own.thresholds.of(symbol):
            self.own.thresholds.arm_all(levels.key)
            found.probes[levels.key] = self._probe(levels.key, entered)
        over: list[Rung] = []
        async for some in stored.own_told(self.link, symbol):
            for rung, record in some:
                name = _name_of(rung)
                if self._is_known(name) and not is_over(rung, entered.quote.session):
                    found.records.setdefault(name, {})[rung] = record
                else:
                    over.append(rung)
        await stored.forget(self.link, over)
        await self._tell_again(found, symbol, entered.quote.session)
        return found

    async def propose(self, found: Proposals, quote: Quote, look: Look) -> None:
        """Let the rules that a look may change be those of this look."""
        numbers: list[int] = []
        for levels in self.own.thresholds.of(look.symbol):
            self._arm_anew(found, levels.key, look)
            if not levels.is_idle:
                near = levels.reached(*self._range(found, levels.key, quote, look))
                numbers += (*near.fired, *near.back)
        names = tuple(id_of(each) for each in numbers)
        await self._join(found, [each for each in names if each not in found.joined])
        found.now = tuple(each for each in names if each in found.joined)

    def settle(self, found: Proposals, quote: Quote, look: Look) -> None:
        """Move in the index what a look has changed, and go on from the look."""
        told: list[int] = []
        armed: list[int] = []
        for name in found.now:
            number = number_of(name)
            if number is not None:
                is_told = any(self._is_told(*each, look) for each in found.joined[name])
                (told if is_told else armed).append(number)
        self.own.thresholds.tell(told)
        self.own.thresholds.arm(armed)
        for key, footing in found.probes.items():
            found.probes[key] = None if footing is None else footing.after(look)
        for rules in found.joined.values():
            rules[:] = [(rule, each if each is None else each.after(look)) for rule, each in rules]
        # Whatever joins later has this look behind it.
        found.entered = replace(found.entered, before=quote)
        found.now = ()

    def _arm_anew(self, found: Proposals, key: Key, look: Look) -> None:
        """Let what was told of an extreme wait again where a look makes another."""
        if key not in found.probes:
            found.probes[key] = self._probe(key, found.entered)
        footing = found.probes[key]
        if footing is not None and footing.after(look).episode != footing.episode:
            self.own.thresholds.arm_all(key)

    def _range(self, found: Proposals, key: Key, quote: Quote, look: Look) -> tuple[float, float]:
        """Return how far a look took what a key measures."""
        if is_of_price(key):
            return range_of_price(look)
        if probe_of(key) is None:
            return range_of_value(self.gates.value(key.measure, quote))
        return range_from(found.probes[key], look)

    def _probe(self, key: Key, entered: Entered) -> Footing | None:
        rule = probe_of(key)
        if rule is None:
            return None
        market = self.catalogue[key.symbol].market
        footing = last_footing(rule, entered.today, self.calendar(), market)
        return None if footing is None else entered.after_looks(footing)

    async def _join(self, found: Proposals, names: Sequence[str]) -> None:
        """Take up rules that are proposed for the first time in the session, as entering it would have."""
        for name, rules in (await self.own.rules(names)).items() if names else ():
            found.joined[name] = []
            for rule in rules:
                told = {
                    rung: record
                    for rung, record in found.records.get(name, {}).items()
                    if rung.revision == rule.revision
                }
                footing = None
                if isinstance(rule.condition, Gate):
                    await self.entering.take_up_gate(rule, found.entered, told)
                else:
                    footing = await self.entering.take_up(rule, found.entered, told)
                found.joined[name].append((rule, footing))

    async def _tell_again(self, found: Proposals, symbol: str, session: date) -> None:
        """Let what was told in an episode that goes on be told in the index; an edited rule is another."""
        episodes = {"gate", "once", session.isoformat()}
        episodes |= {each.episode for each in found.probes.values() if each is not None}
        names = [
            name
            for name, records in found.records.items()
            if self._stands(name) and any(_tells(rung, records[rung], episodes) for rung in records)
        ]
        rules = await self.own.rules(names)
        told: dict[Key, list[int]] = defaultdict(list)
        for name, of_name in rules.items():
            number, revisions = number_of(name), {each.revision for each in of_name}
            at = None if number is None else self.own.thresholds.find(number)
            records = found.records[name]
            if number is None or at is None or at[0].symbol != symbol:
                continue
            if any(rung.revision in revisions and _tells(rung, records[rung], episodes) for rung in records):
                told[at[0]].append(number)
        for numbers in told.values():
            self.own.thresholds.tell(numbers)

    def _is_told(self, rule: Rule, footing: Footing | None, look: Look) -> bool:
        """Tell whether a rule waits for another episode, or for its measure to come back."""
        if isinstance(rule.condition, Gate):
            record = self.ladders.furthest(rung_of(rule, look.symbol, look.session))
            return bool(record % 2) or (rule.telling.often == "once" and record > 0)
        if footing is None:
            return False
        episode = footing.after(look).episode
        rungs = (Rung(rule.revision, look.symbol, episode, each) for each in footing.directions)
        return any(self.ladders.furthest(rung) for rung in rungs)

    def _stands(self, name: str) -> bool:
        """Tell whether a rule is in the index."""
        number = number_of(name)
        return number is not None and self.own.thresholds.find(number) is not None

    def _is_known(self, name: str) -> bool:
        return self._stands(name) or self.own.is_general(name)


def _name_of(rung: Rung) -> str:
    return own_part(rung.revision).partition(":")[0]


def _tells(rung: Rung, record: float, episodes: set[str]) -> bool:
    if rung.episode not in episodes:
        return False
    return bool(record % 2) if rung.episode == "gate" else bool(record)
