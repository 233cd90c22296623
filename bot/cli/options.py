"""The options that several commands share, and how what they say is read."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.errors import UsageError

Config = Annotated[Path, typer.Option("--config", help="The settings.")]
Json = Annotated[bool, typer.Option("--json", help="Answer for machines.")]
Data = Annotated[
    Path | None,
    typer.Option("--data", help="A folder of CSV files of daily bars, asked instead of a worker."),
]
AsOf = Annotated[str | None, typer.Option("--as-of", help="The last session that is known, as 2022-03-23.")]
Home = Annotated[Path | None, typer.Option("--data-dir", help="Where Marketbell keeps its own data.")]

CONFIG = Path("config.yaml")


def day_of(written: str | None) -> date | None:
    """Read a date; `UsageError` for one that does not exist."""
    if written is None:
        return None
    try:
        return date.fromisoformat(written)
    except ValueError as error:
        raise UsageError(f"“{written}” is no date: write one that exists, as 2022-03-23.") from error


def show(said: str | dict[str, Any]) -> None:
    """Print words as they are, and facts as one line of JSON."""
    typer.echo(said if isinstance(said, str) else json.dumps(said, ensure_ascii=False))
