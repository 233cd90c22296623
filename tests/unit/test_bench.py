from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from bench import rules
from bench.figures import Figure, as_json, percentile, table
from bench.polars_rules import NoPolars
from tests.conftest import ROOT


def test_the_bench_runs_and_what_it_times_agrees_with_the_plain_definitions() -> None:
    # it ends with an error where two ways of working something out differ
    command = [sys.executable, "-m", "bench", "market", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    assert done.returncode == 0
    (line,) = done.stdout.splitlines()
    assert any(name.startswith("all measures") for name in json.loads(line))


def test_a_back_test_is_timed_without_the_libraries_that_it_is_measured_beside() -> None:
    # it ends with an error where a back-test and a look at every bar tell different things
    command = [sys.executable, "-m", "bench", "backtest", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stderr, done.returncode) == ("", 0)
    figures = json.loads(done.stdout)
    told = [value for name, value in figures.items() if "told by us" in name]
    assert len(told) == 2
    assert all(told)
    assert not any("vectorbt" in name or "backtesting.py" in name for name in figures)


def test_every_way_of_keeping_many_alerts_answers_each_tick_as_ours_does() -> None:
    # it ends with an error where two ways differ, or where an alert is not in the index as it was stored
    command = [sys.executable, "-m", "bench", "rules", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert any(re.match(r"mismatches against brute force, 1,500 looks +0\.00 ", line) for line in lines)
    names = [re.split(r" {2,}", line.strip())[0] for line in lines]
    assert sorted(set(names)) == sorted(names)


def test_without_what_it_is_measured_beside_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(NoPolars, match="polars is not installed: scripts/environment peers puts"):
        rules.measured()


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
