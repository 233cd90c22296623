from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bot.app.recorded import RecordedMarket
from bot.chat.answer import Answers
from bot.chat.command import Command
from bot.chat.commands import COMMANDS
from bot.chats.chat_id import ChatId
from bot.chats.roles import Role
from bot.errors import Away, Refused
from bot.messages.blocks import plain
from tests.conftest import ROOT, Marketbell

CHAT = ChatId("telegram", "1", "2")
KEPT = (
    *("alert", "alerts", "forget", "why", "subscribe", "unsubscribe", "subscriptions", "status"),
    *("quiet", "digest", "mute", "unmute", "zone"),
)


@pytest.fixture(scope="module")
def answers(prices: Path) -> Answers:
    return RecordedMarket.of(ROOT / "config.yaml", prices).answers(date(2022, 3, 23))


def test_a_chat_command_is_answered_in_the_terminal(marketbell: Marketbell, prices: Path) -> None:
    said = marketbell("ask", "/quote 1810.HK", "--data", prices, "--as-of", "2022-03-23")
    assert said.status == 0
    assert said.out.splitlines() == [
        "Xiaomi 小米集团-W 1810.HK",
        "HK$14.78 +0.58 +4.08%",
        "Closed, official close 23 Mar 2022, 16:10 HKT",
        "Day 14.70–15.48, open 15.04 (gap +5.92%)",
        "Previous close 14.20 (22 Mar 2022)",
        "52w 11.38 (15 Mar 2022) – 30.45 (4 Jun 2021), at 18% of range",
        "From peak −58.13% (close 35.30, 5 Jan 2021, history since 1 Dec 2020)",
        "Off low +28.52% (close 11.50, 15 Mar 2022)",
        "A normal day's move: 3.47% (60 sessions)",
        "Source: recorded bars",
    ]


def test_a_command_answers_what_the_command_line_does(marketbell: Marketbell, prices: Path) -> None:
    where = ("--data", prices, "--as-of", "2022-03-23")
    asked = marketbell("ask", "/drawdown@marketbell_bot HSTECH 52w", *where)
    assert asked.out == marketbell("drawdown", "HSTECH", "52w", *where).out
    assert asked.out.startswith(
        "HSTECH 4,749.12, close of 23 Mar 2022\nFrom 52w peak −44.58% (close 8,569.64, "
    )


@pytest.mark.parametrize(
    "window,peak,span",
    [
        ("90d", "From 90d peak −19.50%", "The past 90 days, since 23 Dec 2021"),
        ("1w", "At its 1w peak", "The past 1 week, since 16 Mar 2022"),
        ("ytd", "From ytd peak −19.50%", "This year, since 3 Jan 2022"),
        ("mtd", "From mtd peak", "This month, since 1 Mar 2022"),
        ("since 2021-02-17", "From peak −56.61%", "The time since 17 Feb 2021"),
    ],
)
def test_a_drawdown_names_the_window_that_was_asked_for(
    marketbell: Marketbell, prices: Path, window: str, peak: str, span: str
) -> None:
    where = ("--data", prices, "--as-of", "2022-03-23")
    said = marketbell("drawdown", "HSTECH", *window.split(), *where)
    assert marketbell("ask", f"/drawdown HSTECH {window}", *where).out == said.out
    lines = said.out.splitlines()
    assert lines[1].startswith(peak)
    assert any(each.startswith(f"{span}, price index, no dividends") for each in lines)


@pytest.mark.parametrize(
    "line,said",
    [
        ("/quote", "Write /quote SYMBOL, as in /quote 1810.HK."),
        ("/qoute 1810.HK", "There is no command /qoute: did you mean /quote SYMBOL?"),
        ("/zzzz", "There is no command /zzzz: write /help to see them all."),
        ("1810.HK", "A command begins with a slash: write /help to see them all."),
        ("", "A command begins with a slash: write /help to see them all."),
        ("/drawdown HSTECH 3y", "“3y” is no window: write all, 52w, 90d, ytd, mtd or since 2021-02-17."),
    ],
)
def test_a_line_that_is_no_command_is_told_what_to_write(
    marketbell: Marketbell, prices: Path, line: str, said: str
) -> None:
    answered = marketbell("ask", line, "--data", prices)
    assert (answered.status, answered.out, answered.err) == (2, "", f"{said}\n")


async def test_a_stranger_sees_only_what_a_stranger_may_ask(answers: Answers) -> None:
    assert plain(await answers.to("/help", CHAT, Role.STRANGER)).splitlines() == [
        "What you may ask",
        "/start — who this is, and what to do first",
        "/help — the commands you may give",
    ]
    everything = plain(await answers.to("/help", CHAT, Role.OWNER))
    assert len(everything.splitlines()) == len(COMMANDS) + 1
    with pytest.raises(Refused, match="/quote is for a reader"):
        await answers.to("/quote HSTECH", CHAT, Role.STRANGER)


async def test_a_stranger_is_told_what_the_owner_needs_to_know(answers: Answers) -> None:
    assert str(CHAT) in plain(await answers.to("/start", CHAT, Role.STRANGER))


@pytest.mark.parametrize(
    "command", [each for each in COMMANDS if each.name not in KEPT], ids=lambda it: it.name
)
async def test_every_example_that_help_could_show_works(answers: Answers, command: Command) -> None:
    for example in command.examples:
        assert plain(await answers.to(example, CHAT, Role.OWNER))


@pytest.mark.parametrize("name", KEPT)
async def test_recorded_bars_keep_no_subscriptions(answers: Answers, name: str) -> None:
    (command,) = (each for each in COMMANDS if each.name == name)
    for example in command.examples:
        with pytest.raises(Away, match="Recorded bars keep no subscriptions"):
            await answers.to(example, CHAT, Role.OWNER)
