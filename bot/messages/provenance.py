"""Where a price comes from, in words: its market time, its delay, its source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.alerts.alert import Move
from bot.market.instrument import Market, bare_instrument
from bot.market.limits import Limit, limit_reached
from bot.market.sessions import HOURS
from bot.messages.words import clock, day, joined, near_day, sentence

RECORDED = "recorded bars"

# Between a price and its receipt there is always a little: only more than this is told.
_PROMPT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an exchange is: its zone, and what its time is called where the zone's own name says less."""

    zone: ZoneInfo
    name: str | None = None


def place_of(market: Market, zone: str = "") -> Place:
    """Return where a market is; of another one only its `zone` tells, and without that UTC stands for it."""
    if market != "other":
        return Place(HOURS[market].zone, HOURS[market].zone_name)
    return Place(ZoneInfo(zone)) if zone else Place(ZoneInfo("UTC"))


def exchange_clock(moment: datetime, place: Place, zone: ZoneInfo | None) -> str:
    """Write a time of day where the exchange is, and in the chat's `zone` where it is another one there."""
    written = clock(moment, place.zone, place.name)
    if zone is None or moment.astimezone(zone).utcoffset() == moment.astimezone(place.zone).utcoffset():
        return written
    return f"{written} ({clock(moment, zone)})"


def provenance(moves: Sequence[Move], zone: ZoneInfo | None) -> str:
    """Say when the prices of one message were made and received, by whom they are told, and what they are.

    Of several the times of the first and the last stand, and the longest delay.
    """
    return ". ".join((_told(moves, zone), *remarks(moves)))


def remarks(moves: Sequence[Move]) -> Iterator[str]:
    """Say which shares stood at their daily limit, and what to know of the prices themselves."""
    yield from _limits(moves)
    yield from _notes(moves)


def _told(moves: Sequence[Move], zone: ZoneInfo | None) -> str:
    ordered = sorted(moves, key=lambda each: each.crossing.time)
    last = ordered[-1]
    sources = ", ".join(dict.fromkeys(each.seen.source for each in ordered))
    session = day(last.crossing.session)
    if not last.seen.reconstructed and last.seen.source == RECORDED:
        return f"Session of {session}, time of day unknown: recorded daily bars"
    parts = [f"Market time {_market_time(ordered, zone)}, {session}"]
    if any(each.seen.reconstructed for each in ordered):
        parts.append("reconstructed from daily bars")
    else:
        parts += _received(last)
    delay = max(each.seen.delay for each in ordered)
    if delay:
        parts.append(delayed(delay))
    return ", ".join((*parts, sources))


def delayed(minutes: int) -> str:
    """Say by how much a source is behind."""
    return f"{minutes} min delayed"


def _market_time(ordered: Sequence[Move], zone: ZoneInfo | None) -> str:
    first, last = ordered[0], ordered[-1]
    place = place_of(last.market)
    written = exchange_clock(last.crossing.time, place, zone)
    since = f"{first.crossing.time.astimezone(place.zone):%H:%M}"
    return written if written.startswith(since) else f"{since}–{written}"


def _received(move: Move) -> list[str]:
    if move.seen.received - move.crossing.time <= _PROMPT:
        return []
    zone = place_of(move.market).zone
    local = move.seen.received.astimezone(zone)
    another_day = local.date() != move.crossing.time.astimezone(zone).date()
    on = f" on {near_day(local.date(), move.crossing.session)}" if another_day else ""
    return [f"received {local:%H:%M}{on}"]


def _limits(moves: Sequence[Move]) -> Iterator[str]:
    """Say which shares stood at their daily limit, where a previous close as traded is known."""
    alone = len({each.crossing.symbol for each in moves}) == 1
    for limit in ("limit up", "limit down"):
        names = dict.fromkeys(each.short for each in moves if _limit(each) == limit)
        if names:
            yield sentence(limit) if alone else f"{sentence(limit)}: {joined(list(names))}"


def _limit(move: Move) -> Limit | None:
    crossing = move.crossing
    if crossing.adjusted:
        return None
    exchange = bare_instrument(crossing.symbol).exchange
    return limit_reached(crossing.symbol, exchange, crossing.session, crossing.last, move.previous_close)


def _notes(moves: Sequence[Move]) -> Iterator[str]:
    """Give what a reader must know of the prices themselves, of several by name."""
    alone = len({each.crossing.symbol for each in moves}) == 1
    noted = dict.fromkeys((each.short, each.seen.note) for each in moves if each.seen.note)
    yield from (sentence(note) if alone else f"{short}: {note}" for short, note in noted)
