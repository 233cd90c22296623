"""Blindness: who depends on an exchange is told once that we do not see it, and once that we do again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from bot.alerts.alert import Alert, Event, Notice, notice_topics
from bot.clock import MachineTime
from bot.market.blindness import (
    Blind,
    Sight,
    blind_since,
    sees_again,
    sessions_missed,
    sights,
    weather_may_close,
)
from bot.market.catalogue import Catalogue
from bot.market.doubt import HeldBack
from bot.market.quote import Quote
from bot.market.schedule import Schedule
from bot.pipeline.raising import Raiser
from bot.rules.conditions import Rule
from bot.store import market as published
from bot.store.link import Link


@dataclass(slots=True)
class Blindness:
    """Compares what was seen of each exchange with its sessions, look by look.

    `patience` is in minutes of trading beyond the delay that the source says of itself. What is dark is kept
    in Redis, so a worker that takes over says neither again.
    """

    link: Link
    catalogue: Catalogue
    rules: Sequence[Rule]
    schedule: Schedule
    patience: float
    clock: MachineTime
    report: Callable[..., None]
    _dark: dict[str, Blind] = field(default_factory=dict)

    async def load(self) -> None:
        """Take up what the last worker knew."""
        self._dark = {each.exchange: each for each in await published.blind(self.link)}

    async def look(
        self,
        quotes: Mapping[str, Quote],
        now: datetime,
        source: str,
        why: str,
        raiser: Raiser,
        waiting: Mapping[str, HeldBack] = MappingProxyType({}),
    ) -> tuple[Alert, ...]:
        """Judge by the last quotes that were believed; return what was raised.

        `why` is what the source said instead of an answer, "" where it gave one: then an exchange where a few
        names alone are watched is not called dark, for they may simply not trade. `waiting` is what came in
        and is held back.
        """
        seen = sights(self.catalogue, quotes)
        # An exchange on which nothing is watched any more is never seen again.
        dark = {each.exchange: self._dark[each.exchange] for each in seen if each.exchange in self._dark}
        alerts: list[Alert] = []
        for sight in seen:
            before = dark.get(sight.exchange)
            if before is None:
                since = blind_since(sight, self.schedule, now, self.patience)
                if since is None or not (sight.lively or why):
                    continue
                begun = Blind(sight.exchange, since, self._outage(dark, sight, since))
                dark[sight.exchange] = begun
                alerts.append(
                    self._alert("blind", begun, sight, now, source, why or self._doubts(sight, waiting))
                )
            elif sees_again(before, sight, self.schedule, now, self.patience):
                del dark[sight.exchange]
                alerts.append(self._alert("sees again", before, sight, now, source, why))
        answers = await raiser.raise_all(alerts)
        if dark != self._dark:
            # Only now: a worker that is killed in between raises the same again, and the ledger knows it.
            await published.publish_blind(self.link, dark.values())
            self._dark = dark
        return tuple(answer.alert for answer in answers if answer.verdict == "raised")

    def _doubts(self, sight: Sight, waiting: Mapping[str, HeldBack]) -> str:
        """Say why what came in from an exchange is not believed."""
        held = (each.symbol for each in self.catalogue if each.exchange == sight.exchange)
        reasons = sorted({waiting[each].why for each in held if each in waiting})
        return f"its prices are held back ({', '.join(reasons)})" if reasons else ""

    def _outage(self, dark: Mapping[str, Blind], sight: Sight, since: datetime) -> str:
        shared = next(iter(dark.values()), None)
        return shared.outage if shared else f"{sight.exchange} {since.isoformat()}"

    def _alert(self, event: Event, blind: Blind, sight: Sight, now: datetime, source: str, why: str) -> Alert:
        exchange, schedule = blind.exchange, self.schedule
        held = [each for each in self.catalogue if each.exchange == exchange]
        symbols = {each.symbol for each in held}
        until = now if event == "blind" or sight.newest is None else sight.newest
        self.report(event, exchange=exchange, since=blind.since.isoformat(), why=why)
        facts = Notice(
            event=event,
            exchange=exchange,
            zone=schedule.exchanges[exchange].zone,
            since=blind.since,
            minutes=schedule.open_minutes(exchange, blind.since, until),
            delay=sight.delay,
            watched=tuple(each.short for each in held),
            source=source,
            why=why,
            weather=weather_may_close(exchange, now.date()),
            missed=sessions_missed(blind, schedule, until),
        )
        return Alert(
            fingerprint=f"{event} {exchange} {blind.since.isoformat()}",
            facts=facts,
            topics=notice_topics(symbols, (each.name for each in self.rules if each.symbols & symbols)),
            reason="notice",
            at=until,
            raised=self.clock(),
            fold=f"{event} {blind.outage}",
        )
