"""Commands about recorded bars: what is wrong with them, and how they come into Marketbell and out of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.options import CONFIG, Config, Data, Home, Json, show
from bot.clock import MarketTime
from bot.config import read_settings
from bot.market.breaks import Finding, Gap, Leap, Mixed, Seam, Stray, customary
from bot.market.instrument import Instrument
from bot.messages.words import percent, price

if TYPE_CHECKING:
    from bot.app.parts import Parts

app = typer.Typer(name="history", add_completion=False, rich_markup_mode=None, help=__doc__)


@app.command()
def check(data: Data = None, config: Config = CONFIG, data_dir: Home = None, as_json: Json = False) -> None:
    """Name every session that is missing and every break of level; nothing is changed."""
    from bot.app import history
    from bot.sources.folder import read_folder

    async def kept() -> dict[str, Any]:
        async with _visiting(config, data_dir) as parts:
            return await history.kept(parts.link)

    catalogue = read_settings(config).catalogue()
    series = asyncio.run(kept()) if data is None else read_folder(data).series
    checked = history.looked_through(catalogue, series)
    for each in checked.findings:
        instrument = history.described(catalogue, each.symbol)
        show(_facts(each, instrument) if as_json else _sentence(each, instrument))
    if not checked.findings and not as_json:
        bars = sum(len(each.bars) for each in series.values())
        show(f"Nothing found: {_counted(bars, 'bar')} of {_counted(len(series), 'instrument')} are in order.")
    if checked.alone:
        listed = ", ".join(checked.alone)
        typer.echo(f"Sessions not compared, for nothing is known to share them: {listed}.", err=True)


@app.command("import")
def take_in(
    data: Annotated[Path, typer.Option("--data", help="A folder of CSV files of daily bars.")],
    replace: Annotated[bool, typer.Option("--replace", help="Take these bars over those held.")] = False,
    config: Config = CONFIG,
    data_dir: Home = None,
    as_json: Json = False,
) -> None:
    """Put recorded bars into the history that the running Marketbell keeps."""
    from bot.app import history

    async def run() -> history.Import:
        async with _visiting(config, data_dir) as parts:
            now = MarketTime(parts.clock).now()
            return await history.take_in(parts.link, parts.catalogue, data, now, replacing=replace)

    done = asyncio.run(run())
    for each in done.arrived:
        if as_json:
            show({"symbol": each.symbol, "new": each.new, "replaced": each.replaced, "held": each.held})
            continue
        replaced = f", {each.replaced} replaced" if each.replaced else ""
        show(f"{each.symbol}: {_counted(each.new, 'bar')} came in{replaced}, {each.held} held already")
    if done.left_out:
        typer.echo(f"Left out, for the settings do not describe them: {', '.join(done.left_out)}.", err=True)


@app.command()
def export(
    data: Annotated[Path, typer.Option("--data", help="The folder to write to.")],
    config: Config = CONFIG,
    data_dir: Home = None,
    as_json: Json = False,
) -> None:
    """Write the history that the running Marketbell keeps as CSV, which can be imported again."""
    from bot.app import history

    async def run() -> tuple[tuple[Path, ...], int, int]:
        async with _visiting(config, data_dir) as parts:
            files, series = await history.write_out(parts.link, data)
        return files, sum(len(each.bars) for each in series.values()), len(series)

    files, bars, symbols = asyncio.run(run())
    if as_json:
        show({"files": [str(each) for each in files], "bars": bars, "instruments": symbols})
        return
    written = " and ".join(map(str, files))
    show(f"{written}: {_counted(bars, 'bar')} of {_counted(symbols, 'instrument')}")


@asynccontextmanager
async def _visiting(config: Path, data_dir: Path | None) -> AsyncIterator[Parts]:
    from bot.app.start import Home, visiting
    from bot.store.keys import LIVE

    home = Home.usual() if data_dir is None else Home(data_dir)
    async with visiting(read_settings(config), home.of(LIVE)) as parts:
        yield parts


def _facts(finding: Finding, instrument: Instrument) -> dict[str, Any]:
    sessions = (finding.session,) if isinstance(finding, Stray) else finding.sessions
    facts: dict[str, Any] = {
        "kind": _kind(finding, instrument),
        "symbol": finding.symbol,
        "sessions": [each.isoformat() for each in sessions],
        "detail": _sentence(finding, instrument),
    }
    if isinstance(finding, Mixed | Leap):
        facts["changes"] = [
            {
                "from": each.before.isoformat(),
                "to": each.after.isoformat(),
                "change_pct": each.change_pct,
            }
            for each in finding.seams
        ]
    return facts


def _kind(finding: Finding, instrument: Instrument) -> str:
    match finding:
        case Gap(sessions=sessions):
            return "suspension" if len(sessions) > 1 and instrument.kind != "index" else "missing session"
        case Stray():
            return "stray session"
        case Mixed():
            return "mixed levels"
        case Leap():
            return "leap"


def _sentence(finding: Finding, instrument: Instrument) -> str:
    """Say a finding in one sentence: whose, when, how much, and what to do."""
    match finding:
        case Gap():
            return _gap(finding, can_be_suspended=instrument.kind != "index")
        case Stray(symbol, session, others):
            lack = f", which {_counted(others, 'other')} of its market lack" if others else ""
            return f"{symbol} has a bar of {session}, {session:%A}{lack}: see whether that was a session."
        case Mixed():
            return _mixed(finding)
        case Leap():
            return _leap(finding)


def _gap(gap: Gap, *, can_be_suspended: bool) -> str:
    traded = f"although {_counted(gap.others, 'other')} of its market traded"
    if len(gap.sessions) == 1:
        unless = ", unless it was suspended then" if can_be_suspended else ""
        return f"{gap.symbol} has no bar of {gap.sessions[0]}, {traded}: import it{unless}."
    lacking = f"{len(gap.sessions)} sessions in a row, {gap.sessions[0]} to {gap.sessions[-1]}"
    remedy = "it was suspended, or they are to be imported" if can_be_suspended else "import them"
    return f"{gap.symbol} has no bars of {lacking}, {traded}: {remedy}."


def _mixed(mixed: Mixed) -> str:
    theirs, others = ("dividend-adjusted", "as traded")[:: 1 if mixed.adjusted else -1]
    return (
        f"{mixed.symbol} is {theirs} {_span(mixed.sessions)} and {others} around it, so that "
        f"{_seams(mixed.seams)} mix two levels: import those sessions {others}, with --replace."
    )


def _leap(leap: Leap) -> str:
    size = customary(leap.times)
    ratio = f"{size:g} times" if leap.times > 1 else f"1/{size:g} of"
    if len(leap.seams) == 1:
        return (
            f"{leap.symbol} is from {leap.sessions[0]} on at about {ratio} its level before "
            f"({_seams(leap.seams)}), as after a split or a consolidation that the bars before do not know: "
            "if it was one, import them restated, with --replace."
        )
    times = price(leap.times)
    return (
        f"{leap.symbol} is {_span(leap.sessions)} at {times} times the level of the bars around it "
        f"({_seams(leap.seams)}), as if only one part were restated: import those sessions, with --replace."
    )


def _span(sessions: Sequence[Any]) -> str:
    if len(sessions) == 1:
        return f"on {sessions[0]}"
    return f"from {sessions[0]} to {sessions[-1]} ({len(sessions)} sessions)"


def _seams(seams: Sequence[Seam]) -> str:
    return " and ".join(f"{percent(each.change_pct)} from {each.before} to {each.after}" for each in seams)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
