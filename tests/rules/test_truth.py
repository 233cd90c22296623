"""Kleene's strong logic, with the reason of what nobody knows."""

from __future__ import annotations

from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bot.rules.truth import Truth, Unknown, all_of, any_of, opposite

FIRST, SECOND = Unknown("the first is not known"), Unknown("the second is not known")
truths = some.sampled_from((True, False, FIRST, SECOND))


def rank(truth: Truth) -> int:
    """Say a truth as a number, as Kleene did: the lesser of two is both, the greater either."""
    return 1 if isinstance(truth, Unknown) else 2 * truth


@pytest.mark.parametrize("one,other", tuple(product((True, False, FIRST), repeat=2)))
def test_two_truths_are_joined_as_kleene_joined_them(one: Truth, other: Truth) -> None:
    assert rank(all_of((one, other))) == min(rank(one), rank(other))
    assert rank(any_of((one, other))) == max(rank(one), rank(other))
    assert rank(opposite(one)) == 2 - rank(one)


@given(some.lists(truths, max_size=5))
def test_many_truths_are_joined_as_two_are(given_truths: list[Truth]) -> None:
    ranks = [rank(each) for each in given_truths]
    assert rank(all_of(given_truths)) == min(ranks, default=2)
    assert rank(any_of(given_truths)) == max(ranks, default=0)


@given(some.lists(truths, max_size=4))
def test_not_all_is_any_not(given_truths: list[Truth]) -> None:
    turned = [opposite(each) for each in given_truths]
    assert opposite(all_of(given_truths)) == any_of(turned)
    assert opposite(any_of(given_truths)) == all_of(turned)


def test_the_first_reason_is_kept_and_only_where_nothing_decides() -> None:
    assert all_of((True, FIRST, SECOND)) is FIRST
    assert any_of((False, FIRST, SECOND)) is FIRST
    assert all_of((SECOND, True, FIRST)) is SECOND
    assert any_of((SECOND, False, FIRST)) is SECOND
    everything: tuple[Truth, ...] = (FIRST, SECOND, True, False)
    for given_truths in permutations(everything):
        assert all_of(given_truths) is False
        assert any_of(given_truths) is True
    assert opposite(FIRST) is FIRST


def test_nothing_at_all_is_all_and_not_any() -> None:
    assert all_of(()) is True
    assert any_of(()) is False
