from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.alerts.alert import Alert, Condition, Seen, alert_from_json, alert_to_json
from bot.messages.blocks import plain
from bot.messages.compose import compose
from bot.messages.words import LONGEST_HEADING
from bot.rules.met import Met, Part
from tests.cast import NOW
from tests.cast import alert as day_move

SESSION = date(2022, 3, 14)
MADE = datetime(2022, 3, 14, 2, 1, tzinfo=UTC)
SEEN = Seen("Yahoo", MADE + timedelta(minutes=15), 15)


def met(*parts: Part, condition: str = "", price: float = 11.98) -> Met:
    return Met(
        rule="mine",
        revision="r1",
        symbol="1810.HK",
        session=SESSION,
        time=MADE,
        condition=condition or " and ".join(each.text for each in parts),
        parts=parts,
        episode="gate",
        before=0,
        step=1,
        price=price,
        last=price,
        final=False,
        seen_by="quote",
        adjusted=False,
    )


def told(gate: Met, short: str = "Xiaomi", note: str = "") -> Alert:
    facts = Condition(gate, short, {"en": short}, "HK", "HKD", SEEN, False, -3.0744, 12.36)
    return Alert(
        fingerprint=gate.fingerprint,
        facts=facts,
        topics=("chat:telegram:77:1001",),
        reason="first",
        at=gate.time,
        raised=NOW,
        fold=gate.fingerprint,
        note=note,
    )


BELOW = Part("price < 12", 11.98, holds=True)
RSI = Part("rsi 14 < 30", 28.431, holds=True)
VOLUME = Part("volume 20d > 2x", 2.614, holds=True)


def test_a_level_that_is_reached_stands_in_the_heading_with_the_price_and_the_day() -> None:
    assert plain(compose([told(met(BELOW), note="look at ADR")])).splitlines() == [
        "Xiaomi below 12: HK$11.98 (−3.07% on the day)",
        "Price is HK$11.98, under 12",
        "Previous close HK$12.36",
        "Note: look at ADR",
        "Market time 10:01 HKT, 14 Mar 2022, received 10:16, 15 min delayed, Yahoo",
    ]


def test_every_part_says_what_it_was_worth_and_which_side_of_its_threshold_that_is() -> None:
    unknown = Part("gap > 2%", None, holds=None, unknown="the open is not known yet")
    short_of_it = Part("off low 52w > 20%", 5.27, holds=False)
    gate = met(RSI, VOLUME, short_of_it, unknown)
    assert plain(compose([told(gate)], ZoneInfo("Europe/Berlin"))).splitlines() == [
        "Xiaomi: RSI 14 28.4, under 30, volume 2.61×, over 2×: HK$11.98 (−3.07% on the day)",
        "RSI 14 is 28.4, under 30",
        "Volume 2.61× its 20-session average, over 2×",
        "The distance off the low (52w) is +5.27%, not over 20%",
        "Gap is not known: the open is not known yet",
        "Previous close HK$12.36",
        "Market time 10:01 HKT (03:01 CET), 14 Mar 2022, received 10:16, 15 min delayed, Yahoo",
    ]


@pytest.mark.parametrize(
    "part, said",
    [
        (Part("10 of HSTECH down 3%", 12, holds=True), "12 of HSTECH down 3%, 10 asked for"),
        (Part("at most 2 of HSTECH up 1%", 1, holds=True), "1 of HSTECH up 1%, at most 2 asked for"),
        (Part("new low 52w", 11.98, holds=True), "A new low (52w)"),
        (Part("new high all intraday", 11.98, holds=True), "A new high (all, intraday)"),
        (Part("news adr_audit 24h", None, holds=True), "A story on adr audit within 24 hours"),
        (Part("news buyback 24h", None, holds=False), "Not so: a story on buyback within 24 hours"),
        (Part("price > sma 200", 11.98, holds=True, against=11.504),
         "Price is HK$11.98, over SMA 200 (HK$11.50)"),
        (Part("change 30m < -2%", -2.2, holds=True), "The move over 30 minutes is −2.20%, under −2%"),
        (Part("change 5 sessions > 9%", 9, holds=True), "The move over 5 sessions is +9.00%, over 9%"),
        (Part("change since 2021-02-17 < -50%", -51.5, holds=True),
         "The move since 17 Feb 2021 is −51.50%, under −50%"),
        (Part("change since told > 3%", 3.4, holds=True), "The move since last told is +3.40%, over 3%"),
        (Part("cost 16.2 > 10%", 10.4, holds=True), "The move from 16.2 is +10.40%, over 10%"),
        (Part("drawdown all > 60%", 60.09, holds=True), "The drawdown (all) is −60.09%, deeper than 60%"),
        (Part("range 52w < 10%", 4.26, holds=True), "The place in the range (52w) is 4.3%, under 10%"),
        (Part("sigma 60 < -2σ", -2.514, holds=True),
         "The move in deviations of 60 sessions is −2.51σ, under −2σ"),
        (Part("vs ^HSI < -2%", -2.4, holds=True), "The day's move less that of ^HSI is −2.40%, under −2%"),
        (Part("streak < -3", -4, holds=True), "Streak is −4, under −3"),
        (Part("ratio BABA > 1.2", 1.23456, holds=True), "The ratio to BABA is 1.2346, over 1.2"),
        (Part("spread ^HSCE < 10", -7.5, holds=True), "The spread to ^HSCE is −7.500, under 10"),
        (Part("premium > 1.5%", 1.62, holds=True), "Premium is +1.62%, over 1.5%"),
    ],
)  # fmt: skip
def test_each_kind_of_part_is_said_in_plain_words(part: Part, said: str) -> None:
    message = plain(compose([told(met(part))])).splitlines()
    assert message[1] == said
    assert len(message[0]) <= LONGEST_HEADING


