"""A plugin for pytest: the same examples on every run, few of them, and none made smaller when one fails.

The quick tests come first, where mutmut has measured how long each takes: most mutants die in one of them.

What is counted, a mutant killed or not, must be the same tomorrow; and one that a property kills need not be
explained. A rule that only the two hundredth example proves wants an example of its own.
"""

from __future__ import annotations

import gc
import json
from pathlib import Path

import pytest
from hypothesis import Phase, settings

_MOST = 40
_MEASURED = Path("mutmut-stats.json")

settings.register_profile(
    "steady", derandomize=True, database=None, deadline=None, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile("steady")


def pytest_configure() -> None:
    """Let the garbage collector, which pytest calls on many times, pass over all that was there before."""
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let no property ask for more examples than all others have, and put the quick tests first.

    Raises `pytest.UsageError` where an id is escaped twice: of ids that are given and not ASCII pytest makes
    others whenever it runs again in one process, and a mutant whose tests are not found counts as killed.
    """
    if twice := next((each.nodeid for each in items if r"\\" in each.nodeid), ""):
        raise pytest.UsageError(f"Give no ids, or plain ones: {twice}")
    if _MEASURED.exists():
        took = json.loads(_MEASURED.read_text())["duration_by_test"]
        items.sort(key=lambda item: took.get(item.nodeid, 0.0))
    for item in items:
        asked = getattr(getattr(item, "obj", None), "_hypothesis_internal_use_settings", None)
        if asked is not None and asked.max_examples > _MOST:
            # hypothesis has no setting that is stronger than a test's own; its plugin sets them here too
            item.obj._hypothesis_internal_use_settings = settings(asked, max_examples=_MOST)  # type: ignore[attr-defined] # noqa: SLF001
