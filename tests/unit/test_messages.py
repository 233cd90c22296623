from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from bot.alerts.alert import Alert, Move, News, Seen, alert_from_json, alert_to_json, move_topics
from bot.alerts.surroundings import move_of
from bot.config import Settings, read_settings
from bot.market.actions import Action
from bot.market.bars import Bar, Calendar, Series
from bot.market.beside import NOTHING
from bot.market.catalogue import Catalogue
from bot.market.freshness import Freshness
from bot.market.instrument import Instrument, bare_instrument
from bot.market.measures import DrawdownCard, QuoteCard, drawdown_card, quote_card
from bot.market.quote import Look, Quote, settled_quote
from bot.market.sessions import opening, settlement
from bot.messages.answers import drawdown_message, quote_message
from bot.messages.blocks import Link, Message, Table, columns, plain
from bot.messages.compose import compose
from bot.messages.words import LONGEST_HEADING, cut, in_a_row, money, percent
from bot.news.story import Bearing, Story
from bot.news.topics import Matcher
from bot.rules.conditions import Rule
from bot.rules.crossing import SeenBy, fold_of
from bot.rules.evaluate import Ladders, crossings, looked
from bot.rules.footing import footings
from bot.sources.folder import Recorded, read_folder
from tests.conftest import PRICES, ROOT

HONG_KONG = ZoneInfo("Asia/Hong_Kong")
LONDON = ZoneInfo("Europe/London")
CLOSED, FRESH = Freshness("official close", 0, 0.0), Freshness("fresh", 0, 0.0)
HYPHEN_FOR_MINUS = re.compile(r"-\d")


class Past:
    """The recorded market, and what the rules raise on it."""

    def __init__(self) -> None:
        self.settings: Settings = read_settings(ROOT / "config.yaml")
        self.recorded: Recorded = read_folder(PRICES)
        described = self.settings.catalogue()
        others = (bare_instrument(each) for each in self.recorded.series if each not in described)
        self.catalogue = Catalogue.of((*described, *others))
        self.calendar: Calendar = self.recorded.calendar(lambda symbol: self.catalogue[symbol].market)

    def alerts(self, first: str, last: str, preset: str | None = None) -> Iterator[Alert]:
        since, until = date.fromisoformat(first), date.fromisoformat(last)
        for rule, instrument in product(self.settings.rules_of(preset), self.catalogue):
            series = self.recorded.series.get(instrument.symbol)
            if series is None or instrument.symbol not in rule.symbols:
                continue
            for each in crossings(rule, series.until(until), self.calendar, instrument.market, Ladders()):
                if each.session < since:
                    continue
                seen = Seen("recorded bars", each.time)
                move = move_of(each, instrument, series.until(each.session), self.calendar, seen)
                fold = fold_of(each, instrument.market, together=rule.together)
                yield alert(move, fold=fold)

    def alone(self, symbol: str, rule: str, session: str, preset: str | None = None) -> Alert:
        instrument, when = self.catalogue[symbol], date.fromisoformat(session)
        series = self.recorded.series[symbol].until(when)
        asked = self.rule(rule, preset)
        *_, last = crossings(asked, series, self.calendar, instrument.market, Ladders())
        assert last.session == when
        return alert(
            move_of(last, instrument, series, self.calendar, Seen("recorded bars", last.time)),
            fold=fold_of(last, instrument.market, together=asked.together),
        )

    def rule(self, name: str, preset: str | None = None) -> Rule:
        return next(each for each in self.settings.rules_of(preset) if each.name == name)

    def at_the_open(self, symbol: str, rule: str, session: str, *, delay: int) -> Alert:
        """What a live look at the opening price raises."""
        when = date.fromisoformat(session)
        instrument, held = self.catalogue[symbol], self.recorded.series[symbol]
        bar = held.since(when)[0]
        price = bar.open or bar.close
        series = held.with_bar(Bar(when, price, price, price, price))
        moment = opening(instrument.market, when)
        asked = self.rule(rule)
        footing = footings(asked, series, self.calendar, instrument.market)[-1]
        assert footing is not None
        look = Look(symbol, when, moment, price, price, price, final=False)
        (crossing,) = looked(asked, footing, look, Ladders().furthest)
        seen = Seen("Yahoo", moment + timedelta(minutes=delay), delay)
        return alert(move_of(crossing, instrument, series, self.calendar, seen))


def alert(move: Move, *, fold: str = "x") -> Alert:
    crossing = move.crossing
    return Alert(crossing.fingerprint, move, move_topics(crossing), "first", crossing.time, 0, fold)


def of(found: Alert) -> Move:
    assert isinstance(found.facts, Move)
    return found.facts


def heading(message: Message) -> str:
    return "".join(each.text for each in message.heading.spans)


@pytest.fixture(scope="module")
def past() -> Past:
    return Past()


