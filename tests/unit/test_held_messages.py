from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import pytest

from bot.alerts.alert import (
    Alert,
    Flood,
    Move,
    News,
    Notice,
    Seen,
    Sequel,
    Since,
    news_topics,
    notice_topics,
)
from bot.market.instrument import Market
from bot.messages.blocks import plain
from bot.messages.held import compose_held
from bot.messages.missed import compose_missed
from bot.messages.words import LONGEST_HEADING
from bot.news.story import Story
from bot.platforms.slack.render import render as slack
from bot.platforms.telegram.render import render as telegram
from tests.cast import MOMENT, NOW, alert
from tests.unit.test_condition_messages import BELOW, met
from tests.unit.test_condition_messages import told as gate

HKT = ZoneInfo("Asia/Hong_Kong")
HOUR = timedelta(hours=1)
NINE = round(datetime(2022, 3, 17, 9, tzinfo=HKT).timestamp() * 1000)


def move(
    step: float = 4,
    symbol: str = "HSTECH",
    hours: float = 0,
    *,
    before: float = 0,
    short: str = "",
    market: Market = "HK",
    session: date = date(2022, 3, 16),
    delay: int = 0,
    is_index: bool = False,
) -> Alert:
    """Return a move that was made so many hours after 10:00 in Hong Kong on 16 March."""
    made = MOMENT + hours * HOUR
    told = alert(step, before, symbol)
    assert isinstance(told.facts, Move)
    crossing = replace(told.facts.crossing, time=made, session=session)
    facts = replace(
        told.facts,
        crossing=crossing,
        short=short or symbol,
        market=market,
        seen=Seen("Yahoo", made, delay),
        is_index=is_index,
    )
    return replace(told, fingerprint=crossing.fingerprint, at=made, facts=facts)


def story(title: str, hours: float = 0, link: str = "https://example.org/1") -> Alert:
    made = MOMENT + hours * HOUR
    told = Story("Reuters", title, link, title, "", made, ("buyback",))
    return Alert(title, News(told), news_topics(told), "story", made, NOW, title)


def became(what: Literal["retreat", "close"], change: float, hours: float) -> Alert:
    told = move().facts
    assert isinstance(told, Move)
    made = MOMENT + hours * HOUR
    since = Since(
        told.crossing.rung, "HSTECH", 4, 4, 104.0, 100 + change, change, made, Seen("Yahoo", made), ""
    )
    facts = Sequel(what, "HK", date(2022, 3, 16), "up", "fold", (since,))
    return Alert(f"{what}", facts, ("all",), "sequel", made, NOW, "fold")


def shown(alerts: Sequence[Alert], why: str = "quiet", at: int | None = None) -> list[str]:
    return plain(compose_held(alerts, why, HKT, at)).splitlines()


def missed(*alerts: Alert) -> str:
    return plain(compose_missed(alerts, HKT))


def test_what_was_held_is_one_line_each_oldest_first_with_time_and_session() -> None:
    night = move(5, "BABA", -6, short="Alibaba US", market="US", session=date(2022, 3, 15), delay=15)
    assert shown([move(4), night, move(6, "0700.HK", 1, short="Tencent")]) == [
        "While it was quiet, 3 alerts: Tencent, Alibaba US and HSTECH",
        "04:00 (US, session of 15 Mar): Alibaba US +5.00%, HK$105.00: passed 5%",
        "10:00 (Hong Kong): HSTECH +4.00%, HK$104.00: passed 4%",
        "11:00 (Hong Kong): Tencent +6.00%, HK$106.00: passed 6%",
        "Market times, HKT, 15 min delayed, Yahoo",
    ]


def test_where_several_days_were_held_each_line_has_its_day() -> None:
    lines = shown([move(4), move(6, "0700.HK", 24, short="Tencent", session=date(2022, 3, 17))])
    assert lines[1].startswith("16 Mar 10:00 (Hong Kong): HSTECH")
    assert lines[2].startswith("17 Mar 10:00 (Hong Kong): Tencent")


def test_of_a_ladder_only_its_last_state_is_told_with_all_of_its_steps() -> None:
    lines = shown([move(4), move(6, before=4, hours=1), move(3, "0700.HK")])
    assert lines[0] == "While it was quiet, 2 alerts: HSTECH and 0700.HK"
    assert lines[2] == "11:00 (Hong Kong): HSTECH +6.00%, HK$106.00: passed 4 and 6%"


