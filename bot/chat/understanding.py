"""What a chat's line means: its names resolved among what is watched, and itself said back in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.chat.naming import Meant
from bot.chat.on_demand import OnDemand, Present
from bot.errors import NotKnown, UnknownSymbol, UsageError
from bot.market.catalogue import Catalogue, likely_symbol
from bot.market.instrument import Instrument, Membership, bare_instrument, watched_members_on
from bot.messages.explaining import explained
from bot.messages.words import one_line
from bot.rules.conditions import Rule
from bot.rules.gates import leaves_of
from bot.rules.line import Line
from bot.rules.scope import read, rules_of
from bot.rules.terms import Story


@dataclass(frozen=True, slots=True)
class Understood:
    """A line with its names resolved, and said back in plain words, a sentence each.

    `symbols` are what it looks at, `following` the chat's watchlist where that is what it looks at; `taken`
    says for what words were taken where they were not the name of what is meant.
    """

    line: Line
    rules: tuple[Rule, ...]
    symbols: tuple[str, ...]
    said: tuple[str, ...]
    following: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()


class _Pending(Exception):
    """A name that has still to be asked for."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(slots=True)
class Understanding:
    """Reads a line: what is watched may be called whatever it is called for a quote, but for a search.

    `named` is everything that has a name, `watched` what rules can look at.
    """

    named: Catalogue
    watched: Catalogue
    memberships: tuple[Membership, ...]
    news: tuple[str, ...]
    on_demand: OnDemand
    _found: dict[str, Meant | Exception] = field(default_factory=dict)

    async def of(
        self, text: str, following: frozenset[str], present: Present, until: int, *, chat: str = ""
    ) -> Understood:
        """Return what a line means.

        Raises `GrammarError` where it does not read, `NotKnown` for what is known and not watched, and
        `UsageError` for what could never ring.
        """
        line = await self._read(text, present, until)
        today = present.now.date()
        rules = rules_of(
            "",
            line,
            self.watched,
            lambda index: watched_members_on(self.memberships, self.watched, index, today),
            lambda: following,
            chat=chat,
        )
        symbols = tuple(sorted({symbol for each in rules for symbol in each.symbols}))
        self._must_ring(line, rules, symbols)
        of_watchlist = line.scope is not None and line.scope.kind == "watchlist"
        taken = (each.taken for each in self._found.values() if isinstance(each, Meant) and each.taken)
        return Understood(
            line,
            rules,
            symbols,
            explained(line, self._called),
            symbols if of_watchlist else (),
            tuple(taken),
        )

    async def _read(self, text: str, present: Present, until: int) -> Line:
        """Read a line as often as it names what has still to be asked for."""
        while True:
            try:
                return read(text, self._symbol)
            except _Pending as pending:
                self._found[pending.name] = await self._asked_for(pending.name, present, until)

    def _symbol(self, name: str) -> str:
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._at_hand(name)
        if isinstance(found, Exception):
            raise found
        return found.instrument.symbol

    def _at_hand(self, name: str) -> Meant | Exception:
        try:
            meant = Meant(self.named.resolve(name))
        except UnknownSymbol as error:
            slip, symbol = self.named.slip(name), likely_symbol(name)
            if slip is None:
                if symbol is not None:
                    raise _Pending(name) from error
                return error
            meant = Meant(slip, f"Took “{one_line(name)}” for {slip.short} ({slip.symbol})")
        except UsageError as error:
            return error
        return meant if meant.instrument.symbol in self.watched else _not_watched(meant.instrument)

    async def _asked_for(self, name: str, present: Present, until: int) -> Exception:
        """Return why a symbol that has no name here cannot be looked at: it is not watched, or is none."""
        symbol = likely_symbol(name) or name
        answer = await self.on_demand.answer(bare_instrument(symbol), present, until)
        if answer is not None and answer.known:
            return _not_watched(bare_instrument(symbol))
        try:
            self.named.resolve(name)
        except UnknownSymbol as error:
            return error
        return UnknownSymbol(f"No instrument is called “{name}”.")

    def _must_ring(self, line: Line, rules: tuple[Rule, ...], symbols: tuple[str, ...]) -> None:
        if not symbols:
            raise UsageError(_nothing(line))
        for topic in _topics(rules):
            if topic not in self.news:
                known = ", ".join(self.news) or "none here"
                raise UsageError(f"There is no topic of news called “{topic}”: there are {known}.")

    def _called(self, symbol: str) -> str:
        short = self.watched[symbol].short if symbol in self.watched else symbol
        return short if short == symbol else f"{short} ({symbol})"


def _topics(rules: tuple[Rule, ...]) -> Iterator[str]:
    for rule in rules:
        for leaf in leaves_of(rule):
            if isinstance(leaf, Story):
                yield leaf.topic


def _nothing(line: Line) -> str:
    match line.scope.kind if line.scope else None:
        case "watchlist":
            return "This chat follows no instruments: /subscribe HSTECH puts one on its watchlist."
        case "each of":
            index = line.scope.names[0] if line.scope else ""
            return f"None of the constituents of {index} are watched: name instruments instead."
        case _:
            return "Nothing of that kind is watched: name instruments instead, as in HSTECH ±2%."


def _not_watched(instrument: Instrument) -> NotKnown:
    named = instrument.symbol
    if instrument.short != instrument.symbol:
        named = f"{instrument.short} ({instrument.symbol})"
    return NotKnown(
        f"{named} is not watched, so nothing could be told of it: ask the owner of this bot to add it under "
        f"instruments: in config.yaml; /quote {instrument.symbol} shows its price."
    )
