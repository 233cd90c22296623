"""Why an alert was raised: every number of it computed again from the inputs that it keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from bot.alerts.alert import Alert, Condition, Flood, Move, News, Notice, Sequel, Since, Upkeep, news_topics
from bot.alerts.floods import flood_fingerprint
from bot.alerts.holding import PartAgain, again, holds_again
from bot.chats.own import is_own
from bot.chats.subscription import NOTICES
from bot.errors import GrammarError
from bot.market.actions import without
from bot.market.measures import change_pct
from bot.rules.conditions import (
    AutoSteps,
    DayMove,
    FixedSteps,
    FromBase,
    FromExtreme,
    Gate,
    Often,
    Rule,
    Telling,
)
from bot.rules.conditions import Condition as Read
from bot.rules.crossing import Crossing, climbed, level_of, reaches
from bot.rules.grammar import parse
from bot.rules.line import AutoOfKind
from bot.rules.met import Met

Stand = Literal["told before", "told now", "not reached"]

_STORY_FINGERPRINT_LENGTH = 20
_NEXT_TO_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Check:
    """One number or word of an alert: as it is stored, and as it comes out now."""

    what: str
    stored: str
    again: str

    @property
    def agrees(self) -> bool:
        """Whether both are the same."""
        return self.stored == self.again


@dataclass(frozen=True, slots=True)
class StepStand:
    """A step of the ladder, in per cent, the price that stands there, and how the alert's price compares."""

    pct: float
    level: float
    stand: Stand


@dataclass(frozen=True, slots=True)
class Why:
    """An alert taken apart.

    `read` is its rule's condition, None where there is none or its text is not kept or reads no more. `steps`
    are a ladder's, as they come out again; `parts` those of a gate.
    """

    alert: Alert
    read: Read | None
    steps: tuple[StepStand, ...]
    parts: tuple[PartAgain, ...]
    checks: tuple[Check, ...]

    @property
    def disagreements(self) -> tuple[Check, ...]:
        """What does not come out as it is stored."""
        return tuple(each for each in self.checks if not each.agrees)


def why(alert: Alert) -> Why:
    """Take an alert apart and compute it again."""
    read = _read(alert)
    steps: tuple[StepStand, ...] = ()
    parts: tuple[PartAgain, ...] = ()
    match alert.facts:
        case Move() as move:
            steps = tuple(_steps(move.crossing))
            checks = (*_of_the_move(alert, move, read), *_of_the_rule(alert, move.crossing, read))
        case Condition() as condition:
            parts = again(condition.met, read)
            checks = (*_of_the_gate(condition.met, parts, read), *_of_the_rule(alert, condition.met, read))
        case News(story=story):
            text = f"story\n{story.identity}"
            name = hashlib.sha256(text.encode()).hexdigest()[:_STORY_FINGERPRINT_LENGTH]
            topics = Check("topics", ", ".join(alert.topics), ", ".join(news_topics(story)))
            checks = (topics, Check("fingerprint", alert.fingerprint, name))
        case Notice() as notice:
            name = f"{notice.event} {notice.exchange} {notice.since.isoformat()}"
            checks = (Check("fingerprint", alert.fingerprint, name),)
        case Upkeep() as upkeep:
            checks = (Check("fingerprint", alert.fingerprint, upkeep.fingerprint),)
        case Flood() as flood:
            owner = next((each for each in alert.topics if each != NOTICES), "")
            name = flood_fingerprint(owner, flood.rule, alert.at)
            checks = (Check("fingerprint", alert.fingerprint, name),)
        case Sequel() as sequel:
            checks = tuple(_of_what_became(sequel, each) for each in sequel.since)
    return Why(alert, read, steps, parts, checks)


def digits(value: float | None) -> str:
    """Write a number with all of its digits."""
    if value is None:
        return "not known"
    written = repr(float(value))
    return written.removesuffix(".0").replace("-", "−")


def ladder_of(move: Move, read: Read | None) -> FixedSteps | AutoSteps | None:
    """Return the steps as the rule has them, None where the condition is not known or has none by itself."""
    match read:
        case DayMove(ladder=AutoOfKind()):
            return AutoOfKind.of("index" if move.is_index else "stock")
        case DayMove(ladder=ladder) | FromBase(ladder=ladder):
            return ladder
        case FromExtreme(steps=steps):
            return FixedSteps(steps)
    return None


def _read(alert: Alert) -> Read | None:
    text = alert.facts.met.condition if isinstance(alert.facts, Condition) else alert.condition
    try:
        return parse(text) if text else None
    except GrammarError:
        return None


