from __future__ import annotations

import json
import subprocess
import sys

from bench.figures import Figure, as_json, percentile, table
from tests.conftest import ROOT


def test_the_bench_runs_and_what_it_times_agrees_with_the_plain_definitions() -> None:
    # it ends with an error where two ways of working something out differ
    command = [sys.executable, "-m", "bench", "market", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    assert done.returncode == 0
    (line,) = done.stdout.splitlines()
    assert any(name.startswith("all measures") for name in json.loads(line))


def test_a_figure_that_is_not_below_its_target_is_missed() -> None:
    met, missed, told = (
        Figure("a", 1.0, "ms", below=2),
        Figure("b", 2.0, "ms", below=2),
        Figure("c", 9.0, "x"),
    )
    assert [each.missed for each in (met, missed, told)] == [False, True, False]
    assert [line.split()[-1] for line in table([met, missed, told]).splitlines()] == [
        "target",
        "ok",
        "missed",
        "x",
    ]
    assert json.loads(as_json([met, missed])) == {"a, ms": 1.0, "b, ms": 2.0, "missed": True}


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile(range(1, 101), 99) == 99
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile([5.0], 99) == 5.0
