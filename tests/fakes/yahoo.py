"""Yahoo on loopback: its cookie, its crumb, its quotes, charts and search, and everything that it gets wrong.

Every host of Yahoo's is the first part of a path here: `/query1.finance.yahoo.com/v7/finance/quote`. A quote
is refused without the crumb and the cookie that belong together. By hand, `python -m tests.fakes.yahoo --port
8901` serves a market that is always open and moves slowly; `PUT /set/^HSI/21000` sets a price.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from types import TracebackType
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from aiohttp import web

from bot.market.actions import Action
from bot.market.bars import Bar
from bot.ports import Found

Place = Literal["quote", "chart", "crumb", "search"]
Fault = Literal["429", "401", "503", "html", "empty", "changed", "hang", "nan", "swapped", "gone"]
Close = tuple[date, float | None]

_ZONES = {
    "HK": "Asia/Hong_Kong",
    "SS": "Asia/Shanghai",
    "SZ": "Asia/Shanghai",
    "T": "Asia/Tokyo",
    "L": "Europe/London",
    "DE": "Europe/Berlin",
}
_HONG_KONG = frozenset({"^HSI", "^HSCE"})
_MORNING = time(9, 30)
_PRICES = frozenset(
    f"regularMarket{each}" for each in ("Price", "PreviousClose", "DayHigh", "DayLow", "Open", "Volume")
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    host: str
    path: str
    query: Mapping[str, str]

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(filter(None, self.query.get("symbols", "").split(",")))


@dataclass(slots=True)
class Trouble:
    """A fault for so many requests to come, or for all."""

    fault: Fault
    times: int | None


def currency_of(symbol: str) -> str:
    suffix = symbol.rpartition(".")[2] if "." in symbol else ""
    if suffix == "HK" or symbol in _HONG_KONG:
        return "HKD"
    return {"SS": "CNY", "SZ": "CNY", "T": "JPY", "L": "GBp", "DE": "EUR"}.get(suffix, "USD")


def zone_of(symbol: str) -> str:
    if symbol in _HONG_KONG:
        return _ZONES["HK"]
    if symbol.endswith("-USD"):
        return "UTC"
    return _ZONES.get(symbol.rpartition(".")[2] if "." in symbol else "", "America/New_York")


def quote(
    symbol: str,
    price: object,
    made: datetime | None = None,
    *,
    previous: object = None,
    high: object = None,
    low: object = None,
    opened: object = None,
    state: str = "REGULAR",
    delay: int | None = 15,
    **more: object,
) -> dict[str, object]:
    """Make a row as Yahoo would say it; anything in `more` is added or stands in its place."""
    row: dict[str, object] = {
        "symbol": symbol,
        "regularMarketPrice": price,
        "regularMarketTime": int((made or datetime.now(UTC)).timestamp()),
        "regularMarketPreviousClose": price if previous is None else previous,
        "regularMarketDayHigh": price if high is None else high,
        "regularMarketDayLow": price if low is None else low,
        "regularMarketOpen": price if opened is None else opened,
        "regularMarketVolume": 1_000_000,
        "marketState": state,
        "currency": currency_of(symbol),
        "exchangeTimezoneName": zone_of(symbol),
        "quoteType": "INDEX" if symbol.startswith("^") else "EQUITY",
    }
    if delay is not None:
        row["exchangeDataDelayedBy"] = delay
    return row | more


class FakeYahoo:
    """A server for the length of an `async with`; `url` is what the source is given."""

    def __init__(self, port: int = 0) -> None:
        self.quotes: dict[str, dict[str, object]] = {}
        self.charts: dict[str, dict[str, Any]] = {}
        self.searches: dict[str, list[dict[str, object]]] = {}
        self.journal: list[Asked] = []
        self.url = ""
        self.before_quotes: Callable[[], None] = lambda: None
        self._port = port
        self._troubles: dict[Place, list[Trouble]] = {"quote": [], "chart": [], "crumb": [], "search": []}
        self._crumbs = 0
        self._cookies = 0
        self._over = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/fc.yahoo.com{rest:.*}", self._give_cookie)
        app.router.add_get("/{host}/v1/test/getcrumb", self._give_crumb)
        app.router.add_get("/{host}/v7/finance/quote", self._give_quotes)
        app.router.add_get("/{host}/v8/finance/chart/{symbol}", self._give_chart)
        app.router.add_get("/{host}/v1/finance/search", self._give_search)
        app.router.add_put("/set/{symbol}/{price}", self._set)
        app.router.add_route("*", "/{host}/{rest:.*}", self._give_nothing)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        # curl takes every name under localhost for this machine, and yfinance keeps only a cookie whose host
        # has Yahoo's name in it.
        self.url = f"http://yahoo.localhost:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def put(self, *rows: dict[str, object]) -> None:
        """Let quotes be asked for from now on."""
        self.quotes |= {str(row["symbol"]): row for row in rows}

    def put_history(
        self,
        symbol: str,
        bars: Iterable[Bar | Close],
        *,
        currency: str | None = None,
        actions: Iterable[Action] = (),
    ) -> None:
        """Let bars be asked for; of a (session, close) all four prices are the close, None is a gap."""
        zone = ZoneInfo(zone_of(symbol))
        columns: dict[str, list[float | None]] = {
            name: [] for name in ("open", "high", "low", "close", "volume")
        }
        stamps: list[int] = []
        for each in bars:
            bar = each if isinstance(each, Bar) else None
            session, close = (bar.session, bar.close) if bar else (each[0], each[1])  # type: ignore[index]
            stamps.append(_stamp(session, zone))
            columns["close"].append(close)
            columns["volume"].append(bar.volume if bar else close and 1_000_000)
            for name in ("open", "high", "low"):
                columns[name].append(getattr(bar, name) if bar else close)
        self.charts[symbol] = {
            "meta": {
                "symbol": symbol,
                "currency": currency or currency_of(symbol),
                "exchangeTimezoneName": zone.key,
                "dataGranularity": "1d",
            },
            "timestamp": stamps,
            "indicators": {"quote": [columns], "adjclose": [{"adjclose": columns["close"]}]},
        }
        if events := _events(actions, zone):
            self.charts[symbol]["events"] = events

    def put_search(self, text: str, *found: Found | dict[str, object]) -> None:
        """Let a name be searched for; a row may be given as Yahoo would say it."""
        self.searches[text] = [_searched(each) if isinstance(each, Found) else each for each in found]

    def trouble(self, place: Place, fault: Fault, times: int | None = None) -> None:
        """Answer so many times with `fault`, or until `calm`; after a 401 it is asked twice more.

        A quote's prices may be "nan", or those of the first two symbols asked for "swapped".
        """
        self._troubles[place].append(Trouble(fault, times))

    def calm(self) -> None:
        """Be well again, and answer or drop what hangs."""
        for troubles in self._troubles.values():
            troubles.clear()
        self._over.set()
        self._over = asyncio.Event()

    def void_crumb(self) -> None:
        """Accept the crumb no more that was given last, as Yahoo does now and then."""
        self._crumbs += 1

    def void_cookie(self) -> None:
        """Give no crumb any more for the cookies given so far."""
        self._cookies += 1
        self.void_crumb()

    def asked(self, path: str) -> list[Asked]:
        """Return the requests whose path contains `path`, oldest first."""
        return [each for each in self.journal if path in each.path]

    @property
    def _cookie(self) -> str:
        return f"d=cookie.{self._cookies}"

    @property
    def _crumb(self) -> str:
        return f"crumb.{self._crumbs}"

    async def _give_cookie(self, request: web.Request) -> web.Response:
        self._note(request)
        answer = web.Response(status=404, text="")
        answer.set_cookie("A3", self._cookie, max_age=31_536_000)
        return answer

    async def _give_crumb(self, request: web.Request) -> web.Response:
        self._note(request)
        if (fault := await self._fault("crumb")) is not None:
            return _ANSWERS[fault]()
        if self._cookie not in request.headers.get("Cookie", ""):
            return web.Response(status=401, text="")
        self._crumbs += 1
        return web.Response(text=self._crumb)

    async def _give_quotes(self, request: web.Request) -> web.Response:
        asked = self._note(request)
        fault = await self._fault("quote")
        if fault in _ANSWERS:
            return _ANSWERS[fault]()
        crumb = request.query.get("crumb")
        if crumb != self._crumb or self._cookie not in request.headers.get("Cookie", ""):
            return _refusal("finance", 401, "Unauthorized", "Invalid Crumb")
        self.before_quotes()
        rows = [self.quotes[each] for each in asked.symbols if each in self.quotes]
        if fault == "nan":
            rows = [row | dict.fromkeys(_PRICES & row.keys(), float("nan")) for row in rows]
        if fault == "swapped":
            rows = [*_swapped(rows[:2]), *rows[2:]]
        return _json({"quoteResponse": {"result": rows, "error": None}})

    async def _give_chart(self, request: web.Request) -> web.Response:
        self._note(request)
        if (fault := await self._fault("chart")) is not None:
            return _ANSWERS[fault]()
        chart = self.charts.get(request.match_info["symbol"])
        if chart is None:
            return _refusal("chart", 404, "Not Found", "No data found, symbol may be delisted")
        return _json({"chart": {"result": [chart], "error": None}})

    async def _give_search(self, request: web.Request) -> web.Response:
        asked = self._note(request)
        if (fault := await self._fault("search")) is not None:
            return _ANSWERS[fault]()
        rows = self.searches.get(asked.query.get("q", ""), [])
        return _json({"count": len(rows), "quotes": rows[: int(asked.query["quotesCount"])], "news": []})

    async def _give_nothing(self, request: web.Request) -> web.Response:
        self._note(request)
        return web.Response(
            status=404, text="<html><body>Nothing here.</body></html>", content_type="text/html"
        )

    async def _set(self, request: web.Request) -> web.Response:
        symbol, price = request.match_info["symbol"], float(request.match_info["price"])
        self.put(quote(symbol, price, previous=self.quotes.get(symbol, {}).get("regularMarketPreviousClose")))
        return web.Response(text=f"{symbol} is {price} now.\n")

    def _note(self, request: web.Request) -> Asked:
        host = request.path.split("/")[1]
        asked = Asked(host, request.path.removeprefix(f"/{host}"), dict(request.query))
        self.journal.append(asked)
        return asked

    async def _fault(self, place: Place) -> Fault | None:
        troubles = self._troubles[place]
        if not troubles:
            return None
        trouble = troubles[0]
        if trouble.times is not None:
            trouble.times -= 1
            if trouble.times <= 0:
                troubles.pop(0)
        if trouble.fault == "hang":
            await self._over.wait()
        return trouble.fault


def _stamp(session: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(session, _MORNING, zone).timestamp())


def _events(actions: Iterable[Action], zone: ZoneInfo) -> dict[str, dict[str, dict[str, object]]]:
    """Say what a holder was given as Yahoo does, whose splits have whole numbers on both sides."""
    events: dict[str, dict[str, dict[str, object]]] = {}
    for each in actions:
        stamp = _stamp(each.session, zone)
        if each.kind == "distribution":
            events.setdefault("dividends", {})[str(stamp)] = {"amount": each.amount, "date": stamp}
            continue
        old, new = Fraction(each.factor).limit_denominator(1000).as_integer_ratio()
        event = {"date": stamp, "numerator": new, "denominator": old, "splitRatio": f"{new}:{old}"}
        events.setdefault("splits", {})[str(stamp)] = event
    return events


def _searched(found: Found) -> dict[str, object]:
    return {
        "symbol": found.symbol,
        "shortname": found.name.upper(),
        "longname": found.name,
        "exchange": "XXX",
        "exchDisp": found.exchange,
        "quoteType": "EQUITY",
        "isYahooFinance": True,
    }


def _swapped(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Give each of two rows the other's numbers."""
    return [
        row | {name: other[name] for name in _PRICES & other.keys()}
        for row, other in zip(rows, reversed(rows), strict=True)
    ]


