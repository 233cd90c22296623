"""A line tested on history: when it would have told, at what cost, and what came after."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.options import CONFIG, Config, Data, Home, Json, day_of, show
from bot.config import read_settings
from bot.errors import UsageError

if TYPE_CHECKING:
    from bot.app.backtests import Tested
    from bot.rules.report import Report


def backtest(  # noqa: PLR0913, PLR0917 - each is an option of its own
    line: Annotated[str, typer.Argument(help="A rule's line, as in “HSTECH drawdown 20/30/40%”.")],
    data: Data = None,
    first: Annotated[str | None, typer.Option("--from", help="The first session to tell of.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="The last session that is known.")] = None,
    picture: Annotated[Path | None, typer.Option("--picture", help="Draw it into this PNG file.")] = None,
    config: Config = CONFIG,
    data_dir: Home = None,
    as_json: Json = False,
) -> None:
    """Show when a line would have told on history, what it costs, and what came after; nothing is sent."""
    span = (day_of(first) or date.min, day_of(last) or date.max)
    if picture is not None and picture.suffix.lower() != ".png":
        raise UsageError(f"“{picture}” is no PNG file: write a name such as backtest.png.")
    tested = _recorded(config, data) if data is not None else asyncio.run(_kept(config, data_dir))
    report = tested.report(line, span)
    if picture is not None:
        _draw(report, tested, picture)
    if as_json:
        show(facts_of(report))
        return
    from bot.messages.backtests import fire_lines, report_message
    from bot.messages.blocks import plain

    for each in fire_lines(report):
        show(each)
    show(plain(report_message(report, tested.called, most=0)))


def facts_of(report: Report) -> dict[str, Any]:
    """Return a report as facts; an instrument is named where there are several."""
    several = len(report.symbols) > 1
    silence = report.longest_silence
    return {
        "rules": list(report.lines),
        "symbols": list(report.symbols),
        "first": report.first.isoformat(),
        "last": report.last.isoformat(),
        "sessions": report.sessions,
        "fires": [
            {
                "session": each.session.isoformat(),
                "value": each.value,
                "step": each.step,
                "direction": each.direction,
                **({"symbol": each.symbol} if several else {}),
            }
            for each in report.fires
        ],
        "per_year": report.per_year,
        "longest_silence": {
            "days": silence.days,
            "from": silence.since.isoformat(),
            "to": silence.until.isoformat(),
        },
        "last_fired": None if report.last_fired is None else report.last_fired.isoformat(),
        "messages": report.cost.messages,
        "messages_a_month": report.cost.a_month,
        "most_in_a_day": report.cost.busiest,
        "after": {horizon: asdict(each) for horizon, each in report.after.items()},
        "all_days": {horizon: asdict(each) for horizon, each in report.all_days.items()},
        "not_known": [asdict(each) for each in report.not_known],
    }


def _recorded(config: Path, data: Path) -> Tested:
    from bot.app.backtests import Tested
    from bot.app.recorded import RecordedMarket

    return Tested.recorded(RecordedMarket.of(config, data))


async def _kept(config: Path, data_dir: Path | None) -> Tested:
    from bot.app.backtests import Tested
    from bot.app.start import Home, visiting
    from bot.store.keys import LIVE

    home = Home.usual() if data_dir is None else Home(data_dir)
    async with visiting(read_settings(config), home.of(LIVE)) as parts:
        return await Tested.kept(parts)


def _draw(report: Report, tested: Tested, path: Path) -> None:
    """Draw the closes with the alerts; `UsageError` where several instruments would be on one picture."""
    from bot.charts import draw_backtest
    from bot.messages.pictures import pictured

    if len(report.symbols) > 1:
        raise UsageError(
            f"A picture shows one instrument and the line is of {len(report.symbols)}: "
            "name one, or leave --picture out."
        )
    (symbol,) = report.symbols
    series = tested.past.series[symbol]
    closes = (bar.close for bar in series.bars)
    path.write_bytes(draw_backtest(pictured(report, symbol, tested.called(symbol), series.sessions, closes)))
