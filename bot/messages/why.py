"""Why an alert was raised: its inputs, its arithmetic with all digits, and what comes out again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from bot.alerts.alert import Alert, Condition, Flood, Move, News, Notice, Reason, Seen, Sequel, Upkeep
from bot.alerts.decided import Decided
from bot.alerts.floods import is_flooded
from bot.alerts.holding import PartAgain
from bot.alerts.why import StepStand, Why, digits, ladder_of
from bot.market.bars import Reference
from bot.messages.blocks import Message, line, plain, strong
from bot.messages.compose import compose
from bot.messages.decided import decided_lines
from bot.messages.given import adjusted_for, shares_became
from bot.messages.provenance import Place, place_of
from bot.messages.words import day, joined
from bot.rules.conditions import AutoSteps, FromExtreme
from bot.rules.crossing import Crossing
from bot.rules.met import Met

_REASONS: Mapping[Reason, str] = MappingProxyType(
    {
        "first": "the first of its episode",
        "new step": "a further step of an episode that was told of before",
        "seen late": "seen late: it was reached while nobody was looking, and the session is still the same",
        "story": "a story that bears on a topic",
        "notice": "what Marketbell says of itself",
        "sequel": "what became of what was told, which changes its message and makes none",
    }
)
_EXTREMES: Mapping[tuple[str, Reference], str] = MappingProxyType(
    {
        ("off low", "close"): "lowest close",
        ("off low", "intraday"): "lowest price",
        ("drawdown", "close"): "highest close",
        ("drawdown", "intraday"): "highest price",
    }
)
_STANDS = {
    "told before": "reached, told before",
    "told now": "reached, told now",
    "not reached": "not reached",
}


def why_message(
    why: Why,
    deliveries: Mapping[str, int],
    here: Decided | None = None,
    zone: ZoneInfo | None = None,
    decisions: Mapping[str, int] | None = None,
) -> Message:
    """Return the answer to why an alert was raised; `deliveries` are counted by how they stand.

    `here` is what was decided for the chat that asks, whose clocks are those of `zone`; for whoever asks of
    all chats, `decisions` are counted by name.
    """
    alert = why.alert
    told = f"Alert {alert.fingerprint}"
    decided = [f"Decided: {_counted(decisions)}"] if decisions else []
    here_said = decided_lines(here, zone)
    lines = (told, *_facts(why), *_telling(alert, deliveries), *decided, *here_said, *_verdict(why))
    return Message(strong(f"Why: {_heading(alert)}"), tuple(map(line, lines)))


def _heading(alert: Alert) -> str:
    if isinstance(alert.facts, Sequel):
        return f"the {alert.facts.what} of {alert.facts.fold}"
    return plain(Message(compose([alert]).heading))


def _facts(why: Why) -> Iterator[str]:
    match why.alert.facts:
        case Move() as move:
            yield _rule(why, move.crossing)
            yield from _price(move.crossing, move.seen, place_of(move.market))
            yield from _reference(why, move)
            yield from _arithmetic(move.crossing)
            yield from _volatility(why, move)
            yield from map(_step, why.steps)
            yield _record(move.crossing, move.crossing.direction)
        case Condition() as condition:
            yield _rule(why, condition.met)
            yield from _price(condition.met, condition.seen, place_of(condition.market))
            yield from map(_part, why.parts)
            yield _record(condition.met)
        case News(story=story):
            yield f"Story of {story.feed}: {story.title}"
            for each in story.bearings:
                words = [f"“{word}” in the title" for word in each.title]
                words += [f"“{word}” in the summary" for word in each.summary]
                yield f"Topic {each.topic}: {joined(words) or 'the words are not kept'}"
        case Notice() as notice:
            yield f"Exchange {notice.exchange}: {notice.event} since {notice.since.isoformat()}"
            yield f"Not seen: {digits(notice.minutes)} minutes of trading"
            said = f": {notice.why}" if notice.why else ""
            yield f"Source {notice.source}, {notice.delay} min delayed{said}"
            yield f"Watched there: {joined(notice.watched)}"
        case Upkeep() as upkeep:
            yield f"Of {upkeep.subject}: {upkeep.event}"
        case Flood() as flood:
            yield f"Rule {flood.rule}: {flood.messages} messages within {flood.minutes} min of market time"
            yield f"The first at {flood.since.isoformat()}, the last at {why.alert.at.isoformat()}"
            yield f"Instruments: {joined(flood.shorts)}"
        case Sequel() as sequel:
            yield f"Session of {day(sequel.session)}, of what was told {sequel.direction}"
            for since in sequel.since:
                yield (
                    f"{since.short}: {digits(since.price)}, {digits(since.change)}% from its reference, "
                    f"made {_moment(since.time, place_of(sequel.market))}; its nearest told step "
                    f"{digits(since.lowest)}% stands at {digits(since.level)}"
                )


def _rule(why: Why, raised: Crossing | Met) -> str:
    text = raised.condition if isinstance(raised, Met) else why.alert.condition
    return f"Rule {raised.rule}, revision {raised.revision}: {text or 'its text is not kept'}"


def _price(raised: Crossing | Met, seen: Seen, place: Place) -> Iterator[str]:
    """Say what the price is, when it was made and received, and where it comes from."""
    delay = f", {seen.delay} min delayed" if seen.delay else ""
    made = f"made {_moment(raised.time, place)}, received {_moment(seen.received, place)}{delay}"
    kind = "official close" if raised.final and raised.seen_by == "quote" else "price"
    if raised.seen_by == "range":
        kind = f"{'high' if raised.price >= raised.last else 'low'} of what was looked at"
    of_what = ", of dividend-adjusted bars" if raised.adjusted else ""
    yield f"{kind.capitalize()} {digits(raised.price)}{of_what}: {made}, from {seen.source}"
    if raised.seen_by == "range":
        yield f"{'Official close' if raised.final else 'Last price'} {digits(raised.last)}"
    if seen.reconstructed:
        yield "The price was never printed: the day is walked through between the prices known of its bar"
    if seen.note:
        yield f"Of the price: {seen.note}"


def _reference(why: Why, move: Move) -> Iterator[str]:
    """Say what the price is compared with."""
    crossing, read = move.crossing, why.read
    value, session = digits(crossing.reference.value), day(crossing.reference.session)
    match crossing.measure:
        case "day change":
            yield f"Compared with {value}: the previous close, {session}"
        case "from cost":
            yield f"Compared with {value}: the price that the rule names"
        case "since date":
            yield f"Compared with {value}: the close of {session}"
        case "off low" | "drawdown":
            window = f" of the window {read.window}" if isinstance(read, FromExtreme) else ""
            extreme = _EXTREMES[crossing.measure, crossing.compared_with]
            yield f"Compared with {value}: the {extreme}{window}, {session}"
    restated = [each for each in (adjusted_for(move.given, move.currency), shares_became(move.given)) if each]
    if restated and move.previous_close is not None:
        yield f"The previous close was {digits(move.previous_close)}, {joined(restated)}"
    if move.since is not None:
        yield f"Last traded on {day(move.since)}, before a suspension"
    if move.stand_in is not None:
        yield f"Bars before {day(move.stand_in.until)} are those of {move.stand_in.symbol}, rescaled"


def _arithmetic(crossing: Crossing) -> Iterator[str]:
    price, base = digits(crossing.price), digits(crossing.reference.value)
    yield f"({price} ÷ {base} − 1) × 100 = {digits(crossing.value)}%"


def _volatility(why: Why, move: Move) -> Iterator[str]:
    """Say how the steps follow the volatility, where they do."""
    ladder = ladder_of(move, why.read)
    if not isinstance(ladder, AutoSteps):
        return
    sigma = move.crossing.sigma
    steps = "/".join(map(digits, ladder.on(sigma)))
    bounds = f"kept between {digits(ladder.floor)}% and {digits(ladder.cap)}%"
    if sigma is None:
        yield f"The deviation of {ladder.lookback} daily log returns is not known: the first step is the cap"
    else:
        yield f"Deviation of {ladder.lookback} daily log returns, a ratio: {digits(sigma)}"
        first = f"{digits(sigma)} × 100 × {digits(ladder.times)} = {digits(sigma * 100 * ladder.times)}%"
        yield f"{first}, rounded to 0.5, {bounds}: {digits(ladder.on(sigma)[0] / ladder.multiples[0])}%"
    yield f"Times {'/'.join(map(digits, ladder.multiples))}: {steps}%"


def _step(step: StepStand) -> str:
    return f"{digits(step.pct)}%, at {digits(step.level)}: {_STANDS[step.stand]}"


def _part(part: PartAgain) -> str:
    """Say a part with its value, its threshold and whether it held."""
    kept = part.part
    if kept.holds is None:
        return f"{kept.text}: not known, {kept.unknown}"
    held = "held" if kept.holds else "did not hold"
    if kept.value is None:
        return f"{kept.text}: {held}"
    against = "" if part.threshold is None else f" against {digits(part.threshold)}"
    return f"{kept.text}: {digits(kept.value)}{against}, {held}"


def _record(raised: Crossing | Met, direction: str = "") -> str:
    episode = f"{raised.episode} {direction}".rstrip()
    return f"Record of the episode “{episode}”: {digits(raised.before)} before, {digits(raised.step)} after"


def _telling(alert: Alert, deliveries: Mapping[str, int]) -> Iterator[str]:
    """Say why and with what it was told, and who heard."""
    yield f"Reason: {_REASONS[alert.reason]}"
    if is_flooded(alert):
        yield f"Told in the one message of a flood: {alert.fold}"
    elif not alert.is_alone:
        yield f"Told in one message with all of: {alert.fold}"
    else:
        yield "Told by itself"
    if alert.note:
        yield f"Note of the rule: {alert.note}"
    if alert.urgency != "normal":
        yield f"Urgency: {alert.urgency}"
    if alert.replay_of is not None:
        yield f"Replayed from {alert.replay_of}"
    yield f"Topics: {', '.join(alert.topics)}"
    yield f"Deliveries: {_counted(deliveries) or 'none'}"


def _counted(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(numbers.items()))


def _verdict(why: Why) -> Iterator[str]:
    for each in why.disagreements:
        yield f"Does not agree: {each.what} is stored as {each.stored}, and comes out as {each.again}"
    if not why.disagreements:
        names = ", ".join(each.what for each in why.checks)
        yield f"Computed again from what is stored, all agree: {names}"


def _moment(moment: datetime, place: Place) -> str:
    local = moment.astimezone(place.zone)
    return f"{day(local.date())}, {local:%H:%M:%S} {place.name or f'{local:%Z}'}"
