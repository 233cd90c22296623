from __future__ import annotations

from datetime import date

import pytest

from bot.config import read_settings
from bot.errors import GrammarError
from bot.rules.conditions import (
    AutoSteps,
    Condition,
    DayMove,
    FixedSteps,
    FromBase,
    FromExtreme,
    Gate,
    Telling,
)
from bot.rules.grammar import parse, parse_line
from bot.rules.line import AutoOfKind, Line, Scope
from bot.rules.measures import (
    Against,
    Average,
    Breadth,
    Change,
    ChangeSince,
    Day,
    Drawdown,
    FromCost,
    Gap,
    OffLow,
    Position,
    Premium,
    Price,
    Ratio,
    Rsi,
    Sigmas,
    SinceTold,
    Spread,
    Streak,
    Volume,
)
from bot.rules.terms import AtClose, Both, Comparison, Either, Lasting, NewExtreme, Not, Story, Tree
from tests.conftest import ROOT

PLAINLY = Telling()
DAY_2 = Comparison(Day(), "up", 2.0)
VOLUME_2 = Comparison(Volume(20), "up", 2.0)
DOWN_20 = Comparison(Drawdown("all"), "up", 20.0)
SINCE_LOW = ChangeSince(date(2022, 3, 15))
GAP_1 = Comparison(Gap(), "up", 1.0)


def named(*names: str) -> Scope:
    return Scope("named", names)


def up(*steps: float) -> DayMove:
    return DayMove(FixedSteps(steps), ("up",))


def down(*steps: float) -> DayMove:
    return DayMove(FixedSteps(steps), ("down",))


def either_way(*steps: float, every: float = 0.0) -> DayMove:
    return DayMove(FixedSteps(steps, every))


@pytest.mark.parametrize(
    "text,line",
    [
        ("HSTECH day > 2%", Line(named("HSTECH"), up(2.0), PLAINLY)),
        ("HSTECH ±2/3/5%", Line(named("HSTECH"), either_way(2.0, 3.0, 5.0), PLAINLY)),
        ("HSTECH ±auto", Line(named("HSTECH"), DayMove(AutoOfKind()), PLAINLY)),
        ("1810.HK above 15", Line(named("1810.HK"), Gate(Comparison(Price(), "up", 15.0)), PLAINLY)),
        ("小米 跌破 12", Line(named("小米"), Gate(Comparison(Price(), "down", 12.0)), PLAINLY)),
        (
            "HSTECH off low 40% 52w",
            Line(named("HSTECH"), FromExtreme("low", (40.0,), "close", "touch", "52w"), PLAINLY),
        ),
        (
            "HSTECH drawdown 20/30/40% since 2021-02-17",
            Line(
                named("HSTECH"),
                FromExtreme("peak", (20.0, 30.0, 40.0), "close", "touch", "since 2021-02-17"),
                PLAINLY,
            ),
        ),
        (
            "BABA rsi < 30 and volume > 2x",
            Line(named("BABA"), Gate(Both((Comparison(Rsi(14), "down", 30.0), VOLUME_2))), PLAINLY),
        ),
        (
            "10 of HSTECH down 3%",
            Line(None, Gate(Comparison(Breadth("HSTECH", "down", 3.0), "up", 10.0)), PLAINLY),
        ),
        (
            "BABA premium > 1.5%",
            Line(named("BABA"), Gate(Comparison(Premium("premium"), "up", 1.5)), PLAINLY),
        ),
        (
            "KWEB day > 3% and news buyback 24h",
            Line(named("KWEB"), Gate(Both((Comparison(Day(), "up", 3.0), Story("buyback", 24)))), PLAINLY),
        ),
        (
            '0700.HK new low 52w once a session until 2027-01-31 note "look at ADR"',
            Line(
                named("0700.HK"),
                Gate(NewExtreme("low", "52w", "close")),
                Telling("once a session", date(2027, 1, 31), "normal", "look at ADR"),
            ),
        ),
    ],
)
def test_each_example_means_what_a_person_means(text: str, line: Line) -> None:
    assert parse_line(text) == line


