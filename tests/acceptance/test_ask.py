from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bot.app import RecordedMarket
from bot.chat.answer import answer
from bot.chat.commands import COMMANDS
from bot.chats.roles import Role
from bot.errors import Refused
from tests.conftest import ROOT, Marketbell


def test_a_chat_command_is_answered_in_the_terminal(marketbell: Marketbell, prices: Path) -> None:
    said = marketbell("ask", "/quote 1810.HK", "--data", prices, "--as-of", "2022-03-23")
    assert said.status == 0
    assert said.out == (
        "Xiaomi Corporation (1810.HK)\n14.78 +0.58 +4.08%\nPrevious close 14.20, 22 Mar 2022\n"
        "Day 14.70–15.48\nClose of 23 Mar 2022, recorded bars\n"
    )


def test_a_command_answers_what_the_command_line_does(marketbell: Marketbell, prices: Path) -> None:
    where = ("--data", prices, "--as-of", "2022-03-23")
    asked = marketbell("ask", "/drawdown@marketbell_bot HSTECH 52w", *where)
    assert asked.out == marketbell("drawdown", "HSTECH", "52w", *where).out
    assert "−44.58%" in asked.out


@pytest.mark.parametrize(
    "line,said",
    [
        ("/quote", "Write /quote SYMBOL, as in /quote 1810.HK."),
        ("/qoute 1810.HK", "There is no command /qoute: did you mean /quote SYMBOL?"),
        ("/zzzz", "There is no command /zzzz: write /help to see them all."),
        ("1810.HK", "A command begins with a slash: write /help to see them all."),
        ("", "A command begins with a slash: write /help to see them all."),
        ("/drawdown HSTECH 3y", "“3y” is no window: write all or 52w."),
    ],
)
def test_a_line_that_is_no_command_is_told_what_to_write(
    marketbell: Marketbell, prices: Path, line: str, said: str
) -> None:
    answered = marketbell("ask", line, "--data", prices)
    assert (answered.status, answered.out, answered.err) == (2, "", f"{said}\n")


def test_a_stranger_sees_only_what_a_stranger_may_ask(prices: Path) -> None:
    market = RecordedMarket.of(ROOT / "config.yaml", prices).on(date(2022, 3, 23))
    assert answer("/help", Role.STRANGER, market, COMMANDS) == "/help — the commands you may give"
    assert len(answer("/help", Role.READER, market, COMMANDS).splitlines()) == len(COMMANDS)
    with pytest.raises(Refused, match="/quote is for a reader"):
        answer("/quote HSTECH", Role.STRANGER, market, COMMANDS)


@pytest.mark.parametrize("example", [each for command in COMMANDS for each in command.examples])
def test_every_example_that_help_could_show_works(prices: Path, example: str) -> None:
    market = RecordedMarket.of(ROOT / "config.yaml", prices).on(date(2022, 3, 23))
    assert answer(example, Role.OWNER, market, COMMANDS)
