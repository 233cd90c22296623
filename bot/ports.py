"""What the rooms above are handed instead of reaching for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Generic, Protocol, TypeVar

from bot.alerts.outcome import Outcome
from bot.chats.chat_id import ChatId
from bot.chats.measured import Measured, Suggestion
from bot.chats.roles import Role
from bot.chats.silence import Silence
from bot.chats.subscription import Subscription
from bot.market.bars import Series
from bot.market.beside import NOTHING, Beside
from bot.market.blindness import Blind
from bot.market.freshness import Freshness
from bot.market.instrument import Instrument
from bot.market.measures import DrawdownCard, QuoteCard
from bot.market.premium import Premium
from bot.market.quote import Quote
from bot.market.ticks import Tick
from bot.messages.blocks import Message, Picture
from bot.messages.own import Backtested
from bot.messages.pictures import BacktestPicture
from bot.news.story import Story

Card_co = TypeVar("Card_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Priced(Generic[Card_co]):
    """What is said of an instrument, and the quote that it rests on; `state` is what that is worth now.

    `taken` says for what the words were taken where they were not its name.
    """

    card: Card_co
    quote: Quote
    state: Freshness
    beside: Beside = NOTHING
    taken: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """The premium between two lines of a company; `taken` as in `Priced`."""

    premium: Premium
    taken: str = ""


class Market(Protocol):
    """The market as a command asks it, by whatever name a person uses.

    All raise `UnknownSymbol` for a name that nothing has and `NotKnown` where no price is held.
    """

    async def quote(self, asked: str) -> Priced[QuoteCard]:
        """Return the quote of an instrument."""
        ...

    async def drawdown(self, asked: str, window: str) -> Priced[DrawdownCard]:
        """Return an instrument's drawdown from the peak of `window`; `UsageError` where there is none."""
        ...

    async def premium(self, asked: str) -> Compared:
        """Return the premium between a company's two lines; `NotKnown` where it has one."""
        ...

    async def backtest(self, line: str, following: frozenset[str]) -> Backtested:
        """Return what a rule's line would have done on the history held; `following` is the watchlist.

        Raises `GrammarError` for a line that does not read, and `NotKnown` for what is not watched.
        """
        ...


class Drawing(Protocol):
    """Whoever draws pictures for answers."""

    async def backtest(self, facts: BacktestPicture) -> Picture | None:
        """Return the picture of a back-test, or None where there is none to be had soon."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """What a source's search has for a name: its own symbol, and what it calls the thing and its exchange."""

    symbol: str
    name: str
    exchange: str = ""


class TickSource(Protocol):
    """Where prices come from unasked, between the looks."""

    async def follow(self, instruments: Sequence[Instrument], hand: Callable[[Tick], None]) -> None:
        """Hand over ticks until cancelled; connects again whenever the stream ends or falls silent."""
        ...


class QuoteSource(Protocol):
    """Where quotes and bars come from.

    All raise `Away` when the source does not answer or will not for now, with when to ask again in words.
    """

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    async def quotes(self, instruments: Sequence[Instrument]) -> tuple[Quote, ...]:
        """Return what is known now; an instrument without a trustworthy price is left out."""
        ...

    async def history(self, instrument: Instrument, until: date) -> Series:
        """Return the settled bars of the sessions before `until`, oldest first, and the actions known."""
        ...

    async def search(self, text: str) -> tuple[Found, ...]:
        """Return what the source has for a name, the likeliest first."""
        ...


class FeedSource(Protocol):
    """Where stories come from."""

    async def stories(self, address: str) -> tuple[Story, ...] | None:
        """Return what a feed holds now, or None if it is as it was when last asked.

        Raises `Away` when the feed does not answer, or answers with what is no feed, and `GoneForGood` where
        its server says that it is no more.
        """
        ...


class Sender(Protocol):
    """One connection to a platform, as deliveries use it."""

    @property
    def route(self) -> str:
        """The route of the chats that it reaches."""
        ...

    async def send(self, chat: ChatId, message: Message, delivery: str) -> Outcome:
        """Show `message` in `chat` once; `delivery` names it towards platforms that keep such names."""
        ...

    async def replace(self, chat: ChatId, message_id: str, message: Message) -> Outcome:
        """Let a shown message grow into `message`; `Broken` where it cannot be changed any more."""
        ...

    async def find(self, chat: ChatId, delivery: str) -> Outcome:
        """Look for a delivery whose sending was never heard of again.

        `Sent` where it is shown, `Again` where it surely is not, `Unknown` where the platform cannot tell.
        """
        ...


