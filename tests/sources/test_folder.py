from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bot.config import read_settings
from bot.errors import DataError, UsageError
from bot.market.bars import Bar, Known, Reference, Series, Side
from bot.market.extremes import Extreme, Window, extreme_since, standings, window_start
from bot.market.instrument import Market, bare_instrument
from bot.market.measures import Distance, drawdown_card, quote_card
from bot.news.topics import Matcher
from bot.sources.folder import Recorded, read_folder, sample_folder
from tests.conftest import ROOT

FIRST, LAST = date(2022, 3, 1), date(2022, 3, 23)
HONG_KONG = ["HSTECH", "^HSI", "^HSCE", "0700.HK", "9988.HK", "3690.HK", "1810.HK", "9626.HK", "9888.HK"]
SYMBOLS = [*HONG_KONG, "000300.SS", "PDD", "BILI", "^GSPC"]
WINDOWS: tuple[Window, ...] = ("all", "52w")
REFERENCES: tuple[Reference, ...] = ("close", "intraday")
SIDES: tuple[Side, ...] = ("low", "peak")
BARS = "date,symbol,open,high,low,close\n2022-03-23,1810.HK,15.04,15.48,14.70,14.78\n"
EXTREMES = "date,symbol,kind,reference,value\n"
TOLD = {
    "published": "2022-03-23T17:05:00+08:00",
    "title": "Results",
    "summary": "",
    "feed": "Sample",
    "link": "https://example.com/results",
}


@pytest.fixture(scope="module")
def full(prices: Path) -> Recorded:
    return read_folder(prices)


@pytest.fixture(scope="module")
def sample() -> Recorded:
    return read_folder(sample_folder("march-2022"))


def market_of(symbol: str) -> Market:
    return "HK" if symbol in HONG_KONG else bare_instrument(symbol).market


def march(series: Series) -> tuple[Bar, ...]:
    return tuple(series.until(LAST).since(FIRST))


def test_the_sample_has_the_instruments_of_the_model_messages(sample: Recorded) -> None:
    assert sorted(sample.series) == sorted(SYMBOLS)
    assert all(len(march(each)) == 17 for each in sample.series.values())


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_bar_is_what_was_traded(full: Recorded, sample: Recorded, symbol: str) -> None:
    assert march(sample.series[symbol]) == march(full.series[symbol])
    assert not any(each.adjusted for each in sample.series[symbol].bars)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_before_the_bars_stands_the_last_close_and_nothing_else(
    full: Recorded, sample: Recorded, symbol: str
) -> None:
    last, *bars = sample.series[symbol].bars
    assert tuple(bars) == march(full.series[symbol])
    (true,) = [each for each in full.series[symbol].bars if each.session == date(2022, 2, 28)]
    assert last == Bar(true.session, true.close)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_extreme_is_one_of_the_full_history(full: Recorded, sample: Recorded, symbol: str) -> None:
    bars = {each.session: each for each in full.series[symbol].bars}
    for known in sample.series[symbol].before:
        bar = bars[known.session]
        intraday = bar.low if known.side == "low" else bar.high
        assert known.value == (bar.close if known.reference == "close" else intraday)
    assert list(sample.series[symbol].before) == sorted(
        sample.series[symbol].before, key=lambda each: (each.session, each.side, each.reference)
    )


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("window", WINDOWS)
def test_every_session_stands_where_it_stands_in_the_full_history(
    full: Recorded, sample: Recorded, symbol: str, window: Window
) -> None:
    whole, part = full.series[symbol].until(LAST), sample.series[symbol]
    for reference in REFERENCES:
        for side in SIDES:
            column = standings(whole, reference, window, side)
            assert standings(part, reference, window, side)[-17:] == column[-17:]


def extremes(series: Series, session: date, window: Window) -> list[Extreme | None]:
    """Return every extreme that a session can be told of, and the lows since the peaks."""
    start = window_start(window, session)
    found: list[Extreme | None] = []
    for reference in REFERENCES:
        low, peak = (extreme_since(series, start, reference, side) for side in SIDES)
        after = peak and extreme_since(series, peak.session + timedelta(days=1), reference, "low")
        found += [low, peak, after]
    return found


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("window", WINDOWS)
def test_every_extreme_is_known_at_every_session_open_and_settled(
    full: Recorded, sample: Recorded, symbol: str, window: Window
) -> None:
    whole, part = full.series[symbol], sample.series[symbol]
    for session in (each.session for each in march(whole)):
        for known in (session - timedelta(days=1), session):
            expected = extremes(whole.until(known), session, window)
            assert extremes(part.until(known), session, window) == expected


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_commands_answer_as_from_the_full_history(full: Recorded, sample: Recorded, symbol: str) -> None:
    instrument = bare_instrument(symbol)
    whole, part = full.series[symbol], sample.series[symbol]
    known, held = full.calendar(market_of), sample.calendar(market_of)
    for session in (each.session for each in march(whole)):
        for window in WINDOWS:
            card = drawdown_card(instrument, part, session, window)
            expected = drawdown_card(instrument, whole, session, window)
            assert (card.bar, card.peak, card.low) == (expected.bar, expected.peak, expected.low)
            # of the year before, the sample holds only the sessions that are still somewhere an extreme
            assert card.since == expected.since if window == "all" else card.since >= expected.since
        quoted = quote_card(instrument, part, session, held)
        expected_quote = quote_card(instrument, whole, session, known)
        assert quoted.day_change_pct is not None
        assert (quoted.bar, quoted.day_change_pct) == (expected_quote.bar, expected_quote.day_change_pct)


