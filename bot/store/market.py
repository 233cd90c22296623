"""What the worker knows of the market, kept for the processes that answer: quotes, bars, and itself."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from pydantic import TypeAdapter

from bot.chats.subscription import Rate
from bot.market.actions import Action
from bot.market.bars import Bar, Calendar, Known, Series
from bot.market.blindness import Blind
from bot.market.doubt import HeldBack
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from bot.store.link import Link, reached

_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class Worker:
    """What the worker says of itself: its start and last tick in machine time, and its trouble if any.

    `held` counts what it held back or dropped since its start, by reason; `waiting` are the prices that it
    does not believe yet, by symbol.
    """

    started: int
    ticked: int
    watched: int
    source: str
    trouble: str = ""
    replay_of: str = ""
    held: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, HeldBack] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Held:
    bars: tuple[Bar, ...]
    before: tuple[Known, ...]
    actions: tuple[Action, ...] = ()
    stand_in: str = ""
    untraded: tuple[date, ...] = ()


_DATES: dict[date, date] = {}
_QUOTE = TypeAdapter(Quote)
_HELD = TypeAdapter(_Held)
_WORKER = TypeAdapter(Worker)
_RATES = TypeAdapter(dict[str, Rate])
_SCHEDULE = TypeAdapter(Schedule)
_BLIND = TypeAdapter(tuple[Blind, ...])
_SESSIONS = TypeAdapter(dict[str, tuple[date, ...]])
_CHECKED = TypeAdapter(dict[str, date])


async def publish_quotes(link: Link, quotes: Iterable[Quote]) -> None:
    """Keep the last quote of each instrument."""
    written = {each.symbol: _QUOTE.dump_json(each).decode() for each in quotes}
    if written:
        async with reached():
            await link.client.hset(link.keys.quotes(), mapping=written)


async def quotes(link: Link) -> dict[str, Quote]:
    """Return the last quote of each instrument."""
    async with reached():
        held: dict[str, str] = await link.client.hgetall(link.keys.quotes())
    return {symbol: _QUOTE.validate_json(text) for symbol, text in held.items()}


async def quote(link: Link, symbol: str) -> Quote | None:
    """Return the last quote of one instrument."""
    async with reached():
        text = await link.client.hget(link.keys.quotes(), symbol)
    return None if text is None else _QUOTE.validate_json(text)


async def publish_history(link: Link, series: Series) -> None:
    """Keep the settled bars of an instrument."""
    held = _Held(tuple(series.bars), series.before, series.actions, series.stand_in, series.untraded)
    written = _HELD.dump_json(held).decode()
    async with reached():
        await link.client.hset(link.keys.history(), series.symbol, written)


async def history(link: Link, symbol: str) -> Series:
    """Return the settled bars of an instrument; there may be none."""
    async with reached():
        text = await link.client.hget(link.keys.history(), symbol)
    return _series(symbol, text)


async def histories(link: Link) -> dict[str, Series]:
    """Return the settled bars of every instrument."""
    async with reached():
        # A few at a time: as text, all of them are as large again.
        held = link.client.hscan_iter(link.keys.history(), count=_AT_ONCE)
        return {symbol: _series(symbol, text) async for symbol, text in held}


async def publish_volumes(link: Link, profiles: Mapping[str, Mapping[date, array[float]]]) -> None:
    """Keep of instruments how the volume of their last sessions came, a row of shares each."""
    written = {
        symbol: json.dumps({str(day): [round(each, 4) for each in row] for day, row in rows.items()})
        for symbol, rows in profiles.items()
    }
    async with reached():
        await link.client.hset(link.keys.volumes(), mapping=written)


async def volumes(link: Link) -> dict[str, dict[date, array[float]]]:
    """Return of each instrument how the volume of its last sessions came."""
    async with reached():
        held: dict[str, str] = await link.client.hgetall(link.keys.volumes())
    return {
        symbol: {date.fromisoformat(day): array("f", row) for day, row in json.loads(text).items()}
        for symbol, text in held.items()
    }


def _series(symbol: str, text: str | None) -> Series:
    if text is None:
        return Series(symbol, ())
    held = _HELD.validate_json(text)
    # Hundreds of instruments have the same sessions, and each date once is a tenth of what their bars take.
    bars = tuple(
        Bar(_DATES.setdefault(each.session, each.session), each.close, each.open, each.high, each.low,
            each.volume, each.adjusted)
        for each in held.bars
    )  # fmt: skip
    return Series(symbol, bars, held.before, held.actions, held.stand_in, held.untraded)


async def publish_checked(link: Link, checked: Mapping[str, date]) -> None:
    """Keep for which session each instrument's bars were last compared with the source's."""
    await _publish(link, "checked", _CHECKED.dump_json(dict(checked)).decode())


async def checked(link: Link) -> dict[str, date]:
    """Return for which session each instrument's bars were last compared with the source's."""
    text = await _read(link, "checked")
    return {} if text is None else _CHECKED.validate_json(text)


async def publish_calendar(link: Link, calendar: Calendar) -> None:
    """Keep the sessions of each market, for the processes that load no calendars themselves."""
    await _publish(link, "calendar", _SESSIONS.dump_json(dict(calendar.sessions)).decode())


async def calendar(link: Link) -> Calendar | None:
    """Return the sessions of each market, or None where no worker has said them."""
    text = await _read(link, "calendar")
    return None if text is None else Calendar(_SESSIONS.validate_json(text))


async def publish_schedule(link: Link, schedule: Schedule) -> None:
    """Keep the hours of the days around today, for the processes that load no calendars themselves."""
    await _publish(link, "schedule", _SCHEDULE.dump_json(schedule).decode())


async def schedule(link: Link) -> Schedule:
    """Return the hours of the days around today; of nothing where no worker has said them."""
    text = await _read(link, "schedule")
    return Schedule({}) if text is None else _SCHEDULE.validate_json(text)


async def publish_blind(link: Link, blind: Iterable[Blind]) -> None:
    """Keep which exchanges are not seen."""
    await _publish(link, "blind", _BLIND.dump_json(tuple(blind)).decode())


async def blind(link: Link) -> tuple[Blind, ...]:
    """Return the exchanges that are not seen."""
    text = await _read(link, "blind")
    return () if text is None else _BLIND.validate_json(text)


async def publish_worker(link: Link, worker: Worker) -> None:
    """Keep what the worker says of itself."""
    await _publish(link, "worker", _WORKER.dump_json(worker).decode())


async def worker(link: Link) -> Worker | None:
    """Return what the worker says of itself, or None where none has ever run."""
    text = await _read(link, "worker")
    return None if text is None else _WORKER.validate_json(text)


async def publish_rates(link: Link, rates: Mapping[str, Rate]) -> None:
    """Keep what each topic would have cost a chat."""
    await _publish(link, "rates", _RATES.dump_json(dict(rates)).decode())


async def rates(link: Link) -> dict[str, Rate]:
    """Return what each topic would have cost a chat; a topic without bars to measure it on is not there."""
    text = await _read(link, "rates")
    return {} if text is None else _RATES.validate_json(text)


async def _publish(link: Link, name: str, text: str) -> None:
    async with reached():
        await link.client.hset(link.keys.facts(), name, text)


async def _read(link: Link, name: str) -> Any:
    async with reached():
        return await link.client.hget(link.keys.facts(), name)


async def publish_position(link: Link, moment: datetime) -> None:
    """Keep how far a replay has come."""
    await _publish(link, "position", moment.isoformat())


async def position(link: Link) -> datetime | None:
    """Return how far a replay has come, or None where it has not begun."""
    text = await _read(link, "position")
    return None if text is None else datetime.fromisoformat(text)
