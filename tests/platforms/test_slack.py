from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.alerts.outcome import Again, Broken, Gone, Outcome, Refused, Sent, Slow, Unknown
from bot.chats.chat_id import ChatId
from bot.chats.roles import Role
from bot.errors import Away, NotKnown, WrongServer
from bot.messages.blocks import Line, Link, Message, Strong, Table, Words, line, message_of, strong
from bot.platforms.slack.client import Connection, connect
from bot.platforms.slack.listen import SlackListener
from bot.platforms.slack.manifest import manifest
from bot.platforms.slack.render import Post, render
from bot.platforms.slack.send import SlackSender
from bot.platforms.slack.watch import Beat
from bot.ports import Desk, Once, Sender
from tests.fakes.slack import (
    APP_TOKEN,
    BOT_TOKEN,
    BOT_USER,
    CHANNEL,
    DIRECT,
    GATEWAY,
    MAINTENANCE,
    NO_JSON,
    TEAM,
    Answer,
    DropAfter,
    DropBefore,
    FakeSlack,
    Fault,
    Late,
    Murky,
    Page,
)
from tests.fakes.slack_blocks import check_blocks

HERE = ChatId("slack", TEAM, CHANNEL)
ALERT = Message(
    strong("Xiaomi 17.56 −5.1%"), (line("Close of 15 Mar 2022"),), line("Yahoo Finance, 16:10 HKT")
)
BRISK = Beat(every=0.2, quiet=60.0, patience=2.0)


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
def sender(connection: Connection) -> SlackSender:
    return SlackSender(connection, pause=0.0)


# Connecting


async def test_a_connection_knows_its_workspace_and_its_own_user(connection: Connection) -> None:
    assert (connection.team, connection.bot_user) == (TEAM, BOT_USER)


@pytest.mark.parametrize("code", ["invalid_auth", "token_revoked", "account_inactive"])
async def test_a_refused_token_is_told_in_one_sentence_that_does_not_show_it(
    fake: FakeSlack, code: str
) -> None:
    fake.refusing = code
    with pytest.raises(WrongServer) as refused:
        await connect(BOT_TOKEN, fake.url)
    said = str(refused.value)
    assert said.startswith("Slack refuses the token in SLACK_BOT_TOKEN: ")
    assert code in said
    assert BOT_TOKEN not in said


async def test_a_slack_that_is_not_there_is_away(fake: FakeSlack) -> None:
    await fake.stop()
    with pytest.raises(Away, match="Slack does not answer"):
        await connect(BOT_TOKEN, fake.url)


@pytest.mark.parametrize(
    "page",
    [
        GATEWAY,
        MAINTENANCE,
        NO_JSON,
        Page(200, "[1]", "application/json"),
        Page(200, '{"ok": true}', "application/json"),
    ],
)
async def test_a_server_that_does_not_speak_like_slack_is_away(fake: FakeSlack, page: Page) -> None:
    fake.script(page, method="auth.test")
    with pytest.raises(Away):
        await connect(BOT_TOKEN, fake.url)


# Rendering


def test_a_message_is_a_header_its_lines_and_a_small_line_below() -> None:
    message = Message(
        strong("S&P 500 −5.1% < −5%"),
        (
            Line((Strong("1810.HK"), Words(" fell, says "), Link("the SEC", "https://sec.gov/a?b=1&c=2"))),
            line("Second"),
            Table((("Day", "17.10"), ("Week", "16.00"))),
            line("After"),
        ),
        line("Yahoo"),
    )
    (post,) = render(message)
    assert post.text == "S&amp;P 500 −5.1% &lt; −5%"
    assert [shape["type"] for shape in post.blocks] == ["header", "section", "section", "section", "context"]
    assert post.blocks[0]["text"] == {"type": "plain_text", "text": post.text, "emoji": False}
    assert post.blocks[1]["text"] == {
        "type": "mrkdwn",
        "text": "*1810.HK* fell, says <https://sec.gov/a?b=1&amp;c=2|the SEC>\nSecond",
        "verbatim": True,
    }
    assert post.blocks[2]["text"]["text"] == "```\nDay   17.10\nWeek  16.00\n```"
    assert post.blocks[4]["elements"][0]["text"] == "Yahoo"