class Once(Protocol):
    """Whatever came in before: platforms tell some things twice."""

    async def first(self, name: str) -> bool:
        """Tell whether `name` is met for the first time in the last quarter of an hour."""
        ...


@dataclass(frozen=True, slots=True)
class Watched:
    """What the page shows of one watched instrument; `state` is what its price is worth now."""

    quote: QuoteCard
    drawdown: DrawdownCard
    price: Quote
    state: Freshness


class Watchlist(Protocol):
    """What is watched, in the order of the settings."""

    async def watched(self) -> tuple[Watched, ...]:
        """Return every instrument that has a price."""
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """One message of the page: its place in the order of messages, and its HTML as it was rendered."""

    place: str
    html: str


class PageFeed(Protocol):
    """The messages that the page was sent."""

    async def show(self, session: str, delivery: str, html: str) -> str:
        """Add a message once, whatever is repeated; return its place."""
        ...

    async def replace(self, session: str, delivery: str, html: str) -> str | None:
        """Show a message anew; return its new place, or None where it is not there any more."""
        ...

    async def recent(self, session: str) -> tuple[Shown, ...]:
        """Return the last hundred, oldest first."""
        ...

    async def after(self, session: str, place: str) -> tuple[Shown, ...]:
        """Return what came after `place`, waiting up to two seconds for it."""
        ...


@dataclass(frozen=True, slots=True)
class Status:
    """How things stand: the worker's last tick, machine time, and what waits and was sent.

    `quoted` is the market time of the newest price, `dark` are the exchanges that are not seen; `held` counts
    the quotes that were held back, by reason. `waiting` counts chats with deliveries, `ended` the ended
    deliveries by how they ended, `dead` those that nobody could make and that wait for the operator.
    """

    now: int
    ticked: int | None
    watched: int
    source: str
    trouble: str
    quoted: datetime | None
    waiting: int
    ended: Mapping[str, int]
    dark: tuple[Blind, ...] = ()
    held: Mapping[str, int] = field(default_factory=dict)
    dead: int = 0


class Book(Protocol):
    """What chats asked for, and how things stand."""

    async def of(self, chat: ChatId) -> tuple[Subscription, ...]:
        """Return what a chat asked for, oldest first."""
        ...

    async def add(self, chat: ChatId, topic: str) -> bool:
        """Subscribe a chat; False where it was subscribed already."""
        ...

    async def remove(self, chat: ChatId, topic: str) -> bool:
        """Take a topic from a chat; False where it had not asked for it."""
        ...

    async def come_back(self, chat: ChatId) -> None:
        """Let a chat that was gone hear again."""
        ...

    async def rate(self, topic: str) -> Measured | None:
        """Return what a topic would have cost a chat, where there are bars to measure it on."""
        ...

    async def calmer(self, topic: str) -> tuple[Suggestion, ...]:
        """Return what a chat could ask for in place of a topic that floods it, the best first."""
        ...

    async def following(self, chat: ChatId) -> frozenset[str]:
        """Return a chat's watchlist: the instruments it is subscribed to, everything watched where to all."""
        ...

    async def silence(self, chat: ChatId) -> Silence:
        """Return a chat's quiet hours, mutes, digests and zone."""
        ...

    async def change_silence(self, chat: ChatId, was: Silence, now: Silence) -> None:
        """Set what `now` has otherwise than `was`; what is held for the chat is judged by it anew."""
        ...

    def now(self) -> int:
        """Return the present machine time, by which silence goes."""
        ...

    async def status(self) -> Status:
        """Return how things stand."""
        ...


class Desk(Protocol):
    """Whoever answers commands: handed to every platform that listens."""

    async def answer(self, line: str, chat: ChatId, role: Role) -> Message:
        """Return the answer to a command; a refusal is an answer too."""
        ...

    async def role(self, chat: ChatId, user: str, *, administers: bool) -> Role:
        """Return what `user` may do in `chat`.

        `administers` says that the platform trusts the user there: it is their own chat, or they run it.
        """
        ...

    async def come_back(self, chat: ChatId) -> None:
        """Let a chat that was gone hear again."""
        ...

    def menu(self) -> Iterable[tuple[str, str]]:
        """Return each command's name and what it is for, as platforms list them."""
        ...