def test_a_touched_drawdown_step_says_that_the_close_is_back_above_it(past: Past) -> None:
    assert plain(compose([past.alone("HSTECH", "drawdown", "2022-03-08")])).splitlines() == [
        "HSTECH touched 60% below its peak: day's low 4,367.79 (−60.09%)",
        "Closed at 4,382.32, −59.96%: back above −60% (4,378.09)",
        "Peak: close 10,945.22, 17 Feb 2021, 260 sessions ago. To regain it: +149.76%",
        "Day −3.21%, fifth fall in a row",
        "10, 20, 30, 40 and 50% were passed before. Next: 70% (3,283.57)",
        "Session of 8 Mar 2022, time of day unknown: recorded daily bars",
    ]


def test_a_touched_step_off_the_low_names_the_low_and_what_was_told_before(past: Past) -> None:
    assert plain(compose([past.alone("HSTECH", "off_low", "2022-03-23")])).splitlines() == [
        "HSTECH touched 40% off its 15 Mar low: day's high 4,883.76 (+40.64%)",
        "Closed at 4,749.12, +36.77%: back under +40% (4,861.39)",
        "Low: close 3,472.42, 15 Mar 2022. From the intraday low 3,463.44: +37.12% at the close",
        "Day +2.05%, second gain in a row. From peak: −56.61% (close 10,945.22, 17 Feb 2021)",
        "10, 20 and 30% were passed before. Next: 50% (5,208.63)",
        "Session of 23 Mar 2022, time of day unknown: recorded daily bars",
    ]


def test_a_day_move_at_the_close_names_its_steps_and_the_close_before(past: Past) -> None:
    assert plain(compose([past.alone("HSTECH", "index_day", "2022-03-16")])).splitlines() == [
        "HSTECH +22.20% at the close: 4,243.39, +770.97 points",
        "Steps passed together: 4, 6 and 10%",
        "Previous close 3,472.42, Tue 15 Mar 2022 (the lowest close of the past year)",
        "From peak: −61.23% (close 10,945.22, 17 Feb 2021)",
        "Session of 16 Mar 2022, time of day unknown: recorded daily bars",
    ]


def test_a_delayed_price_of_the_open_says_when_it_was_made_and_when_it_came(past: Past) -> None:
    found = past.at_the_open("HSTECH", "index_day", "2022-03-16", delay=15)
    assert plain(compose([found])).splitlines() == [
        "HSTECH +6.26% at the open: 3,689.86, +217.44 points",
        "Steps passed together: 4 and 6%. Next: 10% (3,819.66)",
        "Previous close 3,472.42, Tue 15 Mar 2022 (the lowest close of the past year)",
        "From peak: −66.29% (close 10,945.22, 17 Feb 2021)",
        "Market time 09:30 HKT, 16 Mar 2022, received 09:45, 15 min delayed, Yahoo",
    ]
    assert plain(compose([found], LONDON)).splitlines()[-1] == (
        "Market time 09:30 HKT (01:30 GMT), 16 Mar 2022, received 09:45, 15 min delayed, Yahoo"
    )
    assert plain(compose([found], ZoneInfo("Asia/Singapore"))) == plain(compose([found]))


def test_before_the_close_a_streak_is_only_what_it_would_be(past: Past) -> None:
    found = past.at_the_open("HSTECH", "off_low", "2022-03-17", delay=0)
    assert plain(compose([found])).splitlines() == [
        "HSTECH now more than 30% off its 15 Mar low: 4,705.18 (+35.50%)",
        "Low: close 3,472.42, 15 Mar 2022. From the intraday low 3,463.44: +35.85%",
        "Day +10.88%, would be the second gain in a row. From peak: −57.01% (close 10,945.22, 17 Feb 2021)",
        "Steps passed together: 10, 20 and 30%. Next: 40% (4,861.39)",
        "Market time 09:30 HKT, 17 Mar 2022, Yahoo",
    ]


def test_hong_kong_on_the_23rd_is_one_message_with_the_index_first(past: Past) -> None:
    folds: dict[str, list[Alert]] = defaultdict(list)
    for each in past.alerts("2022-03-23", "2022-03-23"):
        folds[each.fold].append(each)
    assert plain(compose(folds["HK 2022-03-23 up"])).splitlines() == [
        "Hong Kong up: HSTECH touched +4.94%, Bilibili HK touched +15.38%, 3 more",
        "HSTECH touched +4.94%, day's high 4,883.76: passed 4%, next 6%; closed +2.05%, 4,749.12",
        (
            "Bilibili HK touched +15.38%, day's high HK$240.00: passed 8 and 12%, next 20%; "
            "closed +10.10%, HK$229.00"
        ),
        "Kuaishou touched +9.34%: passed 8%, next 12%; closed +6.30%",
        "Xiaomi touched +9.01%, day's high HK$15.48: passed 8%, next 12%; closed +4.08%, HK$14.78",
        "Alibaba HK touched +8.35%, day's high HK$119.40: passed 8%, next 12%; closed +6.72%, HK$117.60",
        "Day moves against the close of 22 Mar 2022",
        "Percentages only for Kuaishou: dividend-adjusted bars, whose levels were not traded",
        "Session of 23 Mar 2022, time of day unknown: recorded daily bars",
    ]


