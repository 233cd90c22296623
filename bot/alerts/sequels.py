"""Sequels: what became of told moves, for as long as their session lasts, so that their message stays true.

A retreat is told once a furthest step: again only after a further one was told. A close is told once for
each ladder of a message. All of it follows from what was told and from the last quotes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.alerts.alert import Alert, Became, Move, Seen, Sequel, Since
from bot.market.measures import change_pct
from bot.market.quote import Quote
from bot.rules.crossing import Crossing, Rung, level_of
from bot.rules.measures import Day

# An index settles after its constituents, and a source may never call a halted share's last price its close.
_OTHERS_WAIT = timedelta(minutes=30)
# No message is remembered for longer.
_FORGOTTEN = timedelta(days=3)
_FINGERPRINT_LENGTH = 20

Name = tuple[str, Rung]
"""The fold of a message and a ladder that it tells of."""

Told = Mapping[Name, "Followed"]


@dataclass(frozen=True, slots=True)
class Followed:
    """One ladder in one message: the last alert that climbed it, and what was told of it since.

    `lowest` is the nearest step that the message tells of, in per cent. `back` is the furthest step when its
    retreat was told last, 0 where none was. `closing` is the session's official close, once it is seen, and
    `closed` says that it was told.
    """

    alert: Alert
    move: Move
    lowest: float
    back: float = 0.0
    closing: Quote | None = None
    closed: bool = False

    @property
    def name(self) -> Name:
        """What it is followed by."""
        return self.alert.fold, self.move.crossing.rung

    @property
    def turn(self) -> float:
        """The price beyond which the move has fallen back: its lowest step's level, and some slack."""
        return _turn(self.move.crossing, self.lowest)

    @property
    def is_closing(self) -> bool:
        """Whether its close is seen and still to be told; what was told by the close says it already."""
        return self.closing is not None and not self.closed and not self.move.crossing.final

    @property
    def may_retreat(self) -> bool:
        """Whether falling back would be told."""
        return self.back < self.move.crossing.step and self.closing is None


def after(told: Told, alerts: Iterable[Alert]) -> dict[Name, Followed]:
    """Return what is followed once `alerts` were raised, in their order; sequels are among them."""
    found = dict(told)
    for alert in alerts:
        match alert.facts:
            case Move() as move:
                followed = _climbed(found.get((alert.fold, move.crossing.rung)), alert, move)
                found[followed.name] = followed
            case Sequel() as sequel:
                for each in sequel.since:
                    name = sequel.fold, each.rung
                    if name in found:
                        found[name] = _with(found[name], sequel.what, each)
    return found


def looked(told: Told, quote: Quote, now: datetime) -> dict[Name, Followed]:
    """Return what is still followed of a quote's instrument: its close is noted, what is over is left out.

    It is over when a later session is seen, except a close that is still to be told, or when no message grows
    any more that is as old. One whose close was told stays until then, so that it is told once.
    """
    found: dict[Name, Followed] = {}
    for name, each in told.items():
        session = each.move.crossing.session
        if now - each.alert.at > _FORGOTTEN:
            continue
        if quote.session == session and quote.final and each.closing is None:
            found[name] = replace(each, closing=quote)
        elif quote.session <= session or each.is_closing:
            found[name] = each
    return found


def retreats(told: Iterable[Followed], quote: Quote, raised: int) -> Iterator[Alert]:
    """Give the retreats that an instrument's quote is; `raised` is machine time in milliseconds."""
    for each in told:
        crossing = each.move.crossing
        if quote.final or quote.session != crossing.session or not each.may_retreat:
            continue
        if _is_back(crossing, quote.price, each.turn):
            since = _since(each, quote)
            name = _fingerprint(each.alert.fold, "retreat", crossing.rung, f"{crossing.step:g}")
            yield _alert(name, "retreat", (each,), (since,), quote.time, raised)