@pytest.mark.parametrize(
    "text,condition",
    [
        ("day > 2%", up(2.0)),
        ("up 3%", up(3.0)),
        ("rises more than 3 percent", up(3.0)),
        ("> 2%", up(2.0)),
        ("+3%", up(3.0)),
        ("day +3%", up(3.0)),
        ("涨 3%", up(3.0)),
        ("日内上漲３％", up(3.0)),
        ("down 3%", down(3.0)),
        ("-3%", down(3.0)),
        ("< -3%", down(3.0)),
        ("day < −2/3/5%", down(2.0, 3.0, 5.0)),
        ("跌3%", down(3.0)),
        ("day ±2%", either_way(2.0)),
        ("±2/3/5 %", either_way(2.0, 3.0, 5.0)),
        ("±2%/3%/5%", either_way(2.0, 3.0, 5.0)),
        ("+/-2/3/5", either_way(2.0, 3.0, 5.0)),
        ("+-2%", either_way(2.0)),
        ("±10/20/../40%", either_way(10.0, 20.0, 30.0, 40.0)),
        ("±1/2/4/…/8%", either_way(1.0, 2.0, 4.0, 6.0, 8.0)),
        ("±0.1/0.2/../0.5%", either_way(0.1, 0.2, 0.3, 0.4, 0.5)),
        ("±2% every 1%", either_way(2.0, every=1.0)),
        ("every 1%", either_way(1.0, every=1.0)),
        ("±2% at close", DayMove(FixedSteps((2.0,)), trigger="close")),
        ("closes down 3%", DayMove(FixedSteps((3.0,)), ("down",), "close")),
        ("day > auto", DayMove(AutoOfKind(), ("up",))),
        ("day < -auto at the close", DayMove(AutoOfKind(), ("down",), "close")),
        ("±auto(2σ60, 1.5%, 4%)", DayMove(AutoSteps(2.0, 60, 1.5, 4.0, (1.0, 1.5, 2.5)))),
        ("±AUTO(3σ20,1,9) ladder 1/2", DayMove(AutoSteps(3.0, 20, 1.0, 9.0, (1.0, 2.0)))),
        (
            "change since 2022-03-15 > 10%",
            FromBase(SINCE_LOW, FixedSteps((10.0,)), ("up",)),
        ),
        ("cost 16.2 ±5/10%", FromBase(FromCost(16.2), FixedSteps((5.0, 10.0)))),
        ("cost 16.2 down 5% every 5%", FromBase(FromCost(16.2), FixedSteps((5.0,), 5.0), ("down",))),
        ("drawdown 20", FromExtreme("peak", (20.0,), "close", "touch", "all")),
        ("drawdown -20%", FromExtreme("peak", (20.0,), "close", "touch", "all")),
        ("drawdown < -20%", FromExtreme("peak", (20.0,), "close", "touch", "all")),
        ("drawdown > 20% ytd", FromExtreme("peak", (20.0,), "close", "touch", "ytd")),
        ("回撤 20/30% 今年", FromExtreme("peak", (20.0, 30.0), "close", "touch", "ytd")),
        ("drawdown 90d intraday 20%", FromExtreme("peak", (20.0,), "intraday", "touch", "90d")),
        ("20% below peak mtd trigger close", FromExtreme("peak", (20.0,), "close", "close", "mtd")),
        ("drawdown 20% at close", FromExtreme("peak", (20.0,), "close", "close", "all")),
        ("drawdown 70% every 10%", FromExtreme("peak", (70.0, 80.0, 90.0), "close", "touch", "all")),
        ("40% off its low 12 weeks", FromExtreme("low", (40.0,), "close", "touch", "12w")),
        ("距低位 40%", FromExtreme("low", (40.0,), "close", "touch", "52w")),
        ("off low 10% touch reference intraday", FromExtreme("low", (10.0,), "intraday", "touch", "52w")),
    ],
)
def test_a_move_by_itself_is_a_ladder(text: str, condition: Condition) -> None:
    assert parse(text) == condition


