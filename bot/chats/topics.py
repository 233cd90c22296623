"""What a chat can ask for, and how a person's words name it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.chats.subscription import EVERYTHING, NOTICES, instrument_topic, news_topic, rule_topic
from bot.errors import UnknownSymbol
from bot.market.catalogue import Catalogue, folded


@dataclass(frozen=True, slots=True)
class Topics:
    """Everything that can be subscribed to: instruments, rules, topics of news, notices, and all of it."""

    catalogue: Catalogue
    rules: tuple[str, ...]
    news: tuple[str, ...]

    def resolve(self, asked: str) -> str:
        """Return the topic that a person means.

        Raises `UnknownSymbol` with the nearest instruments and the other topics there are.
        """
        word = folded(asked).replace("-", "_").replace(" ", "_")
        if word in {EVERYTHING, NOTICES}:
            return word
        if word in self.rules:
            return rule_topic(word)
        if word in self.news:
            return news_topic(word)
        try:
            return instrument_topic(self.catalogue.resolve(asked).symbol)
        except UnknownSymbol as error:
            others = ", ".join((*self.news, *self.rules, NOTICES, EVERYTHING))
            raise UnknownSymbol(f"{error} Besides instruments there are {others}.") from error

    def title(self, topic: str) -> str:
        """Return what messages call a topic."""
        kind, _, name = topic.partition(":")
        match kind:
            case "instrument" if name in self.catalogue:
                return f"{name} ({self.catalogue[name].short})"
            case "rule":
                return f"{name} (a rule)"
            case "news":
                return f"{name} (news)"
            case _ if topic == NOTICES:
                return "notices (an exchange that is not seen, a rule that floods, a feed that is gone)"
            case _:
                return "all (everything watched, and all news topics)" if topic == EVERYTHING else topic
