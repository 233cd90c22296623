"""Why a measure's last row is not known, in words that end a sentence."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from bot.errors import NotKnown
from bot.market.bars import Bar, Series
from bot.market.reference import day_reference
from bot.market.twins import Twin
from bot.rules.bar_columns import Rows
from bot.rules.beside_columns import rows_of, settles_by
from bot.rules.measures import (
    Against,
    Average,
    Breadth,
    Change,
    ChangeSince,
    Day,
    Drawdown,
    FromCost,
    Gap,
    Measure,
    OffLow,
    Position,
    Premium,
    Price,
    Ratio,
    Rsi,
    Sigmas,
    SinceTold,
    Spread,
    Volume,
)
from bot.rules.own_columns import base_of, lost_before
from bot.rules.premium_columns import rate_symbol, twins_of
from bot.rules.scene import Setting

_NOT_TRADED = "its bars are adjusted for dividends, and their levels were not traded"
_NO_SESSION = "its window holds no session before this one"


def why_unknown(measure: Measure, setting: Setting) -> str:
    """Return why a measure of the last bar, whose value is not known, is not."""
    if not setting.series.bars:
        return "no bars are held"
    return _REASONS[type(measure)](measure, setting)


def _day(when: date) -> str:
    return f"{when.day} {when:%b %Y}"


def _last(setting: Setting) -> Bar:
    return setting.series.bars[-1]


def _without_reference(series: Series, market: str, setting: Setting) -> str:
    """Return why the last bar has nothing that it is compared with; nothing where it has."""
    try:
        day_reference(series, len(series.bars) - 1, market, setting.calendar)
    except NotKnown as error:
        return str(error).rstrip(".")
    return ""


def _of_level(measure: Price | FromCost, setting: Setting) -> str:
    del measure, setting
    return _NOT_TRADED


def _of_day(measure: Day | Gap | SinceTold, setting: Setting) -> str:
    del measure
    missing = _without_reference(setting.series, setting.market, setting)
    return missing or "its opening price is not known"


def _of_sigmas(measure: Sigmas, setting: Setting) -> str:
    held, asked = max(len(setting.series.bars) - 2, 0), measure.sessions
    if held < asked:
        return f"only {held} of {asked} daily returns before it are held"
    missing = _without_reference(setting.series, setting.market, setting)
    return missing or f"the {asked} daily returns before it do not differ"


def _of_change(measure: Change, setting: Setting) -> str:
    if measure.span != "sessions":
        if setting.now is None:
            return "daily bars do not tell minutes"
        return f"the price of {measure.count}{measure.span} ago is not known"
    held = len(setting.series.bars) - 1
    if held < measure.count:
        return f"only {held} of {measure.count} sessions before it are held"
    lost = Rows(setting.series, setting.market, setting.calendar, measure.count + 1).lost()
    return f"a session before it, {_day(date.fromordinal(int(lost[-1])))}, is missing"


def _of_change_since(measure: ChangeSince, setting: Setting) -> str:
    base = base_of(setting.series, measure)
    if base is None:
        return f"its bars begin on {_day(setting.series.bars[0].session)}"
    rows = Rows(setting.series, setting.market, setting.calendar)
    if lost := lost_before(rows, measure, base):
        return f"the session of {_day(lost[-1])} is missing"
    return f"no session after {_day(measure.start)} is held"


def _of_extreme(measure: OffLow | Drawdown, setting: Setting) -> str:
    del measure, setting
    return _NO_SESSION


def _of_position(measure: Position, setting: Setting) -> str:
    rows = Rows(setting.series, setting.market, setting.calendar, 1)
    low = rows.extremes("intraday", measure.window, "low")
    return _NO_SESSION if math.isnan(low[-1]) else "its window has no range"


def _of_volume(measure: Volume, setting: Setting) -> str:
    held, asked = len(setting.series.bars) - 1, measure.sessions
    if held < asked:
        return f"only {held} of {asked} sessions before it are held"
    if _last(setting).volume is None:
        return "its volume is not known"
    if not all(each.volume for each in setting.series.bars[-asked - 1 : -1]):
        return f"the volume of one of the {asked} sessions before it is not known"
    return "how its volume comes over a day is known after 5 sessions; until then, at the close alone"


def _of_rsi(measure: Rsi, setting: Setting) -> str:
    held = len(setting.series.bars) - 1
    if held < measure.sessions:
        return f"only {held} of {measure.sessions} sessions before it are held"
    return "its price has not moved"


def _of_average(measure: Average, setting: Setting) -> str:
    held = len(setting.series.bars)
    return f"only {held} of {measure.sessions} sessions are held" if held < measure.sessions else _NOT_TRADED


def _of_other(measure: Against | Ratio | Spread, setting: Setting) -> str:
    session, symbol = _last(setting).session, measure.symbol
    other = rows_of(symbol, setting, Rows(setting.series, setting.market, setting.calendar, 1))
    if other is None:
        return f"no price of {symbol} is known"
    if not settles_by(other.market, setting):
        return f"{symbol} closes later on the same day"
    if other.series.index_of(session) is None:
        return f"no close of {symbol} is known for {_day(session)}"
    if not isinstance(measure, Against):
        return _NOT_TRADED if _last(setting).adjusted else f"the bars of {symbol} are adjusted for dividends"
    missing = _without_reference(setting.series, setting.market, setting)
    return missing or _without_reference(other.series, other.market, setting)


def _of_breadth(measure: Breadth, setting: Setting) -> str:
    session = _last(setting).session
    if not setting.members(measure.index, session):
        return f"no constituent of {measure.index} is watched"
    return f"no watched constituent of {measure.index} is known to have traded on {_day(session)}"


def _of_premium(measure: Premium, setting: Setting) -> str:
    """Say what is wanting of a premium from daily bars; a live look is told its own reason."""
    symbol = setting.instrument.symbol
    held = [each for each in twins_of(setting) if each.since <= _last(setting).session]
    if not held:
        return f"no other line of {symbol} is known"
    if symbol == held[-1].adr and measure.kind == "premium at open":
        return "Hong Kong does not open while New York trades"
    if symbol == held[-1].symbol and measure.kind == "implied gap":
        return "Hong Kong has opened since New York’s close"
    return _of_prices(held[-1], setting)


def _of_prices(twin: Twin, setting: Setting) -> str:
    rows = Rows(setting.series, setting.market, setting.calendar)
    line = twin.symbol if setting.instrument.symbol == twin.adr else twin.adr
    rate = rate_symbol(twin, setting)
    others = {each: rows_of(each, setting, rows) for each in (line, rate) if each is not None}
    for symbol, other in others.items():
        if other is None or not len(other):
            return f"no price of {symbol} is known"
        if other.series.bars[-1].adjusted:
            return f"the bars of {symbol} are adjusted for dividends"
    if _last(setting).adjusted:
        return _NOT_TRADED
    return "the bars held do not tell that one side traded after the other, at a rate that is known"


_REASONS: Mapping[type, Callable[[Any, Setting], str]] = MappingProxyType(
    {
        Price: _of_level,
        FromCost: _of_level,
        Day: _of_day,
        Gap: _of_day,
        SinceTold: _of_day,
        Sigmas: _of_sigmas,
        Change: _of_change,
        ChangeSince: _of_change_since,
        OffLow: _of_extreme,
        Drawdown: _of_extreme,
        Position: _of_position,
        Volume: _of_volume,
        Rsi: _of_rsi,
        Average: _of_average,
        Against: _of_other,
        Ratio: _of_other,
        Spread: _of_other,
        Breadth: _of_breadth,
        Premium: _of_premium,
    }
)
