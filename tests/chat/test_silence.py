from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bot.alerts.alert import Alert
from bot.app.parts import topics_of
from bot.chat.answer import Answers
from bot.chat.commands import COMMANDS
from bot.chat.stored import StoredMarket
from bot.chat.stored_book import StoredBook
from bot.chats.chat_id import ChatId
from bot.chats.roles import Role
from bot.chats.silence import Hold
from bot.config import read_settings
from bot.errors import Refused, UnknownSymbol, UsageError
from bot.messages.blocks import plain
from bot.pipeline.silence import Silences
from bot.store import alerts as stored
from bot.store import chats, heard, outbox, shelf
from bot.store.alerts import Job
from bot.store.link import Link
from bot.store.outbox import Claim, Ending, Pace
from tests.cast import ALICE, BOB, alert
from tests.conftest import ROOT

HKT = ZoneInfo("Asia/Hong_Kong")
MORNING = round(datetime(2026, 11, 24, 10, 42, tzinfo=HKT).timestamp() * 1000)
HOUR = 3_600_000
CLOCKS = "The clocks here are those of Asia/Hong_Kong, where it is 10:42 on 24 Nov 2026"


@dataclass(slots=True)
class Room:
    """Chats that write commands, at a time that is set."""

    link: Link
    now: int = MORNING
    answers: Answers = field(init=False)

    def __post_init__(self) -> None:
        settings = read_settings(ROOT / "config.yaml")
        book = StoredBook(self.link, (), lambda: self.now, zone="Asia/Hong_Kong")
        watched = settings.catalogue()
        market = StoredMarket(self.link, watched, watched, lambda: self.now, (), ())
        self.answers = Answers(market, book, topics_of(settings), COMMANDS)

    async def asked(self, line: str, chat: ChatId = ALICE, role: Role = Role.MEMBER) -> str:
        return plain(await self.answers.to(line, chat, role))

    async def held(self, told: Alert) -> object:
        """Return what holds an alert that was raised now, None where nothing does."""
        silences = Silences(self.link, "Asia/Hong_Kong")
        return (await silences(ALICE, [told], self.now)).get(told.fingerprint)


@pytest.fixture
def room(link: Link) -> Room:
    return Room(link)


async def test_quiet_hours_are_set_shown_and_taken_away(room: Room) -> None:
    assert (await room.asked("/quiet")).splitlines() == [
        "Nothing is held back here: no quiet hours, no digests, no mutes",
        CLOCKS,
        "/quiet 23:00-07:00, /digest 09:00 16:30 and /mute HSTECH 2h set them",
    ]
    assert (await room.asked("/quiet 23:00-07:00")).splitlines() == [
        "Quiet hours 23:00 to 07:00, Asia/Hong_Kong",
        "What is not urgent waits until they end, and is then told in one message",
        "/quiet off ends them, /zone changes the clocks they go by",
    ]
    assert (await room.asked("/quiet")).splitlines() == [
        "What is held back here",
        "Quiet hours 23:00 to 07:00: what is not urgent waits until they end",
        CLOCKS,
    ]
    room.now += 13 * HOUR
    end = round(datetime(2026, 11, 25, 7, tzinfo=HKT).timestamp() * 1000)
    assert await room.held(alert(raised=room.now)) == Hold(end, "quiet")
    assert await room.asked("/quiet off") == (
        "No quiet hours any more\nWhat was held until now is looked at anew"
    )
    assert await room.held(alert(raised=room.now)) is None


async def test_what_one_chat_sets_is_not_another_chats(room: Room) -> None:
    await room.asked("/quiet 23:00-07:00")
    assert (await room.asked("/quiet", BOB)).startswith("Nothing is held back here")


async def test_a_mute_says_until_when_in_the_chats_own_time(room: Room) -> None:
    assert (await room.asked("/mute HSTECH 2h")).splitlines() == [
        "Muted until 12:42 HKT: HSTECH (HSTECH)",
        "What it would have told is told then, in one message",
        "/unmute ends it, /quiet shows all that is held back",
    ]
    assert await room.held(alert(raised=room.now)) == Hold(room.now + 2 * HOUR, "muted")
    assert "Muted until 26 Nov 2026, 10:42 HKT: HSTECH" in await room.asked("/mute HSTECH 2d")
    assert "Muted until 1 Dec 2026, 00:00 HKT: HSTECH" in await room.asked("/mute hstech until 2026-12-01")
    assert (await room.asked("/quiet")).count("Muted") == 1


async def test_a_mute_without_an_end_says_that_nothing_will_be_told_later(room: Room) -> None:
    assert (await room.asked("/mute buyback")).splitlines()[:2] == [
        "Muted until /unmute: buyback (news)",
        "What it would have told until then is left out and counted, not told later",
    ]