def test_a_heading_that_is_too_long_for_a_header_or_has_a_link_is_a_section() -> None:
    (long,) = render(Message(strong("x" * 151)))
    (linked,) = render(Message(Line((Link("x", "https://a.example"),))))
    assert [long.blocks[0]["type"], linked.blocks[0]["type"]] == ["section", "section"]


@pytest.mark.parametrize(
    "hostile, shown",
    [
        ("<!channel> now", "&lt;!channel&gt; now"),
        ("<@U0ALICE>", "&lt;@U0ALICE&gt;"),
        ("<http://evil.example|bank.example>", "&lt;http://evil.example|bank.example&gt;"),
        ("&lt;!here&gt;", "&amp;lt;!here&amp;gt;"),
        ("*bold* ~gone~ `code`", "∗bold∗ ∼gone∼ ˋcodeˋ"),
        ("_slanted_ but BRK_B and __init__", "＿slanted＿ but BRK_B and ＿＿init＿＿"),
        ("> quoted", "› quoted"),
        ("a\u202eb\u200bc\u2066d\ufeffe\x00f\u00adg", "abcdefg"),
        ("two\nlines\r\nand\u2028more", "two lines  and more"),
        ("half \ud83d a pair", "half  a pair"),
    ],
)
def test_hostile_words_stay_words(hostile: str, shown: str) -> None:
    (post,) = render(Message(strong("A"), (line(hostile),)))
    assert post.blocks[1]["text"]["text"] == shown


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "slack://open",
        "//a.example",
        "https://",
        "https://bank.example@evil.example/",
        "http://[::1",
        "https://a.example/" + "x" * 2000,
    ],
)
def test_a_link_that_leads_astray_is_only_its_words(url: str) -> None:
    (post,) = render(Message(strong("A"), (Line((Link("read", url),)),)))
    assert post.blocks[1]["text"]["text"] == "read"


def test_a_link_cannot_be_ended_from_within() -> None:
    url = "https://a.example/x|y>z <!channel>"
    (post,) = render(Message(strong("A"), (Line((Link("a|b>c", url),)),)))
    assert post.blocks[1]["text"]["text"] == "<https://a.example/x%7Cy%3Ez%20%3C!channel%3E|a¦b&gt;c>"


def test_a_backtick_cannot_end_a_table() -> None:
    (post,) = render(Message(strong("A"), (Table((("``` <!here>", "1"),)),)))
    assert post.blocks[1]["text"]["text"].count("```") == 2
    assert "<!" not in post.blocks[1]["text"]["text"]


def test_bold_keeps_apart_from_letters_that_would_unmake_it() -> None:
    (post,) = render(Message(strong("A"), (Line((Words("小米"), Strong("急跌"), Words("今日"))),)))
    assert post.blocks[1]["text"]["text"] == "小米 *急跌* 今日"


def test_a_long_message_becomes_several_numbered_ones_and_loses_nothing() -> None:
    lines = tuple(line(f"story {at} " + "x" * 300) for at in range(100))
    posts = render(Message(strong("News"), lines, line("end")))
    assert [post.text for post in posts] == [f"News ({at}/{len(posts)})" for at in range(1, len(posts) + 1)]
    sent = "".join(seen(post) for post in posts)
    assert [f"story {at} " in sent for at in range(100)] == [True] * 100