def test_levels_that_were_not_traded_are_not_told(past: Past) -> None:
    assert plain(compose([past.alone("1024.HK", "stock_day", "2022-03-23")])).splitlines() == [
        "Kuaishou touched +9.34% on the day",
        "Closed +6.30%: back under +8%",
        "Step passed: 8%. Next: 12%",
        "Against the close of Tue 22 Mar 2022",
        "From peak: −80.67% (close, 17 Feb 2021). Second gain in a row",
        "Percentages only: the bars are dividend-adjusted, their levels were not traded",
        "Session of 23 Mar 2022, time of day unknown: recorded daily bars",
    ]


def test_a_traded_price_against_a_restated_close_gives_no_level_of_it(past: Past) -> None:
    found = past.alone("0700.HK", "stock_day", "2022-01-20", "loud")
    move = of(found)
    assert (move.previous_close, move.reference_adjusted) == (None, True)
    assert plain(compose([found])).splitlines() == [
        "Tencent +6.60% at the close: HK$471.60",
        "Step passed: 4%. Next: 7%",
        "Against the close of Wed 19 Jan 2022, restated for a distribution since",
        "From peak: −38.47% (close HK$766.50, 25 Jan 2021). Second gain in a row",
        "Session of 20 Jan 2022, time of day unknown: recorded daily bars",
    ]


def dealt(past: Past, *given: Action, untraded: bool = False) -> Alert:
    """Xiaomi's rise of 16 March 2022, had its holders been given something or it been suspended before."""
    when, rule = date(2022, 3, 16), past.rule("stock_day")
    series = replace(past.recorded.series["1810.HK"].until(when), actions=given)
    if untraded:
        lost = series.sessions[-4:-1]
        series = replace(series, bars=(*series.bars[:-4], series.bars[-1]), untraded=lost)
    *_, last = crossings(rule, series, past.calendar, "HK", Ladders())
    assert last.session == when
    seen = Seen("recorded bars", last.time)
    return alert(move_of(last, past.catalogue["1810.HK"], series, past.calendar, seen))


def test_a_distribution_is_told_as_traded_and_as_a_holder_had_it(past: Past) -> None:
    found = dealt(past, Action(date(2022, 3, 16), "distribution", amount=0.5))
    assert alert_from_json(alert_to_json(found)) == found
    heading, *lines = plain(compose([found])).splitlines()
    assert heading == (
        "Xiaomi +16.52% (as traded), +21.82% adjusted for a distribution at the close: HK$13.40"
    )
    assert lines[1] == (
        "Previous close HK$11.50, Tue 15 Mar 2022 (the lowest close of the past year), "
        "HK$11.00 adjusted for a distribution of HK$0.500 a share"
    )


def test_a_split_is_told_with_the_previous_close_that_it_restates(past: Past) -> None:
    _, _, line, *_ = plain(compose([dealt(past, Action(date(2022, 3, 16), "split", 0.1))])).splitlines()
    assert line.endswith(", restated for the split: each share became 10")
    bonus = Action(date(2022, 3, 16), "split", 0.8, note="bonus issue of one for four")
    _, _, line, *_ = plain(compose([dealt(past, bonus)])).splitlines()
    assert line.endswith(", restated for the split: bonus issue of one for four")
    _, _, line, *_ = plain(compose([dealt(past, Action(date(2022, 3, 16), "split", 5.0))])).splitlines()
    assert line.endswith(", restated for the split: 5 shares became one")


def test_after_a_suspension_a_move_says_since_when(past: Past) -> None:
    found = dealt(past, untraded=True)
    heading, *lines = plain(compose([found])).splitlines()
    assert heading == (
        "Xiaomi touched −12.81% since 10 Mar, last trade before the suspension: day's low HK$11.84"
    )
    assert "Previous close HK$13.58, Thu 10 Mar 2022, last trade before the suspension" in lines
    other = past.alone("9988.HK", "stock_day", "2022-03-16")
    _, _, line, against, *_ = plain(compose([found, other])).splitlines()
    assert line.startswith("Xiaomi touched −12.81% since 10 Mar, last trade before the suspension, day's low")
    assert against == "Day moves against the close of 15 Mar 2022"