def test_what_became_of_a_held_move_is_said_behind_it() -> None:
    lines = shown([move(4), became("retreat", 3.1, 1), became("close", 4.75, 6)])
    assert lines[:2] == [
        "While it was quiet, 1 alert: HSTECH",
        "10:00 (Hong Kong): HSTECH +4.00%, HK$104.00: passed 4%; closed +4.75%",
    ]
    assert shown([move(4), became("retreat", 3.1, 1)])[1].endswith("; back at +3.10% since")


def test_a_digest_is_called_by_its_time_where_the_chat_is() -> None:
    both = [move(4), move(3, "0700.HK")]
    assert shown(both, "digest", NINE)[0] == "Digest of 09:00, 2 alerts: HSTECH and 0700.HK"
    in_london = compose_held(both, "digest", ZoneInfo("Europe/London"), NINE)
    assert plain(in_london).startswith("Digest of 01:00, 2 alerts")
    assert shown(both, "digest")[0].startswith("Digest, 2 alerts")


def test_what_was_muted_is_named_where_it_is_one_thing() -> None:
    assert shown([move(4), move(6, before=4, hours=1, symbol="HSI"), move(4, "HSI")], "muted")[0] == (
        "While muted, 2 alerts: HSI and HSTECH"
    )
    of_one = [move(4), gate(met(BELOW), "HSTECH")]
    assert shown(of_one, "muted")[0] == "While HSTECH was muted, 2 alerts"


def test_one_alert_is_told_whole_with_what_it_was_held_for() -> None:
    lines = shown([move(4, delay=15)], "muted")
    assert lines[0].startswith("While HSTECH was muted: HSTECH +4.00%")
    assert "Previous close HK$100.00, Tue 15 Mar 2022" in lines
    assert lines[-1] == "Market time 10:00 HKT, 16 Mar 2022, 15 min delayed, Yahoo"


def test_one_alert_that_does_not_fit_behind_what_it_was_held_for_loses_nothing() -> None:
    title = " ".join(f"word{number}" for number in range(11))
    lines = shown([story(title)])
    assert lines[0] == "While it was quiet, 1 alert"
    assert lines[1].startswith(title)


def test_everything_that_can_be_held_has_a_line() -> None:
    since = MOMENT
    dark = Notice("blind", "XHKG", "Asia/Hong_Kong", since, 12.0, 15, ("HSTECH",), "Yahoo")
    notice = Alert("blind", dark, notice_topics(["HSTECH"], []), "notice", since, NOW, "dark")
    flood = Flood("stock_day", "", since, 16, 3, ("HSTECH",), ("HK",), "flood")
    word = Alert("flood", flood, ("notices",), "notice", since, NOW, "flood")
    lines = shown([move(4), gate(met(BELOW)), story("Xiaomi buys back", 1), notice, word])
    assert (
        lines[0] == "While it was quiet, 5 alerts: HSTECH, Xiaomi, Hong Kong, stock_day and Xiaomi buys back"
    )
    assert [re.sub(r"^\S+ \S+ \d\d:\d\d ?", "", each) for each in lines[1:-1]] == [
        "(Hong Kong): Xiaomi below 12: HK$11.98 (−3.07% on the day)",
        "(Hong Kong): HSTECH +4.00%, HK$104.00: passed 4%",
        ": Blind: no new price from Hong Kong since 10:00 HKT",
        ": stock_day told 16 messages in 3 minutes; the rest is one message",
        ": Xiaomi buys back (https://example.org/1) (Reuters, 16 Mar 2022, 11:00 HKT)",
    ]


def test_the_note_of_a_rule_is_echoed_and_what_was_seen_late_says_so() -> None:
    late = replace(move(4), note="look at ADR", reason="seen late")
    lines = shown([late, move(4, "HSI")])
    assert "10:00 (Hong Kong): HSTECH +4.00%, HK$104.00: passed 4% (seen late); note: look at ADR" in lines