TEXT = st.text(max_size=400) | st.lists(
    st.sampled_from(
        ["<!channel>", "<@U1>", "<!", "<", ">", "&lt;!", "|", "*", "`", "```", "_", "~", "\n", " ", "a", "小"]
    )
).map("".join)
SPAN = (
    st.builds(Words, TEXT)
    | st.builds(Strong, TEXT)
    | st.builds(Link, TEXT, TEXT | TEXT.map(lambda tail: f"https://a.example/{tail}"))
)
LINE = st.builds(Line, st.lists(SPAN, max_size=4).map(tuple))
TABLE = st.integers(1, 3).flatmap(
    lambda width: st.builds(
        Table, st.lists(st.lists(TEXT, min_size=width, max_size=width).map(tuple), max_size=4).map(tuple)
    )
)
REPEATED = st.tuples(st.lists(LINE | TABLE, max_size=5), st.sampled_from([1, 1, 30])).map(
    lambda drawn: tuple(drawn[0] * drawn[1])
)
MESSAGE = st.builds(Message, LINE, REPEATED, st.none() | LINE)


@given(MESSAGE)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_strangers_write_nobody_is_mentioned_and_slack_takes_it(message: Message) -> None:
    for post in render(message):
        assert post.text.strip()
        check_blocks(list(post.blocks))
        wire = json.dumps([post.text, *post.blocks], ensure_ascii=False)
        wire.encode()
        assert not re.search(r"<[!@#]", wire)
        assert len(wire) < 12_200
        bare = re.sub(r"<https?://[^<>|\s]+\|[^<>|]+>", "", seen(post))
        assert "<" not in bare
        assert ">" not in bare
        assert len(post.plainer().text) <= 12_200


def seen(post: Post) -> str:
    texts = [
        str(each["text"])
        for shape in post.blocks
        for each in shape.get("elements", [shape.get("text", {"text": ""})])
    ]
    return "\n".join((post.text, *texts))


# Sending


async def test_a_message_is_shown_with_the_name_of_its_delivery(fake: FakeSlack, sender: SlackSender) -> None:
    outcome = await sender.send(HERE, ALERT, "d-1")
    (shown,) = fake.messages[CHANNEL]
    assert outcome == Sent(shown.ts)
    assert shown.text == "Xiaomi 17.56 −5.1%"
    assert shown.metadata == {"event_type": "marketbell_delivery", "event_payload": {"delivery": "d-1"}}
    (call,) = fake.calls("chat.postMessage")
    assert (call.params["parse"], call.params["link_names"]) == ("none", False)
    assert (call.params["unfurl_links"], call.params["unfurl_media"]) == (False, False)
    assert fake.unescaped == []


def test_the_sender_is_one(sender: SlackSender) -> None:
    port: Sender = sender
    assert port.route == HERE.route


SENDING: list[tuple[Fault, Outcome]] = [
    (Answer("ratelimited", 429, "30"), Slow("", wait=30_000)),
    (Answer("ratelimited", 429), Slow("")),
    (Page(429, "<html>slow down</html>"), Slow("")),
    (Answer("channel_not_found"), Gone("")),
    (Answer("is_archived"), Gone("")),
    (Answer("channel_is_archived"), Gone("")),
    (Answer("not_in_channel"), Gone("")),
    (Answer("restricted_action"), Gone("")),
    (Answer("account_inactive"), Again("", scope="route")),
    (Answer("token_revoked"), Again("", scope="route")),
    (Answer("invalid_auth"), Again("", scope="route")),
    (Answer("not_authed"), Again("", scope="route")),
    (Answer("internal_error"), Again("")),
    (Answer("fatal_error", 500), Again("")),
    (Answer("service_unavailable", 503), Again("")),
    (Answer("a_word_of_tomorrow"), Refused("")),
    (GATEWAY, Again("")),
    (MAINTENANCE, Again("")),
    (NO_JSON, Unknown("")),
    (Page(200, "[1]", "application/json"), Unknown("")),
    (Page(200, '{"ok": true}', "application/json"), Unknown("")),
    (DropBefore(), Unknown("")),
]


@pytest.mark.parametrize("fault, expected", SENDING, ids=lambda each: repr(each)[:50])
async def test_every_refusal_has_its_outcome(
    fake: FakeSlack, sender: SlackSender, fault: Fault, expected: Outcome
) -> None:
    fake.script(fault)
    outcome = await sender.send(HERE, ALERT, "d-1")
    assert without_why(outcome) == without_why(expected)
    assert fake.messages[CHANNEL] == []
    assert len(fake.calls("chat.postMessage")) == 1
    assert BOT_TOKEN not in repr(outcome)