def test_further_steps_off_a_low_are_spelt_out_as_far_as_anybody_will_see() -> None:
    condition = parse("off low 10% every 10%")
    assert isinstance(condition, FromExtreme)
    assert (condition.steps[:3], len(condition.steps)) == ((10.0, 20.0, 30.0), 60)


@pytest.mark.parametrize(
    "text,tree",
    [
        ("price > 15", Comparison(Price(), "up", 15.0)),
        ("≥ 15", Comparison(Price(), "up", 15.0)),
        ("=> 15", Comparison(Price(), "up", 15.0)),
        ("at least 27,000 points", Comparison(Price(), "up", 27_000.0)),
        ("=< 15", Comparison(Price(), "down", 15.0)),
        ("falls below 15.5", Comparison(Price(), "down", 15.5)),
        ("reaches 1e3", Comparison(Price(), "up", 1_000.0)),
        ("股價 高於 .5元", Comparison(Price(), "up", 0.5)),
        ("closes above 15", AtClose(Comparison(Price(), "up", 15.0))),
        ("price above its 50-day average", Comparison(Price(), "up", Average("sma", 50))),
        ("above 50d sma", Comparison(Price(), "up", Average("sma", 50))),
        ("sma50 crosses above sma(200)", Comparison(Average("sma", 50), "up", Average("sma", 200))),
        ("ema 20 < price", Comparison(Average("ema", 20), "down", Price())),
        ("100日均線 下穿 200日均線", Comparison(Average("sma", 100), "down", Average("sma", 200))),
        ("golden cross", Comparison(Average("sma", 50), "up", Average("sma", 200))),
        ("死叉", Comparison(Average("sma", 50), "down", Average("sma", 200))),
        ("change 30m > 2%", Comparison(Change(30, "m"), "up", 2.0)),
        ("change 2 hours < -1%", Comparison(Change(2, "h"), "down", -1.0)),
        ("change 5d down 4%", Comparison(Change(5, "sessions"), "down", -4.0)),
        ("up 3% in 5 sessions", Comparison(Change(5, "sessions"), "up", 3.0)),
        ("change since last told > 2%", Comparison(SinceTold(), "up", 2.0)),
        ("gap < -2", Comparison(Gap(), "down", -2.0)),
        ("gap ±2%", Either((Comparison(Gap(), "up", 2.0), Comparison(Gap(), "down", -2.0)))),
        ("day < 3%", Comparison(Day(), "down", 3.0)),
        ("day > -3%", Comparison(Day(), "up", -3.0)),
        ("day > +0%", Comparison(Day(), "up", 0.0)),
        ("day > gap", Comparison(Day(), "up", Gap())),
        ("off low < 5%", Comparison(OffLow("52w"), "down", 5.0)),
        ("off low < 5% trigger close", AtClose(Comparison(OffLow("52w"), "down", 5.0))),
        ("drawdown > -5%", Comparison(Drawdown("all"), "down", 5.0)),
        ("drawdown > 0", Comparison(Drawdown("all"), "up", 0.0)),
        ("new low 52w", NewExtreme("low", "52w")),
        ("new low", NewExtreme("low", "52w")),
        ("new high all", NewExtreme("peak", "all")),
        ("new all-time high intraday", NewExtreme("peak", "all", "intraday")),
        ("52-week low", NewExtreme("low", "52w")),
        ("52周新低", NewExtreme("low", "52w")),
        ("歷史新高", NewExtreme("peak", "all")),
        ("since 2022/1/3 new low", NewExtreme("low", "since 2022-01-03")),
        ("streak > 3", Comparison(Streak(), "up", 3.0)),
        ("3 up in a row", Comparison(Streak(), "up", 3.0)),
        ("down 3 days in a row", Comparison(Streak(), "down", -3.0)),
        ("連跌3日", Comparison(Streak(), "down", -3.0)),
        ("volume > 2x", Comparison(Volume(20), "up", 2.0)),
        ("volume 2×", Comparison(Volume(20), "up", 2.0)),
        ("成交量 > 2倍", Comparison(Volume(20), "up", 2.0)),
        ("volume 10 sessions > 2", Comparison(Volume(10), "up", 2.0)),
        ("range > 90%", Comparison(Position("52w"), "up", 90.0)),
        ("range since 2021-02-17 < 5%", Comparison(Position("since 2021-02-17"), "down", 5.0)),
        ("move > 2σ", Comparison(Sigmas(60), "up", 2.0)),
        ("day > 2 sigma", Comparison(Sigmas(60), "up", 2.0)),
        ("sigma 20 < -2", Comparison(Sigmas(20), "down", -2.0)),
        ("vs HSTECH > 2%", Comparison(Against("HSTECH"), "up", 2.0)),
        ("vs CSI 300 down 2%", Comparison(Against("CSI 300"), "down", -2.0)),
        ("vs Li Auto > 2%", Comparison(Against("Li Auto"), "up", 2.0)),
        ('vs "Up and Gap" > 2%', Comparison(Against("Up and Gap"), "up", 2.0)),
        ("相对恒科 > 2%", Comparison(Against("恒科"), "up", 2.0)),
        ("at most 5 of CSI 300 up 1%", Comparison(Breadth("CSI 300", "up", 1.0), "down", 5.0)),
        ("> 10 constituents of HSTECH down over 3", Comparison(Breadth("HSTECH", "down", 3.0), "up", 10.0)),
        ("10只恒科跌3%", Comparison(Breadth("恒科", "down", 3.0), "up", 10.0)),
        ("ratio 9988.HK > 1.1", Comparison(Ratio("9988.HK"), "up", 1.1)),
        ("spread GAP < -3", Comparison(Spread("GAP"), "down", -3.0)),
        ("implied gap > 2%", Comparison(Premium("implied gap"), "up", 2.0)),
        ("premium at the open > 1%", Comparison(Premium("premium at open"), "up", 1.0)),
        ("news buyback", Story("buyback", 24)),
        ("news buyback within the last 3 days", Story("buyback", 72)),
        ("新闻 buyback 2小时", Story("buyback", 2)),
        ("rsi14低于30", Comparison(Rsi(14), "down", 30.0)),
        ("rsi(7) < 30", Comparison(Rsi(7), "down", 30.0)),
        ("(day > 2%)  AND gap > 1%", Both((DAY_2, GAP_1))),
        ("day > 2% and (gap > 1% and volume > 2x)", Both((DAY_2, GAP_1, VOLUME_2))),
        ("day > 2% or gap > 1% and volume > 2x", Either((DAY_2, Both((GAP_1, VOLUME_2))))),
        ("(day > 2% or gap > 1%) and volume > 2x", Both((Either((DAY_2, GAP_1)), VOLUME_2))),
        ("日内涨2% 且 非 (成交量 > 2倍 或 gap > 1%)", Both((DAY_2, Not(Either((VOLUME_2, GAP_1)))))),
        ("not not day > 2%", Not(Not(DAY_2))),
        ("±2% and volume > 2x", Both((Either((DAY_2, Comparison(Day(), "down", -2.0))), VOLUME_2))),
        ("day > 2% for 3 looks", Lasting(DAY_2, 3)),
        ("day > 2% 连续3次", Lasting(DAY_2, 3)),
        ("day > 2% and volume > 2x at close", AtClose(Both((DAY_2, VOLUME_2)))),
        ("(day > 2% at close) and volume > 2x", Both((AtClose(DAY_2), VOLUME_2))),
        ("drawdown 20% trigger close and gap > 1%", Both((AtClose(DOWN_20), GAP_1))),
    ],
)  # fmt: skip
def test_everything_else_is_a_gate(text: str, tree: Tree) -> None:
    assert parse(text) == Gate(tree)


