"""The chats' own rules at work: taken up from what chats wrote, and kept as they change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from bot.chats.chat_id import parse_chat_id
from bot.chats.own import OwnRule
from bot.chats.subscription import followed
from bot.errors import MarketbellError
from bot.market.catalogue import Catalogue
from bot.rules.conditions import Rule
from bot.rules.grammar import parse_line
from bot.rules.line import Line
from bot.rules.probes import read_measure
from bot.rules.scene import Members
from bot.rules.scope import rules_of
from bot.rules.threshold import Key
from bot.rules.thresholds import Thresholds
from bot.store import chats, own
from bot.store.link import Link

# Of very many rules few are near their thresholds; those are read once and not at every look.
_MOST_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class _Bound:
    """A rule that is no single threshold: its line, and the rules that this is at present."""

    rule: OwnRule
    line: Line
    rules: tuple[Rule, ...]

    @property
    def symbols(self) -> frozenset[str]:
        """What it looks at."""
        return frozenset(symbol for each in self.rules for symbol in each.symbols)


@dataclass(frozen=True, slots=True)
class Changed:
    """What chats have changed: the ids of the rules, and at which instruments others look now."""

    names: frozenset[str] = frozenset()
    symbols: frozenset[str] = frozenset()

    def __or__(self, other: Changed) -> Changed:
        """Return both."""
        return Changed(self.names | other.names, self.symbols | other.symbols)


@dataclass(slots=True)
class Own:
    """What chats have set for themselves: thresholds in an index, all other rules by instrument."""

    link: Link
    catalogue: Catalogue
    members: Members
    today: Callable[[], date]
    report: Callable[..., None]
    thresholds: Thresholds = field(default_factory=Thresholds)
    _general: dict[str, _Bound] = field(default_factory=dict)
    _of: dict[str, dict[str, tuple[Rule, ...]]] = field(default_factory=dict)
    _read: dict[str, tuple[Rule, ...]] = field(default_factory=dict)
    _position: int = 0
    _day: date | None = None

    async def load(self) -> None:
        """Take up everything that chats have set."""
        self.thresholds, self._position = await own.index(self.link, read_measure)
        self._general, self._of, self._read = {}, {}, {}
        for each in await own.general(self.link):
            await self._bind(each.rule)
        self._day = self.today()

    async def refresh(self) -> Changed | None:
        """Take up what changed since and return it; None where everything had to be taken up anew.

        Whoever set an index's constituents or a chat's watchlist looks at those of today.
        """
        changed = Changed()
        while True:
            found = await own.changes(self.link, self._position)
            if found.behind:
                await self.load()
                return None
            if not found.changes:
                return changed | await self._rebind()
            self._position = found.position
            for each in found.changes:
                changed |= self._drop(each)
            changed |= await self._take(found.changes)

    def general(self, symbol: str) -> Iterator[Rule]:
        """Give the rules that are no single threshold and look at an instrument."""
        for rules in self._of.get(symbol, {}).values():
            yield from rules

    def all_general(self) -> Iterator[Rule]:
        """Give all rules that are no single threshold."""
        for each in self._general.values():
            yield from each.rules

    def is_general(self, name: str) -> bool:
        """Tell whether the rule of this id is one that is no single threshold."""
        return name in self._general

    async def rules(self, names: Sequence[str]) -> dict[str, tuple[Rule, ...]]:
        """Return the rules of these ids; one that is gone, or that does not read any more, is left out."""
        unread = [each for each in names if each not in self._read]
        if len(self._read) + len(unread) > _MOST_KEPT:
            self._read.clear()
            unread = list(names)
        if unread:
            for name, rule in (await own.rules(self.link, unread)).items():
                line = self._line(rule)
                if line is not None:
                    self._read[name] = await self._rules(rule, line)
        return {each: self._read[each] for each in names if each in self._read}

    def _drop(self, change: own.Change) -> Changed:
        self._read.pop(change.id, None)
        if change.kind != "moved":
            self.thresholds.remove(change.number)
        return self._unbind(change.id)

    async def _take(self, changes: Iterable[own.Change]) -> Changed:
        others: list[str] = []
        for each in {each.id: each for each in changes}.values():
            if each.kind == "removed":
                continue
            if each.placed is None:
                others.append(each.id)
                continue
            name = each.placed.name
            measure = read_measure(name.measure)
            if measure is not None:
                key = Key(name.symbol, measure, name.again)
                self.thresholds.add(key, each.placed.side, each.placed.threshold, each.number)
        general = await own.symbols_of(self.link, others)
        found = Changed()
        for rule in (await own.rules(self.link, list(general))).values():
            found |= await self._bind(rule)
        return found

    async def _bind(self, rule: OwnRule) -> Changed:
        line = self._line(rule)
        if line is None:
            return Changed()
        bound = _Bound(rule, line, await self._rules(rule, line))
        self._general[rule.id] = bound
        for symbol in bound.symbols:
            of_symbol = tuple(each for each in bound.rules if symbol in each.symbols)
            self._of.setdefault(symbol, {})[rule.id] = of_symbol
        return Changed(frozenset((rule.id,)), bound.symbols)

    def _unbind(self, name: str) -> Changed:
        bound = self._general.pop(name, None)
        if bound is None:
            return Changed(frozenset((name,)))
        for symbol in bound.symbols:
            self._of[symbol].pop(name)
        return Changed(frozenset((name,)), bound.symbols)

    async def _rebind(self) -> Changed:
        """Bind again what may look at other instruments by now: constituents daily, watchlists always."""
        today = self.today()
        daily, self._day = today != self._day, today
        changed = Changed()
        for name, bound in list(self._general.items()):
            kind = bound.line.scope.kind if bound.line.scope is not None else None
            may_differ = kind == "watchlist" or (kind == "each of" and daily)
            if may_differ and await self._rules(bound.rule, bound.line) != bound.rules:
                changed |= self._unbind(name) | await self._bind(bound.rule)
        return changed

    def _line(self, rule: OwnRule) -> Line | None:
        try:
            return parse_line(rule.text)
        except MarketbellError as error:
            self.report("an own rule does not read", rule=rule.id, why=str(error).partition("\n")[0])
            return None

    async def _rules(self, rule: OwnRule, line: Line) -> tuple[Rule, ...]:
        of_watchlist = line.scope is not None and line.scope.kind == "watchlist"
        following = await self._following(rule.chat) if of_watchlist else frozenset[str]()
        today = self.today()
        return rules_of(
            rule.id,
            line,
            self.catalogue,
            lambda index: self.members(index, today),
            lambda: following,
            chat=rule.chat,
        )

    async def _following(self, chat: str) -> frozenset[str]:
        held = await chats.subscriptions(self.link, parse_chat_id(chat))
        return followed(held, self.catalogue.by_symbol)
