"""What became of told moves, in words: a retreat below the told steps, and the close.

What is written stays true whatever the price does next: a retreat is told with its time, and the close as a
recorded bar of the session would tell it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from bot.alerts.alert import Alert, Became, Move, Sequel, Since
from bot.market.measures import Distance, change_pct
from bot.messages.given import changes, since_suspension
from bot.messages.moves import headings, level
from bot.messages.provenance import exchange_clock, place_of
from bot.messages.words import listed, money, percent
from bot.rules.crossing import Rung, reaches


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What became of the ladders of one message: how they closed, and of the others the last retreats."""

    closes: Mapping[Rung, Since] = field(default_factory=dict)
    retreats: Mapping[Rung, Since] = field(default_factory=dict)

    def has_closed(self, move: Move) -> bool:
        """Tell whether a move was told before its session's close, which is known now."""
        return move.crossing.rung in self.closes

    def retreat(self, move: Move) -> Since | None:
        """Return how a move fell back after its furthest step was told, None where it did not."""
        return self.retreats.get(move.crossing.rung)


NOTHING_YET = Aftermath()


def parted(alerts: Iterable[Alert]) -> tuple[list[Alert], list[Sequel]]:
    """Part what was told from what became of it."""
    told: list[Alert] = []
    sequels: list[Sequel] = []
    for alert in alerts:
        if isinstance(alert.facts, Sequel):
            sequels.append(alert.facts)
        else:
            told.append(alert)
    return told, sequels


def as_it_stands(told: Iterable[Alert], sequels: Iterable[Sequel]) -> tuple[list[Alert], Aftermath]:
    """Return what was told with its closes, and what became of it; a ladder is told by one alert.

    A retreat counts until a further step is told or the session closes.
    """
    since: dict[Became, dict[Rung, Since]] = {"close": {}, "retreat": {}}
    for sequel in sequels:
        of = since[sequel.what]
        for each in sequel.since:
            if each.rung not in of or of[each.rung].time < each.time:
                of[each.rung] = each
    found: list[Alert] = []
    closes: dict[Rung, Since] = {}
    retreats: dict[Rung, Since] = {}
    for alert in told:
        move, now = alert.facts, alert
        if isinstance(move, Move) and not move.crossing.final:
            rung = move.crossing.rung
            close, retreat = since["close"].get(rung), since["retreat"].get(rung)
            if close is not None:
                closes[rung] = close
                now = replace(alert, facts=_closed(move, close))
            elif retreat is not None and retreat.step >= move.crossing.step:
                retreats[rung] = retreat
        found.append(now)
    return found, Aftermath(closes, retreats)


def sequel_heading(sequel: Sequel) -> str:
    """Say what became of told moves where nothing else of their message is known."""
    first, rest = sequel.since[0], len(sequel.since) - 1
    more = f", {rest} more" if rest else ""
    at = "" if first.adjusted else f", {money(first.price, first.currency, is_index=first.is_index)}"
    if sequel.what == "close":
        return f"{first.short} closed {percent(first.change)}{at}{more}"
    return f"{first.short} back {_step(first)}: {percent(first.change)}{at}{more}"


def fallen_back(move: Move, since: Since, zone: ZoneInfo | None) -> str:
    """Say that a move fell back below its told steps, when, and to what."""
    at = exchange_clock(since.time, place_of(move.market), zone)
    price = "" if since.adjusted else f"{level(move, since.price)}, "
    return f"back {_step(since)} at {at}: {price}{percent(since.change)}"


def closed_headings(move: Move) -> Iterator[str]:
    """Give the heading of a move whose session is over: the close, and what it touched; then shorter ones."""
    crossing = move.crossing
    if crossing.measure != "day change" or crossing.seen_by == "quote":
        yield from headings(move)
        return
    close = _close_of_the_day(move)
    touched = f"; touched {percent(crossing.value)}"
    if not crossing.adjusted:
        yield f"{move.short} {close[0]} at the close: {level(move, crossing.last)}{touched}"
        yield f"{move.short} {close[-1]} at the close: {level(move, crossing.last)}{touched}"
    yield f"{move.short} {close[-1]} at the close{touched}"
    yield f"{move.short} {close[-1]} at the close"


def closed_line(move: Move) -> str:
    """Say how a day's move ended among others: the close, what it touched beyond that, and its steps."""
    crossing = move.crossing
    since = since_suspension(move.since, crossing.session)
    close = " ".join(each for each in (_close_of_the_day(move)[0], since) if each)
    at = "" if crossing.adjusted else f", {level(move, crossing.last)}"
    touched = ""
    if crossing.seen_by == "range":
        price = "" if crossing.adjusted else f", {level(move, crossing.price)}"
        touched = f"; touched {percent(crossing.value)}{price}"
    return f"{move.short} closed {close}{at}{touched}: passed {listed(crossing.steps)}"


def close_in_short(move: Move, *, touched: bool = True) -> str:
    """Name a move by its close, in a heading of several, with what it had `touched` if that was further."""
    close = f"{move.short} {_close_of_the_day(move)[-1]}"
    if touched and move.crossing.seen_by == "range":
        return f"{close} (touched {percent(move.crossing.value)})"
    return close


def _close_of_the_day(move: Move) -> tuple[str, ...]:
    crossing = move.crossing
    return changes(move, change_pct(crossing.last, crossing.reference.value), crossing.last)


def _step(since: Since) -> str:
    return f"under +{since.lowest:g}%" if since.rung.direction == "up" else f"above −{since.lowest:g}%"


def _closed(move: Move, since: Since) -> Move:
    """Return a move as the session's recorded bar would tell it, with all that is measured from its close."""
    crossing = move.crossing
    base, sign = crossing.reference.value, 1 if crossing.direction == "up" else -1
    holds = reaches(since.price, base, sign * crossing.step)
    furthest = max if crossing.direction == "up" else min
    price = since.price if holds else furthest(crossing.price, since.reached or crossing.price)
    scale = since.price / crossing.last
    now = replace(
        move,
        crossing=replace(
            crossing,
            time=since.time,
            price=price,
            value=change_pct(price, base),
            last=since.price,
            final=True,
            seen_by="quote" if holds else "range",
            adjusted=since.adjusted,
        ),
        seen=since.seen,
        day_change=since.change if crossing.measure == "day change" else _scaled(move.day_change, scale),
        as_traded=_scaled(move.as_traded, scale),
        from_peak=_measured(move.from_peak, since.price),
        off_low=_measured(move.off_low, since.price),
        off_intraday_low=_measured(move.off_intraday_low, since.price),
    )
    return replace(now, streak=_streak(now))


def _streak(move: Move) -> int:
    """Count the session itself, whose close is known now."""
    change = move.day_change or 0.0
    today = (change > 0) - (change < 0)
    return move.streak + today if move.streak * today >= 0 and today else today


def _scaled(change: float | None, scale: float) -> float | None:
    return None if change is None else ((1 + change / 100) * scale - 1) * 100


def _measured(distance: Distance | None, price: float) -> Distance | None:
    if distance is None:
        return None
    return replace(distance, change_pct=change_pct(price, distance.value))
