"""What no bars tell: prices of minutes ago, stories, and premiums at any moment."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta

from bot.market.measures import change_pct
from bot.rules.measures import Change, Premium
from bot.rules.scene import Now
from bot.rules.terms import Story
from bot.rules.truth import Truth, Unknown, Value

_MINUTES = {"m": 1, "h": 60}


def change_over_minutes(measure: Change, now: Now) -> float | None:
    """Return the last price against the one that stood so long ago, in per cent; None where none is known."""
    asked = now.time - timedelta(minutes=measure.count * _MINUTES[measure.span])
    at = bisect_right(now.trail, asked, key=_time_of)
    return change_pct(now.price, now.trail[at - 1][1]) if at else None


def premium_now(measure: Premium, now: Now) -> Value:
    """Return what is known of a premium now."""
    return now.premiums.get(measure.kind, Unknown(f"no {measure.kind} is known"))


def told_lately(story: Story, now: Now | None) -> Truth:
    """Tell whether a story on the topic came in within the hours."""
    if now is None:
        return Unknown("bars do not tell of news")
    last = now.stories.get(story.topic)
    return last is not None and last >= now.time - timedelta(hours=story.hours)


def _time_of(each: tuple[datetime, float]) -> datetime:
    return each[0]