def test_a_level_that_only_the_sessions_range_met_says_where_the_price_is_now() -> None:
    gate = replace(met(replace(BELOW, value=12.2, holds=False)), seen_by="range", last=12.2, price=11.98)
    assert plain(compose([told(gate)])).splitlines()[:3] == [
        "Xiaomi touched 12: HK$11.98 (−3.07% on the day)",
        "Seen by the session's low so far; now HK$12.20, back above 12",
        "Previous close HK$12.36",
    ]
    closed = replace(gate, final=True)
    assert "Seen by the session's low; closed at HK$12.20, back above 12" in plain(compose([told(closed)]))


def test_levels_that_were_not_traded_are_not_told() -> None:
    gate = replace(met(RSI), adjusted=True)
    message = plain(compose([told(gate)]))
    assert message.splitlines()[0] == "Xiaomi RSI 14 28.4, under 30 (−3.07% on the day)"
    assert "HK$" not in message


def test_a_condition_of_many_parts_keeps_a_heading_that_a_lock_screen_shows() -> None:
    parts = [Part(f"change {number}m > 1%", 1.5 + number, holds=True) for number in range(10, 20)]
    heading = plain(compose([told(met(*parts), short="A name of 24 characters")])).splitlines()[0]
    assert len(heading) <= LONGEST_HEADING
    assert heading.startswith("A name of 24 characters")


def test_a_condition_that_holds_because_a_part_does_not_is_named_by_what_it_reads() -> None:
    gate = met(Part("rsi 14 > 70", 55.2, holds=False), condition="not rsi 14 > 70")
    assert plain(compose([told(gate)])).splitlines()[:2] == [
        "Xiaomi: not rsi 14 > 70: HK$11.98 (−3.07% on the day)",
        "RSI 14 is 55.2, not over 70",
    ]


def test_gates_and_moves_that_share_a_fold_are_one_message() -> None:
    gates = [
        replace(told(met(BELOW), note="mine"), fold="x"),
        replace(told(replace(met(RSI), symbol="0700.HK"), "Tencent", "mine"), fold="x"),
    ]
    assert plain(compose(gates)).splitlines() == [
        "2 conditions hold: Xiaomi below 12: HK$11.98 (−3.07% on the day)",
        "Xiaomi below 12: HK$11.98 (−3.07% on the day)",
        "Tencent RSI 14 28.4, under 30: HK$11.98 (−3.07% on the day)",
        "Note: mine",
        "Market time 10:01 HKT, 14 Mar 2022, received 10:16, 15 min delayed, Yahoo",
    ]
    mixed = plain(compose([*gates, day_move(fold="x")])).splitlines()
    assert mixed[0].startswith("3 alerts: HSTECH +4.00%")
    assert mixed[1].startswith("HSTECH +4.00%")
    assert mixed[3:5] == plain(compose(gates)).splitlines()[1:3]


def test_a_gate_that_came_to_hold_again_is_headed_by_where_it_is_now() -> None:
    first = met(BELOW)
    later = replace(first, time=first.time + timedelta(minutes=7), price=11.9, last=11.9)
    assert plain(compose([told(first), told(later)])).splitlines()[:3] == [
        "Xiaomi below 12: HK$11.90 (−3.07% on the day)",
        "Xiaomi below 12: HK$11.98 (−3.07% on the day) (at 10:01 HKT)",
        "Xiaomi below 12: HK$11.90 (−3.07% on the day) (at 10:08 HKT)",
    ]


def test_a_move_echoes_the_note_of_its_rule() -> None:
    message = plain(compose([replace(day_move(), note="sell\nhalf")])).splitlines()
    assert message[-2] == "Note: sell half"


def test_a_message_is_quiet_only_where_every_rule_in_it_is() -> None:
    quiet, loud = replace(told(met(BELOW)), urgency="quiet"), told(met(RSI))
    assert compose([quiet]).quiet
    assert not compose([loud]).quiet
    assert not compose([quiet, loud]).quiet


def test_a_gate_is_read_back_as_it_was_stored() -> None:
    alert = replace(told(met(BELOW, RSI), note="x"), urgency="urgent", condition="price < 12 and rsi 14 < 30")
    assert alert_from_json(alert_to_json(alert)) == alert


def test_an_alert_that_was_stored_before_rules_had_notes_is_still_read() -> None:
    written = alert_to_json(day_move())
    for name, default in (("note", '""'), ("urgency", '"normal"'), ("condition", '""')):
        assert f',"{name}":{default}' in written
        written = written.replace(f',"{name}":{default}', "")
    assert alert_from_json(written) == day_move()
