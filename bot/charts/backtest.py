"""The picture of a back-test: the closes with every alert marked, and below them what came after.

::

    the rule
    the instrument, and how often the rule fired
    ● 20% (4)  ■ 30% (2)              where every alert has its mark on the line
    the closes, on a log scale where they are far apart
    | ||    |   |  || |    +2% (78)   a row of strokes for each step where there are too many for marks
    what came after 1, 5 and 20 sessions: half of all moves as a bar, its median as a stroke and as a number
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from datetime import date

from matplotlib.axes import Axes

from bot.charts.marks import Marks, are_few, marks_of, side_of
from bot.charts.scales import date_ticks, percent_ticks, price_scale
from bot.charts.sheet import INK, LARGE, SMALL, SOFT, TEXT, Sheet, points
from bot.charts.wire import NotDrawn
from bot.messages.pictures import After, BacktestPicture, summary
from bot.messages.words import percent
from bot.rules.report import Changes

WIDTH, HEIGHT = 1000, 700

_LEFT, _RIGHT = 24, 976
_PLOT_RIGHT = 860
_HEAD = 94
_ROW = 36
_STRIP = 26
_AFTER = 474
_LINE, _OWN, _ALL = "#5a6373", "#3d5a99", "#c3cad6"
_MOST = 50_000
_PRICE_TICK, _DATE_TICKS, _PERCENT_TICKS = 44, 6, 5


def draw(facts: BacktestPicture) -> bytes:
    """Return the picture as PNG; `NotDrawn` where the facts make none."""
    _check(facts)
    sheet = Sheet(WIDTH, HEIGHT)
    _head(sheet, facts)
    marks = marks_of(facts.fires)
    top, bottom = _HEAD + 14.0, _AFTER - 56 if facts.after else HEIGHT - 40
    few = are_few(facts.fires)
    if few and marks:
        top += _key(sheet, marks, _HEAD + 18) + 10
    strips = 0 if few else len(marks) * _STRIP
    _prices(sheet, facts, top, bottom - strips)
    if not few:
        _strips(sheet, facts.sessions, marks, bottom - strips)
    if facts.after:
        _after(sheet, facts.after, _AFTER)
    return sheet.png()


def _check(facts: BacktestPicture) -> None:
    if not 1 < len(facts.sessions) <= _MOST or len(facts.sessions) != len(facts.closes):
        raise NotDrawn(f"a line needs from 2 to {_MOST:,} sessions with a close each")
    if any(later <= earlier for earlier, later in zip(facts.sessions, facts.sessions[1:], strict=False)):
        raise NotDrawn("its sessions are not in order")
    if not all(math.isfinite(each) and each > 0 for each in facts.closes):
        raise NotDrawn("one of its closes is no price")


def _head(sheet: Sheet, facts: BacktestPicture) -> None:
    """Write the rule, and what it is about."""
    room = _RIGHT - _LEFT
    rule = sheet.letters.shown(facts.rule, facts.symbol)
    size = next((each for each in (LARGE, 25) if sheet.width_of(rule, each, "bold") <= room), TEXT)
    sheet.write(_LEFT, 32, sheet.cut(rule, size, room, "bold"), size, weight="bold")
    said = f"{sheet.letters.shown(facts.name, facts.symbol)}: {summary(facts)}"
    sheet.write(_LEFT, 74, sheet.cut(said, TEXT, room), TEXT, color=SOFT)


def _key(sheet: Sheet, marks: tuple[Marks, ...], y: float) -> float:
    """Say what the marks mean; return how high that is in pixels."""
    rows, x = 1, float(_LEFT)
    for each in marks:
        text = sheet.letters.shown(each.text, "alert")
        wide = 26 + sheet.width_of(text, TEXT)
        if x + wide > _RIGHT and x > _LEFT:
            rows, x = rows + 1, float(_LEFT)
        middle = y + (rows - 1) * _ROW
        place = sheet.bare(x, x + 18, middle - 9, middle + 9)
        place.plot([0.5], [0.5], each.shape, color=each.colour, markersize=points(15), clip_on=False)
        sheet.write(x + 26, middle, text, TEXT)
        x += wide + 32
    return rows * _ROW


def _prices(sheet: Sheet, facts: BacktestPicture, top: float, bottom: float) -> None:
    """Draw the closes, and on them the alerts where they are few."""
    scale = price_scale(facts.closes, round((bottom - top) / _PRICE_TICK))
    axes = sheet.axes(_LEFT, _PLOT_RIGHT, top, bottom)
    axes.set_yscale("log" if scale.is_log else "linear")
    axes.set_ylim(scale.low, scale.high)
    _set_days(axes, facts.sessions)
    days = [each.toordinal() for each in facts.sessions]
    axes.plot(days, facts.closes, color=_LINE, linewidth=points(2.2), solid_joinstyle="round")
    for rank, marks in enumerate(marks_of(facts.fires) if are_few(facts.fires) else ()):
        # One between two sessions stands at the earlier.
        places = [max(0, bisect_right(facts.sessions, each) - 1) for each in marks.sessions]
        axes.plot(
            [days[each] for each in places],
            [facts.closes[each] for each in places],
            marks.shape,
            color=marks.colour,
            markersize=points(side_of(facts.fires)),
            markeredgecolor="white",
            markeredgewidth=points(1.2),
            zorder=3 + rank,
        )
    sheet.beside(axes, scale.ticks)
    if are_few(facts.fires):
        sheet.along(axes, date_ticks(facts.sessions[0], facts.sessions[-1], _DATE_TICKS))
    else:
        axes.set_xticks([])
    if scale.is_log:
        sheet.write(_LEFT + 4, top + 12, "log scale", SMALL, color=SOFT)


def _strips(sheet: Sheet, sessions: Sequence[date], marks: tuple[Marks, ...], top: float) -> None:
    """Draw a row of strokes for each step, the dates below the last."""
    bottom = top + len(marks) * _STRIP
    axes = sheet.axes(_LEFT, _PLOT_RIGHT, top, bottom)
    axes.set_ylim(bottom, top)
    _set_days(axes, sessions)
    for rank, each in enumerate(marks):
        middle = top + (rank + 0.5) * _STRIP
        days = [session.toordinal() for session in each.sessions]
        axes.vlines(days, middle - 9, middle + 9, color=each.colour, linewidth=points(1.6), alpha=0.8)
        text = sheet.letters.shown(each.step, "alerts")
        sheet.write(_PLOT_RIGHT + 8, middle, sheet.cut(text, SMALL, _RIGHT - _PLOT_RIGHT - 8), SMALL)
    sheet.along(axes, date_ticks(sessions[0], sessions[-1], _DATE_TICKS))


def _set_days(axes: Axes, sessions: Sequence[date]) -> None:
    first, last = sessions[0].toordinal(), sessions[-1].toordinal()
    air = (last - first) * 0.012
    axes.set_xlim(first - air, last + air)


def _after(sheet: Sheet, after: tuple[After, ...], y: float) -> None:
    """Draw how the instrument moved after the alerts, beside how it moved after every day."""
    count = max(each.fired.n for each in after)
    own = f"after {count} alert{'' if count == 1 else 's'}"
    _block(sheet.bare(_LEFT, _LEFT + 30, y - 9, y + 9), 0.5, 1.0, (0.0, 1.0), is_own=True)
    sheet.write(_LEFT + 40, y, own, TEXT)
    x = _LEFT + 40 + sheet.width_of(own, TEXT) + 36
    _block(sheet.bare(x, x + 30, y - 9, y + 9), 0.5, 1.0, (0.0, 1.0), is_own=False)
    sheet.write(x + 40, y, "after every day", TEXT)
    sheet.write(_RIGHT, y, "median, share up", TEXT, ha="right", color=SOFT)

    ends = [end for each in after for spread in (each.fired, each.all_days) for end in (spread.q1, spread.q3)]
    low, high = min(0.0, *ends), max(0.0, *ends)
    air = (high - low) * 0.05 or 1.0
    top, bottom = y + 22, HEIGHT - 38
    axes = sheet.axes(190, 690, top, bottom)
    axes.set_xlim(low - air, high + air)
    axes.set_ylim(bottom, top)
    axes.axvline(0, color=INK, linewidth=points(1.5))
    room = (bottom - top) / len(after)
    for at, each in enumerate(after):
        middle = top + room * (at + 0.5)
        sheet.write(_LEFT, middle, f"{each.sessions} session{'' if each.sessions == 1 else 's'}", TEXT)
        _spread(sheet, axes, middle - 12, each.fired, is_own=True)
        _spread(sheet, axes, middle + 12, each.all_days, is_own=False)
    sheet.along(axes, percent_ticks(low - air, high + air, _PERCENT_TICKS))


def _spread(sheet: Sheet, axes: Axes, middle: float, spread: Changes, *, is_own: bool) -> None:
    _block(axes, middle, 16, (spread.q1, spread.q3), is_own=is_own)
    axes.plot([spread.median] * 2, [middle - 10, middle + 10], color=INK, linewidth=points(4), zorder=4)
    text = f"{percent(spread.median)}, {spread.share_up * 100:.0f}%"
    colour, weight = (INK, "bold") if is_own else (SOFT, "normal")
    sheet.write(_RIGHT, middle, text, TEXT, ha="right", color=colour, weight=weight)


def _block(axes: Axes, middle: float, height: float, ends: tuple[float, float], *, is_own: bool) -> None:
    """Draw the middle half of all moves: filled after alerts, hatched after every day."""
    colour, hatch = (_OWN, None) if is_own else (_ALL, "///")
    axes.barh(
        middle,
        ends[1] - ends[0],
        height,
        ends[0],
        facecolor=colour,
        hatch=hatch,
        edgecolor="white",
        linewidth=0,
        zorder=3,
    )