def without_why(outcome: Outcome) -> tuple[type, Any, Any]:
    return type(outcome), getattr(outcome, "wait", None), getattr(outcome, "scope", None)


async def test_the_limits_of_a_channel_are_told_with_their_wait(sender: SlackSender, fake: FakeSlack) -> None:
    fake.limits = True
    outcomes = [await sender.send(HERE, ALERT, f"d-{at}") for at in range(6)]
    assert [type(each) for each in outcomes[:4]] == [Sent] * 4
    assert outcomes[5] in (Slow("Slack asks to slow down", 1000), Slow("Slack asks to slow down", 2000))


async def test_a_channel_that_does_not_exist_is_gone(sender: SlackSender) -> None:
    assert isinstance(await sender.send(ChatId("slack", TEAM, "C0NOWHERE"), ALERT, "d-1"), Gone)


async def test_a_refused_connection_leaves_the_message_for_later(
    fake: FakeSlack, sender: SlackSender
) -> None:
    await fake.stop()
    refused = await sender.send(HERE, ALERT, "d-1")
    assert isinstance(refused, Again)
    assert refused.scope == "route"


@pytest.mark.parametrize("fault", [DropAfter(), Murky("internal_error"), Murky("fatal_error"), Late(1.5)])
async def test_a_message_that_is_shown_all_the_same_is_found(
    fake: FakeSlack, sender: SlackSender, fault: Fault
) -> None:
    await sender.send(HERE, ALERT, "d-0")
    fake.script(fault)
    outcome = await sender.send(HERE, ALERT, "d-1")
    assert outcome == Sent(fake.messages[CHANNEL][1].ts)
    assert len(fake.messages[CHANNEL]) == 2
    assert len(fake.calls("conversations.history")) == 1


async def test_a_lookup_that_fails_leaves_the_outcome_unknown(fake: FakeSlack, sender: SlackSender) -> None:
    fake.script(DropAfter())
    fake.script(Answer("missing_scope"), method="conversations.history")
    assert isinstance(await sender.send(HERE, ALERT, "d-1"), Unknown)


async def test_a_delivery_is_found_by_its_name_only(sender: SlackSender) -> None:
    sent = await sender.send(HERE, ALERT, "d-1")
    assert await sender.find(HERE, "d-1") == sent
    assert isinstance(await sender.find(HERE, "d-2"), Again)


async def test_a_delivery_that_slack_cannot_look_up_is_unknown(fake: FakeSlack, sender: SlackSender) -> None:
    fake.script(GATEWAY, method="conversations.history")
    assert isinstance(await sender.find(HERE, "d-1"), Unknown)


async def test_a_delivery_that_more_was_said_after_than_is_looked_through_is_unknown(
    fake: FakeSlack, sender: SlackSender
) -> None:
    await sender.send(HERE, ALERT, "d-0")
    await sender.send(HERE, ALERT, "d-1")
    others = (replace(fake.messages[CHANNEL][1], metadata={}) for _ in range(999))
    fake.messages[CHANNEL] += others
    assert isinstance(await sender.find(HERE, "d-1"), Sent)
    assert isinstance(await sender.find(HERE, "d-0"), Unknown)


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_too_long", "msg_blocks_too_long"])
async def test_blocks_that_slack_refuses_are_sent_as_plain_text_once(
    fake: FakeSlack, sender: SlackSender, code: str
) -> None:
    fake.script(Answer(code))
    outcome = await sender.send(HERE, ALERT, "d-1")
    (shown,) = fake.messages[CHANNEL]
    assert outcome == Sent(shown.ts)
    assert shown.blocks == []
    assert shown.text == "Xiaomi 17.56 −5.1%\nClose of 15 Mar 2022\nYahoo Finance, 16:10 HKT"


