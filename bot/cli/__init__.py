"""The command line: one line a fact, `--json` for machines, exit 0, 1 (failed) or 2 (written wrongly)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import typer

from bot.cli import asking, backtest, dead, history, judging, rules, running, why
from bot.errors import MarketbellError

app = typer.Typer(
    name="marketbell", no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=__doc__
)
for _command in (
    running.run,
    asking.quote,
    asking.drawdown,
    asking.ask,
    judging.replay,
    backtest.backtest,
    why.why,
    judging.match,
    judging.check,
    running.worker,
    running.sender,
    running.telegram,
    running.slack,
    running.web,
    running.manifest,
):
    app.command()(_command)
app.add_typer(history.app)
app.add_typer(dead.app)
app.add_typer(rules.app)


def main() -> None:
    """Run the command line; a refusal is one sentence and an exit status, never a traceback."""
    written = sys.argv[1:] or ["--help"]
    sys.exit(status_of(partial(app, written, prog_name="marketbell", standalone_mode=False)))


def status_of(command: Callable[[], Any]) -> int:
    """Run `command` and return its exit status, having said in one sentence what went wrong."""
    try:
        status = command()
    except MarketbellError as error:
        typer.echo(str(error), err=True)
        return error.exit_status
    except typer.Abort:
        return 1
    except typer.TyperException as error:
        written = error.format_message()
        typer.echo(written if written.endswith("?") else f"{written.rstrip('.')}; see --help.", err=True)
        return error.exit_code
    return status if isinstance(status, int) else 0
