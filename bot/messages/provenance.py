"""Where a price comes from, in words: its market time, its delay, its source."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.alerts.alert import Move
from bot.market.sessions import HOURS
from bot.messages.words import clock, day, near_day

RECORDED = "recorded bars"

# Between a price and its receipt there is always a little: only more than this is told.
_PROMPT = timedelta(minutes=1)


def provenance(moves: Sequence[Move], zone: ZoneInfo | None) -> str:
    """Say when the prices of one message were made and received, and by whom they are told.

    Of several the times of the first and the last stand, and the longest delay.
    """
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
    hours = HOURS[last.market]
    moment = last.crossing.time
    written = clock(moment, hours.zone, hours.zone_name)
    since = f"{first.crossing.time.astimezone(hours.zone):%H:%M}"
    if not written.startswith(since):
        written = f"{since}–{written}"
    elsewhere = (
        zone is not None and moment.astimezone(zone).utcoffset() != moment.astimezone(hours.zone).utcoffset()
    )
    return f"{written} ({clock(moment, zone)})" if zone is not None and elsewhere else written


def _received(move: Move) -> list[str]:
    if move.seen.received - move.crossing.time <= _PROMPT:
        return []
    zone = HOURS[move.market].zone
    local = move.seen.received.astimezone(zone)
    another_day = local.date() != move.crossing.time.astimezone(zone).date()
    on = f" on {near_day(local.date(), move.crossing.session)}" if another_day else ""
    return [f"received {local:%H:%M}{on}"]
