from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PAGE = (ROOT / "docs" / "dependencies.md").read_text()
PINS = sorted((ROOT / "requirements").glob("*.txt"))
NOWHERE = "none"
INSTALLED = packages_distributions()


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the page: what it names, and everything it says about it."""

    name: str
    cells: tuple[str, ...]

    @property
    def doors(self) -> tuple[str, ...]:
        return tuple(re.findall(r"`([^`]+)`", self.cells[1]))


@dataclass(frozen=True, slots=True)
class Import:
    """An import of something that is not ours, and the module of ours that does it."""

    package: str
    module: str
    line: int

    def passes(self, door: str) -> bool:
        return self.module == door or self.module.startswith(f"{door}/")


def requirements(listed: list[str]) -> dict[str, Requirement]:
    return {canonicalize_name(each.name): each for each in map(Requirement, listed)}


def lines_of(heading: str) -> dict[str, Line]:
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [row.strip("| ").split(" | ") for row in section.splitlines() if row.startswith("| ")][1:]
    return {canonicalize_name(name): Line(canonicalize_name(name), tuple(cells)) for name, *cells in rows}


def outside_imports() -> Iterator[Import]:
    for path in sorted((ROOT / "bot").rglob("*.py")):
        module = path.relative_to(ROOT).with_suffix("").as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Import(names=names):
                    imported = [each.name for each in names]
                case ast.ImportFrom(module=str(name), level=0):
                    imported = [name]
                case _:
                    continue
            for package in (name.partition(".")[0] for name in imported):
                if package not in sys.stdlib_module_names and package != "bot":
                    yield Import(package, module.removesuffix("/__init__"), node.lineno)


def written_files() -> Iterator[Path]:
    for entry in ROOT.iterdir():
        if entry.is_file():
            yield entry
        elif entry.name == ".ci" or not entry.name.startswith("."):
            yield from (path for path in entry.rglob("*") if path.is_file() and path.suffix != ".pyc")


def distributions_of(package: str) -> set[str]:
    return {canonicalize_name(each) for each in INSTALLED.get(package, ())}


def pins(path: Path) -> list[str]:
    joined = re.sub(r"\\\n\s*", "", path.read_text())
    return [row for row in joined.splitlines() if row and not row.lstrip().startswith("#")]


def pinned(name: str) -> set[Version]:
    rows = [row for path in PINS for row in pins(path)]
    return {Version(row.split("==")[1].split()[0]) for row in rows if row.startswith(f"{name}==")}


EXTRA = [each for extra in PROJECT["project"]["optional-dependencies"].values() for each in extra]
RUNNING = requirements([*PROJECT["project"]["dependencies"], *EXTRA])
DEVELOPING = requirements([each for group in PROJECT["dependency-groups"].values() for each in group])
RUNNING_LINES = lines_of("What Marketbell runs on")
DEVELOPING_LINES = lines_of("What builds, checks and tests it") | lines_of("What it is measured beside")
IMPORTS = tuple(outside_imports())


def test_every_dependency_has_its_line_on_the_page_and_no_line_outlives_its_dependency() -> None:
    assert RUNNING_LINES.keys() == RUNNING.keys()
    assert DEVELOPING_LINES.keys() == DEVELOPING.keys()


@pytest.mark.parametrize(
    "line", [*RUNNING_LINES.values(), *DEVELOPING_LINES.values()], ids=lambda line: line.name
)
def test_a_line_says_what_it_is_for_and_why_it_was_taken(line: Line) -> None:
    assert len(line.cells) == (3 if line.name in RUNNING_LINES else 2)
    for cell in (line.cells[0], line.cells[-1]):
        assert re.fullmatch(r"\S.+\.", cell)


@pytest.mark.parametrize("line", RUNNING_LINES.values(), ids=lambda line: line.name)
def test_a_dependency_comes_in_through_its_doors_only(line: Line) -> None:
    own = [each for each in IMPORTS if line.name in distributions_of(each.package)]
    elsewhere = [each for each in own if not any(each.passes(door) for door in line.doors)]
    assert elsewhere == []


@pytest.mark.parametrize("line", RUNNING_LINES.values(), ids=lambda line: line.name)
def test_a_dependency_is_imported_or_says_that_it_need_not_be(line: Line) -> None:
    imported = any(line.name in distributions_of(each.package) for each in IMPORTS)
    assert imported == bool(line.doors) == (line.cells[1] != NOWHERE)


def test_nothing_is_imported_that_only_came_along_with_a_dependency() -> None:
    strangers = [each for each in IMPORTS if not distributions_of(each.package) & RUNNING.keys()]
    assert strangers == []


@pytest.mark.parametrize("path", PINS, ids=lambda path: path.stem)
def test_every_pin_is_one_release_with_its_hashes(path: Path) -> None:
    rows = pins(path)
    assert rows
    for row in rows:
        assert re.fullmatch(
            r"[a-z0-9-]+==\S+( ; [^#]+?)?( --hash=sha256:[0-9a-f]{64})+", row.replace("  ", " ")
        )


@pytest.mark.parametrize("asked", [*RUNNING.values(), *DEVELOPING.values()], ids=lambda asked: asked.name)
def test_the_pins_are_what_the_project_asks_for(asked: Requirement) -> None:
    versions = pinned(canonicalize_name(asked.name))
    assert versions
    assert all(asked.specifier.contains(version) for version in versions)


def test_what_tests_run_with_is_what_runs() -> None:
    running = {row.split("==")[0]: row for row in pins(ROOT / "requirements" / "run.txt")}
    shared = [row for row in pins(ROOT / "requirements" / "dev.txt") if row.split("==")[0] in running]
    assert shared
    assert all(running[row.split("==")[0]] == row for row in shared)


@pytest.mark.parametrize("path", PINS, ids=lambda path: path.stem)
def test_pins_do_not_say_where_they_come_from(path: Path) -> None:
    text = path.read_text()
    assert "://" not in text
    assert re.findall(r"^\s*-(?!-hash=)\S*", text, re.MULTILINE) == []
    assert re.findall(r"(?:^|\s)[~.]*/\S+", text) == []


def test_no_file_names_an_index_of_packages() -> None:
    setting = r"(?:index[-_]url|find[-_]links|trusted[-_]host|tool\.uv\.index)\b.{0,40}:/{2}"
    address = re.compile(rf"{setting}|:/{{2}}\S+/simple\b", re.DOTALL)
    assert [path for path in written_files() if address.search(path.read_text(errors="ignore"))] == []
