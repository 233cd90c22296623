"""A chat's wish to be told of a topic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

EVERYTHING = "all"
NOTICES = "notices"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A topic that a chat asked for, and since when, in machine time.

    A topic is `all`, `instrument:<symbol>`, `rule:<name>`, `news:<topic>`, or `notices`: what Marketbell says
    of itself.
    """

    topic: str
    since: int

    @property
    def name(self) -> str:
        """The topic as a person writes it."""
        return self.topic.partition(":")[2] or self.topic


@dataclass(frozen=True, slots=True)
class Rate:
    """What a topic would have cost a chat over `days` market days: messages a month, and at most in a day."""

    a_month: float
    busiest: int
    days: int


def instrument_topic(symbol: str) -> str:
    """Return the topic of everything that is told of an instrument."""
    return f"instrument:{symbol}"


def followed(held: Iterable[Subscription], watched: Iterable[str]) -> frozenset[str]:
    """Return a chat's watchlist: the watched symbols that it is subscribed to, all where to everything."""
    topics = {each.topic for each in held}
    return frozenset(each for each in watched if EVERYTHING in topics or instrument_topic(each) in topics)


def rule_topic(name: str) -> str:
    """Return the topic of everything that a rule tells."""
    return f"rule:{name}"


def chat_topic(chat: str) -> str:
    """Return the topic of what a chat's own rules tell."""
    return f"chat:{chat}"


def news_topic(name: str) -> str:
    """Return the topic of the stories that bear on `name`."""
    return f"news:{name}"
