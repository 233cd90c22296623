"""Telegram as it is seen at the HTTP boundary: the real client against a server that keeps the real rules."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telegram import Bot

from bot.alerts.outcome import Again, Broken, Gone, Moved, Outcome, Refused, Sent, Slow, Unknown
from bot.chats.chat_id import ChatId
from bot.chats.roles import Role
from bot.errors import Away, WrongServer
from bot.messages.blocks import (
    Block,
    Line,
    Link,
    Message,
    Span,
    Strong,
    Table,
    Words,
    line,
    message_of,
    strong,
)
from bot.platforms.telegram.administrators import Administrators
from bot.platforms.telegram.client import bot_id, connect
from bot.platforms.telegram.listen import TelegramListener
from bot.platforms.telegram.render import render
from bot.platforms.telegram.send import TelegramSender
from bot.platforms.telegram.text import LONGEST, clean, units
from tests.fakes.telegram import (
    EMPTY,
    GATEWAY,
    NO_JSON,
    TOKEN,
    Answer,
    DropAfter,
    DropBefore,
    FakeTelegram,
    Fault,
    Late,
    Page,
    visible,
)

ALICE, BOB, CHARLIE = 11, 22, 33
GROUP = -1001
CHANNEL = -1002
HERS = ChatId("telegram", "123456789", str(ALICE))
OURS = ChatId("telegram", "123456789", str(GROUP))
CONFLICT = "Another process polls Telegram with this token: one of the two has to stop."
HELLO = message_of("Hang Seng is up 2%\nPrevious close 21,000")


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - what is awaited happens in a server, by HTTP
            await asyncio.sleep(0.005)


async def settled() -> None:
    """Long enough for an update that should be passed over to have been answered."""
    await asyncio.sleep(0.15)


@dataclass(slots=True)
class Reports:
    """What was reported, and the waits that were not waited."""

    said: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def report(self, said: str, **facts: object) -> None:
        self.said.append(f"{said}: {facts['why']}" if "why" in facts else said)

    async def pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


@dataclass(slots=True)
class Answering:
    """A desk that says who asked, as what."""

    asked: list[tuple[str, str, Role]] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    names: tuple[str, ...] = ("quote", "help")
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    async def answer(self, said: str, chat: ChatId, role: Role) -> Message:
        self.asked.append((said, str(chat), role))
        await self.open.wait()
        if said == "/fail":
            raise RuntimeError("no such luck")
        return message_of(f"{said} by a {role.name.lower()}")

    async def role(self, chat: ChatId, user: str, *, administers: bool) -> Role:
        self.users.append(user)
        return Role.MEMBER if administers else Role.READER

    async def come_back(self, chat: ChatId) -> None:
        self.back.append(str(chat))

    def menu(self) -> Iterable[tuple[str, str]]:
        return ((name, f"What {name} is for") for name in self.names)


@dataclass(slots=True)
class Remembered:
    """Names that were met, for ever."""

    met: set[str] = field(default_factory=set)

    async def first(self, name: str) -> bool:
        new = name not in self.met
        self.met.add(name)
        return new


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


@dataclass(slots=True)
class Heard:
    """A listener at work."""

    desk: Answering
    once: Remembered
    reports: Reports


@asynccontextmanager
async def listening(bot: Bot, desk: Answering | None = None) -> AsyncIterator[Heard]:
    heard = Heard(desk or Answering(), Remembered(), Reports())
    sender = TelegramSender(bot)

    async def say(chat: ChatId, message: Message) -> None:
        await sender.send(chat, message, "answer")

    listener = TelegramListener(
        bot, heard.desk, heard.once, say, report=heard.reports.report, pause=heard.reports.pause
    )
    running = asyncio.create_task(listener.run())
    try:
        yield heard
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class TestConnecting:
    async def test_the_bot_is_known_by_its_public_id(self, bot: Bot) -> None:
        assert bot.username == "marketbell_bot"
        assert TelegramSender(bot).route == "telegram:123456789"

    @pytest.mark.parametrize("token", ["", "nonsense", "123", "abc:def", "12 3:AA", "123:A/../getMe"])
    def test_a_token_that_cannot_be_one_is_told_before_anything_is_asked(self, token: str) -> None:
        with pytest.raises(WrongServer, match="copy the line that @BotFather gives"):
            bot_id(token)

    def test_the_public_id_is_what_stands_before_the_colon(self) -> None:
        assert bot_id(TOKEN) == "123456789"

    async def test_a_refused_token_is_one_sentence_without_the_token(self, fake: FakeTelegram) -> None:
        with pytest.raises(WrongServer, match=r"Telegram refuses the token in TELEGRAM_TOKEN: ") as refused:
            await connect("123456789:another", fake.url)
        assert "another" not in repr(refused.value) + repr(refused.value.__context__)

    async def test_a_server_that_is_not_there_is_away(self) -> None:
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            with pytest.raises(Away, match="Telegram does not answer at http://127"):
                await connect(TOKEN, f"http://127.0.0.1:{held.getsockname()[1]}")

    async def test_a_name_that_does_not_resolve_is_away(self) -> None:
        with pytest.raises(Away, match="does not answer"):
            await connect(TOKEN, "http://telegram.invalid")

    async def test_a_gateway_that_fails_is_away(self, fake: FakeTelegram) -> None:
        fake.script(GATEWAY, method="getMe")
        with pytest.raises(Away, match="Telegram answers with 502"):
            await connect(fake.token, fake.url)

    @pytest.mark.parametrize("fault", [DropBefore(), GATEWAY, NO_JSON, EMPTY, Answer(400, "Bad Request: no")])
    async def test_the_token_is_in_no_log_and_in_nothing_that_prints(
        self, fake: FakeTelegram, fault: Fault, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG):
            bot = await connect(fake.token, fake.url)
            fake.script(fault, method="getChat")
            with pytest.raises(Exception, match=r".") as failed:
                await bot.get_chat(ALICE)
            await bot.shutdown()
        failure: BaseException | None = failed.value
        told = [repr(bot), caplog.text, *map(repr, bot._request)]  # noqa: SLF001 - may not print it either
        while failure is not None:
            told += [str(failure), repr(failure)]
            failure = failure.__cause__ or failure.__context__
        assert fake.token not in "".join(told)


class TestRendering:
    def test_a_hostile_list_of_headlines_is_only_text(self) -> None:
        message = Message(
            strong("3 stories\nabout <b>Tencent</b> & co"),
            (
                Line((Words("1. "), Link("</a><b>A & B</b>", 'https://x.example/?a="><b>&b=1'))),
                Line((Words("2. "), Link("騰訊\u202e控股\u200b 派息", "https://x.example/2"))),
                Line((Words("3. "), Link("click", "javascript:alert(1)"))),
                Line((Words("4. @everyone *bold* _it_ \x00\x1b[31m"), Strong("<i>strong</i>"))),
                Table((("<0700>", "560.00", "+2.0%"), ("^HSI & co", "21,000.00", "−1.0%"))),
            ),
            line("Reuters <news>, 16:08 HKT"),
        )
        (part,) = render(message)
        assert part.html == (
            "<b>3 stories about &lt;b&gt;Tencent&lt;/b&gt; &amp; co</b>\n"
            '1. <a href="https://x.example/?a=&quot;&gt;&lt;b&gt;&amp;b=1">'
            "&lt;/a&gt;&lt;b&gt;A &amp; B&lt;/b&gt;</a>\n"
            '2. <a href="https://x.example/2">騰訊控股 派息</a>\n'
            "3. click\n"
            "4. @everyone *bold* _it_ [31m<b>&lt;i&gt;strong&lt;/i&gt;</b>\n"
            "<pre>&lt;0700&gt;        560.00  +2.0%\n"
            "^HSI &amp; co  21,000.00  −1.0%</pre>\n"
            "\n"
            "<i>Reuters &lt;news&gt;, 16:08 HKT</i>"
        )
        assert part.plain.splitlines()[2] == "2. 騰訊控股 派息 (https://x.example/2)"

    def test_a_heading_is_bold_once_and_an_empty_one_leaves_no_tags(self) -> None:
        assert render(Message(strong("Up")))[0].html == "<b>Up</b>"
        assert render(Message(line(""), (line("Up"),)))[0].html == "Up"

    def test_a_message_of_which_nothing_is_seen_is_no_message(self) -> None:
        assert render(message_of(" \u200b\n\u3164\u2800")) == ()

    def test_a_link_that_leads_nowhere_safe_is_words(self) -> None:
        for url in (
            "ftp://x.example",
            "//x.example",
            "http:",
            "http://[",
            "https://x.example/a b",
            "tg://user",
        ):
            assert render(Message(Line((Link("a", url),))))[0].html == "<b>a</b>"
        assert render(Message(Line((Link("a", "https://x.example/" + "y" * 2000),))))[0].html == "<b>a</b>"

    def test_a_long_message_is_cut_between_blocks(self) -> None:
        lines = tuple(line(f"{number} " + "🔔" * 500) for number in range(10))
        parts = render(Message(strong("Heading"), lines, line("small")))
        assert len(parts) == 3
        assert parts[0].html.startswith("<b>Heading</b>\n0 ")
        assert parts[-1].html.endswith("\n\n<i>small</i>")
        shown = [visible(part.html) for part in parts]
        assert all(units(each) <= LONGEST for each in shown)
        assert "\n".join(shown).count("🔔") == 5000

    def test_a_line_that_no_message_holds_goes_on_in_the_next_with_its_marks(self) -> None:
        link = Link("小米" * 2500, "https://x.example/1")
        parts = render(Message(strong("Heading"), (Line((Words("🔔" * 3000), Strong("<&>" * 2000), link)),)))
        assert "".join(visible(part.html) for part in parts).replace("\n", "") == (
            "Heading" + "🔔" * 3000 + "<&>" * 2000 + "小米" * 2500
        )
        assert all(units(visible(part.html)) <= LONGEST for part in parts)
        bold = re.findall("<b>(.*?)</b>", "".join(part.html for part in parts))
        assert "".join(bold) == "Heading" + "&lt;&amp;&gt;" * 2000
        linked = re.findall('<a href="https://x.example/1">(.*?)</a>', "".join(part.html for part in parts))
        assert "".join(linked) == "小米" * 2500

    def test_a_line_that_no_message_holds_is_parted_between_words(self) -> None:
        first, second = render(message_of(" ".join(["Xiaomi"] * 700)))
        assert first.html.endswith("Xiaomi </b>")
        assert second.html.startswith("<b>Xiaomi")

    def test_a_table_that_no_message_holds_becomes_several(self) -> None:
        table = Table(tuple((f"ROW{number}", "<&>" * 10) for number in range(300)))
        heading, *tables = render(Message(strong("Heading"), (table,)))
        assert heading.html == "<b>Heading</b>"
        assert [part.html[:5] + part.html[-6:] for part in tables] == ["<pre></pre>"] * 3
        assert "\n".join(visible(part.html) for part in tables).count("ROW") == 300

    def test_more_links_than_telegram_takes_are_spread(self) -> None:
        links: tuple[Block, ...] = tuple(
            Line((Link(f"{number}", f"https://x.example/{'y' * 900}"),)) for number in range(20)
        )
        assert [part.html.count("<a ") for part in render(Message(strong("Heading"), links))] == [8, 8, 4]
        assert "<a " not in render(Message(Line((Link("x", "https://x.example"),) * 101)))[0].html

    @given(st.lists(st.text(), min_size=3), st.text(), st.text(max_size=30))
    @settings(max_examples=200, deadline=None)
    def test_any_text_is_taken_and_shown_as_it_was_written(
        self, texts: list[str], cell: str, address: str
    ) -> None:
        heading, small, *lines = texts
        message = Message(
            strong(heading),
            (
                *(Line((Words(text), Link(text, "https://x.example/" + address))) for text in lines),
                Table(((cell, "1"), ("x", cell))),
            ),
            line(small),
        )
        parts = render(message)
        shown = "\n".join(visible(part.html) for part in parts)
        written = (clean(heading), *(clean(text) * 2 for text in lines), clean(small))
        assert all(0 < units(visible(part.html)) <= LONGEST for part in parts)
        assert all(text.strip() in shown for text in written)

    @given(st.text(st.sampled_from("a<&>\"'🔔騰\u202e\n "), min_size=2000, max_size=9000))
    @settings(max_examples=30, deadline=None)
    def test_any_long_text_is_cut_into_messages_that_are_taken(self, text: str) -> None:
        for part in render(message_of(text)):
            assert 0 < units(visible(part.html)) <= LONGEST
            assert units(part.plain) <= LONGEST

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["words", "strong", "link"]),
                st.text(st.sampled_from("a<&>🔔騰 "), max_size=40),
                st.sampled_from([1, 30, 300]),
            ),
            max_size=8,
        )
    )
    @settings(max_examples=60, deadline=None)
    def test_marks_are_whole_in_every_part_and_no_word_is_lost(
        self, drawn: list[tuple[str, str, int]]
    ) -> None:
        texts = [text * times for _, text, times in drawn]
        spans = (_span(kind, text) for (kind, _, _), text in zip(drawn, texts, strict=True))
        parts = render(Message(strong("Heading"), (Line(tuple(spans)),)))
        shown = "".join(visible(part.html) for part in parts)
        assert _bare(shown) == _bare("Heading" + "".join(texts))
        assert all(units(visible(part.html)) <= LONGEST for part in parts)


def _span(kind: str, text: str) -> Span:
    match kind:
        case "strong":
            return Strong(text)
        case "link":
            return Link(text, "https://x.example/?a&b")
    return Words(text)


def _bare(text: str) -> str:
    return "".join(text.split())


class TestSending:
    async def test_a_message_is_shown_once_without_a_preview(
        self, fake: FakeTelegram, sender: TelegramSender
    ) -> None:
        assert await sender.send(HERS, HELLO, "d1") == Sent("1")
        (call,) = fake.calls("sendMessage")
        assert call.params["link_preview_options"] == '{"is_disabled": true}'
        assert fake.texts(ALICE) == ["Hang Seng is up 2%\nPrevious close 21,000"]
        assert fake.messages[ALICE][0].raw.startswith("<b>Hang Seng is up 2%</b>\n")

    async def test_only_a_quiet_message_makes_no_sound_however_long_it_is(
        self, fake: FakeTelegram, sender: TelegramSender
    ) -> None:
        long = message_of("\n".join(["Hang Seng is up 2%"] * 400))
        await sender.send(HERS, HELLO, "d1")
        await sender.send(HERS, replace(long, quiet=True), "d2")
        loud, *quiet = fake.calls("sendMessage")
        assert "disable_notification" not in loud.params
        assert len(quiet) > 1
        assert {each.params["disable_notification"] for each in quiet} == {"true"}

    async def test_a_long_message_rings_once(self, fake: FakeTelegram, sender: TelegramSender) -> None:
        await sender.send(HERS, LONG, "d1")
        assert [each.params.get("disable_notification") for each in fake.calls("sendMessage")] == [
            None,
            "true",
            "true",
        ]

    async def test_only_whoever_pays_asks_for_a_paid_broadcast(self, fake: FakeTelegram, bot: Bot) -> None:
        paying = TelegramSender(bot, paid=True)
        await paying.send(HERS, HELLO, "d1")
        await TelegramSender(bot).send(HERS, HELLO, "d2")
        assert [each.params.get("allow_paid_broadcast") for each in fake.calls("sendMessage")] == [
            "true",
            None,
        ]

    async def test_a_message_grows_in_its_place(self, fake: FakeTelegram, sender: TelegramSender) -> None:
        assert await sender.send(HERS, HELLO, "d1") == Sent("1")
        assert await sender.replace(HERS, "1", Message(line("HSI +6%"))) == Sent("1")
        assert await sender.replace(HERS, "1", Message(line("HSI +6%"))) == Sent("1")
        assert [each.text for each in fake.edits[ALICE]] == ["HSI +6%"]
        assert len(fake.messages[ALICE]) == 1

    async def test_a_message_that_is_gone_cannot_grow(
        self, fake: FakeTelegram, sender: TelegramSender
    ) -> None:
        assert isinstance(await sender.replace(HERS, "99", HELLO), Broken)

    async def test_a_topic_of_a_group_is_written_to(self, fake: FakeTelegram, sender: TelegramSender) -> None:
        assert await sender.send(ChatId("telegram", "123456789", str(GROUP), "7"), HELLO, "d1") == Sent("1")
        assert fake.messages[GROUP][0].thread == "7"

    async def test_any_hostile_text_is_taken_by_the_server(
        self, fake: FakeTelegram, sender: TelegramSender
    ) -> None:
        nasty = "<b>&lt;&amp;</i> & < > \" ' `*_[]()~#+-=|{}.! \ud800 \u202e\u200d\x00 🏴‍☠️ 騰訊"
        assert isinstance(await sender.send(HERS, message_of(nasty), "d1"), Sent)
        assert fake.texts(ALICE) == [clean(nasty)]

    @pytest.mark.parametrize(
        "fault, outcome",
        [
            (Answer(403, "Forbidden: bot was blocked by the user"), Gone),
            (Answer(403, "Forbidden: bot was kicked from the supergroup chat"), Gone),
            (Answer(403, "Forbidden: user is deactivated"), Gone),
            (Answer(403, "Forbidden: bot is not a member of the channel chat"), Gone),
            (Answer(403, "Forbidden: the moon is full"), Refused),
            (Answer(400, "Bad Request: chat not found"), Gone),
            (Answer(400, "Bad Request: message thread not found"), Gone),
            (Answer(400, "Bad Request: not enough rights to send text messages to the chat"), Again),
            (Answer(400, "Bad Request: the moon is full"), Refused),
            (Answer(409, "Conflict: whatever"), Again),
            (Answer(500, "Internal Server Error"), Again),
            (GATEWAY, Again),
            (Page(503, ""), Again),
            (Page(400, "<h1>proxy</h1>"), Again),
            (Page(200, '{"ok": true}'), Again),
            (Page(200, "[]"), Again),
            (NO_JSON, Again),
            (EMPTY, Again),
            (DropBefore(), Unknown),
            (DropAfter(), Unknown),
        ],
    )
    async def test_what_telegram_answers_decides_what_became_of_it(
        self, fake: FakeTelegram, sender: TelegramSender, fault: Fault, outcome: type[Outcome]
    ) -> None:
        fake.script(fault)
        assert type(await sender.send(HERS, HELLO, "d1")) is outcome
        assert len(fake.calls("sendMessage")) == 1

    async def test_an_answer_that_comes_too_late_is_unknown(
        self, fake: FakeTelegram, sender: TelegramSender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        soon = aiohttp.ClientTimeout(total=5.1, sock_read=0.1)
        monkeypatch.setattr("bot.platforms.telegram.request._USUAL", soon)
        fake.script(Late(3))
        assert await sender.send(HERS, HELLO, "d1") == Unknown("Telegram did not answer in time")
        assert len(fake.texts(ALICE)) == 1

    async def test_a_chat_that_is_too_fast_waits_as_long_as_telegram_says(
        self, fake: FakeTelegram, sender: TelegramSender
    ) -> None:
        fake.script(Answer(429, "Too Many Requests: retry after 7", {"retry_after": 7}))
        assert await sender.send(HERS, HELLO, "d1") == Slow("Too Many Requests: retry after 7 s", 7000)

    async def test_a_group_that_became_a_supergroup_is_named_with_its_new_id(
        self, fake: FakeTelegram, sender: TelegramSender
    ) -> None:
        fake.migrate(GROUP, -100777)
        assert await sender.send(OURS, HELLO, "d1") == Moved(ChatId("telegram", "123456789", "-100777"))

    async def test_a_refused_token_holds_the_whole_route(
        self, fake: FakeTelegram, sender: TelegramSender
    ) -> None:
        fake.token = "123456789:revoked"
        assert await sender.send(HERS, HELLO, "d1") == Again("Unauthorized", None, "route")

    async def test_a_server_that_is_down_holds_the_whole_route_and_comes_back(
        self, fake: FakeTelegram, sender: TelegramSender
    ) -> None:
        await fake.stop()
        refused = await sender.send(HERS, HELLO, "d1")
        assert isinstance(refused, Again)
        assert refused.scope == "route"
        await fake.start()
        assert isinstance(await sender.send(HERS, HELLO, "d1"), Sent)

    async def test_markup_that_telegram_cannot_read_is_resent_as_words_once(
        self, fake: FakeTelegram, sender: TelegramSender, reports: Reports
    ) -> None:
        fake.script(Answer(400, "Bad Request: can't parse entities: Unsupported start tag"))
        story = Message(Line((Link("Story", "https://x.example/1"),)))
        assert isinstance(await sender.send(HERS, story, "d1"), Sent)
        assert fake.texts(ALICE) == ["Story (https://x.example/1)"]
        assert fake.messages[ALICE][0].parse_mode == ""
        assert len(reports.said) == 1

    async def test_words_that_telegram_cannot_read_either_are_broken(
        self, fake: FakeTelegram, sender: TelegramSender
    ) -> None:
        fake.script(Answer(400, "Bad Request: can't parse entities: no"), times=2)
        assert isinstance(await sender.send(HERS, HELLO, "d1"), Broken)
        assert len(fake.calls("sendMessage")) == 2

    async def test_a_message_of_which_nothing_is_seen_is_broken_and_not_sent(
        self, fake: FakeTelegram, sender: TelegramSender
    ) -> None:
        assert isinstance(await sender.send(HERS, message_of("\u200b"), "d1"), Broken)
        assert fake.calls("sendMessage") == []

    async def test_an_ok_without_a_message_in_it_is_unknown(
        self, fake: FakeTelegram, sender: TelegramSender
    ) -> None:
        fake.script(Page(200, '{"ok": true, "result": {"moon": "full"}}'))
        assert isinstance(await sender.send(HERS, HELLO, "d1"), Unknown)


LONG = Message(strong("Heading"), tuple(line(f"{number} " + "x" * 2000) for number in range(5)))


class TestSendingInParts:
    async def test_a_long_message_is_known_by_its_first_part(
        self, fake: FakeTelegram, sender: TelegramSender, reports: Reports
    ) -> None:
        assert await sender.send(HERS, LONG, "d1") == Sent("1", posts=3)
        assert [text[:9] for text in fake.texts(ALICE)] == ["Heading\n0", "2 xxxxxxx", "4 xxxxxxx"]
        assert reports.waits == [1.1, 1.1]

    async def test_a_first_part_that_fails_is_the_outcome(
        self, fake: FakeTelegram, sender: TelegramSender
    ) -> None:
        fake.script(Answer(403, "Forbidden: bot was blocked by the user"))
        assert isinstance(await sender.send(HERS, LONG, "d1"), Gone)
        assert fake.texts(ALICE) == []

    async def test_a_later_part_is_tried_again_and_the_first_is_not_repeated(
        self, fake: FakeTelegram, sender: TelegramSender, reports: Reports
    ) -> None:
        faults = iter([None, GATEWAY, Answer(429, "slow", {"retry_after": 3})])
        fake.on_request = lambda _: fake.script(fault) if (fault := next(faults, None)) else None
        assert await sender.send(HERS, LONG, "d1") == Sent("1", posts=3)
        assert len(fake.texts(ALICE)) == 3
        assert reports.waits == [1.1, 1.0, 3.0, 1.1]

    async def test_later_parts_that_cannot_be_shown_are_given_up_with_a_report(
        self, fake: FakeTelegram, sender: TelegramSender, reports: Reports
    ) -> None:
        fake.on_accepted = lambda _: fake.script(GATEWAY, times=9)
        assert await sender.send(HERS, LONG, "d1") == Sent("1")
        assert len(fake.texts(ALICE)) == 1
        (said,) = reports.said
        assert said.startswith(
            "the rest of a long message was given up: Again(why='Telegram answers with 502'"
        )

    async def test_later_parts_that_take_too_long_are_given_up_and_nothing_is_repeated(
        self, fake: FakeTelegram, bot: Bot, reports: Reports
    ) -> None:
        hurried = TelegramSender(bot, report=reports.report, within=0.3)
        fake.on_accepted = lambda _: fake.script(Late(5))
        assert await hurried.send(HERS, LONG, "d1") == Sent("1")
        assert reports.said == ["the rest of a long message was given up: not shown within 0.3 s"]
        assert len(fake.calls("sendMessage")) == 1

    async def test_a_later_part_that_may_be_shown_is_not_repeated(
        self, fake: FakeTelegram, sender: TelegramSender
    ) -> None:
        faults = iter([None, DropAfter()])
        fake.on_request = lambda _: fake.script(fault) if (fault := next(faults, None)) else None
        assert await sender.send(HERS, LONG, "d1") == Sent("1", posts=3)
        assert len(fake.texts(ALICE)) == 3


class TestListening:
    async def test_a_command_in_a_private_chat_is_answered_there(self, fake: FakeTelegram, bot: Bot) -> None:
        async with listening(bot) as heard:
            fake.say(ALICE, ALICE, "/quote ^HSI")
            await until(lambda: fake.texts(ALICE))
        assert fake.texts(ALICE) == ["/quote ^HSI by a member"]
        assert heard.desk.asked == [("/quote ^HSI", f"telegram:123456789:{ALICE}", Role.MEMBER)]
        assert heard.desk.users == [f"telegram:{ALICE}"]

    async def test_the_menu_is_made_from_the_commands(self, fake: FakeTelegram, bot: Bot) -> None:
        async with listening(bot):
            await until(lambda: fake.calls("getUpdates"))
        assert fake.commands == [
            {"command": "quote", "description": "What quote is for"},
            {"command": "help", "description": "What help is for"},
        ]

    async def test_a_menu_that_telegram_refuses_makes_nobody_deaf(self, fake: FakeTelegram, bot: Bot) -> None:
        async with listening(bot, Answering(names=("No Name",))) as heard:
            fake.say(ALICE, ALICE, "/help")
            await until(lambda: fake.texts(ALICE))
        assert heard.reports.said == ["Telegram refuses the menu of commands: Bot_command_invalid"]

    async def test_start_lets_a_chat_that_was_gone_hear_again(self, fake: FakeTelegram, bot: Bot) -> None:
        async with listening(bot) as heard:
            fake.say(ALICE, ALICE, "/start")
            await until(lambda: fake.texts(ALICE))
        assert heard.desk.back == [f"telegram:123456789:{ALICE}"]

    async def test_what_is_no_new_command_of_a_person_is_passed_over(
        self, fake: FakeTelegram, bot: Bot
    ) -> None:
        async with listening(bot) as heard:
            fake.say(ALICE, ALICE, "hello")
            fake.say(ALICE, ALICE, "/quote edited", edited=True)
            fake.say(GROUP, BOB, "/quote bot", "group", by_bot=True)
            fake.say(GROUP, BOB, "/quote@other_bot ^HSI", "supergroup")
            fake.push(
                {
                    "message": {
                        "message_id": 900,
                        "date": 1700000000,
                        "chat": {"id": GROUP, "type": "supergroup", "title": "Group"},
                        "from": {"id": 777000, "is_bot": False, "first_name": "Telegram"},
                        "sender_chat": {"id": CHANNEL, "type": "channel", "title": "Channel"},
                        "text": "/quote from a channel",
                    }
                }
            )
            member: dict[str, Any] = {"user": {"id": 123456789, "is_bot": True, "first_name": "Marketbell"}}
            fake.push(
                {
                    "my_chat_member": {
                        "chat": {"id": GROUP, "type": "group", "title": "Group"},
                        "from": {"id": BOB, "is_bot": False, "first_name": "Bob"},
                        "date": 1700000000,
                        "old_chat_member": {**member, "status": "member"},
                        "new_chat_member": {**member, "status": "kicked", "until_date": 0},
                    }
                }
            )
            fake.say(ALICE, ALICE, "/last")
            await until(lambda: fake.texts(ALICE))
            await settled()
        assert [said for said, *_ in heard.desk.asked] == ["/last"]
        assert heard.reports.said == []

    async def test_our_own_name_is_taken_off_and_a_topic_is_answered_in(
        self, fake: FakeTelegram, bot: Bot
    ) -> None:
        async with listening(bot) as heard:
            fake.say(GROUP, BOB, "/quote@MarketBell_Bot  ^HSI", "supergroup", thread=7)
            await until(lambda: fake.texts(GROUP))
        assert heard.desk.asked[0][:2] == ("/quote ^HSI", f"telegram:123456789:{GROUP}:7")
        assert fake.messages[GROUP][0].thread == "7"

    async def test_administrators_of_a_group_are_trusted_and_members_are_not(
        self, fake: FakeTelegram, bot: Bot
    ) -> None:
        fake.administrators[GROUP].add(ALICE)
        async with listening(bot) as heard:
            for text in ("/one", "/two"):
                fake.say(GROUP, ALICE, text, "supergroup")
                fake.say(GROUP, CHARLIE, text, "supergroup")
            await until(lambda: len(fake.texts(GROUP)) == 4)
        assert [role for *_, role in heard.desk.asked] == [Role.MEMBER, Role.READER] * 2
        assert len(fake.calls("getChatMember")) == 2

    async def test_an_administrator_is_believed_for_five_minutes(self, fake: FakeTelegram, bot: Bot) -> None:
        at = 1_000_000
        administrators = Administrators(bot, lambda: at)
        fake.administrators[GROUP].add(ALICE)
        assert await administrators.include(str(GROUP), str(ALICE))
        fake.administrators[GROUP].clear()
        at += 299_999
        assert await administrators.include(str(GROUP), str(ALICE))
        at += 1
        assert not await administrators.include(str(GROUP), str(ALICE))

    async def test_sixteen_chats_are_answered_at_once_and_the_others_after_them(
        self, fake: FakeTelegram, bot: Bot
    ) -> None:
        desk = Answering()
        desk.open.clear()
        async with listening(bot, desk):
            for chat in range(1, 21):
                fake.say(chat, chat, "/quote")
            await until(lambda: len(desk.asked) == 16)
            await settled()
            assert len(desk.asked) == 16
            desk.open.set()
            await until(lambda: len(fake.messages) == 20)

    async def test_nobody_is_trusted_while_telegram_does_not_say_who_administers(
        self, fake: FakeTelegram, bot: Bot
    ) -> None:
        fake.administrators[GROUP].add(ALICE)
        fake.script(GATEWAY, method="getChatMember")
        async with listening(bot) as heard:
            fake.say(GROUP, ALICE, "/one", "supergroup")
            fake.say(GROUP, ALICE, "/two", "supergroup")
            await until(lambda: len(fake.texts(GROUP)) == 2)
        assert [role for *_, role in heard.desk.asked] == [Role.READER, Role.MEMBER]

    async def test_who_speaks_as_the_group_or_the_channel_runs_it(self, fake: FakeTelegram, bot: Bot) -> None:
        async with listening(bot) as heard:
            fake.say(GROUP, ALICE, "/quote", "supergroup", anonymous=True)
            fake.say(CHANNEL, 0, "/quote", "channel")
            await until(lambda: fake.texts(GROUP) and fake.texts(CHANNEL))
        assert {role for *_, role in heard.desk.asked} == {Role.MEMBER}
        assert fake.calls("getChatMember") == []

    async def test_an_update_that_comes_twice_is_answered_once(self, fake: FakeTelegram, bot: Bot) -> None:
        async with listening(bot):
            number = fake.say(ALICE, ALICE, "/quote")
            await until(lambda: fake.texts(ALICE))
            fake.say(ALICE, ALICE, "/quote", update_id=number)
            fake.say(ALICE, ALICE, "/after", update_id=number + 1)
            await until(lambda: len(fake.texts(ALICE)) == 2)
        assert fake.texts(ALICE) == ["/quote by a member", "/after by a member"]

    async def test_what_another_process_has_answered_is_passed_over(
        self, fake: FakeTelegram, bot: Bot
    ) -> None:
        async with listening(bot) as heard:
            await until(lambda: fake.calls("getUpdates"))
            heard.once.met.add("telegram:123456789:5000")
            fake.say(ALICE, ALICE, "/quote", update_id=5000)
            fake.say(ALICE, ALICE, "/help", update_id=5001)
            await until(lambda: fake.texts(ALICE))
        assert fake.texts(ALICE) == ["/help by a member"]

    async def test_update_ids_that_jump_back_after_a_quiet_week_are_answered(
        self, fake: FakeTelegram, bot: Bot
    ) -> None:
        fake.say(ALICE, ALICE, "/old", update_id=900_000_000)
        async with listening(bot):
            await until(lambda: fake.texts(ALICE))
        async with listening(bot):
            fake.say(ALICE, ALICE, "/new", update_id=17)
            await until(lambda: len(fake.texts(ALICE)) > 1)
        assert "/new by a member" in fake.texts(ALICE)

    async def test_one_chat_is_answered_in_its_order(self, fake: FakeTelegram, bot: Bot) -> None:
        for number in range(30):
            fake.say(ALICE, ALICE, f"/n {number}")
        async with listening(bot):
            await until(lambda: len(fake.texts(ALICE)) == 30)
        assert fake.texts(ALICE) == [f"/n {number} by a member" for number in range(30)]

    async def test_a_command_that_fails_stops_no_other(self, fake: FakeTelegram, bot: Bot) -> None:
        async with listening(bot) as heard:
            fake.say(ALICE, ALICE, "/fail")
            fake.say(ALICE, ALICE, "/quote")
            await until(lambda: fake.texts(ALICE))
        assert heard.reports.said == ["a command from Telegram failed: RuntimeError: no such luck"]


class TestPolling:
    @pytest.mark.parametrize(
        "fault",
        [
            GATEWAY,
            NO_JSON,
            EMPTY,
            DropBefore(),
            DropAfter(),
            Answer(429, "slow", {"retry_after": 2}),
            Answer(429, "slow"),
        ],
    )
    async def test_polling_goes_on_after_anything(self, fake: FakeTelegram, bot: Bot, fault: Fault) -> None:
        fake.script(fault, method="getUpdates", times=3)
        fake.script(GATEWAY, method="setMyCommands", times=1)
        fake.say(ALICE, ALICE, "/quote")
        async with listening(bot) as heard:
            await until(lambda: fake.texts(ALICE))
        assert fake.texts(ALICE) == ["/quote by a member"]
        assert heard.reports.said[-1] == "telegram polling works again"
        assert len(heard.reports.said) in {2, 3}

    async def test_waits_grow_with_jitter_and_never_pass_a_minute(self, fake: FakeTelegram, bot: Bot) -> None:
        fake.script(GATEWAY, method="getUpdates", times=30)
        async with listening(bot) as heard:
            await until(lambda: len(fake.calls("getUpdates")) > 30)
        waits = heard.reports.waits
        assert len(waits) == 30
        assert all(1 <= wait <= min(60, 2 ** (number + 1)) for number, wait in enumerate(waits))
        assert max(waits) > 10
        assert len(set(waits)) == 30

    async def test_a_server_that_went_away_is_polled_when_it_is_back(
        self, fake: FakeTelegram, bot: Bot
    ) -> None:
        async with listening(bot) as heard:
            await until(lambda: fake.calls("getUpdates"))
            await fake.stop()
            await until(lambda: heard.reports.said)
            await fake.start()
            fake.say(ALICE, ALICE, "/quote")
            await until(lambda: fake.texts(ALICE))
        assert "telegram polling works again" in heard.reports.said

    async def test_a_poll_that_never_comes_back_is_given_up(
        self, fake: FakeTelegram, bot: Bot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.platforms.telegram.listen._POLL_OVERDUE", 0.2)
        fake.say(ALICE, ALICE, "/quote")
        fake.script(Late(60), method="getUpdates")
        async with listening(bot):
            await until(lambda: fake.texts(ALICE))
        assert fake.texts(ALICE) == ["/quote by a member"]

    async def test_a_second_poller_is_told_once_in_a_sentence_and_waits_half_a_minute(
        self, fake: FakeTelegram, bot: Bot
    ) -> None:
        fake.script(
            Answer(409, "Conflict: terminated by other getUpdates request"), method="getUpdates", times=3
        )
        fake.say(ALICE, ALICE, "/quote")
        async with listening(bot) as heard:
            await until(lambda: fake.texts(ALICE))
        assert heard.reports.waits == [30.0] * 3
        assert heard.reports.said == [
            f"telegram polling fails: {CONFLICT}",
            "telegram polling works again",
        ]

    async def test_an_update_that_cannot_be_read_makes_nobody_deaf(
        self, fake: FakeTelegram, bot: Bot
    ) -> None:
        fake.push({"message": {"moon": "full"}})
        async with listening(bot) as heard:
            await until(lambda: heard.reports.said)
            fake.say(ALICE, ALICE, "/quote")
            await until(lambda: fake.texts(ALICE))
            fake.say(ALICE, ALICE, "/one")
            fake.say(ALICE, ALICE, "/two")
            await until(lambda: len(fake.texts(ALICE)) == 3)
        assert heard.reports.said[0].startswith("telegram polling fails: unreadable updates: ")

    async def test_after_an_unreadable_batch_only_the_newest_is_asked_for_until_nothing_waits(
        self, fake: FakeTelegram, bot: Bot
    ) -> None:
        unreadable = '{"ok": true, "result": [{"update_id": 1, "message": {"moon": "full"}}]}'
        fake.script(Page(200, unreadable), method="getUpdates")
        fake.script(Page(200, '{"ok": true, "result": []}'), method="getUpdates")
        async with listening(bot):
            await until(lambda: len(fake.calls("getUpdates")) == 3)
        assert [call.params.get("offset") for call in fake.calls("getUpdates")] == [None, "-1", None]

    async def test_an_answer_that_hangs_is_given_up(
        self, fake: FakeTelegram, bot: Bot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.platforms.telegram.listen._ANSWER_WITHIN", 0.1)
        fake.script(Late(60))
        async with listening(bot) as heard:
            fake.say(ALICE, ALICE, "/quote")
            await until(lambda: heard.reports.said)
        assert heard.reports.said == ["a command from Telegram failed: TimeoutError"]


class TestTheFake:
    """The other tests rest on its rules."""

    @pytest.mark.parametrize(
        "html",
        [
            "<b>",
            "</b>",
            "<b><i></b></i>",
            "<h1>a</h1>",
            "a & b",
            "a < b",
            "<a href>x</a>",
            "&nbsp;",
            "<b",
            "<>",
        ],
    )
    async def test_it_refuses_markup_that_telegram_refuses(
        self, fake: FakeTelegram, bot: Bot, html: str
    ) -> None:
        with pytest.raises(Exception, match="Can't parse entities"):
            await bot.send_message(ALICE, html, parse_mode="HTML")

    async def test_it_counts_what_is_seen_in_utf_16(self, fake: FakeTelegram, bot: Bot) -> None:
        await bot.send_message(ALICE, "<b>" + "🔔" * 2048 + "</b>", parse_mode="HTML")
        with pytest.raises(Exception, match="Message is too long"):
            await bot.send_message(ALICE, "🔔" * 2048 + "a", parse_mode="HTML")

    async def test_it_keeps_the_pace_of_private_chats_and_groups(self) -> None:
        async with FakeTelegram() as fake:
            bot = await connect(fake.token, fake.url)
            sender = TelegramSender(bot)
            hers = [await sender.send(HERS, HELLO, "d") for _ in range(4)]
            ours = [await sender.send(OURS, HELLO, "d") for _ in range(21)]
            await bot.shutdown()
        assert [type(each) for each in hers] == [Sent, Sent, Sent, Slow]
        assert [type(each) for each in ours] == [Sent] * 20 + [Slow]
        assert hers[-1] == Slow("Too Many Requests: retry after 1 s", 1000)

    async def test_it_ends_the_earlier_of_two_polls(self, fake: FakeTelegram, bot: Bot) -> None:
        async with asyncio.TaskGroup() as polls:
            earlier = polls.create_task(_refusal_of(bot.get_updates(timeout=5)))
            await until(lambda: fake.calls("getUpdates"))
            later = polls.create_task(bot.get_updates(timeout=5))
            await until(earlier.done)
            fake.say(ALICE, ALICE, "/quote")
        assert "terminated by other getUpdates request" in earlier.result()
        assert len(later.result()) == 1

    async def test_it_tells_what_happened_before_it_accepts(self, fake: FakeTelegram, bot: Bot) -> None:
        seen: list[int] = []
        fake.on_request = lambda _: seen.append(len(fake.texts(ALICE)))
        await bot.send_message(ALICE, "one")
        await bot.edit_message_text("two", chat_id=ALICE, message_id=1)
        assert seen == [0, 1]
        assert [call.code for call in fake.journal] == [200, 200, 200]
        assert fake.edits[ALICE][0].text == "two"

    async def test_it_knows_chats_and_commands(self, fake: FakeTelegram, bot: Bot) -> None:
        assert (await bot.get_chat(GROUP)).title == f"Chat {GROUP}"
        await bot.set_my_commands([("quote", "A quote")])
        assert (await bot.get_my_commands())[0].command == "quote"


async def _refusal_of(asking: Any) -> str:
    with pytest.raises(Exception, match=r".") as refused:
        await asking
    return str(refused.value)