def closes(told: Iterable[Followed], now: datetime, raised: int) -> Iterator[Alert]:
    """Give the closes of messages whose instruments have all closed, or some of them a while ago.

    `now` is the time at which the newest quotes were received.
    """
    by_fold: dict[str, list[Followed]] = {}
    for each in told:
        by_fold.setdefault(each.alert.fold, []).append(each)
    for fold, members in by_fold.items():
        open_yet = [each for each in members if not each.closed]
        closed = [(each, each.closing) for each in open_yet if each.closing is not None]
        if not closed:
            continue
        all_are = len(closed) == len(open_yet)
        waited = now - min(closing.received for _, closing in closed) >= _OTHERS_WAIT
        if not (all_are or waited) or not any(each.is_closing for each, _ in closed):
            continue
        crossings = [each.move.crossing for each, _ in closed]
        rungs = (f"{each.revision} {each.symbol} {each.direction}" for each in crossings)
        name = _fingerprint(
            fold, "close", *sorted(rungs), max(each.session.isoformat() for each in crossings)
        )
        since = tuple(_since(each, closing) for each, closing in closed)
        latest = max(closing.time for _, closing in closed)
        yield _alert(name, "close", [each for each, _ in closed], since, latest, raised)


def _climbed(before: Followed | None, alert: Alert, move: Move) -> Followed:
    crossing = move.crossing
    lowest = crossing.steps[0] if before is None else min(before.lowest, crossing.steps[0])
    # A message that tells of a touch says itself where the price is by then.
    said = _is_back(crossing, crossing.last, _turn(crossing, lowest))
    back = crossing.step if said else before.back if before else 0.0
    if before is None:
        return Followed(alert, move, lowest, back)
    topics = tuple(dict.fromkeys((*before.alert.topics, *alert.topics)))
    return replace(before, alert=replace(alert, topics=topics), move=move, lowest=lowest, back=back)


def _with(followed: Followed, what: Became, since: Since) -> Followed:
    if what == "close":
        return replace(followed, closed=True)
    return replace(followed, back=max(followed.back, since.step))


def _turn(crossing: Crossing, lowest: float) -> float:
    sign = 1 if crossing.direction == "up" else -1
    slack = min(Day().slack(sign * lowest), lowest / 2)
    return level_of(crossing.reference.value, lowest - slack, crossing.direction)


def _is_back(crossing: Crossing, price: float, turn: float) -> bool:
    return price < turn if crossing.direction == "up" else price > turn


def _since(followed: Followed, quote: Quote) -> Since:
    move, crossing = followed.move, followed.move.crossing
    base = crossing.reference.value
    return Since(
        rung=crossing.rung,
        short=move.short,
        step=crossing.step,
        lowest=followed.lowest,
        level=level_of(base, followed.lowest, crossing.direction),
        price=quote.price,
        change=change_pct(quote.price, base),
        time=quote.time,
        seen=Seen(quote.source, quote.received, quote.delay, quote.reconstructed, quote.note),
        currency=move.currency,
        reached=quote.high if crossing.direction == "up" else quote.low,
        is_index=move.is_index,
        adjusted=crossing.adjusted or quote.adjusted,
    )


def _alert(
    fingerprint: str,
    what: Became,
    told: Sequence[Followed],
    since: tuple[Since, ...],
    at: datetime,
    raised: int,
) -> Alert:
    first = told[0]
    crossing = first.move.crossing
    return Alert(
        fingerprint=fingerprint,
        facts=Sequel(what, first.move.market, crossing.session, crossing.direction, first.alert.fold, since),
        topics=tuple(dict.fromkeys(topic for each in told for topic in each.alert.topics)),
        reason="sequel",
        at=at,
        raised=raised,
        fold=first.alert.fold,
        replay_of=first.alert.replay_of,
    )


def _fingerprint(fold: str, what: Became, *which: str | Rung) -> str:
    parts = (
        f"{each.revision} {each.symbol} {each.episode} {each.direction}" if isinstance(each, Rung) else each
        for each in which
    )
    text = "\n".join(("sequel", fold, what, *parts))
    return hashlib.sha256(text.encode()).hexdigest()[:_FINGERPRINT_LENGTH]
