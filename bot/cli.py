"""The command line: one line a fact, `--json` for machines, exit 0, 1 (failed) or 2 (written wrongly)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.app import RecordedMarket
from bot.chat.answer import answer
from bot.chat.commands import COMMANDS
from bot.chats.roles import Role
from bot.config import read_settings
from bot.errors import MarketbellError, UsageError
from bot.market.measures import Distance, DrawdownCard, QuoteCard
from bot.market.sessions import settlement
from bot.messages.alerts import told
from bot.messages.answers import drawdown_text, quote_text
from bot.news.topics import Matcher
from bot.rules.evaluate import Crossing

_SOURCE = "recorded bars"

app = typer.Typer(
    name="marketbell", no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=__doc__
)

Data = Annotated[Path, typer.Option("--data", help="A folder of CSV files of daily bars.")]
Config = Annotated[Path, typer.Option("--config", help="The settings.")]
Json = Annotated[bool, typer.Option("--json", help="Answer for machines.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="The last session that is known, as 2022-03-23.")]
_CONFIG = Path("config.yaml")


@app.command()
def quote(
    symbol: str, data: Data, as_of: AsOf = None, config: Config = _CONFIG, as_json: Json = False
) -> None:
    """Show the price of an instrument and its day change, from recorded bars."""
    card = RecordedMarket.of(config, data).quote(symbol, _day(as_of))
    _print(_quote_json(card) if as_json else quote_text(card, _SOURCE))


@app.command()
def drawdown(
    symbol: str,
    data: Data,
    window: Annotated[str, typer.Argument(help="all or 52w")] = "all",
    as_of: AsOf = None,
    config: Config = _CONFIG,
    as_json: Json = False,
) -> None:
    """Show how far an instrument is below its peak and above the low since."""
    card = RecordedMarket.of(config, data).drawdown(symbol, window, _day(as_of))
    _print(_drawdown_json(card) if as_json else drawdown_text(card, _SOURCE))


@app.command()
def ask(
    line: Annotated[str, typer.Argument(help="A chat command, as in “/quote 1810.HK”.")],
    data: Data,
    as_of: AsOf = None,
    config: Config = _CONFIG,
    as_json: Json = False,
) -> None:
    """Answer a chat command here, as a chat of the owner's would be answered."""
    market = RecordedMarket.of(config, data).on(_day(as_of))
    text = answer(line, Role.OWNER, market, COMMANDS)
    _print({"text": text} if as_json else text)


@app.command()
def replay(
    data: Data,
    first: Annotated[str, typer.Option("--from", help="The first session to tell of.")],
    last: Annotated[str, typer.Option("--to", help="The last session to tell of.")],
    rules: Annotated[str | None, typer.Option(help="A preset other than the one that is set.")] = None,
    config: Config = _CONFIG,
    as_json: Json = False,
) -> None:
    """Show what the rules would have told over recorded bars; nothing is sent."""
    market = RecordedMarket.of(config, data)
    span = (_day(first) or date.min, _day(last) or date.max)
    result = market.replay(span, rules)
    for each in result.crossings:
        instrument = market.catalogue[each.symbol]
        text = told(each, instrument, _SOURCE)
        time = settlement(instrument.market, each.session).isoformat()
        _print(_crossing_json(each, time, text) if as_json else f"{each.session}\n{text}\n")
    per_day = result.messages / result.days if result.days else 0
    summary = (
        f"{len(result.crossings)} alerts in {result.messages} messages over {result.days} days: "
        f"{per_day:.2f} a day, at most {result.busiest}"
    )
    typer.echo(summary, err=True)


@app.command()
def match(config: Config = _CONFIG, as_json: Json = False) -> None:
    """Read JSON lines from standard input and give each the topics that its title and summary bear on."""
    matcher = Matcher(read_settings(config).news_topics())
    for number, line in enumerate(sys.stdin, start=1):
        story = _story(line, number)
        topics = matcher.topics(f"{story['title']}\n{story.get('summary') or ''}")
        _print({**story, "topics": topics} if as_json else f"{', '.join(topics) or '-'}\t{story['title']}")


@app.command()
def check(config: Config = _CONFIG) -> None:
    """Check the settings and name every mistake by file, line and remedy."""
    settings = read_settings(config)
    rules = len(settings.rules_of())
    _print(f"{config} is in order: {len(settings.instruments)} instruments, {rules} rules.")


def main() -> None:
    """Run the command line; a refusal is one sentence and an exit status, never a traceback."""
    sys.exit(status_of(app))


def status_of(command: Callable[[], Any]) -> int:
    """Run `command` and return its exit status, having said what went wrong."""
    try:
        command()
    except MarketbellError as error:
        typer.echo(str(error), err=True)
        return error.exit_status
    return 0


def _day(written: str | None) -> date | None:
    if written is None:
        return None
    try:
        return date.fromisoformat(written)
    except ValueError as error:
        raise UsageError(f"“{written}” is no date: write one that exists, as 2022-03-23.") from error


def _story(line: str, number: int) -> dict[str, Any]:
    try:
        story = json.loads(line)
    except ValueError:
        story = None
    if not isinstance(story, dict) or not isinstance(story.get("title"), str):
        raise UsageError(f'Line {number} is no story: write one object a line, as {{"title": "..."}}.')
    return story


def _print(text: str | dict[str, Any]) -> None:
    typer.echo(text if isinstance(text, str) else json.dumps(text, ensure_ascii=False))


def _quote_json(card: QuoteCard) -> dict[str, Any]:
    return {
        "symbol": card.instrument.symbol,
        "name": card.instrument.name,
        "price": card.bar.close,
        "previous_close": card.previous.close if card.previous and card.not_known is None else None,
        "day_change_pct": card.day_change_pct,
        "not_known": card.not_known,
        "session": card.bar.session.isoformat(),
        "time": settlement(card.instrument.market, card.bar.session).isoformat(),
        "source": _SOURCE,
        "freshness": "close",
        "adjusted": card.bar.adjusted,
    }


def _drawdown_json(card: DrawdownCard) -> dict[str, Any]:
    return {
        "symbol": card.instrument.symbol,
        "price": card.bar.close,
        "session": card.bar.session.isoformat(),
        "window": card.window,
        "since": card.since.isoformat(),
        "adjusted": card.bar.adjusted,
        "peak": {reference: _distance_json(each) for reference, each in card.peak.items()},
        "low": {reference: _distance_json(each) for reference, each in card.low.items()},
    }


def _distance_json(distance: Distance | None) -> dict[str, Any] | None:
    if distance is None:
        return None
    return {"value": distance.value, "date": distance.session.isoformat(), "change_pct": distance.change_pct}


def _crossing_json(each: Crossing, time: str, text: str) -> dict[str, Any]:
    return {
        "time": time,
        "session": each.session.isoformat(),
        "rule": each.rule,
        "symbol": each.symbol,
        "measure": each.measure,
        "reference": each.compared_with,
        "reference_value": each.reference.value,
        "reference_date": each.reference.session.isoformat(),
        "trigger": each.trigger,
        "steps": each.steps,
        "step": each.step,
        "level": each.level,
        "value": each.value,
        "price": each.price,
        "seen_by": each.seen_by,
        "text": text,
        "fingerprint": each.fingerprint,
    }
