"""An alert: one thing that happened, kept as facts, with the reason it was raised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from pydantic import TypeAdapter

from bot.chats.subscription import EVERYTHING, NOTICES, instrument_topic, news_topic, rule_topic
from bot.market.actions import Action
from bot.market.beside import StandIn
from bot.market.instrument import Market
from bot.market.measures import Distance
from bot.news.story import Story
from bot.rules.conditions import Urgency
from bot.rules.crossing import Crossing, Rung
from bot.rules.measures import Direction
from bot.rules.met import Met

Event = Literal["blind", "sees again"]
Trouble = Literal["state lost", "feed gone"]
Reason = Literal["first", "new step", "seen late", "story", "notice", "sequel"]
Became = Literal["retreat", "close"]


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a price comes from: its source, the source's delay in minutes, when it reached us, what it is.

    `note` tells a reader what to know of the price itself, as the quote's does.
    """

    source: str
    received: datetime
    delay: int = 0
    reconstructed: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """A crossing and what stands around it: the numbers a reader asks for next.

    `names` are the instrument's by language; `day_change` is in per cent, None where it is not known, and
    `previous_close` is as traded, None where that level is not known. Where a holder was `given` something
    since, the day change is against that close restated; `as_traded` is the change against the close itself,
    where a distribution makes it another. `since` is that close's session where the instrument was suspended
    after it. `streak` counts closes in a row on one side, signed; the present session counts once
    `crossing.final`. `from_peak` is by the highest close of all history, `off_low` by the lowest close of a
    year, `off_intraday_low` by its lowest price: each before the session, and measured at `crossing.last`.
    The reference is `reference_age` sessions old, None where that is not known; one that is
    `reference_adjusted` has a level that was not traded. `moved_from` is the extreme that began the episode,
    where it has grown too old for the window. `stand_in` is the fund whose rescaled bars one of these was
    measured from, None where it was none.
    """

    crossing: Crossing
    short: str
    names: dict[str, str]
    market: Market
    currency: str
    seen: Seen
    day_change: float | None = None
    previous_close: float | None = None
    streak: int = 0
    from_peak: Distance | None = None
    off_low: Distance | None = None
    off_intraday_low: Distance | None = None
    is_index: bool = False
    reference_age: int | None = None
    reference_adjusted: bool = False
    moved_from: date | None = None
    as_traded: float | None = None
    given: tuple[Action, ...] = ()
    since: date | None = None
    stand_in: StandIn | None = None
    kind: Literal["move"] = "move"


@dataclass(frozen=True, slots=True)
class Condition:
    """A gate that came to hold, with what each of its parts was worth, and the day that it stands in.

    `day_change` is in per cent, None where it is not known, and `previous_close` is as traded, None where
    that level is not known; both are as in a `Move`.
    """

    met: Met
    short: str
    names: dict[str, str]
    market: Market
    currency: str
    seen: Seen
    is_index: bool = False
    day_change: float | None = None
    previous_close: float | None = None
    kind: Literal["condition"] = "condition"


@dataclass(frozen=True, slots=True)
class News:
    """A story that bears on a topic somebody follows."""

    story: Story
    kind: Literal["news"] = "news"


