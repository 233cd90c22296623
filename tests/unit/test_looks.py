from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.chats.chat_id import ChatId, parse_chat_id
from bot.errors import UsageError
from bot.market.bars import Bar
from bot.market.quote import Quote, look_between, look_so_far

MORNING = datetime(2022, 3, 16, 1, 30, tzinfo=UTC)
OPENING = Quote("HSTECH", 100, date(2022, 3, 16), MORNING, MORNING, "Yahoo", open=99.5, high=101, low=99)


def later(minutes: int, price: float, **changed: float) -> Quote:
    return replace(OPENING, price=price, time=MORNING + timedelta(minutes=minutes), **changed)  # type: ignore[arg-type]


def test_the_first_look_of_a_session_sees_all_that_was_reached() -> None:
    look = look_between(None, OPENING)
    assert look is not None
    assert (look.price, look.high, look.low) == (100, 101, 99)


def test_an_extreme_that_was_seen_before_is_not_seen_again() -> None:
    look = look_between(OPENING, later(1, 100.5))
    assert look is not None
    assert (look.high, look.low) == (100.5, 100.5)


def test_a_range_that_grew_between_two_looks_is_seen() -> None:
    look = look_between(OPENING, later(1, 100.5, high=103.0, low=97.0))
    assert look is not None
    assert (look.high, look.low) == (103, 97)


def test_the_same_quote_again_is_no_look_and_neither_is_an_older_one() -> None:
    assert look_between(OPENING, replace(OPENING, received=MORNING + timedelta(hours=1))) is None
    assert look_between(later(5, 101), later(4, 150)) is None
    assert look_between(replace(OPENING, session=date(2022, 3, 17)), OPENING) is None


def test_the_official_close_is_a_look_even_at_the_same_price() -> None:
    look = look_between(OPENING, replace(OPENING, final=True))
    assert look is not None
    assert look.final


def test_a_new_session_sees_its_whole_range() -> None:
    yesterday = replace(
        OPENING, session=date(2022, 3, 15), time=MORNING - timedelta(days=1), high=200, low=50
    )
    look = look_between(yesterday, OPENING)
    assert look is not None
    assert (look.high, look.low) == (101, 99)


YESTERDAY = Bar(date(2022, 3, 15), 101, 105, high=110, low=90)


def reached(before: Quote | None, now: Quote) -> tuple[float, float]:
    look = look_between(before, now, YESTERDAY)
    assert look is not None
    return look.high, look.low


@pytest.mark.parametrize(
    "stale",
    [
        replace(OPENING, open=None, high=110, low=90),
        replace(OPENING, open=105, high=110, low=90),
        replace(OPENING, open=112, high=110, low=90),
        replace(OPENING, high=110, low=90, final=True),
    ],
    ids=["without an open", "all of yesterday's", "an open beyond it", "an official close"],
)
def test_a_range_that_may_be_yesterdays_reaches_nothing_in_the_first_look(stale: Quote) -> None:
    assert reached(None, stale) == (100, 100)
    assert reached(replace(OPENING, session=date(2022, 3, 15)), stale) == (100, 100)


def test_a_range_without_an_open_counts_in_a_first_look_only_at_the_close() -> None:
    unknown = replace(OPENING, open=None)
    assert reached(None, unknown) == (100, 100)
    assert reached(None, replace(unknown, final=True)) == (101, 99)


def test_the_range_of_this_session_counts_once_it_takes_the_place_of_yesterdays() -> None:
    stale = replace(OPENING, open=105, high=110, low=90)
    assert reached(stale, later(1, 100.5, high=104.0, low=99.0)) == (104, 99)
    assert reached(stale, later(1, 100.5, high=104.0, low=85.0)) == (104, 85)


def test_what_a_session_had_reached_is_all_of_its_range_but_nothing_of_yesterdays() -> None:
    whole = look_so_far(replace(OPENING, open=None), YESTERDAY)
    assert (whole.high, whole.low) == (101, 99)
    stale = look_so_far(replace(OPENING, high=110, low=90), YESTERDAY)
    assert (stale.high, stale.low) == (100, 100)


@pytest.mark.parametrize(
    "text",
    [
        "telegram:77:1001",
        "telegram:77:-100500",
        "telegram:77:-100500:12",
        "slack:T1:C1",
        "web:page",
        "terminal:",
    ],
)
def test_a_chat_id_is_read_as_it_is_written(text: str) -> None:
    assert str(parse_chat_id(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "telegram",
        "telegram:77",
        "telegram:x:1",
        "telegram:77:1:2:3",
        "telegram:77:--1",
        "slack:T1",
        "web:",
        "x:1",
    ],
)
def test_what_is_no_chat_id_is_told_the_forms(text: str) -> None:
    with pytest.raises(UsageError, match="is no chat: write telegram:BOT:CHAT"):
        parse_chat_id(text)


def test_pacing_and_holds_are_shared_by_the_threads_of_a_bot() -> None:
    assert ChatId("telegram", "77", "-1", "9").route == ChatId("telegram", "77", "1").route == "telegram:77"
    assert ChatId("telegram", "77", "-1").is_group
    assert not ChatId("slack", "T1", "C1").is_group
