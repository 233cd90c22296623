from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.market.bars import Bar, Series

FIRST = date(2022, 3, 1)
EDGES = st.one_of(st.none(), st.integers(-9, 9))


def bar(number: int) -> Bar:
    return Bar(FIRST + timedelta(days=number), 100.0 + number)


@given(st.integers(0, 6), EDGES, EDGES, st.sampled_from([None, 1, 2, -1]))
def test_a_bar_put_on_settled_ones_is_read_as_the_last_of_them(
    settled: int, start: int | None, stop: int | None, step: int | None
) -> None:
    whole = tuple(map(bar, range(settled + 1)))
    bars = Series("HSTECH", whole[:-1]).with_bar(whole[-1]).bars
    assert bars == whole
    assert whole == bars
    assert (len(bars), tuple(bars), hash(bars)) == (len(whole), whole, hash(whole))
    assert tuple(bars[start:stop:step]) == whole[start:stop:step]
    assert [bars[at] for at in range(-len(whole), len(whole))] == [*whole, *whole]


@given(st.integers(1, 40))
def test_bar_upon_bar_is_one_row_of_bars(count: int) -> None:
    series = Series("HSTECH", ())
    for number in range(count):
        series = series.with_bar(bar(number))
    assert series == Series("HSTECH", tuple(map(bar, range(count))))
    assert series.with_bar(bar(count - 1)) == series