@dataclass(frozen=True, slots=True)
class Notice:
    """What Marketbell says of itself: it has ceased to see an exchange, or sees it again.

    `since` is when the last price seen was made, or when the session began that has brought none;
    `minutes` of continuous trading were not seen since, and `delay` of them are what the source is behind by
    its own word. `watched` are the short names of what is watched there, `why` is what the source says of
    itself, and `weather` that the exchange may be closed for a storm instead. `missed` are sessions that
    nothing was seen of.
    """

    event: Event
    exchange: str
    zone: str
    since: datetime
    minutes: float
    delay: int
    watched: tuple[str, ...]
    source: str
    why: str = ""
    weather: bool = False
    missed: tuple[date, ...] = ()
    kind: Literal["notice"] = "notice"


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What the operator has to know and perhaps to mend: Redis has forgotten everything, a feed is gone.

    `subject` is what it is about, as messages name it; `mark` tells it from the others of its kind.
    """

    event: Trouble
    subject: str
    mark: str
    kind: Literal["upkeep"] = "upkeep"

    @property
    def fingerprint(self) -> str:
        """The identity of its alert."""
        return f"{self.event} {self.mark}"


@dataclass(frozen=True, slots=True)
class Flood:
    """A rule that told more than a chat can read: what follows is one message, and its owner is told once.

    `messages` were told within `minutes` of market time, the first of them made at `since`; the last is the
    one that all else joins, whose `fold` is named. They were of the instruments that `shorts` names, on
    `markets`. `own` says that the rule is a chat's and not the operator's. `condition` is its canonical text,
    "" where that was not kept; `stepped` that it has fixed steps of the day, and `together` that what it
    tells of a market, session and direction was one message already.
    """

    rule: str
    condition: str
    since: datetime
    messages: int
    minutes: int
    shorts: tuple[str, ...]
    markets: tuple[Market, ...]
    fold: str
    own: bool = False
    stepped: bool = False
    together: bool = False
    kind: Literal["flood"] = "flood"


@dataclass(frozen=True, slots=True)
class Since:
    """How one instrument stands since its steps were told: fallen back, or at its close.

    `rung` is the ladder that told them, `step` the furthest of them in per cent and `lowest` the nearest,
    whose price is `level`. `price` was made at `time`, and `change` is what it is against the ladder's
    reference, in per cent; at the close it is the official one, and `reached` is the furthest price of the
    session on the steps' side, None where that is not known. `adjusted` levels were not traded.
    """

    rung: Rung
    short: str
    step: float
    lowest: float
    level: float
    price: float
    change: float
    time: datetime
    seen: Seen
    currency: str
    reached: float | None = None
    is_index: bool = False
    adjusted: bool = False


@dataclass(frozen=True, slots=True)
class Sequel:
    """What became of alerts that were told: it changes the message that shows them, and never makes one.

    A `retreat` is of one instrument that fell back below the nearest of its told steps, the `close` of all
    that the message tells of. `fold` is that of those alerts, and `session` and `direction` are theirs.
    """

    what: Became
    market: Market
    session: date
    direction: Direction
    fold: str
    since: tuple[Since, ...]
    kind: Literal["sequel"] = "sequel"


@dataclass(frozen=True, slots=True)
class Alert:
    """What happened, why it was raised, and who may hear of it.

    `fingerprint` is its identity and holds no price, time or text. `at` is market time, `raised` machine time
    in milliseconds. What shares a `fold` is one message in a chat, which grows; a sequel has the fold of what
    it follows. `topics` are the subscriptions that hear it, the most particular first. `replay_of` is set
    where nothing of it is live. `note` is what the rule adds to its messages, and `urgency` how loudly it
    tells; `condition` is the rule's canonical text when it was raised, "" where there is no rule or the text
    was not kept.
    """

    fingerprint: str
    facts: Move | Condition | News | Notice | Upkeep | Flood | Sequel
    topics: tuple[str, ...]
    reason: Reason
    at: datetime
    raised: int
    fold: str
    replay_of: str | None = None
    note: str = ""
    urgency: Urgency = "normal"
    condition: str = ""

    @property
    def is_alone(self) -> bool:
        """Whether its message tells of nothing but one instrument under one rule."""
        match self.facts:
            case Move(crossing=crossing):
                return self.fold == self.fingerprint or self.fold.startswith(own_fold(crossing))
        return self.fold == self.fingerprint

    @property
    def group(self) -> str:
        """What it joins where that was told just before: its fold, or its rule where that shares none.

        What is urgent joins nothing: it rings by itself.
        """
        if self.urgency == "urgent":
            return self.fingerprint
        match self.facts:
            case Condition(met=met):
                return f"rule {met.revision} {met.session.isoformat()}"
            case Move(crossing=crossing) if self.is_alone:
                return f"rule {crossing.revision} {crossing.session.isoformat()}"
        return self.fold


def own_fold(crossing: Crossing) -> str:
    """Name the message of one ladder on one instrument in one session, which nothing else joins."""
    rung = crossing.rung
    return f"{rung.revision} {rung.symbol} {crossing.session.isoformat()} {rung.direction}"


def move_topics(crossing: Crossing) -> tuple[str, ...]:
    """Return the subscriptions that hear of a crossing."""
    return (instrument_topic(crossing.symbol), rule_topic(crossing.rule), EVERYTHING)


def news_topics(story: Story) -> tuple[str, ...]:
    """Return the subscriptions that hear of a story."""
    return (*(news_topic(each) for each in story.topics), EVERYTHING)


def notice_topics(symbols: Iterable[str], rules: Iterable[str]) -> tuple[str, ...]:
    """Return the subscriptions that depend on an exchange: to what is watched there, and to its rules."""
    held = (*(instrument_topic(each) for each in symbols), *(rule_topic(each) for each in rules))
    return (*held, NOTICES, EVERYTHING)


def upkeep_alert(upkeep: Upkeep, at: datetime, raised: int, replay_of: str | None = None) -> Alert:
    """Return the alert of something that the operator has to know; it is told by itself."""
    return Alert(
        fingerprint=upkeep.fingerprint,
        facts=upkeep,
        topics=(NOTICES, EVERYTHING),
        reason="notice",
        at=at,
        raised=raised,
        fold=upkeep.fingerprint,
        replay_of=replay_of,
    )


_ALERT = TypeAdapter(Alert)


def alert_to_json(alert: Alert) -> str:
    """Write an alert as it is stored."""
    return _ALERT.dump_json(alert).decode()


def alert_from_json(text: str | bytes) -> Alert:
    """Read a stored alert; `ValueError` for anything that is none."""
    return _ALERT.validate_json(text)
