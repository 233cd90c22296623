"""What config.yaml may say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bot.errors import GrammarError, SettingsError
from bot.market.actions import Action
from bot.market.catalogue import Catalogue
from bot.market.instrument import SYMBOL, Instrument
from bot.news.topics import Clause, Topic
from bot.rules.conditions import Rule
from bot.rules.line import Line, Scope
from bot.rules.scene import MembersThen, no_members
from bot.rules.scope import read, rules_of

_Word = Annotated[str, Field(pattern=r"\w")]


# Twenty requests a look, and more bars than a worker should hold.
_MOST_WATCHED = 2_000

# Messages a second that Telegram takes of a bot for nothing, and where they are paid for.
_FREE_PACE, _PAID_PACE = 30, 1_000
_AT_ONCE = 5


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InstrumentSetting(_Strict):
    """One watched instrument, as config.yaml describes it."""

    symbol: str = Field(pattern=f"^{SYMBOL.pattern}$")
    kind: Literal["index", "stock", "fund", "other"]
    exchange: str = Field(pattern=r"^[A-Z]{4}$")
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    short: str = Field(min_length=1, max_length=24)
    names: dict[str, str] = {}
    aliases: tuple[str, ...] = ()
    sources: dict[str, str] = {}
    tracked_by: tuple[Annotated[str, Field(pattern=f"^{SYMBOL.pattern}$")], ...] = ()


class ActionSetting(_Strict):
    """Something that holders were given and the source does not know of, by the first session without it.

    A split has its `factor`, what it multiplies earlier prices by; a distribution its `amount` a share, in
    the instrument's currency.
    """

    symbol: str = Field(pattern=f"^{SYMBOL.pattern}$")
    session: date
    kind: Literal["split", "distribution"]
    factor: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    amount: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    note: str = Field(default="", max_length=60)

    @model_validator(mode="after")
    def _says_how_much(self) -> ActionSetting:
        needed, other = ("factor", "amount") if self.kind == "split" else ("amount", "factor")
        if getattr(self, needed) is None or getattr(self, other) is not None:
            raise ValueError(f"a {self.kind} has its {needed} and no {other}; write {needed} alone")
        return self


class RuleSetting(_Strict):
    """One rule: its line, and the kinds of instrument it looks at where the line does not say at what."""

    when: str
    of: tuple[Literal["index", "stock", "fund", "other"], ...] = ()
    together: bool = False

    def line(self, catalogue: Catalogue) -> Line:
        """Return the line with the names of `catalogue` resolved.

        Raises `GrammarError` with the place of a mistake, also where nothing says what it looks at.
        """
        line = read(self.when, lambda name: catalogue.resolve(name).symbol)
        if line.scope is None and self.of:
            line = replace(line, scope=Scope("kinds", tuple(dict.fromkeys(self.of))))
        if line.scope is not None and line.scope.kind == "watchlist":
            raise GrammarError("Only a chat has a watchlist: name instruments, or kinds of them by of.")
        # What a line looks at is bound once here, so that one that does not say it is refused.
        rules_of("", line, catalogue, no_members, frozenset)
        return line

    def rules(self, name: str, catalogue: Catalogue, members: MembersThen) -> tuple[Rule, ...]:
        """Return what the line is, looking only at what is watched and of the kinds that are named."""
        bound = rules_of(name, self.line(catalogue), catalogue, members, frozenset, together=self.together)
        return tuple(
            replace(each, symbols=frozenset(filter(self._looked_at(catalogue), each.symbols)))
            for each in bound
        )

    def _looked_at(self, catalogue: Catalogue) -> Callable[[str], bool]:
        return lambda symbol: symbol in catalogue and (not self.of or catalogue[symbol].kind in self.of)


class ClauseSetting(_Strict):
    """Words that bear on a topic together; the name of a list in `words` stands for its words."""

    all_of: tuple[tuple[_Word, ...], ...] = Field(min_length=1)
    none_of: tuple[_Word, ...] = ()


class FeedSetting(_Strict):
    """One feed that is read for news."""

    name: str = Field(min_length=1, max_length=40)
    url: str = Field(pattern=r"^https?://[^\s/]+\S*$")


class ScheduleSetting(_Strict):
    """How often the worker looks, in seconds, and the requests a minute that it may make of Yahoo.

    `patience` is how many minutes of trading may bring no new price, beyond the source's own delay, before
    those who depend on the exchange are told. `stream` takes up what Yahoo says between two looks.
    """

    quotes: int = Field(default=60, ge=1, le=3600)
    feeds: int = Field(default=300, ge=1, le=86400)
    requests: int = Field(default=60, ge=10, le=600)
    patience: int = Field(default=10, ge=2, le=600)
    stream: bool = True


class AccessSetting(_Strict):
    """Who may ask: the owners, and the chats whose members may. Nobody else is answered."""

    owners: tuple[str, ...] = ()
    chats: tuple[str, ...] = ()


class WebSetting(_Strict):
    """Where the page is served, and the names it may be called by besides localhost."""

    host: str = "127.0.0.1"
    port: int = Field(default=8747, ge=0, le=65535)
    names: tuple[str, ...] = ()


class SourcesSetting(_Strict):
    """Which source stands behind Yahoo: what answers when it does not, and checks what it says."""

    second: Literal["none", "eastmoney"] = "none"


class AddressSetting(_Strict):
    """Where the outside services are: the public ones unless a proxy or a local server is named here."""

    telegram: str = "https://api.telegram.org"
    slack: str = "https://slack.com/api/"
    yahoo: str | None = None
    stream: str | None = None
    eastmoney: str | None = None


class RouteSetting(_Strict):
    """A platform's pace: messages a second in all, those kept for answers, and each chat's own."""

    a_second: float = Field(gt=0)
    at_once: int = Field(default=_AT_ONCE, ge=1)
    for_answers: int = Field(default=2, ge=0)
    seconds_a_chat: float = Field(default=1, ge=0)
    at_once_a_chat: int = Field(default=1, ge=1)
    seconds_a_group: float = Field(default=3, ge=0)


class TelegramSetting(RouteSetting):
    """Telegram's pace; with `paid`, what goes beyond the free 30 a second is paid for in Stars."""

    a_second: float = Field(default=30, gt=0)
    at_once_a_chat: int = Field(default=2, ge=1)
    paid: bool = False

    @model_validator(mode="before")
    @classmethod
    def _at_the_pace_that_is_paid_for(cls, given: object) -> object:
        """Send a thousand a second where no pace beyond the free one is set, and as many more at once."""
        if not isinstance(given, Mapping) or given.get("paid") is not True:
            return given
        pace, at_once = given.get("a_second", _FREE_PACE), given.get("at_once", _AT_ONCE)
        if not isinstance(pace, int | float) or not isinstance(at_once, int) or pace > _FREE_PACE:
            return given
        return {**given, "a_second": _PAID_PACE, "at_once": at_once * _PAID_PACE // _FREE_PACE}


class DeliverySetting(_Strict):
    """How patient delivery is, in seconds, and each platform's pace.

    `group_for` is how long a message is open for what the same rule tells next.
    """

    lease: float = Field(default=60, gt=0)
    send: float = Field(default=30, gt=0)
    doubt: float = Field(default=30, ge=0)
    oldest: float = Field(default=86400, gt=0)
    group_for: float = Field(default=60, ge=0)
    telegram: TelegramSetting = TelegramSetting()
    slack: RouteSetting = RouteSetting(a_second=8)


class WorkerSetting(_Strict):
    """The worker's lease, in seconds: how long a standby waits before it takes over."""

    lease: float = Field(default=12, ge=0.5)


class Settings(_Strict):
    """The whole of config.yaml."""

    zone: str = "Asia/Hong_Kong"
    instruments: tuple[InstrumentSetting, ...] = Field(min_length=1)
    actions: tuple[ActionSetting, ...] = ()
    rules: str
    presets: dict[str, dict[str, RuleSetting]]
    words: dict[str, tuple[_Word, ...]] = {}
    topics: dict[str, tuple[ClauseSetting, ...]] = {}
    feeds: tuple[FeedSetting, ...] = ()
    schedule: ScheduleSetting = ScheduleSetting()
    sources: SourcesSetting = SourcesSetting()
    tell: dict[str, tuple[str, ...]] = {}
    access: AccessSetting = AccessSetting()
    web: WebSetting = WebSetting()
    addresses: AddressSetting = AddressSetting()
    delivery: DeliverySetting = DeliverySetting()
    worker: WorkerSetting = WorkerSetting()

    @field_validator("instruments")
    @classmethod
    def _can_be_watched(cls, instruments: tuple[InstrumentSetting, ...]) -> tuple[InstrumentSetting, ...]:
        if len(instruments) > _MOST_WATCHED:
            raise ValueError(
                f"{_MOST_WATCHED:,} can be watched at most and these are {len(instruments):,}; take some out"
            )
        return instruments

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"there is no zone {zone}; write one such as Asia/Hong_Kong")
        return zone

    def on_port(self, port: int) -> Settings:
        """Return the same settings with the page on another port."""
        return self.model_copy(update={"web": self.web.model_copy(update={"port": port})})

    def catalogue(self) -> Catalogue:
        """Return the instruments as the market knows them."""
        return Catalogue.of(Instrument(**dict(each)) for each in self.instruments)

    def known_actions(self) -> dict[str, tuple[Action, ...]]:
        """Return by symbol what holders were given that the source does not know of, oldest first."""
        found: dict[str, tuple[Action, ...]] = {}
        for each in sorted(self.actions, key=lambda action: action.session):
            action = Action(each.session, each.kind, each.factor or 1.0, each.amount or 0.0, each.note)
            found[each.symbol] = (*found.get(each.symbol, ()), action)
        return found

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

    def rules_of(self, preset: str | None = None, members: MembersThen = no_members) -> tuple[Rule, ...]:
        """Return the rules of `preset`, or of the one that is set; `members` knows an index's constituents.

        Raises `SettingsError` when there is no such preset.
        """
        chosen = preset or self.rules
        if chosen not in self.presets:
            known = ", ".join(self.presets)
            raise SettingsError(f"There is no preset of rules called “{chosen}”: choose one of {known}.")
        catalogue = self.catalogue()
        return tuple(
            bound
            for name, rule in self.presets[chosen].items()
            for bound in rule.rules(name, catalogue, members)
        )
