"""What a message says once its moves fell back or closed; each was read by a person as it is below."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from bot.alerts.alert import Alert, Move
from bot.alerts.sequels import Followed, Name, after, closes, looked, retreats
from bot.market.quote import Quote
from bot.market.sessions import opening
from bot.messages.blocks import Line, Strong, plain
from bot.messages.compose import compose
from bot.messages.words import LONGEST_HEADING, percent, price
from bot.rules.crossing import level_of
from tests.unit.test_messages import Past, of

HONG_KONG, LONDON = ZoneInfo("Asia/Hong_Kong"), ZoneInfo("Europe/London")
SETTLED = 400
"""Minutes from the open to 16:10."""


@pytest.fixture(scope="module")
def past() -> Past:
    return Past()


def quote(
    alert: Alert, worth: float, minute: int, reach: tuple[float, float] | None = None, *, final: bool = False
) -> Quote:
    """Return a quote of an alert's instrument, some minutes after its session opened."""
    move = of(alert)
    made = opening(move.market, move.crossing.session) + timedelta(minutes=minute)
    low, high = reach or (worth, worth)
    return Quote(
        move.crossing.symbol,
        worth,
        move.crossing.session,
        made,
        made + timedelta(minutes=15),
        "Yahoo",
        15,
        final,
        high=high,
        low=low,
    )


def back(told: list[Alert], worth: Quote) -> list[Alert]:
    followed = (each for name, each in after({}, told).items() if name[1].symbol == worth.symbol)
    return list(retreats(followed, worth, 0))


def closed(told: list[Alert], *quotes: Quote) -> Alert:
    followed = after({}, told)
    ended: dict[Name, Followed] = {}
    for each in quotes:
        its = {name: one for name, one in followed.items() if name[1].symbol == each.symbol}
        ended |= looked(its, each, each.received)
    (alert,) = closes(ended.values(), quotes[-1].received, 0)
    return alert


def text(*alerts: Alert, zone: ZoneInfo = HONG_KONG) -> list[str]:
    return plain(compose(alerts, zone)).splitlines()


def test_a_move_that_fell_back_says_when_and_to_what(past: Past) -> None:
    told = past.at_the_open("HSTECH", "index_day", "2022-03-16", delay=15)
    fallen = back([told], quote(told, 3580.1, 72))
    assert text(told, *fallen)[:3] == [
        "HSTECH +6.26% at the open: 3,689.86, +217.44 points",
        "Back under +4% at 10:42 HKT: 3,580.10, +3.10%",
        "Steps passed together: 4 and 6%. Next: 10% (3,819.66)",
    ]
    assert "Back under +4% at 10:42 HKT (02:42 GMT): 3,580.10, +3.10%" in text(told, *fallen, zone=LONDON)


def test_a_message_that_closed_is_in_the_past_from_its_heading_on(past: Past) -> None:
    told = past.at_the_open("HSTECH", "index_day", "2022-03-17", delay=15)
    fallen = back([told], quote(told, 4400.0, 72))
    end = closed([told], quote(told, 4384.1, SETTLED, (4380.0, 4719.9), final=True))
    assert text(told, *fallen, end) == [
        "HSTECH +3.32% at the close: 4,384.10; touched +11.23%",
        "Closed at 4,384.10, +3.32%: back under +10% (4,667.73)",
        "Steps passed together: 4, 6 and 10%",
        "Previous close 4,243.39, Wed 16 Mar 2022",
        "From peak: −59.95% (close 10,945.22, 17 Feb 2021). Second gain in a row",
        "Market time 16:10 HKT, 17 Mar 2022, received 16:25, 15 min delayed, Yahoo",
    ]


def test_a_close_above_all_told_steps_is_told_as_a_close(past: Past) -> None:
    told = past.at_the_open("HSTECH", "index_day", "2022-03-16", delay=15)
    end = closed([told], quote(told, 4243.39, SETTLED, (3600.0, 4247.54), final=True))
    first, *_, from_peak, made = text(told, end)
    assert first == "HSTECH +22.20% at the close: 4,243.39, +770.97 points"
    assert from_peak == "From peak: −61.23% (close 10,945.22, 17 Feb 2021)"
    assert made.startswith("Market time 16:10 HKT, 16 Mar 2022, received 16:25")


