from __future__ import annotations

import pytest

from tests.conftest import Marketbell


def test_a_line_is_said_back_with_its_canonical_text(marketbell: Marketbell) -> None:
    said = marketbell("rules", "explain", "小米 跌破 12")
    assert (said.status, said.err) == (0, "")
    assert said.out.splitlines() == [
        "Tells when Xiaomi (1810.HK) falls to 12 or below.",
        "Told once; again only after it has been above 12.12.",
        "Written out: 1810.HK price < 12",
    ]


def test_machines_are_told_the_same(marketbell: Marketbell) -> None:
    assert marketbell("rules", "explain", "KWEB day > 3% and news buyback 24h", "--json").one == {
        "canonical": "KWEB day > 3% and news buyback 24h",
        "scope": "KWEB",
        "words": [
            (
                "Tells when KWEB is up 3% or more on the day, "
                "and news of buyback came in within the last 24 hours."
            ),
            "Told once a session.",
        ],
    }


@pytest.mark.parametrize(
    "line,said",
    [
        (
            "HSTECH drawdwn 20%",
            [
                "“drawdwn” is not known here: write drawdown.",
                "  HSTECH drawdwn 20%",
                "         ^",
                "Nearest that reads: HSTECH drawdown 20%",
            ],
        ),
        (
            "BABA rsl < 30",
            [
                "“rsl” is no measure: write rsi.",
                "  BABA rsl < 30",
                "       ^",
                "Nearest that reads: BABA rsi < 30",
            ],
        ),
        (
            "HSTECH day > 2% and day < 1%",
            ["“day > 2%” and “day < 1%” never hold together: join them by or, or change one."],
        ),
        (
            "XIAOMO up 3%",
            [
                (
                    "No instrument is called “XIAOMO”. Nearest: 1810.HK (Xiaomi), ^IXIC (Nasdaq), "
                    "0941.HK (China Mobile)."
                ),
                "  XIAOMO up 3%",
                "  ^",
            ],
        ),
    ],
)
def test_a_mistake_is_shown_in_its_place(marketbell: Marketbell, line: str, said: list[str]) -> None:
    answered = marketbell("rules", "explain", line)
    assert (answered.status, answered.out) == (2, "")
    assert answered.err.splitlines() == said
