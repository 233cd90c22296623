"""Alerts put into a server in bulk, as the script that adds them one by one leaves them for the index."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from bench.alerts import Alerts
from bot.rules.measures import Price
from bot.store.link import Link, reached

_A_PAGE = 1024
_ROW = struct.Struct("<dII")
_PAGES_AT_ONCE = 100


async def seed(link: Link, alerts: Alerts) -> None:
    """Write names, rows and counts; the lines of the alerts, which no start reads, are left out.

    Numbers begin at 1, as the script's do: alert `slot` has `slot + 1`.
    """
    keys = link.keys
    names = {f"{symbol}\n{Price()}\nback": place for place, symbol in enumerate(alerts.symbols)}
    rows = [bytes(_ROW.size), *(_ROW.pack(level, 2 * of + 2 - up, 0) for level, of, up in _columns(alerts))]
    async with reached():
        await link.client.hset(keys.own_names(), mapping=names)
        await link.client.set(keys.own_slots(), len(alerts))
        await link.client.set(keys.own_changed(), len(alerts))
    pages = range(0, len(rows), _A_PAGE)
    for start in range(0, len(pages), _PAGES_AT_ONCE):
        await _write(link, rows, pages[start : start + _PAGES_AT_ONCE])


def _columns(alerts: Alerts) -> zip[tuple[float, int, int]]:
    return zip(alerts.level, alerts.of, alerts.up, strict=True)


async def _write(link: Link, rows: Sequence[bytes], starts: range) -> None:
    async with reached(), link.client.pipeline(transaction=False) as pipe:
        for start in starts:
            pipe.set(link.keys.own_rows(start // _A_PAGE), b"".join(rows[start : start + _A_PAGE]))
        await pipe.execute()
