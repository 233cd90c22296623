from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bot.store.link import Link, Place, connect
from bot.store.server import embedded

ROOT = Path(__file__).parents[1]
PRICES = ROOT.parent / "shared" / "data" / "prices"


@dataclass(frozen=True, slots=True)
class Said:
    """What the command line said and how it ended."""

    out: str
    err: str
    status: int

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def one(self) -> dict[str, Any]:
        (line,) = self.lines
        return line


Marketbell = Callable[..., Said]


@pytest.fixture(scope="session")
def marketbell() -> Marketbell:
    """Run the real command line in a process of its own."""

    def run(*arguments: object, stdin: str = "") -> Said:
        command = [sys.executable, "-m", "bot", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=ROOT, input=stdin, capture_output=True, text=True, check=False, timeout=60
        )
        return Said(done.stdout, done.stderr, done.returncode)

    return run


@pytest.fixture(scope="session")
def prices() -> Path:
    return PRICES


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A real server of this test run's own."""
    with embedded(tmp_path_factory.mktemp("valkey")) as place:
        yield place


@pytest.fixture
async def link(server: Place) -> AsyncIterator[Link]:
    """A namespace that no other test has seen."""
    connected = await connect(server, f"test-{uuid4().hex[:12]}")
    yield connected
    await connected.close()
