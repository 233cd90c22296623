from __future__ import annotations

from pathlib import Path

from bot.store.link import Link
from tests.acceptance.trouble import two_days


async def test_two_days_of_all_that_goes_wrong_tell_nothing_false(link: Link, tmp_path: Path) -> None:
    """A true move of each day is told once, blindness once, its end once, and nothing else at all."""
    seen = await two_days(link, tmp_path)
    headings = [text.splitlines()[0] for text in seen.told]
    assert headings == [
        "Blind: no new price from Hong Kong and Shanghai since 09:44 HKT",
        "Hong Kong and Shanghai: prices come in again, from 10:47 HKT",
        "HSI +3.99%: 22,864.47, +878.26 points",
        "Xiaomi +9.01%: HK$3.17, +0.26",
    ]
    assert seen.looks == 1022
    assert seen.threads <= 2
    assert seen.reconnected