def _in_asia(symbol: str) -> bool:
    return zone_of(symbol).startswith("Asia/")


def _json(body: object, status: int = 200) -> web.Response:
    # A literal NaN is no JSON, and Yahoo has been seen to send it.
    return web.Response(status=status, text=json.dumps(body), content_type="application/json")


def _refusal(outer: str, status: int, code: str, said: str) -> web.Response:
    return _json({outer: {"result": None, "error": {"code": code, "description": said}}}, status)


_ANSWERS: Mapping[Fault | None, Callable[[], web.Response]] = {
    "429": lambda: web.Response(status=429, text="Too Many Requests\r\n"),
    "401": lambda: _refusal("finance", 401, "Unauthorized", "Invalid Crumb"),
    "503": lambda: web.Response(status=503, text="<html><body>Will be right back...</body></html>"),
    "html": lambda: web.Response(text="<html><body>Consent</body></html>", content_type="text/html"),
    "empty": lambda: _json({"quoteResponse": {"result": [], "error": None}}),
    "changed": lambda: _json({"quotes": {"rows": []}}),
    "hang": lambda: web.Response(status=503),
    "gone": lambda: web.Response(status=404, text="<html><body>Nothing here.</body></html>"),
}

_BY_HAND = {
    "HSTECH.HK": 4749.12,
    "^HSI": 22154.08,
    "^HSCE": 7635.13,
    "000300.SS": 4276.52,
    "1810.HK": 14.78,
    "0700.HK": 389.0,
    "9988.HK": 117.6,
    "9618.HK": 236.2,
    "3690.HK": 152.5,
    "1024.HK": 74.0,
    "9626.HK": 229.0,
    "9888.HK": 153.0,
    "9999.HK": 152.0,
    "BABA": 114.99,
    "PDD": 47.5,
    "BILI": 30.5,
    "KWEB": 30.3,
    "^GSPC": 4456.24,
}


