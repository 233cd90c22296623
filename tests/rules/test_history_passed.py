"""How far an episode had come of which only extremes are known, and no bar."""

from __future__ import annotations

from bot.market.bars import Bar, Calendar, Known, Series
from bot.rules.conditions import FromExtreme
from bot.rules.past import passed_in_history
from bot.rules.standing import last_footing
from tests.rules.listening import day, rule


def test_an_episode_that_began_before_every_bar_is_as_far_as_its_known_extremes_say() -> None:
    known = (
        Known(day(0), "low", "close", 50.0),
        Known(day(300), "low", "close", 55.0),
        Known(day(310), "peak", "close", 66.0),
    )
    history = Series("X", (), known)
    off_low = rule(FromExtreme("low", (10.0, 20.0, 30.0), "close", "touch", "52w"))
    # by now the low of the episode is older than its window, and a later one is compared with
    footing = last_footing(off_low, history.with_bar(Bar(day(400), 60.0)), Calendar({}), "HK")
    assert footing is not None
    assert (footing.episode, footing.reference.value) == ("close 2021-01-04 50.0", 55.0)
    assert set(passed_in_history(off_low, footing, history).values()) == {20.0}
