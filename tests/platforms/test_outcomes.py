"""What every answer of a platform comes to, asked over the wire: the tables of outcomes, row by row."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from bot.alerts.outcome import (
    LONGEST_WAIT,
    Again,
    Broken,
    Gone,
    Moved,
    Outcome,
    Refused,
    Sent,
    Slow,
    Unknown,
    asked_wait,
)
from bot.chats.chat_id import ChatId
from bot.messages.blocks import Message, line, message_of, strong
from bot.platforms.slack.client import REFUSALS
from bot.platforms.slack.client import connect as connect_slack
from bot.platforms.slack.outcomes import BY_CODE
from bot.platforms.slack.send import SlackSender
from bot.platforms.telegram.client import connect as connect_telegram
from bot.platforms.telegram.outcomes import MEANINGS
from bot.platforms.telegram.send import TelegramSender
from tests.fakes import slack as fake_slack
from tests.fakes import telegram as fake_telegram
from tests.fakes.slack import CHANNEL, TEAM, FakeSlack
from tests.fakes.telegram import FakeTelegram

HERS = ChatId("telegram", "123456789", "11")
TOPIC = ChatId("telegram", "123456789", "-1001", "7")
HERE = ChatId("slack", TEAM, CHANNEL)
HELLO = message_of("Hang Seng is up 2%\nPrevious close 21,000")
GROWN = message_of("Hang Seng is up 4%")

ROUTE = Again("", scope="route")
CHAT = Again("")

TELEGRAM: list[tuple[int, str, Outcome]] = [
    (403, "Forbidden: bot was blocked by the user", Gone("")),
    (403, "Forbidden: bot was kicked from the group chat", Gone("")),
    (403, "Forbidden: bot was kicked from the supergroup chat", Gone("")),
    (403, "Forbidden: bot was kicked from the channel chat", Gone("")),
    (403, "Forbidden: user is deactivated", Gone("")),
    (403, "Forbidden: bot is not a member of the channel chat", Gone("")),
    (403, "Forbidden: bot can't initiate conversation with a user", Gone("")),
    (403, "Forbidden: bot can't send messages to bots", Gone("")),
    (403, "Forbidden: the group chat was deleted", Gone("")),
    (400, "Bad Request: chat not found", Gone("")),
    (400, "Bad Request: user not found", Gone("")),
    (400, "Bad Request: PEER_ID_INVALID", Gone("")),
    (400, "Bad Request: INPUT_USER_DEACTIVATED", Gone("")),
    (400, "Bad Request: CHANNEL_PRIVATE", Gone("")),
    (400, "Bad Request: message thread not found", Gone("")),
    (400, "Bad Request: TOPIC_DELETED", Gone("")),
    (400, "Bad Request: group chat was deactivated", Gone("")),
    (403, "Forbidden: not enough rights to send text messages to the chat", CHAT),
    (400, "Bad Request: not enough rights to send text messages to the chat", CHAT),
    (400, "Bad Request: have no rights to send a message", CHAT),
    (400, "Bad Request: need administrator rights in the channel chat", CHAT),
    (400, "Bad Request: CHAT_ADMIN_REQUIRED", CHAT),
    (400, "Bad Request: CHAT_RESTRICTED", CHAT),
    (400, "Bad Request: CHAT_WRITE_FORBIDDEN", CHAT),
    (400, "Bad Request: CHAT_SEND_PLAIN_FORBIDDEN", CHAT),
    (400, "Bad Request: TOPIC_CLOSED", CHAT),
    (400, "Bad Request: BALANCE_TOO_LOW", ROUTE),
    (400, "Bad Request: message is too long", Broken("")),
    (400, "Bad Request: MESSAGE_TOO_LONG", Broken("")),
    (400, "Bad Request: message caption is too long", Broken("")),
    (400, "Bad Request: MEDIA_CAPTION_TOO_LONG", Broken("")),
    (400, "Bad Request: message text is empty", Broken("")),
    (400, "Bad Request: text must be non-empty", Broken("")),
    (400, "Bad Request: message must be non-empty", Broken("")),
    (413, "Request Entity Too Large", Broken("")),
    (400, "Bad Request: the moon is full", Refused("")),
    (400, "Bad Request", Refused("")),
    (403, "Forbidden: the moon is full", Refused("")),
    (401, "Unauthorized", ROUTE),
    (404, "Not Found", ROUTE),
    (409, "Conflict: terminated by other getUpdates request", CHAT),
    (418, "I'm a teapot", CHAT),
    (500, "Internal Server Error", CHAT),
    (502, "Bad Gateway", CHAT),
]

SLACK: list[tuple[str, Outcome]] = [
    *[
        (code, Gone(""))
        for code in (
            "channel_not_found",
            "channel_is_archived",
            "is_archived",
            "is_inactive",
            "not_in_channel",
            "user_not_found",
            "user_disabled",
            "cannot_dm_bot",
            "messages_tab_disabled",
            "restricted_action",
            "restricted_action_non_threadable_channel",
            "restricted_action_read_only_channel",
            "restricted_action_thread_only_channel",
        )
    ],
    *[(code, ROUTE) for code in REFUSALS],
    *[
        (code, ROUTE)
        for code in (
            "accesslimited",
            "access_denied",
            "ekm_access_denied",
            "enterprise_is_restricted",
            "no_permission",
            "org_login_required",
            "team_access_not_granted",
            "team_added_to_org",
            "two_factor_setup_required",
            "message_limit_exceeded",
        )
    ],
    *[
        (code, CHAT)
        for code in (
            "fatal_error",
            "internal_error",
            "request_timeout",
            "service_unavailable",
            "external_channel_migrating",
            "team_not_found",
            "update_failed",
        )
    ],
    *[
        (code, Broken(""))
        for code in ("invalid_metadata_format", "invalid_metadata_schema", "metadata_too_large")
    ],
    *[(code, Slow("")) for code in ("rate_limited", "ratelimited")],
    *[(code, Refused("")) for code in ("a_word_of_tomorrow", "invalid_arguments", "unknown_method")],
]

SLACK_TAKES_WORDS = (
    "invalid_blocks",
    "invalid_blocks_format",
    "msg_blocks_too_long",
    "msg_too_long",
    "no_text",
)
SLACK_CHANGES_NO_MORE = (
    "message_not_found",
    "cant_update_message",
    "edit_window_closed",
    "block_mismatch",
    "streaming_state_conflict",
)


def kind(outcome: Outcome) -> tuple[type[Outcome], str]:
    return type(outcome), getattr(outcome, "scope", "")


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram(limits=False) as fake:
        yield fake


@pytest.fixture
async def on_telegram(telegram: FakeTelegram) -> AsyncIterator[TelegramSender]:
    bot = await connect_telegram(telegram.token, telegram.url)
    yield TelegramSender(bot)
    await bot.shutdown()


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack(limits=False) as fake:
        yield fake


@pytest.fixture
async def on_slack(slack: FakeSlack) -> AsyncIterator[SlackSender]:
    connection = await connect_slack(slack.bot_token, slack.url, patience=1.0)
    yield SlackSender(connection, pause=0.0)
    await connection.close()


# Telegram


@pytest.mark.parametrize("code, said, expected", TELEGRAM)
async def test_what_telegram_says_of_a_message(
    telegram: FakeTelegram, on_telegram: TelegramSender, code: int, said: str, expected: Outcome
) -> None:
    telegram.script(fake_telegram.Answer(code, said))
    assert kind(await on_telegram.send(HERS, HELLO, "d")) == kind(expected)
    assert len(telegram.calls("sendMessage")) == 1
    assert telegram.texts(11) == []


def test_every_row_of_telegrams_table_is_asked_for() -> None:
    # What cannot be parsed is sent again as words, below; the last rows are failures without words.
    asked = [said.casefold() for _, said, _ in TELEGRAM] + ["can't parse entities", "entities_too_long"]
    asked += ["can't parse caption entities", "entity_bounds_invalid"]
    assert [words for _, words, _ in MEANINGS if not any(words in each for each in asked)] == []


@pytest.mark.parametrize(
    "said",
    [
        "Bad Request: can't parse entities: Unsupported start tag",
        "Bad Request: can't parse caption entities: no",
        "Bad Request: ENTITY_BOUNDS_INVALID",
        "Bad Request: ENTITIES_TOO_LONG",
    ],
)
async def test_markup_that_telegram_cannot_read_is_sent_as_words_once_and_then_is_broken(
    telegram: FakeTelegram, on_telegram: TelegramSender, said: str
) -> None:
    telegram.script(fake_telegram.Answer(400, said))
    assert isinstance(await on_telegram.send(HERS, HELLO, "d"), Sent)
    assert telegram.texts(11) == ["Hang Seng is up 2%\nPrevious close 21,000"]
    telegram.script(fake_telegram.Answer(400, said), times=2)
    assert isinstance(await on_telegram.send(HERS, HELLO, "e"), Broken)
    assert len(telegram.calls("sendMessage")) == 4


@pytest.mark.parametrize(
    "parameters, wait",
    [
        ({"retry_after": 7}, 7_000),
        ({"retry_after": 0.25}, 250),
        ({"retry_after": 3600}, LONGEST_WAIT),
        ({"retry_after": 35_000}, LONGEST_WAIT),
        ({"retry_after": 86_401}, None),
        ({"retry_after": 10**400}, None),
        ({"retry_after": 0}, None),
        ({"retry_after": -7}, None),
        ({"retry_after": True}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": None}, None),
        ({"retry_after": [7]}, None),
        ({}, None),
    ],
)
async def test_telegrams_wait_is_believed_where_it_can_be_meant(
    telegram: FakeTelegram, on_telegram: TelegramSender, parameters: dict[str, object], wait: int | None
) -> None:
    telegram.script(fake_telegram.Answer(429, "Too Many Requests: retry after a while", parameters))
    outcome = await on_telegram.send(HERS, HELLO, "d")
    assert isinstance(outcome, Slow)
    assert outcome.wait == wait
    assert len(telegram.calls("sendMessage")) == 1


@pytest.mark.parametrize(
    "body",
    [
        "<html>slow down</html>",
        "",
        "[]",
        '"slow"',
        '{"parameters": 7}',
        '{"parameters": {"retry_after": NaN}}',
        '{"parameters": {"retry_after": 1e999}}',
        f'{{"parameters": {{"retry_after": {"9" * 5000}}}}}',
    ],
)
async def test_a_gateway_that_slows_down_in_its_own_words_is_heard_too(
    telegram: FakeTelegram, on_telegram: TelegramSender, body: str
) -> None:
    telegram.script(fake_telegram.Page(429, body))
    assert await on_telegram.send(HERS, HELLO, "d") == Slow("Too Many Requests")


async def test_a_group_that_became_a_supergroup_keeps_its_topic(
    telegram: FakeTelegram, on_telegram: TelegramSender
) -> None:
    telegram.migrate(-1001, -100777)
    moved = Moved(ChatId("telegram", "123456789", "-100777", "7"))
    assert await on_telegram.send(TOPIC, HELLO, "d") == moved
    assert await on_telegram.replace(TOPIC, "1", GROWN) == moved


@pytest.mark.parametrize(
    "code, said, expected",
    [
        (400, "Bad Request: message is not modified: specified new content is the same", Sent("1")),
        (400, "Bad Request: MESSAGE_NOT_MODIFIED", Sent("1")),
        (400, "Bad Request: message to edit not found", Broken("")),
        (400, "Bad Request: message can't be edited", Broken("")),
        (400, "Bad Request: MESSAGE_ID_INVALID", Broken("")),
        (400, "Bad Request: message identifier is not specified", Broken("")),
        (400, "Bad Request: MESSAGE_EDIT_TIME_EXPIRED", Broken("")),
        (400, "Bad Request: MESSAGE_AUTHOR_REQUIRED", Broken("")),
        (400, "Bad Request: there is no text in the message to edit", Broken("")),
        (400, "Bad Request: message is too long", Broken("")),
        (400, "Bad Request: the moon is full", Broken("")),
        (403, "Forbidden: the moon is full", Broken("")),
        (403, "Forbidden: bot was blocked by the user", Gone("")),
        (400, "Bad Request: chat not found", Gone("")),
        (400, "Bad Request: not enough rights to send text messages to the chat", CHAT),
        (401, "Unauthorized", ROUTE),
        (429, "Too Many Requests: retry after 7", Slow("")),
        (500, "Internal Server Error", CHAT),
    ],
)
async def test_what_telegram_says_of_a_change(
    telegram: FakeTelegram, on_telegram: TelegramSender, code: int, said: str, expected: Outcome
) -> None:
    await on_telegram.send(HERS, HELLO, "d")
    telegram.script(fake_telegram.Answer(code, said), method="editMessageText")
    assert kind(await on_telegram.replace(HERS, "1", GROWN)) == kind(expected)
    assert len(telegram.calls("editMessageText")) == 1
    assert len(telegram.calls("sendMessage")) == 1


async def test_a_change_that_telegram_cannot_read_is_made_in_words(
    telegram: FakeTelegram, on_telegram: TelegramSender
) -> None:
    await on_telegram.send(HERS, HELLO, "d")
    said = fake_telegram.Answer(400, "Bad Request: can't parse entities: no")
    telegram.script(said, method="editMessageText")
    assert await on_telegram.replace(HERS, "1", GROWN) == Sent("1")
    assert [each.text for each in telegram.edits[11]] == ["Hang Seng is up 4%"]
    telegram.script(said, method="editMessageText", times=2)
    assert isinstance(await on_telegram.replace(HERS, "1", message_of("+6%")), Broken)


async def test_a_message_that_would_take_several_is_no_change_of_one(
    telegram: FakeTelegram, on_telegram: TelegramSender, slack: FakeSlack, on_slack: SlackSender
) -> None:
    long = Message(strong("News"), tuple(line("x" * 2500) for _ in range(12)))
    assert isinstance(await on_telegram.replace(HERS, "1", long), Broken)
    assert isinstance(await on_slack.replace(HERE, "1.1", long), Broken)
    assert telegram.calls("editMessageText") == []
    assert slack.calls("chat.update") == []


# Slack


@pytest.mark.parametrize("code, expected", SLACK)
async def test_what_slack_says_of_a_message(
    slack: FakeSlack, on_slack: SlackSender, code: str, expected: Outcome
) -> None:
    slack.script(fake_slack.Answer(code))
    assert kind(await on_slack.send(HERE, HELLO, "d")) == kind(expected)
    assert len(slack.calls("chat.postMessage")) == 1
    assert slack.messages[CHANNEL] == []


def test_every_word_of_slacks_table_is_asked_for() -> None:
    asked = {code for code, _ in SLACK} | {*SLACK_TAKES_WORDS, *SLACK_CHANGES_NO_MORE}
    assert set(BY_CODE) - asked == set()


@pytest.mark.parametrize("code", SLACK_TAKES_WORDS)
async def test_blocks_that_slack_refuses_are_words_once_and_then_broken(
    slack: FakeSlack, on_slack: SlackSender, code: str
) -> None:
    slack.script(fake_slack.Answer(code))
    assert isinstance(await on_slack.send(HERE, HELLO, "d"), Sent)
    slack.script(fake_slack.Answer(code), times=2)
    assert isinstance(await on_slack.send(HERE, HELLO, "e"), Broken)
    assert len(slack.calls("chat.postMessage")) == 4


@pytest.mark.parametrize(
    "header, wait",
    [
        ("30", 30_000),
        (" 30 ", 30_000),
        ("3600", LONGEST_WAIT),
        ("80000", LONGEST_WAIT),
        ("86401", None),
        ("0", None),
        ("-1", None),
        ("+7", None),
        ("1.5", None),
        ("soon", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("٣", None),
        ("9" * 5000, None),
        ("", None),
        (None, None),
    ],
)
async def test_slacks_wait_is_believed_where_it_can_be_meant(
    slack: FakeSlack, on_slack: SlackSender, header: str | None, wait: int | None
) -> None:
    slack.script(fake_slack.Answer("ratelimited", 429, header))
    assert await on_slack.send(HERE, HELLO, "d") == Slow("Slack asks to slow down", wait)


@pytest.mark.parametrize(
    "code, expected",
    [
        *[(code, Broken("")) for code in SLACK_CHANGES_NO_MORE],
        ("a_word_of_tomorrow", Broken("")),
        ("is_archived", Gone("")),
        ("token_revoked", ROUTE),
        ("internal_error", CHAT),
        ("update_failed", CHAT),
        ("ratelimited", CHAT),
    ],
)
async def test_what_slack_says_of_a_change(
    slack: FakeSlack, on_slack: SlackSender, code: str, expected: Outcome
) -> None:
    shown = await on_slack.send(HERE, HELLO, "d")
    assert isinstance(shown, Sent)
    slack.script(fake_slack.Answer(code), method="chat.update")
    assert kind(await on_slack.replace(HERE, shown.message_id, GROWN)) == kind(expected)
    assert len(slack.calls("chat.postMessage")) == 1


async def test_a_change_whose_blocks_slack_refuses_is_made_in_words(
    slack: FakeSlack, on_slack: SlackSender
) -> None:
    shown = await on_slack.send(HERE, HELLO, "d")
    assert isinstance(shown, Sent)
    slack.script(fake_slack.Answer("invalid_blocks"), method="chat.update")
    assert await on_slack.replace(HERE, shown.message_id, GROWN) == shown
    (message,) = slack.messages[CHANNEL]
    assert (message.blocks, message.text) == ([], "Hang Seng is up 4%")


# A doubt is looked into before it is told


@pytest.mark.parametrize(
    "fault", [fake_slack.Answer("internal_error"), fake_slack.GATEWAY, fake_slack.DropBefore()]
)
async def test_what_slack_neither_took_nor_tells_of_is_unknown(
    slack: FakeSlack, on_slack: SlackSender, fault: fake_slack.Fault
) -> None:
    slack.script(fault)
    slack.script(fake_slack.GATEWAY, method="conversations.history")
    assert isinstance(await on_slack.send(HERE, HELLO, "d"), Unknown)


async def test_a_look_that_comes_too_fast_waits_as_long_as_slack_says(
    slack: FakeSlack, on_slack: SlackSender
) -> None:
    sent = await on_slack.send(HERE, HELLO, "d")
    slack.script(fake_slack.Answer("ratelimited", 429, "1"), method="conversations.history")
    assert await on_slack.find(HERE, "d") == sent
    first, second = slack.calls("conversations.history")
    assert second.at - first.at >= 1.0


async def test_a_long_message_of_which_slack_does_not_tell_is_not_begun_anew(
    slack: FakeSlack, on_slack: SlackSender
) -> None:
    long = Message(strong("News"), tuple(line("x" * 2500) for _ in range(12)))
    slack.script(fake_slack.Late(0))
    slack.script(fake_slack.Answer("ratelimited", 429, "1"))
    assert isinstance(await on_slack.send(HERE, long, "d"), Slow)
    slack.script(fake_slack.GATEWAY, method="conversations.history")
    assert isinstance(await on_slack.send(HERE, long, "d"), Again)
    assert isinstance(await on_slack.send(HERE, long, "d"), Sent)
    assert [each.text for each in slack.messages[CHANNEL]] == ["News (1/3)", "News (2/3)", "News (3/3)"]


async def test_a_long_message_is_sent_where_the_bot_may_not_look(
    slack: FakeSlack, on_slack: SlackSender
) -> None:
    long = Message(strong("News"), tuple(line("x" * 2500) for _ in range(12)))
    slack.script(fake_slack.Answer("missing_scope"), method="conversations.history")
    assert isinstance(await on_slack.send(HERE, long, "d"), Sent)
    assert len(slack.messages[CHANNEL]) == 3


async def test_a_delivery_is_found_behind_hundreds_of_others(slack: FakeSlack, on_slack: SlackSender) -> None:
    sent = [await on_slack.send(HERE, HELLO, f"d{at}") for at in range(401)]
    assert await on_slack.find(HERE, "d0") == sent[0]
    assert len(slack.calls("conversations.history")) == 3
    assert isinstance(await on_slack.find(HERE, "never"), Again)


# Whatever is long, whole


async def test_nothing_of_a_long_message_is_lost_on_either_platform(
    telegram: FakeTelegram, on_telegram: TelegramSender, slack: FakeSlack, on_slack: SlackSender
) -> None:
    words = " ".join(f"<word&{at}>" for at in range(2000))
    message = message_of(f"News\n{words}")
    unhurried = TelegramSender(on_telegram.bot, pause=_at_once)
    assert isinstance(await unhurried.send(HERS, message, "d"), Sent)
    assert isinstance(await on_slack.send(HERE, message, "d"), Sent)
    assert " ".join(telegram.texts(11)).split() == ["News", *words.split()]
    seen = "".join(json.dumps(each.blocks) for each in slack.messages[CHANNEL])
    assert [at for at in range(2000) if f"word&amp;{at}&gt;" not in seen] == []
    assert slack.unescaped == []


async def _at_once(_seconds: float) -> None:
    return None


@pytest.mark.parametrize(
    "seconds, wait",
    [(0.0001, 1), (1, 1000), (3600, 3_600_000), (86_400, 3_600_000), (86_401, None), (float("nan"), None)],
)
def test_a_wait_is_rounded_up_and_never_longer_than_an_hour(seconds: float, wait: int | None) -> None:
    assert asked_wait(seconds) == wait