@pytest.mark.parametrize("untraded", [True, False])
@pytest.mark.parametrize("amount", [0.0, 0.5])
@pytest.mark.parametrize("seen_by", ["quote", "range"])
def test_the_longest_name_fits_with_what_was_given(
    past: Past, seen_by: SeenBy, amount: float, *, untraded: bool
) -> None:
    given = Action(date(2022, 3, 16), "distribution", amount=amount, note="distribution of shares in another")
    found = dealt(past, given, untraded=untraded)
    move = of(found)
    crossing = replace(move.crossing, seen_by=seen_by, session=date(2023, 3, 16))
    longest = replace(found, facts=replace(move, crossing=crossing, short="A name of 24 characters."))
    told = heading(compose([longest]))
    assert len(told) <= LONGEST_HEADING
    assert not told.endswith("…")
    assert ("adjusted" in told) == (amount > 0)


def test_a_quote_says_what_was_given_and_since_when_it_is(past: Past) -> None:
    when = date(2022, 3, 16)
    xiaomi, whole = past.catalogue["1810.HK"], past.recorded.series["1810.HK"].until(when)
    paid = replace(whole, actions=(Action(when, "distribution", amount=0.5), Action(when, "split", 0.5)))
    card = quote_card(xiaomi, paid, when, past.calendar)
    told = plain(quote_message(card, closed(card), CLOSED, NOTHING)).splitlines()
    assert told[1] == (
        "HK$13.40 +16.52% (as traded), +21.82% adjusted for a distribution of HK$0.500 a share"
    )
    assert told[4] == (
        "Previous close 11.50 (15 Mar 2022), restated for the split: each share became 2, "
        "11.00 adjusted for a distribution of HK$0.500 a share"
    )
    lost = whole.sessions[-4:-1]
    halted = replace(whole, bars=(*whole.bars[:-4], whole.bars[-1]), untraded=lost)
    card = quote_card(xiaomi, halted, when, past.calendar)
    told = plain(quote_message(card, closed(card), CLOSED, NOTHING)).splitlines()
    assert "Previous close 13.58 (10 Mar 2022), last trade before the suspension" in told


def test_no_close_is_the_lowest_of_a_year_that_is_not_known(past: Past) -> None:
    text = plain(compose([past.alone("9626.HK", "stock_day", "2022-03-08")]))
    assert "Previous close HK$187.10, Mon 7 Mar 2022\n" in text
    assert of(past.alone("9626.HK", "stock_day", "2022-03-08")).off_low is None


def test_what_lies_beyond_a_step_is_more_than_it(past: Past) -> None:
    found = past.alone("^HSI", "off_low", "2022-03-17")
    assert heading(compose([found])) == "HSI closed more than 10% off its 15 Mar low: 21,501.23 (+16.76%)"
    exact = replace(of(found), crossing=replace(of(found).crossing, value=10.001))
    assert "closed 10% off" in heading(compose([alert(exact)]))


def test_a_replayed_alert_says_so_before_all_else_and_still_fits(past: Past) -> None:
    found = replace(past.alone("HSTECH", "off_low", "2022-03-23"), replay_of="23")
    assert heading(compose([found])) == (
        "Replay of 23 Mar 2022: HSTECH touched 40% off its 15 Mar low: 4,883.76 (+40.64%)"
    )


def test_a_reconstructed_time_is_said_to_be_so(past: Past) -> None:
    found = past.at_the_open("HSTECH", "index_day", "2022-03-16", delay=0)
    seen = replace(of(found).seen, source="recorded bars", reconstructed=True)
    text = plain(compose([replace(found, facts=replace(of(found), seen=seen))]))
    assert text.splitlines()[-1] == (
        "Market time 09:30 HKT, 16 Mar 2022, reconstructed from daily bars, recorded bars"
    )


def test_what_was_seen_late_says_so(past: Past) -> None:
    found = replace(past.at_the_open("HSTECH", "index_day", "2022-03-16", delay=0), reason="seen late")
    late = "Seen late: it was reached while nobody was looking"
    assert late in plain(compose([found])).splitlines()
    other = past.at_the_open("^HSI", "index_day", "2022-03-17", delay=0)
    assert plain(compose([found, other])).count("(seen late)") == 1


def test_two_alerts_of_one_ladder_are_told_as_its_last(past: Past) -> None:
    early = past.at_the_open("HSTECH", "index_day", "2022-03-16", delay=0)
    crossing = of(past.alone("HSTECH", "index_day", "2022-03-16")).crossing
    further = replace(crossing, steps=(10,), passed=(4, 6), before=6)
    late = alert(replace(of(past.alone("HSTECH", "index_day", "2022-03-16")), crossing=further))
    lines = plain(compose([late, early])).splitlines()
    assert lines[:2] == [
        "HSTECH +22.20% at the close: 4,243.39, +770.97 points",
        "Steps passed together: 4, 6 and 10%",
    ]
    assert plain(compose([late])).splitlines()[1] == "Step passed: 10%. 4 and 6% were passed before"


