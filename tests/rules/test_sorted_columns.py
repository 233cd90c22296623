from __future__ import annotations

import random
from array import array
from math import inf

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.rules.sorted_columns import Pile


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([1, 2, 7, 40, 3000]))
def test_a_pile_of_many_blocks_stays_sorted_and_whole(seed: int, different: int) -> None:
    chance = random.Random(seed)
    levels = array("d", [float(chance.randrange(different)) for _ in range(5000)])
    pile, held = Pile(levels.__getitem__), set[int]()
    for number in range(5000):
        pile.add(number)
        held.add(number)
        if number % 3 == 0:
            gone = chance.choice(sorted(held)) if number % 99 == 0 else number
            assert pile.discard(gone)
            assert not pile.discard(gone)
            held.remove(gone)
    ordered = sorted(held, key=lambda number: (levels[number], number))
    assert list(pile) == ordered
    assert len(pile) == len(held)
    for bound in (-1.0, different / 2, 0.0, float(different)):
        assert list(pile.below(bound)) == [number for number in ordered if levels[number] <= bound]
        assert list(pile.above(bound, abs)) == [number for number in ordered if levels[number] > bound]
    for some, take in ((ordered[:1500], pile.take_bottom), (ordered[-1500:], pile.take_top)):
        assert not take(array("Q", some[::-1]))
        assert not take(array("Q", [*ordered, 1]))
        assert take(array("Q", some))
        assert list(pile) == [number for number in ordered if number not in set(some)]
        # every other one first, so that the rest goes in between
        pile.extend(array("Q", some[::2]))
        pile.extend(array("Q", some[1::2]))
        assert list(pile) == ordered
        assert (pile.bottom, pile.top) == (levels[ordered[0]], levels[ordered[-1]])
    for number in ordered:
        assert number in pile
        assert pile.discard(number)
        assert number not in pile
    assert len(pile) == 0
    assert (pile.bottom, pile.top) == (inf, -inf)
