"""Commands that judge without sending anything: a replay of the rules, topics of stories, the settings."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli.facts import alert_facts, session_of
from bot.cli.options import CONFIG, Config, Json, day_of, show
from bot.config import read_secrets, read_settings
from bot.errors import UsageError
from bot.messages.blocks import plain
from bot.messages.compose import compose
from bot.news.topics import Matcher


def replay(
    data: Annotated[Path, typer.Option("--data", help="A folder of CSV files of daily bars.")],
    first: Annotated[str, typer.Option("--from", help="The first session to tell of.")],
    last: Annotated[str, typer.Option("--to", help="The last session to tell of.")],
    rules: Annotated[str | None, typer.Option(help="A preset other than the one that is set.")] = None,
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """Show what the rules would have told over recorded bars; nothing is sent."""
    from bot.app.recorded import RecordedMarket

    market = RecordedMarket.of(config, data)
    result = market.replay((day_of(first) or date.min, day_of(last) or date.max), rules)
    for alert in market.alerts(result, rules):
        text = plain(compose([alert]))
        show(alert_facts(alert, text) if as_json else f"{session_of(alert)}\n{text}\n")
    cost = result.cost()
    days, told = len(result.days), len(result.told) + len(result.met)
    per_day = cost.messages / days if days else 0
    typer.echo(
        f"{told} alerts in {cost.messages} messages over {days} days: "
        f"{per_day:.2f} a day, at most {cost.busiest}",
        err=True,
    )


def match(config: Config = CONFIG, as_json: Json = False) -> None:
    """Read JSON lines from standard input and give each the topics that its title and summary bear on."""
    matcher = Matcher(read_settings(config).news_topics())
    for number, line in enumerate(sys.stdin, start=1):
        story = _story(line, number)
        bearings = matcher.bearings(story["title"], story.get("summary") or "")
        topics = [each.topic for each in bearings]
        show({**story, "topics": topics} if as_json else f"{', '.join(topics) or '-'}\t{story['title']}")


def check(config: Config = CONFIG, as_json: Json = False) -> None:
    """Check the settings and name every mistake by file, line and remedy."""
    import os

    from bot.app.parts import wishes_of

    settings = read_settings(config)
    told = len(wishes_of(settings))
    read_secrets(os.environ)
    facts = {
        "instruments": len(settings.instruments),
        "rules": len(settings.rules_of()),
        "topics": len(settings.topics),
        "feeds": len(settings.feeds),
        "chats": told,
    }
    counted = ", ".join(f"{number} {noun}" for noun, number in facts.items())
    show({"config": str(config), **facts} if as_json else f"{config} is in order: {counted}.")


def _story(line: str, number: int) -> dict[str, Any]:
    try:
        story = json.loads(line)
    except ValueError:
        story = None
    if not isinstance(story, dict) or not isinstance(story.get("title"), str):
        raise UsageError(f'Line {number} is no story: write one object a line, as {{"title": "..."}}.')
    return story