async def test_a_message_that_is_refused_as_plain_text_too_is_broken(
    fake: FakeSlack, sender: SlackSender
) -> None:
    fake.script(Answer("invalid_blocks"), times=2)
    assert isinstance(await sender.send(HERE, ALERT, "d-1"), Broken)
    assert len(fake.calls("chat.postMessage")) == 2


async def test_a_long_message_goes_on_where_it_was_held_up(fake: FakeSlack, sender: SlackSender) -> None:
    long = Message(strong("News"), tuple(line("x" * 2500) for _ in range(12)))
    fake.script(Late(0))
    fake.script(Answer("ratelimited", 429, "1"))
    assert isinstance(await sender.send(HERE, long, "d-1"), Slow)
    assert isinstance(await sender.find(HERE, "d-1"), Again)
    outcome = await sender.send(HERE, long, "d-1")
    assert [each.text for each in fake.messages[CHANNEL]] == ["News (1/3)", "News (2/3)", "News (3/3)"]
    assert outcome == Sent(fake.messages[CHANNEL][0].ts, posts=2)
    assert await sender.find(HERE, "d-1") == Sent(fake.messages[CHANNEL][0].ts)


# Listening

ROLES = {"U0ALICE": Role.OWNER, "U0BOB": Role.MEMBER}


@dataclass
class Counter:
    """A desk that repeats what it was asked, and remembers everything."""

    asked: list[tuple[str, str, Role]] = field(default_factory=list)
    users: list[tuple[str, bool]] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    thinks: float = 0.0

    async def answer(self, line: str, chat: ChatId, role: Role) -> Message:
        await asyncio.sleep(self.thinks)
        self.asked.append((line, str(chat), role))
        match line:
            case "/fail":
                raise RuntimeError(BOT_TOKEN)
            case "/unknown":
                raise NotKnown("No price is held yet.")
        return message_of(f"{line}\nfor a {role.name.lower()}")

    async def role(self, chat: ChatId, user: str, *, administers: bool) -> Role:
        self.users.append((user, administers))
        return ROLES.get(user.rpartition(":")[2], Role.STRANGER)

    async def come_back(self, chat: ChatId) -> None:
        self.back.append(str(chat))

    def menu(self) -> Iterable[tuple[str, str]]:
        return (("quote", "A quote"), ("mute", "Silence"), ("help", "Help"))


@dataclass
class Memory:
    met: list[str] = field(default_factory=list)
    is_away: bool = False

    async def first(self, name: str) -> bool:
        if self.is_away:
            raise Away("Redis does not answer.")
        self.met.append(name)
        return self.met.count(name) == 1


