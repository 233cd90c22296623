"""What a chat hears that has set quiet hours, mutes or digests: commands in, messages out, a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.alerts.alert import Alert, Move
from bot.alerts.outcome import Again, Outcome, Sent, Unknown
from bot.app.parts import topics_of
from bot.app.wording import Wording
from bot.chat.answer import Answers
from bot.chat.commands import COMMANDS
from bot.chat.stored import StoredMarket
from bot.chat.stored_book import StoredBook
from bot.chats.chat_id import ChatId
from bot.chats.roles import Role
from bot.chats.subscription import EVERYTHING
from bot.config import read_settings
from bot.messages.blocks import Message, plain
from bot.pipeline.deliver import Deliver
from bot.pipeline.dispatch import Dispatch
from bot.pipeline.fan_out import FanOut
from bot.pipeline.silence import Silences
from bot.store import alerts as stored
from bot.store import chats, outbox
from bot.store.link import Link
from tests.cast import ALICE, BOB, alert
from tests.conftest import ROOT
from tests.dispatching import FREE, QUICK, UNPACED

ZONE = "Asia/Hong_Kong"
HKT = ZoneInfo(ZONE)
# Tuesday, 24 November 2026.
EVENING = datetime(2026, 11, 24, 22, 30, tzinfo=HKT)


@dataclass(slots=True)
class Screen:
    """A platform on which two chats see what they are sent."""

    answers: list[Outcome] = field(default_factory=list)
    shown: list[tuple[ChatId, str]] = field(default_factory=list)
    tries: int = 0
    route: str = ALICE.route

    async def send(self, chat: ChatId, message: Message, delivery: str) -> Outcome:
        del delivery
        self.tries += 1
        answer = self.answers.pop(0) if self.answers else Sent(str(self.tries))
        if isinstance(answer, Sent):
            self.shown.append((chat, plain(message)))
        return answer

    async def replace(self, chat: ChatId, message_id: str, message: Message) -> Outcome:
        self.shown.append((chat, f"{message_id} becomes {plain(message)}"))
        return Sent(message_id)

    async def find(self, chat: ChatId, delivery: str) -> Outcome:
        del chat, delivery
        return Unknown("cannot tell")

    def headings(self, chat: ChatId = ALICE) -> list[str]:
        return [text.splitlines()[0] for to, text in self.shown if to == chat]


@dataclass(slots=True)
class Night:
    """A worker that raises, a sender that delivers and chats that command, on one clock that is set."""

    link: Link
    screen: Screen = field(default_factory=Screen)
    present: datetime = EVENING
    raised: int = 0

    def now(self) -> int:
        return round(self.present.timestamp() * 1000)

    def at(self, text: str) -> None:
        """Let it be a time in Hong Kong."""
        self.present = datetime.fromisoformat(text).replace(tzinfo=HKT)

    async def asked(self, line: str, chat: ChatId = ALICE) -> str:
        settings = read_settings(ROOT / "config.yaml")
        watched = settings.catalogue()
        book = StoredBook(self.link, (), self.now, zone=ZONE)
        market = StoredMarket(self.link, watched, watched, self.now, (), ())
        return plain(await Answers(market, book, topics_of(settings), COMMANDS).to(line, chat, Role.MEMBER))

    async def happens(self, symbol: str = "HSTECH", step: float = 4, urgent: bool = False) -> Alert:
        """Raise a move of an instrument now, and put it into the mailboxes; the next one is a bit later."""
        told = alert(step, symbol=symbol, raised=self.now())
        assert isinstance(told.facts, Move)
        told = replace(told, at=self.present, urgency="urgent" if urgent else "normal")
        self.raised += 1
        await stored.raise_together(self.link, 1, f"job{self.raised}", self.now(), [told])
        await FanOut(self.link, self.now).work_off()
        self.present += timedelta(milliseconds=10)
        return told

    @asynccontextmanager
    async def sender(self) -> AsyncIterator[None]:
        dispatch = Dispatch(
            self.link,
            Wording(ZONE).words(),
            lambda _route: FREE,
            lambda _chat: UNPACED,
            replace(QUICK, oldest=24 * 3_600_000),
            self.now,
            lambda _event, **_facts: None,
            Silences(self.link, ZONE),
        )
        task = asyncio.create_task(Deliver(dispatch, {self.screen.route: self.screen}).run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def quiet_for_a_moment(self) -> None:
        """Wait until nothing is due: what was to be told by now is told."""
        async with asyncio.timeout(10):
            while (await outbox.waiting(self.link, ALICE.route, self.now(), 10))[0]:  # noqa: ASYNC110 - Redis
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            while await self.link.client.hlen(self.link.keys.claims()):  # noqa: ASYNC110 - Redis
                await asyncio.sleep(0.01)

    async def state(self, told: Alert, chat: ChatId = ALICE) -> str | None:
        state = await self.link.client.hget(self.link.keys.ledger(told.fingerprint), str(chat))
        return None if state is None else str(state)


@pytest.fixture
async def night(link: Link) -> Night:
    for chat in (ALICE, BOB):
        await chats.subscribe(link, chat, EVERYTHING, 0)
    return Night(link)


async def test_what_comes_in_quiet_hours_is_one_message_when_they_end(night: Night) -> None:
    await night.asked("/quiet 23:00-07:00")
    async with night.sender():
        before = await night.happens("0700.HK")
        await night.quiet_for_a_moment()
        night.at("2026-11-25 02:00")
        held = [await night.happens(each) for each in ("HSTECH", "^HSI", "1810.HK")]
        await night.quiet_for_a_moment()
        assert len(night.screen.headings()) == 1, "only what came before"
        assert len(night.screen.headings(BOB)) == 4, "another chat hears all of it at once"
        night.at("2026-11-25 06:59:59")
        await asyncio.sleep(0.05)
        assert len(night.screen.headings()) == 1
        night.at("2026-11-25 07:00")
        await night.quiet_for_a_moment()
    assert night.screen.headings()[1:] == ["While it was quiet, 3 alerts: HSTECH, ^HSI and 1810.HK"]
    for each in held:
        assert str(await night.state(each)).endswith(" quiet")
    assert len(str(await night.state(before)).split()) == 2


async def test_what_is_urgent_is_told_in_the_night_and_leaves_the_rest_held(night: Night) -> None:
    await night.asked("/quiet 23:00-07:00")
    night.at("2026-11-25 02:00")
    async with night.sender():
        await night.happens("HSTECH")
        await night.happens("^HSI", urgent=True)
        await night.quiet_for_a_moment()
        assert [each.split()[0] for each in night.screen.headings()] == ["^HSI"]
        night.at("2026-11-25 07:00")
        await night.quiet_for_a_moment()
    assert night.screen.headings()[1].startswith("While it was quiet: HSTECH +4.00%")


async def test_a_held_message_that_the_platform_puts_off_stays_one_message(night: Night) -> None:
    await night.asked("/quiet 23:00-07:00")
    night.at("2026-11-25 02:00")
    async with night.sender():
        for each in ("HSTECH", "^HSI", "1810.HK"):
            await night.happens(each)
        await night.quiet_for_a_moment()
        night.screen.shown.clear()
        night.screen.answers = [Again("502", 20)]
        night.at("2026-11-25 07:00")
        await night.quiet_for_a_moment()
        night.present += timedelta(seconds=1)
        await night.quiet_for_a_moment()
    assert night.screen.headings() == ["While it was quiet, 3 alerts: HSTECH, ^HSI and 1810.HK"]


async def test_what_a_long_mute_held_is_told_as_muted_and_not_as_missed(night: Night) -> None:
    await night.asked("/mute HSTECH 3d")
    async with night.sender():
        await night.happens("HSTECH")
        await night.quiet_for_a_moment()
        night.present += timedelta(days=3)
        await night.quiet_for_a_moment()
    (told,) = night.screen.headings()
    assert told.startswith("While HSTECH was muted: HSTECH +4.00%")


async def test_unmuting_tells_at_once_and_in_one_message_what_the_mute_held(night: Night) -> None:
    await night.asked("/mute all 3d")
    async with night.sender():
        for each in ("HSTECH", "^HSI"):
            await night.happens(each)
        await night.quiet_for_a_moment()
        assert night.screen.headings() == []
        await night.asked("/unmute all")
        await night.quiet_for_a_moment()
    assert night.screen.headings() == ["While muted, 2 alerts: HSTECH and ^HSI"]


async def test_what_is_held_is_held_by_what_is_set_meanwhile(night: Night) -> None:
    await night.asked("/quiet 23:00-07:00")
    night.at("2026-11-25 02:00")
    async with night.sender():
        told = await night.happens("HSTECH")
        await night.quiet_for_a_moment()
        await night.asked("/digest 09:00")
        await night.quiet_for_a_moment()
        night.at("2026-11-25 07:30")
        await night.quiet_for_a_moment()
        assert night.screen.headings() == []
        assert str(await night.state(told)).endswith(" digest")
        night.at("2026-11-25 09:00")
        await night.quiet_for_a_moment()
    (heading,) = night.screen.headings()
    assert heading.startswith("Digest of 09:00: HSTECH +4.00%")


async def test_a_mute_without_an_end_drops_and_counts(night: Night) -> None:
    await night.asked("/mute HSTECH")
    async with night.sender():
        told = await night.happens("HSTECH")
        await night.happens("^HSI")
        await night.quiet_for_a_moment()
    assert [each.split()[0] for each in night.screen.headings()] == ["^HSI"]
    assert await night.state(told) == "dropped muted"
    assert (await outbox.counts(night.link))["dropped"] == 1
    said = await night.asked(f"/why {told.fingerprint}")
    assert "Decided for this chat: muted: not told, since its topic is muted here without an end" in said


async def test_a_digest_collects_the_day_and_tells_it_together(night: Night) -> None:
    night.at("2026-11-25 08:00")
    await night.asked("/digest 09:00 16:30")
    async with night.sender():
        await night.happens("HSTECH")
        night.at("2026-11-25 08:59")
        await night.happens("^HSI")
        await night.quiet_for_a_moment()
        night.at("2026-11-25 09:00")
        await night.quiet_for_a_moment()
        await night.happens("1810.HK")
        await night.quiet_for_a_moment()
        assert night.screen.headings() == ["Digest of 09:00, 2 alerts: HSTECH and ^HSI"]
        night.at("2026-11-25 16:30")
        await night.quiet_for_a_moment()
    assert night.screen.headings()[1].startswith("Digest of 16:30: 1810.HK +4.00%")
