from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import pytest

from bot.alerts.alert import (
    Alert,
    Condition,
    Move,
    News,
    Notice,
    Seen,
    Sequel,
    Since,
    alert_from_json,
    alert_to_json,
    news_topics,
    notice_topics,
)
from bot.alerts.decided import decided
from bot.alerts.floods import folded
from bot.alerts.why import Check, why
from bot.app.recorded import RecordedMarket
from bot.market.extremes import Extreme
from bot.messages.blocks import plain
from bot.messages.why import why_message
from bot.news.story import Bearing, Story
from bot.rules.conditions import Rule
from bot.rules.grammar import parse
from bot.rules.met import Part
from tests.cast import NOW
from tests.cast import alert as day_move
from tests.conftest import ROOT
from tests.unit.test_condition_messages import met
from tests.unit.test_condition_messages import told as gate
from tests.unit.test_floods import move, words

FIRST, LAST = date(2021, 1, 1), date(2022, 6, 30)


@pytest.fixture(scope="module")
def market(prices: Path) -> RecordedMarket:
    return RecordedMarket.of(ROOT / "config.yaml", prices)


Preset = Callable[[str], list[Alert]]


@pytest.fixture(scope="module")
def replayed(market: RecordedMarket) -> Preset:
    """What a preset tells over the recorded bars, as it would be read from where it is stored."""

    @cache
    def told(preset: str) -> list[Alert]:
        alerts = market.alerts(market.replay((FIRST, LAST), preset), preset)
        return [alert_from_json(alert_to_json(each)) for each in alerts]

    return told


def one(replayed: Preset, rule: str, symbol: str, session: date) -> Alert:
    (found,) = (
        each
        for each in replayed("calm")
        if isinstance(each.facts, Move)
        and (each.facts.crossing.rule, each.facts.crossing.symbol) == (rule, symbol)
        and each.facts.crossing.session == session
    )
    return found


def said(alert: Alert, **deliveries: int) -> list[str]:
    return plain(why_message(why(alert), deliveries)).splitlines()


def disagreeing(alert: Alert) -> dict[str, tuple[str, str]]:
    return {each.what: (each.stored, each.again) for each in why(alert).disagreements}


@pytest.mark.parametrize("preset, number", [("calm", 867), ("loud", 3030)])
def test_every_alert_of_eighteen_months_comes_out_again_as_it_was_stored(
    replayed: Preset, preset: str, number: int
) -> None:
    found = [why(each) for each in replayed(preset)]
    assert len(found) == number
    assert [each.disagreements for each in found if each.disagreements] == []
    for each in found:
        assert {"change", "steps told", "ladder", "revision", "fingerprint"} <= {
            one.what for one in each.checks
        }


def test_a_day_move_shows_its_price_its_reference_and_how_its_steps_follow_the_volatility(
    replayed: Preset,
) -> None:
    alert = one(replayed, "stock_day", "0700.HK", date(2022, 1, 20))
    assert said(alert, sent=3, waiting=1) == [
        "Why: Tencent +3.51% (as traded), +6.60% adjusted for the JD.com distribution: HK$471.60",
        f"Alert {alert.fingerprint}",
        "Rule stock_day, revision 91fc81127fdf: ±auto(2.5σ60, 4%, 8%) ladder 1/1.5/2.5",
        (
            "Official close 471.6: made 20 Jan 2022, 16:10:00 HKT, received 20 Jan 2022, 16:10:00 HKT, "
            "from recorded bars"
        ),
        "Compared with 442.4001: the previous close, 19 Jan 2022",
        "The previous close was 455.6001, adjusted for the JD.com distribution",
        "(471.6 ÷ 442.4001 − 1) × 100 = 6.600337567735637%",
        "Deviation of 60 daily log returns, a ratio: 0.0203985782857273",
        ("0.0203985782857273 × 100 × 2.5 = 5.099644571431825%, rounded to 0.5, kept between 4% and 8%: 5%"),
        "Times 1/1.5/2.5: 5/7.5/12.5%",
        "5%, at 464.520105: reached, told now",
        "7.5%, at 475.5801075: not reached",
        "12.5%, at 497.7001125: not reached",
        "Record of the episode “2022-01-20 up”: 0 before, 5 after",
        "Reason: the first of its episode",
        "Told in one message with all of: HK 2022-01-20 up",
        "Topics: instrument:0700.HK, rule:stock_day, all",
        "Deliveries: 3 sent, 1 waiting",
        (
            "Computed again from what is stored, all agree: change, steps told, level of the furthest step, "
            "seen by, ladder, day change, distance from the peak, reason, revision, fingerprint"
        ),
    ]