def test_alerts_of_two_markets_are_counted(past: Past) -> None:
    both = [past.alone(each, "off_low", "2022-03-23") for each in ("HSTECH", "^HSI")]
    assert heading(compose(both)) == (
        "Hong Kong up: HSTECH touched 40% off its low, HSI more than 20% off its low"
    )
    other = past.alone("000300.SS", "index_day", "2022-03-16")
    assert heading(compose([other, *both])).startswith("3 alerts: HSTECH touched 40% off")


def test_a_reference_that_moved_is_said_to_have_moved(past: Past) -> None:
    move = of(past.alone("HSTECH", "drawdown", "2022-03-08"))
    episode = replace(move.crossing, episode="close 2020-02-17 12000.0")
    moved = move_of(
        episode, past.catalogue["HSTECH"], past.recorded.series["HSTECH"], past.calendar, move.seen
    )
    assert "Reference moved: the 17 Feb 2020 peak is now older than 52 weeks" in plain(
        compose([alert(moved)])
    )


@pytest.mark.parametrize("preset", ["calm", "loud"])
def test_eighteen_months_of_headings_fit_and_no_fall_is_called_a_gain(past: Past, preset: str) -> None:
    folds: dict[str, list[Alert]] = defaultdict(list)
    for each in past.alerts("2021-01-01", "2022-06-30", preset):
        folds[each.fold].append(replace(each, replay_of="x"))
        assert alert_from_json(alert_to_json(each)) == each
    for told in folds.values():
        message = compose(told)
        assert len(heading(message)) <= LONGEST_HEADING
        text = plain(message)
        assert "None" not in text
        assert "nan" not in text
        assert not HYPHEN_FOR_MINUS.search(text)
        if all(of(each).crossing.direction == "down" for each in told):
            assert not re.search(r"\bgain", text)


def test_a_streak_counts_only_known_closes_on_one_side(past: Past) -> None:
    counts = {}
    for symbol in ("HSTECH", "^HSI", "^HSCE", "000300.SS"):
        held = past.recorded.series[symbol].until(date(2022, 3, 23))
        crossing = of(past.alone("HSTECH", "off_low", "2022-03-23")).crossing
        instrument = past.catalogue[symbol]
        move = move_of(crossing, instrument, held, past.calendar, Seen("x", crossing.time))
        counts[symbol] = move.streak
    assert counts == {"HSTECH": 2, "^HSI": 2, "^HSCE": 2, "000300.SS": 1}


STORY = Story(
    feed="Reuters",
    guid="1",
    link="https://example.org/pcaob?a=1&b=2",
    title="China asks US-listed firms to ready more audit disclosure",
    summary="Talks with the PCAOB go on",
    published=datetime(2022, 3, 23, 6, 5, tzinfo=UTC),
    topics=("adr_audit",),
    bearings=(Bearing("adr_audit", ("audit disclosure",), ("PCAOB",)),),
)


def news(story: Story) -> Alert:
    return Alert(story.identity, News(story), ("news:adr_audit", "all"), "story", STORY_SEEN, 0, "n")


STORY_SEEN = datetime(2022, 3, 23, 6, 20, tzinfo=UTC)


def test_a_story_says_who_tells_it_when_and_why_it_came() -> None:
    assert plain(compose([news(STORY)], HONG_KONG)).splitlines() == [
        "China asks US-listed firms to ready more audit disclosure (Reuters)",
        "Published by Reuters, 23 Mar 2022, 14:05 HKT",
        'Why you got this: topic ADR audit ("audit disclosure" in the title, "PCAOB" in the summary)',
        "Read the story (https://example.org/pcaob?a=1&b=2)",
    ]
    assert "23 Mar 2022, 06:05 UTC" in plain(compose([news(STORY)]))


@pytest.mark.parametrize(
    "title,summary,why",
    [
        ("Talks go on", "The PCAOB was in town", 'topic ADR audit ("PCAOB" in the summary)'),
        (
            "Chinese auditors at work",
            "Washington looks on",
            'topic ADR audit ("Chinese" and "auditors" in the title, "Washington" in the summary)',
        ),
        ("騰訊斥資3億元回購", "騰訊連日回購", 'topic buyback ("腾讯" and "回购" in the title)'),
        (
            "NIO requests trading halt",
            "Nio and Xpeng report annual results",
            (
                'topics earnings ("Nio" in the title, "annual results" in the summary), '
                'trading halt ("Nio" and "trading halt" in the title)'
            ),
        ),
    ],
)
def test_a_story_says_which_words_brought_it(past: Past, title: str, summary: str, why: str) -> None:
    bearings = Matcher(past.settings.news_topics()).bearings(title, summary)
    topics = tuple(each.topic for each in bearings)
    found = news(replace(STORY, title=title, summary=summary, topics=topics, bearings=bearings))
    assert f"Why you got this: {why}" in plain(compose([found])).splitlines()
    assert alert_from_json(alert_to_json(found)) == found


