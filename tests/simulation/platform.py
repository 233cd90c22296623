"""A platform in simulated time: it keeps its limits, fails by chance, and remembers what its chats show."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from bot.alerts.outcome import Again, Broken, Gone, Moved, Outcome, Refused, Sent, Slow, Unknown
from bot.chats.chat_id import ChatId
from bot.messages.blocks import Message, plain
from tests.simulation.world import Process, World

_FASTEST_S, _SLOWEST_S, _HANGS_S = 0.01, 0.2, 45.0


@dataclass(slots=True)
class Bucket:
    """So many at once, then one an interval: the limits that platforms are known to keep."""

    interval: float
    burst: int
    free: dict[str, float] = field(default_factory=dict)

    def takes(self, key: str, now: float) -> bool:
        """Tell whether another one is within the limit, and count it where it is."""
        at = max(self.free.get(key, 0.0), now)
        if at - now > (self.burst - 1) * self.interval + 1e-6:
            return False
        self.free[key] = at + self.interval
        return True

    def gives_back(self, key: str) -> None:
        """Forget the last one: it was not taken after all."""
        self.free[key] -= self.interval


@dataclass(frozen=True, slots=True)
class Post:
    """A message as it was accepted: when, from whom, in which chat, and the alerts that stand in it.

    Of one whose answer was `cut` the sender never hears that it is shown.
    """

    at: int
    chat: str
    message_id: str
    alerts: tuple[str, ...]
    process: Process
    cut: bool = False
    is_change: bool = False


@dataclass(slots=True)
class Service:
    """One platform's servers, which all processes reach: what is shown, and what happened to chats there."""

    world: World
    route: str
    tells: bool
    journal: list[Post] = field(default_factory=list)
    too_fast: list[str] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    moved: dict[str, ChatId] = field(default_factory=dict)
    held: dict[str, float] = field(default_factory=dict)
    everybody: Bucket = field(default_factory=lambda: Bucket(1 / 30, 30))
    private: Bucket = field(default_factory=lambda: Bucket(1.0, 3))
    group: Bucket = field(default_factory=lambda: Bucket(3.0, 20))

    def wants_patience(self, chat: ChatId) -> Outcome | None:
        """Refuse what comes too fast, or while the chat was asked to wait."""
        now, name = self.world.loop.time(), str(chat)
        if now < self.held.get(name, 0.0):
            return Slow("429", round((self.held[name] - now) * 1000))
        bucket = self.group if chat.is_group else self.private
        if not bucket.takes(name, now) or not self.everybody.takes("", now):
            self.too_fast.append(f"{self.world.now} {name}")
            return Slow("429", 5_000)
        return None

    def uncount(self, chat: ChatId) -> None:
        """Leave out of the limits what was only answered with a request for patience."""
        (self.group if chat.is_group else self.private).gives_back(str(chat))
        self.everybody.gives_back("")

    def fate(self, chat: ChatId) -> Outcome | None:
        """Return what chance has in store for a message, None where it is simply taken."""
        name = str(chat)
        if name in self.left:
            return Gone("blocked")
        if name in self.moved:
            return Moved(self.moved[name])
        if not self.world.strikes(self.world.trouble.message):
            return None
        outcome = self._outcome(chat)
        if isinstance(outcome, Gone):
            self.left.add(name)
        elif isinstance(outcome, Moved):
            self.moved[name] = outcome.chat
        elif isinstance(outcome, Slow) and outcome.wait is not None:
            self.held[name] = self.world.loop.time() + outcome.wait / 1000
        return outcome

    def _outcome(self, chat: ChatId) -> Outcome:
        chance = self.world.chance
        may_move = chat.is_group and not chat.chat.startswith("-100")
        supergroup = ChatId(chat.platform, chat.account, f"-100{chat.chat[1:]}")
        outcomes: list[tuple[Outcome, int]] = [
            (Gone("blocked"), 1),
            (Moved(supergroup), 1 if may_move else 0),
            (Slow("429", chance.choice((1000, 7000, 30_000))), 2),
            (Refused("Forbidden: new words"), 1),
            (Again("502"), 3),
            (Unknown("the connection broke"), 5),
        ]
        return chance.choices([each for each, _ in outcomes], [weight for _, weight in outcomes])[0]


@dataclass(slots=True)
class Sending:
    """One process's connection to a service."""

    service: Service
    process: Process

    @property
    def route(self) -> str:
        """The route of the service's chats."""
        return self.service.route

    async def send(self, chat: ChatId, message: Message, delivery: str) -> Outcome:
        """Take a message, or have it fail as chance wants."""
        service, world = self.service, self.service.world
        fate = await self._reach(chat)
        if fate is not None and not isinstance(fate, Unknown):
            return fate
        if fate is None or world.chance.random() < 0.5:
            message_id, cut = str(len(service.journal) + 1), fate is not None
            post = Post(world.now, str(chat), message_id, _alerts(message), self.process, cut)
            service.journal.append(post)
            if fate is None:
                await self._answers()
                return Sent(message_id)
        if world.chance.random() < 0.3:
            await asyncio.sleep(_HANGS_S)
        await self._answers()
        return fate

    async def replace(self, chat: ChatId, message_id: str, message: Message) -> Outcome:
        """Change a message that is shown."""
        service, world = self.service, self.service.world
        fate = await self._reach(chat)
        if fate is not None:
            return fate
        if world.strikes(20):
            return Broken("message can't be edited")
        post = Post(world.now, str(chat), message_id, _alerts(message), self.process, is_change=True)
        service.journal.append(post)
        await self._answers()
        return Sent(message_id)

    async def find(self, chat: ChatId, delivery: str) -> Outcome:
        """Look a delivery up, where the service tells bots what they said."""
        await self._reach_at_all()
        if not self.service.tells:
            return Unknown("it does not tell")
        shown = (
            each
            for each in self.service.journal
            if not each.is_change and each.chat == str(chat) and each.alerts[0] == delivery
        )
        found = next(shown, None)
        await self._answers()
        return Again("it is not shown") if found is None else Sent(found.message_id)

    async def _reach(self, chat: ChatId) -> Outcome | None:
        await self._reach_at_all()
        patience = self.service.wants_patience(chat)
        if patience is not None:
            return patience
        fate = self.service.fate(chat)
        if isinstance(fate, Slow):
            self.service.uncount(chat)
        return fate

    async def _reach_at_all(self) -> None:
        await self.process.lives()
        await asyncio.sleep(self._latency())
        self._may_die()
        await self.process.lives()

    def _may_die(self) -> None:
        if not self.process.dead and self.service.world.strikes(self.service.world.trouble.dies):
            self.process.die()

    async def _answers(self) -> None:
        self._may_die()
        await asyncio.sleep(self._latency())
        await self.process.lives()

    def _latency(self) -> float:
        world = self.service.world
        return world.chance.uniform(_FASTEST_S, _SLOWEST_S) if world.trouble.message else _FASTEST_S


def _alerts(message: Message) -> tuple[str, ...]:
    """Return the alerts that stand in a message, which names them after whatever it says first."""
    return tuple(plain(message).split(": ")[-1].split())