async def test_unmuting_ends_one_mute_or_all_of_them(room: Room) -> None:
    await room.asked("/mute HSTECH")
    await room.asked("/mute buyback 2h")
    await room.asked("/mute 0700.HK 1h")
    assert (await room.asked("/unmute buyback")).startswith("Muted no more: buyback (news)\n")
    assert (await room.asked("/unmute buyback")).startswith("Not muted: buyback (news)\n")
    room.now += HOUR
    lasting = await room.asked("/quiet")
    assert lasting.count("Muted") == 1, "the mute of Tencent is over"
    assert "Muted until /unmute: HSTECH" in lasting
    await room.asked("/mute all")
    ended = await room.asked("/unmute all")
    assert ended.startswith("Muted no more: ")
    assert "HSTECH" in ended
    assert "all (everything watched, and all news topics)" in ended
    assert (await room.asked("/quiet")).startswith("Nothing is held back here")
    assert await room.link.client.exists(room.link.keys.silence(str(ALICE))) == 0


async def test_digests_are_set_shown_and_taken_away(room: Room) -> None:
    assert (await room.asked("/digest")).startswith("No digests: all is told as it comes\n")
    assert (await room.asked("/digest 16:30 9")).splitlines()[0] == (
        "Digests at 09:00 and 16:30, Asia/Hong_Kong"
    )
    due = round(datetime(2026, 11, 24, 16, 30, tzinfo=HKT).timestamp() * 1000)
    assert await room.held(alert(raised=room.now)) == Hold(due, "digest")
    assert "Digests at 09:00 and 16:30: what is not urgent" in await room.asked("/quiet")
    assert (await room.asked("/digest")).startswith("Digests at 09:00 and 16:30")
    await room.asked("/digest off")
    assert await room.held(alert(raised=room.now)) is None


@pytest.mark.parametrize("word", ["Europe/London", "europe/london", "London", "EUROPE/LONDON"])
async def test_a_zone_is_known_by_its_name_or_its_city(room: Room, word: str) -> None:
    assert (await room.asked(f"/zone {word}")).splitlines()[0] == (
        "The clocks here are those of Europe/London, where it is 02:42 on 24 Nov 2026"
    )
    assert (await room.asked("/quiet 02:00-03:00")).startswith("Quiet hours 02:00 to 03:00, Europe/London")
    assert await room.held(alert(raised=room.now)) is not None
    assert "Muted until 04:42 GMT" in await room.asked("/mute HSTECH 2h")


async def test_a_city_of_two_words_is_one_zone(room: Room) -> None:
    assert "Asia/Hong_Kong" in await room.asked("/zone Hong Kong")
    assert "America/New_York" in await room.asked("/zone new york")