def test_a_story_without_a_time_says_so_and_a_strange_address_leads_nowhere() -> None:
    bare = replace(
        STORY,
        published=None,
        link="javascript:alert(1)",
        topics=("adr_audit", "trading_halt"),
        bearings=(Bearing("trading_halt", ("Nio", "停牌", "trading halt")),),
    )
    assert plain(compose([news(bare)])).splitlines() == [
        "China asks US-listed firms to ready more audit disclosure (Reuters)",
        "Published by Reuters, time not given",
        'Why you got this: topics ADR audit, trading halt ("Nio", "停牌" and "trading halt" in the title)',
    ]
    assert "Link" not in str(compose([news(replace(STORY, link="http://[bad"))]))


def test_a_long_title_is_cut_in_the_heading_and_whole_below() -> None:
    long = "Beijing and Washington " + "keep on talking about the audit of the auditors " * 3
    message = compose([news(replace(STORY, title=long))])
    assert heading(message) == (
        "Beijing and Washington keep on talking about the audit of the auditors keep on talking…"
    )
    assert plain(message).splitlines()[1:3] == [
        long.strip(),
        "Published by Reuters, 23 Mar 2022, 06:05 UTC",
    ]


def test_a_feed_that_does_not_fit_leaves_the_heading_to_the_title() -> None:
    title = "US-listed Chinese companies are asked to ready more for audits"
    sample = replace(STORY, feed="Sample headlines", title=title)
    assert heading(compose([replace(news(sample), replay_of="1")])) == f"Replay of 23 Mar 2022: {title}"
    assert heading(compose([news(sample)])) == f"{title} (Sample headlines)"


def test_a_replayed_story_has_the_date_of_the_zone_that_it_is_told_in() -> None:
    early = replace(news(STORY), replay_of="1", at=datetime(2022, 3, 22, 16, 30, tzinfo=UTC))
    assert heading(compose([early], HONG_KONG)).startswith("Replay of 23 Mar 2022: ")
    assert heading(compose([early])).startswith("Replay of 22 Mar 2022: ")


HOSTILE = "<b>Buy</b> & *sell* <!channel> [x](http://y) <script>alert('1')</script>\n@everyone"


def test_hostile_text_is_left_to_the_platforms_to_escape() -> None:
    message = compose([news(replace(STORY, title=HOSTILE, feed="<i>\nfeed"))])
    assert heading(message) == (
        "<b>Buy</b> & *sell* <!channel> [x](http://y) <script>alert('1')</script> @everyone"
    )
    assert plain(message).splitlines()[1] == "Published by <i> feed, 23 Mar 2022, 06:05 UTC"


def test_several_stories_are_links_in_one_list() -> None:
    other = replace(STORY, title="Another", link="https://example.org/2", published=None)
    message = compose([news(STORY), news(other), news(replace(other, title="", link=""))])
    assert plain(message).splitlines() == [
        "3 stories: China asks US-listed firms to ready more audit disclosure (Reuters)",
        (
            "China asks US-listed firms to ready more audit disclosure (https://example.org/pcaob?a=1&b=2)"
            " (Reuters, 23 Mar 2022, 06:05 UTC)"
        ),
        "Another (https://example.org/2) (Reuters, time not given)",
        "A story without a title (Reuters, time not given)",
    ]
    assert isinstance(message.blocks[0], type(message.heading))
    assert isinstance(message.blocks[0].spans[0], Link)


def test_moves_and_stories_together_are_a_list(past: Past) -> None:
    message = compose([past.alone("HSTECH", "off_low", "2022-03-23"), news(STORY)])
    assert heading(message).startswith("2 alerts: HSTECH touched 40% off its 15 Mar low")
    assert "Reuters, 23 Mar 2022" in plain(message)
    assert heading(compose([replace(news(STORY), replay_of="1")])).startswith("Replay of 23 Mar 2022: China")


def quoted(past: Past, symbol: str, session: str) -> list[str]:
    card = quote_card(
        past.catalogue[symbol], past.recorded.series[symbol], date.fromisoformat(session), past.calendar
    )
    return plain(quote_message(card, closed(card), CLOSED, NOTHING)).splitlines()


def closed(card: QuoteCard | DrawdownCard) -> Quote:
    settled = settlement(card.instrument.market, card.bar.session)
    return settled_quote(card.instrument.symbol, card.bar, settled, "recorded bars")


