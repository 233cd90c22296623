"""What every process has in common, and how each of its parts is made of settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from bot.app.wording import Wording
from bot.charts import Pictures
from bot.chat.answer import Answers
from bot.chat.commands import COMMANDS
from bot.chat.desk import ChatDesk
from bot.chat.stored import StoredMarket
from bot.chat.stored_book import StoredBook
from bot.chat.stored_own import StoredOwn
from bot.chats.chat_id import ChatId, parse_chat_id
from bot.chats.topics import Topics
from bot.clock import MachineTime, machine_time
from bot.config import Secrets, Settings
from bot.config.settings import RouteSetting
from bot.errors import MarketbellError, SettingsError
from bot.logs import Report
from bot.market.catalogue import Catalogue
from bot.market.instrument import watched_members_on
from bot.pipeline.dispatch import Dispatch, Patience
from bot.pipeline.silence import Silences
from bot.rules.conditions import Rule
from bot.sources.catalogue import load_catalogue, load_members, load_twins
from bot.store import chats as stored_chats
from bot.store.keys import LIVE
from bot.store.link import Link
from bot.store.outbox import Pace
from bot.store.pace import Budget

PAGE = ChatId("web", "", "page")

Read = TypeVar("Read")

_UNLIMITED = Budget(interval=0, burst=1, reserved=0)


@dataclass(frozen=True, slots=True)
class Parts:
    """Settings, secrets and one connection to Redis, and what can be made of them."""

    settings: Settings
    secrets: Secrets
    link: Link
    folder: Path
    report: Report
    clock: MachineTime = machine_time
    pictures: Pictures = field(init=False)

    def __post_init__(self) -> None:
        """Let everything that answers in this process draw by one child."""
        object.__setattr__(self, "pictures", Pictures(self.report))

    @property
    def catalogue(self) -> Catalogue:
        """The instruments that are watched."""
        return self.settings.catalogue()

    def named(self) -> Catalogue:
        """Return everything that can be named: what is watched, as it is described here, and much besides."""
        return Catalogue.of((*self.catalogue, *load_catalogue()))

    @property
    def topics(self) -> Topics:
        """What chats can ask for."""
        return topics_of(self.settings)

    def rules(self) -> tuple[Rule, ...]:
        """Return the operator's rules; an index's constituents are those of today."""
        return rules_of(self.settings, datetime.fromtimestamp(self.clock() / 1000, UTC).date())

    def market(self) -> StoredMarket:
        """Return the market as the worker keeps it."""
        return StoredMarket(
            self.link,
            self.catalogue,
            self.named(),
            self.clock,
            load_twins(),
            load_members(),
            tuple(self.settings.topics),
        )

    def book(self, routes: Sequence[str] = ()) -> StoredBook:
        """Return what chats asked for; the state of things counts what waits on `routes`."""
        watched = frozenset(self.catalogue.by_symbol)
        return StoredBook(
            self.link, tuple(routes), self.clock, watched, self.settings.rules, zone=self.settings.zone
        )

    def answers(self, routes: Sequence[str] = ()) -> Answers:
        """Return what commands turn to."""
        market, book = self.market(), self.book(routes)
        own = StoredOwn(market, book, ZoneInfo(self.settings.zone))
        return Answers(market, book, self.topics, COMMANDS, own, self.pictures)

    def desk(self, routes: Sequence[str] = ()) -> ChatDesk:
        """Return whom platforms hand a line to."""
        access = self.settings.access
        return ChatDesk(self.answers(routes), frozenset(access.owners), frozenset(access.chats), self.report)

    def budget_of(self, route: str) -> Budget:
        """Return what a connection may send in all."""
        setting = self._setting(route.partition(":")[0])
        if setting is None:
            return _UNLIMITED
        return Budget(1000 / setting.a_second, setting.at_once, min(setting.for_answers, setting.at_once - 1))

    def pace_of(self, chat: ChatId) -> Pace:
        """Return what one chat may be sent."""
        setting = self._setting(chat.platform)
        if setting is None:
            return Pace(0, 1)
        if chat.is_group:
            return Pace(round(setting.seconds_a_group * 1000), 1)
        return Pace(round(setting.seconds_a_chat * 1000), setting.at_once_a_chat)

    def dispatch(self) -> Dispatch:
        """Return what everything that delivers shares; in a replay nobody waits for anything."""
        setting, live = self.settings.delivery, self.link.keys.namespace == LIVE
        waits = (setting.lease, setting.send, setting.doubt, setting.oldest, setting.group_for if live else 0)
        return Dispatch(
            self.link,
            Wording(self.settings.zone).words(),
            self.budget_of,
            self.pace_of,
            Patience(*(round(seconds * 1000) for seconds in waits)),
            self.clock,
            self.report,
            Silences(self.link, self.settings.zone),
        )

    async def tell(self, wishes: Mapping[ChatId, tuple[str, ...]]) -> None:
        """Subscribe the chats that the operator names; what they have already stays as it is."""
        for chat, topics in wishes.items():
            for topic in topics:
                await stored_chats.subscribe(self.link, chat, topic, self.clock())

    def _setting(self, platform: str) -> RouteSetting | None:
        match platform:
            case "telegram":
                return self.settings.delivery.telegram
            case "slack":
                return self.settings.delivery.slack
            case _:
                return None


def rules_of(settings: Settings, day: date, preset: str | None = None) -> tuple[Rule, ...]:
    """Return the rules of `preset`, or of the one that is set, with the indices' constituents on a day."""
    memberships, catalogue = load_members(), settings.catalogue()
    return settings.rules_of(
        preset,
        lambda index: watched_members_on(memberships, catalogue, index, day),
    )


def topics_of(settings: Settings) -> Topics:
    """Return what chats can ask for under `settings`."""
    rules = tuple(dict.fromkeys(rule.name for rule in settings.rules_of()))
    return Topics(settings.catalogue(), rules, tuple(settings.topics))


def wishes_of(settings: Settings) -> dict[ChatId, tuple[str, ...]]:
    """Return the chats that the settings name, and what each is to be told of.

    Raises `SettingsError` for a chat or a topic that cannot be.
    """
    topics = topics_of(settings)
    return {
        _named("tell", parse_chat_id, chat): tuple(
            _named(f"tell: {chat}", topics.resolve, each) for each in asked
        )
        for chat, asked in settings.tell.items()
    }


def _named(place: str, read: Callable[[str], Read], text: str) -> Read:
    try:
        return read(text)
    except MarketbellError as error:
        raise SettingsError(f"config.yaml, {place}: {error}") from error