@pytest.mark.parametrize(
    "text,scope",
    [
        ("1810.HK, 0700.HK day > 2%", named("1810.HK", "0700.HK")),
        ("小米、腾讯 day > 2%", named("小米", "腾讯")),
        ("Li Auto day > 2%", named("Li Auto")),
        ("The Trade Desk is up 2%", named("The Trade Desk")),
        ("CSI 300: day > 2%", named("CSI 300")),
        ("360 DigiTech day > 2%", named("360 DigiTech")),
        ("0700 up 2%", named("0700")),
        ("沪深300涨2%", named("沪深300")),
        ("恒生指数涨2%", named("恒生指数")),
        ("阿里巴巴(美股)涨2%", named("阿里巴巴(美股)")),
        ("B站涨2%", named("B站")),
        ("旭升涨2%", named("旭升")),
        ("小米集团-W 日内涨2%", named("小米集团-W")),
        ("COST day > 2%", named("COST")),
        ("Up Fintech day > 2%", named("Up Fintech")),
        ("New Oriental day > 2%", named("New Oriental")),
        ("IT day > 2%", named("IT")),
        ('"GAP" up 2%', named("GAP")),
        ("each of HSTECH day > 2%", Scope("each of", ("HSTECH",))),
        ("constituents of CSI 300 day > 2%", Scope("each of", ("CSI 300",))),
        ("恒科成份股 涨 2%", Scope("each of", ("恒科",))),
        ("my watchlist day > 2%", Scope("watchlist")),
        ("自選 漲 2%", Scope("watchlist")),
        ("all indices day > 2%", Scope("kinds", ("index",))),
        ("stocks and funds day > 2%", Scope("kinds", ("stock", "fund"))),
        ("day > 2%", None),
    ],
)
def test_what_stands_before_the_condition_is_what_it_looks_at(text: str, scope: Scope | None) -> None:
    assert parse_line(text) == Line(scope, up(2.0), PLAINLY)