def test_a_quote_is_laid_out_as_far_as_the_data_go(past: Past) -> None:
    assert quoted(past, "1810.HK", "2022-03-23") == [
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


def test_a_quote_of_adjusted_bars_has_no_levels(past: Past) -> None:
    assert quoted(past, "1024.HK", "2022-03-23") == [
        "Kuaishou 快手-W 1024.HK",
        "+6.30% on the day",
        "Closed, official close 23 Mar 2022, 16:10 HKT",
        "At the open: gap +4.44%",
        "52w low 15 Mar 2022, high 23 Mar 2021, at 10% of range",
        "From peak −80.67% (close, 17 Feb 2021, history since 5 Feb 2021)",
        "Off low +42.83% (close, 15 Mar 2022)",
        "A normal day's move: 6.28% (60 sessions)",
        "Percentages only: the bars are dividend-adjusted, their levels were not traded",
        "Source: recorded bars",
    ]


def test_a_live_quote_says_its_time_and_delay(past: Past) -> None:
    series = past.recorded.series["1810.HK"].until(date(2022, 3, 23))
    card = quote_card(past.catalogue["1810.HK"], series, date(2022, 3, 23), past.calendar)
    made = replace(closed(card), time=datetime(2022, 3, 23, 1, 47, tzinfo=UTC), delay=15, final=False)
    delayed = Freshness("delayed", 15, 0.0)
    live = plain(quote_message(card, made, delayed, NOTHING)).splitlines()
    assert live[2] == "09:47 HKT, 23 Mar 2022, 15 min delayed"
    abroad = plain(quote_message(card, replace(made, delay=0), FRESH, NOTHING, LONDON)).splitlines()
    assert abroad[2] == "09:47 HKT (01:47 GMT), 23 Mar 2022"


def test_a_quote_of_a_record_close_and_of_a_first_day(past: Past) -> None:
    top = quoted(past, "HSTECH", "2021-02-17")
    assert "The highest close of the history since 1 Dec 2020" in top
    assert top[5].startswith("Since 1 Dec 2020: 7,768.81 (28 Dec 2020) – 10,945.22 (17 Feb 2021)")
    assert "The lowest close of the past year" in quoted(past, "HSTECH", "2022-03-15")
    assert "The lowest close of the history since 29 Mar 2021" in quoted(past, "9626.HK", "2021-05-11")
    assert quoted(past, "9626.HK", "2021-03-29")[1:3] == [
        "HK$800.00",
        "Day change not known: 9626.HK has no session before 2021-03-29.",
    ]


def test_a_quote_against_a_restated_close_says_so(past: Past) -> None:
    assert quoted(past, "0700.HK", "2022-01-20")[1] == (
        "HK$471.60 +6.60%, against a close restated for a distribution since"
    )


def drawn_down(past: Past, symbol: str, session: str, window: str = "all") -> list[str]:
    series, day = past.recorded.series[symbol], date.fromisoformat(session)
    card = drawdown_card(past.catalogue[symbol], series, day, "52w" if window == "52w" else "all")
    return plain(drawdown_message(card, closed(card), CLOSED, NOTHING)).splitlines()


def test_a_drawdown_is_laid_out_as_far_as_the_data_go(past: Past) -> None:
    assert drawn_down(past, "HSTECH", "2022-03-23") == [
        "HSTECH 4,749.12, close of 23 Mar 2022",
        "From peak −56.61% (close 10,945.22, 17 Feb 2021), 399 days / 271 sessions",
        "Intraday peak 11,001.78, 18 Feb 2021: −56.83%",
        "52w peak 8,569.64, 1 Apr 2021: −44.58%",
        "Worst of this drawdown −68.27% (15 Mar 2022)",
        (
            "Off low +36.77% (close 3,472.42, 15 Mar 2022); intraday 3,463.44, 15 Mar 2022: +37.12%; "
            "day's high +40.64%"
        ),
        "To regain the peak +130.47%",
        "Next steps: 60% at 4,378.09; 40% off low at 4,861.39",
        "Worst           peak       lowest     regained",
        "−68.27%  17 Feb 2021  15 Mar 2022         open",
        "−8.31%   25 Jan 2021  29 Jan 2021  10 Feb 2021",
        "−7.48%   23 Dec 2020  28 Dec 2020   4 Jan 2021",
        "−2.42%    6 Jan 2021   7 Jan 2021   8 Jan 2021",
        "−2.07%   17 Dec 2020  21 Dec 2020  23 Dec 2020",
        "History since 1 Dec 2020, price index, no dividends",
        "Source: recorded bars",
    ]


def test_a_drawdown_of_a_year_names_its_window(past: Past) -> None:
    lines = drawn_down(past, "HSTECH", "2022-03-23", "52w")
    assert lines[1] == "From 52w peak −44.58% (close 8,569.64, 1 Apr 2021), 356 days / 240 sessions"
    assert lines[2] == "52w intraday peak 8,669.17, 7 Apr 2021: −45.22%"
    assert lines[-2] == "The past year, since 23 Mar 2021, price index, no dividends"


def test_a_drawdown_says_which_falls_are_not_known() -> None:
    held = read_folder(ROOT / "bot" / "sources" / "samples" / "march-2022").series["HSTECH"]
    index = replace(bare_instrument("HSTECH"), kind="index")
    card = drawdown_card(index, held, date(2022, 3, 23), "52w")
    year = plain(drawdown_message(card, closed(card), CLOSED, NOTHING)).splitlines()
    assert year[1] == "From 52w peak −44.58% (close 8,569.64, 1 Apr 2021), 356 days"
    assert year[-4:-1] == [
        "Worst          peak       lowest  regained",
        "−59.48%  1 Apr 2021  15 Mar 2022      open",
        (
            "The past year, since 23 Mar 2021, price index, no dividends; "
            "falls that were over before 28 Feb 2022 are not known"
        ),
    ]


def test_a_drawdown_of_closes_alone_has_no_intraday_line(past: Past) -> None:
    lines = drawn_down(past, "KWEB", "2022-03-23")
    assert not any("ntraday" in each for each in lines)
    assert not any("Next steps" in each for each in lines)


def test_at_the_peak_there_is_nothing_to_regain(past: Past) -> None:
    lines = drawn_down(past, "HSTECH", "2021-02-17")
    assert lines[1] == "At its peak: no close since 1 Dec 2020 is higher"
    assert not any("regain the peak" in each for each in lines)
    assert "The lowest close since the peak" in drawn_down(past, "HSTECH", "2022-03-15")


def test_a_live_drawdown_says_its_time(past: Past) -> None:
    card = drawdown_card(past.catalogue["HSTECH"], past.recorded.series["HSTECH"], date(2022, 3, 23), "all")
    time = datetime(2022, 3, 23, 1, 47, tzinfo=UTC)
    seen = replace(closed(card), time=time, delay=15, final=False, source="Yahoo")
    late = Freshness("delayed", 15, 0.0)
    live = plain(drawdown_message(card, seen, late, NOTHING)).splitlines()
    assert live[0] == "HSTECH 4,749.12, 23 Mar 2022, before the close"
    assert live[-1] == "09:47 HKT, 23 Mar 2022, 15 min delayed. Source: Yahoo"
    assert not any("close of 23 Mar" in each for each in live)
    abroad = plain(drawdown_message(card, replace(seen, delay=0), FRESH, NOTHING, LONDON))
    assert abroad.splitlines()[-1] == "09:47 HKT (01:47 GMT), 23 Mar 2022. Source: Yahoo"
    over = plain(drawdown_message(card, closed(card), CLOSED, NOTHING)).splitlines()
    assert (over[0], over[-1]) == ("HSTECH 4,749.12, close of 23 Mar 2022", "Source: recorded bars")


def test_a_table_lines_up_where_signs_are_two_columns_wide() -> None:
    rows = (("名", "價", "x"), ("Xiaomi 小米", "1.00", "２"))
    assert columns(Table(rows)) == ("名             價   x", "Xiaomi 小米  1.00  ２")


def test_numbers_are_rounded_once() -> None:
    assert percent((4276.52 / 3983.81 - 1) * 100) == "+7.35%"
    assert f"{(4276.52 / 3983.81 - 1) * 100:.1f}" == "7.3"
    assert (percent(-0.001), percent(-3.214)) == ("0.00%", "−3.21%")


@pytest.mark.parametrize(
    "value,currency,is_index,written",
    [
        (4749.123, "HKD", True, "4,749.12"),
        (14.78, "HKD", False, "HK$14.78"),
        (0.1234, "HKD", False, "HK$0.123"),
        (40.02, "USD", False, "US$40.02"),
        (1700.5, "CNY", False, "CNY 1,700.50"),
        (3.5, "SGD", False, "SGD 3.50"),
    ],
)
def test_money_has_its_currency_and_points_have_none(
    value: float, currency: str, is_index: bool, written: str
) -> None:
    assert money(value, currency, is_index=is_index) == written


def test_words_are_cut_at_words_where_there_are_any() -> None:
    assert cut("one two three", 20) == "one two three"
    assert cut("one two three", 10) == "one two…"
    assert cut("abcdefghijklmnop", 10) == "abcdefghi…"
    assert in_a_row(2, "gain") == "second gain in a row"
    assert in_a_row(11, "fall") == "11th fall in a row"


def test_the_longest_names_still_fit(past: Past) -> None:
    found = past.alone("HSTECH", "off_low", "2022-03-23")
    move = replace(of(found), short="A name of 24 characters.", is_index=False, currency="HKD")
    long = replace(found, facts=move, replay_of="x")
    assert len(heading(compose([long]))) <= LONGEST_HEADING


def test_an_instrument_without_names_is_called_by_its_symbol(past: Past) -> None:
    bare = Instrument("ZZZ", "stock", "XNYS", "USD", short="ZZZ")
    series = Series("ZZZ", (Bar(date(2022, 3, 22), 10), Bar(date(2022, 3, 23), 11)))
    card = quote_card(bare, series, date(2022, 3, 23), Calendar({}))
    assert plain(quote_message(card, closed(card), CLOSED, NOTHING)).splitlines()[:3] == [
        "ZZZ",
        "US$11.00 +1.00 +10.00%",
        "Closed, official close 23 Mar 2022, 16:00 New York",
    ]