def test_a_distance_from_the_low_that_was_left_is_told_in_the_past(past: Past) -> None:
    told = past.at_the_open("HSTECH", "off_low", "2022-03-17", delay=15)
    fallen = back([told], quote(told, 3700.0, 80))
    assert text(told, *fallen)[:2] == [
        "HSTECH reached more than 30% off its 15 Mar low: 4,705.18 (+35.50%)",
        "Back under +10% at 10:50 HKT: 3,700.00, +6.55%",
    ]
    end = closed([told], quote(told, 4389.0, SETTLED, (4380.0, 4861.4), final=True))
    assert text(told, *fallen, end)[:2] == [
        "HSTECH touched 30% off its 15 Mar low: day's high 4,861.40 (+40.00%)",
        "Closed at 4,389.00, +26.40%: back under +30% (4,514.15)",
    ]


def hong_kong(past: Past) -> list[Alert]:
    """Return what opened together on 17 March 2022, as one message."""
    named = (
        ("HSTECH", "index_day"),
        ("^HSI", "index_day"),
        ("1810.HK", "stock_day"),
        ("1024.HK", "stock_day"),
    )
    return [past.at_the_open(symbol, rule, "2022-03-17", delay=15) for symbol, rule in named]


def test_each_line_of_a_message_says_what_became_of_its_own_move(past: Past) -> None:
    told = hong_kong(past)
    fallen = back(told, quote(told[1], 20300.0, 72))
    assert text(*told, *fallen)[:5] == [
        "Hong Kong up: HSTECH +10.88%, Kuaishou +9.79%, 2 more",
        "HSTECH +10.88%, 4,705.18: passed 4, 6 and 10%",
        "HSI +6.69%, 21,430.71: passed 4 and 6%, next 10%; back under +4% at 10:42 HKT: 20,300.00, +1.06%",
        "Kuaishou +9.79%, HK$82.46: passed 8%, next 12%",
        "Xiaomi +8.21%, HK$14.50: passed 8%, next 12%",
    ]


def test_a_message_of_several_ends_with_the_close_of_each(past: Past) -> None:
    told = hong_kong(past)
    last = (4564.02, 21501.23, 13.2, 83.28)
    reach = ((4500.0, 4940.44), (21000.0, 21600.0), (13.0, 14.9), (82.0, 85.0))
    ends = [
        quote(alert, worth, SETTLED, between, final=True)
        for alert, worth, between in zip(told, last, reach, strict=True)
    ]
    assert text(*told, closed(told, *ends)) == [
        "Hong Kong at the close: HSTECH +7.56% (touched +16.43%), Kuaishou +10.88%, 2 more",
        "HSTECH closed +7.56%, 4,564.02; touched +16.43%, 4,940.44: passed 4, 6 and 10%",
        "HSI closed +7.04%, 21,501.23: passed 4 and 6%",
        "Kuaishou closed +10.88%, HK$83.28: passed 8%",
        "Xiaomi closed −1.49%, HK$13.20; touched +11.19%, HK$14.90: passed 8%",
        "Day moves against the close of 16 Mar 2022",
        "Market time 16:10 HKT, 17 Mar 2022, received 16:25, 15 min delayed, Yahoo",
    ]


def test_a_message_of_which_some_closed_still_names_its_direction(past: Past) -> None:
    told = hong_kong(past)[:2]
    end = closed(told[:1], quote(told[0], 4700.0, SETTLED, final=True))
    first, second, third, *_ = text(*told, end)
    assert first == "Hong Kong up: HSTECH +10.76%, HSI +6.69%"
    assert second.startswith("HSTECH closed +10.76%, 4,700.00")
    assert third.startswith("HSI +6.69%, 21,430.71: passed 4 and 6%, next 10%")


def test_what_was_told_before_the_last_of_a_message_says_nothing_of_the_present(past: Past) -> None:
    first = past.at_the_open("HSTECH", "index_day", "2022-03-17", delay=15)
    move = of(first)
    touched = replace(move, crossing=replace(move.crossing, seen_by="range", last=4660.0, ahead=(12.0,)))
    later = past.at_the_open("1810.HK", "stock_day", "2022-03-17", delay=15)
    joined = of(later)
    made = joined.crossing.time + timedelta(hours=1)
    later = replace(later, at=made, facts=replace(joined, crossing=replace(joined.crossing, time=made)))
    assert text(replace(first, facts=touched), later)[1] == (
        "HSTECH touched +10.88%, 4,705.18: passed 4, 6 and 10%, next 12%; then +9.82%, 4,660.00"
    )


def test_a_further_step_makes_a_retreat_old(past: Past) -> None:
    told = past.at_the_open("HSTECH", "index_day", "2022-03-16", delay=15)
    fallen = back([told], quote(told, 3580.1, 72))
    move = of(told)
    further = replace(
        move, crossing=replace(move.crossing, steps=(10.0,), passed=(4.0, 6.0), before=6.0, ahead=())
    )
    again = replace(told, facts=further, at=told.at + timedelta(hours=2))
    assert not [each for each in text(told, *fallen, again) if "Back" in each]


