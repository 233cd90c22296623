"""Answers with a picture on Slack: the real client uploads to a server that keeps the real rules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field, replace

import pytest

from bot.alerts.outcome import Gone, Sent
from bot.chats.chat_id import ChatId
from bot.chats.roles import Role
from bot.messages.blocks import Message, line, message_of, strong
from bot.platforms.slack.client import Connection, connect
from bot.platforms.slack.listen import SlackListener
from bot.platforms.slack.manifest import manifest
from bot.platforms.slack.send import SlackSender
from bot.platforms.slack.watch import Beat
from bot.ports import Desk, Once
from tests.fakes.slack import (
    APP_TOKEN,
    BOT_TOKEN,
    CHANNEL,
    GATEWAY,
    NO_JSON,
    TEAM,
    Answer,
    DropBefore,
    FakeSlack,
    Fault,
    Page,
    Shared,
)
from tests.platforms.drawn import picture

HERE = ChatId("slack", TEAM, CHANNEL)
DRAWN = picture()
ANSWER = Message(strong("HSTECH day > 2%"), (line("12 times"),), picture=DRAWN)


@dataclass
class Log:
    said: list[str] = field(default_factory=list)

    def report(self, said: str, **facts: object) -> None:
        self.said.append(f"{said}: {facts['why']}")


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
async def fake() -> AsyncIterator[FakeSlack]:
    async with FakeSlack(limits=False) as fake:
        yield fake


@pytest.fixture
async def connection(fake: FakeSlack) -> AsyncIterator[Connection]:
    connection = await connect(BOT_TOKEN, fake.url, patience=1.0)
    yield connection
    await connection.close()


@pytest.fixture
def sender(connection: Connection, log: Log) -> SlackSender:
    return SlackSender(connection, pause=0.0, report=log.report)


async def test_the_words_are_shown_and_then_the_picture(
    fake: FakeSlack, sender: SlackSender, log: Log
) -> None:
    outcome = await sender.send(HERE, ANSWER, "d1")
    (shown,) = fake.messages[CHANNEL]
    assert outcome == Sent(shown.ts)
    (shared,) = fake.files[CHANNEL]
    assert shared == Shared(CHANNEL, "picture.png", "HSTECH day > 2%", DRAWN.alt.strip("\u202e"), DRAWN.png)
    wanted = ["chat.postMessage", "files.getUploadURLExternal", "files.completeUploadExternal"]
    assert [call.method for call in fake.journal][-3:] == wanted
    assert (fake.leaked, log.said) == ([], [])


async def test_words_without_a_picture_upload_nothing(fake: FakeSlack, sender: SlackSender) -> None:
    await sender.send(HERE, message_of("HSTECH +2%"), "d1")
    assert fake.calls("files.getUploadURLExternal") == []


async def test_an_app_that_was_set_up_before_pictures_shows_the_words_and_the_log_says_what_to_do(
    fake: FakeSlack, sender: SlackSender, log: Log
) -> None:
    fake.scopes.clear()
    assert isinstance(await sender.send(HERE, ANSWER, "d1"), Sent)
    assert [each.text for each in fake.messages[CHANNEL]] == ["HSTECH day &gt; 2%"]
    assert fake.files[CHANNEL] == []
    (said,) = log.said
    assert said.startswith("Slack shows no picture: it lacks a permission; install the app again")
    assert said.endswith("(missing_scope)")


@pytest.mark.parametrize(
    "method, fault, why",
    [
        ("files.getUploadURLExternal", Answer("ratelimited", 429, "30"), "Slack says ratelimited"),
        ("files.getUploadURLExternal", GATEWAY, "Slack does not answer (SlackApiError)"),
        ("files.getUploadURLExternal", NO_JSON, "Slack does not answer (SlackApiError)"),
        ("files.getUploadURLExternal", DropBefore(), "Slack does not answer (ServerDisconnectedError)"),
        (
            "files.getUploadURLExternal",
            Page(200, '{"ok": true}', "application/json"),
            "Slack does not answer (TypeError)",
        ),
        ("upload", Page(500, "no"), "Slack did not take the file"),
        ("upload", DropBefore(), "Slack does not answer (ServerDisconnectedError)"),
        ("files.completeUploadExternal", Answer("not_in_channel"), "Slack says not_in_channel"),
        (
            "files.completeUploadExternal",
            Page(200, '{"ok": true}', "application/json"),
            "Slack does not answer (TypeError)",
        ),
    ],
)
async def test_a_picture_that_slack_does_not_take_costs_only_the_picture(
    fake: FakeSlack, sender: SlackSender, log: Log, method: str, fault: Fault, why: str
) -> None:
    fake.script(fault, method=method)
    assert isinstance(await sender.send(HERE, ANSWER, "d1"), Sent)
    assert len(fake.messages[CHANNEL]) == 1
    assert fake.files[CHANNEL] == []
    assert log.said == [f"Slack shows no picture: {why}"]


async def test_an_upload_that_hangs_is_given_up(fake: FakeSlack, sender: SlackSender, log: Log) -> None:
    fake.hang_uploads = True
    async with asyncio.timeout(3):
        assert isinstance(await sender.send(HERE, ANSWER, "d1"), Sent)
    assert log.said == ["Slack shows no picture: Slack does not answer (TimeoutError)"]


async def test_words_that_are_not_shown_upload_nothing(fake: FakeSlack, sender: SlackSender) -> None:
    fake.script(Answer("is_archived"))
    assert isinstance(await sender.send(HERE, ANSWER, "d1"), Gone)
    assert fake.calls("files.getUploadURLExternal") == []


async def test_words_for_who_does_not_see_it_are_as_long_as_slack_takes(
    fake: FakeSlack, sender: SlackSender, log: Log
) -> None:
    await sender.send(HERE, replace(ANSWER, picture=replace(DRAWN, alt="x" * 3000)), "d1")
    assert len(fake.files[CHANNEL][0].alt) == 1000
    assert log.said == []


@dataclass
class Drawing:
    """A desk that answers everybody with a picture; owners are those who are called Alice."""

    async def answer(self, line: str, chat: ChatId, role: Role) -> Message:
        return ANSWER

    async def role(self, chat: ChatId, user: str, *, administers: bool) -> Role:
        return Role.OWNER if user.endswith("U0ALICE") else Role.STRANGER

    async def come_back(self, chat: ChatId) -> None:
        pass

    def menu(self) -> Iterable[tuple[str, str]]:
        return (("backtest", "when a line would have rung"),)


class New:
    """Nothing was met before."""

    async def first(self, name: str) -> bool:
        return True


@pytest.fixture
async def listening(fake: FakeSlack, connection: Connection, log: Log) -> AsyncIterator[None]:
    desk: Desk = Drawing()
    once: Once = New()
    sender = SlackSender(connection, pause=0.0, report=log.report)

    async def say(chat: ChatId, message: Message) -> None:
        await sender.send(chat, message, "answer")

    beat = Beat(every=0.2, quiet=60.0, patience=2.0)
    listener = SlackListener(connection, APP_TOKEN, desk, once, say, log.report, beat)
    running = asyncio.create_task(listener.run())
    await fake.until_connected()
    yield
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_slash_command_and_a_mention_are_answered_with_a_picture(
    fake: FakeSlack, listening: None
) -> None:
    await fake.slash("/backtest", "HSTECH day > 2%")
    await fake.until(lambda: fake.files[CHANNEL])
    assert len(fake.replies[CHANNEL]) == 1
    await fake.mention("backtest HSTECH day > 2%")
    await fake.until(lambda: len(fake.files[CHANNEL]) == 2)
    assert [each.content for each in fake.files[CHANNEL]] == [DRAWN.png] * 2


async def test_what_is_said_to_a_stranger_alone_is_not_shown_to_the_channel(
    fake: FakeSlack, listening: None
) -> None:
    await fake.slash("/backtest", "HSTECH day > 2%", user="U0CHARLIE")
    await fake.slash("/backtest", "HSTECH day > 2%", user="U0ALICE")
    await fake.until(lambda: fake.files[CHANNEL])
    assert sorted(each.response_type for each in fake.replies[CHANNEL]) == ["ephemeral", "in_channel"]
    assert len(fake.calls("files.getUploadURLExternal")) == 1


def test_the_manifest_asks_for_the_permission_to_show_files() -> None:
    assert "files:write" in manifest(())["oauth_config"]["scopes"]["bot"]