def _walk(end: float, chance: random.Random) -> list[Bar | Close]:
    """Make two years of weekdays that end yesterday near `end`."""
    closes = [end]
    days: list[date] = []
    day = datetime.now(UTC).date()
    while len(days) < 500:
        day -= timedelta(days=1)
        if day.weekday() < 5:
            days.append(day)
            closes.append(closes[-1] / (1 + chance.gauss(0, 0.015)))
    bars: list[Bar | Close] = []
    for session, close, before in zip(days, closes, closes[1:], strict=False):
        opened = before * (1 + chance.gauss(0, 0.004))
        high, low = max(opened, close) * 1.006, min(opened, close) * 0.994
        prices = [round(each, 2) for each in (close, opened, high, low)]
        bars.append(Bar(session, prices[0], prices[1], prices[2], prices[3], 1e6))
    return bars[::-1]


async def _serve(port: int) -> None:
    chance = random.Random(23)
    async with FakeYahoo(port) as fake:
        for symbol, price in _BY_HAND.items():
            fake.put_history(symbol, _walk(price, chance))
            fake.put(quote(symbol, price, datetime.now(UTC) - timedelta(minutes=15)))

        def move() -> None:
            for symbol, row in fake.quotes.items():
                price = round(float(str(row["regularMarketPrice"])) * (1 + chance.gauss(0.0001, 0.0015)), 2)
                high = max(float(str(row["regularMarketDayHigh"])), price)
                low = min(float(str(row["regularMarketDayLow"])), price)
                late = timedelta(minutes=15 if _in_asia(symbol) else 0)
                fake.put(
                    quote(
                        symbol,
                        price,
                        datetime.now(UTC) - late,
                        previous=row["regularMarketPreviousClose"],
                        high=high,
                        low=low,
                        opened=row["regularMarketOpen"],
                        delay=int(late.total_seconds() // 60),
                    )
                )

        fake.before_quotes = move
        print(f"Yahoo stands at {fake.url} until you press Ctrl-C.")  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Yahoo on loopback, with a market that moves slowly.")
    parser.add_argument("--port", type=int, default=8901)
    asyncio.run(_serve(parser.parse_args().port))