def shown(distance: Distance | None) -> str:
    assert distance is not None
    return f"{distance.change_pct:+.2f}"


def test_the_23rd_of_march_is_as_every_desk_said(sample: Recorded) -> None:
    calendar = sample.calendar(market_of)
    card = drawdown_card(bare_instrument("HSTECH"), sample.series["HSTECH"], LAST, "all")
    assert [shown(card.peak[each]) for each in REFERENCES] == ["-56.61", "-56.83"]
    assert [shown(card.low[each]) for each in REFERENCES] == ["+36.77", "+37.12"]
    moved = {
        symbol: quote_card(bare_instrument(symbol), sample.series[symbol], LAST, calendar).day_change_pct
        for symbol in ("1810.HK", "9626.HK")
    }
    assert {symbol: f"{each:+.2f}" for symbol, each in moved.items()} == {
        "1810.HK": "+4.08",
        "9626.HK": "+10.10",
    }


def test_its_stories_bear_on_the_topics_they_were_written_for(sample: Recorded) -> None:
    matcher = Matcher(read_settings(ROOT / "config.yaml").news_topics())
    topics = {
        each.link.rpartition("/")[2]: matcher.topics(f"{each.title}\n{each.summary}")
        for each in sample.stories
    }
    assert topics == {
        "february-deliveries": (),
        "audit-papers": ("adr_audit",),
        "sec-names-five": ("adr_audit",),
        "delisting-fears": ("adr_audit",),
        "hstech-14-march": ("adr_audit",),
        "oil-falls": (),
        "financial-committee": ("policy", "listing"),
        "financial-committee-zh": ("policy",),
        "alibaba-buyback": ("buyback",),
        "xiaomi-buyback": ("buyback", "earnings"),
        "xiaomi-opens-higher": ("buyback",),
        "fuller-audit-records": ("adr_audit",),
        "tencent-results": ("earnings",),
    }


def test_its_stories_are_in_order_and_of_these_days(sample: Recorded) -> None:
    times = [each.published for each in sample.stories if each.published]
    assert len(times) == len(sample.stories)
    assert times == sorted(times)
    assert datetime(2022, 3, 1, tzinfo=UTC) <= times[0]
    assert times[-1] < datetime(2022, 3, 24, tzinfo=UTC)
    assert len({each.identity for each in sample.stories}) == len(times)


def test_an_unknown_sample_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="No sample is called “april”: choose one of march-2022"):
        sample_folder("april")


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        suffix = "jsonl" if name == "stories" else "csv"
        (folder / f"{name}.{suffix}").write_text(text, encoding="utf-8")
    return folder


def test_a_folder_of_bars_alone_knows_nothing_of_the_time_before(tmp_path: Path) -> None:
    recorded = read_folder(write(tmp_path, bars=BARS))
    assert recorded.series["1810.HK"].before == ()
    assert recorded.series["1810.HK"].bars == (Bar(LAST, 14.78, 15.04, 15.48, 14.7),)
    assert recorded.stories == ()


def test_extremes_may_be_read_before_the_bars_they_belong_to(tmp_path: Path) -> None:
    rows = "2022-03-15,1810.HK,low,intraday,11.38\n2022-03-22,1810.HK,last,close,14.2\n"
    recorded = read_folder(write(tmp_path, a_extremes=EXTREMES + rows, bars=BARS))
    series = recorded.series["1810.HK"]
    assert series.before == (Known(date(2022, 3, 15), "low", "intraday", 11.38),)
    assert [each.session.day for each in series.bars] == [22, 23]


def test_a_last_close_is_an_extreme_once_and_by_close_only(tmp_path: Path) -> None:
    rows = "2022-03-22,1810.HK,low,close,14.2\n2022-03-22,1810.HK,last,close,14.2\n"
    series = read_folder(write(tmp_path, bars=BARS, extremes=EXTREMES + rows)).series["1810.HK"]
    assert extreme_since(series, date.min, "close", "low") == Extreme(14.2, date(2022, 3, 22))
    assert extreme_since(series, date.min, "intraday", "low") == Extreme(14.7, LAST)
    column = standings(series, "close", "all", "low")
    assert len(column) == 2
    assert column[1] is not None
    assert column[1].extreme == column[1].episode == Extreme(14.2, date(2022, 3, 22))


