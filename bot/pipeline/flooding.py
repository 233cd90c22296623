"""Flooding: what each rule told lately, and the fold that this gives to what is raised next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bot.alerts.alert import Alert
from bot.alerts.floods import Key, Stretch, after, folded
from bot.store import alerts as stored
from bot.store.link import Link

_LOOKED_BACK = 2_000
_MOST_KEPT = 10_000
# Longer than any source is behind another.
_FORGOTTEN = timedelta(hours=1)


@dataclass(slots=True)
class Flooding:
    """Knows what was told lately: at first by the alerts that are kept, then by those that it is shown."""

    link: Link
    _lately: dict[Key, Stretch] = field(default_factory=dict)
    _loaded: bool = False

    async def folded(self, alerts: Sequence[Alert]) -> tuple[Alert, ...]:
        """Return alerts to be raised, with a word to the owner of each rule that begins to flood."""
        if not self._loaded:
            self._lately = after(await stored.recent(self.link, _LOOKED_BACK), {})
            self._loaded = True
        return folded(alerts, self._lately)

    def raised(self, alerts: Iterable[Alert]) -> None:
        """Take up what was raised, in the order in which it was."""
        self._lately |= after(alerts, self._lately)
        if len(self._lately) > _MOST_KEPT:
            newest = max(each.last for each in self._lately.values())
            self._lately = {
                key: each for key, each in self._lately.items() if newest - each.last < _FORGOTTEN
            }
