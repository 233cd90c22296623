"""A plugin for pytest: the same examples on every run, few of them, and none made smaller when one fails.

What is counted, a mutant killed or not, must be the same tomorrow; and one that a property kills need not be
explained. A rule that only the two hundredth example proves wants an example of its own.
"""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings

_MOST = 40

settings.register_profile(
    "steady", derandomize=True, database=None, deadline=None, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile("steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let no property ask for more examples than all others have."""
    for item in items:
        asked = getattr(getattr(item, "obj", None), "_hypothesis_internal_use_settings", None)
        if asked is not None and asked.max_examples > _MOST:
            # hypothesis has no setting that is stronger than a test's own; its plugin sets them here too
            item.obj._hypothesis_internal_use_settings = settings(asked, max_examples=_MOST)  # type: ignore[attr-defined] # noqa: SLF001