@dataclass
class Listening:
    desk: Counter
    once: Memory
    said: list[tuple[ChatId, Message]] = field(default_factory=list)
    reports: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def say(self, chat: ChatId, message: Message) -> None:
        self.said.append((chat, message))
        self.changed.set()

    def report(self, event: str, **more: Any) -> None:
        self.reports.append((event, more))
        self.changed.set()

    async def until(self, settled: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not settled():
                self.changed.clear()
                await self.changed.wait()

    async def until_said(self, count: int) -> None:
        await self.until(lambda: len(self.said) >= count)


@asynccontextmanager
async def listening(fake: FakeSlack, connection: Connection, beat: Beat = BRISK) -> AsyncIterator[Listening]:
    ears = Listening(Counter(), Memory())
    desk: Desk = ears.desk
    once: Once = ears.once
    listener = SlackListener(connection, APP_TOKEN, desk, once, ears.say, ears.report, beat)
    assert APP_TOKEN not in repr(listener)
    running = asyncio.create_task(listener.run())
    try:
        await fake.until_connected()
        yield ears
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled(), running.exception()


async def test_a_message_grows_in_its_place(fake: FakeSlack, sender: SlackSender) -> None:
    shown = await sender.send(HERE, Message(line("HSI +4%")), "d1")
    assert isinstance(shown, Sent)
    assert await sender.replace(HERE, shown.message_id, Message(line("HSI +6%"))) == shown
    assert [each.text for each in fake.messages[CHANNEL]] == ["HSI +6%"]
    assert await sender.find(HERE, "d1") == shown


async def test_a_message_that_is_gone_cannot_grow(fake: FakeSlack, sender: SlackSender) -> None:
    assert isinstance(await sender.replace(HERE, "1.000001", Message(line("HSI +6%"))), Broken)
    assert isinstance(await sender.send(HERE, Message(line("HSI +6%")), "d2"), Sent)


@pytest.fixture
async def ears(fake: FakeSlack, connection: Connection) -> AsyncIterator[Listening]:
    async with listening(fake, connection) as ears:
        yield ears


async def test_a_slash_command_is_acknowledged_at_once_and_answered_to_all(
    fake: FakeSlack, ears: Listening
) -> None:
    ears.desk.thinks = 0.3
    acked = await fake.slash("/quote", "1810.HK")
    assert acked.seconds < 0.3
    assert fake.replies[CHANNEL] == []
    await fake.until(lambda: fake.replies[CHANNEL])
    (reply,) = fake.replies[CHANNEL]
    assert reply.text == "/quote 1810.HK"
    assert reply.response_type == "in_channel"
    assert reply.blocks[1]["text"]["text"] == "for a owner"
    assert ears.desk.asked == [("/quote 1810.HK", f"slack:{TEAM}:{CHANNEL}", Role.OWNER)]
    assert ears.desk.users == [(f"slack:{TEAM}:U0ALICE", False)]


@pytest.mark.parametrize(
    "text, line", [("quote 1810.HK", "/quote 1810.HK"), ("/mute 2h", "/mute 2h"), ("", "/help")]
)
async def test_the_bots_own_slash_command_gives_any_command(
    fake: FakeSlack, ears: Listening, text: str, line: str
) -> None:
    await fake.slash("/marketbell", text)
    await fake.until(lambda: fake.replies[CHANNEL])
    assert [asked[0] for asked in ears.desk.asked] == [line]


async def test_a_stranger_alone_sees_what_a_stranger_is_told(fake: FakeSlack, ears: Listening) -> None:
    await fake.slash("/quote", "1810.HK", user="U0MALLORY")
    await fake.until(lambda: fake.replies[CHANNEL])
    assert ears.desk.asked[0][2] is Role.STRANGER
    assert fake.replies[CHANNEL][0].response_type == "ephemeral"


async def test_a_mention_is_answered_in_its_channel(fake: FakeSlack, ears: Listening) -> None:
    acked = await fake.mention("quote 1810.HK")
    await ears.until_said(1)
    assert "<http://1810.HK|1810.HK>" in acked.payload["event"]["text"]
    assert acked.seconds < 3
    assert ears.said[0][0] == HERE
    assert ears.desk.asked == [("/quote 1810.HK", f"slack:{TEAM}:{CHANNEL}", Role.OWNER)]


async def test_a_mention_may_come_last_and_alone_asks_for_help(fake: FakeSlack, ears: Listening) -> None:
    for text in (f"quote AT&amp;T <@{BOT_USER}>", f"<@{BOT_USER}>"):
        await fake.event(type="app_mention", text=text, channel=CHANNEL, user="U0BOB")
    await ears.until_said(2)
    assert {asked[0] for asked in ears.desk.asked} == {"/quote AT&T", "/help"}


async def test_a_direct_message_is_heard_when_it_is_a_command(fake: FakeSlack, ears: Listening) -> None:
    await fake.dm("good morning")
    await fake.dm("Quote 1810.HK")
    await fake.dm("/anything else")
    await ears.until_said(2)
    assert {asked[0] for asked in ears.desk.asked} == {"/Quote 1810.HK", "/anything else"}
    assert ears.desk.users == [(f"slack:{TEAM}:U0ALICE", True)] * 2
    assert ears.said[0][0] == ChatId("slack", TEAM, DIRECT)


async def test_start_lets_a_chat_come_back_first(fake: FakeSlack, ears: Listening) -> None:
    await fake.slash("/start")
    await fake.until(lambda: fake.replies[CHANNEL])
    assert ears.desk.back == [str(HERE)]


async def test_an_event_that_is_told_five_times_has_one_effect(fake: FakeSlack, ears: Listening) -> None:
    told = await fake.mention("quote 1810.HK")
    for retry in range(1, 5):
        await fake.tell(told.kind, told.payload, retry=retry, reason="timeout")
    await fake.mention("help")
    await ears.until_said(2)
    assert sorted(asked[0] for asked in ears.desk.asked) == ["/help", "/quote 1810.HK"]


async def test_a_slash_command_that_is_told_twice_has_one_effect(fake: FakeSlack, ears: Listening) -> None:
    told = await fake.slash("/quote", "1810.HK")
    await fake.tell(told.kind, told.payload)
    await fake.slash("/help")
    await fake.until(lambda: len(fake.replies[CHANNEL]) == 2)
    assert len(ears.desk.asked) == 2


async def test_a_retry_of_what_was_never_seen_is_heard(fake: FakeSlack, ears: Listening) -> None:
    event = {"type": "app_mention", "text": f"<@{BOT_USER}> help", "channel": CHANNEL, "user": "U0BOB"}
    payload = {"type": "event_callback", "team_id": TEAM, "event_id": "Ev9", "event": {**event, "ts": "1.0"}}
    await fake.tell("events_api", payload, retry=2, reason="http_timeout")
    await ears.until_said(1)


@pytest.mark.parametrize(
    "event",
    [
        {"bot_id": "B0OTHER", "user": "U0OTHER"},
        {"bot_id": "B0BOT", "user": BOT_USER},
        {"user": BOT_USER},
        {"subtype": "message_changed", "user": "U0ALICE"},
        {"edited": {"user": "U0ALICE", "ts": "1.0"}, "user": "U0ALICE"},
        {"user": None},
    ],
)
async def test_bots_and_changed_messages_are_not_listened_to(
    fake: FakeSlack, ears: Listening, event: dict[str, Any]
) -> None:
    said: dict[str, Any] = {
        "type": "message",
        "channel_type": "im",
        "channel": DIRECT,
        "text": "help",
        **event,
    }
    acked = await fake.event(**said)
    await fake.dm("quote 1")
    await ears.until_said(1)
    assert acked.seconds < 3
    assert [asked[0] for asked in ears.desk.asked] == ["/quote 1"]


async def test_a_mention_in_a_direct_message_is_answered_once(fake: FakeSlack, ears: Listening) -> None:
    await fake.mention("help", channel=DIRECT)
    await fake.dm(f"<@{BOT_USER}> help")
    await fake.event(
        type="message", channel_type="im", text=f"<@{BOT_USER}> help", channel=DIRECT, user="U0BOB"
    )
    await ears.until_said(1)
    assert [asked[0] for asked in ears.desk.asked] == ["/help"]


async def test_an_event_that_is_none_of_the_bots_is_acknowledged(fake: FakeSlack, ears: Listening) -> None:
    acked = await fake.event(type="member_joined_channel", user="U0ALICE", channel=CHANNEL)
    assert acked.seconds < 3


async def test_a_command_that_fails_is_answered_and_the_next_one_too(
    fake: FakeSlack, ears: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await fake.slash("/fail")
    await fake.until(lambda: len(fake.replies[CHANNEL]) == 1)
    await fake.slash("/unknown")
    await fake.until(lambda: len(fake.replies[CHANNEL]) == 2)
    assert [reply.text for reply in fake.replies[CHANNEL]] == [
        "That went wrong here. The bot's log says why.",
        "No price is held yet.",
    ]
    assert ears.reports == [("slack command failed", {"chat": str(HERE), "why": "RuntimeError"})]
    assert not [record for record in caplog.records if "slack" in record.name]
    assert BOT_TOKEN not in caplog.text + repr(ears.reports)
    assert APP_TOKEN not in caplog.text + repr(ears.reports)


async def test_whoever_asks_while_redis_is_away_is_told(fake: FakeSlack, ears: Listening) -> None:
    ears.once.is_away = True
    await fake.slash("/quote", "1810.HK")
    await fake.until(lambda: fake.replies[CHANNEL])
    assert fake.replies[CHANNEL][0].text == "Redis does not answer."


async def test_an_answer_that_slack_does_not_take_is_reported_without_its_address(
    fake: FakeSlack, ears: Listening
) -> None:
    fake.script(GATEWAY, method="response_url")
    await fake.slash("/quote", "1810.HK")
    await ears.until(lambda: ears.reports)
    assert ears.reports == [
        ("slack command failed", {"chat": str(HERE), "why": "Slack did not take an answer: HTTP 502."})
    ]


# The socket


async def test_a_refused_app_token_ends_the_listener(fake: FakeSlack, connection: Connection) -> None:
    fake.app_token = "xapp-another"
    ears = Listening(Counter(), Memory())
    listener = SlackListener(connection, APP_TOKEN, ears.desk, ears.once, ears.say, ears.report)
    with pytest.raises(WrongServer) as refused:
        await listener.run()
    assert str(refused.value) == "Slack refuses the token in SLACK_APP_TOKEN: no such token (invalid_auth)."


async def test_a_socket_that_is_refreshed_is_followed(fake: FakeSlack, ears: Listening) -> None:
    await fake.disconnect()
    await fake.until(lambda: fake.opened == 2)
    await fake.until_connected()
    await fake.slash("/quote", "1810.HK")
    await fake.until(lambda: fake.replies[CHANNEL])


async def test_a_mute_socket_is_replaced(fake: FakeSlack, ears: Listening) -> None:
    fake.mute()
    await fake.until(lambda: fake.opened == 2)
    await fake.slash("/quote", "1810.HK")
    await fake.until(lambda: fake.replies[CHANNEL])
    assert ears.reports[0] == ("slack socket is mute", {"why": "Slack does not answer pings"})


async def test_a_quiet_socket_is_replaced_without_a_word(fake: FakeSlack, connection: Connection) -> None:
    async with listening(fake, connection, Beat(every=0.1, quiet=0.2, patience=2.0)) as ears:
        await fake.until(lambda: fake.opened >= 2)
        await fake.slash("/help")
        await fake.until(lambda: fake.replies[CHANNEL])
        assert ears.reports == []


async def test_a_slack_that_was_away_is_listened_to_again(fake: FakeSlack, ears: Listening) -> None:
    await fake.stop()
    await ears.until(lambda: len(ears.reports) == 2)
    await fake.start()
    await fake.until_connected()
    await fake.slash("/help")
    await fake.until(lambda: fake.replies[CHANNEL])
    await ears.until(lambda: ears.reports[-1][0] == "slack socket is open again")
    assert [event for event, _ in ears.reports[:2]] == ["slack socket is mute", "slack socket does not open"]


async def test_a_slack_that_never_greets_is_away_and_tried_again(
    fake: FakeSlack, connection: Connection
) -> None:
    fake.is_mute = True
    async with listening(fake, connection, Beat(every=0.1, patience=0.3)) as ears:
        await fake.until(lambda: fake.opened == 2)
        fake.is_mute = False
        opened = fake.opened
        await fake.until(lambda: fake.opened > opened)
        await fake.slash("/help")
        await fake.until(lambda: fake.replies[CHANNEL])
        assert ears.reports[0] == ("slack socket does not open", {"why": "Slack opens no socket."})


# The manifest


def test_the_manifest_lists_what_slack_does_not_keep_for_itself() -> None:
    made = manifest((("quote", "A quote"), ("mute", "Silence")))
    assert [each["command"] for each in made["features"]["slash_commands"]] == ["/marketbell", "/quote"]
    assert made["settings"]["socket_mode_enabled"] is True
    assert {"chat:write", "commands", "app_mentions:read", "im:history"} <= set(
        made["oauth_config"]["scopes"]["bot"]
    )
