from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT

HEAVY = "pandas numpy polars talib matplotlib PIL yfinance exchange_calendars curl_cffi efinance"
PARTS = {
    "sender": "bot.app.processes bot.app.start bot.platforms.web.send bot.platforms.terminal.send",
    "telegram": "bot.app.processes bot.platforms.telegram.listen bot.platforms.telegram.send",
    "slack": "bot.app.processes bot.platforms.slack.listen bot.platforms.slack.send",
    "web": "bot.app.processes bot.platforms.web.app bot.platforms.web.serve",
    "the command line": "bot.cli bot.app.recorded bot.app.replay",
}


@pytest.mark.parametrize("part", PARTS)
def test_only_the_worker_loads_what_talks_to_the_market(part: str) -> None:
    script = (
        f"import sys, importlib\nfor name in {PARTS[part].split()!r}: importlib.import_module(name)\n"
        f"print(*(name for name in {HEAVY.split()!r} if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "\n"