@pytest.mark.parametrize(
    "text,telling",
    [
        ("once", Telling("once")),
        ("daily, quietly", Telling("once a session", urgency="quiet")),
        ("urgent until 2027-01-31", Telling(until=date(2027, 1, 31), urgency="urgent")),
        ("直到 2027年1月31日 静音 每日一次", Telling("once a session", date(2027, 1, 31), "quiet")),
        ("note look at  the ADR", Telling(note="look at the ADR")),
        ("备注 “看看 ADR” once", Telling("once", note="看看 ADR")),
        ('once note "unclosed', Telling("once", note="unclosed")),
        ('note "Straße ﬁ ½ ⅓" urgent', Telling(urgency="urgent", note="Straße ﬁ ½ ⅓")),
        ('note 「he said "no"」', Telling(note="he said 'no'")),
    ],
)
def test_the_words_behind_say_how_it_is_told(text: str, telling: Telling) -> None:
    assert parse_line(f"HSTECH day > 2% {text}") == Line(named("HSTECH"), up(2.0), telling)


def test_the_rules_that_come_along_keep_the_canonical_texts_that_their_revisions_rest_on() -> None:
    settings = read_settings(ROOT / "config.yaml")
    assert [str(each.condition) for each in settings.rules_of("calm")] == [
        "±auto(2σ60, 1.5%, 4%) ladder 1/1.5/2.5",
        "±auto(2.5σ60, 4%, 8%) ladder 1/1.5/2.5",
        "off low 10/20/30/40/50% reference close, trigger touch, window 52w, re-arm on new low",
        "drawdown 10/20/30/40/50/60/70/80/90% reference close, trigger touch, window all, re-arm on new peak",
    ]
    revisions = {preset: [each.revision for each in settings.rules_of(preset)] for preset in settings.presets}
    assert revisions == {
        "calm": ["5b9ac0b47d93", "91fc81127fdf", "e8a18ee6d0cd", "81053b3ef3f5"],
        "loud": ["352ba53b2a58", "f7d91610bc0a", "a5bd00b6bf7f", "a8a81cdfd922"],
    }


@pytest.mark.parametrize("text", ["HSTECH day > 2%", "day > 2% once"])
def test_a_condition_by_itself_has_no_scope_and_no_telling(text: str) -> None:
    with pytest.raises(GrammarError):
        parse(text)
