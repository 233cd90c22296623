"""Every measure of an instrument as a column, a row a bar, and as the value of the last row.

A back-test asks for columns; a live look, for which the session so far is the last bar, asks the same
functions for the last row alone.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property

import numpy as np

from bot.market.bars import Series
from bot.rules.arrays import Floats
from bot.rules.bar_columns import Rows
from bot.rules.beside_columns import beside_column
from bot.rules.live_columns import change_over_minutes, premium_now, told_lately
from bot.rules.measures import Against, Breadth, Change, Measure, Premium, Ratio, Spread
from bot.rules.own_columns import REMAINS_NEW, Held, as_traded, lately, new_extremes, own_column, rows_needed
from bot.rules.premium_columns import premium_column
from bot.rules.scene import Members, Now, Others, Setting
from bot.rules.terms import NewExtreme, Story
from bot.rules.truth import Truth, Unknown, Value
from bot.rules.unknown_columns import why_unknown

__all__ = ["Held", "Members", "Now", "Others", "Scene"]

_UNKNOWN = -1


class Scene(Setting):
    """What is known where a look is made, and what it says of every measure."""

    def column(self, measure: Measure) -> Floats:
        """Return a measure's value at the final look at each bar, NaN where it is not known.

        Live, the last row is what the look says. A rule that never told has its change since told against the
        close before: what it told is known of the last row alone.
        """
        found = self._column(measure, self._rows)
        if self.now is not None and len(found):
            found = found.copy()
            value = self.value(measure)
            found[-1] = np.nan if isinstance(value, Unknown) else value
        return found

    def value(self, measure: Measure) -> Value:
        """Return the last row of the measure's column, or why it is not known."""
        found: float | None = math.nan
        match measure, self.now:
            case Premium(), Now() as now:
                return premium_now(measure, now)
            case Change(_, "m" | "h"), Now() as now:
                found = change_over_minutes(measure, now)
            case _ if self.series.bars:
                found = float(self._column(measure, self._tail(measure))[-1])
        if found is None or math.isnan(found):
            return Unknown(why_unknown(measure, self))
        return found

    def holds(self, atom: NewExtreme | Story, *, loose: bool) -> Truth:
        """Tell whether an extreme is new or a story came in; loosely an extreme is new for 20 sessions more.

        A new intraday extreme is seen in the session's range so far, one of closes in the last price.
        """
        if isinstance(atom, Story):
            return told_lately(atom, self.now)
        if not self.series.bars:
            return Unknown("no bars are held")
        settled = self.series.settled
        if settled is None:
            found = self._strict(atom, self.series)
        else:
            found = np.append(self._strict(atom, settled)[-REMAINS_NEW:], new_extremes(atom, self._last))
        if loose:
            found = lately(found)
        if found[-1] == _UNKNOWN:
            return Unknown("its window holds no session before this one")
        return bool(found[-1])

    def held_column(self, atom: NewExtreme | Story, *, loose: bool) -> Held:
        """Tell of each bar whether an extreme is new or a story came in: 1, 0, or -1 where nobody knows."""
        if isinstance(atom, Story):
            found = np.full(len(self._rows), _UNKNOWN, np.int8)
            if len(found):
                last = told_lately(atom, self.now)
                found[-1] = _UNKNOWN if isinstance(last, Unknown) else last
            return found
        strict = self._strict(atom, self.series)
        return lately(strict) if loose else strict

    def touch_column(self, *, up: bool) -> Floats:
        """Return the highest or the lowest price of each bar, NaN where its levels were not traded."""
        return as_traded(self._rows, self._rows.top if up else self._rows.bottom)

    @cached_property
    def _rows(self) -> Rows:
        return Rows(self.series, self.market, self.calendar)

    @cached_property
    def _last(self) -> Rows:
        return Rows(self.series, self.market, self.calendar, 1, self.now)

    def _tail(self, measure: Measure) -> Rows:
        """Return as few of the last rows as give a measure's last one the very number that all would."""
        match measure:
            case Against() | Breadth() | Ratio() | Spread():
                return self._last
            case Premium():
                return self._rows
        needed = rows_needed(measure)
        return self._last if needed == 1 else Rows(self.series, self.market, self.calendar, needed, self.now)

    def _column(self, measure: Measure, rows: Rows) -> Floats:
        match measure:
            case Against() | Breadth() | Ratio() | Spread():
                return beside_column(measure, self, rows)
            case Premium():
                return premium_column(measure, self, rows)
        return own_column(measure, rows)

    def _strict(self, atom: NewExtreme, series: Series) -> Held:
        """Tell of each bar of a series, all of them settled, whether it made a new extreme."""
        rows = Rows(series, self.market, self.calendar)
        return series.once(("new extreme", atom), lambda held: new_extremes(atom, replace(rows, series=held)))