@pytest.mark.parametrize(
    "line, error, said",
    [
        ("/quiet soon", UsageError, "“soon” are no quiet hours: write /quiet 23:00-07:00, or /quiet off."),
        ("/quiet 07:00-07:00", UsageError, "Quiet hours from 07:00 to 07:00 have no length"),
        ("/digest noon", UsageError, "“noon” is no time of day: write /digest 09:00 16:30, or /digest off."),
        ("/digest 1 2 3 4 5 6 7", UsageError, "Write /digest"),
        ("/mute", UsageError, "Write /mute WHAT"),
        ("/mute 2h", UsageError, "Name what to mute"),
        ("/mute HSTECH until Friday", UsageError, "“Friday” is no day"),
        ("/mute NOSUCH", UnknownSymbol, "NOSUCH"),
        ("/unmute NOSUCH", UnknownSymbol, "NOSUCH"),
        ("/zone Asia/Hongkong", UsageError, "There is no zone “Asia/Hongkong”: did you mean Asia/Hong_Kong?"),
        ("/zone x", UsageError, "There is no zone “x”: write one such as Asia/Hong_Kong"),
    ],
)
async def test_what_cannot_be_set_is_said_in_one_sentence_and_sets_nothing(
    room: Room, line: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as refused:
        await room.asked(line)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert await room.link.client.exists(room.link.keys.silence(str(ALICE))) == 0


@pytest.mark.parametrize("line", ["/quiet", "/mute HSTECH", "/unmute all", "/digest 9", "/zone UTC"])
async def test_who_may_not_subscribe_a_chat_may_not_silence_it(room: Room, line: str) -> None:
    with pytest.raises(Refused, match="is for a member"):
        await room.asked(line, role=Role.READER)


async def test_whoever_reads_a_chat_sees_what_is_held_back_in_it(room: Room) -> None:
    assert await room.asked("/subscriptions", role=Role.READER) == (
        "This chat is subscribed to nothing\nBegin with /subscribe HSTECH"
    )
    await chats.subscribe(room.link, ALICE, "instrument:HSTECH", MORNING)
    await room.asked("/mute HSTECH 2h")
    assert (await room.asked("/subscriptions", role=Role.READER)).splitlines() == [
        "This chat is told of",
        "• HSTECH (HSTECH)",
        "Muted until 12:42 HKT: HSTECH (HSTECH)",
    ]


@pytest.mark.parametrize(
    "line", re.findall(r"^\|.*", (ROOT / "docs" / "silence.md").read_text(), re.MULTILINE)[2:]
)
async def test_every_command_that_the_documentation_shows_is_answered(room: Room, line: str) -> None:
    shown = re.findall(r"`(/[^`]+)`", line.split("|")[1])
    assert shown
    for each in shown:
        assert await room.asked(each)


async def claimed(room: Room, told: Sequence[Alert]) -> Claim:
    """Let Alice's chat be claimed with alerts that are stored and in its mailbox."""
    link, name = room.link, f"job-{told[0].fingerprint}"
    await chats.subscribe(link, ALICE, "instrument:HSTECH", 0)
    await stored.raise_together(link, 0, name, room.now, told)
    job = Job(name, room.now, tuple(each.fingerprint for each in told), "")
    pairs, cursor = [("instrument:HSTECH", each.fingerprint) for each in told], outbox.START
    while cursor != outbox.DONE:
        cursor = await outbox.fan_out_chunk(link, job, pairs, cursor, room.now)
    (claim,) = await outbox.claim(link, ALICE.route, "t", room.now, room.now + HOUR, 10)
    return claim


async def test_what_is_held_is_due_at_once_when_the_silence_is_changed(room: Room) -> None:
    told = alert(raised=room.now)
    await room.asked("/mute HSTECH 2h")
    claim = await claimed(room, [told])
    assert await shelf.shelve(room.link, claim, {told.fingerprint: Hold(room.now + 2 * HOUR, "muted")})
    await outbox.release(room.link, claim, room.now)
    assert await outbox.claim(room.link, ALICE.route, "t2", room.now, room.now + HOUR, 10) == ()
    await room.asked("/unmute HSTECH")
    (again,) = await outbox.claim(room.link, ALICE.route, "t3", room.now, room.now + HOUR, 10)
    assert [each.fingerprint for each in again.pending] == [told.fingerprint]
    assert await room.held(told) is None


# What /why says of this chat


async def why_here(room: Room, told: Alert, chat: ChatId = ALICE) -> list[str]:
    answer = await room.asked(f"/why {told.fingerprint}", chat)
    return [each for each in answer.splitlines() if each.startswith("Decided for this chat: ")]


async def test_why_says_how_what_was_decided_here_follows_the_delivery(room: Room) -> None:
    told = alert(raised=room.now)
    claim = await claimed(room, [told])
    assert await why_here(room, told) == ["Decided for this chat: it waits for its turn"]
    assert await why_here(room, told, BOB) == []
    await shelf.shelve(room.link, claim, {told.fingerprint: Hold(room.now + HOUR, "quiet")})
    assert await why_here(room, told) == [
        "Decided for this chat: quiet: held until 11:42 HKT on 24 Nov 2026, when the quiet hours are over"
    ]
    await room.asked("/zone London")
    (again,) = await outbox.claim(room.link, ALICE.route, "t2", room.now + 2 * HOUR, room.now + 3 * HOUR, 10)
    await outbox.begin(room.link, again, room.now, [told])
    assert await why_here(room, told) == ["Decided for this chat: quiet: it is being sent"]
    await outbox.settle(
        room.link, again, room.now, Ending("sent", "17"), Pace(0, 1), [told.fingerprint],
        {told.fingerprint: "quiet"},
    )  # fmt: skip
    assert await why_here(room, told) == [
        "Decided for this chat: quiet: kept back until the quiet hours were over, and told with the rest"
    ]
    assert await heard.last_heard(room.link, ALICE) == told
    assert "Deliveries: 1 sent" in await room.asked("/why")


async def test_a_person_can_tell_a_mute_that_dropped_from_one_that_held(room: Room) -> None:
    told = alert(raised=room.now)
    claim = await claimed(room, [told])
    await outbox.settle(
        room.link, claim, room.now, Ending("dropped", "muted"), Pace(0, 1), [told.fingerprint]
    )
    assert await why_here(room, told) == [
        "Decided for this chat: muted: not told, since its topic is muted here without an end"
    ]
    assert (await outbox.counts(room.link))["dropped"] == 1
