"""Answers with a picture on Telegram: the real client, the real form, a server that keeps the real rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest
from telegram import Bot

from bot.alerts.outcome import Again, Gone, Outcome, Sent, Slow, Unknown
from bot.chats.chat_id import ChatId
from bot.messages.blocks import Message, line, message_of, strong
from bot.platforms.telegram.client import connect
from bot.platforms.telegram.send import TelegramSender
from tests.fakes.telegram import GATEWAY, Answer, DropAfter, FakeTelegram, Fault, Page
from tests.platforms.drawn import picture

ALICE, GROUP = 11, -1001
HERS = ChatId("telegram", "123456789", str(ALICE))
TOPIC = ChatId("telegram", "123456789", str(GROUP), "7")
DRAWN = picture()
ANSWER = Message(
    strong("HSTECH day > 2% would have rung <12> times"),
    (line("A & B, longest silence 94 days"),),
    line("1 Dec 2020 to 23 Mar 2022"),
    DRAWN,
)
WORDS = (
    "HSTECH day > 2% would have rung <12> times\nA & B, longest silence 94 days\n\n1 Dec 2020 to 23 Mar 2022"
)
NO_RIGHT = Answer(400, "Bad Request: not enough rights to send photos to the chat")


@dataclass(slots=True)
class Reports:
    said: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def report(self, said: str, **facts: object) -> None:
        self.said.append(f"{said}: {facts.get('why')}")

    async def pause(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
async def fake() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram(limits=False) as fake:
        yield fake


@pytest.fixture
async def bot(fake: FakeTelegram) -> AsyncIterator[Bot]:
    bot = await connect(fake.token, fake.url)
    yield bot
    await bot.shutdown()


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def sender(bot: Bot, reports: Reports) -> TelegramSender:
    return TelegramSender(bot, report=reports.report, pause=reports.pause)


async def test_words_that_fit_stand_below_the_picture_escaped(
    fake: FakeTelegram, sender: TelegramSender
) -> None:
    outcome = await sender.send(HERS, ANSWER, "d1")
    (shown,) = fake.messages[ALICE]
    assert outcome == Sent(str(shown.message_id))
    assert shown.photo == DRAWN.png
    assert shown.text == WORDS
    assert shown.raw.startswith("<b>HSTECH day &gt; 2% would have rung &lt;12&gt; times</b>\nA &amp; B")
    assert fake.calls("sendMessage") == []


async def test_a_picture_for_a_topic_is_shown_in_it(fake: FakeTelegram, sender: TelegramSender) -> None:
    await sender.send(TOPIC, ANSWER, "d1")
    assert [(each.thread, bool(each.photo)) for each in fake.messages[GROUP]] == [("7", True)]


@pytest.mark.parametrize("length, together", [(1024, True), (1025, False)])
async def test_words_are_below_the_picture_up_to_the_last_unit_that_telegram_takes(
    fake: FakeTelegram, sender: TelegramSender, reports: Reports, length: int, together: bool
) -> None:
    # Each emoji counts as two.
    words = "😀" * 12 + "&" * (length - 24)
    await sender.send(HERS, Message(strong(words), picture=DRAWN), "d1")
    shown = [(each.text, each.photo) for each in fake.messages[ALICE]]
    assert shown == ([(words, DRAWN.png)] if together else [(words, b""), ("", DRAWN.png)])
    assert reports.said == []


async def test_a_long_answer_is_all_its_parts_and_then_the_picture(
    fake: FakeTelegram, sender: TelegramSender
) -> None:
    long = Message(strong("Long"), tuple(line("x" * 500) for _ in range(10)), picture=DRAWN)
    outcome = await sender.send(HERS, long, "d1")
    first, second, last = fake.messages[ALICE]
    assert outcome == Sent(str(first.message_id), posts=3)
    assert [bool(each.photo) for each in (first, second, last)] == [False, False, True]


@pytest.mark.parametrize(
    "fault", [NO_RIGHT, Answer(400, "Bad Request: IMAGE_PROCESS_FAILED"), GATEWAY, Page(413, "too large")]
)
async def test_where_telegram_takes_no_picture_the_words_go_out_and_the_log_says_why(
    fake: FakeTelegram, sender: TelegramSender, reports: Reports, fault: Fault
) -> None:
    fake.script(fault, method="sendPhoto")
    assert isinstance(await sender.send(HERS, ANSWER, "d1"), Sent)
    (shown,) = fake.messages[ALICE]
    assert (shown.text, shown.photo) == (WORDS, b"")
    assert len(reports.said) == 1
    assert reports.said[0].startswith("Telegram shows no picture: ")
    assert fake.token not in reports.said[0]


async def test_a_picture_that_is_no_picture_costs_only_itself(
    fake: FakeTelegram, sender: TelegramSender, reports: Reports
) -> None:
    for broken in (replace(DRAWN, png=b"GIF89a"), picture(2000, 10)):
        assert isinstance(await sender.send(HERS, replace(ANSWER, picture=broken), "d1"), Sent)
    assert [each.text for each in fake.messages[ALICE]] == [WORDS, WORDS]
    assert [each.rpartition(": ")[2].casefold() for each in reports.said] == [
        "image_process_failed",
        "photo_invalid_dimensions",
    ]


@pytest.mark.parametrize(
    "fault, outcome",
    [
        (Answer(429, "Too Many Requests: retry after 7", {"retry_after": 7}), Slow("", wait=7000)),
        (DropAfter(), Unknown("")),
        (Page(200, '{"ok": true, "result": {"nothing": 1}}'), Unknown("")),
    ],
)
async def test_a_pace_that_is_asked_for_and_a_doubt_are_not_met_with_more_messages(
    fake: FakeTelegram, sender: TelegramSender, fault: Fault, outcome: Outcome
) -> None:
    fake.script(fault, method="sendPhoto")
    became = await sender.send(HERS, ANSWER, "d1")
    assert type(became) is type(outcome)
    assert getattr(became, "wait", None) == getattr(outcome, "wait", None)
    assert fake.calls("sendMessage") == []


async def test_a_chat_that_is_gone_is_gone_for_pictures_too(
    fake: FakeTelegram, sender: TelegramSender
) -> None:
    fake.refuse(ALICE, 403, "Forbidden: bot was blocked by the user")
    assert isinstance(await sender.send(HERS, ANSWER, "d1"), Gone)


async def test_a_server_that_is_not_there_is_asked_once(
    fake: FakeTelegram, sender: TelegramSender, reports: Reports
) -> None:
    await fake.stop()
    outcome = await sender.send(HERS, ANSWER, "d1")
    assert isinstance(outcome, Again)
    assert outcome.scope == "route"
    assert reports.said == []


async def test_a_picture_below_long_words_is_tried_a_few_times_and_given_up_with_a_report(
    fake: FakeTelegram, sender: TelegramSender, reports: Reports
) -> None:
    long = Message(strong("x" * 2000), picture=DRAWN)
    fake.script(GATEWAY, method="sendPhoto", times=2)
    assert isinstance(await sender.send(HERS, long, "d1"), Sent)
    assert [bool(each.photo) for each in fake.messages[ALICE]] == [False, True]
    assert reports.said == []
    fake.script(GATEWAY, method="sendPhoto", times=3)
    assert isinstance(await sender.send(HERS, long, "d2"), Sent)
    assert [bool(each.photo) for each in fake.messages[ALICE]] == [False, True, False]
    assert len(reports.said) == 1
    assert len(fake.calls("sendPhoto")) == 6


async def test_markup_that_telegram_cannot_read_costs_the_picture_and_not_the_words(
    fake: FakeTelegram, sender: TelegramSender
) -> None:
    fake.script(Answer(400, "Bad Request: can't parse entities: no"), method="sendPhoto")
    assert isinstance(await sender.send(HERS, ANSWER, "d1"), Sent)
    assert fake.texts(ALICE) == [WORDS]


async def test_words_without_a_picture_are_sent_as_ever(fake: FakeTelegram, sender: TelegramSender) -> None:
    await sender.send(HERS, message_of("HSTECH +2%"), "d1")
    assert fake.calls("sendPhoto") == []
    assert fake.texts(ALICE) == ["HSTECH +2%"]
