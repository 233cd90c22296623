"""What subscribing, its undoing and the state of things answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.chats.subscription import Rate
from bot.messages.blocks import Message, line, message_of, strong

_HONG_KONG = ZoneInfo("Asia/Hong_Kong")


def subscribed(title: str, rate: Rate | None, *, anew: bool) -> Message:
    """Return the answer to `/subscribe`, with what it will cost where that could be measured."""
    first = f"Subscribed to {title}" if anew else f"This chat was subscribed to {title} already"
    cost = (
        "How often it will ring is not known: no bars to measure it on" if rate is None else rate_line(rate)
    )
    return Message(strong(first), (line(cost),), line("/subscriptions lists them, /unsubscribe ends one"))


def rate_line(rate: Rate) -> str:
    """Say what a topic would have cost."""
    if rate.a_month == 0:
        return f"Nothing would have been told in the {rate.days} market days of bars held"
    month = "less than one" if rate.a_month < 1 else f"about {rate.a_month:.0f}"
    noun = "message" if month in {"less than one", "about 1"} else "messages"
    return (
        f"Expect {month} {noun} a month, at most {rate.busiest} on a day: measured on the last {rate.days} "
        "market days of bars held; news comes on top"
    )


def unsubscribed(title: str, *, was: bool) -> Message:
    """Return the answer to `/unsubscribe`."""
    return message_of(f"No more of {title}" if was else f"This chat was not subscribed to {title}")


def subscriptions(titles: Iterable[str]) -> Message:
    """Return the answer to `/subscriptions`."""
    listed = tuple(line(f"• {title}") for title in titles)
    if not listed:
        return message_of("This chat is subscribed to nothing\nBegin with /subscribe HSTECH")
    return Message(strong("This chat is told of"), listed)


def status(
    ticked_s: float | None, watched: int, source: str, trouble: str, quoted: datetime | None,
    waiting: int, ended: Mapping[str, int],
) -> Message:  # fmt: skip
    """Return the answer to `/status`."""
    if ticked_s is None:
        return message_of("The worker has never run here\nStart it with marketbell run, or marketbell worker")
    lines = [f"Last look {ticked_s:.0f} s ago at {watched} instruments, {source}"]
    if trouble:
        lines.append(f"Trouble: {trouble}")
    if quoted is not None:
        lines.append(f"Newest price {quoted.astimezone(_HONG_KONG):%d %b %Y %H:%M} HKT")
    told = ", ".join(f"{number} {state}" for state, number in sorted(ended.items())) or "none yet"
    lines.append(f"Deliveries: {told}; chats with deliveries waiting: {waiting}")
    heading = "All is well" if not trouble else "Not all is well"
    return Message(strong(heading), tuple(map(line, lines)))
