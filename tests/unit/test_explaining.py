from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from bot.messages.explaining import explained
from bot.rules.grammar import parse_line
from bot.rules.line import Line
from tests.rules.strategies import lines

SHORT = {"1810.HK": "Xiaomi", "0700.HK": "Tencent", "BABA": "Alibaba US"}


def called(symbol: str) -> str:
    return f"{SHORT[symbol]} ({symbol})" if symbol in SHORT else symbol


def said(text: str) -> tuple[str, ...]:
    return explained(parse_line(text), called)


@pytest.mark.parametrize(
    "text,words",
    [
        (
            "1810.HK below 12",
            (
                "Tells when Xiaomi (1810.HK) falls to 12 or below.",
                "Told once; again only after it has been above 12.12.",
            ),
        ),
        (
            "HSTECH ±2/3/5%",
            (
                "Tells when HSTECH is up or down 2, 3 and 5% on the day.",
                "A step counts as reached by any price of the session.",
                "Each step is told once a session, upwards and downwards apart.",
            ),
        ),
        (
            "HSTECH ±auto at close",
            (
                "Tells when HSTECH is up or down by steps that follow its volatility on the day.",
                (
                    "Of an index, the first step is 2 deviations of 60 sessions, at least 1.5% and at most "
                    "4%, further steps 1.5 and 2.5 times that."
                ),
                (
                    "Of anything else, the first step is 2.5 deviations of 60 sessions, at least 4% and at "
                    "most 8%, further steps 1.5 and 2.5 times that."
                ),
                "A step counts as reached by the official close alone.",
                "Each step is told once a session, upwards and downwards apart.",
            ),
        ),
        (
            "day > auto(2σ60, 1%, 4%) ladder 1",
            (
                "Tells when it is up by steps that follow its volatility on the day.",
                "The first step is 2 deviations of 60 sessions, at least 1% and at most 4%.",
                "A step counts as reached by any price of the session.",
                "Each step is told once a session.",
            ),
        ),
        (
            "HSTECH off low 40% ytd",
            (
                "Tells when HSTECH is 40% above its closing low of this year.",
                "What is compared with begins anew with each year.",
                "A step counts as reached by any price of the session.",
                "Each step is told once; only a new low begins anew.",
            ),
        ),
        (
            "HSTECH drawdown 20/30% mtd once",
            (
                "Tells when HSTECH is 20 and 30% below its closing peak of this month.",
                "What is compared with begins anew with each month.",
                "A step counts as reached by any price of the session.",
                "Told once, then never again.",
            ),
        ),
        (
            "HSTECH drawdown 20/30% once a session",
            (
                "Tells when HSTECH is 20 and 30% below its closing peak of all history held.",
                "A step counts as reached by any price of the session.",
                "Each step is told once a session, also where it was told in one before.",
            ),
        ),
        (
            "HSTECH ±2/3% once a session",
            (
                "Tells when HSTECH is up or down 2 and 3% on the day.",
                "A step counts as reached by any price of the session.",
                "Each step is told once a session, upwards and downwards apart.",
            ),
        ),
        (
            "0700.HK cost 300 ±5% every 5%",
            (
                "Tells when Tencent (0700.HK) is up or down 5% and every further 5% from the cost of 300.",
                "A step counts as reached by any price of the session.",
                "Each step is told once.",
            ),
        ),
        (
            '0700.HK new low 52w once a session until 2027-01-31 quiet note "look at ADR"',
            (
                "Tells when Tencent (0700.HK) goes below its closing low of 52 weeks.",
                "Told once a session at most.",
                "Ends with 31 Jan 2027.",
                "Told quietly, without a sound.",
                "Adds your note: “look at ADR”.",
            ),
        ),
        (
            "0700.HK new high all urgent",
            (
                "Tells when Tencent (0700.HK) goes above its closing peak of all history held.",
                "Told once; again only after 20 sessions without a new peak.",
                "Told as urgent: every further step is a message of its own, which rings.",
            ),
        ),
        (
            "0700.HK sma 50 > sma 200",
            (
                (
                    "Tells when Tencent (0700.HK) has its 50-session simple average at or above its "
                    "200-session simple average."
                ),
                "Told once; again only after it has clearly ceased to hold.",
            ),
        ),
        (
            "1810.HK, 0700.HK (day > 2% or gap < -1%) and not volume > 2x for 3 looks",
            (
                (
                    "Tells when ((Xiaomi (1810.HK) or Tencent (0700.HK) is up 2% or more on the day, or it "
                    "opens 1% or more below its close before), and it is not so that it trades at least "
                    "2 times the average volume of 20 sessions at the same time of day) at 3 looks in a row."
                ),
                "Told once a session.",
            ),
        ),
        (
            "BABA news buyback 1h and (rsi < 30 at close)",
            (
                (
                    "Tells when news of buyback came in within the last 1 hour, and Alibaba US (BABA) has "
                    "an RSI of 14 sessions at 30 or below by the official close."
                ),
                "Told once; again only after it has clearly ceased to hold.",
            ),
        ),
    ],
)
def test_a_line_is_said_back_in_plain_words(text: str, words: tuple[str, ...]) -> None:
    assert said(text) == words


