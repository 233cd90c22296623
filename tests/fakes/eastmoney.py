"""Eastmoney on loopback: quotes by their ids and daily bars of indices, in the form that efinance reads.

Every host is the first part of a path here, as in `/push2.eastmoney.com/api/qt/ulist.np/get`. The form is
known from efinance 0.5.9: `common/config.py` names the fields (f2 the price, f12 the code, f13 the market,
f124 when it was made, f297 the trading day), `common/getter.py` takes `data.diff` for rows and `data.klines`
for bars, each a line of commas. What has no value is a hyphen.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import TracebackType
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from aiohttp import web

from bot.market.bars import Bar

Fault = Literal["429", "502", "302", "html", "empty", "changed", "hang"]

NOTHING = "-"
_ZONE = ZoneInfo("Asia/Hong_Kong")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    host: str
    path: str
    query: Mapping[str, str]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(filter(None, self.query.get("secids", self.query.get("secid", "")).split(",")))


def row(
    quote_id: str, price: object, made: datetime, *, previous: object = None, **more: object
) -> dict[str, object]:
    """Make a row as Eastmoney would say it; anything in `more` stands in place of a field."""
    market, _, code = quote_id.partition(".")
    held: dict[str, object] = {
        "f2": price,
        "f3": 0.5,
        "f4": 1.0,
        "f5": 1_000_000,
        "f6": 9_000_000.0,
        "f8": 0.4,
        "f9": NOTHING,
        "f10": 1.1,
        "f12": code,
        "f13": int(market),
        "f14": "恒生科技指数" if code == "HSTECH" else code,
        "f15": price,
        "f16": price,
        "f17": price,
        "f18": price if previous is None else previous,
        "f20": 1,
        "f21": 1,
        "f124": int(made.timestamp()),
        "f297": int(f"{made.astimezone(_ZONE):%Y%m%d}"),
    }
    return held | more


class FakeEastmoney:
    """A server for the length of an `async with`; `url` is what the source is given."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, object]] = {}
        self.bars: dict[str, tuple[Bar, ...]] = {}
        self.journal: list[Asked] = []
        self.fault: Fault | None = None
        self.url = ""
        self.asked = asyncio.Event()
        self._over = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/push2.eastmoney.com/api/qt/ulist.np/get", self._give_quotes)
        app.router.add_get("/push2his.eastmoney.com/api/qt/stock/kline/get", self._give_bars)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go()
        if self._runner is not None:
            await self._runner.cleanup()

    def put(self, *rows: dict[str, object]) -> None:
        """Let quotes be asked for from now on."""
        self.rows |= {f"{each['f13']}.{each['f12']}": each for each in rows}

    def put_bars(self, quote_id: str, bars: Iterable[Bar]) -> None:
        """Let an instrument's daily bars be asked for."""
        self.bars[quote_id] = tuple(bars)

    def let_go(self) -> None:
        """Let requests that hang end."""
        self._over.set()

    async def _give_quotes(self, request: web.Request) -> web.Response:
        asked = self._note(request)
        if (trouble := await self._trouble()) is not None:
            return trouble
        rows = [self.rows[each] for each in asked.ids if each in self.rows]
        return _json({"rc": 0, "data": {"total": len(rows), "diff": rows} if rows else None})

    async def _give_bars(self, request: web.Request) -> web.Response:
        asked = self._note(request)
        if (trouble := await self._trouble()) is not None:
            return trouble
        (quote_id,) = asked.ids
        if quote_id not in self.bars:
            return _json({"rc": 100, "data": None})
        begin = date.fromisoformat(asked.query["beg"])
        lines = [_line(each) for each in self.bars[quote_id] if each.session >= begin]
        code = quote_id.partition(".")[2]
        return _json({"rc": 0, "data": {"code": code, "name": code, "klines": lines}})

    def _note(self, request: web.Request) -> Asked:
        host, _, path = request.path.lstrip("/").partition("/")
        asked = Asked(host, f"/{path}", dict(request.query))
        self.journal.append(asked)
        self.asked.set()
        return asked

    async def _trouble(self) -> web.Response | None:
        match self.fault:
            case "429" | "502":
                return web.Response(status=int(self.fault))
            case "302":
                return web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"})
            case "html":
                return web.Response(text="<html>请稍后再试</html>", content_type="text/html")
            case "empty":
                return _json({"rc": 0, "data": None})
            case "changed":
                return _json({"rc": 0, "data": {"diff": [{"price": 1}]}})
            case "hang":
                await self._over.wait()
        return None


def _json(said: Any) -> web.Response:
    return web.Response(text=json.dumps(said), content_type="application/json")


def _line(bar: Bar) -> str:
    sides = (bar.open, bar.close, bar.high, bar.low)
    numbers = [NOTHING if each is None else f"{each:.2f}" for each in sides]
    # Volume, turnover, range, change in per cent and points, and turnover rate follow.
    return ",".join([bar.session.isoformat(), *numbers, "0", "0.00", "1.00", "0.50", "10.00", "0.00"])
