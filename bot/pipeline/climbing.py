"""Climbing: what looks crossed is raised, or recorded where it is too late to tell, and ladders move on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bot.alerts.alert import Alert, Condition, Move
from bot.market.quote import Look, Quote
from bot.pipeline.ending import end_told
from bot.pipeline.raising import Raiser
from bot.rules.conditions import Rule
from bot.rules.crossing import Crossing
from bot.rules.evaluate import Ladders
from bot.rules.met import Met
from bot.store import alerts as stored
from bot.store.link import Link

_MOST_TRIES = 3

Crossed = Callable[[Quote, Look], Iterable[tuple[Rule, Alert]]]
"""What a look crosses as the ladders stand, as alerts to be raised."""


@dataclass(frozen=True, slots=True)
class Climbing:
    """Moves the ladders on, those in Redis and those that this process knows."""

    link: Link
    ladders: Ladders
    report: Callable[..., None]

    async def climb(
        self, looks: Sequence[tuple[Quote, Look]], crossed: Crossed, raiser: Raiser
    ) -> list[Alert]:
        """Raise what the looks crossed, again where a ladder stood elsewhere than was thought.

        Returns what was raised. Raises `Fenced` and `Away` as the raiser does.
        """
        raised: list[Alert] = []
        for _ in range(_MOST_TRIES):
            found: list[Alert] = []
            of: dict[str, Rule] = {}
            for quote, look in looks:
                if new := tuple(crossed(quote, look)):
                    found += [alert for _, alert in new]
                    of |= {alert.fingerprint: rule for rule, alert in new}
                    # A crowd that crosses at one open must not hold up everybody else in this process.
                    await asyncio.sleep(0)
            answers = await raiser.raise_all(found)
            for answer in answers:
                self._take_up(answer)
                if answer.verdict in {"raised", "again"} and answer.alert.fingerprint in of:
                    await end_told(self.link, of[answer.alert.fingerprint])
            raised += [answer.alert for answer in answers if answer.verdict == "raised"]
            if all(answer.verdict != "told" for answer in answers):
                break
        return raised

    async def record(self, crossed: Iterable[Crossing | Met]) -> None:
        """Write down what a session crossed that was over before anybody looked; nobody is told."""
        found = tuple(crossed)
        await stored.record(self.link, [(each.rung, each.step) for each in found])
        for each in found:
            self.ladders.climb(each)
            self.report("crossed unseen", symbol=each.symbol, rule=each.rule, session=str(each.session))

    def _take_up(self, answer: stored.Raised) -> None:
        match answer:
            case stored.Raised(alert=Alert(facts=Move(crossing=raised) | Condition(met=raised))):
                if answer.verdict == "told":
                    self.ladders.told[raised.rung] = answer.told
                else:
                    self.ladders.climb(raised)