@pytest.mark.parametrize(
    "text,clause",
    [
        ("price > 27000", "rises to 27,000 or above"),
        ("day < 3%", "has a move on the day of +3% or lower"),
        ("day > 0%", "has a move on the day of 0% or higher"),
        ("change 30m < -2%", "is down 2% or more over 30 minutes"),
        ("change 1h > 2%", "is up 2% or more over 1 hour"),
        ("change 5 sessions > -2%", "has a move over 5 sessions of −2% or higher"),
        ("change since told > 2%", "is up 2% or more since this was last told, or since the close before"),
        ("change since 2022-03-15 < 5%", "has a move since the close of 15 Mar 2022 of +5% or lower"),
        ("gap > 2%", "opens 2% or more above its close before"),
        ("gap > -2%", "has a gap at its open of −2% or higher"),
        ("off low < 5% 90d", "is 5% or less above its closing low of 90 days"),
        ("drawdown < 5% 1w intraday", "is 5% or less below its intraday peak of 1 week"),
        ("3 up in a row", "has risen 3 closes in a row or more"),
        ("3 down in a row", "has fallen 3 closes in a row or more"),
        ("streak < 2", "has a streak of +2 closes or lower"),
        ("volume 10d < 0.5x", "trades at most 0.5 times the average volume of 10 sessions at"),
        ("range > 90%", "stands at 90% or more of its range of 52 weeks"),
        ("range since 2021-02-17 < 10%", "stands at 10% or less of its range since 17 Feb 2021"),
        ("move < -2σ", "moves on the day by −2 deviations or lower, measured on 60 sessions"),
        ("vs BABA > 2%", "does 2% or more better on the day than Alibaba US (BABA)"),
        ("vs BABA < -2%", "does 2% or more worse on the day than Alibaba US (BABA)"),
        ("vs BABA < 2%", "has a move on the day against Alibaba US (BABA) of +2% or lower"),
        ("ratio BABA < 0.5", "costs at most 0.5 times what Alibaba US (BABA) does"),
        ("spread BABA > 3", "costs at least 3 more than Alibaba US (BABA)"),
        ("spread BABA < 3", "costs at most 3 more than Alibaba US (BABA)"),
        ("spread BABA > -3", "costs at most 3 less than Alibaba US (BABA)"),
        ("spread BABA < -3", "costs at least 3 less than Alibaba US (BABA)"),
        ("premium > 1.5%", "has a premium of its New York line over the one in Hong Kong of +1.5%"),
        ("implied gap < 1%", "has a gap at the Hong Kong open, implied by the close in New York, of"),
        ("premium at open > 1%", "has a premium in New York over the opening price in Hong Kong of"),
        ("rsi > 70", "has an RSI of 14 sessions at 70 or above"),
        ("ema 20 > 15.5", "has its 20-session exponential average at 15.5 or above"),
        ("price < ema 20", "has its price at or below its 20-session exponential average"),
        ("day > gap", "has a move on the day at or above a gap at its open"),
        ("move > 2σ or gap > 2%", "moves on the day by +2 deviations or higher, measured on"),
    ],
)
def test_each_measure_has_its_words(text: str, clause: str) -> None:
    assert said(f"HSTECH {text}")[0].startswith(f"Tells when HSTECH {clause}")


@pytest.mark.parametrize(
    "text,again",
    [
        ("price > 100", "below 99"),
        ("rsi < 30", "above 32"),
        ("change 30m > 2%", "below 1.5%"),
        ("change 30m < -2%", "above −1.5%"),
        ("ema 20 > 100", "below 99.5"),
        ("range > 90%", "below 85%"),
    ],
)
def test_when_it_is_told_again_is_a_little_back(text: str, again: str) -> None:
    assert said(f"HSTECH {text}")[1] == f"Told once; again only after it has been {again}."


@pytest.mark.parametrize(
    "text,who",
    [
        ("day > 2%", "it"),
        ("watchlist day > 2%", "an instrument on the watchlist"),
        ("each of HSTECH day > 2%", "a constituent of HSTECH"),
        ("stocks and funds day > 2%", "a watched stock or fund"),
        ("others day > 2%", "a watched other instrument"),
        ("1810.HK, 0700.HK, BABA day > 2%", "Xiaomi (1810.HK), Tencent (0700.HK) or Alibaba US (BABA)"),
    ],
)
def test_it_says_what_is_looked_at(text: str, who: str) -> None:
    assert said(text)[0] == f"Tells when {who} is up 2% on the day."


def test_a_count_of_constituents_has_a_subject_of_its_own() -> None:
    assert said("at most 3 of HSTECH down 3%")[0] == (
        "Tells when at most 3 of HSTECH's watched constituents are down 3% or more on the day."
    )


@given(lines)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_line_is_said_back_in_sentences(line: Line) -> None:
    words = explained(line, called)
    assert len(words) > 1
    assert all(each[0].isupper() and each.endswith(".") for each in words)