def test_a_step_that_was_merely_touched_shows_the_range_and_the_last_price(replayed: Preset) -> None:
    shown = said(one(replayed, "drawdown", "HSTECH", date(2022, 3, 8)))
    assert shown[3:7] == [
        (
            "Low of what was looked at 4367.79: made 8 Mar 2022, 16:10:00 HKT, "
            "received 8 Mar 2022, 16:10:00 HKT, from recorded bars"
        ),
        "Official close 4382.32",
        "Compared with 10945.22: the highest close of the window all, 17 Feb 2021",
        "(4367.79 ÷ 10945.22 − 1) × 100 = −60.09408673375227%",
    ]
    assert "50%, at 5472.61: reached, told before" in shown
    assert "60%, at 4378.088: reached, told now" in shown
    assert any(each.startswith("70%, at 3283.56") and each.endswith(": not reached") for each in shown)
    assert shown[-5:-1] == [
        "Reason: a further step of an episode that was told of before",
        "Told by itself",
        "Topics: instrument:HSTECH, rule:drawdown, all",
        "Deliveries: none",
    ]


@pytest.mark.parametrize(
    "changed, what, stored, again",
    [
        ({"value": 4.5}, "change", "4.5", "4.0000000000000036"),
        ({"level": 105.0}, "level of the furthest step", "105", "104"),
        ({"seen_by": "range"}, "seen by", "range", "quote"),
        ({"steps": (4.0, 5.0)}, "steps told", "4/5", "4"),
    ],
)
def test_a_number_that_comes_out_as_another_is_said_with_both(
    changed: dict[str, object], what: str, stored: str, again: str
) -> None:
    alert = day_move()
    assert isinstance(alert.facts, Move)
    crossing = replace(alert.facts.crossing, **changed)  # type: ignore[arg-type]
    crossing = replace(crossing, value=crossing.value if "value" in changed else 4.0000000000000036)
    tampered = replace(alert, facts=replace(alert.facts, crossing=crossing))
    assert disagreeing(tampered)[what] == (stored, again)
    expected = f"Does not agree: {what} is stored as {stored}, and comes out as {again}"
    assert expected in said(tampered)
    assert not any("all agree" in line for line in said(tampered))


def test_an_alert_under_another_name_than_its_own_does_not_agree() -> None:
    found = why(replace(day_move(), fingerprint="0" * 20)).disagreements
    assert [each.what for each in found] == ["change", "fingerprint"]


def test_a_ladder_that_is_not_its_rules_and_a_revision_of_another_text_do_not_agree(
    replayed: Preset,
) -> None:
    alert = one(replayed, "index_day", "HSTECH", date(2022, 3, 16))
    other = "±auto(2σ60, 1%, 3%) ladder 1/1.5/2.5"
    revision = Rule("index_day", parse(other), frozenset()).revision
    assert disagreeing(replace(alert, condition=other)) == {
        "ladder": ("4/6/10", "3/4.5/7.5"),
        "revision": ("5b9ac0b47d93", revision),
    }


def test_an_alert_whose_rules_text_is_not_kept_or_reads_no_more_is_computed_without_it(
    replayed: Preset,
) -> None:
    alert = one(replayed, "index_day", "HSTECH", date(2022, 3, 16))
    for text in ("", "whatever this was in an older version"):
        found = why(replace(alert, condition=text))
        assert found.read is None
        assert not found.disagreements
        assert not {"ladder", "revision"} & {each.what for each in found.checks}
    assert said(replace(alert, condition=""))[2].endswith(": its text is not kept")


def test_what_a_rule_that_tells_once_had_passed_in_silence_is_no_disagreement() -> None:
    alert = day_move(step=40, before=-20)
    assert isinstance(alert.facts, Move)
    crossing = replace(
        alert.facts.crossing, steps=(30.0, 40.0), passed=(), ahead=(50.0,), price=140.0, last=140.0,
        level=140.0, value=39.99999999999999, measure="off low", compared_with="close",
    )  # fmt: skip
    alert = replace(
        alert,
        facts=replace(alert.facts, crossing=crossing),
        reason="first",
        condition="off low 10/20/30/40/50% reference close, trigger touch, window 52w, re-arm on new low",
    )
    assert set(disagreeing(alert)) <= {"fingerprint", "revision"}


