"""config.yaml read into settings, every mistake by file and line, with its remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError
from rapidfuzz import process
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError

from bot.config.settings import (
    AccessSetting,
    ActionSetting,
    AddressSetting,
    ClauseSetting,
    DeliverySetting,
    FeedSetting,
    InstrumentSetting,
    RouteSetting,
    RuleSetting,
    ScheduleSetting,
    Settings,
    WebSetting,
    WorkerSetting,
)
from bot.errors import GrammarError, SettingsError
from bot.market.catalogue import folded

_NEAR = 60
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")


def read_settings(file: Path) -> Settings:
    """Read and check `file`.

    Raises `SettingsError` with one line a mistake.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{file} cannot be read as settings: name a config.yaml that is there."
        ) from error
    try:
        tree = YAML(typ="rt").load(text)
    except DuplicateKeyError as error:
        raise SettingsError(
            f"{_place(file, error)}: a key stands there twice; keep one of the two."
        ) from error
    except MarkedYAMLError as error:
        raise SettingsError(f"{_place(file, error)}: this is not YAML: {error.problem}.") from error
    except ValueError as error:
        # What looks like a date is made one, whatever key it stands at, and the parser does not say where.
        raise SettingsError(_impossible_date(file, text)) from error
    if not isinstance(tree, CommentedMap):
        raise SettingsError(f"{file.name}, line 1: settings are keys and values, such as rules: calm.")
    try:
        settings = Settings.model_validate(_without_marks(tree))
    except ValidationError as error:
        raise SettingsError("\n".join(_mistake(file, tree, each) for each in error.errors())) from error
    _check(file, tree, settings)
    return settings


def _check(file: Path, tree: CommentedMap, settings: Settings) -> None:
    mistakes: list[str] = []
    seen: dict[str, str] = {}
    for position, each in enumerate(settings.instruments):
        place = f"{file.name}, line {_line(tree, ('instruments', position))}"
        # An instrument's own names may repeat each other; two instruments may not share one.
        for name in {folded(name) for name in (each.symbol, each.short, *each.aliases, *each.names.values())}:
            if name in seen:
                mistakes.append(f"{place}: “{name}” already names {seen[name]}; take another.")
            seen[name] = each.symbol
    mistakes += _of_actions(file, tree, settings)
    catalogue = settings.catalogue()
    for preset, rules in settings.presets.items():
        for name, rule in rules.items():
            try:
                rule.line(catalogue)
            except GrammarError as error:
                line = _line(tree, ("presets", preset, name, "when"))
                mistakes.append(f"{file.name}, line {line}: {error}")
    if settings.rules not in settings.presets:
        line = _line(tree, ("rules",))
        known = ", ".join(settings.presets)
        mistakes.append(
            f"{file.name}, line {line}: there is no preset “{settings.rules}”; choose one of {known}."
        )
    if mistakes:
        raise SettingsError("\n".join(mistakes))


def _of_actions(file: Path, tree: CommentedMap, settings: Settings) -> Iterator[str]:
    kinds = {each.symbol: each.kind for each in settings.instruments}
    seen: set[tuple[str, date, str]] = set()
    for position, each in enumerate(settings.actions):
        place = f"{file.name}, line {_line(tree, ('actions', position))}"
        if kinds.get(each.symbol) == "index":
            yield f"{place}: {each.symbol} is an index, whose holders are given nothing; take it out."
        if (each.symbol, each.session, each.kind) in seen:
            yield f"{place}: {each.symbol} has a second {each.kind} on {each.session}; keep one."
        seen.add((each.symbol, each.session, each.kind))


def _place(file: Path, error: MarkedYAMLError) -> str:
    mark = error.problem_mark
    return f"{file.name}, line {mark.line + 1 if mark else 1}"


def _impossible_date(file: Path, text: str) -> str:
    for number, line in enumerate(text.splitlines(), start=1):
        for written in _DATE.findall(line):
            try:
                date.fromisoformat(written)
            except ValueError:
                place = f"{file.name}, line {number}"
                return f"{place}: “{written}” is no date; write one that exists, as 2022-03-23."
    return f"{file.name}: a date in it does not exist; write each as 2022-03-23."


def _without_marks(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(key): _without_marks(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_without_marks(each) for each in node]
    return node


def _line(tree: Any, path: tuple[int | str, ...]) -> int:
    line = 1
    for key in path:
        if isinstance(tree, dict) and key in tree:
            line = tree.lc.key(key)[0] + 1  # type: ignore[attr-defined]
        elif isinstance(tree, list) and isinstance(key, int) and key < len(tree):
            line = tree.lc.item(key)[0] + 1  # type: ignore[attr-defined]
        else:
            break
        tree = tree[key]
    return line


def _mistake(file: Path, tree: CommentedMap, error: Any) -> str:
    path = tuple(error["loc"])
    place = f"{file.name}, line {_line(tree, path)}"
    key = str(path[-1])
    if error["type"] == "extra_forbidden":
        known = _keys_beside(path)
        near = process.extractOne(key, known, score_cutoff=_NEAR)
        return f"{place}: “{key}” is no setting; " + (
            f"the nearest is “{near[0]}”." if near else f"known here are {', '.join(known)}."
        )
    if error["type"] == "missing":
        return f"{place}: “{key}” is missing; write it."
    said = error["msg"].removeprefix("Value error, ")
    return f"{place}: “{key}”: {said[0].lower()}{said[1:]}."


_MODELS: Mapping[str, type[BaseModel]] = MappingProxyType(
    {
        "instruments": InstrumentSetting,
        "actions": ActionSetting,
        "topics": ClauseSetting,
        "presets": RuleSetting,
        "feeds": FeedSetting,
        "schedule": ScheduleSetting,
        "access": AccessSetting,
        "web": WebSetting,
        "addresses": AddressSetting,
        "delivery": DeliverySetting,
        "worker": WorkerSetting,
    }
)
_DEPTH_OF_ROUTES = 3


def _keys_beside(path: tuple[int | str, ...]) -> list[str]:
    if path[0] == "delivery" and len(path) == _DEPTH_OF_ROUTES:
        return list(RouteSetting.model_fields)
    model = _MODELS.get(str(path[0]), Settings) if path[1:] else Settings
    return list(model.model_fields)
