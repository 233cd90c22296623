"""The history that a running Marketbell keeps: looked through, added to from a folder, written out to one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

from bot.errors import DataError, NotKnown
from bot.market.actions import Action
from bot.market.bars import Bar, Known, Series
from bot.market.breaks import Checked, Gap, check
from bot.market.catalogue import Catalogue
from bot.market.instrument import Instrument, bare_instrument
from bot.market.sessions import settlement
from bot.market.tracking import own
from bot.sources.folder import read_folder, write_folder
from bot.store import market as published
from bot.store.link import Link

# The code for what no exchange trades.
_NOWHERE = "XXXX"
_SAME = 1e-6
_NAMED = 10
_PRICES = ("close", "open", "high", "low", "volume")


@dataclass(frozen=True, slots=True)
class Arrived:
    """How many bars of an instrument are new, how many replaced others, and how many were held already."""

    symbol: str
    new: int
    replaced: int
    held: int


@dataclass(frozen=True, slots=True)
class Import:
    """What an import did, and the symbols that it left out because the settings do not describe them."""

    arrived: tuple[Arrived, ...]
    left_out: tuple[str, ...]


def described(catalogue: Catalogue, symbol: str) -> Instrument:
    """Return the instrument of a symbol, as the settings describe it or as its suffix tells."""
    return catalogue[symbol] if symbol in catalogue else bare_instrument(symbol)


async def kept(link: Link) -> dict[str, Series]:
    """Return the history that is kept, in the order of symbols; `NotKnown` where there is none."""
    held = await published.histories(link)
    series = {symbol: held[symbol] for symbol in sorted(held) if held[symbol].bars}
    if not series:
        raise NotKnown("No history is kept yet: it comes with the first look at the market, or by an import.")
    return series


def looked_through(catalogue: Catalogue, series: Mapping[str, Series]) -> Checked:
    """Say what is wrong with a history; what stands in for bars is not, nor is what is known as untraded."""
    places = {symbol: _place(catalogue, symbol) for symbol in series}
    real = {symbol: own(each) for symbol, each in series.items()}
    checked = check(real, {symbol: place for symbol, place in places.items() if place is not None})
    amiss = (
        each
        for each in checked.findings
        if not isinstance(each, Gap) or not set(each.sessions) <= set(series[each.symbol].untraded)
    )
    return replace(checked, findings=tuple(amiss))


def _place(catalogue: Catalogue, symbol: str) -> str | None:
    """Return what a symbol shares its sessions with, or None where that is not known.

    A market that we have no hours of is as good as its exchange, and of what the settings do not describe as
    the suffix of its symbol; what has neither may trade anywhere.
    """
    instrument = described(catalogue, symbol)
    if instrument.exchange == _NOWHERE:
        return None
    if symbol in catalogue or instrument.market != "US":
        return instrument.exchange if instrument.market == "other" else instrument.market
    return symbol.rpartition(".")[2] if "." in symbol else None


async def take_in(
    link: Link, catalogue: Catalogue, folder: Path, now: datetime, *, replacing: bool
) -> Import:
    """Put the bars of a folder into the history that is kept; nothing is written before everything is read.

    Raises `DataError` for a row that cannot be read, for a session that has not settled `now`, and, unless
    `replacing`, for one that is held otherwise; then all stays as it was.
    """
    recorded = read_folder(folder).series
    wanted = [recorded[symbol] for symbol in sorted(recorded) if symbol in catalogue]
    if not wanted:
        raise DataError(f"{folder} holds no bars of an instrument that the settings describe: add it there.")
    for each in wanted:
        _must_have_settled(catalogue[each.symbol], each, now)
    merged = [_Merged.of(await published.history(link, each.symbol), each) for each in wanted]
    contradicted = [contradiction for whole in merged for contradiction in whole.contradictions]
    if contradicted and not replacing:
        raise DataError(_refusal(folder, contradicted))
    for whole in merged:
        await published.publish_history(link, whole.series)
    return Import(
        tuple(whole.arrived for whole in merged),
        tuple(symbol for symbol in sorted(recorded) if symbol not in catalogue),
    )


def _must_have_settled(instrument: Instrument, series: Series, now: datetime) -> None:
    for session in series.sessions[-1:]:
        if settlement(instrument.market, session) > now:
            raise DataError(
                f"{series.symbol} has a bar of {session}, a session that has not settled: take it out."
            )


def _refusal(folder: Path, contradicted: Sequence[str]) -> str:
    named = "; ".join(contradicted[:_NAMED])
    more = f"; and {len(contradicted) - _NAMED} more" if len(contradicted) > _NAMED else ""
    return (
        f"{folder} differs from what is held, and nothing was imported: {named}{more}. "
        "To take what the folder has, say --replace."
    )


async def write_out(link: Link, folder: Path) -> tuple[tuple[Path, ...], dict[str, Series]]:
    """Write the history that is kept into a folder; return the files and what they hold."""
    series = await kept(link)
    return write_folder(folder, series), series


@dataclass(slots=True)
class _Merged:
    """Two histories of an instrument as one; where they contradict each other, as the new one has it."""

    symbol: str
    bars: dict[date, Bar]
    before: dict[tuple[date, str, str], Known]
    actions: dict[tuple[date, str], Action]
    standing: dict[date, Bar]
    stand_in: str
    untraded: frozenset[date]
    contradictions: list[str] = field(default_factory=list)
    new: int = 0
    replaced: int = 0
    held: int = 0

    @classmethod
    def of(cls, held: Series, coming: Series) -> _Merged:
        """Put `coming` into `held`; what stands in for bars gives way to them."""
        stands = coming if coming.stand_in else held
        merged = cls(
            held.symbol,
            {each.session: each for each in own(held).bars},
            {_place_of(each): each for each in held.before},
            {(each.session, each.kind): each for each in held.actions},
            {each.session: each for each in stands.bars if stands.stand_in and each.adjusted},
            stands.stand_in,
            frozenset(held.untraded + coming.untraded),
        )
        for bar in own(coming).bars:
            merged._add(bar)
        for action in coming.actions:
            merged._add_action(action)
        for known in coming.before:
            merged._add_known(known)
        return merged

    @property
    def arrived(self) -> Arrived:
        """How many bars came in."""
        return Arrived(self.symbol, self.new, self.replaced, self.held)

    @property
    def series(self) -> Series:
        """The history; an extreme of a time whose bars are held by now is not held beside them."""
        whole = self.standing | self.bars
        bars = tuple(whole[each] for each in sorted(whole))
        # A close alone may be the last one from before the bars.
        bare = bool(bars) and bars[0] == Bar(bars[0].session, bars[0].close)
        begins = next((each.session for each in bars[bare:]), None)
        known = (self.before[each] for each in sorted(self.before))
        return Series(
            self.symbol,
            bars,
            tuple(each for each in known if begins is None or each.session < begins),
            tuple(self.actions[each] for each in sorted(self.actions)),
            self.stand_in if self.standing.keys() - self.bars.keys() else "",
            tuple(sorted(self.untraded - whole.keys())),
        )

    def _add(self, bar: Bar) -> None:
        held = self.bars.get(bar.session)
        if held is None:
            self.new += 1
            self.bars[bar.session] = bar
            return
        different = next(_differences(held, bar), None)
        if different is None:
            self.held += 1
            self.bars[bar.session] = _completed(held, bar)
            return
        self.replaced += 1
        self.bars[bar.session] = bar
        self.contradictions.append(f"{self.symbol} {bar.session} ({different})")

    def _add_action(self, action: Action) -> None:
        held = self.actions.get((action.session, action.kind), action)
        self.actions[action.session, action.kind] = action
        for name in ("factor", "amount"):
            ours, theirs = getattr(held, name), getattr(action, name)
            if not math.isclose(ours, theirs, rel_tol=_SAME):
                what = f"{action.kind} {name} {theirs!r}, held {ours!r}"
                self.contradictions.append(f"{self.symbol} {action.session} ({what})")

    def _add_known(self, known: Known) -> None:
        held = self.before.get(_place_of(known), known)
        self.before[_place_of(known)] = known
        if not math.isclose(held.value, known.value, rel_tol=_SAME):
            what = f"{known.side} by {known.reference} {known.value!r}, held {held.value!r}"
            self.contradictions.append(f"{self.symbol} {known.session} ({what})")


def _place_of(known: Known) -> tuple[date, str, str]:
    return known.session, known.side, known.reference


def _differences(held: Bar, coming: Bar) -> Iterator[str]:
    """Say in what two bars of one session contradict each other; what only one knows is no contradiction."""
    for name, ours, theirs in _paired(held, coming):
        if ours is not None and theirs is not None and not math.isclose(ours, theirs, rel_tol=_SAME):
            yield f"{name} {theirs!r}, held {ours!r}"
    if held.adjusted != coming.adjusted:
        yield "dividend-adjusted, held as traded" if coming.adjusted else "as traded, held dividend-adjusted"


def _completed(held: Bar, coming: Bar) -> Bar:
    _, opened, high, low, volume = (
        theirs if ours is None else ours for _, ours, theirs in _paired(held, coming)
    )
    return replace(held, open=opened, high=high, low=low, volume=volume)


def _paired(held: Bar, coming: Bar) -> Iterable[tuple[str, float | None, float | None]]:
    return ((name, getattr(held, name), getattr(coming, name)) for name in _PRICES)