def test_the_price_of_ones_own_is_named_as_such() -> None:
    alert = day_move()
    assert isinstance(alert.facts, Move)
    crossing = replace(alert.facts.crossing, measure="from cost", reference=Extreme(16.2, date(2022, 3, 16)))
    shown = said(replace(alert, facts=replace(alert.facts, crossing=crossing)))
    assert "Compared with 16.2: the price that the rule names" in shown


RSI = Part("rsi 14 < 30", 28.431, holds=True)
VOLUME = Part("volume 20d > 2x", 2.614, holds=True)
UNDER_SMA = Part("price < sma 200", 11.98, holds=True, against=14.25)


def test_a_gate_shows_each_part_with_its_value_its_threshold_and_whether_it_held() -> None:
    gap = Part("gap > 2%", None, holds=None, unknown="the open is not known yet")
    asked = "rsi 14 < 30 and volume 20d > 2x and price < sma 200 and not (gap > 2% and streak > 3)"
    streak = Part("streak > 3", 1, holds=False)
    text = str(parse(asked))
    alert = gate(met(RSI, VOLUME, UNDER_SMA, gap, streak, condition=text), note="look at ADR")
    shown = said(replace(alert, urgency="urgent"), sent=1)
    assert shown[2:] == [
        f"Rule mine, revision r1: {text}",
        (
            "Price 11.98: made 14 Mar 2022, 10:01:00 HKT, received 14 Mar 2022, 10:16:00 HKT, "
            "15 min delayed, from Yahoo"
        ),
        "rsi 14 < 30: 28.431 against 30, held",
        "volume 20d > 2x: 2.614 against 2, held",
        "price < sma 200: 11.98 against 14.25, held",
        "gap > 2%: not known, the open is not known yet",
        "streak > 3: 1 against 3, did not hold",
        "Record of the episode “gate”: 0 before, 1 after",
        "Reason: the first of its episode",
        "Told by itself",
        "Note of the rule: look at ADR",
        "Urgency: urgent",
        "Topics: chat:telegram:77:1001",
        "Deliveries: 1 sent",
        (
            "Computed again from what is stored, all agree: “rsi 14 < 30”, “volume 20d > 2x”, "
            "“price < sma 200”, “streak > 3”, the whole condition, record after, may tell, seen by, "
            "fingerprint"
        ),
    ]


@pytest.mark.parametrize(
    "condition, parts, holds",
    [
        ("rsi 14 < 30 or volume 20d > 2x", (RSI, replace(VOLUME, value=1.2, holds=False)), True),
        ("rsi 14 < 30 and volume 20d > 2x", (RSI, replace(VOLUME, value=1.2, holds=False)), False),
        ("not rsi 14 < 30", (replace(RSI, value=55.0, holds=False),), True),
        ("(rsi 14 < 30 for 3 looks)", (RSI,), True),
        ("(rsi 14 < 30 at close)", (RSI,), None),
        ("news buyback 24h and rsi 14 < 30", (Part("news buyback 24h", None, holds=True), RSI), True),
        ("news buyback 24h and rsi 14 < 30", (Part("news buyback 24h", None, None, "x"), RSI), None),
        ("rsi 14 < 30 and volume 20d > 2x", (RSI,), None),
    ],
)
def test_the_whole_condition_is_put_together_again_from_its_parts(
    condition: str, parts: tuple[Part, ...], holds: bool | None
) -> None:
    whole = disagreeing(gate(met(*parts, condition=condition))).get("the whole condition", ("holds", "holds"))
    assert whole == ("holds", {True: "holds", False: "does not hold", None: "not known"}[holds])


def test_a_part_that_does_not_come_out_as_it_was_kept_does_not_agree() -> None:
    found = disagreeing(gate(met(replace(RSI, value=31.5), condition="rsi 14 < 30")))
    assert found == {
        "“rsi 14 < 30”": ("holds", "does not hold"),
        "the whole condition": ("holds", "does not hold"),
    }


def test_a_level_that_only_the_range_touched_is_judged_by_what_touched_it() -> None:
    touched = replace(
        met(Part("price < 12", 12.2, holds=False), condition="price < 12"), seen_by="range", last=12.2
    )
    assert disagreeing(gate(touched)) == {}
    assert "Low of what was looked at 11.98: made 14 Mar 2022" in said(gate(touched))[3]
    assert disagreeing(gate(replace(touched, price=12.01)))["the whole condition"][1] == "does not hold"


