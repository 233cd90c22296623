"""Commands about rules as they are written."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.options import CONFIG, Config, Json, show
from bot.config import read_settings

app = typer.Typer(name="rules", add_completion=False, rich_markup_mode=None, help=__doc__)


@app.callback()
def rules() -> None:
    """Read rules as they are written."""


@app.command()
def explain(
    line: Annotated[str, typer.Argument(help="A rule's line, as in “HSTECH drawdown 20/30/40%”.")],
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """Say a rule's line back in plain words; a mistake shows where it is and what reads instead."""
    from bot.market.catalogue import Catalogue
    from bot.messages.explaining import explained
    from bot.rules.scope import read
    from bot.sources.catalogue import load_catalogue

    catalogue = Catalogue.of((*read_settings(config).catalogue(), *load_catalogue()))

    def called(symbol: str) -> str:
        short = catalogue[symbol].short
        return short if short == symbol else f"{short} ({symbol})"

    understood = read(line, lambda name: catalogue.resolve(name).symbol)
    words = explained(understood, called)
    canonical = str(understood)
    if as_json:
        scope = "" if understood.scope is None else str(understood.scope)
        show({"canonical": canonical, "scope": scope, "words": list(words)})
        return
    show("\n".join((*words, f"Written out: {canonical}")))
