"""``python -m tests.faults.mutants``: break Marketbell in a copy, and see that the matrix finds it out.

Each mutant is one promise that is not kept. A harness that finds nothing wrong with it would prove nothing,
and neither would one that finds something wrong with a copy in which nothing is broken: that is tried first.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.conftest import ROOT

_COPIED = ("bot", "tests", "config.yaml", "pyproject.toml")
_LEFT_BEHIND = shutil.ignore_patterns("__pycache__")
_PATIENCE_S = 400


@dataclass(frozen=True, slots=True)
class Mutant:
    """What is broken, in which file, by which words instead of which, and the rows that must find it."""

    name: str
    file: str
    words: str
    instead: str
    rows: str


MUTANTS = (
    Mutant(
        "what is behind a sent delivery is lost",
        "bot/store/scripts/settle.lua",
        "if not over[fingerprint] then",
        "if not over[fingerprint] and ended ~= 'sent' then",
        "F6",
    ),
    Mutant(
        "a delivery is not marked before it is sent",
        "bot/store/scripts/begin.lua",
        "redis.call('HSET', ledger, chat, 'sending ' .. number .. doubts .. tail)",
        "",
        "F2",
    ),
    Mutant(
        "what was in doubt is taken for told",
        "bot/pipeline/turn.py",
        'or (isinstance(outcome, Unknown) and head.state == "sending")',
        "or isinstance(outcome, Unknown)",
        "F2",
    ),
    Mutant(
        "Slack is not looked up",
        "bot/platforms/slack/send.py",
        "        if shown:\n            first =",
        "        if shown and chat is None:\n            first =",
        "F2,F16",
    ),
    Mutant(
        "an alert is raised however often it is asked",
        "bot/store/scripts/raise.lua",
        "if redis.call('EXISTS', alert) == 1 then",
        "if false then",
        "F1,F9",
    ),
    Mutant(
        "a chat that a sender left is never taken over",
        "bot/store/scripts/claim.lua",
        "redis.call('ZADD', KEYS[1], ARGV[3], chat)",
        "redis.call('ZREM', KEYS[1], chat)",
        "F3",
    ),
    Mutant(
        "a platform's patience is not waited for",
        "bot/pipeline/recording.py",
        'return Ending("waiting", why, _UNTOLD_WAIT if wait is None else wait)',
        'return Ending("waiting", why, 0)',
        "F13,F14",
    ),
    Mutant(
        "a lost reply is not asked for again",
        "bot/pipeline/turn.py",
        "if self.dispatch.clock() > claim.deadline:",
        "if True:",
        "F11",
    ),
    Mutant(
        "whoever sends in another's place is not refused",
        "bot/store/scripts/lease.lua",
        "if holder and holder ~= ARGV[1] and tonumber(deadline) > tonumber(ARGV[2]) then",
        "if false then",
        "F5",
    ),
)


WHOLE = Mutant(
    "nothing is broken",
    "config.yaml",
    "delivery:",
    "delivery:",
    ",".join(sorted({row for each in MUTANTS for row in each.rows.split(",")})),
)


def found_out(mutant: Mutant, seed: int) -> list[str]:
    """Play the mutant's rows in a copy of the repository; return what did not hold there."""
    with TemporaryDirectory() as name:
        copy = Path(name)
        for each in _COPIED:
            source = ROOT / each
            if source.is_dir():
                shutil.copytree(source, copy / each, ignore=_LEFT_BEHIND)
            else:
                shutil.copy(source, copy / each)
        broken = copy / mutant.file
        text = broken.read_text()
        if mutant.words not in text:
            raise AssertionError(f"{mutant.file} does not say “{mutant.words}” any more.")
        broken.write_text(text.replace(mutant.words, mutant.instead))
        words = ("-m", "tests.faults", "--short", "--only", mutant.rows, "--seed", str(seed))
        played = subprocess.run(
            (sys.executable, *words),
            cwd=copy,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
        )
    if not played.returncode:
        return []
    return [line for line in (played.stdout + played.stderr).splitlines() if line.strip()]


def main(seed: int = 5) -> int:
    """Try every mutant; return how many the matrix did not find, or 1 where it finds what is not there."""
    wrong = found_out(WHOLE, seed)
    if wrong:
        sys.stdout.write("A copy in which nothing is broken does not hold:\n" + "\n".join(wrong) + "\n")
        return 1
    missed = 0
    for mutant in MUTANTS:
        found = found_out(mutant, seed)
        missed += not found
        said = "found" if found else "NOT FOUND"
        sys.stdout.write(f"{said}: {mutant.name} ({mutant.rows})\n")
        for line in found[:6]:
            sys.stdout.write(f"    {line[:160]}\n")
        sys.stdout.flush()
    return missed


if __name__ == "__main__":
    sys.exit(bool(main()))