def test_a_gate_that_had_told_already_could_not_have_told_again() -> None:
    found = disagreeing(gate(replace(met(RSI), before=1, step=2)))
    assert found == {"may tell": ("yes", "no")}


def story() -> Alert:
    told = Story(
        "Reuters", "g1", "https://example.org/1", "China asks for more audit disclosure", "PCAOB",
        datetime(2022, 3, 23, tzinfo=UTC), ("adr_audit",),
        (Bearing("adr_audit", ("audit disclosure",), ("pcaob",)),),
    )  # fmt: skip
    return Alert(
        "8566b1c0b1ce5bb40dcd", News(told), news_topics(told), "story",
        datetime(2022, 3, 23, 1, tzinfo=UTC), NOW, "8566b1c0b1ce5bb40dcd",
    )  # fmt: skip


def test_a_story_shows_which_words_bear_on_which_topic() -> None:
    name = next(each.again for each in why(story()).checks if each.what == "fingerprint")
    alert = replace(story(), fingerprint=name, fold=name)
    assert said(alert)[2:6] == [
        "Story of Reuters: China asks for more audit disclosure",
        "Topic adr_audit: “audit disclosure” in the title and “pcaob” in the summary",
        "Reason: a story that bears on a topic",
        "Told by itself",
    ]
    assert not why(alert).disagreements
    assert disagreeing(replace(alert, topics=("all",)))["topics"] == ("all", "news:adr_audit, all")


def test_a_notice_shows_its_facts() -> None:
    since = datetime(2022, 3, 23, 2, tzinfo=UTC)
    facts = Notice(
        "blind", "XHKG", "Asia/Hong_Kong", since, 12.0, 15, ("HSTECH", "HSI"), "Yahoo", "no answer"
    )
    name = "blind XHKG 2022-03-23T02:00:00+00:00"
    alert = Alert(name, facts, notice_topics(["^HSI"], []), "notice", since, NOW, "blind outage")
    assert said(alert)[2:7] == [
        "Exchange XHKG: blind since 2022-03-23T02:00:00+00:00",
        "Not seen: 12 minutes of trading",
        "Source Yahoo, 15 min delayed: no answer",
        "Watched there: HSTECH and HSI",
        "Reason: what Marketbell says of itself",
    ]
    assert why(alert).checks == (Check("fingerprint", name, name),)


def test_a_flood_shows_what_was_counted_and_what_it_folded_says_so() -> None:
    found = folded([move(number, number) for number in range(18)], {})
    (word,) = words(found)
    assert said(word)[2:5] == [
        "Rule stock_day: 16 messages within 3 min of market time",
        "The first at 2022-03-16T02:00:00+00:00, the last at 2022-03-16T02:00:15+00:00",
        "Instruments: " + ", ".join(f"{number:04}.HK" for number in range(1, 16)) + " and 0016.HK",
    ]
    assert not why(word).disagreements
    assert "Told in the one message of a flood: flood stock_day 2022-03-16T02:00:15+00:00" in said(found[-1])


def test_a_condition_keeps_its_surroundings_when_it_is_taken_apart() -> None:
    alert = gate(met(RSI))
    found = why(alert)
    assert found.alert is alert
    assert isinstance(found.alert.facts, Condition)
    assert [each.part for each in found.parts] == [RSI]


FLAT = Seen("Yahoo", datetime(2022, 3, 16, 8, 10, tzinfo=UTC))


def sequel(what: Literal["retreat", "close"], price: float, change: float) -> Alert:
    told = day_move().facts
    assert isinstance(told, Move)
    rung = told.crossing.rung
    since = Since(rung, "HSTECH", 6, 4, 104.0, price, change, FLAT.received, FLAT, "HKD", is_index=True)
    facts = Sequel(what, "HK", date(2022, 3, 16), "up", "HK 2022-03-16 up", (since,))
    return Alert("became", facts, ("all",), "sequel", FLAT.received, NOW, "HK 2022-03-16 up")