def _steps(crossing: Crossing) -> Iterator[StepStand]:
    base, direction = crossing.reference.value, crossing.direction
    sign = 1 if direction == "up" else -1
    for pct in (*crossing.passed, *crossing.steps, *crossing.ahead):
        stand: Stand = "not reached"
        if reaches(crossing.price, base, sign * pct):
            stand = "told before" if pct <= abs(crossing.before) else "told now"
        yield StepStand(pct, level_of(base, pct, direction), stand)


def _of_the_move(alert: Alert, move: Move, read: Read | None) -> Iterator[Check]:
    """Give what of a crossing can be computed again."""
    crossing = move.crossing
    base, price, sign = crossing.reference.value, crossing.price, 1 if crossing.direction == "up" else -1
    yield Check("change", digits(crossing.value), digits(change_pct(price, base)))
    steps = (*crossing.passed, *crossing.steps, *crossing.ahead)
    reached = steps[: climbed(base, steps, sign, price, abs(crossing.before))]
    new = tuple(each for each in reached if each > abs(crossing.before))
    yield Check("steps told", _listed(crossing.steps), _listed(new))
    if new:
        level = level_of(base, new[-1], crossing.direction)
        yield Check("level of the furthest step", digits(crossing.level), digits(level))
        seen = "quote" if reaches(crossing.last, base, sign * new[-1]) else "range"
        yield Check("seen by", crossing.seen_by, seen)
    ladder = ladder_of(move, read)
    if ladder is not None:
        # What a rule that tells once had passed in silence stands in none of the three.
        silent = crossing.before < 0
        its = (each for each in ladder.on(crossing.sigma) if not silent or each > -crossing.before)
        yield Check("ladder", _listed(steps), _listed(tuple(its)))
    if crossing.measure == "day change":
        as_traded = not crossing.adjusted and not move.reference_adjusted
        if move.previous_close is not None and as_traded:
            restated = without(move.previous_close, move.given)
            yield Check("reference", digits(base), digits(restated))
        if move.day_change is not None:
            yield Check("day change", digits(move.day_change), digits(change_pct(crossing.last, base)))
    if move.from_peak is not None:
        from_peak = change_pct(crossing.last, move.from_peak.value)
        yield Check("distance from the peak", digits(move.from_peak.change_pct), digits(from_peak))
    if alert.reason in {"first", "new step"}:
        yield Check("reason", alert.reason, "new step" if crossing.before > 0 else "first")


def _of_the_gate(met: Met, parts: tuple[PartAgain, ...], read: Read | None) -> Iterator[Check]:
    """Give what of a gate can be computed again."""
    for each in parts:
        if each.again is not None:
            yield Check(f"“{each.part.text}”", _held(holds=each.part.holds), _held(holds=each.again))
    if isinstance(read, Gate):
        yield Check("the whole condition", "holds", _held(holds=holds_again(read.tree, met, parts)))
    yield Check("record after", digits(met.step), digits(met.before + 1))
    yield Check("may tell", "yes", "no" if met.before % 2 else "yes")
    yield Check("seen by", met.seen_by, "quote" if met.price == met.last else "range")


def _of_what_became(sequel: Sequel, since: Since) -> Check:
    """Compare where the change stands, against the nearest told step, with where the price does."""
    sign = 1 if sequel.direction == "up" else -1
    by_change, by_price = sign * since.change - since.lowest, sign * (since.price - since.level) / since.level
    return Check(f"{since.short} against its {since.lowest:g}% step", _beyond(by_change), _beyond(by_price))


def _beyond(distance: float) -> str:
    if abs(distance) < _NEXT_TO_NOTHING:
        return "on it"
    return "beyond it" if distance > 0 else "back from it"


def _of_the_rule(alert: Alert, raised: Crossing | Met, read: Read | None) -> Iterator[Check]:
    """Give the identities: the rule's revision where its text is kept, and the alert's own."""
    if read is not None and alert.condition and not is_own(raised.revision):
        revisions = [
            Rule(raised.rule, read, frozenset(), telling=Telling(often=often)).revision
            for often in get_args(Often)
        ]
        found = raised.revision if raised.revision in revisions else revisions[0]
        yield Check("revision", raised.revision, found)
    yield Check("fingerprint", alert.fingerprint, raised.fingerprint)


def _listed(steps: tuple[float, ...]) -> str:
    return "/".join(map(digits, steps)) or "none"


def _held(*, holds: bool | None) -> str:
    if holds is None:
        return "not known"
    return "holds" if holds else "does not hold"
