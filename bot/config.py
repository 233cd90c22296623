"""config.yaml read into settings, every mistake by file and line, with its remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rapidfuzz import process
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError

from bot.errors import GrammarError, SettingsError
from bot.market.catalogue import Catalogue, folded
from bot.market.instrument import Instrument
from bot.news.topics import Clause, Topic
from bot.rules.conditions import Rule
from bot.rules.grammar import parse

_NEAR = 60

_Word = Annotated[str, Field(pattern=r"\w")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InstrumentSetting(_Strict):
    """One watched instrument, as config.yaml describes it."""

    symbol: str = Field(pattern=r"^[A-Z0-9.^=-]{1,15}$")
    kind: Literal["index", "stock", "fund", "other"]
    exchange: str = Field(pattern=r"^[A-Z]{4}$")
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    short: str = Field(min_length=1, max_length=24)
    names: dict[str, str] = {}
    aliases: tuple[str, ...] = ()
    sources: dict[str, str] = {}


class RuleSetting(_Strict):
    """One rule: its condition and the kinds of instrument it looks at."""

    when: str
    of: tuple[Literal["index", "stock", "fund", "other"], ...] = Field(min_length=1)
    together: bool = False


class ClauseSetting(_Strict):
    """Words that bear on a topic together; the name of a list in `words` stands for its words."""

    all_of: tuple[tuple[_Word, ...], ...] = Field(min_length=1)
    none_of: tuple[_Word, ...] = ()


class Settings(_Strict):
    """The whole of config.yaml."""

    instruments: tuple[InstrumentSetting, ...] = Field(min_length=1)
    rules: str
    presets: dict[str, dict[str, RuleSetting]]
    words: dict[str, tuple[_Word, ...]] = {}
    topics: dict[str, tuple[ClauseSetting, ...]] = {}

    def catalogue(self) -> Catalogue:
        """Return the instruments as the market knows them."""
        return Catalogue.of(Instrument(**dict(each)) for each in self.instruments)

    def news_topics(self) -> tuple[Topic, ...]:
        """Return the topics with the shared lists of words put in."""
        return tuple(
            Topic(
                name,
                tuple(
                    Clause(tuple(self._words(group) for group in clause.all_of), self._words(clause.none_of))
                    for clause in clauses
                ),
            )
            for name, clauses in self.topics.items()
        )

    def _words(self, group: tuple[str, ...]) -> frozenset[str]:
        return frozenset(word for each in group for word in self.words.get(each, (each,)))

    def rules_of(self, preset: str | None = None) -> tuple[Rule, ...]:
        """Return the rules of `preset`, or of the one that is set.

        Raises `SettingsError` when there is no such preset.
        """
        chosen = preset or self.rules
        if chosen not in self.presets:
            known = ", ".join(self.presets)
            raise SettingsError(f"There is no preset of rules called “{chosen}”: choose one of {known}.")
        return tuple(
            Rule(
                name,
                parse(rule.when),
                frozenset(each.symbol for each in self.instruments if each.kind in rule.of),
                rule.together,
            )
            for name, rule in self.presets[chosen].items()
        )


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
    for preset, rules in settings.presets.items():
        for name, rule in rules.items():
            try:
                parse(rule.when)
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


def _place(file: Path, error: MarkedYAMLError) -> str:
    mark = error.problem_mark
    return f"{file.name}, line {mark.line + 1 if mark else 1}"


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
    return f"{place}: “{key}”: {error['msg'][0].lower()}{error['msg'][1:]}."


def _keys_beside(path: tuple[int | str, ...]) -> list[str]:
    if path[0] == "instruments" and path[1:]:
        return list(InstrumentSetting.model_fields)
    if path[0] == "topics" and path[1:]:
        return list(ClauseSetting.model_fields)
    if path[0] == "presets" and path[1:]:
        return list(RuleSetting.model_fields)
    return list(Settings.model_fields)