def test_what_became_of_a_move_shows_where_it_stands_against_its_steps() -> None:
    assert said(sequel("close", 107.25, 7.25), sent=2) == [
        "Why: the close of HK 2022-03-16 up",
        "Alert became",
        "Session of 16 Mar 2022, of what was told up",
        (
            "HSTECH: 107.25, 7.25% from its reference, made 16 Mar 2022, 16:10:00 HKT; "
            "its nearest told step 4% stands at 104"
        ),
        "Reason: what became of what was told, which changes its message and makes none",
        "Told in one message with all of: HK 2022-03-16 up",
        "Topics: all",
        "Deliveries: 2 sent",
        "Computed again from what is stored, all agree: HSTECH against its 4% step",
    ]
    assert disagreeing(sequel("retreat", 107.25, 3.1)) == {
        "HSTECH against its 4% step": ("back from it", "beyond it")
    }
    assert disagreeing(sequel("close", 104.0, 4.000000000000004)) == {}


def test_what_was_decided_for_all_chats_is_counted_by_name() -> None:
    shown = plain(why_message(why(day_move()), {"sent": 3}, decisions={"joined": 1, "first": 2}))
    assert "Deliveries: 3 sent\nDecided: 2 first, 1 joined\n" in shown


def here(state: str | None, told: Alert | None = None) -> str:
    """Return what `/why` says was decided for a chat whose delivery stands so, after its first words."""
    asked = told or day_move()
    lines = plain(why_message(why(asked), {}, decided(asked, state), ZoneInfo("Asia/Hong_Kong"))).splitlines()
    beginning = "Decided for this chat: "
    found = [each.removeprefix(beginning) for each in lines if each.startswith(beginning)]
    return found[0] if found else ""


SEVEN = round(datetime(2026, 11, 25, 7, tzinfo=ZoneInfo("Asia/Hong_Kong")).timestamp() * 1000)


@pytest.mark.parametrize(
    "state, said",
    [
        ("sent 17", "first: told at once, in a message of its own"),
        ("sent 17 joined", "joined: it joined a message that was shown already"),
        ("sent 17 folded", "folded: told in the message of its index or market, as one of several"),
        ("sent 17 new step", "new step: a further step of what was told here before"),
        ("sent 17 seen late", "seen late: told as soon as it was seen, and marked as late"),
        ("sent 17 quiet", "quiet: kept back until the quiet hours were over, and told with the rest"),
        ("sent 17 muted", "muted: kept back until the mute was over, and told with the rest"),
        ("sent 17 digest", "digest: kept for the digest, and told in it"),
        ("sent 17 missed", "missed: too old when delivery came back, and named in one line with the others"),
        ("sent 17 something new", "something new: told"),
        (f"held {SEVEN} quiet", "quiet: held until 07:00 HKT on 25 Nov 2026, when the quiet hours are over"),
        (f"held {SEVEN} muted", "muted: held until 07:00 HKT on 25 Nov 2026, when the mute is over"),
        (f"held {SEVEN} digest", "digest: held until 07:00 HKT on 25 Nov 2026, when the digest is told"),
        (
            f"held {SEVEN} group",
            "group: held until 07:00 HKT on 25 Nov 2026, when what belongs to it is told",
        ),
        ("dropped muted", "muted: not told, since its topic is muted here without an end"),
        ("dropped missed", "missed: not told, since it was too old when delivery came back"),
        ("dropped unsubscribed", "not told, since nobody here was subscribed to it any more"),
        ("dropped moved", "not told, moved"),
        ("dead message is too long", "could not be told, message is too long"),
        ("waiting 1 the platform is busy", "it waits to be tried again after 1 try, the platform is busy"),
        ("waiting 2 busy", "it waits to be tried again after 2 tries, busy"),
        ("unknown 1 no answer in time", "the platform never said whether it is shown after 1 try, no answer"),
        ("unknown no answer in time", "the platform never said whether it is shown, no answer in time"),
        ("sending 1 1700000000000", "it is being sent"),
        (f"sending 1 1700000000000 held {SEVEN} quiet", "quiet: it is being sent"),
        (f"waiting 2 busy held {SEVEN} quiet", "quiet: it waits to be tried again after 2 tries, busy"),
        ("queued", "it waits for its turn"),
        ("junk 1", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_what_was_decided_for_a_chat_is_said_by_its_name(state: str | None, said: str) -> None:
    assert here(state).startswith(said)
    assert bool(here(state)) == bool(said)


@pytest.mark.parametrize(
    "told, name",
    [
        (day_move(6, 4), "new step"),
        (replace(day_move(), reason="seen late"), "seen late"),
        (replace(day_move(), reason="first"), "first"),
    ],
)
def test_what_was_sent_without_a_word_goes_by_its_reason(told: Alert, name: str) -> None:
    assert here("sent 17", told).startswith(f"{name}: ")
    assert here("sent 17 joined", told).startswith("joined: ")