def test_a_chat_that_hears_of_one_name_is_told_the_close_of_that_one(past: Past) -> None:
    told = hong_kong(past)
    ends = [quote(each, of(each).crossing.last, SETTLED, final=True) for each in told]
    assert text(told[2], closed(told, *ends))[0] == "Xiaomi +8.21% at the close: HK$14.50, +1.10"


def test_levels_that_were_not_traded_are_not_told_of_a_retreat_or_a_close(past: Past) -> None:
    told = past.at_the_open("1024.HK", "stock_day", "2022-03-17", delay=15)
    move = of(told)
    told = replace(told, facts=replace(move, crossing=replace(move.crossing, adjusted=True)))
    fallen = back([told], quote(told, 76.0, 72))
    assert text(told, *fallen)[1] == "Back under +8% at 10:42 HKT: +1.19%"
    end = closed([told], quote(told, 78.0, SETTLED, (76.0, 84.0), final=True))
    assert text(told, end)[0] == "Kuaishou +3.85% at the close; touched +11.84%"


def test_a_sequel_by_itself_has_a_heading(past: Past) -> None:
    told = hong_kong(past)
    (fallen,) = back(told, quote(told[1], 20300.0, 72))
    ends = [quote(each, of(each).crossing.last, SETTLED, final=True) for each in told]
    assert text(fallen) == ["HSI back under +4%: +1.06%, 20,300.00"]
    assert text(closed(told, *ends)) == ["HSTECH closed +10.88%, 4,705.18, 3 more"]


def test_a_name_that_went_twice_as_far_as_its_index_stands_out(past: Past) -> None:
    told = hong_kong(past)[1:3]
    assert isinstance(told[1].facts, Move)
    far = replace(told[1].facts, crossing=replace(told[1].facts.crossing, value=13.5))
    lines = compose([told[0], replace(told[1], facts=far)], HONG_KONG).blocks
    strong = [isinstance(each, Line) and isinstance(each.spans[0], Strong) for each in lines]
    assert strong == [False, True, False]


BACK = re.compile(r"Back (under \+|above −)([\d.]+)% at (\d\d:\d\d) HKT: ([\d,.]+), ([+−]?[\d.]+%)")


def walk(alert: Alert, chance: Random) -> Iterator[Quote]:
    """Give the quotes of a session that swings about an alert's steps."""
    crossing = of(alert).crossing
    worth = crossing.last
    for minute in range(1, 390, 3):
        worth *= 1 + chance.gauss(0, 0.006)
        yield quote(alert, round(worth, 2), minute)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_prices_do_a_message_says_only_what_was_so(past: Past, seed: int) -> None:
    """Each retreat that is told is a price of its minute, below its step; the close is the last word."""
    chance = Random(seed)
    told = past.at_the_open("HSTECH", "index_day", "2022-03-16", delay=15)
    crossing = of(told).crossing
    seen: dict[str, float] = {}
    shown, furthest = [told], crossing.step
    for each in walk(told, chance):
        seen[f"{each.time.astimezone(HONG_KONG):%H:%M}"] = each.price
        change = (each.price / crossing.reference.value - 1) * 100
        if furthest < 10 <= change:
            step = replace(
                crossing,
                time=each.time,
                steps=(10.0,),
                passed=(4.0, 6.0),
                before=6.0,
                ahead=(),
                level=level_of(crossing.reference.value, 10, "up"),
                value=change,
                price=each.price,
                last=each.price,
            )
            shown.append(replace(told, facts=replace(of(told), crossing=step), at=each.time))
            furthest = 10
        shown += list(retreats(after({}, shown).values(), each, 0))
        lines = text(*shown)
        found = [BACK.fullmatch(one) for one in lines if one.startswith("Back")]
        assert len(found) <= 1
        for one in found:
            assert one is not None
            assert price(seen[one[3]]) == one[4]
            assert seen[one[3]] < level_of(crossing.reference.value, float(one[2]), "up")
        assert not any(" now " in one or "so far" in one for one in lines)
    end = quote(told, each.price, SETTLED, (min(seen.values()), max(seen.values())), final=True)
    heading, *lines = text(*shown, closed(shown, end))
    change = (each.price / crossing.reference.value - 1) * 100
    assert heading.startswith(f"HSTECH {percent(change)} at the close: {price(each.price)}")
    assert len(heading) <= LONGEST_HEADING
    assert not any(one.startswith("Back") for one in lines)
