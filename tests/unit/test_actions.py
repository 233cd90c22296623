"""What holders are given: splits restate every price once, distributions only what a day is compared with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from bot.errors import NotKnown
from bot.market.actions import Action, between, is_large, rescaled, without
from bot.market.bars import Bar, Calendar, Known, Series, with_actions
from bot.market.instrument import Instrument
from bot.market.measures import (
    Distance,
    DrawdownCard,
    QuoteCard,
    day_change_pct,
    drawdown_card,
    quote_card,
    streak,
)
from bot.market.reference import day_reference, reference_close

START = date(2024, 1, 1)
ANY = Instrument("X", "stock", "XHKG", "HKD", short="X")
PRICES = some.integers(20, 20_000).map(lambda ticks: ticks / 20)
FACTORS = some.sampled_from([0.01, 0.1, 0.125, 0.25, 0.5, 0.8, 2.0, 5.0, 10.0, 25.0])


def at(day: int) -> date:
    return START + timedelta(days=day)


def bars(*closes: float, first: int = 0) -> tuple[Bar, ...]:
    return tuple(
        Bar(at(first + day), close, close, round(close * 1.05, 6), round(close * 0.95, 6), 1000.0)
        for day, close in enumerate(closes)
    )


def split(day: int, factor: float) -> Action:
    return Action(at(day), "split", factor)


def distribution(day: int, amount: float, note: str = "") -> Action:
    return Action(at(day), "distribution", amount=amount, note=note)


def closes(series: Series) -> list[float]:
    return [each.close for each in series.bars]


def test_a_split_that_only_what_comes_knows_of_rescales_what_was_held_before_it() -> None:
    before = (Known(at(-30), "peak", "close", 300.0),)
    held = Series("X", bars(100, 110, 120), before, (distribution(1, 2.0),))
    coming = Series("X", bars(12, 13, first=2), actions=(split(3, 0.1),))
    joined = held.joined(coming)
    assert closes(joined) == [10, 11, 12, 13]
    assert [each.volume for each in joined.bars] == [10_000, 10_000, 1000, 1000]
    assert joined.before == (Known(at(-30), "peak", "close", 30.0),)
    assert joined.actions == (distribution(1, 0.2), split(3, 0.1))


def test_no_split_is_made_twice() -> None:
    held = Series("X", bars(100, 110, 120))
    coming = Series("X", bars(12, 13, first=2), actions=(split(3, 0.1),))
    once = held.joined(coming)
    assert once.joined(coming) == once
    assert once.joined(coming).joined(Series("X", bars(14, first=4))).bars[:4] == once.bars


@pytest.mark.parametrize(
    "coming",
    [
        Series("X", bars(11, 12, 13, first=1), actions=(split(3, 0.1),)),
        Series("X", bars(13, first=3), actions=(split(3, 0.1),)),
        Series("X", bars(13, 14, first=3), actions=(split(2, 0.5), split(3, 0.1))),
    ],
    ids=["by a bar that both have", "by how it goes on", "two splits"],
)
def test_bars_that_are_in_shares_of_after_a_split_already_stay_as_they_are(coming: Series) -> None:
    held = Series("X", bars(10, 11, 12))
    assert closes(held.joined(coming))[:3] == [10, 11, 12]


def test_a_split_in_the_middle_of_what_was_held_rescales_only_what_came_before_it() -> None:
    held = Series("X", bars(100, 110, 12, 13))
    assert closes(held.joined(Series("X", (), actions=(split(2, 0.1),)))) == [10, 11, 12, 13]


def test_a_factor_that_is_corrected_rescales_by_what_was_amiss() -> None:
    held = Series("X", bars(50, 55), actions=(split(2, 0.5),))
    corrected = Series("X", bars(11, 12, first=1), actions=(split(2, 0.1),))
    assert closes(held.joined(corrected)) == [10, 11, 12]


def test_what_is_untraded_is_kept_until_its_bar_comes() -> None:
    held = Series("X", bars(10), untraded=(at(1), at(2)))
    joined = held.joined(Series("X", bars(11, first=2), untraded=(at(3),)))
    assert joined.untraded == (at(1), at(3))
    assert joined.until(at(0)).untraded == (at(1), at(3))
    assert joined.with_bar(Bar(at(9), 12)).untraded == (at(1), at(3))


def test_a_split_that_the_source_misses_restates_the_bars_before_it_once_it_has_come() -> None:
    held = Series("X", bars(100, 110, 120))
    assert with_actions(held, (split(3, 0.1),), at(2)) == held
    known = with_actions(held, (split(3, 0.1), distribution(9, 1.0)), at(3))
    assert (closes(known), known.actions) == ([10, 11, 12], (split(3, 0.1),))
    assert with_actions(known, (split(3, 0.1),), at(9)) == known
    assert closes(with_actions(Series("X", bars(100, 11)), (split(1, 0.1),), at(1))) == [10, 11]


def test_what_the_source_says_of_an_action_stands() -> None:
    held = Series("X", bars(100, 110), actions=(distribution(1, 2.0),))
    assert with_actions(held, (distribution(1, 3.0),), at(5)) == held


def test_a_last_close_from_before_the_bars_keeps_what_is_known_before_it() -> None:
    known = (Known(at(5), "peak", "close", 200.0),)
    held = Series("X", bars(100), known)
    assert with_actions(held, (distribution(1, 2.0),), at(9)).before == known


def test_only_actions_between_two_sessions_count() -> None:
    actions = tuple(distribution(day, 1.0) for day in (1, 2, 3, 4))
    assert between(actions, at(1), at(3)) == actions[1:3]
    assert between(actions, at(4), at(9)) == ()
    assert between((), at(0), at(9)) == ()


@pytest.mark.parametrize(
    "amount,large", [(0.5, True), (0.4999999, False), (99.99, True), (100.0, False), (float("inf"), False)]
)
def test_a_distribution_is_large_from_half_a_per_cent_of_the_close_on(amount: float, large: bool) -> None:
    assert is_large(distribution(1, amount), 100.0) is large
    assert without(100.0, (distribution(1, amount),)) == (pytest.approx(100 - amount) if large else 100)


def test_a_day_is_compared_with_the_close_less_what_was_distributed() -> None:
    series = Series("X", bars(100, 99, 98), actions=(distribution(1, 2.0), distribution(2, 0.1)))
    found = reference_close(series, 1)
    assert (found.close, found.value, found.given) == (100, 98, (distribution(1, 2.0),))
    assert day_change_pct(series, 1, "HK", Calendar({})) == pytest.approx(100 / 98)
    small = reference_close(series, 2)
    assert (small.close, small.value, small.given) == (99, 99, ())
    # the rise of the first day is one for a holder, though the price fell
    assert streak(series, 1, "HK", Calendar({})) == 1
    card = quote_card(ANY, series, at(1), Calendar({}))
    assert card.day_change_pct == pytest.approx(100 / 98)
    assert card.gap_pct == pytest.approx(100 / 98)
    assert card.as_traded_pct == pytest.approx(-1)
    assert quote_card(ANY, series, at(2), Calendar({})).as_traded_pct is None


def test_extremes_stay_as_traded_whatever_was_distributed() -> None:
    plain = Series("X", bars(100, 60, 70))
    given_much = replace(plain, actions=(distribution(2, 20.0),))
    told = drawdown_card(ANY, given_much, at(2), "all")
    assert told == drawdown_card(ANY, plain, at(2), "all")


def test_bars_adjusted_up_to_a_distribution_tell_the_close_as_traded() -> None:
    adjusted = replace(bars(442.4)[0], adjusted=True)
    series = Series("X", (adjusted, *bars(471.6, first=1)), actions=(distribution(1, 13.2),))
    found = reference_close(series, 1)
    assert (found.close, found.value, found.given) == (455.6, 442.4, (distribution(1, 13.2),))
    unknown = reference_close(replace(series, actions=()), 1)
    assert (unknown.close, unknown.value, unknown.given) == (None, 442.4, ())


def test_a_split_is_given_but_changes_no_reference_for_the_bars_know_it() -> None:
    series = Series("X", bars(10, 11), actions=(split(1, 0.1),))
    found = reference_close(series, 1)
    assert (found.close, found.value, found.given) == (10, 10, (split(1, 0.1),))
    assert quote_card(ANY, series, at(1), Calendar({})).as_traded_pct is None


def test_after_a_suspension_a_day_is_compared_with_the_last_trade_and_not_with_a_gap() -> None:
    calendar = Calendar({"HK": tuple(at(day) for day in range(5))})
    held = Series("X", (*bars(100), *bars(90, first=4)), untraded=(at(1), at(2), at(3)))
    found = day_reference(held, 1, "HK", calendar)
    assert (found.session, found.value, found.suspended) == (at(0), 100, True)
    assert streak(held, 1, "HK", calendar) == -1
    lost = replace(held, untraded=(at(1), at(3)))
    with pytest.raises(NotKnown, match=f"the bar of the previous session, {at(2)}, is missing for X"):
        day_reference(lost, 1, "HK", calendar)


def test_a_distribution_in_a_suspension_is_taken_off_the_last_trade() -> None:
    calendar = Calendar({"HK": tuple(at(day) for day in range(5))})
    held = Series(
        "X", (*bars(100), *bars(90, first=4)), (), (distribution(2, 5.0),), "", (at(1), at(2), at(3))
    )
    assert day_reference(held, 1, "HK", calendar).value == 95


def test_a_listing_day_is_compared_with_nothing() -> None:
    with pytest.raises(NotKnown, match="no session before"):
        reference_close(Series("X", bars(10)), 0)


@given(PRICES, FACTORS, FACTORS)
def test_restating_twice_is_restating_by_the_product(price: float, first: float, second: float) -> None:
    assert rescaled(rescaled(price, first), second) == pytest.approx(
        rescaled(price, first * second), rel=1e-12
    )


@settings(max_examples=60, deadline=None)
@given(some.lists(PRICES, min_size=3, max_size=40), some.integers(1, 100), FACTORS)
def test_a_split_changes_no_percentage_of_any_day(prices: list[float], where: int, factor: float) -> None:
    """Told of it or not, a holder's moves, falls and rebounds are the same."""
    raw = Series(
        "X", bars(*prices), (Known(at(-5), "peak", "close", 250.0), Known(at(-4), "low", "close", 9.0))
    )
    day = 1 + where % len(prices)
    action = split(day, factor)
    # what was held is in the old shares, and what comes is in the new ones
    old, after = replace(raw, bars=raw.bars[:day]), Series("X", raw.bars[day:])
    came = Series("X", (_times(old.bars[-1], factor), *after.bars), actions=(action,))
    split_series = old.joined(came)
    unsplit = replace(raw, bars=(*old.bars, *(_times(each, 1 / factor) for each in after.bars)))
    for index in range(len(prices)):
        assert _percentages(split_series, index) == pytest.approx(
            _percentages(unsplit, index), rel=1e-9, abs=1e-7
        )


def _times(bar: Bar, factor: float) -> Bar:
    opened, high, low = (
        None if each is None else rescaled(each, factor) for each in (bar.open, bar.high, bar.low)
    )
    return Bar(bar.session, rescaled(bar.close, factor), opened, high, low, bar.volume)


def _percentages(series: Series, index: int) -> list[float]:
    session = series.sessions[index]
    quote = quote_card(ANY, series, session, Calendar({}))
    fallen = drawdown_card(ANY, series, session, "all")
    year = drawdown_card(ANY, series, session, "52w")
    return [each for card in (quote, fallen, year) for each in _of(card)]


def _of(card: QuoteCard | DrawdownCard) -> Iterable[float]:
    if isinstance(card, QuoteCard):
        yield from (each for each in (card.day_change_pct, card.gap_pct) if each is not None)
        yield from (each.change_pct for each in (card.from_peak, card.off_low) if each is not None)
        if card.year is not None:
            yield card.year.position_pct
        return
    known: list[Distance | None] = [*card.peak.values(), *card.low.values(), card.year_peak, card.worst]
    yield from (each.change_pct for each in known if each is not None)
    yield from (each.depth_pct for each in card.falls)