def refusal(folder: Path) -> str:
    with pytest.raises(DataError) as refused:
        read_folder(folder)
    return str(refused.value)


@pytest.mark.parametrize(
    "rows,said",
    [
        ("2022-02-30,1810.HK,low,close,1", "line 2: “2022-02-30” is no date"),
        ("2022-03-15,,low,close,1", "line 2: the symbol is empty"),
        ("2022-03-15,1810.HK,high,close,1", "line 2: the kind is “high”; write peak, low or last."),
        ("2022-03-15,1810.HK,low,open,1", "line 2: the reference is “open”; write close or intraday."),
        ("2022-03-15,1810.HK,last,intraday,1", "line 2: a last price is a close"),
        ("2022-03-15,1810.HK,low,close,", "line 2: the value is empty"),
        ("2022-03-15,1810.HK,low,close,0", "line 2: value is 0"),
        ("2022-03-15,1810.HK,low,close,nan", "line 2: value is “nan”, which is no price"),
        ("2022-03-15,1810.HK,low,close", "line 2: the row has another number of cells"),
        (
            "2022-03-15,1810.HK,low,close,1\n2022-03-15,1810.HK,low,close,2",
            "line 3: 1810.HK has a second low",
        ),
        (
            "2022-03-15,1810.HK,last,close,1\n2022-03-16,1810.HK,last,close,2",
            "line 3: 1810.HK has a second last",
        ),
        ("2022-03-23,1810.HK,low,close,1", "line 2: 2022-03-23 is not before 2022-03-23, the first bar"),
        ("2022-03-24,1810.HK,last,close,1", "line 2: 2022-03-24 is not before 2022-03-23, the first bar"),
    ],
)
def test_a_bad_extreme_is_named_by_file_and_line(tmp_path: Path, rows: str, said: str) -> None:
    answer = refusal(write(tmp_path, bars=BARS, extremes=f"{EXTREMES}{rows}\n"))
    assert answer.startswith("extremes.csv, ")
    assert said in answer


def test_a_bad_bar_is_named_beside_good_extremes(tmp_path: Path) -> None:
    bars = BARS + "2022-03-24,1810.HK,15,14,13,14.5\n"
    rows = "2022-03-22,1810.HK,last,close,14.2\n"
    answer = refusal(write(tmp_path, bars=bars, extremes=EXTREMES + rows))
    assert answer == "bars.csv, line 3: the high 14.0 is below the open or the close."


def test_a_table_of_neither_kind_is_refused(tmp_path: Path) -> None:
    answer = refusal(write(tmp_path, bars="date,symbol,kind,value\n"))
    assert answer.startswith("bars.csv, line 1: the heading lacks close; write date,symbol,open")


@pytest.mark.parametrize(
    "line,said",
    [
        ("{", "this is no JSON"),
        ("[]", "a story has the texts published, title, summary, feed, link."),
        (json.dumps({**TOLD, "summary": None}), "a story has the texts"),
        (json.dumps({**TOLD, "title": " "}), "the title or the link is empty"),
        (json.dumps({**TOLD, "published": "yesterday"}), "“yesterday” is no moment"),
        (json.dumps({**TOLD, "published": "2022-03-23T17:05:00"}), "is no moment; write it as 2022-03-23T16"),
    ],
)
def test_a_bad_story_is_named_by_file_and_line(tmp_path: Path, line: str, said: str) -> None:
    answer = refusal(write(tmp_path, bars=BARS, stories=f"{json.dumps(TOLD)}\n\n{line}\n"))
    assert answer.startswith("stories.jsonl, line 3: ")
    assert said in answer


def test_stories_are_put_in_order_of_their_time(tmp_path: Path) -> None:
    earlier = {**TOLD, "published": "2022-03-23T09:00:00Z", "link": "https://example.com/earlier"}
    text = f"{json.dumps(TOLD)}\n{json.dumps(earlier)}\n"
    stories = read_folder(write(tmp_path, bars=BARS, stories=text)).stories
    assert [each.link.rpartition("/")[2] for each in stories] == ["earlier", "results"]
    assert stories[0].published == datetime(2022, 3, 23, 9, tzinfo=UTC)
    assert stories[0].guid == stories[0].link


def test_a_copy_of_the_sample_reads_as_the_sample(sample: Recorded, tmp_path: Path) -> None:
    copied = tmp_path / "copy"
    shutil.copytree(sample_folder("march-2022"), copied)
    assert read_folder(copied) == sample
