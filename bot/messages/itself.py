"""What Marketbell says of itself: what it does not see, what is broken, and which rule told too much."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from bot.alerts.alert import Alert, Flood, Notice, Upkeep
from bot.messages.floods import flood_headings, flood_lines
from bot.messages.notices import notice_headings, notice_lines
from bot.messages.upkeep import upkeep_headings, upkeep_lines

Itself = Notice | Upkeep | Flood


def itself_headings(alert: Alert, said: Itself, zone: ZoneInfo | None) -> Iterable[str]:
    """Return the heading, then shorter ones."""
    match said:
        case Notice():
            return notice_headings((alert,), (said,))
        case Upkeep():
            return upkeep_headings(said, alert.at, zone)
        case Flood():
            return flood_headings(said)


def itself_lines(alert: Alert, said: Itself, zone: ZoneInfo | None) -> Iterable[str]:
    """Return what stands below the heading."""
    match said:
        case Notice():
            return notice_lines((alert,), (said,))
        case Upkeep():
            return upkeep_lines(said)
        case Flood():
            return flood_lines(said, alert.at, zone)
