"""What subscribing, its undoing and the state of things answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.chats.measured import Measured
from bot.chats.subscription import Rate
from bot.market.blindness import Blind
from bot.messages.blocks import Message, line, message_of, strong
from bot.messages.notices import exchange_name
from bot.messages.words import day

_HONG_KONG = ZoneInfo("Asia/Hong_Kong")


def subscribed(title: str, cost: Iterable[str], *, anew: bool) -> Message:
    """Return the answer to `/subscribe`, with what is to be said of what it will cost."""
    first = f"Subscribed to {title}" if anew else f"This chat was subscribed to {title} already"
    below = line("/subscriptions lists them, /unsubscribe ends one")
    return Message(strong(first), tuple(map(line, cost)), below)


def rate_line(measured: Measured | None) -> str:
    """Say what something would have cost a chat; None is what could not be measured."""
    if measured is None or measured.rate is None:
        why = measured.why if measured is not None and measured.why else "no bars to measure it on"
        return f"How often it will ring is not known: {why}"
    rate = measured.rate
    held = f"measured on the last {rate.days} market days of bars held"
    if rate.a_month == 0:
        return f"It would have told nothing: {held}"
    last = "" if measured.last is None else f"; it last fired on {day(measured.last)}"
    return f"Expect {how_often(rate)}{last}: {held}"


def how_often(rate: Rate) -> str:
    """Write a rate as “about 24 messages a month, 7 at most in a day”."""
    month = "less than one" if rate.a_month < 1 else f"about {rate.a_month:.0f}"
    noun = "message" if month in {"less than one", "about 1"} else "messages"
    return f"{month} {noun} a month, {rate.busiest} at most in a day"


def calmer_line(written: str, rate: Rate | None) -> str:
    """Propose what tells less often, as it can be written."""
    cost = "" if rate is None else f" ({how_often(rate)})"
    return f"That floods a chat. Calmer: {written}{cost}"


def unsubscribed(title: str, *, was: bool) -> Message:
    """Return the answer to `/unsubscribe`."""
    return message_of(f"No more of {title}" if was else f"This chat was not subscribed to {title}")


def subscriptions(titles: Iterable[str], held_back: Iterable[str] = ()) -> Message:
    """Return the answer to `/subscriptions`; `held_back` says what of it is not told at once."""
    listed = tuple(line(f"• {title}") for title in titles)
    below = tuple(map(line, held_back))
    if not listed:
        nothing = message_of("This chat is subscribed to nothing\nBegin with /subscribe HSTECH")
        return replace(nothing, blocks=(*nothing.blocks, *below))
    return Message(strong("This chat is told of"), (*listed, *below))


@dataclass(frozen=True, slots=True)
class Looked:
    """How the worker's looks fare: the last was `ago` seconds ago, None where there never was one."""

    ago: float | None
    watched: int
    source: str
    trouble: str
    newest: datetime | None
    dark: tuple[Blind, ...]
    held: Mapping[str, int]


def status(looked: Looked, waiting: int, ended: Mapping[str, int], dead: int = 0) -> Message:
    """Return the answer to `/status`; `dead` deliveries wait for the operator."""
    if looked.ago is None:
        return message_of("The worker has never run here\nStart it with marketbell run, or marketbell worker")
    lines = [f"Last look {looked.ago:.0f} s ago at {looked.watched} instruments, {looked.source}"]
    if looked.trouble:
        lines.append(f"Trouble: {looked.trouble}")
    lines += [
        f"Blind: no new price from {exchange_name(each.exchange)} since {_said(each.since)}"
        for each in looked.dark
    ]
    if looked.newest is not None:
        lines.append(f"Newest price {_said(looked.newest)}")
    if looked.held:
        reasons = ", ".join(f"{count} {why}" for why, count in sorted(looked.held.items()))
        lines.append(f"Quotes held back since the worker's start: {reasons}")
    told = ", ".join(f"{number} {state}" for state, number in sorted(ended.items()) if number) or "none yet"
    lines.append(f"Deliveries: {told}; chats with deliveries waiting: {waiting}")
    if dead:
        lines.append(f"Dead letters, which nobody could deliver: {dead}; marketbell dead list shows them")
    heading = "Not all is well" if looked.trouble or looked.dark or dead else "All is well"
    return Message(strong(heading), tuple(map(line, lines)))


def _said(moment: datetime) -> str:
    return f"{moment.astimezone(_HONG_KONG):%d %b %Y %H:%M} HKT"
