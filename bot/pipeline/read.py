"""Read: what feeds hold becomes stories, and a story that bears on a topic is raised once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit

from bot.alerts.alert import Alert, News, Upkeep, news_topics, upkeep_alert
from bot.clock import MachineTime
from bot.errors import Away, GoneForGood
from bot.news.story import Story
from bot.news.topics import Matcher
from bot.pipeline.raising import Raiser
from bot.ports import FeedSource
from bot.store import feeds
from bot.store.link import Link

_KEPT_MS = 30 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Read:
    """Reads feeds; what one holds at first sight is known, not told."""

    link: Link
    source: FeedSource
    matcher: Matcher
    addresses: Sequence[str]
    clock: MachineTime
    report: Callable[..., None]
    replay_of: str | None = None
    _gone: set[str] = field(default_factory=set)

    async def tick(self, present: datetime, raiser: Raiser) -> tuple[Alert, ...]:
        """Read every feed and raise its new stories; one that does not answer is left for the next time.

        One that is gone for good is told of once, and asked no more.
        """
        raised: list[Alert] = []
        for address in self.addresses:
            if address in self._gone:
                continue
            try:
                stories = await self.source.stories(address)
            except GoneForGood as error:
                self.report("feed given up", why=str(error))
                answers = await raiser.raise_all([self._given_up(address, present)])
                raised += [answer.alert for answer in answers if answer.verdict == "raised"]
                self._gone.add(address)
                continue
            except Away as error:
                self.report("feed not read", why=str(error))
                continue
            if stories is not None:
                raised += await self._take(address, stories, present, raiser)
        return tuple(raised)

    async def _take(
        self, address: str, stories: Sequence[Story], present: datetime, raiser: Raiser
    ) -> list[Alert]:
        known = await feeds.known(self.link, address)
        names = {name: story for story in stories for name in _names(story)}
        raised: list[Alert] = []
        if known is not None:
            new = {story.identity: story for story in stories if not known & set(_names(story))}
            for story in new.values():
                bearings = self.matcher.bearings(story.title, story.summary)
                if bearings:
                    topics = tuple(each.topic for each in bearings)
                    alert = self._alert(replace(story, topics=topics, bearings=bearings), present)
                    answers = await raiser.raise_all([alert])
                    raised += [answer.alert for answer in answers if answer.verdict == "raised"]
        await feeds.remember(self.link, address, names, self.clock())
        await feeds.forget_before(self.link, address, self.clock() - _KEPT_MS)
        return raised

    def _alert(self, story: Story, present: datetime) -> Alert:
        fingerprint = _hashed(f"story\n{story.identity}")
        return Alert(
            fingerprint=fingerprint,
            facts=News(story),
            topics=news_topics(story),
            reason="story",
            at=present,
            raised=self.clock(),
            fold=fingerprint,
            replay_of=self.replay_of,
        )

    def _given_up(self, address: str, present: datetime) -> Alert:
        # What follows the host may hold a key.
        subject, mark = urlsplit(address).hostname or "an address", _hashed(address)
        return upkeep_alert(Upkeep("feed gone", subject, mark), present, self.clock(), self.replay_of)


def _names(story: Story) -> tuple[str, str]:
    """Return what a story is known by: its feed's own name of it, and its address."""
    return (_hashed(story.guid), story.identity)


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]
