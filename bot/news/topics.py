"""Topics as words and phrases, and which of them a text bears on."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import zhconv
from ahocorasick_rs import AhoCorasick, MatchKind

from bot.news.story import Bearing

_HYPHENS = str.maketrans(dict.fromkeys("-‐‑‒–—", " ") | {"’": "'"})


def plain(text: str) -> str:
    """Bring a text or phrase to the form in which it is compared: one width, script and case, no hyphens."""
    simplified: str = zhconv.convert(unicodedata.normalize("NFKC", text), "zh-hans")
    return " ".join(simplified.translate(_HYPHENS).casefold().split())


@dataclass(frozen=True, slots=True)
class Clause:
    """Phrases that bear on a topic together: one of each group in `all_of`, and none of `none_of`."""

    all_of: tuple[frozenset[str], ...]
    none_of: frozenset[str]

    def holds(self, found: frozenset[str]) -> bool:
        """Tell whether a text in which `found` stands fulfils the clause."""
        return all(group & found for group in self.all_of) and not self.none_of & found

    def first_of(self, found: Sequence[str]) -> tuple[str, ...]:
        """Return the first phrase of each group among those `found`, in their order."""
        first = {next(each for each in found if each in group) for group in self.all_of}
        return tuple(each for each in dict.fromkeys(found) if each in first)


@dataclass(frozen=True, slots=True)
class Topic:
    """A name and the clauses of which one must hold."""

    name: str
    clauses: tuple[Clause, ...]


class Matcher:
    """Finds every topic's phrases in one pass over a text.

    Latin words count only whole; Chinese has no boundaries between words, so there any place counts.
    """

    def __init__(self, topics: Iterable[Topic]) -> None:
        self._topics = tuple(topics)
        groups = [
            group
            for topic in self._topics
            for clause in topic.clauses
            for group in (*clause.all_of, clause.none_of)
        ]
        self._phrases = sorted({phrase for group in groups for phrase in group})
        forms = [plain(phrase) for phrase in self._phrases]
        self._automaton = AhoCorasick(forms, matchkind=MatchKind.Standard)

    def topics(self, text: str) -> tuple[str, ...]:
        """Return the names of the topics that `text` bears on, in the order of the settings."""
        return tuple(each.topic for each in self.bearings(text, ""))

    def bearings(self, title: str, summary: str) -> tuple[Bearing, ...]:
        """Return the topics that a story bears on, in the order of the settings, each with what was found.

        No phrase runs from the title into the summary.
        """
        in_title, in_summary = self._found(title), self._found(summary)
        found = (*in_title, *in_summary)
        held = frozenset(found)
        bearings: list[Bearing] = []
        for topic in self._topics:
            clause = next((each for each in topic.clauses if each.holds(held)), None)
            if clause is not None:
                told = clause.first_of(found)
                of_title = tuple(each for each in told if each in in_title)
                bearings.append(
                    Bearing(topic.name, of_title, tuple(each for each in told if each not in of_title))
                )
        return tuple(bearings)

    def _found(self, text: str) -> tuple[str, ...]:
        """Return the phrases of `text` in its order, of those that begin together the longest first."""
        searched = plain(text)
        places = (
            (start, -end, self._phrases[index])
            for index, start, end in self._automaton.find_matches_as_indexes(searched, overlapping=True)
            if _stands_alone(searched, start, end)
        )
        return tuple(dict.fromkeys(phrase for _, _, phrase in sorted(places)))


def _stands_alone(text: str, start: int, end: int) -> bool:
    return not (_joined(text, start) or _joined(text, end))


def _joined(text: str, place: int) -> bool:
    """Tell whether a Latin word or number runs across `place`."""
    return 0 < place < len(text) and all(
        each.isascii() and each.isalnum() for each in text[place - 1 : place + 1]
    )