def test_a_share_at_its_daily_limit_is_said_to_be_there() -> None:
    limit = move(10, "600519.SS", short="Moutai", market="CN")
    assert isinstance(limit.facts, Move)
    crossing = replace(limit.facts.crossing, price=110.0, last=110.0, value=10.0)
    limit = replace(limit, facts=replace(limit.facts, crossing=crossing, previous_close=100.0))
    assert shown([limit, move(4)])[-1] == "Market times, HKT, Yahoo. Limit up: Moutai"


def test_it_is_quiet_only_where_every_rule_in_it_is() -> None:
    quiet = replace(move(4), urgency="quiet")
    assert compose_held([quiet, replace(move(4, "HSI"), urgency="quiet")], "quiet", HKT).quiet
    assert not compose_held([quiet, move(4, "HSI")], "quiet", HKT).quiet


FILLING = {"words": "announces a buyback ", "emoji": "🚀", "chinese": "宣布回購股份", "marks": "&<>"}


def long_title(kind: str, name: str) -> str:
    return f"{name} {FILLING[kind] * 60}"


@pytest.mark.parametrize("count", [2, 20, 35, 60, 500])
@pytest.mark.parametrize("kind", ["moves", "words", "emoji", "chinese", "marks"])
def test_however_much_was_held_is_one_message_on_every_platform_and_all_of_it_is_counted(
    count: int, kind: str
) -> None:
    names = [f"{number:04}.HK" for number in range(count)]
    if kind == "moves":
        held = [
            move(4, name, number / 60, short=f"A company with a long name {name}")
            for number, name in enumerate(names)
        ]
    else:
        held = [
            story(long_title(kind, name), number / 60, f"https://example.org/{'x' * 150}/{name}")
            for number, name in enumerate(names)
        ]
    message = compose_held(held, "quiet", HKT)
    assert len(telegram(message)) == 1
    assert len(slack(message)) == 1
    first, *lines = plain(message).splitlines()[:-1]
    assert len(first) <= LONGEST_HEADING
    assert first.startswith(f"While it was quiet, {count} alerts")
    earlier = re.match(r"(\d+) earlier: ", lines[0])
    left_out = int(earlier[1]) if earlier else 0
    assert left_out + len(lines) - bool(earlier) == count
    assert names[-1] in lines[-1], "the newest are told"


# What was missed


def test_what_was_missed_is_one_line_with_how_many_and_of_when() -> None:
    assert missed(move(4), move(6, "0700.HK", 1, short="Tencent"), story("Xiaomi buys back", 2)) == (
        "Missed while delivery was down: 3 alerts, 16 Mar 10:00 to 12:00 HKT: "
        "Tencent +6.00%, HSTECH +4.00% and Xiaomi buys back"
    )


def test_one_that_was_missed_has_one_time() -> None:
    assert missed(move(4)) == "Missed while delivery was down: 1 alert, 16 Mar 10:00 HKT: HSTECH +4.00%"


def test_what_was_missed_over_days_says_both() -> None:
    assert missed(move(4), move(6, before=4, hours=26)) == (
        "Missed while delivery was down: 2 alerts, 16 Mar 10:00 to 17 Mar 12:00 HKT: HSTECH +6.00%"
    )


def test_of_many_that_were_missed_the_line_names_as_many_as_fit() -> None:
    many = [move(4, f"{number:04}.HK", number / 60) for number in range(40)]
    message = compose_missed(many, HKT)
    line = plain(message)
    assert (message.blocks, message.small) == ((), None)
    assert len(line) <= 150
    assert line.startswith("Missed while delivery was down: 40 alerts, 16 Mar 10:00 to 10:39 HKT: ")
    named = len(re.findall(r"\d{4}\.HK", line))
    assert line.endswith(f" and {40 - named} more")
    assert named > 2


def test_a_long_title_that_was_missed_is_cut() -> None:
    line = missed(story("word " * 100))
    assert len(line) <= 150
    assert line.endswith("…")


def test_what_only_changed_a_message_is_not_counted_as_missed() -> None:
    assert "1 alert," in missed(move(4), became("close", 4.75, 6))
    assert "1 alert," in missed(became("close", 4.75, 6))


def test_times_are_utc_where_a_chat_has_no_zone() -> None:
    assert "16 Mar 02:00 UTC" in plain(compose_missed([move(4)]))
    assert plain(compose_held([move(4), move(4, "HSI")], "quiet")).splitlines()[1].startswith("02:00 ")
    assert MOMENT.tzinfo is UTC
