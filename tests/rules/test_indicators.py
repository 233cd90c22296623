from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules.indicators import average, rsi
from tests.rules.columns_by_hand import wilder

# Fifteen closes whose fourteen moves are worked out by hand below, and one more.
CLOSES = [50.0, 51.0, 50.5, 52.0, 52.0, 51.0, 53.0, 54.0, 53.5, 55.0, 54.0, 54.5, 56.0, 55.5, 57.0, 56.0]


def test_the_index_is_wilders_worked_out_by_hand() -> None:
    # rises 1 + 1.5 + 2 + 1 + 1.5 + 0.5 + 1.5 + 1.5 = 10.5, falls 0.5 + 1 + 0.5 + 1 + 0.5 = 3.5
    found = rsi(np.array(CLOSES), 14)
    assert np.isnan(found[:14]).all()
    assert found[14] == pytest.approx(75.0)
    # then 0.75 × 13 / 14 of rises, and (0.25 × 13 + 1) / 14 of falls
    assert found[15] == pytest.approx(100 * 9.75 / (9.75 + 4.25))


@given(
    st.lists(st.sampled_from([1.0, 2.0, 2.5, 9.0]) | st.floats(1, 1000), max_size=60),
    st.integers(1, 20),
)
def test_the_index_is_wilders_at_every_close(closes: list[float], sessions: int) -> None:
    found = rsi(np.array(closes, np.float64), sessions)
    for at, value in enumerate(found.tolist()):
        wanted = (
            wilder(closes[: at + 1], sessions) if sessions > 1 else wilder(closes[max(at - 1, 0) : at + 1], 1)
        )
        assert value == pytest.approx(np.nan if wanted is None else wanted, nan_ok=True, abs=1e-6)


def test_what_never_moved_has_no_strength_and_what_only_fell_has_none_left() -> None:
    assert np.isnan(rsi(np.full(40, 7.0), 14)).all()
    assert rsi(np.arange(40.0, 0, -1), 14)[-1] == 0
    assert rsi(np.arange(1.0, 41), 14)[-1] == 100


def test_averages_begin_with_the_first_close_that_has_enough_before_it() -> None:
    closes = np.array([1.0, 2.0, 3.0, 7.0])
    assert average(closes, "sma", 3)[2:].tolist() == [2.0, 4.0]
    # (7 − 2) × 2 / 4 more than the simple average of the first three
    assert average(closes, "ema", 3)[2:].tolist() == [2.0, 4.5]
    assert np.isnan(average(closes, "ema", 3)[:2]).all()
    assert np.isnan(average(closes, "sma", 5)).all()
    assert average(closes, "sma", 1).tolist() == closes.tolist()


def test_of_nothing_there_is_nothing() -> None:
    assert average(np.empty(0), "ema", 5).tolist() == []
    assert rsi(np.empty(0), 5).tolist() == []
    assert rsi(np.empty(0), 1).tolist() == []
