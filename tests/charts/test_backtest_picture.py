from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from bot.charts import draw_backtest
from bot.charts.marks import marks_of
from bot.charts.wire import NotDrawn, surroundings
from bot.messages.pictures import BacktestPicture, Marked
from tests.charts.facts import CLOSES, DAYS, LADDER, NEVER, colours_of, column_of, image_of
from tests.conftest import ROOT

HEAVY = ("matplotlib", "numpy", "PIL", "pandas")


@pytest.fixture(scope="module")
def ladder() -> bytes:
    return draw_backtest(LADDER)


def test_a_picture_is_a_png_as_wide_as_a_telephone_can_show(ladder: bytes) -> None:
    assert image_of(ladder).size == (1000, 700)
    assert len(ladder) < 300_000


def test_every_alert_is_marked_at_its_session_by_the_look_of_its_step(ladder: bytes) -> None:
    image = image_of(ladder)
    looks = {marks.step: marks.colour for marks in marks_of(LADDER.fires)}
    assert looks.keys() == {"20%", "30%"}
    for fire in LADDER.fires:
        (other,) = looks.keys() - {fire.step}
        seen = colours_of(image, column_of(fire.session))
        assert looks[fire.step] in seen
        assert looks[other] not in seen


def test_no_alert_is_marked_where_none_was(ladder: bytes) -> None:
    image = image_of(ladder)
    looks = {marks.colour for marks in marks_of(LADDER.fires)}
    free = (column_of(DAYS[at]) for at in (10, 65, 150, 250))
    assert not any(looks & colours_of(image, column) for column in free)


def test_where_alerts_are_too_many_for_marks_each_has_a_stroke_below_the_prices() -> None:
    often = tuple(Marked(each, "+2%" if at % 2 else "−2%") for at, each in enumerate(DAYS[::3]))
    image = image_of(draw_backtest(replace(LADDER, fires=often)))
    for fire in often[5:-5:10]:
        column = column_of(fire.session)
        rows = {"−2%": (366, 392), "+2%": (392, 418)}
        for step, (top, bottom) in rows.items():
            inked = any(
                colours_of(image, at, top + 6, bottom - 6) - {"#ffffff"}
                for at in (column - 1, column, column + 1)
            )
            assert inked == (step == fire.step)


def test_a_rule_that_never_fired_is_still_a_line_of_prices() -> None:
    image = image_of(draw_backtest(NEVER))
    assert "#5a6373" in colours_of(image, column_of(DAYS[100]), 100, 655)


def test_letters_that_this_machine_lacks_are_left_out_and_not_shown_as_boxes() -> None:
    # No font has a private letter, so the name is drawn as if it were not there.
    with_boxes = replace(
        LADDER, name="Xiaomi \U000f1234\U000f1234", rule="1810.HK \U000f1234 drawdown 20/30%"
    )
    without = replace(LADDER, name="Xiaomi", rule="1810.HK drawdown 20/30%")
    assert draw_backtest(with_boxes) == draw_backtest(without)
    nothing_left = replace(LADDER, name="\U000f1234", rule="\U000f1234")
    assert draw_backtest(nothing_left) == draw_backtest(replace(LADDER, name="1810.HK", rule="1810.HK"))


@pytest.mark.parametrize(
    "rule",
    [
        "1810.HK day > 2% note “$x^2$ and $y$”",
        "\\frac{1}{2} $\\alpha$",
        "x" * 500,
        "1810.HK \u202egnp.exe\x00\n\t & <b>",
        "",
    ],
)
def test_whatever_somebody_wrote_is_drawn_as_text(rule: str) -> None:
    assert image_of(draw_backtest(replace(LADDER, rule=rule, fires=()))).size == (1000, 700)


@pytest.mark.parametrize(
    "facts, why",
    [
        (replace(NEVER, sessions=DAYS[:1], closes=(1.0,)), "from 2 to 50,000 sessions"),
        (replace(NEVER, closes=(1.0,)), "with a close each"),
        (replace(NEVER, sessions=DAYS[::-1]), "not in order"),
        (replace(NEVER, closes=(0.0, *map(float, CLOSES[1:]))), "no price"),
        (replace(NEVER, closes=(float("nan"), *map(float, CLOSES[1:]))), "not drawn"),
    ],
)
def test_facts_that_make_no_picture_are_refused_in_a_sentence(facts: BacktestPicture, why: str) -> None:
    with pytest.raises(NotDrawn, match=why):
        draw_backtest(facts)


def test_prices_that_never_moved_and_a_time_of_two_sessions_are_drawn() -> None:
    flat = replace(NEVER, closes=(12.0,) * len(DAYS))
    two = replace(NEVER, sessions=(date(2022, 3, 22), date(2022, 3, 23)), closes=(14.2, 14.78))
    assert [image_of(draw_backtest(each)).size for each in (flat, two)] == [(1000, 700)] * 2


def test_a_child_that_does_not_come_to_an_end_is_given_up() -> None:
    with pytest.raises(NotDrawn, match=r"not drawn: it took longer than 0\.01 seconds\."):
        draw_backtest(LADDER, within=0.01)


def test_whoever_asks_for_a_picture_never_loads_what_draws_it(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\n"
        "from bot.charts import Pictures, draw_backtest\n"
        "from tests.charts.facts import LADDER\n"
        "del sys.modules['PIL']\n"
        "before = set(sys.modules)\n"
        "async def both():\n"
        "    pictures = Pictures(print)\n"
        "    drawn = await pictures.backtest(LADDER)\n"
        "    await pictures.close()\n"
        "    return drawn.png == draw_backtest(LADDER)\n"
        "print(asyncio.run(both()))\n"
        f"print(*(each for each in {HEAVY!r} if each in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "True\n\n"


def test_the_child_is_given_no_token() -> None:
    given = surroundings(
        {"TELEGRAM_TOKEN": "1:AA", "SLACK_BOT_TOKEN": "xoxb-", "PATH": "/bin", "HOME": "/root"}
    )
    assert given == {"PATH": "/bin", "HOME": "/root"}
