"""The limits of the loopback platforms, on which every measure of pace rests."""

from __future__ import annotations

import time

import pytest

from bot.alerts.outcome import Again, Sent, Slow
from bot.chats.chat_id import ChatId
from bot.config.settings import TelegramSetting
from bot.messages.blocks import message_of
from bot.platforms.slack.client import connect as connect_slack
from bot.platforms.slack.send import SlackSender
from bot.platforms.telegram.client import connect as connect_telegram
from bot.platforms.telegram.send import TelegramSender
from tests.fakes.pace import Pace, busiest, over
from tests.fakes.slack import CHANNEL, TEAM, FakeSlack
from tests.fakes.telegram import FakeTelegram

HELLO = message_of("Hang Seng is up 2%")
HERE = ChatId("slack", TEAM, CHANNEL)


def chat(number: int) -> ChatId:
    return ChatId("telegram", "123456789", str(number))


def test_a_pace_lets_its_burst_through_and_then_one_an_interval() -> None:
    pace = Pace("chat", 2.0, 3)
    taken = [over([(pace, "a")], at / 10)[0] == "" for at in range(100)]
    assert [at for at, granted in enumerate(taken) if granted] == [0, 1, 2, 20, 40, 60, 80]


def test_of_two_limits_none_is_charged_where_one_is_exceeded() -> None:
    wide, narrow = Pace("bot", 1.0, 2), Pace("chat", 1.0, 1)
    assert over([(wide, 0), (narrow, 1)], 0.0) == ("", 0.0)
    assert over([(wide, 0), (narrow, 1)], 0.0) == ("chat", 1.0)
    assert over([(wide, 0), (narrow, 2)], 0.0) == ("", 0.0)
    assert over([(wide, 0), (narrow, 3)], 0.0) == ("bot", 1.0)


def test_the_busiest_second_is_found_wherever_it_lies() -> None:
    assert busiest([], 1.0) == 0
    assert busiest([0.0, 0.9, 1.0, 1.1, 1.8, 5.0], 1.0) == 4


async def test_a_bot_takes_thirty_at_once_and_a_change_counts_like_a_message() -> None:
    async with FakeTelegram() as fake:
        bot = await connect_telegram(fake.token, fake.url)
        sender = TelegramSender(bot)
        begun = time.monotonic()
        sent = [await sender.send(chat(number), HELLO, "d") for number in range(1, 30)]
        changed = await sender.replace(chat(1), "1", message_of("Hang Seng is up 4%"))
        more = [await sender.send(chat(number), HELLO, "d") for number in range(100, 130)]
        elapsed = time.monotonic() - begun
        await bot.shutdown()
    assert {type(each) for each in sent} == {Sent}
    assert isinstance(changed, Sent)
    granted = sum(isinstance(each, Sent) for each in more)
    assert granted <= elapsed * 30 + 1
    assert {each.over for each in fake.too_fast} == {"bot"}
    assert len(fake.too_fast) == 30 - granted
    assert fake.busiest(1.0) <= 30 + elapsed * 30 + 1


async def test_a_change_counts_against_its_group() -> None:
    async with FakeTelegram() as fake:
        bot = await connect_telegram(fake.token, fake.url)
        sender = TelegramSender(bot)
        await sender.send(chat(-5), HELLO, "d")
        changes = [await sender.replace(chat(-5), "1", message_of(f"+{at}%")) for at in range(20)]
        await bot.shutdown()
    assert [type(each) for each in changes] == [Sent] * 19 + [Slow]
    assert [each.over for each in fake.too_fast] == ["group"]


async def test_who_pays_sends_a_thousand_a_second_and_pays_for_what_is_not_free() -> None:
    async with FakeTelegram() as fake:
        bot = await connect_telegram(fake.token, fake.url)
        sender = TelegramSender(bot, paid=True)
        begun = time.monotonic()
        sent = [await sender.send(chat(number), HELLO, "d") for number in range(1, 201)]
        elapsed = time.monotonic() - begun
        await bot.shutdown()
    assert {type(each) for each in sent} == {Sent}
    assert fake.too_fast == []
    assert 200 - 30 - elapsed * 30 - 1 <= fake.paid <= 170


def test_who_sets_that_it_is_paid_is_given_the_pace_that_is_paid_for() -> None:
    free, paid = TelegramSetting(), TelegramSetting(paid=True)
    assert (free.paid, free.a_second, free.at_once) == (False, 30, 5)
    assert (paid.paid, paid.a_second, paid.at_once) == (True, 1000, 166)
    # A pace of one's own beyond the free one is kept; the free one, which is written out by default, is not.
    own = TelegramSetting(paid=True, a_second=400, at_once=20)
    assert (own.a_second, own.at_once) == (400, 20)
    assert TelegramSetting(paid=True, a_second=30).a_second == 1000
    with pytest.raises(ValueError, match="a_second"):
        TelegramSetting.model_validate({"paid": True, "a_second": "fast"})


async def test_a_workspace_takes_a_hundred_at_once_however_many_channels_there_are() -> None:
    async with FakeSlack() as fake:
        fake.channels |= {f"C{number}": "" for number in range(120)}
        connection = await connect_slack(fake.bot_token, fake.url)
        sender = SlackSender(connection)
        sent = [await sender.send(ChatId("slack", TEAM, f"C{at}"), HELLO, "d") for at in range(120)]
        await connection.close()
    assert {type(each) for each in sent[:100]} == {Sent}
    assert {each.over for each in fake.too_fast} == {"workspace"}


async def test_changes_have_a_count_of_their_own_and_who_went_beyond_it_asks_for_no_other() -> None:
    now = 1_000_000
    async with FakeSlack() as fake:
        connection = await connect_slack(fake.bot_token, fake.url)
        sender = SlackSender(connection, now=lambda: now)
        shown = await sender.send(HERE, HELLO, "d")
        assert isinstance(shown, Sent)
        changes = [await sender.replace(HERE, shown.message_id, message_of(f"+{at}%")) for at in range(30)]
        held = [each for each in changes if not isinstance(each, Sent)]
        assert 1 <= len(held) <= 10
        assert all(isinstance(each, Again) and each.scope == "chat" and each.wait for each in held)
        assert len(fake.too_fast) == 1
        assert isinstance(await sender.send(HERE, HELLO, "e"), Sent)
        assert isinstance(await sender.replace(HERE, shown.message_id, HELLO), Again)
        assert len(fake.too_fast) == 1
        now += 60_000
        await sender.replace(HERE, shown.message_id, HELLO)
        await connection.close()
    assert len(fake.calls("chat.update")) == len(changes) - len(held) + 2
